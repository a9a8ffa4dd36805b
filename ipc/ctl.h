/* ctl.h: the messages of the control channel between carrick and carrick-supervisor; generated from
 * ops_ctl.def. */
#ifndef IPC_CTL_H
#define IPC_CTL_H

#include "ipc/client.h"
#include "ipc/schema.h"
#include "ipc/server.h"

#define IPC_SERVICE ctl
#define IPC_SCHEMA  "ipc/ops_ctl.def"
#include "ipc/gen_types.inc"

#endif
