/*
 * inet_io.c: data and readiness of internet sockets.
 *
 * Host sockets never block: an attempt that would is followed by a wait for readiness and another
 * attempt.  One large segment of a stream goes straight between the guest's memory and the host;
 * datagrams, and what is scattered, pass through a buffer, because a message must be one call.
 */
#include "common/lx/poll.h"
#include "common/plat/poll.h"
#include "common/plat/socket.h"
#include "ipc/bulk.h"
#include "supervisor/guest.h"
#include "supervisor/net/inet.h"
#include "supervisor/task/task.h"

#define DGRAM_MAX    65536u /* more than any datagram */
#define GATHER_MAX   65536u /* scattered stream data in one call */
#define BULK_AT_ONCE 65536u
#define CONTROL_ROOM 4096u

/* ---- readiness ---- */

static void wait_answered(struct ipc_async *a, int64_t result, const void *rep, struct ipc_fds *fds)
{
	struct inet_sock *i = a->arg;
	const struct netd_wait_ready_rep *ready = rep;

	(void)fds;
	pthread_mutex_lock(&i->lock);
	i->waiting = false;
	pthread_mutex_unlock(&i->lock);
	waitq_wake(&i->wait, result >= 0 ? ready->events : 0);
	inet_put(i);
}

/* True if the caller is to submit a wait for events, for which it got a reference. */
static bool start_waiting(struct inet_sock *i, uint32_t events, bool *cancel)
{
	bool submit = false;

	pthread_mutex_lock(&i->lock);
	if (!i->waiting) {
		i->waiting = submit = true;
		i->waiting_for = events;
		i->want_more = false;
		__atomic_fetch_add(&i->refs, 1, __ATOMIC_RELAXED);
	} else if (events & ~i->waiting_for) {
		/* Its answer wakes everyone, and who wants something else asks again. */
		i->want_more = *cancel = true;
	}
	pthread_mutex_unlock(&i->lock);
	return submit;
}

/* Has netd announce events, unless it has been asked for them already.  A wait that is not known
 * to netd yet cannot be cancelled: who submits it looks again afterwards. */
static void ask(struct inet_sock *i, uint32_t events)
{
	struct netd_wait_ready_req req = {i->handle, events};
	bool cancel = false;

	if (start_waiting(i, events, &cancel)) {
		i->async.done = wait_answered;
		i->async.arg = i;
		if (netd_submit_wait_ready(i->s.guest->netd, &req, &i->async) < 0) {
			pthread_mutex_lock(&i->lock);
			i->waiting = false;
			pthread_mutex_unlock(&i->lock);
			inet_put(i);
			return;
		}
		pthread_mutex_lock(&i->lock);
		cancel = i->waiting && i->want_more;
		pthread_mutex_unlock(&i->lock);
	}
	if (cancel)
		ipc_client_cancel(i->s.guest->netd, &i->async);
}

static uint32_t ready_now(struct inet_sock *i)
{
	struct netd_ready_rep rep = {0};

	if (i->fd >= 0)
		return plat_poll_now(i->fd);
	if (netd_call_ready(i->s.guest->netd, &(struct netd_ready_req){i->handle}, &rep, NULL) < 0)
		return LX_POLLERR | LX_POLLHUP;
	return rep.events;
}

uint32_t inet_ready(struct inet_sock *i, uint32_t events)
{
	uint32_t always = LX_POLLERR | LX_POLLHUP, ready = ready_now(i);

	if (ready & (events | always))
		return ready;
	if (i->fd >= 0)
		hostpoll_arm(i->poll, events);
	else
		ask(i, events);
	/* What came between looking and asking. */
	return ready_now(i);
}

/*
 * With a descriptor the host reports the changes.  Otherwise what is not ready is waited for, and
 * what is ready once it has been received or sent (asked_again).
 */
uint32_t inet_ready_edges(struct inet_sock *i, uint32_t events)
{
	uint32_t ready;

	if (i->fd >= 0) {
		hostpoll_watch(i->poll);
		return ready_now(i);
	}
	__atomic_store_n(&i->edges, true, __ATOMIC_RELEASE);
	ready = ready_now(i);
	if (!(events & ~ready))
		return ready;
	ask(i, events & ~ready);
	return ready_now(i);
}

/* After an attempt that changed what is ready: the next change is to be heard of. */
static int64_t asked_again(struct inet_sock *i, uint32_t events, int64_t result)
{
	if (__atomic_load_n(&i->edges, __ATOMIC_ACQUIRE))
		ask(i, events);
	return result;
}

int inet_wait(struct task *t, struct inet_sock *i, uint32_t events, int64_t deadline)
{
	return WAIT_EVENT(t, &i->wait, inet_ready(i, events) & (events | LX_POLLERR | LX_POLLHUP),
	                  deadline);
}

