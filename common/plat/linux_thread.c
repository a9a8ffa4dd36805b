/*
 * linux_thread.c: thread.h on getrusage(2) and pthread_getcpuclockid(3).
 */
#include "common/plat/thread.h"

#include <sys/resource.h>
#include <time.h>

static int64_t timeval_ns(struct timeval tv)
{
	return (int64_t)tv.tv_sec * 1000000000 + (int64_t)tv.tv_usec * 1000;
}

void plat_thread_times(int64_t *utime, int64_t *stime)
{
	struct rusage ru;

	*utime = *stime = 0;
	if (getrusage(RUSAGE_THREAD, &ru) == 0) {
		*utime = timeval_ns(ru.ru_utime);
		*stime = timeval_ns(ru.ru_stime);
	}
}

int64_t plat_thread_total(pthread_t thread)
{
	clockid_t clock;
	struct timespec ts;

	if (pthread_getcpuclockid(thread, &clock) != 0 || clock_gettime(clock, &ts) != 0)
		return 0;
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}
