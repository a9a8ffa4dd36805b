/* test_evloop.c: the event loop on this host's back end. */
#include "tests/lib/evloop_cases.inc"
