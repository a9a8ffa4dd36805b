/*
 * client.h: calling a service.  Any number of threads may call over one client at once:
 * requests go out with ids, replies come back in any order.  There is no reader thread: of the
 * threads that wait, one reads for all and hands over when its own reply has come.
 */
#ifndef IPC_CLIENT_H
#define IPC_CLIENT_H

#include "ipc/schema.h"

struct ipc_client;

/* Owns what a reply's byte fields point into, and the descriptors that came with it.  Must not
 * be copied or moved while in use. */
struct ipc_reply {
	struct ipc_fds fds;
	uint8_t *body; /* small or heap memory; NULL before the call */
	uint32_t len;
	uint8_t small[512];
};

/* Frees the reply's memory and closes the descriptors that were not taken.  Harmless twice. */
void ipc_reply_release(struct ipc_reply *reply);

/* Shakes hands over fd, a connected Unix stream socket, with the named service and makes a client
 * of it.  fd belongs to the client from here on, and is closed if this fails.  0, or -IPC_EVERSION
 * (the sentence for the user has been logged), -IPC_EGONE, or a negative Linux errno. */
int ipc_client_new(int fd, const struct ipc_service *service, struct ipc_client **out) MUST_CHECK;

/* Nobody may be calling, nor call again. */
void ipc_client_free(struct ipc_client *c);

/* Makes every call, present and future, end with -IPC_EGONE.  Callable from any thread. */
void ipc_client_shutdown(struct ipc_client *c);
bool ipc_client_is_gone(struct ipc_client *c);
/* For poll(2): becomes readable when the peer goes away.  Stays the client's. */
int ipc_client_fd(const struct ipc_client *c);

/* A session's connection may be replaced after the peer died (a restarted service): shakes hands
 * over fd; then calls work again.  Calls under way must have returned.  As ipc_client_new. */
int ipc_client_reconnect(struct ipc_client *c, int fd) MUST_CHECK;

/*
 * The generated fsd_call_* and netd_call_* are typed forms of this.  Sends the request with
 * fds (borrowed) and waits for the reply.  Returns the operation's result: 0 or more, or a
 * negative Linux errno; -IPC_EGONE if the peer is gone, in which case the operation may or may
 * not have happened.  reply is initialised here, whatever the result, and must be released after
 * a result that is not negative; rep's byte fields point into it.  rep and reply may both be NULL
 * when only the result matters; reply alone may be NULL for an operation whose reply has no byte
 * fields (descriptors that come with it are closed then).
 */
int64_t ipc_client_call(struct ipc_client *c, const struct ipc_op *op, const void *req,
                        const int *fds, unsigned fd_count, void *rep,
                        struct ipc_reply *reply) MUST_CHECK;

/* Sends a request that gets no reply: close, forget.  0 or a negative errno. */
int ipc_client_post(struct ipc_client *c, const struct ipc_op *op, const void *req);

/*
 * A call without waiting.  The caller fills in done and arg; the struct must stay until done has
 * run.  done runs exactly once, on a thread of the client (or of another caller), with no lock
 * held: with the result as ipc_client_call returns it and, if that is not negative, the decoded
 * reply, whose bytes and descriptors end with the callback.
 */
struct ipc_async {
	void (*done)(struct ipc_async *a, int64_t result, const void *rep, struct ipc_fds *fds);
	void *arg;
	/* private */
	uint64_t id;
	const struct ipc_op *op;
};

/* 0, and done will run; or a negative errno, and it will not. */
int ipc_client_submit(struct ipc_client *c, const struct ipc_op *op, const void *req,
                      struct ipc_async *a) MUST_CHECK;
/* Asks the peer to answer a now; done still runs, usually with -LX_ECANCELED. */
void ipc_client_cancel(struct ipc_client *c, struct ipc_async *a);

#endif
