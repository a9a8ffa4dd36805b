/* test_evloop_kqueue.c: the event loop's kqueue back end, on the double in tests/lib. */
#include "common/evloop_kqueue.c"

#include "tests/lib/evloop_cases.inc"
