/*
 * hostthread.h: a pool of host threads with small stacks.  Creating one costs tens of
 * microseconds; a parked one starts in a few.
 */
#ifndef SUPERVISOR_TASK_HOSTTHREAD_H
#define SUPERVISOR_TASK_HOSTTHREAD_H

#include "common/base.h"

struct hostthread;

/* Sets a thread aside, which waits; 0 or -LX_EAGAIN. */
int hostthread_reserve(struct hostthread **out) MUST_CHECK;
/* Makes it run fn(arg), after which it goes back to the pool by itself. */
void hostthread_start(struct hostthread *h, void (*fn)(void *arg), void *arg);
/* Gives it back unused. */
void hostthread_cancel(struct hostthread *h);

#endif
