/* test_ops.c: codecs of ops_test.def. */
#include "tests/lib/test_ops.h"

#include "ipc/codec.h"

#define IPC_SERVICE test
#define IPC_SCHEMA  "tests/lib/ops_test.def"
#include "ipc/gen_codec.inc"
