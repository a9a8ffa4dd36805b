/*
 * futex.c: decoding futex(2) and its kin; the work is in task/futex.c and task/futex_pi.c.
 */
#include "supervisor/sys/sys.h"
#include "supervisor/task/futex.h"
#include "supervisor/task/task.h"

enum {
	FUTEX_OP_WAIT, FUTEX_OP_WAKE, FUTEX_OP_FD, FUTEX_OP_REQUEUE, FUTEX_OP_CMP_REQUEUE,
	FUTEX_OP_WAKE_OP, FUTEX_OP_LOCK_PI, FUTEX_OP_UNLOCK_PI, FUTEX_OP_TRYLOCK_PI,
	FUTEX_OP_WAIT_BITSET, FUTEX_OP_WAKE_BITSET, FUTEX_OP_WAIT_REQUEUE_PI,
	FUTEX_OP_CMP_REQUEUE_PI, FUTEX_OP_LOCK_PI2,
};
#define FUTEX_PRIVATE        128u
#define FUTEX_CLOCK_REALTIME 256u

/* The deadline of a call with an absolute time, or a relative one (FUTEX_WAIT). */
static int64_t read_deadline(struct task *t, struct guest_ptr p, int clock, bool relative, int64_t *out)
{
	struct lx_timespec ts;
	int64_t ns;

	*out = WAIT_FOREVER;
	if (guest_ptr_null(p))
		return 0;
	if (copy_from_user(t->mm, &ts, p, sizeof(ts)) < 0)
		return -LX_EFAULT;
	ns = lx_timespec_ns(&ts);
	if (ns < 0)
		return ns;
	*out = relative ? deadline_after(ns) : clock_to_deadline(clock, ns);
	return 0;
}

static int64_t wait_again(struct task *t)
{
	struct futex_addr at = {t->restart.addr, t->restart.arg[0] != 0};
	int64_t r = futex_wait(t, at, (uint32_t)t->restart.arg[1], (uint32_t)t->restart.arg[2],
			       t->restart.deadline);

	return r == -LX_ERESTARTSYS ? -LX_ERESTART_RESTARTBLOCK : r;
}

/* With a timeout, an interrupted wait goes on to the same deadline. */
static int64_t wait_call(struct task *t, struct futex_addr at, uint32_t val, uint32_t bitset, int64_t deadline)
{
	int64_t r = futex_wait(t, at, val, bitset, deadline);

	if (r != -LX_ERESTARTSYS || deadline == WAIT_FOREVER)
		return r;
	t->restart = (struct restart_block){
		.fn = wait_again, .deadline = deadline, .addr = at.p, .arg = {at.is_private, val, bitset}};
	return -LX_ERESTART_RESTARTBLOCK;
}

int64_t sys_futex(struct task *t, const struct sys_args *a)
{
	uint32_t op = arg_u32(a, 1), cmd = op & ~(FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME);
	struct futex_addr at = {arg_ptr(a, 0), (op & FUTEX_PRIVATE) != 0};
	struct futex_addr to = {arg_ptr(a, 4), at.is_private};
	uint32_t val = arg_u32(a, 2), val2 = (uint32_t)a->v[3], val3 = arg_u32(a, 5);
	int clock = op & FUTEX_CLOCK_REALTIME ? LX_CLOCK_REALTIME : LX_CLOCK_MONOTONIC;
	int64_t deadline = WAIT_FOREVER, err = 0;

	if ((op & FUTEX_CLOCK_REALTIME) && cmd != FUTEX_OP_WAIT && cmd != FUTEX_OP_WAIT_BITSET &&
	    cmd != FUTEX_OP_WAIT_REQUEUE_PI && cmd != FUTEX_OP_LOCK_PI2)
		return -LX_ENOSYS;
	if (cmd == FUTEX_OP_LOCK_PI)
		clock = LX_CLOCK_REALTIME;
	if (cmd == FUTEX_OP_WAIT || cmd == FUTEX_OP_WAIT_BITSET || cmd == FUTEX_OP_LOCK_PI ||
	    cmd == FUTEX_OP_LOCK_PI2 || cmd == FUTEX_OP_WAIT_REQUEUE_PI)
		err = read_deadline(t, arg_ptr(a, 3), clock, cmd == FUTEX_OP_WAIT, &deadline);
	if (err < 0)
		return err;
	switch (cmd) {
	case FUTEX_OP_WAIT:
		return wait_call(t, at, val, UINT32_MAX, deadline);
	case FUTEX_OP_WAIT_BITSET:
		return wait_call(t, at, val, val3, deadline);
	case FUTEX_OP_WAKE:
		return futex_wake(t, at, val, UINT32_MAX);
	case FUTEX_OP_WAKE_BITSET:
		return futex_wake(t, at, val, val3);
	case FUTEX_OP_REQUEUE:
		return futex_requeue(t, at, to, val, val2, NULL, false);
	case FUTEX_OP_CMP_REQUEUE:
		return futex_requeue(t, at, to, val, val2, &val3, false);
	case FUTEX_OP_WAKE_OP:
		return futex_wake_op(t, at, to, val, val2, val3);
	case FUTEX_OP_LOCK_PI:
	case FUTEX_OP_LOCK_PI2:
		return futex_lock_pi(t, at, deadline, false);
	case FUTEX_OP_TRYLOCK_PI:
		return futex_lock_pi(t, at, WAIT_FOREVER, true);
	case FUTEX_OP_UNLOCK_PI:
		return futex_unlock_pi(t, at);
	case FUTEX_OP_WAIT_REQUEUE_PI:
		return futex_wait_requeue_pi(t, at, val, deadline, to);
	case FUTEX_OP_CMP_REQUEUE_PI:
		return futex_requeue(t, at, to, val, val2, &val3, true);
	default:
		return -LX_ENOSYS;
	}
}

