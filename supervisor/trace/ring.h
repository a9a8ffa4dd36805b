/*
 * ring.h: the guest's last system calls, kept in case this process dies (common/crash.h).  Always
 * on: a call costs a few stores into slots that a task takes sixteen at a time.
 */
#ifndef SUPERVISOR_TRACE_RING_H
#define SUPERVISOR_TRACE_RING_H

#include "common/crash.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/task.h"

/* Never NULL: memory of its own until ring_open has found the monitor's. */
extern struct crash_ring *crash_ring;

/* Maps the memory that the monitor left at CRASH_FD, if it did, and notes fatal signals of this
 * process in it from then on.  Before the sandbox. */
void ring_open(void);

#define RING_BATCH 16u

static inline struct crash_event *ring_enter(struct task *t, uint64_t nr, const struct sys_args *a, uint64_t pc)
{
	struct crash_event *e;

	if (t->ring_next % RING_BATCH == 0)
		t->ring_next = __atomic_fetch_add(&crash_ring->next, RING_BATCH, __ATOMIC_RELAXED);
	e = &crash_ring->event[t->ring_next % CRASH_EVENTS];
	t->ring_next++;
	e->done = 0;
	e->order = t->ring_next;
	e->pid = t->group->tgid;
	e->tid = t->tid;
	e->nr = (uint32_t)nr;
	e->args[0] = a->v[0];
	e->args[1] = a->v[1];
	e->args[2] = a->v[2];
	e->pc = pc;
	return e;
}

static inline void ring_leave(struct crash_event *e, int64_t result)
{
	e->result = result;
	e->done = 1;
}

#endif
