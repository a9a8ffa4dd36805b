/*
 * inet.c: internet sockets: making, naming, connecting and options, which netd does.  See inet.h.
 */
#include "supervisor/net/inet.h"

#include <unistd.h>

#include "common/lx/ioctl.h"
#include "common/lx/poll.h"
#include "common/plat/socket.h"
#include "supervisor/guest.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/poll.h"

static const struct socket_ops inet_ops;

/* Every socket that has a handle. */
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct list_head all_socks = LIST_HEAD_INIT(all_socks);

int64_t inet_error(int64_t r)
{
	return r == -IPC_EGONE ? -LX_ENETDOWN : r;
}

void inet_put(struct inet_sock *i)
{
	if (__atomic_fetch_sub(&i->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	pthread_mutex_lock(&all_lock);
	list_del_init(&i->all_link);
	pthread_mutex_unlock(&all_lock);
	hostpoll_free(i->poll);
	if (i->fd >= 0)
		close(i->fd);
	waitq_release(&i->wait);
	pthread_mutex_destroy(&i->lock);
	free(i);
}

static bool is_wanted(const struct inet_sock *i, int domain, int type)
{
	return i->s.domain == domain && i->s.type == type;
}

int inet_list(int domain, int type, struct inet_sock ***out, unsigned *n)
{
	struct inet_sock *i;
	unsigned count = 0;

	*n = 0;
	pthread_mutex_lock(&all_lock);
	list_for_each_entry (i, &all_socks, all_link)
		count += is_wanted(i, domain, type);
	*out = calloc(MAX(count, 1u), sizeof(struct inet_sock *));
	list_for_each_entry (i, &all_socks, all_link) {
		/* One whose last reference is going has none to give. */
		uint32_t refs = __atomic_load_n(&i->refs, __ATOMIC_RELAXED);

		if (!*out || !is_wanted(i, domain, type))
			continue;
		while (refs > 0 && !__atomic_compare_exchange_n(&i->refs, &refs, refs + 1, false,
		                                                __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			continue;
		if (refs > 0)
			(*out)[(*n)++] = i;
	}
	pthread_mutex_unlock(&all_lock);
	return *out ? 0 : -LX_ENOMEM;
}

/* A socket around netd's handle and donated descriptor (-1: none), which are closed on failure. */
static int wrap(struct guest *g, int domain, int type, int protocol, uint32_t uid, uint64_t handle,
                int fd, struct socket **out)
{
	struct inet_sock *i = calloc(1, sizeof(*i));
	int r = -LX_ENOMEM;

	if (i) {
		socket_init(&i->s, g, &inet_ops, domain, type, protocol);
		i->refs = 1;
		list_init(&i->all_link);
		i->handle = handle;
		i->fd = -1;
		waitq_init(&i->wait);
		pthread_mutex_init(&i->lock, NULL);
		r = fd >= 0 ? hostpoll_new(fd, &i->wait, &i->poll) : 0;
	}
	if (r < 0) {
		if (fd >= 0)
			close(fd);
		netd_post_close(g->netd, &(struct netd_close_req){.handle = handle});
		if (i)
			inet_put(i);
		return r;
	}
	i->fd = fd;
	i->s.uid = uid;
	pthread_mutex_lock(&all_lock);
	list_add_tail(&i->all_link, &all_socks);
	pthread_mutex_unlock(&all_lock);
	*out = &i->s;
	return 0;
}

int inet_new(struct task *t, int domain, int type, int protocol, struct socket **out)
{
	struct netd_socket_req req = {(uint32_t)domain, (uint32_t)type, (uint32_t)protocol};
	struct netd_socket_rep rep;
	struct ipc_reply reply;
	int64_t r;
	int fd;

	if (!t->guest->netd)
		return -LX_EAFNOSUPPORT;
	r = netd_call_socket(t->guest->netd, &req, &rep, &reply);
	if (r < 0)
		return (int)inet_error(r);
	fd = ipc_fds_take(&reply.fds, 0);
	ipc_reply_release(&reply);
	return wrap(t->guest, domain, type, protocol, t->cred->euid, rep.handle, fd, out);
}

static struct ipc_bytes addr_bytes(const struct sock_addr *a)
{
	return (struct ipc_bytes){a->bytes, a->len};
}

static int inet_bind(struct task *t, struct socket *s, const struct sock_addr *a)
{
	struct netd_bind_req req = {inet_of(s)->handle, addr_bytes(a)};

	(void)t;
	return (int)inet_error(netd_call_bind(s->guest->netd, &req, NULL, NULL));
}

/* The pending error of a connection attempt, taken. */
static int take_error(struct task *t, struct socket *s)
{
	int error = 0,
	    r = socket_getsockopt(t, s, LX_SOL_SOCKET, LX_SO_ERROR, &error, sizeof(error));

	return r < 0 ? r : -error;
}

static int inet_connect(struct task *t, struct socket *s, const struct sock_addr *a, bool nonblock)
{
	struct netd_connect_req req = {inet_of(s)->handle, addr_bytes(a)};
	int64_t deadline = socket_send_deadline(s);
	int r = (int)inet_error(netd_call_connect(s->guest->netd, &req, NULL, NULL));

	/* EALREADY: the call goes on after a signal. */
	if ((r != -LX_EINPROGRESS && r != -LX_EALREADY) || nonblock)
		return r;
	r = inet_wait(t, inet_of(s), LX_POLLOUT, deadline);
	if (r < 0) {
		r = socket_wait_error(r, s->send_timeout);
		return r == -LX_EAGAIN ? -LX_EINPROGRESS : r;
	}
	return take_error(t, s);
}

static int inet_listen(struct task *t, struct socket *s, int backlog)
{
	struct netd_listen_req req = {inet_of(s)->handle, (uint32_t)MAX(backlog, 0)};

	(void)t;
	if (backlog < 0)
		req.backlog = 4096;
	return (int)inet_error(netd_call_listen(s->guest->netd, &req, NULL, NULL));
}

static int accept_once(struct socket *s, struct socket **out, struct sock_addr *a)
{
	struct netd_accept_req req = {inet_of(s)->handle};
	struct netd_accept_rep rep;
	struct ipc_reply reply;
	int64_t r = netd_call_accept(s->guest->netd, &req, &rep, &reply);
	int fd;

	if (r < 0)
		return (int)inet_error(r);
	a->len = MIN(rep.addr.len, LX_SOCKADDR_MAX);
	if (a->len > 0)
		memcpy(a->bytes, rep.addr.data, a->len);
	fd = ipc_fds_take(&reply.fds, 0);
	ipc_reply_release(&reply);
	return wrap(s->guest, s->domain, s->type, s->protocol, s->uid, rep.handle, fd, out);
}

static int inet_accept(struct task *t, struct socket *s, bool nonblock, struct socket **out,
                       struct sock_addr *a)
{
	int64_t deadline = socket_recv_deadline(s);
	int r;

	while ((r = accept_once(s, out, a)) == -LX_EAGAIN && !nonblock) {
		r = inet_wait(t, inet_of(s), LX_POLLIN, deadline);
		if (r < 0)
			return socket_wait_error(r, s->recv_timeout);
	}
	return r;
}

static int inet_getname(struct task *t, struct socket *s, bool peer, struct sock_addr *a)
{
	struct netd_getsockname_req own = {inet_of(s)->handle};
	struct netd_getpeername_req other = {inet_of(s)->handle};
	struct netd_getsockname_rep own_rep;
	struct netd_getpeername_rep other_rep;
	struct ipc_bytes got;
	struct ipc_reply reply;
	int64_t r;

	(void)t;
	if (peer) {
		r = netd_call_getpeername(s->guest->netd, &other, &other_rep, &reply);
		got = r < 0 ? (struct ipc_bytes){NULL, 0} : other_rep.addr;
	} else {
		r = netd_call_getsockname(s->guest->netd, &own, &own_rep, &reply);
		got = r < 0 ? (struct ipc_bytes){NULL, 0} : own_rep.addr;
	}
	if (r < 0)
		return (int)inet_error(r);
	a->len = MIN(got.len, LX_SOCKADDR_MAX);
	if (a->len > 0)
		memcpy(a->bytes, got.data, a->len);
	ipc_reply_release(&reply);
	return 0;
}

static int inet_shutdown(struct task *t, struct socket *s, int how)
{
	struct inet_sock *i = inet_of(s);
	struct netd_shutdown_req req = {i->handle, (uint32_t)how};
	int r;

	(void)t;
	r = i->fd >= 0 ? plat_shutdown(i->fd, how)
	               : (int)inet_error(netd_call_shutdown(s->guest->netd, &req, NULL, NULL));
	waitq_wake(&i->wait, 0);
	return r;
}

/* Time limits act in the supervisor, which does the waiting. */
static bool kept_here(int level, int name)
{
	if (level != LX_SOL_SOCKET)
		return false;
	switch (name) {
	case LX_SO_RCVTIMEO:
	case LX_SO_SNDTIMEO:
	case LX_SO_RCVTIMEO_NEW:
	case LX_SO_SNDTIMEO_NEW:
	case LX_SO_PASSCRED:
	case LX_SO_TYPE:
	case LX_SO_DOMAIN:
	case LX_SO_DETACH_FILTER:
		return true;
	default:
		return false;
	}
}

static int inet_setsockopt(struct task *t, struct socket *s, int level, int name, const void *value,
                           uint32_t len)
{
	struct netd_setsockopt_req req = {
	    inet_of(s)->handle, (uint32_t)level, (uint32_t)name, {value, len}};

	(void)t;
	if (kept_here(level, name))
		return 1;
	return (int)inet_error(netd_call_setsockopt(s->guest->netd, &req, NULL, NULL));
}

static int inet_getsockopt(struct task *t, struct socket *s, int level, int name, void *value,
                           uint32_t max)
{
	struct inet_sock *i = inet_of(s);
	struct netd_getsockopt_req req = {i->handle, (uint32_t)level, (uint32_t)name, max};
	struct netd_getsockopt_rep rep;
	struct ipc_reply reply;
	uint32_t len;
	int64_t r;

	(void)t;
	if (kept_here(level, name))
		return -LX_ENOSYS;
	if (i->fd >= 0)
		return plat_getsockopt(i->fd, level, name, value, max);
	r = netd_call_getsockopt(s->guest->netd, &req, &rep, &reply);
	if (r < 0)
		return (int)inet_error(r);
	len = MIN(rep.value.len, max);
	if (len > 0)
		memcpy(value, rep.value.data, len);
	ipc_reply_release(&reply);
	return (int)len;
}

static uint32_t inet_poll(struct socket *s, struct file *f, struct poll_table *pt)
{
	struct inet_sock *i = inet_of(s);
	uint32_t all = LX_POLLIN | LX_POLLOUT | LX_POLLPRI | LX_POLLRDHUP, want = all;

	poll_wait(f, &i->wait, pt);
	if (pt && pt->events)
		want = pt->events & all;
	return pt && (pt->events & LX_EPOLLET) ? inet_ready_edges(i, want) : inet_ready(i, want);
}

static int64_t inet_ioctl(struct task *t, struct socket *s, uint32_t request, uint64_t arg)
{
	struct inet_sock *i = inet_of(s);
	struct netd_ioctl_int_req req = {i->handle, request};
	struct netd_ioctl_int_rep rep = {0};
	int64_t r;
	int value = 0;

	if (request != LX_FIONREAD && request != LX_TIOCOUTQ && request != LX_SIOCATMARK)
		return -LX_ENOTTY;
	if (i->fd >= 0) {
		r = plat_socket_ioctl(i->fd, request, &value);
	} else {
		r = netd_call_ioctl_int(s->guest->netd, &req, &rep, NULL);
		value = (int)rep.value;
	}
	return r < 0 ? inet_error(r) : put_user_u32(t->mm, guest_ptr(arg), (uint32_t)value);
}

static void inet_release(struct socket *s)
{
	struct inet_sock *i = inet_of(s);

	/* netd answers a wait that is under way, and its reference goes with the answer. */
	netd_post_close(s->guest->netd, &(struct netd_close_req){.handle = i->handle});
	inet_put(i);
}

static const struct socket_ops inet_ops = {
    .bind = inet_bind,
    .connect = inet_connect,
    .listen = inet_listen,
    .accept = inet_accept,
    .getname = inet_getname,
    .sendmsg = inet_sendmsg,
    .recvmsg = inet_recvmsg,
    .shutdown = inet_shutdown,
    .setsockopt = inet_setsockopt,
    .getsockopt = inet_getsockopt,
    .poll = inet_poll,
    .ioctl = inet_ioctl,
    .release = inet_release,
};
