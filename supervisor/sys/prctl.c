/*
 * prctl.c: prctl(2) and seccomp(2).
 */
#include "supervisor/sys/sys.h"
#include "supervisor/task/cred.h"
#include "supervisor/task/signal.h"
#include "supervisor/task/task.h"

/* prctl(2); the numbers of linux/prctl.h. */
enum {
	PR_SET_PDEATHSIG_ = 1, PR_GET_PDEATHSIG_ = 2, PR_GET_DUMPABLE_ = 3, PR_SET_DUMPABLE_ = 4,
	PR_GET_KEEPCAPS_ = 7, PR_SET_KEEPCAPS_ = 8, PR_GET_TIMING_ = 13, PR_SET_TIMING_ = 14,
	PR_SET_NAME_ = 15, PR_GET_NAME_ = 16, PR_GET_SECCOMP_ = 21, PR_SET_SECCOMP_ = 22,
	PR_CAPBSET_READ_ = 23, PR_CAPBSET_DROP_ = 24, PR_GET_SECUREBITS_ = 27, PR_SET_SECUREBITS_ = 28,
	PR_SET_TIMERSLACK_ = 29, PR_GET_TIMERSLACK_ = 30, PR_MCE_KILL_ = 33, PR_MCE_KILL_GET_ = 34,
	PR_SET_MM_ = 35, PR_SET_CHILD_SUBREAPER_ = 36, PR_GET_CHILD_SUBREAPER_ = 37,
	PR_SET_NO_NEW_PRIVS_ = 38, PR_GET_NO_NEW_PRIVS_ = 39, PR_GET_TID_ADDRESS_ = 40,
	PR_SET_THP_DISABLE_ = 41, PR_GET_THP_DISABLE_ = 42, PR_CAP_AMBIENT_ = 47,
	PR_GET_SPECULATION_CTRL_ = 52, PR_SET_TAGGED_ADDR_CTRL_ = 55, PR_GET_TAGGED_ADDR_CTRL_ = 56,
	PR_SET_IO_FLUSHER_ = 57, PR_SET_VMA_ = 0x53564d41, PR_SET_PTRACER_ = 0x59616d61,
};

static int64_t set_name(struct task *t, struct guest_ptr p)
{
	char name[16] = "";
	int64_t n = strncpy_from_user(t->mm, name, p, sizeof(name));

	if (n < 0 && n != -LX_ENAMETOOLONG)
		return n;
	name[sizeof(name) - 1] = '\0'; /* longer ones are cut */
	pthread_mutex_lock(&t->group->lock);
	memcpy(t->comm, name, sizeof(name));
	pthread_mutex_unlock(&t->group->lock);
	return 0;
}

static int64_t get_name(struct task *t, struct guest_ptr p)
{
	char name[16];

	task_get_comm(t, name);
	return copy_to_user(t->mm, p, name, sizeof(name));
}

static int64_t set_securebits(struct task *t, uint64_t bits)
{
	uint32_t old = t->cred->securebits, locks = old & LX_SECBITS_LOCKS;
	struct cred *c;
	int err;

	/* Locked bits and locks themselves do not change. */
	if ((bits & ~(uint64_t)LX_SECBITS_ALL) || ((locks >> 1) & (old ^ bits)) || (locks & ~bits) ||
	    !cred_capable(t->cred, LX_CAP_SETPCAP))
		return -LX_EPERM;
	err = cred_prepare(t, &c);
	if (err < 0)
		return err;
	c->securebits = (uint32_t)bits;
	cred_commit(t, c);
	return 0;
}

static int64_t set_keep_caps(struct task *t, uint64_t on)
{
	struct cred *c;
	int err;

	if (on > 1)
		return -LX_EINVAL;
	if (t->cred->securebits & LX_SECBIT_KEEP_CAPS << 1)
		return -LX_EPERM;
	err = cred_prepare(t, &c);
	if (err < 0)
		return err;
	c->securebits = on ? c->securebits | LX_SECBIT_KEEP_CAPS : c->securebits & ~LX_SECBIT_KEEP_CAPS;
	cred_commit(t, c);
	return 0;
}

static int64_t drop_bounding(struct task *t, uint64_t cap)
{
	struct cred *c;
	int err;

	if (!cred_capable(t->cred, LX_CAP_SETPCAP))
		return -LX_EPERM;
	if (cap > LX_CAP_LAST)
		return -LX_EINVAL;
	err = cred_prepare(t, &c);
	if (err < 0)
		return err;
	c->cap_bounding &= ~(UINT64_C(1) << cap);
	cred_commit(t, c);
	return 0;
}

enum { AMBIENT_IS_SET = 1, AMBIENT_RAISE, AMBIENT_LOWER, AMBIENT_CLEAR_ALL };

