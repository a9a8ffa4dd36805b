/* test_ops.h: the messages of ops_test.def, which the tests of clients and servers use. */
#ifndef TESTS_LIB_TEST_OPS_H
#define TESTS_LIB_TEST_OPS_H

#include "ipc/client.h"
#include "ipc/schema.h"
#include "ipc/server.h"

#define IPC_SERVICE test
#define IPC_SCHEMA  "tests/lib/ops_test.def"
#include "ipc/gen_types.inc"

#endif
