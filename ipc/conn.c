/*
 * conn.c: one connection of a server: receives, decodes, dispatches, answers.
 *
 * On an event loop all of that happens on the loop's thread, sending never blocks, and what the
 * socket does not take is queued; a peer that does not read its replies is not read from either.
 * With ipc_conn_serve each thread takes turns receiving (rx_lock) and sends blocking.
 *
 * Life: the owner holds one reference, each deferred call one, and each function that calls out
 * one while it runs.  The memory goes with the last; the descriptor is closed then too.
 */
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/evloop.h"
#include "common/list.h"
#include "common/log.h"
#include "common/lx/errno.h"
#include "ipc/codec.h"
#include "ipc/handshake.h"
#include "ipc/server.h"

#define OUT_HIGH     (4u << 20) /* bytes of queued replies at which reading stops... */
#define OUT_LOW      (1u << 20) /* ...and starts again */
#define DEFERRED_MAX 65536u
#define BATCH        32 /* messages handled before other watches get their turn */

/* A message that the socket has not taken yet. */
struct out_message {
	struct list_head link;
	uint8_t *buf;
	size_t len, done;
	struct ipc_fds fds;
};

struct ipc_call {
	struct list_head link; /* in conn->deferred */
	struct ipc_conn *conn; /* a reference */
	uint64_t id;
	const struct ipc_op *op;
	void (*cancel)(struct ipc_call *call, void *arg);
	void *arg;
	unsigned refs; /* conn->lock: its finisher's, and one while cancel runs */
};

/* A request of ours that waits for its reply. */
struct request {
	struct list_head link;
	uint64_t id;
	const struct ipc_op *op;
	ipc_conn_done_fn *done;
	void *arg;
};

struct ipc_conn {
	struct ipc_conn_config cfg;
	struct evwatch watch;
	struct evwatch flush_watch; /* another thread queued something */

	pthread_mutex_t rx_lock; /* the stream, when threads serve */
	struct ipc_stream stream;
	bool greeted; /* the peer's hello was seen */

	pthread_mutex_t lock; /* everything below */
	unsigned refs;
	unsigned serving; /* threads in ipc_conn_serve */
	bool gone;
	bool closed_called;
	struct list_head out;
	size_t out_bytes;
	struct list_head deferred;
	unsigned deferred_count;
	struct list_head requests;
	uint64_t last_id;

	pthread_mutex_t tx_lock; /* keeps blocking sends whole */
};

/* The request that this thread's handler is working on. */
static _Thread_local struct current {
	struct ipc_conn *conn;
	uint64_t id;
	const struct ipc_op *op;
	bool oneway, deferred;
} * current;

static void put_conn(struct ipc_conn *conn)
{
	unsigned left;

	pthread_mutex_lock(&conn->lock);
	left = --conn->refs;
	pthread_mutex_unlock(&conn->lock);
	if (left > 0)
		return;
	ipc_stream_release(&conn->stream);
	close(conn->cfg.fd);
	pthread_mutex_destroy(&conn->rx_lock);
	pthread_mutex_destroy(&conn->tx_lock);
	pthread_mutex_destroy(&conn->lock);
	free(conn);
}

static void put_call(struct ipc_call *call)
{
	struct ipc_conn *conn = call->conn;
	unsigned left;

	pthread_mutex_lock(&conn->lock);
	left = --call->refs;
	pthread_mutex_unlock(&conn->lock);
	if (left > 0)
		return;
	free(call);
	put_conn(conn);
}

static void get_conn(struct ipc_conn *conn)
{
	pthread_mutex_lock(&conn->lock);
	conn->refs++;
	pthread_mutex_unlock(&conn->lock);
}

static bool is_gone(struct ipc_conn *conn)
{
	bool gone;

	pthread_mutex_lock(&conn->lock);
	gone = conn->gone;
	pthread_mutex_unlock(&conn->lock);
	return gone;
}