static int64_t ambient(struct task *t, uint64_t op, uint64_t cap, uint64_t rest)
{
	const struct cred *old = t->cred;
	struct cred *c;
	uint64_t bit;
	int err;

	if (rest || op < AMBIENT_IS_SET || op > AMBIENT_CLEAR_ALL ||
	    (op == AMBIENT_CLEAR_ALL ? cap != 0 : cap > LX_CAP_LAST))
		return -LX_EINVAL;
	bit = UINT64_C(1) << cap;
	if (op == AMBIENT_IS_SET)
		return (old->cap_ambient & bit) != 0;
	if (op == AMBIENT_RAISE && (!(old->cap_permitted & old->cap_inheritable & bit) ||
				    (old->securebits & LX_SECBIT_NO_CAP_AMBIENT_RAISE)))
		return -LX_EPERM;
	err = cred_prepare(t, &c);
	if (err < 0)
		return err;
	if (op == AMBIENT_RAISE)
		c->cap_ambient |= bit;
	else
		c->cap_ambient &= op == AMBIENT_LOWER ? ~bit : 0;
	cred_commit(t, c);
	return 0;
}

static int64_t set_pdeathsig(struct task *t, uint64_t sig)
{
	if (sig > LX_NSIG)
		return -LX_EINVAL;
	__atomic_store_n(&t->pdeath_signal, (int32_t)sig, __ATOMIC_RELAXED);
	return 0;
}

static int64_t set_flag(bool *flag, uint64_t value)
{
	if (value > 1)
		return -LX_EINVAL;
	__atomic_store_n(flag, value != 0, __ATOMIC_RELAXED);
	return 0;
}

int64_t sys_prctl(struct task *t, const struct sys_args *a)
{
	struct tgroup *tg = t->group;
	uint64_t x = a->v[1], rest = a->v[2] | a->v[3] | a->v[4];

	switch (arg_int(a, 0)) {
	case PR_SET_PDEATHSIG_:
		return set_pdeathsig(t, x);
	case PR_GET_PDEATHSIG_:
		return put_user_u32(t->mm, guest_ptr(x), (uint32_t)t->pdeath_signal);
	case PR_GET_DUMPABLE_:
		return __atomic_load_n(&tg->dumpable, __ATOMIC_RELAXED);
	case PR_SET_DUMPABLE_:
		return set_flag(&tg->dumpable, x);
	case PR_GET_KEEPCAPS_:
		return (t->cred->securebits & LX_SECBIT_KEEP_CAPS) != 0;
	case PR_SET_KEEPCAPS_:
		return set_keep_caps(t, x);
	case PR_GET_TIMING_:
		return 0;
	case PR_SET_TIMING_:
		return x ? -LX_EINVAL : 0;
	case PR_SET_NAME_:
		return set_name(t, guest_ptr(x));
	case PR_GET_NAME_:
		return get_name(t, guest_ptr(x));
	case PR_GET_SECCOMP_:
		return 0;
	case PR_SET_SECCOMP_:
		return -LX_EINVAL; /* a kernel without seccomp */
	case PR_CAPBSET_READ_:
		return x > LX_CAP_LAST ? -LX_EINVAL : (int64_t)(t->cred->cap_bounding >> x & 1);
	case PR_CAPBSET_DROP_:
		return drop_bounding(t, x);
	case PR_GET_SECUREBITS_:
		return t->cred->securebits;
	case PR_SET_SECUREBITS_:
		return set_securebits(t, x);
	case PR_SET_TIMERSLACK_:
		t->timer_slack = x == 0 || x > UINT32_MAX ? 50000 : (uint32_t)x;
		return 0;
	case PR_GET_TIMERSLACK_:
		return t->timer_slack;
	case PR_SET_CHILD_SUBREAPER_:
		__atomic_store_n(&tg->child_subreaper, x != 0, __ATOMIC_RELAXED);
		return 0;
	case PR_GET_CHILD_SUBREAPER_:
		return put_user_u32(t->mm, guest_ptr(x), __atomic_load_n(&tg->child_subreaper, __ATOMIC_RELAXED));
	case PR_SET_NO_NEW_PRIVS_:
		if (x != 1 || rest)
			return -LX_EINVAL;
		return set_flag(&tg->no_new_privs, 1);
	case PR_GET_NO_NEW_PRIVS_:
		return x | rest ? -LX_EINVAL : __atomic_load_n(&tg->no_new_privs, __ATOMIC_RELAXED);
	case PR_GET_TID_ADDRESS_:
		return put_user_u64(t->mm, guest_ptr(x), t->clear_child_tid.va);
	case PR_SET_THP_DISABLE_:
		return rest ? -LX_EINVAL : 0;
	case PR_GET_THP_DISABLE_:
		return x | rest ? -LX_EINVAL : 0;
	case PR_CAP_AMBIENT_:
		return ambient(t, x, a->v[2], a->v[3] | a->v[4]);
	case PR_SET_TAGGED_ADDR_CTRL_:
		/* Bit 0: tagged addresses in system calls, which are not offered. */
		return (x & ~UINT64_C(1)) || rest ? -LX_EINVAL : x ? -LX_EINVAL : 0;
	case PR_GET_TAGGED_ADDR_CTRL_:
		return x | rest ? -LX_EINVAL : 0;
	case PR_SET_VMA_:
		return -LX_EINVAL; /* a kernel without names for anonymous memory */
	case PR_SET_PTRACER_:
		return 0;
	case PR_SET_MM_:
	case PR_SET_IO_FLUSHER_:
		return -LX_EPERM;
	case PR_GET_SPECULATION_CTRL_:
		return -LX_ENODEV;
	default:
		return -LX_EINVAL;
	}
}
