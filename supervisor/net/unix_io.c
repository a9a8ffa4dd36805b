/*
 * unix_io.c: sending and receiving on AF_UNIX sockets.
 *
 * A message is copied from the sender's memory before any lock is taken, and to the receiver's
 * with only recv_lock held: both can fault.  While recv_lock is held nobody else takes messages
 * off the queue, so its first message stays valid; senders only append behind it.
 */
#include "supervisor/net/unix.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/poll.h"

#include "common/lx/poll.h"

#define STREAM_PIECE 32768u /* bytes of a stream in one message */
#define DGRAM_QUEUE  11u    /* net.unix.max_dgram_qlen and one */

static bool flag(const bool *b)
{
	return __atomic_load_n(b, __ATOMIC_RELAXED);
}

/* ---- sending ---- */

/* Room for one more message of from's at `to`, or a reason not to wait for it. */
static bool room_locked(const struct unix_sock *from, const struct unix_sock *to)
{
	if (to->dead || to->rd_closed)
		return true;
	if (to->queued > 0 && to->queued >= from->s.sndbuf)
		return false;
	return from->s.type != LX_SOCK_DGRAM || to->peer == from || to->queue_len < DGRAM_QUEUE;
}

static bool room(struct unix_sock *from, struct unix_sock *to)
{
	bool r;

	pthread_mutex_lock(&to->lock);
	r = room_locked(from, to);
	pthread_mutex_unlock(&to->lock);
	return r;
}

bool unix_writable(struct unix_sock *u)
{
	struct unix_sock *peer;
	bool r = true;

	pthread_mutex_lock(&u->lock);
	peer = u->peer ? unix_get(u->peer) : NULL;
	pthread_mutex_unlock(&u->lock);
	if (!peer)
		return true;
	pthread_mutex_lock(&peer->lock);
	r = room_locked(u, peer) && (uint64_t)peer->queued * 4 <= u->s.sndbuf;
	r = r || peer->dead || peer->rd_closed;
	pthread_mutex_unlock(&peer->lock);
	unix_put(peer);
	return r;
}

/* Queues msg at `to`.  0; -LX_EAGAIN without room; -LX_EPIPE, or for datagrams -LX_ECONNREFUSED,
 * when nobody will read it. */
static int enqueue(struct unix_sock *from, struct unix_sock *to, struct unix_msg *msg)
{
	int r = 0;

	pthread_mutex_lock(&to->lock);
	if (to->dead && from->s.type == LX_SOCK_DGRAM)
		r = -LX_ECONNREFUSED;
	else if (to->dead || to->rd_closed)
		r = -LX_EPIPE;
	else if (!room_locked(from, to))
		r = -LX_EAGAIN;
	if (r == 0) {
		list_add_tail(&msg->link, &to->queue);
		to->queued += msg->charge;
		to->queue_len++;
	}
	pthread_mutex_unlock(&to->lock);
	if (r == 0)
		waitq_wake(&to->read_wait, LX_POLL_READABLE);
	return r;
}

/* As enqueue, but waits for room unless the message says otherwise. */
static int deliver(struct task *t, struct unix_sock *from, struct unix_sock *to,
                   struct unix_msg *msg, const struct sock_msg *m)
{
	int64_t deadline = 0;
	int r;

	while ((r = enqueue(from, to, msg)) == -LX_EAGAIN && !(m->flags & LX_MSG_DONTWAIT)) {
		/* A connected receiver wakes its peer's write_wait, any other its own. */
		struct waitq *q = from->peer == to ? &from->write_wait : &to->write_wait;

		if (!deadline)
			deadline = socket_send_deadline(&from->s);
		r = WAIT_EVENT(t, q, room(from, to), deadline);
		if (r < 0)
			return socket_wait_error(r, from->s.send_timeout);
	}
	return r;
}

/* A message of the next n bytes of m, with its ancillary data on the first. */
static int make_message(struct task *t, struct unix_sock *u, struct sock_msg *m, uint32_t n,
                        struct unix_msg **out)
{
	struct unix_msg *msg = unix_msg_new(n);
	int64_t r = 0;

	if (!msg)
		return -LX_ENOBUFS;
	if (n > 0)
		r = uio_from(m->u, msg->data, n);
	if (r >= 0 && (uint64_t)r < n)
		r = -LX_EFAULT;
	if (r >= 0)
		r = unix_rights_attach(m, msg);
	if (r < 0) {
		unix_msg_free(msg);
		return (int)r;
	}
	msg->cred = m->has_cred ? m->cred : unix_cred(t);
	pthread_mutex_lock(&u->lock);
	msg->from = u->addr && u->s.type != LX_SOCK_STREAM ? unix_addr_get(u->addr) : NULL;
	pthread_mutex_unlock(&u->lock);
	*out = msg;
	return 0;
}

