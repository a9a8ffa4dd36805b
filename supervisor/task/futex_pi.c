/*
 * futex_pi.c: locks whose owner the kernel knows (FUTEX_LOCK_PI and kin), and what happens to a
 * task's locks when it ends (robust lists).  futex(2), get_robust_list(2).
 *
 * The word holds the owner's tid, FUTEX_WAITERS when somebody sleeps in the kernel, and
 * FUTEX_OWNER_DIED.  Unlocking hands the lock to the longest waiter; priorities are not boosted.
 */
#include "common/lx/errno.h"
#include "supervisor/task/futex_queue.h"

static bool has_pi_waiter_locked(struct futex_bucket *b, const struct futex_key *key,
				 const struct futex_waiter *except)
{
	struct futex_waiter *w;

	list_for_each_entry(w, &b->waiters, link)
		if (w != except && w->pi && futex_key_equal(&w->key, key))
			return true;
	return false;
}

/* Is the word's owner alive and able to unlock?  0, -LX_ESRCH, -LX_EDEADLK. */
static int check_owner(struct task *t, uint32_t word)
{
	int32_t tid = (int32_t)(word & LX_FUTEX_TID_MASK);
	struct task *owner;

	if (tid == t->tid)
		return -LX_EDEADLK;
	owner = task_find(t->guest, tid);
	if (!owner)
		return -LX_ESRCH;
	task_put(owner);
	return 0;
}

int futex_pi_try_locked(struct task *t, struct mm *mm, struct guest_ptr p, bool set_waiters)
{
	for (;;) {
		uint32_t word, seen, fresh;
		int err = get_user_u32(mm, &word, p);

		if (err < 0)
			return err;
		if ((word & LX_FUTEX_TID_MASK) == 0) {
			/* Free, or its owner died: the waiters and died bits stay for the new owner. */
			fresh = (uint32_t)t->tid | (word & (LX_FUTEX_OWNER_DIED | LX_FUTEX_WAITERS));
		} else {
			err = check_owner(t, word);
			if (err < 0)
				return err;
			fresh = set_waiters ? word | LX_FUTEX_WAITERS : word;
		}
		err = cmpxchg_user_u32(mm, p, word, fresh, &seen);
		if (err < 0)
			return err;
		if (seen == word)
			return (word & LX_FUTEX_TID_MASK) == 0;
	}
}

/* Gives up waiting for a PI lock: the last waiter to leave clears the waiters bit. */
static void leave_pi(struct task *t, struct futex_addr at, const struct futex_key *key)
{
	struct futex_bucket *b = futex_bucket_of(key);
	uint32_t word, seen;

	pthread_mutex_lock(&b->lock);
	while (!has_pi_waiter_locked(b, key, NULL) && get_user_u32(t->mm, &word, at.p) == 0 &&
	       (word & LX_FUTEX_WAITERS) &&
	       cmpxchg_user_u32(t->mm, at.p, word, word & ~LX_FUTEX_WAITERS, &seen) == 0 && seen != word)
		continue;
	pthread_mutex_unlock(&b->lock);
}

static int64_t sleep_for_pi(struct task *t, struct futex_addr at, struct futex_waiter *w, int64_t deadline)
{
	int err = futex_sleep(w, deadline);

	if (!futex_unqueue(w))
		return futex_state(w) == FUTEX_OWNED ? 0 : -LX_EAGAIN;
	leave_pi(t, at, &w->key);
	return err == -LX_ERESTARTSYS ? -LX_ERESTARTNOINTR : err;
}

int64_t futex_lock_pi(struct task *t, struct futex_addr at, int64_t deadline, bool try_only)
{
	struct futex_waiter w;
	struct futex_key key;
	struct futex_bucket *b;
	uint32_t word;
	int got, err = futex_key_of(t->mm, at, &key);

	if (err == 0)
		err = get_user_u32(t->mm, &word, at.p);
	if (err < 0)
		return err;
	b = futex_bucket_of(&key);
	futex_waiter_init(&w, t, &key, UINT32_MAX);
	w.pi = true;
	pthread_mutex_lock(&b->lock);
	got = futex_pi_try_locked(t, t->mm, at.p, !try_only);
	if (got == 0 && !try_only)
		futex_queue_locked(b, &w);
	pthread_mutex_unlock(&b->lock);
	if (got < 0)
		return got;
	if (got > 0)
		return 0;
	return try_only ? -LX_EAGAIN : sleep_for_pi(t, at, &w, deadline);
}

/* Hands the lock at p to the first waiter, or frees it.  died: FUTEX_OWNER_DIED is to be set. */
static int hand_over_locked(struct mm *mm, struct guest_ptr p, struct futex_bucket *b,
			    const struct futex_key *key, uint32_t owner_word, uint32_t died)
{
	struct futex_waiter *w, *first = NULL;
	uint32_t fresh = died, seen;
	int err;

	list_for_each_entry(w, &b->waiters, link) {
		if (w->pi && futex_key_equal(&w->key, key)) {
			first = w;
			break;
		}
	}
	if (first) {
		fresh |= (uint32_t)first->task->tid;
		if (has_pi_waiter_locked(b, key, first))
			fresh |= LX_FUTEX_WAITERS;
	}
	err = cmpxchg_user_u32(mm, p, owner_word, fresh, &seen);
	if (err < 0)
		return err;
	if (seen != owner_word)
		return -LX_EAGAIN;
	if (first)
		futex_release_locked(first, FUTEX_OWNED);
	return 0;
}

