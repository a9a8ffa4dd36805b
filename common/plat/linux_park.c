/*
 * linux_park.c: park.h on futex(2).  The wake costs a system call only when the owner sleeps.
 */
#include "common/plat/park.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

bool park_sleep(uint32_t *word, int64_t deadline)
{
	uint32_t expect = PARK_RUNNING;
	struct timespec ts = {deadline / 1000000000, deadline % 1000000000};

	if (deadline < 0)
		ts = (struct timespec){0, 0};
	if (!__atomic_compare_exchange_n(word, &expect, PARK_SLEEPING, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST))
		return true; /* woken already */
	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == PARK_SLEEPING) {
		/* The bitset form takes an absolute CLOCK_MONOTONIC time. */
		long r = syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG,
				 PARK_SLEEPING, deadline == PARK_FOREVER ? NULL : &ts, NULL,
				 FUTEX_BITSET_MATCH_ANY);
		if (r < 0 && errno == ETIMEDOUT) {
			expect = PARK_SLEEPING;
			/* A wake that came at the last moment counts. */
			return !__atomic_compare_exchange_n(word, &expect, PARK_RUNNING, false,
							    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		}
	}
	return true;
}

void park_wake(uint32_t *word)
{
	if (__atomic_exchange_n(word, PARK_WOKEN, __ATOMIC_SEQ_CST) == PARK_SLEEPING)
		syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
}
