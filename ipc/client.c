/*
 * client.c: pipelined calls from many threads over one connection.
 *
 * Each call registers a `pending` under its id, sends its message and waits.  Of the waiting
 * threads one is the reader (c->reading): it receives without the lock, files replies with their
 * pendings and, when its own has come, passes the reading on.  Calls without a waiting thread
 * (ipc_client_submit) make a service thread take part, which reads only when nobody else does.
 *
 * Locks: send_lock keeps messages whole on the wire; lock guards everything else.  Neither is
 * taken while the other is held.  The stream belongs to whoever set c->reading.
 */
#include "ipc/client.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/list.h"
#include "common/lx/errno.h"
#include "ipc/codec.h"
#include "ipc/handshake.h"

#define BUCKETS 64u

/* A call that waits for its reply. */
struct pending {
	struct list_head by_id;   /* in c->calls */
	struct list_head waiting; /* in c->waiters, or c->done_async when an async call is over */
	uint64_t id;
	const struct ipc_op *op;
	int error;               /* 0, or why there is no reply */
	bool over;               /* reply or error is set */
	struct ipc_reply *reply; /* the waiting caller's, or own_reply */
	pthread_cond_t wake;     /* unless async */
	struct ipc_async *async; /* then the pending is on the heap and has its own reply */
	struct ipc_reply own_reply;
};

struct ipc_client {
	const struct ipc_service *service;
	int fd;
	struct ipc_stream stream;
	pthread_mutex_t send_lock;

	pthread_mutex_t lock;
	bool gone;
	bool reading;
	uint64_t last_id;
	struct list_head calls[BUCKETS];
	struct list_head waiters; /* threads that wait, oldest first */
	unsigned async_count;     /* async calls without a reply */
	bool thread_started, thread_stop;
	pthread_t thread;
	pthread_cond_t thread_wake; /* async_count, reading or thread_stop changed */
};

void ipc_reply_release(struct ipc_reply *reply)
{
	ipc_fds_close(&reply->fds);
	if (reply->body != reply->small)
		free(reply->body);
	reply->body = NULL;
	reply->len = 0;
}

static void reply_init(struct ipc_reply *reply)
{
	reply->fds.count = 0;
	reply->body = NULL;
	reply->len = 0;
}

/* Moves a received frame into reply. */
static int reply_fill(struct ipc_reply *reply, struct ipc_frame *frame)
{
	reply->body = frame->len <= sizeof(reply->small) ? reply->small : malloc(frame->len);
	if (!reply->body)
		return -LX_ENOMEM;
	memcpy(reply->body, frame->body, frame->len);
	reply->len = frame->len;
	reply->fds.count = frame->fds.count;
	memcpy(reply->fds.fd, frame->fds.fd, frame->fds.count * sizeof(int));
	frame->fds.count = 0;
	return 0;
}

static struct pending *find_call(struct ipc_client *c, uint64_t id)
{
	struct pending *p;

	list_for_each_entry (p, &c->calls[id % BUCKETS], by_id)
		if (p->id == id)
			return p;
	return NULL;
}

/* Lets someone who waits become the reader.  Called with the lock held. */
static void pass_reading_locked(struct ipc_client *c)
{
	if (c->reading)
		return;
	if (!list_empty(&c->waiters)) {
		struct pending *p = list_first_entry(&c->waiters, struct pending, waiting);

		pthread_cond_signal(&p->wake);
	}
	pthread_cond_broadcast(&c->thread_wake);
}

/* The call is over; an async one goes to `done`, to be called back without the lock. */
static void finish_locked(struct ipc_client *c, struct pending *p, int error,
                          struct list_head *done)
{
	list_del_init(&p->by_id);
	list_del_init(&p->waiting);
	p->error = error;
	p->over = true;
	if (p->async) {
		c->async_count--;
		list_add_tail(&p->waiting, done);
	} else {
		pthread_cond_signal(&p->wake);
	}
}

static void fail_all_locked(struct ipc_client *c, struct list_head *done)
{
	struct pending *p, *next;

	c->gone = true;
	for (unsigned i = 0; i < BUCKETS; i++)
		list_for_each_entry_safe (p, next, &c->calls[i], by_id)
			finish_locked(c, p, -IPC_EGONE, done);
}