int64_t futex_unlock_pi(struct task *t, struct futex_addr at)
{
	struct futex_key key;
	struct futex_bucket *b;
	uint32_t word;
	int err = futex_key_of(t->mm, at, &key);

	if (err == 0)
		err = get_user_u32(t->mm, &word, at.p);
	if (err < 0)
		return err;
	if ((int32_t)(word & LX_FUTEX_TID_MASK) != t->tid)
		return -LX_EPERM;
	b = futex_bucket_of(&key);
	pthread_mutex_lock(&b->lock);
	do {
		err = get_user_u32(t->mm, &word, at.p);
		if (err == 0 && (int32_t)(word & LX_FUTEX_TID_MASK) != t->tid)
			err = -LX_EPERM;
		if (err == 0)
			err = hand_over_locked(t->mm, at.p, b, &key, word, 0);
	} while (err == -LX_EAGAIN);
	pthread_mutex_unlock(&b->lock);
	return err;
}

int64_t futex_wait_requeue_pi(struct task *t, struct futex_addr at, uint32_t val, int64_t deadline,
			      struct futex_addr target)
{
	struct futex_waiter w;
	struct futex_key key;
	struct futex_bucket *b;
	uint32_t now;
	int err = futex_key_of(t->mm, at, &key);

	if (err < 0)
		return err;
	futex_waiter_init(&w, t, &key, UINT32_MAX);
	err = futex_key_of(t->mm, target, &w.pi_key);
	if (err == 0 && futex_key_equal(&key, &w.pi_key))
		err = -LX_EINVAL;
	if (err == 0)
		err = get_user_u32(t->mm, &now, at.p);
	if (err < 0)
		return err;
	w.requeue_pi = true;
	b = futex_bucket_of(&key);
	pthread_mutex_lock(&b->lock);
	err = get_user_u32(t->mm, &now, at.p);
	if (err == 0 && now != val)
		err = -LX_EAGAIN;
	if (err == 0)
		futex_queue_locked(b, &w);
	pthread_mutex_unlock(&b->lock);
	if (err < 0)
		return err;
	err = futex_sleep(&w, deadline);
	if (!futex_unqueue(&w))
		return futex_state(&w) == FUTEX_OWNED ? 0 : -LX_EAGAIN;
	if (w.pi) /* it had been moved to the lock already */
		leave_pi(t, target, &w.key);
	return err == -LX_ERESTARTSYS ? -LX_ERESTARTNOINTR : err;
}

/* The owner of a robust or PI lock is gone: futex words it still holds are marked. */
static void owner_died(struct task *t, struct guest_ptr p, bool pi)
{
	struct futex_key key;
	uint32_t word, seen;
	int err;

	if (p.va % 4 || get_user_u32(t->mm, &word, p) < 0)
		return;
	do {
		if ((int32_t)(word & LX_FUTEX_TID_MASK) != t->tid)
			return;
		if (pi && mm_futex_key(t->mm, p, false, &key) == 0) {
			struct futex_bucket *b = futex_bucket_of(&key);

			pthread_mutex_lock(&b->lock);
			err = hand_over_locked(t->mm, p, b, &key, word, LX_FUTEX_OWNER_DIED);
			pthread_mutex_unlock(&b->lock);
			if (err != -LX_EAGAIN)
				return;
			if (get_user_u32(t->mm, &word, p) < 0)
				return;
			continue;
		}
		err = cmpxchg_user_u32(t->mm, p, word, (word & LX_FUTEX_WAITERS) | LX_FUTEX_OWNER_DIED, &seen);
		if (err < 0)
			return;
		if (seen == word)
			break;
		word = seen;
	} while (true);
	if (word & LX_FUTEX_WAITERS)
		(void)futex_wake_addr(t->mm, p, 1);
}

/*
 * struct robust_list_head { next; futex_offset; list_op_pending }: a guest's circular list of
 * the locks it holds; bit 0 of a pointer marks a PI lock.  At most 2,048 are looked at.
 */
#define ROBUST_LIST_LIMIT 2048

static void walk_robust_list(struct task *t)
{
	uint64_t head = t->robust_list.va, next, offset, pending;
	struct mm *mm = t->mm;

	if (get_user_u64(mm, &next, guest_ptr(head)) < 0 ||
	    get_user_u64(mm, &offset, guest_ptr(head + 8)) < 0 ||
	    get_user_u64(mm, &pending, guest_ptr(head + 16)) < 0)
		return;
	for (unsigned i = 0; i < ROBUST_LIST_LIMIT && (next & ~UINT64_C(1)) != head; i++) {
		uint64_t entry = next & ~UINT64_C(1);
		bool pi = next & 1;
		int err = get_user_u64(mm, &next, guest_ptr(entry));

		if (entry != (pending & ~UINT64_C(1)))
			owner_died(t, guest_ptr(entry + offset), pi);
		if (err < 0)
			break;
	}
	if (pending & ~UINT64_C(1))
		owner_died(t, guest_ptr((pending & ~UINT64_C(1)) + offset), pending & 1);
}

void futex_exit(struct task *t)
{
	if (guest_ptr_null(t->robust_list))
		return;
	walk_robust_list(t);
	t->robust_list = guest_ptr(0);
}
