/*
 * thread.h: the CPU time of host threads.
 */
#ifndef COMMON_PLAT_THREAD_H
#define COMMON_PLAT_THREAD_H

#include <pthread.h>

#include "common/base.h"

/* The calling thread's user and system time in ns. */
void plat_thread_times(int64_t *utime, int64_t *stime);
/* A living thread's total CPU time in ns; 0 if it cannot be read. */
int64_t plat_thread_total(pthread_t thread);

#endif
