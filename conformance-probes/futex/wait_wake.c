/* futex(2): WAIT and WAKE, values, time-outs, errors. */
#include "../probe.h"

#include <linux/futex.h>

static int word;

static void *wake(void *arg)
{
	(void)arg;
	usleep(100000);
	word = 1;
	syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0);
	return NULL;
}

int main(void)
{
	struct timespec ts = {0, 10000000};
	pthread_t t;

	say_result("mismatch", syscall(SYS_futex, &word, FUTEX_WAIT, 5, NULL, NULL, 0));
	say_result("timeout", syscall(SYS_futex, &word, FUTEX_WAIT, 0, &ts, NULL, 0));
	say_count("wake_none", syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0));
	pthread_create(&t, NULL, wake, NULL);
	while (word == 0)
		say_result("wait", syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0));
	pthread_join(t, NULL);
	say_result("unaligned", syscall(SYS_futex, (char *)&word + 1, FUTEX_WAIT, 0, &ts, NULL, 0));
	say_result("fault", syscall(SYS_futex, (char *)bad_pointer(), FUTEX_WAIT, 0, &ts, NULL, 0));
	say_result("bad_op", syscall(SYS_futex, &word, 99, 0, NULL, NULL, 0));
	ts.tv_nsec = -1;
	say_result("bad_time", syscall(SYS_futex, &word, FUTEX_WAIT, 1, &ts, NULL, 0));
	say_result("zero_bitset", syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 1, NULL, NULL, 0));
	return 0;
}
