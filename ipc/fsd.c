/* fsd.c: encoders, decoders and the operation table generated from ops_fsd.def. */
#include "ipc/fsd.h"

#include "ipc/codec.h"

#define IPC_SERVICE fsd
#define IPC_SCHEMA  "ipc/ops_fsd.def"
#include "ipc/gen_codec.inc"