/* Files one received message; false if it is nonsense. */
static bool deliver_locked(struct ipc_client *c, struct ipc_frame *frame, struct list_head *done)
{
	struct ipc_envelope env;
	struct ipc_reader r;
	struct pending *p = NULL;

	if (ipc_read_envelope(&r, frame->body, frame->len, &env) && env.kind == IPC_KIND_REPLY)
		p = find_call(c, env.id);
	if (!p || p->op->number != env.op || frame->fds.count > p->op->rep_fds) {
		ipc_fds_close(&frame->fds);
		return false;
	}
	finish_locked(c, p, reply_fill(p->reply, frame), done);
	ipc_fds_close(&frame->fds);
	return true;
}

/* Decodes p's reply into rep and returns the operation's result. */
static int64_t take_result(struct ipc_client *c, struct pending *p, void *rep)
{
	struct ipc_envelope env;
	struct ipc_reader r;
	int64_t result;

	if (p->error)
		return p->error;
	if (!ipc_read_envelope(&r, p->reply->body, p->reply->len, &env) ||
	    !ipc_read_reply(&r, &env, p->op, &result, rep)) {
		ipc_client_shutdown(c);
		return -IPC_EGONE;
	}
	return result;
}

static void run_callbacks(struct ipc_client *c, struct list_head *done)
{
	_Alignas(16) uint8_t rep[IPC_MAX_STRUCT];
	struct pending *p, *next;

	list_for_each_entry_safe (p, next, done, waiting) {
		int64_t result = take_result(c, p, rep);
		struct ipc_fds none = {.count = 0};

		p->async->done(p->async, result, result >= 0 ? rep : NULL,
		               result >= 0 ? &p->reply->fds : &none);
		ipc_reply_release(p->reply);
		free(p);
	}
}

/* Receives once and files what came.  The caller has set c->reading and holds the lock, which is
 * dropped meanwhile; reading is passed on before callbacks run. */
static void read_locked(struct ipc_client *c)
{
	struct list_head done = LIST_HEAD_INIT(done);
	struct ipc_frame frame;
	int r;

	pthread_mutex_unlock(&c->lock);
	r = ipc_stream_fill(&c->stream, true);
	pthread_mutex_lock(&c->lock);
	if (r <= 0)
		r = -IPC_EGONE;
	while (r >= 0 && (r = ipc_stream_next(&c->stream, &frame)) > 0)
		if (!deliver_locked(c, &frame, &done))
			r = -LX_EPROTO;
	if (r < 0) {
		shutdown(c->fd, SHUT_RDWR);
		fail_all_locked(c, &done);
	}
	c->reading = false;
	if (!list_empty(&done)) {
		pass_reading_locked(c);
		pthread_mutex_unlock(&c->lock);
		run_callbacks(c, &done);
		pthread_mutex_lock(&c->lock);
	}
}

