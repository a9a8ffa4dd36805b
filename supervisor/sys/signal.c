/*
 * signal.c: the system calls of signals.  What a signal does is in task/.
 */
#include "supervisor/sys/sys.h"
#include "supervisor/task/pid.h"
#include "supervisor/task/signal.h"

#define SIGSET_SIZE 8

#define LX_SIG_BLOCK   0
#define LX_SIG_UNBLOCK 1
#define LX_SIG_SETMASK 2

static bool valid_signal(int sig)
{
	return sig >= 1 && sig <= LX_NSIG;
}

int64_t sys_restart_syscall(struct task *t, const struct sys_args *a)
{
	(void)a;
	return t->restart.fn ? t->restart.fn(t) : -LX_EINTR;
}

/* kill(-1, sig): every process the caller may signal, but init and itself. */
struct broadcast {
	struct task *sender;
	const struct lx_siginfo *info;
	int sig;
	int64_t result;
	int32_t pgid; /* 0: everybody */
};

static int broadcast_one(void *opaque, struct tgroup *tg)
{
	struct broadcast *b = opaque;
	struct task *leader;
	int64_t err;

	if (b->pgid ? __atomic_load_n(&tg->pgid, __ATOMIC_RELAXED) != b->pgid
		    : tg->is_init || tg == b->sender->group)
		return 0;
	leader = task_find(tg->guest, tg->tgid);
	if (!leader)
		return 0;
	err = leader->group == tg ? signal_check_permission(b->sender, leader, b->sig) : -LX_ESRCH;
	task_put(leader);
	if (err == 0)
		err = signal_send_group(tg, b->sig, b->info);
	if (err == 0 || b->result == -LX_ESRCH)
		b->result = err;
	return 0;
}

static int64_t kill_process(struct task *t, int32_t pid, int sig, const struct lx_siginfo *info)
{
	/* A thread's id names its process too. */
	struct task *target = task_find(t->guest, pid);
	int64_t err;

	if (!target)
		return -LX_ESRCH;
	err = signal_check_permission(t, target, sig);
	if (err == 0)
		err = signal_send_group(target->group, sig, info);
	task_put(target);
	return err;
}

int64_t sys_kill(struct task *t, const struct sys_args *a)
{
	int32_t pid = arg_int(a, 0);
	int sig = arg_int(a, 1);
	struct lx_siginfo info = signal_user_info(t, sig, LX_SI_USER);
	struct broadcast b = {.sender = t, .info = &info, .sig = sig, .result = -LX_ESRCH};

	if (sig < 0 || sig > LX_NSIG)
		return -LX_EINVAL;
	if (pid > 0)
		return kill_process(t, pid, sig, &info);
	if (pid == INT32_MIN)
		return -LX_ESRCH;
	if (pid == 0)
		b.pgid = __atomic_load_n(&t->group->pgid, __ATOMIC_RELAXED);
	else if (pid != -1)
		b.pgid = -pid;
	tgroup_for_each(t->guest, broadcast_one, &b);
	return b.result;
}

/* tgid 0: any (tkill). */
static int64_t send_to_thread(struct task *t, int32_t tgid, int32_t tid, int sig,
			      const struct lx_siginfo *info)
{
	struct task *target;
	int64_t err;

	if (tid <= 0)
		return -LX_EINVAL;
	target = task_find(t->guest, tid);
	if (!target)
		return -LX_ESRCH;
	err = tgid && target->group->tgid != tgid ? -LX_ESRCH : signal_check_permission(t, target, sig);
	if (err == 0)
		err = signal_send_task(target, sig, info);
	task_put(target);
	return err;
}

int64_t sys_tkill(struct task *t, const struct sys_args *a)
{
	struct lx_siginfo info = signal_user_info(t, arg_int(a, 1), LX_SI_TKILL);

	return send_to_thread(t, 0, arg_int(a, 0), arg_int(a, 1), &info);
}

int64_t sys_tgkill(struct task *t, const struct sys_args *a)
{
	struct lx_siginfo info = signal_user_info(t, arg_int(a, 2), LX_SI_TKILL);

	if (arg_int(a, 0) <= 0)
		return -LX_EINVAL;
	return send_to_thread(t, arg_int(a, 0), arg_int(a, 1), arg_int(a, 2), &info);
}

