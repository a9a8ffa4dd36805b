/* futex(2): errors, bitsets, both clocks. */
#include "../probe.h"

#include <linux/futex.h>

static uint32_t word __attribute__((aligned(8)));

static long f(uint32_t *p, int op, uint32_t val, const struct timespec *ts, uint32_t *p2, uint32_t val3)
{
	return syscall(SYS_futex, p, op, val, ts, p2, val3);
}

static struct timespec soon(int clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	ts.tv_nsec += 20000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	return ts;
}

int main(void)
{
	struct timespec ts = {0, 10000000}, bad = {-1, 0}, at;

	say_result("differs", f(&word, FUTEX_WAIT, 1, NULL, NULL, 0));
	say_result("timeout", f(&word, FUTEX_WAIT, 0, &ts, NULL, 0));
	say_result("bad_time", f(&word, FUTEX_WAIT, 0, &bad, NULL, 0));
	say_result("unaligned", f((uint32_t *)((char *)&word + 1), FUTEX_WAIT, 0, &ts, NULL, 0));
	say_result("fault", f(bad_pointer(), FUTEX_WAIT, 0, &ts, NULL, 0));
	say_result("bitset_0", f(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0));
	say_result("wake_bitset_0", f(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
	at = soon(CLOCK_MONOTONIC);
	say_result("monotonic", f(&word, FUTEX_WAIT_BITSET, 0, &at, NULL, ~0u));
	at = soon(CLOCK_REALTIME);
	say_result("realtime", f(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &at, NULL, ~0u));
	at.tv_sec = 1;
	say_result("past", f(&word, FUTEX_WAIT_BITSET, 0, &at, NULL, ~0u));
	say_result("wake_none", f(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
	say_result("no_such_op", f(&word, 99, 0, NULL, NULL, 0));
	say_result("clock_with_wake", f(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0));
	say_result("cmp_requeue_differs", f(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, &word, 5));
	say_result("requeue_negative", f(&word, FUTEX_REQUEUE, -1, (void *)1, &word, 0));
	say_result("unlock_not_owner", f(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	say_result("lock_pi", f(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	say_bool("owner", (word & FUTEX_TID_MASK) == (uint32_t)gettid());
	say_result("lock_pi_again", f(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	say_result("trylock_pi_again", f(&word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
	say_result("unlock_pi", f(&word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	say("free", word);
	word = 99999;
	say_result("dead_owner", f(&word, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	return 0;
}
