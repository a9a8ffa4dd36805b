# The event loop has one back end per host; the other one is compiled by its unit test only.
common_SRCS := $(filter-out common/evloop_kqueue.c,$(wildcard common/*.c common/lx/*.c common/plat/errno.c common/plat/sanitize.c common/plat/linux.c common/plat/linux_*.c))
CFLAGS_tests/unit/test_evloop_kqueue := -Itests/lib/kqueue
