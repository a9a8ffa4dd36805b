/*
 * rusage.h: struct rusage and timeval as arm64 guests see them.  getrusage(2).
 */
#ifndef SUPERVISOR_SYS_RUSAGE_H
#define SUPERVISOR_SYS_RUSAGE_H

#include "common/base.h"

struct lx_timeval {
	int64_t sec, usec;
};

struct lx_rusage {
	struct lx_timeval utime, stime;
	int64_t maxrss, ixrss, idrss, isrss, minflt, majflt, nswap, inblock, oublock, msgsnd, msgrcv,
		nsignals, nvcsw, nivcsw;
};
_Static_assert(sizeof(struct lx_rusage) == 144, "struct rusage");

static inline struct lx_timeval rusage_timeval(int64_t ns)
{
	return (struct lx_timeval){ns / 1000000000, ns % 1000000000 / 1000};
}

#endif
