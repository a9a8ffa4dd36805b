/* futex(2): CMP_REQUEUE moves waiters. */
#include "../probe.h"

#include <linux/futex.h>

static int a, b, started, woken;

static void *sleeper(void *arg)
{
	(void)arg;
	__atomic_fetch_add(&started, 1, __ATOMIC_SEQ_CST);
	if (syscall(SYS_futex, &a, FUTEX_WAIT, 0, NULL, NULL, 0) == 0)
		__atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

int main(void)
{
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, sleeper, NULL);
	while (__atomic_load_n(&started, __ATOMIC_SEQ_CST) < 3)
		usleep(1000);
	usleep(200000);
	say_result("mismatch", syscall(SYS_futex, &a, FUTEX_CMP_REQUEUE, 1, (void *)2, &b, 7));
	say_count("requeue", syscall(SYS_futex, &a, FUTEX_CMP_REQUEUE, 1, (void *)2, &b, 0));
	say_count("left_a", syscall(SYS_futex, &a, FUTEX_WAKE, 10, NULL, NULL, 0));
	say_count("wake_b", syscall(SYS_futex, &b, FUTEX_WAKE, 10, NULL, NULL, 0));
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	say("woken", woken);
	return 0;
}
