/*
 * sched.c: scheduling.  Host threads are scheduled by the host; what a guest sets is remembered
 * and read back, and nothing more.  sched(7).
 */
#include <sched.h>

#include "supervisor/sys/sys.h"
#include "supervisor/task/cred.h"
#include "supervisor/task/pid.h"
#include "supervisor/task/task.h"

#define LX_SCHED_OTHER    0
#define LX_SCHED_FIFO     1
#define LX_SCHED_RR       2
#define LX_SCHED_BATCH    3
#define LX_SCHED_IDLE     5
#define LX_SCHED_DEADLINE 6
#define LX_SCHED_RESET_ON_FORK 0x40000000

#define LX_PRIO_PROCESS 0
#define LX_PRIO_PGRP    1
#define LX_PRIO_USER    2

#define MAX_CPUS 64u

/* The CPUs that the guest sees: one mask word. */
static uint64_t online_mask(const struct task *t)
{
	return t->guest->ncpus >= MAX_CPUS ? UINT64_MAX : (UINT64_C(1) << t->guest->ncpus) - 1;
}

/* The task named by pid (0: the caller), with a reference, or NULL. */
static struct task *task_arg(struct task *t, int32_t pid)
{
	return pid == 0 ? task_get(t) : pid < 0 ? NULL : task_find(t->guest, pid);
}

static bool may_schedule(struct task *t, struct task *other)
{
	const struct cred *theirs;
	bool ok;

	if (t->group == other->group)
		return true;
	theirs = task_get_cred(other);
	ok = t->cred->euid == theirs->euid || t->cred->euid == theirs->uid ||
	     cred_capable(t->cred, LX_CAP_SYS_NICE);
	cred_put(theirs);
	return ok;
}

int64_t sys_sched_yield(struct task *t, const struct sys_args *a)
{
	(void)t;
	(void)a;
	sched_yield();
	return 0;
}

int64_t sys_getcpu(struct task *t, const struct sys_args *a)
{
	uint64_t mask = t->affinity & online_mask(t);
	int cpu = sched_getcpu();

	if (cpu < 0 || cpu >= (int)MAX_CPUS || !(mask >> cpu & 1))
		cpu = mask ? __builtin_ctzll(mask) : 0;
	if (!guest_ptr_null(arg_ptr(a, 0)) && put_user_u32(t->mm, arg_ptr(a, 0), (uint32_t)cpu) < 0)
		return -LX_EFAULT;
	if (!guest_ptr_null(arg_ptr(a, 1)) && put_user_u32(t->mm, arg_ptr(a, 1), 0) < 0)
		return -LX_EFAULT;
	return 0;
}

int64_t sys_sched_getaffinity(struct task *t, const struct sys_args *a)
{
	uint64_t size = arg_u32(a, 1), mask;
	struct task *other;

	if (size * 8 < (uint64_t)(64 - __builtin_clzll(online_mask(t))) || size % 8)
		return -LX_EINVAL;
	other = task_arg(t, arg_int(a, 0));
	if (!other)
		return -LX_ESRCH;
	mask = __atomic_load_n(&other->affinity, __ATOMIC_RELAXED) & online_mask(t);
	task_put(other);
	if (copy_to_user(t->mm, arg_ptr(a, 2), &mask, sizeof(mask)) < 0)
		return -LX_EFAULT;
	return sizeof(mask);
}

int64_t sys_sched_setaffinity(struct task *t, const struct sys_args *a)
{
	uint64_t mask = 0;
	struct task *other;
	int64_t err = 0;

	if (copy_from_user(t->mm, &mask, arg_ptr(a, 2), MIN(a->v[1], sizeof(mask))) < 0)
		return -LX_EFAULT;
	other = task_arg(t, arg_int(a, 0));
	if (!other)
		return -LX_ESRCH;
	if (!may_schedule(t, other))
		err = -LX_EPERM;
	else if (!(mask & online_mask(t)))
		err = -LX_EINVAL;
	else
		__atomic_store_n(&other->affinity, mask & online_mask(t), __ATOMIC_RELAXED);
	task_put(other);
	return err;
}