/* ---- one attempt, by either policy ---- */

static int64_t send_strict(struct inet_sock *i, const struct plat_msg *m)
{
	struct guest *g = i->s.guest;
	struct iovec *v = m->iov;
	struct netd_sendmsg_req req = {.handle = i->handle,
	                               .flags = m->flags,
	                               .addr = {m->addr, m->addr_len},
	                               .control = {m->control, m->control_len}};
	uint32_t len = (uint32_t)MIN(v->iov_len, (size_t)IPC_MAX_READ);
	int64_t r;

	if (len < IPC_BULK_MIN) {
		req.data = (struct ipc_bytes){v->iov_base, len};
		r = netd_call_sendmsg(g->netd, &req, NULL, NULL);
		return r == -LX_EAGAIN ? asked_again(i, LX_POLLOUT, r) : r;
	}
	if (!g->netd_bulk)
		return -LX_ENOBUFS;
	req.bulk_len = len;
	r = ipc_bulk_alloc_wait(g->netd_bulk, len, &req.bulk_off);
	if (r < 0)
		return r;
	memcpy(ipc_bulk_at(g->netd_bulk, req.bulk_off, len), v->iov_base, len);
	r = netd_call_sendmsg(g->netd, &req, NULL, NULL);
	ipc_bulk_return(g->netd_bulk, req.bulk_off, len);
	return r < (int64_t)len ? asked_again(i, LX_POLLOUT, r) : r;
}

/* The pieces of a message straight to the host, or one piece through netd. */
static int64_t send_attempt(struct inet_sock *i, struct plat_msg *m)
{
	/* An address is netd's to judge, and so is everything without a descriptor. */
	if (i->fd >= 0 && m->addr_len == 0)
		return plat_sendmsg(i->fd, m);
	return send_strict(i, m);
}

static void take_reply(struct plat_msg *m, const struct netd_recvmsg_rep *rep, uint32_t room)
{
	m->addr_len = MIN(rep->addr.len, LX_SOCKADDR_MAX);
	if (m->addr_len > 0)
		memcpy(m->addr, rep->addr.data, m->addr_len);
	m->control_len = MIN(rep->control.len, room);
	if (m->control_len > 0)
		memcpy(m->control, rep->control.data, m->control_len);
	m->flags = rep->msg_flags;
}

static int64_t recv_strict(struct inet_sock *i, struct plat_msg *m)
{
	struct guest *g = i->s.guest;
	uint32_t len = (uint32_t)MIN(m->iov->iov_len, (size_t)IPC_MAX_READ), room = m->control_len;
	struct netd_recvmsg_req req = {
	    .handle = i->handle, .flags = m->flags, .max_data = len, .max_control = room};
	struct netd_recvmsg_rep rep;
	struct ipc_reply reply;
	int64_t r;

	if (len >= IPC_BULK_MIN) {
		if (!g->netd_bulk)
			return -LX_ENOBUFS;
		r = ipc_bulk_alloc_wait(g->netd_bulk, len, &req.bulk_off);
		if (r < 0)
			return r;
		req.bulk_len = len;
	}
	r = netd_call_recvmsg(g->netd, &req, &rep, &reply);
	if (r >= 0) {
		size_t n = MIN((size_t)r, m->iov->iov_len);

		if (req.bulk_len > 0)
			memcpy(m->iov->iov_base, ipc_bulk_at(g->netd_bulk, req.bulk_off, len),
			       MIN(n, (size_t)len));
		else if (rep.data.len > 0)
			memcpy(m->iov->iov_base, rep.data.data, MIN(n, (size_t)rep.data.len));
		take_reply(m, &rep, room);
		ipc_reply_release(&reply);
	}
	if (req.bulk_len > 0)
		ipc_bulk_return(g->netd_bulk, req.bulk_off, len);
	return asked_again(i, LX_POLLIN | LX_POLLRDHUP, r);
}

static int64_t recv_attempt(struct inet_sock *i, struct plat_msg *m)
{
	return i->fd >= 0 ? plat_recvmsg(i->fd, m) : recv_strict(i, m);
}

/* ---- sending ---- */

/* Tries until it is sent, may not wait any more, or fails. */
static int64_t send_waiting(struct task *t, struct inet_sock *i, struct plat_msg *pm,
                            const struct sock_msg *m, int64_t deadline)
{
	int64_t r;

	while ((r = send_attempt(i, pm)) == -LX_EAGAIN && !(m->flags & LX_MSG_DONTWAIT)) {
		r = inet_wait(t, i, LX_POLLOUT, deadline);
		if (r < 0)
			return socket_wait_error((int)r, i->s.send_timeout);
	}
	return inet_error(r);
}

