/* futex_waitv(2): errors, timeouts, which one woke. */
#include "../probe.h"

#include <linux/futex.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

struct waitv {
	uint64_t val, uaddr;
	uint32_t flags, reserved;
};

static uint32_t word[3];

static void *waker(void *arg)
{
	usleep(100000);
	word[2] = 1;
	syscall(SYS_futex, &word[2], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	return arg;
}

int main(void)
{
	struct waitv v[3];
	struct timespec at;
	pthread_t t;

	for (int i = 0; i < 3; i++)
		v[i] = (struct waitv){0, (uintptr_t)&word[i], 2 | FUTEX_PRIVATE_FLAG, 0};
	clock_gettime(CLOCK_MONOTONIC, &at);
	say_result("none", syscall(SYS_futex_waitv, v, 0, 0, NULL, 0));
	say_result("many", syscall(SYS_futex_waitv, v, 129, 0, NULL, 0));
	say_result("flags", syscall(SYS_futex_waitv, v, 3, 1, NULL, 0));
	say_result("past", syscall(SYS_futex_waitv, v, 3, 0, &at, CLOCK_MONOTONIC));
	say_result("clock", syscall(SYS_futex_waitv, v, 3, 0, &at, CLOCK_TAI));
	v[1].val = 5;
	say_result("differs", syscall(SYS_futex_waitv, v, 3, 0, NULL, 0));
	v[1].val = 0;
	v[1].reserved = 1;
	say_result("reserved", syscall(SYS_futex_waitv, v, 3, 0, NULL, 0));
	v[1].reserved = 0;
	v[1].flags = 0;
	say_result("size", syscall(SYS_futex_waitv, v, 3, 0, NULL, 0));
	v[1].flags = 2 | FUTEX_PRIVATE_FLAG;
	pthread_create(&t, NULL, waker, NULL);
	say_count("woken", syscall(SYS_futex_waitv, v, 3, 0, NULL, 0));
	pthread_join(t, NULL);
	return 0;
}
