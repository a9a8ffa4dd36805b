/*
 * dispatch.c: the table of a guest session's operations.  Each is run with the session's lock
 * held and with memory for its reply that belongs to the thread.
 */
#include "fsd/ops.h"

#include "common/lx/errno.h"

/* Memory of this thread for replies; given back when the worker ends. */
static _Thread_local uint8_t *thread_scratch;

static bool enter(struct fsd_session *s)
{
	if (!thread_scratch)
		thread_scratch = malloc(FSD_SCRATCH);
	if (!thread_scratch)
		return false;
	pthread_mutex_lock(&s->lock);
	s->scratch = thread_scratch;
	return true;
}

static void leave(struct fsd_session *s)
{
	session_tidy(s);
	pthread_mutex_unlock(&s->lock);
}

#define IPC_SERVICE fsd
#define IPC_PEER    GUEST
#include "ipc/gen_names.inc"
#include "ipc/gen_peer.inc"

#define IPC_OP(number, op, peer, class, req_fds, rep_fds, req_fields, rep_fields)                \
	IPC_IF_PEER(peer, static int64_t IPC_V(locked, op)(void *arg, const void *req, void *rep, \
							   struct ipc_fds *in,                   \
							   struct ipc_fds *out) {                \
		struct fsd_session *s = arg;                                                     \
		int64_t r;                                                                       \
		if (!enter(s))                                                                   \
			return -LX_ENOMEM;                                                       \
		r = IPC_V(do, op)(s, req, rep, in, out);                                         \
		leave(s);                                                                        \
		return r;                                                                        \
	})
#include "ipc/ops_fsd.def"
#undef IPC_OP

static ipc_handler_fn *const table[IPC_V(index, count)] = {
#define IPC_OP(number, op, peer, class, req_fds, rep_fds, req_fields, rep_fields) \
	IPC_IF_PEER(peer, [IPC_V(index, op)] = IPC_V(locked, op),)
#include "ipc/ops_fsd.def"
#undef IPC_OP
};

const struct ipc_handlers ops_guest_handlers = {
	.service = &fsd_service,
	.peer = IPC_PEER_GUEST,
	.fn = table,
};