/* struct futex_waitv of futex_waitv(2). */
struct lx_futex_waitv {
	uint64_t val, uaddr;
	uint32_t flags, reserved;
};
_Static_assert(sizeof(struct lx_futex_waitv) == 24, "struct futex_waitv");
#define FUTEX_32 2u

int64_t sys_futex_waitv(struct task *t, const struct sys_args *a)
{
	uint32_t n = arg_u32(a, 1);
	int clock = arg_int(a, 4);
	struct futex_waitv_entry v[FUTEX_WAITV_MAX];
	struct lx_futex_waitv w;
	int64_t deadline, err;

	if (arg_u32(a, 2) || n == 0 || n > FUTEX_WAITV_MAX)
		return -LX_EINVAL;
	if (!guest_ptr_null(arg_ptr(a, 3)) && clock != LX_CLOCK_MONOTONIC && clock != LX_CLOCK_REALTIME)
		return -LX_EINVAL;
	err = read_deadline(t, arg_ptr(a, 3), clock, false, &deadline);
	if (err < 0)
		return err;
	for (uint32_t i = 0; i < n; i++) {
		if (copy_from_user(t->mm, &w, guest_ptr_add(arg_ptr(a, 0), i * sizeof(w)), sizeof(w)) < 0)
			return -LX_EFAULT;
		if (w.reserved || (w.flags & ~(FUTEX_PRIVATE | FUTEX_32)) || !(w.flags & FUTEX_32))
			return -LX_EINVAL;
		v[i] = (struct futex_waitv_entry){
			{guest_ptr(w.uaddr), (w.flags & FUTEX_PRIVATE) != 0}, (uint32_t)w.val};
	}
	return futex_waitv(t, v, n, deadline);
}

int64_t sys_set_robust_list(struct task *t, const struct sys_args *a)
{
	if (a->v[1] != 24)
		return -LX_EINVAL;
	t->robust_list = arg_ptr(a, 0);
	t->robust_list_len = a->v[1];
	return 0;
}

int64_t sys_get_robust_list(struct task *t, const struct sys_args *a)
{
	int32_t tid = arg_int(a, 0);
	struct task *other = tid ? task_find(t->guest, tid) : task_get(t);
	int64_t err;

	if (!other)
		return -LX_ESRCH;
	err = task_may_inspect(t, other) ? 0 : -LX_EPERM;
	if (err == 0)
		err = put_user_u64(t->mm, arg_ptr(a, 2), 24);
	if (err == 0)
		err = put_user_u64(t->mm, arg_ptr(a, 1), other->robust_list.va);
	task_put(other);
	return err;
}

/* membarrier(2). */
#define MEMBARRIER_QUERY              0
#define MEMBARRIER_GLOBAL             1
#define MEMBARRIER_GLOBAL_EXPEDITED   2
#define MEMBARRIER_REGISTER_GLOBAL    4
#define MEMBARRIER_PRIVATE            8
#define MEMBARRIER_REGISTER_PRIVATE   16
#define MEMBARRIER_PRIVATE_SYNC       32
#define MEMBARRIER_REGISTER_SYNC      64
#define MEMBARRIER_KNOWN              127

/* An invalidation returns when every running thread of the process has passed through its
 * engine's run loop, which is a full barrier for each. */
static int64_t barrier_process(struct task *t)
{
	vcpu_space_invalidate(mm_space(t->mm), 0, 4096);
	return 0;
}

int64_t sys_membarrier(struct task *t, const struct sys_args *a)
{
	struct tgroup *tg = t->group;
	uint32_t cmd = arg_u32(a, 0);

	if (arg_u32(a, 1))
		return -LX_EINVAL;
	switch (cmd) {
	case MEMBARRIER_QUERY:
		return MEMBARRIER_KNOWN;
	case MEMBARRIER_GLOBAL:
	case MEMBARRIER_GLOBAL_EXPEDITED:
		return barrier_process(t);
	case MEMBARRIER_REGISTER_GLOBAL:
	case MEMBARRIER_REGISTER_PRIVATE:
	case MEMBARRIER_REGISTER_SYNC:
		__atomic_or_fetch(&tg->membarrier_registered, cmd, __ATOMIC_RELAXED);
		return 0;
	case MEMBARRIER_PRIVATE:
	case MEMBARRIER_PRIVATE_SYNC:
		if (!(__atomic_load_n(&tg->membarrier_registered, __ATOMIC_RELAXED) & cmd << 1))
			return -LX_EPERM;
		return barrier_process(t);
	default:
		return -LX_EINVAL;
	}
}
