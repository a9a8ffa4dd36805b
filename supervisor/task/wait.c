/*
 * wait.c: wait queues and the sleep of a task (see wait.h).
 */
#include "supervisor/task/wait.h"

#include "common/lx/errno.h"
#include "common/plat/park.h"
#include "supervisor/task/task.h"

void waitq_init(struct waitq *q)
{
	pthread_mutex_init(&q->lock, NULL);
	list_init(&q->waiters);
}

void waitq_release(struct waitq *q)
{
	pthread_mutex_destroy(&q->lock);
}

static void wake_task(struct waiter *w, uint32_t events)
{
	(void)events;
	task_wake(w->task);
}

void waiter_init(struct waiter *w, struct task *t)
{
	*w = (struct waiter){.wake = wake_task, .task = t};
	list_init(&w->link);
}

void waitq_add(struct waitq *q, struct waiter *w)
{
	pthread_mutex_lock(&q->lock);
	w->queue = q;
	list_add_tail(&w->link, &q->waiters);
	pthread_mutex_unlock(&q->lock);
}

void waitq_remove(struct waiter *w)
{
	struct waitq *q = w->queue;

	if (!q)
		return;
	pthread_mutex_lock(&q->lock);
	list_del_init(&w->link);
	w->queue = NULL;
	pthread_mutex_unlock(&q->lock);
}

void waitq_wake(struct waitq *q, uint32_t events)
{
	struct waiter *w, *next;

	pthread_mutex_lock(&q->lock);
	list_for_each_entry_safe(w, next, &q->waiters, link)
		w->wake(w, events);
	pthread_mutex_unlock(&q->lock);
}

void task_sleep_prepare(struct task *t)
{
	park_prepare(&t->wake_word);
}

int task_sleep(struct task *t, int64_t deadline)
{
	bool woken;

	if (signal_is_pending(t))
		return -LX_ERESTARTSYS;
	__atomic_store_n(&t->sleeping, true, __ATOMIC_RELAXED);
	woken = park_sleep(&t->wake_word, deadline);
	__atomic_store_n(&t->sleeping, false, __ATOMIC_RELAXED);
	return woken ? 0 : -LX_ETIMEDOUT;
}

void task_wake(struct task *t)
{
	park_wake(&t->wake_word);
}