static bool realtime(int policy)
{
	return policy == LX_SCHED_FIFO || policy == LX_SCHED_RR;
}

static int64_t set_policy(struct task *t, int32_t pid, int policy, int priority)
{
	struct task *other;
	int64_t err = 0;

	policy &= ~LX_SCHED_RESET_ON_FORK;
	if (pid < 0 || (!realtime(policy) && policy != LX_SCHED_OTHER && policy != LX_SCHED_BATCH &&
			policy != LX_SCHED_IDLE))
		return -LX_EINVAL;
	if (realtime(policy) ? priority < 1 || priority > 99 : priority != 0)
		return -LX_EINVAL;
	other = task_arg(t, pid);
	if (!other)
		return -LX_ESRCH;
	if (!may_schedule(t, other) ||
	    (realtime(policy) && !cred_capable(t->cred, LX_CAP_SYS_NICE) &&
	     (uint64_t)priority > task_rlimit(other, LX_RLIMIT_RTPRIO))) {
		err = -LX_EPERM;
	} else {
		__atomic_store_n(&other->sched_policy, (uint8_t)policy, __ATOMIC_RELAXED);
		__atomic_store_n(&other->sched_priority, (uint8_t)priority, __ATOMIC_RELAXED);
	}
	task_put(other);
	return err;
}

int64_t sys_sched_setscheduler(struct task *t, const struct sys_args *a)
{
	uint32_t priority;

	if (guest_ptr_null(arg_ptr(a, 2)))
		return -LX_EINVAL;
	if (get_user_u32(t->mm, &priority, arg_ptr(a, 2)) < 0)
		return -LX_EFAULT;
	return set_policy(t, arg_int(a, 0), arg_int(a, 1), (int)priority);
}

int64_t sys_sched_setparam(struct task *t, const struct sys_args *a)
{
	struct task *other = task_arg(t, arg_int(a, 0));
	uint32_t priority;
	int policy;

	if (guest_ptr_null(arg_ptr(a, 1)) || arg_int(a, 0) < 0) {
		task_put(other);
		return -LX_EINVAL;
	}
	if (!other)
		return -LX_ESRCH;
	policy = __atomic_load_n(&other->sched_policy, __ATOMIC_RELAXED);
	task_put(other);
	if (get_user_u32(t->mm, &priority, arg_ptr(a, 1)) < 0)
		return -LX_EFAULT;
	return set_policy(t, arg_int(a, 0), policy, (int)priority);
}

int64_t sys_sched_getscheduler(struct task *t, const struct sys_args *a)
{
	struct task *other = task_arg(t, arg_int(a, 0));
	int policy;

	if (!other)
		return arg_int(a, 0) < 0 ? -LX_EINVAL : -LX_ESRCH;
	policy = __atomic_load_n(&other->sched_policy, __ATOMIC_RELAXED);
	task_put(other);
	return policy;
}

int64_t sys_sched_getparam(struct task *t, const struct sys_args *a)
{
	struct task *other;
	uint32_t priority;

	if (arg_int(a, 0) < 0 || guest_ptr_null(arg_ptr(a, 1)))
		return -LX_EINVAL;
	other = task_arg(t, arg_int(a, 0));
	if (!other)
		return -LX_ESRCH;
	priority = __atomic_load_n(&other->sched_priority, __ATOMIC_RELAXED);
	task_put(other);
	return put_user_u32(t->mm, arg_ptr(a, 1), priority);
}

int64_t sys_sched_get_priority_max(struct task *t, const struct sys_args *a)
{
	int policy = arg_int(a, 0);

	(void)t;
	if (realtime(policy))
		return 99;
	return policy == LX_SCHED_OTHER || policy == LX_SCHED_BATCH || policy == LX_SCHED_IDLE ||
			       policy == LX_SCHED_DEADLINE
		       ? 0
		       : -LX_EINVAL;
}