static int64_t send_stream(struct task *t, struct unix_sock *u, struct unix_sock *peer,
                           struct sock_msg *m)
{
	int64_t done = 0;
	int r = 0;

	while (m->u->left > 0 && r == 0) {
		uint32_t n = (uint32_t)MIN(m->u->left, (uint64_t)STREAM_PIECE);
		struct unix_msg *msg;

		/* Looked at before copying, so that a full socket costs no copy. */
		if ((m->flags & LX_MSG_DONTWAIT) && !room(u, peer)) {
			r = -LX_EAGAIN;
			break;
		}
		r = make_message(t, u, m, n, &msg);
		if (r == 0) {
			r = deliver(t, u, peer, msg, m);
			if (r < 0)
				unix_msg_free(msg);
			else
				done += n;
		}
	}
	if (done > 0)
		return done;
	return r == -LX_EPIPE ? socket_broken_pipe(t, m) : r;
}

static int64_t send_packet(struct task *t, struct unix_sock *u, struct unix_sock *to,
                           struct sock_msg *m)
{
	uint64_t n = m->u->left;
	struct unix_msg *msg;
	int r;

	if (n > u->s.sndbuf - MIN(u->s.sndbuf, 32u))
		return -LX_EMSGSIZE;
	r = make_message(t, u, m, (uint32_t)n, &msg);
	if (r < 0)
		return r;
	r = deliver(t, u, to, msg, m);
	if (r == 0)
		return (int64_t)n;
	unix_msg_free(msg);
	return r == -LX_EPIPE && u->s.type != LX_SOCK_DGRAM ? socket_broken_pipe(t, m) : r;
}

/* The peer, with a reference; the reason why there is none. */
static int get_peer(struct unix_sock *u, struct unix_sock **out)
{
	int r = -LX_ENOTCONN;

	pthread_mutex_lock(&u->lock);
	if (u->peer) {
		*out = unix_get(u->peer);
		r = 0;
	}
	pthread_mutex_unlock(&u->lock);
	return r;
}

/* A dead datagram peer is forgotten at the first message it refuses. */
static void forget_dead_peer(struct unix_sock *u, struct unix_sock *peer)
{
	pthread_mutex_lock(&unix_topology);
	if (u->peer == peer)
		unix_disconnect_locked(u);
	pthread_mutex_unlock(&unix_topology);
}

static int64_t send_dgram(struct task *t, struct unix_sock *u, struct sock_msg *m)
{
	struct unix_sock *to;
	int64_t r;

	if (m->name.len > 0)
		r = unix_find(t, &m->name, LX_SOCK_DGRAM, &to);
	else
		r = get_peer(u, &to);
	if (r < 0)
		return r;
	/* A socket that is connected to someone else takes messages from them alone. */
	pthread_mutex_lock(&to->lock);
	if (to->peer && to->peer != u)
		r = -LX_EPERM;
	pthread_mutex_unlock(&to->lock);
	if (r == 0 && flag(&u->wr_closed))
		r = socket_broken_pipe(t, m);
	if (r == 0)
		r = send_packet(t, u, to, m);
	if (r == -LX_ECONNREFUSED && m->name.len == 0)
		forget_dead_peer(u, to);
	unix_put(to);
	return r;
}

int64_t unix_sendmsg(struct task *t, struct socket *s, struct sock_msg *m)
{
	struct unix_sock *u = unix_of(s), *peer;
	int64_t r;

	if (m->flags & LX_MSG_OOB)
		return -LX_EOPNOTSUPP;
	if (s->type == LX_SOCK_DGRAM)
		return send_dgram(t, u, m);
	if (m->name.len > 0 && s->type == LX_SOCK_STREAM)
		return get_peer(u, &peer) == 0 ? (unix_put(peer), -LX_EISCONN) : -LX_EOPNOTSUPP;
	r = get_peer(u, &peer);
	if (r < 0)
		return r;
	if (flag(&u->wr_closed))
		r = socket_broken_pipe(t, m);
	else if (s->type == LX_SOCK_STREAM)
		r = send_stream(t, u, peer, m);
	else
		r = send_packet(t, u, peer, m);
	unix_put(peer);
	return r;
}

/* ---- receiving ---- */

