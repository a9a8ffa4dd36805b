/* setitimer(2): SIGALRM, once and repeating. */
#include "../probe.h"

#include <sys/time.h>

static volatile int count;

static void handler(int sig)
{
	(void)sig;
	count++;
}

int main(void)
{
	struct itimerval t = {{0, 20000}, {0, 20000}}, old;

	signal(SIGALRM, handler);
	say_result("set", setitimer(ITIMER_REAL, &t, NULL));
	while (count < 3)
		pause();
	memset(&t, 0, sizeof(t));
	say_result("stop", setitimer(ITIMER_REAL, &t, &old));
	say("interval", old.it_interval.tv_usec);
	say_result("bad", setitimer(9, &t, NULL));
	t.it_value.tv_usec = 1000000;
	say_result("invalid", setitimer(ITIMER_REAL, &t, NULL));
	say("alarm", alarm(100));
	say("alarm_left", alarm(0));
	return 0;
}
