/* setitimer(2): the three timers, errors, what is left. */
#include "../probe.h"

#include <sys/time.h>

static volatile int got[65];

static void handler(int sig)
{
	got[sig]++;
}

int main(void)
{
	struct itimerval it = {{0, 0}, {0, 30000}}, old, bad = {{0, 0}, {0, 1000000}}, off = {{0, 0}, {0, 0}};

	signal(SIGALRM, handler);
	signal(SIGVTALRM, handler);
	signal(SIGPROF, handler);
	say_result("kind", setitimer(7, &it, NULL));
	say_result("get_kind", getitimer(7, &old));
	say_result("bad", setitimer(ITIMER_REAL, &bad, NULL));
	say_result("virtual", setitimer(ITIMER_VIRTUAL, &it, NULL));
	while (!got[SIGVTALRM])
		;
	say("vtalrm", got[SIGVTALRM]);
	say_result("prof", setitimer(ITIMER_PROF, &it, NULL));
	while (!got[SIGPROF])
		;
	say("sigprof", got[SIGPROF]);
	it.it_value.tv_sec = 100;
	it.it_interval.tv_sec = 5;
	setitimer(ITIMER_REAL, &it, NULL);
	say_result("get", getitimer(ITIMER_REAL, &old));
	say_bool("left", old.it_value.tv_sec >= 99 && old.it_value.tv_sec <= 100);
	say("interval", old.it_interval.tv_sec);
	say_bool("alarm_left", alarm(0) >= 99);
	setitimer(ITIMER_REAL, &it, NULL);
	say_result("off", setitimer(ITIMER_REAL, &off, &old));
	say_bool("old", old.it_value.tv_sec >= 99);
	getitimer(ITIMER_REAL, &old);
	say("disarmed", old.it_value.tv_sec + old.it_value.tv_usec);
	say("never", got[SIGALRM]);
	return 0;
}
