/* Clocks: which exist, resolutions, absolute sleeps, CPU clocks. */
#include "../probe.h"

#include <sys/time.h>

static void burn(int ms)
{
	struct timespec a, b;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	while ((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 < ms);
}

int main(void)
{
	struct timespec ts = {0, 0}, bad = {0, 1000000000}, a, b;
	clockid_t cpu;
	char key[32];
	int status;

	for (int clock = 0; clock < 14; clock++) {
		snprintf(key, sizeof(key), "clock_%d", clock);
		say_result(key, syscall(SYS_clock_gettime, clock, &a));
	}
	say_result("no_clock", syscall(SYS_clock_gettime, 99, &a));
	say_result("null_res", syscall(SYS_clock_getres, CLOCK_MONOTONIC, NULL));
	clock_getres(CLOCK_MONOTONIC, &a);
	say("res", a.tv_nsec);
	say_result("settime_monotonic", syscall(SYS_clock_settime, CLOCK_MONOTONIC, &a));
	say_result("settime_bad", syscall(SYS_clock_settime, CLOCK_REALTIME, &bad));
	say("sleep_past", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL));
	say("sleep_bad", clock_nanosleep(CLOCK_MONOTONIC, 0, &bad, NULL));
	say("sleep_thread_cpu", clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL));
	say("sleep_raw", clock_nanosleep(CLOCK_MONOTONIC_RAW, 0, &ts, NULL));
	say("sleep_none", clock_nanosleep(77, 0, &ts, NULL));
	say_result("fault", syscall(SYS_clock_gettime, CLOCK_REALTIME, bad_pointer()));
	clock_gettime(CLOCK_MONOTONIC, &a);
	b = a;
	b.tv_nsec += 30000000;
	if (b.tv_nsec >= 1000000000) {
		b.tv_nsec -= 1000000000;
		b.tv_sec++;
	}
	say("sleep_until", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &b, NULL));
	clock_gettime(CLOCK_MONOTONIC, &a);
	say_bool("not_early", a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec >= b.tv_nsec));
	say("cpuclock_self", clock_getcpuclockid(0, &cpu));
	say_result("cpuclock_read", clock_gettime(cpu, &a));
	say_bool("cpuclock_none", clock_getcpuclockid(99999, &cpu) != 0);
	if (fork() == 0) {
		burn(30);
		_exit(0);
	}
	wait(&status);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	burn(30);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	say_bool("cpu_advances", (b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec >= 29000000);
	return 0;
}
