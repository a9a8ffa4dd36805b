/* ctl.c: encoders, decoders and the operation table generated from ops_ctl.def. */
#include "ipc/ctl.h"

#include "ipc/codec.h"

#define IPC_SERVICE ctl
#define IPC_SCHEMA  "ipc/ops_ctl.def"
#include "ipc/gen_codec.inc"
