/*
 * server.h: one connection of a server, or of the control channel, where both sides may speak
 * first.  A connection runs either on an event loop, or on threads that call ipc_conn_serve.
 *
 * A message that cannot be decoded, breaks a limit, or is not permitted to its sender ends this
 * connection and nothing else.
 */
#ifndef IPC_SERVER_H
#define IPC_SERVER_H

#include "ipc/schema.h"

struct evloop;
struct ipc_conn;
struct ipc_call;

/* Runs once when the connection has ended (the peer closed it, or lost it by speaking nonsense),
 * on the loop's thread or the last serving one.  The owner may free the connection in it. */
typedef void ipc_conn_closed_fn(struct ipc_conn *conn, void *session);

struct ipc_conn_config {
	int fd;              /* connected Unix stream socket; becomes the connection's */
	struct evloop *loop; /* NULL for ipc_conn_serve */
	const struct ipc_handlers *handlers; /* what the peer may call */
	void *session;                       /* first argument of the handlers */
	ipc_conn_closed_fn *closed;          /* may be NULL */
	bool initiator;                      /* speaks first in the handshake */
};

/* Makes a connection.  On failure fd is closed.  0 or a negative Linux errno. */
int ipc_conn_new(const struct ipc_conn_config *config, struct ipc_conn **out) MUST_CHECK;

/* Closes the connection.  Deferred calls may still be finished later; their replies go nowhere. */
void ipc_conn_free(struct ipc_conn *conn);

/* Serves requests until the peer goes away; returns 0 then, or -LX_EPROTO if it was thrown out.
 * Several threads may serve one connection at once: handlers then run in parallel. */
int ipc_conn_serve(struct ipc_conn *conn);

/* In a handler: the reply will come later, by S_finish_OP(call, ...), from any thread; what the
 * handler returns is ignored.  cancel (may be NULL) runs when the peer asks to end the call
 * early or is gone; the call still has to be finished, in cancel or later.  It may run while
 * another thread finishes the call: then call is only good for comparing, and arg must still be
 * valid.  NULL: no memory, or
 * a one-way message, which has nothing to answer. */
struct ipc_call *ipc_conn_defer(struct ipc_conn *conn,
                                void (*cancel)(struct ipc_call *call, void *arg), void *arg);

/* Answers a deferred call and frees it.  op must be the operation that was deferred.  rep may be
 * NULL when result is negative; out may be NULL. */
void ipc_call_finish(struct ipc_call *call, const struct ipc_op *op, int64_t result,
                     const void *rep, struct ipc_fds *out);

/* Sends a one-way message to the peer.  Callable from any thread.  0 or a negative errno. */
int ipc_conn_post(struct ipc_conn *conn, const struct ipc_op *op, const void *req);

/* Runs when a request of ours was answered: result and, if it is not negative, the reply; or
 * -IPC_EGONE when the connection ended first.  Descriptors that stay in fds are closed. */
typedef void ipc_conn_done_fn(void *arg, int64_t result, const void *rep, struct ipc_fds *fds);

/* Sends a request to the peer with fds (borrowed).  Needs an event loop; call it on the loop's
 * thread.  0, and done will run; or a negative Linux errno, and it will not. */
int ipc_conn_request(struct ipc_conn *conn, const struct ipc_op *op, const void *req,
                     const int *fds, unsigned fd_count, ipc_conn_done_fn *done,
                     void *arg) MUST_CHECK;

#endif
