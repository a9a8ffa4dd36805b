/* fsd.h: the messages of carrick-fsd: images, containers and the guest's files; generated from
 * ops_fsd.def. */
#ifndef IPC_FSD_H
#define IPC_FSD_H

#include "ipc/client.h"
#include "ipc/schema.h"
#include "ipc/server.h"

#define IPC_SERVICE fsd
#define IPC_SCHEMA  "ipc/ops_fsd.def"
#include "ipc/gen_types.inc"

#endif