static void drop_out_locked(struct ipc_conn *conn)
{
	struct out_message *o, *next;

	list_for_each_entry_safe (o, next, &conn->out, link) {
		list_del_init(&o->link);
		ipc_fds_close(&o->fds);
		free(o->buf);
		free(o);
	}
	conn->out_bytes = 0;
}

/* Tells everyone who waits for something from the peer that it will not come. */
static void fail_all(struct ipc_conn *conn)
{
	struct ipc_fds none = {.count = 0};
	struct request *q;
	struct ipc_call *call, *next;
	struct list_head calls = LIST_HEAD_INIT(calls);

	for (;;) {
		pthread_mutex_lock(&conn->lock);
		q = list_empty(&conn->requests)
		        ? NULL
		        : list_first_entry(&conn->requests, struct request, link);
		if (q)
			list_del_init(&q->link);
		pthread_mutex_unlock(&conn->lock);
		if (!q)
			break;
		q->done(q->arg, -IPC_EGONE, NULL, &none);
		free(q);
	}
	/* Taken off one by one: a cancel may finish its own call, or others. */
	pthread_mutex_lock(&conn->lock);
	list_for_each_entry_safe (call, next, &conn->deferred, link) {
		list_del_init(&call->link);
		list_add_tail(&call->link, &calls);
	}
	while (!list_empty(&calls)) {
		call = list_first_entry(&calls, struct ipc_call, link);
		list_del_init(&call->link);
		call->refs++;
		pthread_mutex_unlock(&conn->lock);
		if (call->cancel)
			call->cancel(call, call->arg);
		put_call(call);
		pthread_mutex_lock(&conn->lock);
	}
	pthread_mutex_unlock(&conn->lock);
}

/* The connection is over; once.  call_closed: tell the owner. */
static void end(struct ipc_conn *conn, bool call_closed)
{
	bool first, call;

	pthread_mutex_lock(&conn->lock);
	first = !conn->gone;
	conn->gone = true;
	drop_out_locked(conn);
	call = call_closed && !conn->closed_called && conn->cfg.closed && conn->serving == 0;
	conn->closed_called = conn->closed_called || !call_closed || call;
	pthread_mutex_unlock(&conn->lock);
	if (first) {
		evloop_del(&conn->watch);
		evloop_del(&conn->flush_watch);
		shutdown(conn->cfg.fd, SHUT_RDWR);
		fail_all(conn);
	}
	if (call)
		conn->cfg.closed(conn, conn->cfg.session);
}

static void update_events_locked(struct ipc_conn *conn)
{
	unsigned events = list_empty(&conn->out) ? 0 : EVLOOP_WRITE;

	if (conn->out_bytes < (conn->watch.events & EVLOOP_READ ? OUT_HIGH : OUT_LOW))
		events |= EVLOOP_READ;
	if (evwatch_active(&conn->watch) && evloop_set_events(&conn->watch, events) < 0)
		log_debug("ipc: cannot change the events of a connection");
}

/* Sends from the queue what the socket takes.  False: the connection is broken. */
static bool flush_locked(struct ipc_conn *conn)
{
	while (!list_empty(&conn->out)) {
		struct out_message *o = list_first_entry(&conn->out, struct out_message, link);
		size_t before = o->done;
		int r = ipc_frame_send(conn->cfg.fd, o->buf, o->len, &o->done, o->fds.fd,
		                       o->fds.count, false);

		conn->out_bytes -= o->done - before;
		/* The descriptors went with the first byte. */
		if (o->done > 0)
			ipc_fds_close(&o->fds);
		if (r == -LX_EAGAIN)
			return true;
		list_del_init(&o->link);
		ipc_fds_close(&o->fds);
		free(o->buf);
		free(o);
		if (r < 0)
			return false;
	}
	return true;
}

/* Queues the finished message in w, whose memory moves to the queue; fds move too. */
static int enqueue_locked(struct ipc_conn *conn, const struct ipc_writer *w, size_t done,
                          struct ipc_fds *fds)
{
	struct out_message *o = malloc(sizeof(*o));
	uint8_t *copy = malloc(w->len);