/* A guest's own siginfo: it may not pretend to be kill(2) or the kernel towards others. */
static int64_t read_siginfo(struct task *t, struct guest_ptr p, int sig, bool own, struct lx_siginfo *info)
{
	int err = copy_from_user(t->mm, info, p, sizeof(*info));

	if (err < 0)
		return err;
	info->si_signo = sig;
	return !own && (info->si_code >= 0 || info->si_code == LX_SI_TKILL) ? -LX_EPERM : 0;
}

int64_t sys_rt_sigqueueinfo(struct task *t, const struct sys_args *a)
{
	int32_t pid = arg_int(a, 0);
	struct lx_siginfo info;
	int64_t err = read_siginfo(t, arg_ptr(a, 2), arg_int(a, 1), pid == t->group->tgid, &info);

	return err < 0 ? err : kill_process(t, pid, arg_int(a, 1), &info);
}

int64_t sys_rt_tgsigqueueinfo(struct task *t, const struct sys_args *a)
{
	int32_t tgid = arg_int(a, 0), tid = arg_int(a, 1);
	struct lx_siginfo info;
	int64_t err;

	if (tgid <= 0 || tid <= 0)
		return -LX_EINVAL;
	err = read_siginfo(t, arg_ptr(a, 3), arg_int(a, 2), tid == t->tid, &info);
	return err < 0 ? err : send_to_thread(t, tgid, tid, arg_int(a, 2), &info);
}

int64_t sys_sigaltstack(struct task *t, const struct sys_args *a)
{
	uint64_t sp = vcpu_regs(t->vcpu)->sp;
	struct lx_stack fresh, old;
	int64_t err = 0;

	sigaltstack_get(t, sp, &old);
	if (!guest_ptr_null(arg_ptr(a, 0))) {
		err = copy_from_user(t->mm, &fresh, arg_ptr(a, 0), sizeof(fresh));
		if (err == 0)
			err = sigaltstack_set(t, &fresh, sp);
	}
	if (err == 0 && !guest_ptr_null(arg_ptr(a, 1)))
		err = copy_to_user(t->mm, arg_ptr(a, 1), &old, sizeof(old));
	return err;
}

int64_t sys_rt_sigsuspend(struct task *t, const struct sys_args *a)
{
	struct lx_sigset set;
	int err;

	if (a->v[1] != SIGSET_SIZE)
		return -LX_EINVAL;
	err = copy_from_user(t->mm, &set, arg_ptr(a, 0), sizeof(set));
	if (err < 0)
		return err;
	signal_set_temporary_mask(t, set);
	do
		task_sleep_prepare(t);
	while (task_sleep(t, WAIT_FOREVER) == 0);
	return -LX_ERESTARTNOHAND;
}

static void set_action(struct task *t, int sig, const struct lx_sigaction *act)
{
	struct sighand *s = t->sighand;
	bool now_ignored;

	pthread_mutex_lock(&t->group->lock);
	pthread_mutex_lock(&s->lock);
	s->action[sig - 1] = *act;
	s->action[sig - 1].mask.bits &= ~SIGSET_UNBLOCKABLE;
	pthread_mutex_unlock(&s->lock);
	now_ignored = act->handler == LX_SIG_IGN ||
		      (act->handler == LX_SIG_DFL && signal_default_ignores(sig));
	if (now_ignored)
		signal_flush_locked(t->group, sigbit(sig));
	pthread_mutex_unlock(&t->group->lock);
}

#define SA_KNOWN                                                                               \
	(LX_SA_NOCLDSTOP | LX_SA_NOCLDWAIT | LX_SA_SIGINFO | LX_SA_RESTORER | LX_SA_ONSTACK |  \
	 LX_SA_RESTART | LX_SA_NODEFER | LX_SA_RESETHAND | 0x800u /* SA_EXPOSE_TAGBITS */)

