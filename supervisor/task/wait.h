/*
 * wait.h: blocking.  A waitq is where an object (pipe, futex bucket, child list, host
 * descriptor...) announces events; a task sleeps on its own wake word until one of the
 * waiters it has queued is woken, a signal becomes pending, or a deadline passes.
 *
 * Use:   WAIT_EVENT(task, &pipe->readers, pipe_readable(pipe), deadline)
 * The condition is evaluated with no lock held by the macro; it takes its object's own lock.
 */
#ifndef SUPERVISOR_TASK_WAIT_H
#define SUPERVISOR_TASK_WAIT_H

#include <pthread.h>

#include "common/base.h"
#include "common/list.h"

struct task;

struct waitq {
	pthread_mutex_t lock; /* protects waiters and every waiter.link on it */
	struct list_head waiters;
};

struct waiter {
	struct list_head link;
	struct waitq *queue; /* NULL when not queued */
	/* Called with queue->lock held; must not block or take object locks. */
	void (*wake)(struct waiter *w, uint32_t events);
	struct task *task; /* for the standard wake */
};

#define WAIT_FOREVER INT64_MAX /* a deadline; others are CLOCK_MONOTONIC nanoseconds */

void waitq_init(struct waitq *q);
void waitq_release(struct waitq *q);
/* Queues w; w->wake and w->task are set by the caller (waiter_init sets the standard wake). */
void waiter_init(struct waiter *w, struct task *t);
void waitq_add(struct waitq *q, struct waiter *w);
/* Takes w off its queue; afterwards wake is not running.  No effect when not queued. */
void waitq_remove(struct waiter *w);
/* Wakes every waiter; events are POLL* bits (poll(2)), or 0 for "look again". */
void waitq_wake(struct waitq *q, uint32_t events);

/* Arms the task's wake word.  Check the condition afterwards, then task_sleep. */
void task_sleep_prepare(struct task *t);
/*
 * Sleeps until a wake since the last prepare.  Returns 0, -LX_ERESTARTSYS when a signal
 * (or exit, or stop) is pending, or -LX_ETIMEDOUT at deadline.
 */
int task_sleep(struct task *t, int64_t deadline) MUST_CHECK;
/* Wakes the task out of task_sleep, from any thread. */
void task_wake(struct task *t);

/* Monotonic time in nanoseconds. */
int64_t now_ns(void);

#define WAIT_EVENT(task, q, cond, deadline)                           \
	({                                                            \
		struct waiter wait_w_;                                \
		int wait_ret_ = 0;                                    \
		waiter_init(&wait_w_, (task));                        \
		waitq_add((q), &wait_w_);                             \
		for (;;) {                                            \
			task_sleep_prepare(task);                     \
			if (cond) {                                   \
				wait_ret_ = 0;                        \
				break;                                \
			}                                             \
			if (wait_ret_ < 0)                            \
				break;                                \
			wait_ret_ = task_sleep((task), (deadline));   \
		}                                                     \
		waitq_remove(&wait_w_);                               \
		wait_ret_;                                            \
	})

/*
 * Readiness of host descriptors (sockets, pipes, terminals that a service or the monitor
 * handed over).  One poller thread watches them; events are level-triggered POLL* bits and
 * reported by waitq_wake on the queue.
 */
struct hostpoll; /* one watched descriptor */
int hostpoll_new(int fd, struct waitq *q, struct hostpoll **out) MUST_CHECK;
void hostpoll_free(struct hostpoll *hp);
/* Asks for one report of any of events (re-arm after each), beside what others asked for. */
void hostpoll_arm(struct hostpoll *hp, uint32_t events);
/* From now on each change is reported, asked for or not: for those who want edges (epoll(7)). */
void hostpoll_watch(struct hostpoll *hp);
/* What the descriptor is ready for now, without waiting. */
uint32_t hostpoll_ready(int fd, uint32_t events);

#endif
