/* nanosleep(2), clock_nanosleep(2). */
#include "../probe.h"

int main(void)
{
	struct timespec ts = {0, 1000000000}, past = {1, 0};

	say_result("invalid", nanosleep(&ts, NULL));
	ts.tv_nsec = -1;
	say_result("negative", nanosleep(&ts, NULL));
	say_result("fault", syscall(SYS_nanosleep, bad_pointer(), NULL));
	say("absolute_past", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &past, NULL));
	say("bad_clock", clock_nanosleep(77, 0, &past, NULL));
	say("thread_clock", clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &past, NULL));
	ts = (struct timespec){0, 1000000};
	say_result("sleep", nanosleep(&ts, NULL));
	return 0;
}
