/* netd.c: encoders, decoders and the operation table generated from ops_netd.def. */
#include "ipc/netd.h"

#include "ipc/codec.h"

#define IPC_SERVICE netd
#define IPC_SCHEMA  "ipc/ops_netd.def"
#include "ipc/gen_codec.inc"