/* The ancillary data that is for the host: what is not SOL_SOCKET's. */
static int copy_control(const struct sock_msg *m, uint8_t **out, uint32_t *len)
{
	uint32_t at = 0;

	*out = NULL;
	*len = 0;
	if (m->control_len == 0)
		return 0;
	*out = malloc(m->control_len);
	if (!*out)
		return -LX_ENOMEM;
	while (m->control_len - at >= sizeof(struct lx_cmsghdr)) {
		struct lx_cmsghdr h;
		uint64_t step;

		memcpy(&h, m->control + at, sizeof(h));
		if (h.len < sizeof(h) || h.len > m->control_len - at)
			break;
		step = MIN(LX_CMSG_ALIGN(h.len), (uint64_t)(m->control_len - at));
		if (h.level != LX_SOL_SOCKET) {
			memcpy(*out + *len, m->control + at, step);
			*len += (uint32_t)step;
		}
		at += (uint32_t)step;
	}
	return 0;
}

/* All of u in a buffer of its own, at most max bytes of it. */
static int gather(struct uio *u, size_t max, struct iovec *iov)
{
	size_t n = (size_t)MIN(u->left, (uint64_t)max);
	int64_t r = 0;

	iov->iov_base = malloc(n ? n : 1);
	iov->iov_len = n;
	if (!iov->iov_base)
		return -LX_ENOBUFS;
	if (n > 0)
		r = uio_from(u, iov->iov_base, n);
	if (r >= 0 && (size_t)r == n)
		return 0;
	free(iov->iov_base);
	return r < 0 ? (int)r : -LX_EFAULT;
}

static bool one_segment(const struct uio *u)
{
	unsigned n = 0;

	for (unsigned i = 0; i < u->nseg; i++)
		n += u->seg[i].len > 0;
	return n <= 1;
}

static int64_t send_stream_pinned(struct task *t, struct inet_sock *i, struct plat_msg *pm,
                                  struct sock_msg *m, int64_t deadline)
{
	struct user_pin pin;
	int64_t r = uio_pin(m->u, false, &pin);

	if (r < 0)
		return r;
	pm->iov = pin.iov;
	pm->iov_count = pin.count;
	r = send_waiting(t, i, pm, m, deadline);
	user_unpin(&pin);
	if (r > 0)
		uio_advance(m->u, (uint64_t)r);
	return r;
}

/* A buffer's worth: sent whole, as far as it may wait. */
static int64_t send_stream_gathered(struct task *t, struct inet_sock *i, struct plat_msg *pm,
                                    struct sock_msg *m, int64_t deadline)
{
	struct iovec buf, rest;
	int64_t r = gather(m->u, GATHER_MAX, &buf), done = 0;

	if (r < 0)
		return r;
	pm->iov = &rest;
	pm->iov_count = 1;
	do {
		rest = (struct iovec){(uint8_t *)buf.iov_base + done, buf.iov_len - (size_t)done};
		r = send_waiting(t, i, pm, m, deadline);
		if (r > 0)
			done += r;
	} while (r > 0 && (size_t)done < buf.iov_len);
	free(buf.iov_base);
	return done > 0 ? done : r;
}

static int64_t send_stream(struct task *t, struct inet_sock *i, struct plat_msg *pm,
                           struct sock_msg *m)
{
	int64_t deadline = socket_send_deadline(&i->s), done = 0, r = 0;

	do {
		uint64_t before = m->u->left;

		if (i->fd >= 0 && one_segment(m->u) && before > 0)
			r = send_stream_pinned(t, i, pm, m, deadline);
		else
			r = send_stream_gathered(t, i, pm, m, deadline);
		if (r > 0)
			done += r;
		/* Short of what was taken: the socket is full and this call may not wait. */
		if (r > 0 && before - m->u->left != (uint64_t)r)
			break;
		pm->addr_len = 0; /* TCP fast open names it once */
	} while (r > 0 && m->u->left > 0);
	return done > 0 ? done : r;
}

int64_t inet_sendmsg(struct task *t, struct socket *s, struct sock_msg *m)
{
	struct inet_sock *i = inet_of(s);
	struct plat_msg pm = {.flags = m->flags, .addr_len = m->name.len};
	int64_t r = copy_control(m, &pm.control, &pm.control_len);
	struct iovec iov;

	if (r < 0)
		return r;
	memcpy(pm.addr, m->name.bytes, m->name.len);
	if (s->type == LX_SOCK_STREAM) {
		r = send_stream(t, i, &pm, m);
	} else if (m->u->left > DGRAM_MAX) {
		r = -LX_EMSGSIZE;
	} else {
		r = gather(m->u, DGRAM_MAX, &iov);
		if (r == 0) {
			pm.iov = &iov;
			pm.iov_count = 1;
			r = send_waiting(t, i, &pm, m, socket_send_deadline(s));
			free(iov.iov_base);
		}
	}
	free(pm.control);
	return r == -LX_EPIPE && s->type == LX_SOCK_STREAM ? socket_broken_pipe(t, m) : r;
}