	if (!o || !copy) {
		free(o);
		free(copy);
		return -LX_ENOMEM;
	}
	memcpy(copy, w->buf, w->len);
	o->buf = copy;
	o->len = w->len;
	o->done = done;
	o->fds.count = 0;
	if (done == 0 && fds) {
		o->fds.count = fds->count;
		memcpy(o->fds.fd, fds->fd, fds->count * sizeof(int));
		fds->count = 0;
	}
	list_add_tail(&o->link, &conn->out);
	conn->out_bytes += w->len - done;
	return 0;
}

static int send_on_loop(struct ipc_conn *conn, const struct ipc_writer *w, struct ipc_fds *fds)
{
	size_t done = 0;
	int r = -LX_EAGAIN;

	pthread_mutex_lock(&conn->lock);
	if (conn->gone) {
		pthread_mutex_unlock(&conn->lock);
		return -IPC_EGONE;
	}
	if (list_empty(&conn->out))
		r = ipc_frame_send(conn->cfg.fd, w->buf, w->len, &done, fds ? fds->fd : NULL,
		                   fds ? fds->count : 0, false);
	if (r == -LX_EAGAIN) {
		r = enqueue_locked(conn, w, done, fds);
		/* Only the loop's thread may change what it waits for. */
		evloop_trigger(&conn->flush_watch);
	}
	pthread_mutex_unlock(&conn->lock);
	return r;
}

/* Sends the finished message; its descriptors are consumed.  A failure is found out by the
 * receiving side as well, which ends the connection; so nothing is done about it here, except
 * that a message cut in the middle makes the stream useless. */
static int send_message(struct ipc_conn *conn, const struct ipc_writer *w, struct ipc_fds *fds)
{
	size_t done = 0;
	int r;

	if (conn->cfg.loop) {
		r = send_on_loop(conn, w, fds);
	} else {
		pthread_mutex_lock(&conn->tx_lock);
		r = ipc_frame_send(conn->cfg.fd, w->buf, w->len, &done, fds ? fds->fd : NULL,
		                   fds ? fds->count : 0, true);
		pthread_mutex_unlock(&conn->tx_lock);
	}
	if (r < 0)
		shutdown(conn->cfg.fd, SHUT_RDWR);
	if (fds)
		ipc_fds_close(fds);
	return r;
}

static void send_reply(struct ipc_conn *conn, uint64_t id, const struct ipc_op *op, int64_t result,
                       const void *rep, struct ipc_fds *out)
{
	struct ipc_writer w;
	int r;

	if (result < -LX_EHWPOISON)
		result = -LX_EIO;
	if (result < 0 && out)
		ipc_fds_close(out);
	ipc_writer_init(&w);
	r = ipc_write_reply(&w, id, op, result, rep, out ? out->count : 0);
	if (r < 0) {
		log_error("ipc: the reply of %s cannot be encoded: %s", op->name, lx_errno_name(r));
		if (out)
			ipc_fds_close(out);
		ipc_writer_release(&w);
		ipc_writer_init(&w);
		r = ipc_write_reply(&w, id, op, r == -LX_ENOMEM ? r : -LX_EIO, NULL, 0);
	}
	if (r == 0)
		r = send_message(conn, &w, out);
	if (r < 0)
		log_debug("ipc: the reply of %s was not sent", op->name);
	ipc_writer_release(&w);
}

