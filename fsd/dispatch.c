/*
 * dispatch.c: the table of a guest session's operations.  After each, the cache of descriptors is
 * trimmed: none is borrowed any more then.
 */
#include "fsd/ops.h"

#define IPC_SERVICE fsd
#define IPC_PEER    GUEST
#include "ipc/gen_names.inc"
#include "ipc/gen_peer.inc"

#define IPC_OP(number, op, peer, class, req_fds, rep_fds, req_fields, rep_fields)            \
	IPC_IF_PEER(                                                                         \
	    peer, static int64_t IPC_V(serve, op)(void *arg, const void *req, void *rep,     \
	                                          struct ipc_fds *in, struct ipc_fds *out) { \
		    int64_t r = IPC_V(do, op)(arg, req, rep, in, out);                       \
		    session_tidy(arg);                                                       \
		    return r;                                                                \
	    })
#include "ipc/ops_fsd.def"
#undef IPC_OP

static ipc_handler_fn *const table[IPC_V(index, count)] = {
#define IPC_OP(number, op, peer, class, req_fds, rep_fds, req_fields, rep_fields) \
	IPC_IF_PEER(peer, [IPC_V(index, op)] = IPC_V(serve, op), )
#include "ipc/ops_fsd.def"
#undef IPC_OP
};

const struct ipc_handlers ops_guest_handlers = {
    .service = &fsd_service,
    .peer = IPC_PEER_GUEST,
    .fn = table,
};
