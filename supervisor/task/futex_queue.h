/*
 * futex_queue.h: the hash of futex waiters, for task/futex*.c.
 *
 * A bucket's lock makes "look at the word, then queue" atomic against wakers.  The word has been
 * read once before the lock is taken, so that the look under the lock does not fault pages in.
 */
#ifndef SUPERVISOR_TASK_FUTEX_QUEUE_H
#define SUPERVISOR_TASK_FUTEX_QUEUE_H

#include "supervisor/task/futex.h"

struct futex_bucket {
	pthread_mutex_t lock;
	struct list_head waiters; /* struct futex_waiter, in order of arrival */
};

enum futex_state {
	FUTEX_QUEUED,
	FUTEX_WOKEN,
	FUTEX_OWNED, /* PI: the lock was handed over */
};

struct futex_waiter {
	struct list_head link;
	struct futex_bucket *bucket; /* changes by requeue: see futex_unqueue */
	struct futex_key key;
	uint32_t bitset;
	enum futex_state state; /* atomic: read by the sleeper without the lock */
	struct task *task;
	bool pi;                      /* waits for ownership, not for a wake */
	bool requeue_pi;              /* FUTEX_WAIT_REQUEUE_PI: may be moved to pi_key */
	struct futex_key pi_key;
};

int futex_key_of(struct mm *mm, struct futex_addr at, struct futex_key *out) MUST_CHECK;
struct futex_bucket *futex_bucket_of(const struct futex_key *key);
static inline bool futex_key_equal(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->offset == b->offset;
}
/* Locks two buckets in address order; they may be the same. */
void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b);
void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b);

void futex_waiter_init(struct futex_waiter *w, struct task *t, const struct futex_key *key, uint32_t bitset);
void futex_queue_locked(struct futex_bucket *b, struct futex_waiter *w);
/* Takes a waiter off and lets its task go on with that state. */
void futex_release_locked(struct futex_waiter *w, enum futex_state state);
/* Takes the sleeper's own waiter off if it is still queued: true then. */
bool futex_unqueue(struct futex_waiter *w);
static inline enum futex_state futex_state(const struct futex_waiter *w)
{
	return __atomic_load_n(&w->state, __ATOMIC_ACQUIRE);
}
/* Sleeps until the state changes: 0; or -LX_ERESTARTSYS, -LX_ETIMEDOUT (the waiter may have been
 * released meanwhile all the same). */
int futex_sleep(struct futex_waiter *w, int64_t deadline) MUST_CHECK;

/* Tries to make t the owner of the PI word at p, for itself or as a waiter handed the lock.
 * 1 acquired, 0 must wait (the waiters bit is set), or a negative errno.  Bucket lock held. */
int futex_pi_try_locked(struct task *t, struct mm *mm, struct guest_ptr p, bool set_waiters) MUST_CHECK;

#endif