static void *service_thread(void *arg)
{
	struct ipc_client *c = arg;

	pthread_mutex_lock(&c->lock);
	while (!c->thread_stop) {
		if (c->async_count == 0 || c->reading) {
			pthread_cond_wait(&c->thread_wake, &c->lock);
			continue;
		}
		c->reading = true;
		read_locked(c);
		if (c->async_count == 0)
			pass_reading_locked(c);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* Sends a finished message whole. */
static int send_message(struct ipc_client *c, const struct ipc_writer *w, const int *fds,
                        unsigned fd_count)
{
	size_t done = 0;
	int r;

	pthread_mutex_lock(&c->send_lock);
	r = ipc_frame_send(c->fd, w->buf, w->len, &done, fds, fd_count, true);
	pthread_mutex_unlock(&c->send_lock);
	if (r < 0 && (done > 0 || r == -LX_EPIPE || r == -LX_ECONNRESET || r == -LX_EBADF ||
	              r == -LX_ENOTCONN)) {
		ipc_client_shutdown(c);
		r = -IPC_EGONE;
	}
	return r;
}

/* Registers p under a new id; 0 when there is no connection.  An async p may be called back, and
 * freed, at any moment from here on. */
static uint64_t register_call(struct ipc_client *c, struct pending *p)
{
	uint64_t id = 0;

	pthread_mutex_lock(&c->lock);
	if (!c->gone) {
		id = p->id = ++c->last_id;
		list_add_tail(&p->by_id, &c->calls[id % BUCKETS]);
		if (p->async) {
			p->async->id = id;
			p->async->op = p->op;
			c->async_count++;
			pthread_cond_broadcast(&c->thread_wake);
		}
	}
	pthread_mutex_unlock(&c->lock);
	return id;
}

/* Takes a call back after its request could not be sent; false if it is over already. */
static bool unregister_call(struct ipc_client *c, uint64_t id)
{
	struct pending *p;

	pthread_mutex_lock(&c->lock);
	p = find_call(c, id);
	if (p) {
		list_del_init(&p->by_id);
		if (p->async)
			c->async_count--;
	}
	pthread_mutex_unlock(&c->lock);
	return p != NULL;
}

static void wait_for_reply(struct ipc_client *c, struct pending *p)
{
	pthread_mutex_lock(&c->lock);
	if (!p->over)
		list_add_tail(&p->waiting, &c->waiters);
	while (!p->over) {
		if (c->reading) {
			pthread_cond_wait(&p->wake, &c->lock);
		} else {
			c->reading = true;
			read_locked(c);
		}
	}
	pass_reading_locked(c);
	pthread_mutex_unlock(&c->lock);
}

static int send_request(struct ipc_client *c, uint64_t id, const struct ipc_op *op, const void *req,
                        const int *fds, unsigned fd_count)
{
	struct ipc_writer w;
	int r;

	ipc_writer_init(&w);
	r = ipc_write_request(&w, IPC_KIND_REQUEST, id, op, req, fd_count);
	if (r == 0)
		r = send_message(c, &w, fds, fd_count);
	ipc_writer_release(&w);
	return r;
}

static bool has_bytes(const struct ipc_message *m)
{
	for (unsigned i = 0; i < m->field_count; i++)
		if (m->fields[i].type >= IPC_FIELD_NAME && m->fields[i].type <= IPC_FIELD_BYTES)
			return true;
	return false;
}

static int64_t call(struct ipc_client *c, struct pending *p, const void *req, const int *fds,
                    unsigned fd_count, void *rep)
{
	uint64_t id = register_call(c, p);
	int r;

	if (id == 0)
		return -IPC_EGONE;
	r = send_request(c, id, p->op, req, fds, fd_count);
	if (r < 0 && unregister_call(c, id))
		return r;
	wait_for_reply(c, p);
	return take_result(c, p, rep);
}

int64_t ipc_client_call(struct ipc_client *c, const struct ipc_op *op, const void *req,
                        const int *fds, unsigned fd_count, void *rep, struct ipc_reply *reply)
{
	_Alignas(16) uint8_t scratch[IPC_MAX_STRUCT];
	struct pending p = {.op = op};
	int64_t result;

	p.reply = reply ? reply : &p.own_reply;
	reply_init(p.reply);
	if (rep && !reply && has_bytes(&op->rep))
		return -LX_EINVAL;
	list_init(&p.by_id);
	list_init(&p.waiting);
	pthread_cond_init(&p.wake, NULL);
	result = call(c, &p, req, fds, fd_count, rep ? rep : scratch);
	pthread_cond_destroy(&p.wake);
	if (result < 0 || !reply)
		ipc_reply_release(p.reply);
	return result;
}

int ipc_client_post(struct ipc_client *c, const struct ipc_op *op, const void *req)
{
	struct ipc_writer w;
	int r;

	if (ipc_client_is_gone(c))
		return -IPC_EGONE;
	ipc_writer_init(&w);
	r = ipc_write_request(&w, IPC_KIND_ONEWAY, 0, op, req, 0);
	if (r == 0)
		r = send_message(c, &w, NULL, 0);
	ipc_writer_release(&w);
	return r;
}

static int start_thread(struct ipc_client *c)
{
	int r = 0;

	pthread_mutex_lock(&c->lock);
	if (!c->thread_started) {
		if (pthread_create(&c->thread, NULL, service_thread, c) != 0)
			r = -LX_EAGAIN;
		else
			c->thread_started = true;
	}
	pthread_mutex_unlock(&c->lock);
	return r;
}

int ipc_client_submit(struct ipc_client *c, const struct ipc_op *op, const void *req,
                      struct ipc_async *a)
{
	struct pending *p;
	uint64_t id;
	int r = start_thread(c);

	if (r < 0)
		return r;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -LX_ENOMEM;
	p->op = op;
	p->async = a;
	p->reply = &p->own_reply;
	reply_init(p->reply);
	list_init(&p->by_id);
	list_init(&p->waiting);
	id = register_call(c, p);
	if (id == 0) {
		free(p);
		return -IPC_EGONE;
	}
	/* If the connection ends meanwhile, it is the callback that reports it, not we. */
	r = send_request(c, id, op, req, NULL, 0);
	if (r < 0 && unregister_call(c, id)) {
		free(p);
		return r;
	}
	return 0;
}

void ipc_client_cancel(struct ipc_client *c, struct ipc_async *a)
{
	struct ipc_writer w;

	ipc_writer_init(&w);
	if (ipc_write_cancel(&w, a->id, a->op) == 0 && send_message(c, &w, NULL, 0) < 0)
		ipc_client_shutdown(c);
	ipc_writer_release(&w);
}

void ipc_client_shutdown(struct ipc_client *c)
{
	struct list_head done = LIST_HEAD_INIT(done);

	pthread_mutex_lock(&c->lock);
	if (!c->gone) {
		shutdown(c->fd, SHUT_RDWR);
		fail_all_locked(c, &done);
		pass_reading_locked(c);
	}
	pthread_mutex_unlock(&c->lock);
	run_callbacks(c, &done);
}

bool ipc_client_is_gone(struct ipc_client *c)
{
	bool gone;

	pthread_mutex_lock(&c->lock);
	gone = c->gone;
	pthread_mutex_unlock(&c->lock);
	return gone;
}

int ipc_client_fd(const struct ipc_client *c)
{
	return c->fd;
}

static int shake_hands(struct ipc_client *c)
{
	struct ipc_frame frame;
	int r = ipc_hello_send(c->fd, c->service);

	if (r < 0)
		return -IPC_EGONE;
	while ((r = ipc_stream_next(&c->stream, &frame)) == 0)
		if (ipc_stream_fill(&c->stream, true) <= 0)
			return -IPC_EGONE;
	if (r < 0)
		return -IPC_EGONE;
	r = ipc_hello_check(c->service, &frame);
	ipc_fds_close(&frame.fds);
	return r == -LX_EPROTO ? -IPC_EGONE : r;
}

int ipc_client_new(int fd, const struct ipc_service *service, struct ipc_client **out)
{
	struct ipc_client *c = calloc(1, sizeof(*c));
	int r = -LX_ENOMEM;

	if (!c) {
		close(fd);
		return r;
	}
	c->service = service;
	c->fd = fd;
	for (unsigned i = 0; i < BUCKETS; i++)
		list_init(&c->calls[i]);
	list_init(&c->waiters);
	pthread_mutex_init(&c->send_lock, NULL);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->thread_wake, NULL);
	r = ipc_stream_init(&c->stream, fd);
	if (r == 0)
		r = shake_hands(c);
	if (r < 0) {
		ipc_client_free(c);
		return r;
	}
	*out = c;
	return 0;
}

int ipc_client_reconnect(struct ipc_client *c, int fd)
{
	int r;

	pthread_mutex_lock(&c->lock);
	/* A reader may still be on its way out of the old connection's end. */
	while (c->reading)
		pthread_cond_wait(&c->thread_wake, &c->lock);
	c->reading = true;
	pthread_mutex_unlock(&c->lock);
	pthread_mutex_lock(&c->send_lock);
	ipc_stream_release(&c->stream);
	close(c->fd);
	c->fd = fd;
	r = ipc_stream_init(&c->stream, fd);
	if (r == 0)
		r = shake_hands(c);
	pthread_mutex_unlock(&c->send_lock);
	pthread_mutex_lock(&c->lock);
	c->reading = false;
	c->gone = r < 0;
	pass_reading_locked(c);
	pthread_mutex_unlock(&c->lock);
	return r;
}

void ipc_client_free(struct ipc_client *c)
{
	if (c->thread_started) {
		ipc_client_shutdown(c);
		pthread_mutex_lock(&c->lock);
		c->thread_stop = true;
		pthread_cond_broadcast(&c->thread_wake);
		pthread_mutex_unlock(&c->lock);
		pthread_join(c->thread, NULL);
	}
	ipc_stream_release(&c->stream);
	close(c->fd);
	pthread_cond_destroy(&c->thread_wake);
	pthread_mutex_destroy(&c->lock);
	pthread_mutex_destroy(&c->send_lock);
	free(c);
}
