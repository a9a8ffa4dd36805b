/*
 * futex.h: futexes.  futex(2), futex_waitv(2), set_robust_list(2).
 */
#ifndef SUPERVISOR_TASK_FUTEX_H
#define SUPERVISOR_TASK_FUTEX_H

#include "supervisor/task/task.h"

#define LX_FUTEX_WAITERS    0x80000000u
#define LX_FUTEX_OWNER_DIED 0x40000000u
#define LX_FUTEX_TID_MASK   0x3fffffffu

/* A futex word as a call names it. */
struct futex_addr {
	struct guest_ptr p;
	bool is_private;
};

/* FUTEX_WAIT(_BITSET): 0 woken, -LX_EAGAIN (value differs), -LX_ETIMEDOUT, -LX_ERESTARTSYS, errors. */
int64_t futex_wait(struct task *t, struct futex_addr at, uint32_t val, uint32_t bitset, int64_t deadline);
/* FUTEX_WAKE(_BITSET): the number woken. */
int64_t futex_wake(struct task *t, struct futex_addr at, uint32_t count, uint32_t bitset);
/* FUTEX_REQUEUE, FUTEX_CMP_REQUEUE (cmp not NULL); pi: FUTEX_CMP_REQUEUE_PI. */
int64_t futex_requeue(struct task *t, struct futex_addr from, struct futex_addr to, uint32_t wake,
		      uint32_t requeue, const uint32_t *cmp, bool pi);
/* FUTEX_WAKE_OP. */
int64_t futex_wake_op(struct task *t, struct futex_addr a, struct futex_addr b, uint32_t wake_a,
		      uint32_t wake_b, uint32_t op);
/* FUTEX_LOCK_PI, FUTEX_TRYLOCK_PI, FUTEX_UNLOCK_PI, FUTEX_WAIT_REQUEUE_PI. */
int64_t futex_lock_pi(struct task *t, struct futex_addr at, int64_t deadline, bool try_only);
int64_t futex_unlock_pi(struct task *t, struct futex_addr at);
int64_t futex_wait_requeue_pi(struct task *t, struct futex_addr at, uint32_t val, int64_t deadline,
			      struct futex_addr target);
/* futex_waitv(2): the index of one that was woken. */
#define FUTEX_WAITV_MAX 128
struct futex_waitv_entry {
	struct futex_addr at;
	uint32_t val;
};
int64_t futex_waitv(struct task *t, const struct futex_waitv_entry *v, uint32_t n, int64_t deadline);

/* Wakes waiters at an address that may be shared; the number woken (CLONE_CHILD_CLEARTID). */
int64_t futex_wake_addr(struct mm *mm, struct guest_ptr p, uint32_t count);
/* A task is leaving its address space (exit, exec): its robust list and the PI futexes it holds. */
void futex_exit(struct task *t);

#endif
