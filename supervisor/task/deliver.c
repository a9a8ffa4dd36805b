/*
 * deliver.c: what a task does on its way back to the guest: leave, stop, run default actions,
 * push signal frames, restart interrupted calls.  sigaction(2), signal(7).
 */
#include "common/lx/errno.h"
#include "common/plat/park.h"
#include "supervisor/task/pid.h"
#include "supervisor/task/signal.h"

#define NR_RESTART_SYSCALL 128

/*
 * An interrupted call: rewind to make it again; a handler may turn that into EINTR.
 */
struct restart {
	bool armed;
	int64_t result;
	uint64_t continue_pc;
};

static void restart_prepare(struct task *t, struct restart *r)
{
	struct a64_regs *regs = vcpu_regs(t->vcpu);

	*r = (struct restart){.continue_pc = regs->pc, .result = (int64_t)regs->x[0]};
	if (!t->in_syscall)
		return;
	t->in_syscall = false;
	switch (-r->result) {
	case LX_ERESTARTSYS:
	case LX_ERESTARTNOINTR:
	case LX_ERESTARTNOHAND:
	case LX_ERESTART_RESTARTBLOCK:
		r->armed = true;
		regs->x[0] = t->syscall_x0;
		regs->pc -= 4;
		break;
	default:
		break;
	}
}

static void restart_for_handler(struct task *t, struct restart *r, uint64_t sa_flags)
{
	struct a64_regs *regs = vcpu_regs(t->vcpu);

	if (!r->armed)
		return;
	r->armed = false;
	if (r->result == -LX_ERESTARTNOINTR ||
	    (r->result == -LX_ERESTARTSYS && (sa_flags & LX_SA_RESTART)))
		return;
	regs->x[0] = (uint64_t)-LX_EINTR;
	regs->pc = r->continue_pc;
}

static void restart_without_handler(struct task *t, struct restart *r)
{
	if (r->armed && r->result == -LX_ERESTART_RESTARTBLOCK)
		vcpu_regs(t->vcpu)->x[8] = NR_RESTART_SYSCALL;
}

void signal_notify_parent_job(struct tgroup *tg, int code)
{
	struct guest *g = tg->guest;
	struct lx_siginfo info = {.si_signo = LX_SIGCHLD, .si_code = code};
	struct tgroup *parent;
	struct lx_sigaction act = {.handler = LX_SIG_IGN};
	const struct cred *cred;
	struct task *pt;

	info.u.chld.pid = tg->tgid;
	tgroup_cpu_time(tg, &info.u.chld.utime, &info.u.chld.stime);
	info.u.chld.utime /= 10000000; /* clock ticks of 1/100 s */
	info.u.chld.stime /= 10000000;
	info.u.chld.status = code == LX_CLD_CONTINUED ? LX_SIGCONT : tg->stop_signal;
	cred = task_get_cred(tg->leader);
	info.u.chld.uid = cred->uid;
	cred_put(cred);
	task_table_lock(g);
	parent = tg->parent;
	if (parent) {
		pthread_mutex_lock(&parent->lock);
		if (!list_empty(&parent->tasks)) {
			pt = list_first_entry(&parent->tasks, struct task, group_link);
			pthread_mutex_lock(&pt->sighand->lock);
			act = pt->sighand->action[LX_SIGCHLD - 1];
			pthread_mutex_unlock(&pt->sighand->lock);
		}
		if (act.handler != LX_SIG_IGN && !(act.flags & LX_SA_NOCLDSTOP))
			(void)signal_send_locked(parent, NULL, LX_SIGCHLD, &info, false);
		pthread_mutex_unlock(&parent->lock);
		waitq_wake(&parent->child_wait, 0);
	}
	task_table_unlock(g);
}

bool signal_stop_one_less_locked(struct tgroup *tg)
{
	if (!tg->stopping || tg->stop_left == 0 || --tg->stop_left != 0)
		return false;
	tg->stopping = false;
	tg->stopped = true;
	tg->stop_report = true;
	return true;
}

/* A stop signal was taken: every task of the process is to stop.  Group lock held. */
static void stop_begin_locked(struct tgroup *tg, int sig)
{
	struct task *other;

	if (tg->group_exiting || tg->execing || tg->stopping)
		return;
	tg->stopping = true;
	tg->stop_signal = sig;
	tg->stop_left = 0;
	tg->continued_report = false;
	list_for_each_entry(other, &tg->tasks, group_link) {
		other->stop_pending = true;
		tg->stop_left++;
		signal_wake_locked(other);
	}
}

/* Stops until SIGCONT or death.  Group lock held on entry, not on return. */
static void stop_locked(struct task *t)
{
	struct tgroup *tg = t->group;
	bool last;

	t->stop_pending = false;
	t->stopped = true;
	last = signal_stop_one_less_locked(tg);
	pthread_mutex_unlock(&tg->lock);
	if (last)
		signal_notify_parent_job(tg, LX_CLD_STOPPED);
	task_note_cpu_time(t);
	for (;;) {
		bool stay;

		park_prepare(&t->wake_word);
		pthread_mutex_lock(&tg->lock);
		stay = (tg->stopped || tg->stopping) && !t->must_exit;
		if (!stay)
			t->stopped = false;
		pthread_mutex_unlock(&tg->lock);
		if (!stay)
			return;
		(void)!park_sleep(&t->wake_word, PARK_FOREVER);
	}
}

