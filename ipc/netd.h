/* netd.h: the messages of carrick-netd: the guest's internet sockets; generated from ops_netd.def.
 */
#ifndef IPC_NETD_H
#define IPC_NETD_H

#include "ipc/client.h"
#include "ipc/schema.h"
#include "ipc/server.h"

#define IPC_SERVICE netd
#define IPC_SCHEMA  "ipc/ops_netd.def"
#include "ipc/gen_types.inc"

#endif