/* A request or one-way message: decode, call the handler, answer. */
static int handle_request(struct ipc_conn *conn, struct ipc_reader *r,
                          const struct ipc_envelope *env, struct ipc_fds *in)
{
	_Alignas(16) uint8_t req[IPC_MAX_STRUCT], rep[IPC_MAX_STRUCT];
	const struct ipc_handlers *h = conn->cfg.handlers;
	const struct ipc_op *op = ipc_service_op(h->service, env->op);
	struct ipc_fds out = {.count = 0};
	struct current now = {conn, env->id, op, env->kind == IPC_KIND_ONEWAY, false};
	int64_t result;

	if (!op || op->peer != h->peer || !h->fn[op - h->service->ops] || in->count > op->req_fds ||
	    !ipc_read_request(r, env, op, req))
		return -LX_EPROTO;
	memset(rep, 0, op->rep.size);
	current = &now;
	result = h->fn[op - h->service->ops](conn->cfg.session, req, rep, in, &out);
	current = NULL;
	if (now.deferred || now.oneway)
		ipc_fds_close(&out);
	else
		send_reply(conn, env->id, op, result, rep, &out);
	return 0;
}

static int handle_reply(struct ipc_conn *conn, struct ipc_reader *r, const struct ipc_envelope *env,
                        struct ipc_fds *in)
{
	_Alignas(16) uint8_t rep[IPC_MAX_STRUCT];
	struct request *q, *found = NULL;
	int64_t result;

	pthread_mutex_lock(&conn->lock);
	list_for_each_entry (q, &conn->requests, link)
		if (q->id == env->id) {
			found = q;
			break;
		}
	if (found)
		list_del_init(&found->link);
	pthread_mutex_unlock(&conn->lock);
	if (!found)
		return -LX_EPROTO;
	if (found->op->number != env->op || in->count > found->op->rep_fds ||
	    !ipc_read_reply(r, env, found->op, &result, rep)) {
		struct ipc_fds none = {.count = 0};

		found->done(found->arg, -IPC_EGONE, NULL, &none);
		free(found);
		return -LX_EPROTO;
	}
	found->done(found->arg, result, result >= 0 ? rep : NULL, in);
	free(found);
	return 0;
}

static void handle_cancel(struct ipc_conn *conn, uint64_t id)
{
	struct ipc_call *call, *found = NULL;

	pthread_mutex_lock(&conn->lock);
	list_for_each_entry (call, &conn->deferred, link)
		if (call->id == id) {
			found = call;
			found->refs++;
			break;
		}
	pthread_mutex_unlock(&conn->lock);
	/* Not there: its reply is under way already. */
	if (!found)
		return;
	if (found->cancel)
		found->cancel(found, found->arg);
	put_call(found);
}

static int greet(struct ipc_conn *conn, const struct ipc_frame *frame)
{
	int r = ipc_hello_check(conn->cfg.handlers->service, frame);

	/* Answered even if it is of another version, so that the other side can say so too. */
	if (!conn->cfg.initiator && (r == 0 || r == -IPC_EVERSION) &&
	    ipc_hello_send(conn->cfg.fd, conn->cfg.handlers->service) < 0)
		return -LX_EPIPE;
	conn->greeted = r == 0;
	return r;
}

/* Handles one message and closes what is left of its descriptors. */
static int handle_frame(struct ipc_conn *conn, struct ipc_frame *frame)
{
	struct ipc_envelope env;
	struct ipc_reader r;
	int result = -LX_EPROTO;

	if (!conn->greeted) {
		result = greet(conn, frame);
	} else if (ipc_read_envelope(&r, frame->body, frame->len, &env)) {
		if (env.kind == IPC_KIND_REQUEST || env.kind == IPC_KIND_ONEWAY) {
			result = handle_request(conn, &r, &env, &frame->fds);
		} else if (env.kind == IPC_KIND_REPLY) {
			result = handle_reply(conn, &r, &env, &frame->fds);
		} else if (env.kind == IPC_KIND_CANCEL && env.fields == 0 && r.pos == r.end) {
			handle_cancel(conn, env.id);
			result = 0;
		}
	}
	ipc_fds_close(&frame->fds);
	if (result < 0)
		log_warn("ipc: a peer of the %s channel sent a message that is not permitted; its "
		         "session ends",
		         conn->cfg.handlers->service->name);
	return result;
}