/* SIGTSTP and kin are dropped in an orphaned process group.  Takes and drops locks. */
static void default_stop(struct task *t, int sig)
{
	struct tgroup *tg = t->group;
	bool orphaned = false;

	pthread_mutex_unlock(&tg->lock);
	if (sig != LX_SIGSTOP) {
		task_table_lock(t->guest);
		orphaned = pgrp_is_orphaned_locked(t->guest, tg->pgid, NULL);
		task_table_unlock(t->guest);
	}
	pthread_mutex_lock(&tg->lock);
	if (!orphaned)
		stop_begin_locked(tg, sig);
}

/* What is to be done with a signal that was taken; act is valid for a handler. */
enum verdict { VERDICT_NOTHING, VERDICT_STOP, VERDICT_DIE, VERDICT_HANDLER };

static enum verdict judge_locked(struct task *t, int sig, struct lx_sigaction *act)
{
	struct sighand *s = t->sighand;

	pthread_mutex_lock(&s->lock);
	*act = s->action[sig - 1];
	if (act->handler > LX_SIG_IGN && (act->flags & LX_SA_RESETHAND))
		s->action[sig - 1].handler = LX_SIG_DFL;
	pthread_mutex_unlock(&s->lock);
	if (act->handler == LX_SIG_IGN)
		return VERDICT_NOTHING;
	if (act->handler != LX_SIG_DFL)
		return VERDICT_HANDLER;
	if (signal_default_ignores(sig))
		return VERDICT_NOTHING;
	if (t->group->unkillable && !(sigbit(sig) & SIGSET_UNBLOCKABLE))
		return VERDICT_NOTHING;
	return signal_default_stops(sig) ? VERDICT_STOP : VERDICT_DIE;
}

static void run_handler(struct task *t, const struct lx_sigaction *act, const struct lx_siginfo *info,
			struct restart *r)
{
	struct lx_sigset saved = t->restore_blocked ? t->saved_blocked : t->blocked;
	struct lx_sigset now = t->blocked;

	restart_for_handler(t, r, act->flags);
	if (sigframe_push(t, act, info, saved) < 0) {
		struct lx_siginfo segv = {.si_signo = LX_SIGSEGV, .si_code = LX_SI_KERNEL};

		if (info->si_signo == LX_SIGSEGV) {
			pthread_mutex_lock(&t->sighand->lock);
			t->sighand->action[LX_SIGSEGV - 1].handler = LX_SIG_DFL;
			pthread_mutex_unlock(&t->sighand->lock);
		}
		signal_force(t, &segv);
		return;
	}
	t->restore_blocked = false;
	now.bits |= act->mask.bits;
	if (!(act->flags & LX_SA_NODEFER))
		now.bits |= sigbit(info->si_signo);
	signal_set_blocked(t, now);
}

/* Takes one step; false when there is nothing left to do.  Group lock held, then not. */
static bool step_locked(struct task *t, struct restart *r)
{
	struct tgroup *tg = t->group;
	struct lx_siginfo info;
	struct lx_sigaction act;
	int sig;

	if (t->must_exit) {
		t->exit_code = tg->group_exiting ? tg->exit_code : 0;
		t->exiting = true;
		pthread_mutex_unlock(&tg->lock);
		return false;
	}
	if (tg->notify_continued) {
		tg->notify_continued = false;
		pthread_mutex_unlock(&tg->lock);
		signal_notify_parent_job(tg, LX_CLD_CONTINUED);
		return true;
	}
	if (t->stop_pending) {
		stop_locked(t);
		return true;
	}
	sig = signal_dequeue_locked(t, t->blocked.bits, &info);
	if (!sig) {
		signal_recalc_locked(t);
		pthread_mutex_unlock(&tg->lock);
		return false;
	}
	switch (judge_locked(t, sig, &act)) {
	case VERDICT_NOTHING:
		break;
	case VERDICT_STOP:
		default_stop(t, sig);
		break;
	case VERDICT_DIE:
		pthread_mutex_unlock(&tg->lock);
		tgroup_exit(tg, sig);
		return true;
	case VERDICT_HANDLER:
		pthread_mutex_unlock(&tg->lock);
		run_handler(t, &act, &info, r);
		return true;
	}
	pthread_mutex_unlock(&tg->lock);
	return true;
}

void signal_deliver(struct task *t)
{
	struct restart r;

	restart_prepare(t, &r);
	do
		pthread_mutex_lock(&t->group->lock);
	while (step_locked(t, &r));
	if (t->exiting)
		return;
	restart_without_handler(t, &r);
	signal_drop_temporary_mask(t);
}
