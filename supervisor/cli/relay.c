/* relay.c: see relay.h. */
#include "supervisor/cli/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long the rest of the output may take to arrive once the guest has ended. */
#define DRAIN_TIMEOUT_MS 1000

/* The terminal is in blocking mode; a short write only means a signal came. */
static void write_terminal(const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, data, len);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};

			poll(&p, 1, -1);
			continue;
		}
		if (n < 0 && errno != EINTR)
			return;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
}

static void watch_both(struct relay *r)
{
	bool full = r->pending_len > 0;
	/* Failing to change what is watched would need the loop itself to be broken. */
	int ret = evloop_set_events(&r->from_guest, EVLOOP_READ | (full ? EVLOOP_WRITE : 0u));

	if (ret == 0 && evwatch_active(&r->from_user))
		ret = evloop_set_events(&r->from_user, full ? 0 : EVLOOP_READ);
	if (ret < 0)
		evloop_stop(r->from_guest.loop);
}

static void flush_pending(struct relay *r)
{
	ssize_t n = send(r->socket, r->pending, r->pending_len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n > 0) {
		r->pending_len -= (size_t)n;
		memmove(r->pending, r->pending + n, r->pending_len);
	} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
		r->pending_len = 0;
	}
	watch_both(r);
}

static void on_user(struct evwatch *w, int64_t events)
{
	struct relay *r = w->arg;
	ssize_t n = read(STDIN_FILENO, r->pending, sizeof(r->pending));

	(void)events;
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		evloop_del(w);
		r->user_done = true;
		return;
	}
	r->pending_len = (size_t)n;
	flush_pending(r);
}

static void on_guest(struct evwatch *w, int64_t events)
{
	struct relay *r = w->arg;
	uint8_t data[RELAY_BUFFER];
	ssize_t n;

	if ((events & EVLOOP_WRITE) && r->pending_len > 0)
		flush_pending(r);
	if (!(events & (EVLOOP_READ | EVLOOP_HUP)))
		return;
	n = recv(r->socket, data, sizeof(data), MSG_DONTWAIT);
	if (n > 0)
		write_terminal(data, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		evloop_del(w);
}

int relay_start(struct relay *r, struct evloop *loop, int socket)
{
	int ret;

	r->socket = socket;
	r->pending_len = 0;
	ret = evloop_add_fd(loop, &r->from_guest, socket, EVLOOP_READ, on_guest, r);
	if (ret < 0)
		return ret;
	return evloop_add_fd(loop, &r->from_user, STDIN_FILENO, EVLOOP_READ, on_user, r);
}

void relay_finish(struct relay *r)
{
	uint8_t data[RELAY_BUFFER];
	struct pollfd p = {.fd = r->socket, .events = POLLIN};

	if (r->socket < 0)
		return;
	evloop_del(&r->from_user);
	evloop_del(&r->from_guest);
	while (poll(&p, 1, DRAIN_TIMEOUT_MS) > 0) {
		ssize_t n = recv(r->socket, data, sizeof(data), MSG_DONTWAIT);

		if (n > 0)
			write_terminal(data, (size_t)n);
		else if (n == 0 || errno != EINTR)
			break;
	}
	close(r->socket);
	r->socket = -1;
}