void unix_purge(struct unix_sock *u)
{
	struct list_head drop = LIST_HEAD_INIT(drop);
	struct unix_msg *msg, *next;

	pthread_mutex_lock(&u->lock);
	list_for_each_entry_safe (msg, next, &u->queue, link) {
		list_del_init(&msg->link);
		list_add_tail(&msg->link, &drop);
	}
	u->queued = u->queue_len = 0;
	pthread_mutex_unlock(&u->lock);
	list_for_each_entry_safe (msg, next, &drop, link) {
		list_del_init(&msg->link);
		unix_msg_free(msg);
	}
}

/* Room came free at u: wakes who may wait for it. */
static void wake_senders(struct unix_sock *u)
{
	struct unix_sock *peer, *v;

	if (u->s.type != LX_SOCK_DGRAM) {
		/* The peer of a connected socket never changes. */
		peer = __atomic_load_n(&u->peer, __ATOMIC_ACQUIRE);
		if (peer)
			waitq_wake(&peer->write_wait, LX_POLL_WRITABLE);
		return;
	}
	waitq_wake(&u->write_wait, LX_POLL_WRITABLE);
	pthread_mutex_lock(&unix_topology);
	list_for_each_entry (v, &u->senders, sender_link)
		waitq_wake(&v->write_wait, LX_POLL_WRITABLE);
	pthread_mutex_unlock(&unix_topology);
}

/* Takes msg, the first of the queue and fully read, off and frees it. */
static void consume(struct unix_sock *u, struct unix_msg *msg)
{
	bool was_tight;

	pthread_mutex_lock(&u->lock);
	was_tight = (uint64_t)u->queued * 4 > u->s.sndbuf || u->queue_len >= DGRAM_QUEUE;
	list_del_init(&msg->link);
	u->queued -= msg->charge;
	u->queue_len--;
	pthread_mutex_unlock(&u->lock);
	unix_msg_free(msg);
	if (was_tight)
		wake_senders(u);
}

/* The first message, or NULL; then *end says why none may come any more: 0 or negative errno. */
static struct unix_msg *first_message(struct unix_sock *u, bool *end, int *why)
{
	struct unix_msg *msg = NULL;

	pthread_mutex_lock(&u->lock);
	*end = false;
	*why = 0;
	if (!list_empty(&u->queue)) {
		msg = list_first_entry(&u->queue, struct unix_msg, link);
	} else if (u->error) {
		*why = -u->error;
		u->error = 0;
		*end = true;
	} else if (u->rd_closed) {
		*end = true;
	} else if (u->s.type != LX_SOCK_DGRAM && u->state != UNIX_CONNECTED) {
		*why = u->s.type == LX_SOCK_STREAM ? -LX_EINVAL : -LX_ENOTCONN;
		*end = true;
	}
	pthread_mutex_unlock(&u->lock);
	return msg;
}

static bool receive_would_return(struct unix_sock *u)
{
	bool r;

	pthread_mutex_lock(&u->lock);
	r = !list_empty(&u->queue) || u->rd_closed || u->error;
	pthread_mutex_unlock(&u->lock);
	return r;
}

/* Takes recv_lock and returns the first message; waits for one unless told otherwise.  NULL:
 * *why is the result of the call, and recv_lock is not held. */
static struct unix_msg *wait_message(struct task *t, struct unix_sock *u, const struct sock_msg *m,
                                     int64_t deadline, int *why)
{
	for (;;) {
		struct unix_msg *msg;
		bool end;
		int r;

		pthread_mutex_lock(&u->recv_lock);
		msg = first_message(u, &end, why);
		if (msg)
			return msg;
		pthread_mutex_unlock(&u->recv_lock);
		if (end)
			return NULL;
		if (m->flags & LX_MSG_DONTWAIT) {
			*why = -LX_EAGAIN;
			return NULL;
		}
		r = WAIT_EVENT(t, &u->read_wait, receive_would_return(u), deadline);
		if (r < 0) {
			*why = socket_wait_error(r, u->s.recv_timeout);
			return NULL;
		}
	}
}

/* Ancillary data of a message: credentials if asked for, descriptors once. */
static int put_ancillary(struct task *t, struct unix_sock *u, struct sock_msg *m,
                         struct unix_msg *msg)
{
	bool peek = m->flags & LX_MSG_PEEK;
	struct file **files;
	unsigned n;
	int r = 0;

	if (u->s.passcred)
		r = cmsg_put(t, m, LX_SOL_SOCKET, LX_SCM_CREDENTIALS, &msg->cred,
		             sizeof(msg->cred));
	if (r < 0 || msg->nfiles == 0)
		return r;
	r = unix_rights_take(msg, peek, &files, &n);
	if (r == 0)
		r = cmsg_put_files(t, m, files, n);
	free(files);
	return r;
}

