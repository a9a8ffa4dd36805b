/* times(2), getrusage(2): children's times are added at wait. */
#include "../probe.h"

#include <sys/resource.h>
#include <sys/times.h>

int main(void)
{
	struct tms t;
	struct rusage u;
	volatile unsigned long sum = 0;
	int status;

	if (fork() == 0) {
		for (unsigned long i = 0; i < 30000000; i++)
			sum += i;
		_exit(0);
	}
	wait(&status);
	say_bool("times", times(&t) != (clock_t)-1);
	say_bool("children", t.tms_cutime > 0);
	say_result("rusage", getrusage(RUSAGE_CHILDREN, &u));
	say_bool("utime", u.ru_utime.tv_sec > 0 || u.ru_utime.tv_usec > 0);
	say_result("thread", getrusage(RUSAGE_THREAD, &u));
	say_result("bad", getrusage(77, &u));
	return 0;
}