int64_t sys_rt_sigaction(struct task *t, const struct sys_args *a)
{
	int sig = arg_int(a, 0);
	struct lx_sigaction fresh, old;
	bool change = !guest_ptr_null(arg_ptr(a, 1));

	if (a->v[3] != SIGSET_SIZE)
		return -LX_EINVAL;
	if (change && copy_from_user(t->mm, &fresh, arg_ptr(a, 1), sizeof(fresh)) < 0)
		return -LX_EFAULT;
	if (!valid_signal(sig) || (change && (sigbit(sig) & SIGSET_UNBLOCKABLE)))
		return -LX_EINVAL;
	pthread_mutex_lock(&t->sighand->lock);
	old = t->sighand->action[sig - 1];
	pthread_mutex_unlock(&t->sighand->lock);
	if (change) {
		fresh.flags &= SA_KNOWN; /* programs probe for flags by reading them back */
		set_action(t, sig, &fresh);
	}
	if (!guest_ptr_null(arg_ptr(a, 2)))
		return copy_to_user(t->mm, arg_ptr(a, 2), &old, sizeof(old));
	return 0;
}

int64_t sys_rt_sigprocmask(struct task *t, const struct sys_args *a)
{
	struct lx_sigset set, old = t->blocked, fresh = old;

	if (a->v[3] != SIGSET_SIZE)
		return -LX_EINVAL;
	if (!guest_ptr_null(arg_ptr(a, 1))) {
		if (copy_from_user(t->mm, &set, arg_ptr(a, 1), sizeof(set)) < 0)
			return -LX_EFAULT;
		switch (arg_int(a, 0)) {
		case LX_SIG_BLOCK:
			fresh.bits |= set.bits;
			break;
		case LX_SIG_UNBLOCK:
			fresh.bits &= ~set.bits;
			break;
		case LX_SIG_SETMASK:
			fresh = set;
			break;
		default:
			return -LX_EINVAL;
		}
		signal_set_blocked(t, fresh);
	}
	if (!guest_ptr_null(arg_ptr(a, 2)))
		return copy_to_user(t->mm, arg_ptr(a, 2), &old, sizeof(old));
	return 0;
}

int64_t sys_rt_sigpending(struct task *t, const struct sys_args *a)
{
	struct lx_sigset set;

	if (a->v[1] > SIGSET_SIZE)
		return -LX_EINVAL;
	set = signal_pending_set(t, t->blocked);
	return copy_to_user(t->mm, arg_ptr(a, 0), &set, a->v[1]);
}

int64_t sys_rt_sigtimedwait(struct task *t, const struct sys_args *a)
{
	struct lx_sigset set;
	struct lx_siginfo info;
	struct lx_timespec ts;
	int64_t deadline = WAIT_FOREVER, ns;
	int sig, err;

	if (a->v[3] != SIGSET_SIZE)
		return -LX_EINVAL;
	if (copy_from_user(t->mm, &set, arg_ptr(a, 0), sizeof(set)) < 0)
		return -LX_EFAULT;
	if (!guest_ptr_null(arg_ptr(a, 2))) {
		if (copy_from_user(t->mm, &ts, arg_ptr(a, 2), sizeof(ts)) < 0)
			return -LX_EFAULT;
		ns = lx_timespec_ns(&ts);
		if (ns < 0)
			return ns;
		deadline = deadline_after(ns);
	}
	sig = signal_dequeue(t, set, &info);
	if (!sig) {
		err = WAIT_EVENT(t, signal_waitq(t), (sig = signal_dequeue(t, set, &info)) != 0, deadline);
		if (err < 0)
			return err == -LX_ETIMEDOUT ? -LX_EAGAIN : -LX_EINTR;
	}
	if (!guest_ptr_null(arg_ptr(a, 1)) && copy_to_user(t->mm, arg_ptr(a, 1), &info, sizeof(info)) < 0)
		return -LX_EFAULT;
	return sig;
}

int64_t sys_rt_sigreturn(struct task *t, const struct sys_args *a)
{
	(void)a;
	t->restart.fn = NULL;
	t->in_syscall = false; /* all registers come from the frame */
	if (sigframe_pop(t) < 0) {
		struct lx_siginfo info = {.si_signo = LX_SIGSEGV, .si_code = LX_SEGV_MAPERR};

		info.u.fault.addr = vcpu_regs(t->vcpu)->sp;
		t->fault_addr = info.u.fault.addr;
		t->fault_esr = 0;
		signal_force(t, &info);
	}
	return 0;
}
