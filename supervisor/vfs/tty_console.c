/*
 * tty_console.c: the container's console: a terminal whose master side is the relay socket to
 * the monitor, which connects it with the user's terminal.
 *
 * Output is sent to the relay at once by whoever produced it; what the socket does not take
 * waits in the terminal's queue for the relay thread.  That thread also reads what is typed,
 * so that ^C works while no program reads.
 */
#include "supervisor/vfs/tty_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef MSG_NOSIGNAL
#define SEND_FLAGS (MSG_DONTWAIT | MSG_NOSIGNAL)
#else
#define SEND_FLAGS MSG_DONTWAIT
#endif

#define LOST_INPUT_WAIT_MS 50

/* Has the relay thread look again. */
static void wake_relay(struct tty *tty)
{
	ssize_t n;

	do {
		n = write(tty->wake_pipe[1], "", 1);
	} while (n < 0 && errno == EINTR); /* a full pipe wakes as well */
}

void tty_console_send_locked(struct tty *tty)
{
	uint8_t buf[1024];

	while (tty->out.count > 0 && !tty->relay_lost) {
		size_t n = queue_peek(&tty->out, buf, sizeof(buf));
		ssize_t sent = send(tty->relay_fd, buf, n, SEND_FLAGS);

		if (sent > 0) {
			queue_drop(&tty->out, (size_t)sent);
			continue;
		}
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
			tty->relay_lost = true;
			break;
		}
		if (!tty->relay_waits) {
			tty->relay_waits = true;
			wake_relay(tty);
		}
		return;
	}
	if (tty->relay_lost) /* nobody is there to see it */
		queue_drop(&tty->out, tty->out.count);
	waitq_wake(&tty->write_wait, LX_POLL_WRITABLE);
}

/* What the thread shall wait for: output that is left, room for input. */
static short relay_interest(struct tty *tty)
{
	short events = 0;

	tty_lock(tty);
	tty_pump_locked(tty);
	if (tty->out.count > 0)
		events |= POLLOUT;
	else
		tty->relay_waits = false;
	if (queue_room(&tty->in) > 0)
		events |= POLLIN;
	tty_unlock(tty);
	return events;
}

/* Reads what was typed; false at the end of the relay (ended: poll saw it). */
static bool relay_read(struct tty *tty, bool ended)
{
	uint8_t buf[1024];
	uint32_t room;
	ssize_t n;

	tty_lock(tty);
	room = queue_room(&tty->in);
	tty_unlock(tty);
	if (room == 0)
		return !ended;
	n = recv(tty->relay_fd, buf, MIN((size_t)room, sizeof(buf)), MSG_DONTWAIT);
	if (n > 0) {
		tty_type(tty, buf, (size_t)n); /* only this thread fills `in`: it has the room */
		return true;
	}
	return n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK);
}

static void drain_wake_pipe(struct tty *tty)
{
	uint8_t buf[64];

	while (read(tty->wake_pipe[0], buf, sizeof(buf)) > 0)
		;
}

static void *relay_main(void *arg)
{
	struct tty *tty = arg;
	bool alive = true;

	while (alive) {
		struct pollfd p[2] = {{.fd = tty->relay_fd, .events = relay_interest(tty)},
				      {.fd = tty->wake_pipe[0], .events = POLLIN}};
		/* Input that finds no room is looked at again when something was read. */
		int timeout = p[0].events & POLLIN ? -1 : LOST_INPUT_WAIT_MS;

		if (poll(p, 2, timeout) < 0 && errno != EINTR)
			break;
		if (p[1].revents)
			drain_wake_pipe(tty);
		if (p[0].revents & POLLOUT) {
			tty_lock(tty);
			tty_console_send_locked(tty);
			tty_unlock(tty);
		}
		if (p[0].revents & (POLLIN | POLLHUP | POLLERR))
			alive = relay_read(tty, p[0].revents & (POLLHUP | POLLERR));
	}
	tty_lock(tty);
	tty->relay_lost = true;
	tty_console_send_locked(tty);
	tty_unlock(tty);
	tty_hangup(tty);
	tty_put(tty);
	return NULL;
}

static int make_wake_pipe(int fds[2])
{
	if (pipe(fds) != 0)
		return -LX_EMFILE;
	for (int i = 0; i < 2; i++) {
		(void)fcntl(fds[i], F_SETFL, O_NONBLOCK);
		(void)fcntl(fds[i], F_SETFD, FD_CLOEXEC);
	}
	return 0;
}

int tty_console_new(struct guest *g, int relay_fd, uint16_t rows, uint16_t columns)
{
	pthread_t thread;
	struct tty *tty;
	int ret = tty_new(g, &tty);

	if (ret < 0) {
		close(relay_fd);
		return ret;
	}
	tty->is_console = true;
	tty->relay_fd = relay_fd;
	tty->size.ws_row = rows;
	tty->size.ws_col = columns;
	ret = make_wake_pipe(tty->wake_pipe);
	if (ret < 0)
		goto fail;
	ret = pts_add(g, tty);
	if (ret < 0)
		goto fail;
	tty_get(tty); /* the thread's */
	if (pthread_create(&thread, NULL, relay_main, tty) != 0) {
		tty_put(tty);
		pts_remove(g, tty);
		ret = -LX_EAGAIN;
		goto fail;
	}
	pthread_detach(thread);
	tty_put(tty);
	return 0;
fail:
	close(relay_fd);
	for (int i = 0; i < 2; i++) {
		if (tty->wake_pipe[i] >= 0)
			close(tty->wake_pipe[i]);
	}
	tty_put(tty);
	return ret;
}

int tty_console_open(struct task *t, struct file **out)
{
	struct tty *tty = tty_console_get(t->guest);
	char name[32];
	int ret;

	if (!tty)
		return -LX_ENODEV;
	snprintf(name, sizeof(name), "/dev/pts/%d", tty->index);
	ret = vfs_open(t, LX_AT_FDCWD, name, LX_O_RDWR, 0, 0, out);
	if (ret < 0)
		ret = vfs_open(t, LX_AT_FDCWD, "/dev/console", LX_O_RDWR, 0, 0, out);
	tty_put(tty);
	return ret;
}

void tty_console_resize(struct guest *g, uint16_t rows, uint16_t columns)
{
	struct lx_winsize size = {.ws_row = rows, .ws_col = columns};
	struct tty *tty = tty_console_get(g);

	if (!tty)
		return;
	tty_set_size(tty, &size);
	tty_put(tty);
}

int tty_console_set_controlling(struct guest *g, struct tgroup *tg)
{
	struct tty *tty = tty_console_get(g);

	if (!tty)
		return -LX_ENODEV;
	tty_acquire_on_open(tg->leader, tty, LX_O_RDWR);
	tty_put(tty);
	return 0;
}

void tty_console_drain(struct guest *g, int timeout_ms)
{
	struct tty *tty = tty_console_get(g);
	int64_t deadline = deadline_after((int64_t)timeout_ms * 1000000);

	if (!tty)
		return;
	for (;;) {
		struct pollfd p = {.fd = tty->relay_fd, .events = POLLOUT};
		bool empty;

		tty_lock(tty);
		tty_console_send_locked(tty);
		empty = tty->out.count == 0;
		tty_unlock(tty);
		if (empty || now_ns() >= deadline)
			break;
		(void)poll(&p, 1, 20);
	}
	tty_put(tty);
}
