/*
 * unix.c: AF_UNIX sockets: making, connecting, closing (unix(7)).  Names are unix_name.c's, data is
 * unix_io.c's.
 */
#include "supervisor/net/unix.h"

#include "common/lx/ioctl.h"
#include "common/lx/poll.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/dcache.h"
#include "supervisor/vfs/poll.h"

#define BACKLOG_MAX 4096 /* net.core.somaxconn */

pthread_mutex_t unix_topology = PTHREAD_MUTEX_INITIALIZER;

static const struct socket_ops unix_ops;

/* ---- references ---- */

struct unix_sock *unix_get(struct unix_sock *u)
{
	__atomic_fetch_add(&u->refs, 1, __ATOMIC_RELAXED);
	return u;
}

void unix_put(struct unix_sock *u)
{
	if (!u || __atomic_fetch_sub(&u->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	unix_addr_put(u->addr);
	waitq_release(&u->read_wait);
	waitq_release(&u->write_wait);
	pthread_mutex_destroy(&u->recv_lock);
	pthread_mutex_destroy(&u->lock);
	free(u);
}

struct lx_ucred unix_cred(struct task *t)
{
	if (!t)
		return (struct lx_ucred){0, 0, 0};
	return (struct lx_ucred){t->group->tgid, t->cred->euid, t->cred->egid};
}

/* ---- making ---- */

static int sock_new(struct guest *g, int type, struct unix_sock **out)
{
	struct unix_sock *u = calloc(1, sizeof(*u));

	if (!u)
		return -LX_ENOMEM;
	socket_init(&u->s, g, &unix_ops, LX_AF_UNIX, type, 0);
	u->refs = 1;
	u->peercred = (struct lx_ucred){0, UINT32_MAX, UINT32_MAX};
	pthread_mutex_init(&u->lock, NULL);
	pthread_mutex_init(&u->recv_lock, NULL);
	waitq_init(&u->read_wait);
	waitq_init(&u->write_wait);
	list_init(&u->name_link);
	list_init(&u->senders);
	list_init(&u->sender_link);
	list_init(&u->pending);
	list_init(&u->pending_link);
	list_init(&u->queue);
	pthread_mutex_lock(&unix_topology);
	unix_names_init_locked();
	unix_track_locked(u);
	pthread_mutex_unlock(&unix_topology);
	*out = u;
	return 0;
}

int unix_new(struct guest *g, int type, struct socket **out)
{
	struct unix_sock *u;
	int r;

	/* SOCK_RAW is a datagram socket here. */
	if (type == LX_SOCK_RAW)
		type = LX_SOCK_DGRAM;
	if (type != LX_SOCK_STREAM && type != LX_SOCK_DGRAM && type != LX_SOCK_SEQPACKET)
		return -LX_ESOCKTNOSUPPORT;
	r = sock_new(g, type, &u);
	if (r == 0)
		*out = &u->s;
	return r;
}

/* Connects two fresh sockets.  Under unix_topology. */
static void join_locked(struct unix_sock *a, struct unix_sock *b)
{
	pthread_mutex_lock(&a->lock);
	a->state = UNIX_CONNECTED;
	__atomic_store_n(&a->peer, unix_get(b), __ATOMIC_RELEASE);
	pthread_mutex_unlock(&a->lock);
	pthread_mutex_lock(&b->lock);
	b->state = UNIX_CONNECTED;
	__atomic_store_n(&b->peer, unix_get(a), __ATOMIC_RELEASE);
	pthread_mutex_unlock(&b->lock);
	if (a->s.type == LX_SOCK_DGRAM) {
		list_add_tail(&a->sender_link, &b->senders);
		list_add_tail(&b->sender_link, &a->senders);
	}
}

int unix_pair(struct task *t, int type, struct socket *out[2])
{
	int r = unix_new(t->guest, type, &out[0]);

	if (r < 0)
		return r;
	r = unix_new(t->guest, type, &out[1]);
	if (r < 0) {
		socket_drop(out[0]);
		return r;
	}
	unix_of(out[0])->peercred = unix_of(out[1])->peercred = unix_cred(t);
	pthread_mutex_lock(&unix_topology);
	join_locked(unix_of(out[0]), unix_of(out[1]));
	pthread_mutex_unlock(&unix_topology);
	return 0;
}

/* ---- connecting ---- */

void unix_disconnect_locked(struct unix_sock *u)
{
	struct unix_sock *peer;

	list_del_init(&u->sender_link);
	pthread_mutex_lock(&u->lock);
	peer = u->peer;
	u->peer = NULL;
	u->state = UNIX_FRESH;
	pthread_mutex_unlock(&u->lock);
	unix_put(peer);
}

static int connect_dgram(struct task *t, struct unix_sock *u, const struct sock_addr *a)
{
	struct unix_sock *to = NULL;
	int r = 0;

	if (a->family != LX_AF_UNSPEC) {
		r = unix_find(t, a, LX_SOCK_DGRAM, &to);
		if (r == 0 && u->s.passcred && !unix_is_named(u))
			r = unix_autobind(u);
	}
	if (r == 0) {
		pthread_mutex_lock(&unix_topology);
		unix_disconnect_locked(u);
		if (to) {
			pthread_mutex_lock(&u->lock);
			u->peer = unix_get(to);
			u->state = UNIX_CONNECTED;
			pthread_mutex_unlock(&u->lock);
			list_add_tail(&u->sender_link, &to->senders);
		}
		pthread_mutex_unlock(&unix_topology);
		waitq_wake(&u->write_wait, LX_POLL_WRITABLE);
	}
	unix_put(to);
	return r;
}

/* Puts n, the server's end of u's new connection, in line at the listener.  -LX_EAGAIN: full. */
static int queue_connection_locked(struct task *t, struct unix_sock *u, struct unix_sock *listener,
                                   struct unix_sock *n)
{
	if (u->state == UNIX_CONNECTED)
		return -LX_EISCONN;
	if (u->state == UNIX_LISTENING)
		return -LX_EINVAL;
	if (listener->state != UNIX_LISTENING || listener->dead || listener->rd_closed)
		return -LX_ECONNREFUSED;
	if (listener->npending > listener->backlog)
		return -LX_EAGAIN;
	n->s.sndbuf = listener->s.sndbuf;
	n->s.passcred = listener->s.passcred;
	n->addr = unix_addr_get(listener->addr);
	n->peercred = unix_cred(t);
	u->peercred = listener->peercred;
	join_locked(u, n);
	list_add_tail(&n->pending_link, &listener->pending);
	listener->npending++;
	return 0;
}

static bool backlog_has_room(struct unix_sock *listener)
{
	bool r;

	pthread_mutex_lock(&unix_topology);
	r = listener->npending <= listener->backlog || listener->dead;
	pthread_mutex_unlock(&unix_topology);
	return r;
}

static int unix_connect(struct task *t, struct socket *s, const struct sock_addr *a, bool nonblock)
{
	struct unix_sock *u = unix_of(s), *listener, *n;
	int64_t deadline = socket_send_deadline(s);
	int r;

	if (a->len < sizeof(a->family))
		return -LX_EINVAL;
	if (s->type == LX_SOCK_DGRAM)
		return connect_dgram(t, u, a);
	r = unix_find(t, a, s->type, &listener);
	if (r < 0)
		return r;
	r = s->passcred && !unix_is_named(u) ? unix_autobind(u) : 0;
	if (r == 0)
		r = sock_new(s->guest, s->type, &n);
	if (r < 0) {
		unix_put(listener);
		return r;
	}
	for (;;) {
		pthread_mutex_lock(&unix_topology);
		r = queue_connection_locked(t, u, listener, n);
		pthread_mutex_unlock(&unix_topology);
		if (r != -LX_EAGAIN || nonblock)
			break;
		r = WAIT_EVENT(t, &listener->write_wait, backlog_has_room(listener), deadline);
		if (r < 0) {
			r = socket_wait_error(r, s->send_timeout);
			break;
		}
	}
	if (r < 0) {
		socket_drop(&n->s);
	} else {
		waitq_wake(&listener->read_wait, LX_POLL_READABLE);
		waitq_wake(&u->write_wait, LX_POLL_WRITABLE);
	}
	unix_put(listener);
	return r;
}

static int unix_listen(struct task *t, struct socket *s, int backlog)
{
	struct unix_sock *u = unix_of(s);
	int r = 0;

	if (s->type == LX_SOCK_DGRAM)
		return -LX_EOPNOTSUPP;
	pthread_mutex_lock(&unix_topology);
	pthread_mutex_lock(&u->lock);
	if (!u->addr || u->state == UNIX_CONNECTED) {
		r = -LX_EINVAL;
	} else {
		u->state = UNIX_LISTENING;
		u->backlog = (unsigned)(backlog < 0 ? BACKLOG_MAX : MIN(backlog, BACKLOG_MAX));
		u->peercred = unix_cred(t);
	}
	pthread_mutex_unlock(&u->lock);
	pthread_mutex_unlock(&unix_topology);
	waitq_wake(&u->write_wait, 0);
	return r;
}

/* The oldest pending connection, taken off; NULL and *why otherwise. */
static struct unix_sock *take_pending(struct unix_sock *u, int *why)
{
	struct unix_sock *n = NULL;

	pthread_mutex_lock(&unix_topology);
	if (u->state != UNIX_LISTENING || u->rd_closed) {
		*why = -LX_EINVAL;
	} else if (list_empty(&u->pending)) {
		*why = -LX_EAGAIN;
	} else {
		n = list_first_entry(&u->pending, struct unix_sock, pending_link);
		list_del_init(&n->pending_link);
		u->npending--;
	}
	pthread_mutex_unlock(&unix_topology);
	return n;
}

static bool accept_would_return(struct unix_sock *u)
{
	bool r;

	pthread_mutex_lock(&unix_topology);
	r = !list_empty(&u->pending) || u->state != UNIX_LISTENING || u->rd_closed;
	pthread_mutex_unlock(&unix_topology);
	return r;
}

static int unix_accept(struct task *t, struct socket *s, bool nonblock, struct socket **out,
                       struct sock_addr *a)
{
	struct unix_sock *u = unix_of(s), *n;
	int64_t deadline = socket_recv_deadline(s);
	int r = 0;

	if (s->type == LX_SOCK_DGRAM)
		return -LX_EOPNOTSUPP;
	while (!(n = take_pending(u, &r))) {
		if (r != -LX_EAGAIN || nonblock)
			return r;
		r = WAIT_EVENT(t, &u->read_wait, accept_would_return(u), deadline);
		if (r < 0)
			return socket_wait_error(r, s->recv_timeout);
	}
	waitq_wake(&u->write_wait, LX_POLL_WRITABLE);
	*out = &n->s;
	return unix_getname(t, &n->s, true, a);
}

/* ---- closing ---- */

/* Ends one direction or both at u and, the other way round, at its stream peer. */
static void close_directions_locked(struct unix_sock *u, bool rd, bool wr, int peer_error)
{
	struct unix_sock *peer;

	pthread_mutex_lock(&u->lock);
	u->rd_closed |= rd;
	u->wr_closed |= wr;
	peer = u->s.type == LX_SOCK_DGRAM ? NULL : u->peer;
	pthread_mutex_unlock(&u->lock);
	if (peer) {
		pthread_mutex_lock(&peer->lock);
		peer->rd_closed |= wr;
		peer->wr_closed |= rd;
		if (peer_error)
			peer->error = peer_error;
		pthread_mutex_unlock(&peer->lock);
		waitq_wake(&peer->read_wait, LX_POLL_READABLE | LX_POLLRDHUP | LX_POLLHUP);
		waitq_wake(&peer->write_wait, LX_POLL_WRITABLE | LX_POLLHUP);
	}
	waitq_wake(&u->read_wait, LX_POLL_READABLE | LX_POLLRDHUP | LX_POLLHUP);
	waitq_wake(&u->write_wait, LX_POLL_WRITABLE | LX_POLLHUP);
}

static int unix_shutdown(struct task *t, struct socket *s, int how)
{
	struct unix_sock *u = unix_of(s);
	int r = 0;

	(void)t;
	pthread_mutex_lock(&unix_topology);
	if (s->type != LX_SOCK_DGRAM && u->state == UNIX_FRESH)
		r = -LX_ENOTCONN;
	else
		close_directions_locked(u, how != LX_SHUT_WR, how != LX_SHUT_RD, 0);
	pthread_mutex_unlock(&unix_topology);
	return r;
}

/* Takes the socket out of every list it is on. */
static void withdraw_locked(struct unix_sock *u)
{
	struct unix_sock *v, *next;

	list_del_init(&u->all_link);
	list_del_init(&u->name_link);
	list_del_init(&u->sender_link);
	/* Its senders find out at their next message. */
	list_for_each_entry_safe (v, next, &u->senders, sender_link) {
		list_del_init(&v->sender_link);
		waitq_wake(&v->write_wait, LX_POLL_WRITABLE);
	}
	if (u->path.dentry && u->path.dentry->inode->socket == u)
		u->path.dentry->inode->socket = NULL;
}

static void close_socket(struct unix_sock *u, bool reset);

/* Resets the connections that nobody accepted. */
static void drop_pending(struct unix_sock *u)
{
	struct unix_sock *n;

	for (;;) {
		pthread_mutex_lock(&unix_topology);
		n = list_empty(&u->pending)
		        ? NULL
		        : list_first_entry(&u->pending, struct unix_sock, pending_link);
		if (n)
			list_del_init(&n->pending_link);
		pthread_mutex_unlock(&unix_topology);
		if (!n)
			return;
		close_socket(n, true);
	}
}

/* Stream sockets refer to each other for life; the second to close cuts the circle. */
static void part_locked(struct unix_sock *u)
{
	struct unix_sock *peer = u->peer;

	if (u->s.type == LX_SOCK_DGRAM) {
		unix_disconnect_locked(u);
	} else if (peer && peer->dead) {
		u->peer = peer->peer = NULL;
		unix_put(u);
		unix_put(peer);
	}
}

/* reset: the peer learns that it was not a proper end, as it does when it was not read out. */
static void close_socket(struct unix_sock *u, bool reset)
{
	struct path path;

	pthread_mutex_lock(&unix_topology);
	withdraw_locked(u);
	path = u->path;
	u->path = (struct path){NULL, NULL};
	pthread_mutex_lock(&u->lock);
	u->dead = true;
	u->s.file = NULL;
	reset = reset || !list_empty(&u->queue);
	pthread_mutex_unlock(&u->lock);
	close_directions_locked(u, true, true, reset ? LX_ECONNRESET : 0);
	pthread_mutex_unlock(&unix_topology);

	drop_pending(u);
	unix_purge(u);
	unix_collect_garbage();
	if (path.dentry)
		path_put(&path);

	pthread_mutex_lock(&unix_topology);
	part_locked(u);
	pthread_mutex_unlock(&unix_topology);
	unix_put(u);
}

static void unix_release(struct socket *s)
{
	close_socket(unix_of(s), false);
}

/* ---- the rest ---- */

static uint32_t unix_poll(struct socket *s, struct file *f, struct poll_table *pt)
{
	struct unix_sock *u = unix_of(s);
	uint32_t mask = 0;
	bool writable;

	poll_wait(f, &u->read_wait, pt);
	poll_wait(f, &u->write_wait, pt);
	writable = unix_writable(u);
	if (__atomic_load_n(&u->state, __ATOMIC_RELAXED) == UNIX_LISTENING)
		return accept_would_return(u) ? LX_POLL_READABLE : 0;
	pthread_mutex_lock(&u->lock);
	if (u->error)
		mask |= LX_POLLERR;
	if (u->rd_closed && u->wr_closed)
		mask |= LX_POLLHUP;
	if (u->rd_closed)
		mask |= LX_POLLRDHUP | LX_POLL_READABLE;
	if (!list_empty(&u->queue))
		mask |= LX_POLL_READABLE;
	if (s->type != LX_SOCK_DGRAM && u->state == UNIX_FRESH)
		mask |= LX_POLLHUP;
	if (writable)
		mask |= LX_POLL_WRITABLE | LX_POLLWRBAND;
	pthread_mutex_unlock(&u->lock);
	return mask;
}

static int64_t unix_ioctl(struct task *t, struct socket *s, uint32_t request, uint64_t arg)
{
	struct unix_sock *u = unix_of(s);
	struct unix_msg *msg;
	uint64_t n = 0;

	if (request != LX_FIONREAD && request != LX_TIOCOUTQ)
		return -LX_ENOTTY;
	if (request == LX_FIONREAD && u->state == UNIX_LISTENING)
		return -LX_EINVAL;
	pthread_mutex_lock(&unix_topology);
	if (request == LX_TIOCOUTQ)
		u = u->peer;
	if (u) {
		pthread_mutex_lock(&u->lock);
		list_for_each_entry (msg, &u->queue, link) {
			n += msg->len - msg->off;
			if (s->type != LX_SOCK_STREAM && request == LX_FIONREAD)
				break;
		}
		pthread_mutex_unlock(&u->lock);
	}
	pthread_mutex_unlock(&unix_topology);
	return put_user_u32(t->mm, guest_ptr(arg), (uint32_t)MIN(n, (uint64_t)INT32_MAX));
}

static int unix_getsockopt(struct task *t, struct socket *s, int level, int name, void *value,
                           uint32_t max)
{
	struct unix_sock *u = unix_of(s);
	struct lx_ucred cred;
	int v;

	(void)t;
	if (level != LX_SOL_SOCKET)
		return -LX_ENOSYS;
	pthread_mutex_lock(&u->lock);
	switch (name) {
	case LX_SO_PEERCRED:
		cred = u->peercred;
		pthread_mutex_unlock(&u->lock);
		memcpy(value, &cred, MIN(max, (uint32_t)sizeof(cred)));
		return (int)MIN(max, (uint32_t)sizeof(cred));
	case LX_SO_ERROR:
		v = u->error;
		u->error = 0;
		break;
	case LX_SO_ACCEPTCONN:
		v = u->state == UNIX_LISTENING;
		break;
	default:
		pthread_mutex_unlock(&u->lock);
		return -LX_ENOSYS;
	}
	pthread_mutex_unlock(&u->lock);
	memcpy(value, &v, MIN(max, (uint32_t)sizeof(v)));
	return (int)MIN(max, (uint32_t)sizeof(v));
}

static const struct socket_ops unix_ops = {
    .bind = unix_bind,
    .connect = unix_connect,
    .listen = unix_listen,
    .accept = unix_accept,
    .getname = unix_getname,
    .sendmsg = unix_sendmsg,
    .recvmsg = unix_recvmsg,
    .shutdown = unix_shutdown,
    .getsockopt = unix_getsockopt,
    .poll = unix_poll,
    .ioctl = unix_ioctl,
    .release = unix_release,
};