int64_t sys_sched_get_priority_min(struct task *t, const struct sys_args *a)
{
	int64_t max = sys_sched_get_priority_max(t, a);

	return max == 99 ? 1 : max;
}

int64_t sys_sched_rr_get_interval(struct task *t, const struct sys_args *a)
{
	struct task *other = task_arg(t, arg_int(a, 0));
	struct lx_timespec ts = {0, 0};

	if (!other)
		return arg_int(a, 0) < 0 ? -LX_EINVAL : -LX_ESRCH;
	switch (__atomic_load_n(&other->sched_policy, __ATOMIC_RELAXED)) {
	case LX_SCHED_FIFO:
		break;
	case LX_SCHED_RR:
		ts.nsec = 100000000;
		break;
	default:
		ts.nsec = 4000000;
	}
	task_put(other);
	return copy_to_user(t->mm, arg_ptr(a, 1), &ts, sizeof(ts));
}

/* struct sched_attr, first version. */
struct lx_sched_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};
_Static_assert(sizeof(struct lx_sched_attr) == 48, "struct sched_attr");

int64_t sys_sched_getattr(struct task *t, const struct sys_args *a)
{
	struct lx_sched_attr attr = {.size = sizeof(attr)};
	struct task *other;

	if (arg_u32(a, 3) || arg_int(a, 0) < 0 || arg_u32(a, 2) < sizeof(attr) || arg_u32(a, 2) > 4096)
		return -LX_EINVAL;
	other = task_arg(t, arg_int(a, 0));
	if (!other)
		return -LX_ESRCH;
	attr.policy = __atomic_load_n(&other->sched_policy, __ATOMIC_RELAXED);
	if (realtime((int)attr.policy))
		attr.priority = __atomic_load_n(&other->sched_priority, __ATOMIC_RELAXED);
	else
		attr.nice = __atomic_load_n(&other->nice, __ATOMIC_RELAXED);
	task_put(other);
	return copy_to_user(t->mm, arg_ptr(a, 1), &attr, sizeof(attr));
}

static int64_t set_nice(struct task *t, struct task *other, int nice);

int64_t sys_sched_setattr(struct task *t, const struct sys_args *a)
{
	struct lx_sched_attr attr;
	struct task *other;
	int64_t err;

	if (arg_u32(a, 2) || arg_int(a, 0) < 0)
		return -LX_EINVAL;
	if (copy_from_user(t->mm, &attr, arg_ptr(a, 1), sizeof(attr)) < 0)
		return -LX_EFAULT;
	if (attr.size && attr.size < sizeof(attr))
		return -LX_EINVAL;
	if (attr.policy > INT32_MAX)
		return -LX_EINVAL;
	if (attr.policy == LX_SCHED_DEADLINE)
		return -LX_EPERM;
	err = set_policy(t, arg_int(a, 0), (int)attr.policy, (int)attr.priority);
	if (err < 0 || realtime((int)attr.policy))
		return err;
	other = task_arg(t, arg_int(a, 0));
	if (!other)
		return -LX_ESRCH;
	err = set_nice(t, other, attr.nice);
	task_put(other);
	return err;
}

static int64_t set_nice(struct task *t, struct task *other, int nice)
{
	int8_t old = __atomic_load_n(&other->nice, __ATOMIC_RELAXED);
	uint64_t limit = task_rlimit(other, LX_RLIMIT_NICE);

	nice = nice < -20 ? -20 : nice > 19 ? 19 : nice;
	if (!may_schedule(t, other))
		return -LX_EPERM;
	if (nice < old && !cred_capable(t->cred, LX_CAP_SYS_NICE) && (uint64_t)(20 - nice) > limit)
		return -LX_EACCES;
	__atomic_store_n(&other->nice, (int8_t)nice, __ATOMIC_RELAXED);
	return 0;
}