/* ---- receiving ---- */

static int64_t recv_waiting(struct task *t, struct inet_sock *i, struct plat_msg *pm,
                            const struct sock_msg *m, int64_t deadline)
{
	uint32_t room = pm->control_len, flags = pm->flags;
	int64_t r;

	while ((r = recv_attempt(i, pm)) == -LX_EAGAIN && !(m->flags & LX_MSG_DONTWAIT) &&
	       !(m->flags & LX_MSG_ERRQUEUE)) {
		r = inet_wait(t, i, m->flags & LX_MSG_OOB ? LX_POLLPRI : LX_POLLIN, deadline);
		if (r < 0)
			return socket_wait_error((int)r, i->s.recv_timeout);
		pm->control_len = room;
		pm->flags = flags;
	}
	return inet_error(r);
}

static int64_t recv_pinned(struct task *t, struct inet_sock *i, struct plat_msg *pm,
                           struct sock_msg *m, int64_t deadline)
{
	struct user_pin pin;
	int64_t r = uio_pin(m->u, true, &pin);

	if (r < 0)
		return r;
	pm->iov = pin.iov;
	pm->iov_count = pin.count;
	r = recv_waiting(t, i, pm, m, deadline);
	user_unpin(&pin);
	if (r > 0)
		uio_advance(m->u, MIN((uint64_t)r, m->u->left));
	return r;
}

static int64_t recv_scattered(struct task *t, struct inet_sock *i, struct plat_msg *pm,
                              struct sock_msg *m, int64_t deadline)
{
	size_t room = (size_t)MIN(m->u->left, (uint64_t)GATHER_MAX);
	struct iovec iov = {malloc(room ? room : 1), room};
	int64_t r, copied = 0;

	if (!iov.iov_base)
		return -LX_ENOBUFS;
	pm->iov = &iov;
	pm->iov_count = 1;
	r = recv_waiting(t, i, pm, m, deadline);
	if (r > 0 && room > 0)
		copied = uio_to(m->u, iov.iov_base, MIN((uint64_t)r, (uint64_t)room));
	free(iov.iov_base);
	return copied < 0 ? copied : r;
}

/* Hands the host's ancillary data on, piece by piece. */
static int put_control(struct task *t, struct sock_msg *m, const struct plat_msg *pm)
{
	uint32_t at = 0;
	int r = 0;

	while (r == 0 && pm->control_len - at >= sizeof(struct lx_cmsghdr)) {
		struct lx_cmsghdr h;
		uint64_t step;

		memcpy(&h, pm->control + at, sizeof(h));
		if (h.len < sizeof(h) || h.len > pm->control_len - at)
			break;
		r = cmsg_put(t, m, h.level, h.type, pm->control + at + sizeof(h),
		             h.len - sizeof(h));
		step = MIN(LX_CMSG_ALIGN(h.len), (uint64_t)(pm->control_len - at));
		at += (uint32_t)step;
	}
	return r;
}

static int64_t recv_one(struct task *t, struct inet_sock *i, struct sock_msg *m, int64_t deadline)
{
	_Alignas(8) uint8_t control[CONTROL_ROOM];
	struct plat_msg pm = {.flags = m->flags, .control = control};
	int64_t r;
	int e;

	pm.control_len = (uint32_t)MIN(m->control_room, (uint64_t)sizeof(control));
	if (i->fd >= 0 && i->s.type == LX_SOCK_STREAM && one_segment(m->u) && m->u->left > 0)
		r = recv_pinned(t, i, &pm, m, deadline);
	else
		r = recv_scattered(t, i, &pm, m, deadline);
	if (r < 0)
		return r;
	m->name.len = i->s.type == LX_SOCK_STREAM ? 0 : pm.addr_len;
	memcpy(m->name.bytes, pm.addr, m->name.len);
	m->out_flags = pm.flags & ~(LX_MSG_PEEK | LX_MSG_DONTWAIT);
	e = put_control(t, m, &pm);
	return e < 0 ? e : r;
}

int64_t inet_recvmsg(struct task *t, struct socket *s, struct sock_msg *m)
{
	struct inet_sock *i = inet_of(s);
	int64_t deadline = socket_recv_deadline(s), done = 0, r;
	bool all = (m->flags & LX_MSG_WAITALL) && s->type == LX_SOCK_STREAM &&
	           !(m->flags & (LX_MSG_PEEK | LX_MSG_DONTWAIT));

	do {
		r = recv_one(t, i, m, deadline);
		if (r > 0)
			done += r;
	} while (all && r > 0 && m->u->left > 0);
	return done > 0 ? done : r;
}
