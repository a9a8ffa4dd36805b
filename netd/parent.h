/* parent.h: netd's parent: the operations of its socket, which the CLI calls. */
#ifndef NETD_PARENT_H
#define NETD_PARENT_H

#include "common/lx/errno.h"
#include "ipc/netd.h"
#include "ipc/service.h"

#define IPC_SERVICE netd
#define IPC_SCHEMA  "ipc/ops_netd.def"
#define IPC_PEER    CLI
#define IPC_SESSION struct service_client
#include "ipc/gen_handlers.inc"

/* service_config.data */
struct netd_parent {
	unsigned sandbox_layers; /* in force for this process (SANDBOX_*) */
};

#endif