/* getpriority and setpriority over all tasks that match. */
struct priority_walk {
	struct task *caller;
	int which;
	uint32_t who;
	bool set;
	int nice;
	int64_t result; /* -LX_ESRCH until one matches; get: the largest of 20 - nice */
};

static int priority_task(void *opaque, struct task *other)
{
	struct priority_walk *w = opaque;

	if (w->set) {
		int64_t err = set_nice(w->caller, other, w->nice);

		if (err < 0 || w->result == -LX_ESRCH)
			w->result = err;
	} else {
		w->result = MAX(w->result, INT64_C(20) - __atomic_load_n(&other->nice, __ATOMIC_RELAXED));
	}
	return 0;
}

static int priority_group(void *opaque, struct tgroup *tg)
{
	struct priority_walk *w = opaque;
	struct task *leader;
	bool match;

	if (w->which == LX_PRIO_PGRP) {
		match = (uint32_t)__atomic_load_n(&tg->pgid, __ATOMIC_RELAXED) == w->who;
	} else {
		const struct cred *c;

		leader = task_find(tg->guest, tg->tgid);
		if (!leader)
			return 0;
		c = task_get_cred(leader);
		match = c->uid == w->who;
		cred_put(c);
		task_put(leader);
	}
	if (match)
		tgroup_for_each_task(tg, priority_task, w);
	return 0;
}

static int64_t priority_call(struct priority_walk *w)
{
	struct task *t = w->caller, *other;

	if (w->which < LX_PRIO_PROCESS || w->which > LX_PRIO_USER)
		return -LX_EINVAL;
	w->result = -LX_ESRCH;
	if (w->which == LX_PRIO_PROCESS) {
		other = task_arg(t, (int32_t)w->who);
		if (other)
			(void)priority_task(w, other);
		task_put(other);
		return w->result;
	}
	if (w->who == 0)
		w->who = w->which == LX_PRIO_PGRP ? (uint32_t)__atomic_load_n(&t->group->pgid, __ATOMIC_RELAXED)
						  : t->cred->uid;
	tgroup_for_each(t->guest, priority_group, w);
	return w->result;
}

int64_t sys_getpriority(struct task *t, const struct sys_args *a)
{
	struct priority_walk w = {.caller = t, .which = arg_int(a, 0), .who = arg_u32(a, 1)};

	return priority_call(&w);
}

int64_t sys_setpriority(struct task *t, const struct sys_args *a)
{
	struct priority_walk w = {
		.caller = t, .which = arg_int(a, 0), .who = arg_u32(a, 1), .set = true, .nice = arg_int(a, 2)};

	return priority_call(&w);
}

#define LX_IOPRIO_WHO_PROCESS 1
#define LX_IOPRIO_WHO_USER    3
#define IOPRIO_BE_4           (2 << 13 | 4)

int64_t sys_ioprio_get(struct task *t, const struct sys_args *a)
{
	struct task *other;

	if (arg_int(a, 0) < LX_IOPRIO_WHO_PROCESS || arg_int(a, 0) > LX_IOPRIO_WHO_USER)
		return -LX_EINVAL;
	if (arg_int(a, 0) == LX_IOPRIO_WHO_PROCESS) {
		other = task_arg(t, arg_int(a, 1));
		if (!other)
			return -LX_ESRCH;
		task_put(other);
	}
	return IOPRIO_BE_4;
}

int64_t sys_ioprio_set(struct task *t, const struct sys_args *a)
{
	int prio = arg_int(a, 2), class = prio >> 13;

	if (class < 0 || class > 3 || (class != 0 && (prio & 7) != (prio & 0x1fff)))
		return -LX_EINVAL;
	if (class == 1 && !cred_capable(t->cred, LX_CAP_SYS_NICE) && !cred_capable(t->cred, LX_CAP_SYS_ADMIN))
		return -LX_EPERM;
	return MIN(sys_ioprio_get(t, a), INT64_C(0));
}
