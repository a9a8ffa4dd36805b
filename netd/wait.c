/*
 * wait.c: wait_ready: answers when a socket is ready for what the guest waits for.  All waits at a
 * socket share one watch of the event loop, which asks for the union of their events.
 */
#include "netd/session.h"

#include "common/lx/errno.h"
#include "common/lx/poll.h"
#include "common/plat/poll.h"

static unsigned loop_events(uint32_t events)
{
	return (events & (LX_POLLIN | LX_POLLRDNORM | LX_POLLPRI | LX_POLLRDHUP) ? EVLOOP_READ
	                                                                         : 0) |
	       (events & (LX_POLLOUT | LX_POLLWRNORM) ? EVLOOP_WRITE : 0);
}

static void on_ready(struct evwatch *w, int64_t events);

/* Watches for what is still waited for. */
static int update_watch(struct netd_session *s, struct netd_sock *sock)
{
	struct netd_wait *wait;
	unsigned events = 0;

	list_for_each_entry (wait, &sock->waits, link)
		events |= loop_events(wait->events);
	if (list_empty(&sock->waits)) {
		evloop_del(&sock->watch);
		return 0;
	}
	if (evwatch_active(&sock->watch))
		return evloop_set_events(&sock->watch, events);
	return evloop_add_fd(s->loop, &sock->watch, sock->fd, events, on_ready, sock);
}

static void finish(struct netd_wait *wait, int64_t result, uint32_t events)
{
	struct netd_wait_ready_rep rep = {.events = events};

	list_del_init(&wait->link);
	netd_finish_wait_ready(wait->call, result, &rep, NULL);
	free(wait);
}

static void on_ready(struct evwatch *w, int64_t events)
{
	struct netd_sock *sock = w->arg;
	struct netd_wait *wait, *next;
	uint32_t ready = plat_poll_now(sock->fd);

	(void)events;
	list_for_each_entry_safe (wait, next, &sock->waits, link) {
		uint32_t got = ready & (wait->events | LX_POLLERR | LX_POLLHUP);

		if (got)
			finish(wait, 0, got);
	}
	if (list_empty(&sock->waits))
		evloop_del(&sock->watch);
}

static void cancelled(struct ipc_call *call, void *arg)
{
	struct netd_wait *wait = arg;
	struct netd_sock *sock = wait->sock;

	(void)call;
	finish(wait, -LX_ECANCELED, 0);
	if (list_empty(&sock->waits))
		evloop_del(&sock->watch);
}

void netd_waits_cancel(struct netd_sock *sock)
{
	struct netd_wait *wait, *next;

	evloop_del(&sock->watch);
	list_for_each_entry_safe (wait, next, &sock->waits, link)
		finish(wait, -LX_EBADF, 0);
}

int64_t netd_do_wait_ready(struct netd_session *s, const struct netd_wait_ready_req *req,
                           struct netd_wait_ready_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct netd_sock *sock = netd_sock_find(s, req->handle);
	struct netd_wait *wait;
	int r;

	(void)in, (void)out;
	if (!sock)
		return -LX_EBADF;
	rep->events = plat_poll_now(sock->fd) & (req->events | LX_POLLERR | LX_POLLHUP);
	if (rep->events)
		return 0;
	wait = calloc(1, sizeof(*wait));
	if (!wait)
		return -LX_ENOMEM;
	wait->sock = sock;
	wait->events = req->events;
	wait->call = ipc_conn_defer(s->conn, cancelled, wait);
	if (!wait->call) {
		free(wait);
		return -LX_ENOMEM;
	}
	list_add_tail(&wait->link, &sock->waits);
	r = update_watch(s, sock);
	if (r < 0)
		finish(wait, r, 0);
	return 0;
}

int64_t netd_do_ready(struct netd_session *s, const struct netd_ready_req *req,
                      struct netd_ready_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct netd_sock *sock = netd_sock_find(s, req->handle);

	(void)in, (void)out;
	if (!sock)
		return -LX_EBADF;
	rep->events = plat_poll_now(sock->fd);
	return 0;
}
