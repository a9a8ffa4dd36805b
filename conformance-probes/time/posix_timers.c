/* timer_create(2): signals with values, overruns, none. */
#include "../probe.h"

#include <time.h>

static volatile int value, code;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	value = info->si_value.sival_int;
	code = info->si_code;
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 31};
	struct itimerspec t = {{0, 0}, {0, 10000000}}, now;
	timer_t id;

	sigaction(SIGUSR1, &sa, NULL);
	say_result("create", timer_create(CLOCK_MONOTONIC, &ev, &id));
	say_result("set", timer_settime(id, 0, &t, NULL));
	while (value == 0)
		usleep(1000);
	say("value", value);
	say("code", code);
	say_result("get", timer_gettime(id, &now));
	say_bool("disarmed", now.it_value.tv_sec == 0 && now.it_value.tv_nsec == 0);
	say_count("overrun", timer_getoverrun(id));
	say_result("delete", timer_delete(id));
	ev.sigev_notify = 55;
	say_result("bad_notify", timer_create(CLOCK_MONOTONIC, &ev, &id));
	ev.sigev_notify = SIGEV_SIGNAL;
	ev.sigev_signo = 99;
	say_result("bad_signal", timer_create(CLOCK_MONOTONIC, &ev, &id));
	say_result("bad_clock", timer_create(99, NULL, &id));
	say_result("bad_id", syscall(SYS_timer_delete, 1234));
	return 0;
}