static void put_name(struct sock_msg *m, const struct unix_msg *msg)
{
	m->name.len = 0;
	if (msg->from)
		m->name = msg->from->addr;
}

static int64_t receive_packet(struct task *t, struct unix_sock *u, struct sock_msg *m)
{
	int64_t copied = 0, deadline = socket_recv_deadline(&u->s);
	struct unix_msg *msg;
	uint32_t len;
	int r;

	msg = wait_message(t, u, m, deadline, &r);
	if (!msg)
		return r;
	len = msg->len;
	if (m->u->left > 0 && len > 0)
		copied = uio_to(m->u, msg->data, MIN((uint64_t)len, m->u->left));
	r = copied < 0 ? (int)copied : put_ancillary(t, u, m, msg);
	put_name(m, msg);
	if (copied >= 0 && copied < len)
		m->out_flags |= LX_MSG_TRUNC;
	if (u->s.type == LX_SOCK_SEQPACKET)
		m->out_flags |= LX_MSG_EOR;
	if (!(m->flags & LX_MSG_PEEK) && copied >= 0)
		consume(u, msg);
	pthread_mutex_unlock(&u->recv_lock);
	if (r < 0)
		return r;
	return m->flags & LX_MSG_TRUNC ? (int64_t)len : copied;
}

/* The message behind msg in the queue, or NULL. */
static struct unix_msg *next_message(struct unix_sock *u, struct unix_msg *msg)
{
	struct unix_msg *next = NULL;

	pthread_mutex_lock(&u->lock);
	if (msg->link.next != &u->queue)
		next = list_entry(msg->link.next, struct unix_msg, link);
	pthread_mutex_unlock(&u->lock);
	return next;
}

static bool same_cred(const struct lx_ucred *a, const struct lx_ucred *b)
{
	return a->pid == b->pid && a->uid == b->uid && a->gid == b->gid;
}

/* With recv_lock held: copies from msg and those behind it as far as one read goes: messages with
 * descriptors end it, and so do other credentials where they are passed. */
static int64_t copy_stream(struct task *t, struct unix_sock *u, struct sock_msg *m,
                           struct unix_msg *msg, bool *ancillary)
{
	struct lx_ucred cred = msg->cred;
	bool peek = m->flags & LX_MSG_PEEK;
	int64_t done = 0;

	while (msg && m->u->left > 0) {
		uint64_t n = MIN((uint64_t)(msg->len - msg->off), m->u->left);
		bool rights = msg->nfiles > 0;
		struct unix_msg *next;
		int64_t r;

		if (done > 0 && (rights || (u->s.passcred && !same_cred(&cred, &msg->cred))))
			break;
		r = uio_to(m->u, msg->data + msg->off, n);
		if (r <= 0)
			return done > 0 ? done : r;
		done += r;
		if (!*ancillary) {
			int e = put_ancillary(t, u, m, msg);

			*ancillary = true;
			if (e < 0)
				return e;
		}
		next = next_message(u, msg);
		if (!peek) {
			msg->off += (uint32_t)r;
			if (msg->off < msg->len)
				break;
			consume(u, msg);
		}
		if (rights)
			break;
		msg = next;
	}
	return done;
}

static int64_t receive_stream(struct task *t, struct unix_sock *u, struct sock_msg *m)
{
	int64_t done = 0, deadline = socket_recv_deadline(&u->s);
	bool ancillary = false;
	struct unix_msg *msg;
	int r;

	if (m->u->left == 0)
		return 0;
	do {
		int64_t n;
		bool rights;

		msg = wait_message(t, u, m, deadline, &r);
		if (!msg)
			return done > 0 ? done : r;
		rights = msg->nfiles > 0;
		if (done > 0 && rights) {
			pthread_mutex_unlock(&u->recv_lock);
			break;
		}
		n = copy_stream(t, u, m, msg, &ancillary);
		pthread_mutex_unlock(&u->recv_lock);
		if (n < 0)
			return done > 0 ? done : n;
		done += n;
		if (rights)
			break;
	} while ((m->flags & LX_MSG_WAITALL) && !(m->flags & LX_MSG_PEEK) && m->u->left > 0);
	return done;
}

int64_t unix_recvmsg(struct task *t, struct socket *s, struct sock_msg *m)
{
	struct unix_sock *u = unix_of(s);

	m->name.len = 0;
	if (m->flags & LX_MSG_OOB)
		return -LX_EOPNOTSUPP;
	return s->type == LX_SOCK_STREAM ? receive_stream(t, u, m) : receive_packet(t, u, m);
}