static void on_event(struct evwatch *w, int64_t events)
{
	struct ipc_conn *conn = w->arg;
	struct ipc_frame frame;
	bool broken = false;
	int r = 1;

	get_conn(conn);
	if (events & EVLOOP_WRITE) {
		pthread_mutex_lock(&conn->lock);
		broken = !flush_locked(conn);
		update_events_locked(conn);
		pthread_mutex_unlock(&conn->lock);
	}
	if (!broken && (events & (EVLOOP_READ | EVLOOP_HUP))) {
		r = ipc_stream_fill(&conn->stream, false);
		if (r == -LX_EAGAIN)
			r = 1;
		else if (r > 0)
			while ((r = ipc_stream_next(&conn->stream, &frame)) > 0 && !is_gone(conn)) {
				r = handle_frame(conn, &frame);
				if (r < 0)
					break;
			}
		else
			r = -IPC_EGONE;
	}
	if (broken || r < 0)
		end(conn, true);
	put_conn(conn);
}

static void on_flush(struct evwatch *w, int64_t count)
{
	struct ipc_conn *conn = w->arg;

	(void)count;
	pthread_mutex_lock(&conn->lock);
	update_events_locked(conn);
	pthread_mutex_unlock(&conn->lock);
}

int ipc_conn_new(const struct ipc_conn_config *config, struct ipc_conn **out)
{
	struct ipc_conn *conn = calloc(1, sizeof(*conn));
	int r = -LX_ENOMEM;

	if (!conn) {
		close(config->fd);
		return r;
	}
	conn->cfg = *config;
	conn->refs = 1;
	list_init(&conn->out);
	list_init(&conn->deferred);
	list_init(&conn->requests);
	pthread_mutex_init(&conn->rx_lock, NULL);
	pthread_mutex_init(&conn->tx_lock, NULL);
	pthread_mutex_init(&conn->lock, NULL);
	r = ipc_stream_init(&conn->stream, config->fd);
	if (r == 0 && config->loop) {
		r = evloop_add_user(config->loop, &conn->flush_watch, on_flush, conn);
		if (r == 0)
			r = evloop_add_fd(config->loop, &conn->watch, config->fd, EVLOOP_READ,
			                  on_event, conn);
	}
	if (r == 0 && config->initiator)
		r = ipc_hello_send(config->fd, config->handlers->service);
	if (r < 0) {
		ipc_conn_free(conn);
		return r;
	}
	*out = conn;
	return 0;
}

void ipc_conn_free(struct ipc_conn *conn)
{
	end(conn, false);
	put_conn(conn);
}

/* Receives one message into memory of this thread.  As ipc_stream_next; 0 at the end. */
static int receive(struct ipc_conn *conn, struct ipc_frame *frame, uint8_t **buf, size_t *cap)
{
	int r;

	pthread_mutex_lock(&conn->rx_lock);
	while ((r = ipc_stream_next(&conn->stream, frame)) == 0) {
		r = ipc_stream_fill(&conn->stream, true);
		if (r <= 0)
			break;
	}
	if (r > 0 && frame->len > *cap) {
		uint8_t *bigger = realloc(*buf, frame->len);

		if (bigger) {
			*buf = bigger;
			*cap = frame->len;
		} else {
			ipc_fds_close(&frame->fds);
			r = -LX_ENOMEM;
		}
	}
	if (r > 0) {
		memcpy(*buf, frame->body, frame->len);
		frame->body = *buf;
		/* The greeting comes before everything: nobody else may receive meanwhile. */
		if (!conn->greeted) {
			r = handle_frame(conn, frame);
			r = r < 0 ? r : 2;
		}
	}
	pthread_mutex_unlock(&conn->rx_lock);
	return r;
}

int ipc_conn_serve(struct ipc_conn *conn)
{
	uint8_t *buf = NULL;
	size_t cap = 0;
	struct ipc_frame frame;
	int r = 0;

	get_conn(conn);
	pthread_mutex_lock(&conn->lock);
	conn->serving++;
	pthread_mutex_unlock(&conn->lock);
	while (!is_gone(conn) && (r = receive(conn, &frame, &buf, &cap)) > 0) {
		if (r == 1)
			r = handle_frame(conn, &frame);
		if (r < 0)
			break;
	}
	free(buf);
	pthread_mutex_lock(&conn->lock);
	conn->serving--;
	pthread_mutex_unlock(&conn->lock);
	end(conn, true);
	put_conn(conn);
	return r == -LX_EPROTO ? r : 0;
}

struct ipc_call *ipc_conn_defer(struct ipc_conn *conn,
                                void (*cancel)(struct ipc_call *call, void *arg), void *arg)
{
	struct ipc_call *call;

	if (!current || current->conn != conn || current->oneway || current->deferred)
		return NULL;
	call = malloc(sizeof(*call));
	if (!call)
		return NULL;
	*call = (struct ipc_call){
	    .conn = conn,
	    .id = current->id,
	    .op = current->op,
	    .cancel = cancel,
	    .arg = arg,
	    .refs = 1,
	};
	list_init(&call->link);
	pthread_mutex_lock(&conn->lock);
	if (conn->gone || conn->deferred_count >= DEFERRED_MAX) {
		pthread_mutex_unlock(&conn->lock);
		free(call);
		return NULL;
	}
	list_add_tail(&call->link, &conn->deferred);
	conn->deferred_count++;
	conn->refs++;
	pthread_mutex_unlock(&conn->lock);
	current->deferred = true;
	return call;
}

void ipc_call_finish(struct ipc_call *call, const struct ipc_op *op, int64_t result,
                     const void *rep, struct ipc_fds *out)
{
	struct ipc_conn *conn = call->conn;

	pthread_mutex_lock(&conn->lock);
	list_del_init(&call->link);
	conn->deferred_count--;
	pthread_mutex_unlock(&conn->lock);
	if (op != call->op) {
		log_error("ipc: a deferred %s was finished as %s", call->op->name, op->name);
		result = -LX_EIO;
	}
	if (!is_gone(conn))
		send_reply(conn, call->id, call->op, result, rep, out);
	else if (out)
		ipc_fds_close(out);
	put_call(call);
}

int ipc_conn_post(struct ipc_conn *conn, const struct ipc_op *op, const void *req)
{
	struct ipc_writer w;
	int r;

	if (is_gone(conn))
		return -IPC_EGONE;
	ipc_writer_init(&w);
	r = ipc_write_request(&w, IPC_KIND_ONEWAY, 0, op, req, 0);
	if (r == 0)
		r = send_message(conn, &w, NULL);
	ipc_writer_release(&w);
	return r;
}

int ipc_conn_request(struct ipc_conn *conn, const struct ipc_op *op, const void *req,
                     const int *fds, unsigned fd_count, ipc_conn_done_fn *done, void *arg)
{
	struct request *q = malloc(sizeof(*q));
	struct ipc_fds copies = {.count = 0};
	struct ipc_writer w;
	int r = 0;

	if (!q)
		return -LX_ENOMEM;
	*q = (struct request){.op = op, .done = done, .arg = arg, .id = ++conn->last_id};
	ipc_writer_init(&w);
	/* The message may have to wait in the queue, so it gets descriptors of its own. */
	for (unsigned i = 0; i < fd_count && r == 0; i++)
		if (!ipc_fds_add(&copies, dup(fds[i])))
			r = -LX_EMFILE;
	if (r == 0)
		r = ipc_write_request(&w, IPC_KIND_REQUEST, q->id, op, req, fd_count);
	if (r == 0) {
		pthread_mutex_lock(&conn->lock);
		list_add_tail(&q->link, &conn->requests);
		pthread_mutex_unlock(&conn->lock);
		r = send_message(conn, &w, &copies);
		if (r < 0)
			list_del_init(&q->link);
	}
	ipc_fds_close(&copies);
	ipc_writer_release(&w);
	if (r < 0)
		free(q);
	return r;
}
