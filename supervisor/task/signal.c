/*
 * signal.c: sending and queueing signals.
 *
 * A signal is pending for one task or for the process.  Whoever sends it marks the task that
 * should take it (signal_pending), kicks its vCPU and wakes its sleep; that task takes the
 * signal itself on its way back to the guest (deliver.c).  All under the group's lock.
 */
#include "supervisor/task/signal.h"

#include "common/lx/errno.h"
#include "supervisor/task/cred.h"
#include "supervisor/task/pid.h"

#define STOP_SIGNALS                                                                          \
	(UINT64_C(1) << (LX_SIGSTOP - 1) | UINT64_C(1) << (LX_SIGTSTP - 1) |                  \
	 UINT64_C(1) << (LX_SIGTTIN - 1) | UINT64_C(1) << (LX_SIGTTOU - 1))
#define IGNORED_BY_DEFAULT                                                                    \
	(UINT64_C(1) << (LX_SIGCHLD - 1) | UINT64_C(1) << (LX_SIGCONT - 1) |                  \
	 UINT64_C(1) << (LX_SIGURG - 1) | UINT64_C(1) << (LX_SIGWINCH - 1))
#define CORE_SIGNALS                                                                          \
	(UINT64_C(1) << (LX_SIGQUIT - 1) | UINT64_C(1) << (LX_SIGILL - 1) |                   \
	 UINT64_C(1) << (LX_SIGTRAP - 1) | UINT64_C(1) << (LX_SIGABRT - 1) |                  \
	 UINT64_C(1) << (LX_SIGFPE - 1) | UINT64_C(1) << (LX_SIGSEGV - 1) |                   \
	 UINT64_C(1) << (LX_SIGBUS - 1) | UINT64_C(1) << (LX_SIGSYS - 1) |                    \
	 UINT64_C(1) << (LX_SIGXCPU - 1) | UINT64_C(1) << (LX_SIGXFSZ - 1))
#define FAULT_SIGNALS                                                                         \
	(UINT64_C(1) << (LX_SIGSEGV - 1) | UINT64_C(1) << (LX_SIGBUS - 1) |                   \
	 UINT64_C(1) << (LX_SIGILL - 1) | UINT64_C(1) << (LX_SIGTRAP - 1) |                   \
	 UINT64_C(1) << (LX_SIGFPE - 1) | UINT64_C(1) << (LX_SIGSYS - 1))

/* Entries queued in the whole guest: RLIMIT_SIGPENDING bounds them. */
static uint64_t queued_total;

int sighand_new(struct sighand **out)
{
	struct sighand *s = calloc(1, sizeof(*s));

	if (!s)
		return -LX_ENOMEM;
	s->refs = 1;
	pthread_mutex_init(&s->lock, NULL);
	*out = s;
	return 0;
}

int sighand_copy(struct sighand *from, struct sighand **out)
{
	int err = sighand_new(out);

	if (err < 0)
		return err;
	pthread_mutex_lock(&from->lock);
	memcpy((*out)->action, from->action, sizeof(from->action));
	pthread_mutex_unlock(&from->lock);
	return 0;
}

struct sighand *sighand_get(struct sighand *s)
{
	__atomic_fetch_add(&s->refs, 1, __ATOMIC_RELAXED);
	return s;
}

void sighand_put(struct sighand *s)
{
	if (!s || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void sighand_reset(struct sighand *s)
{
	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < LX_NSIG; i++) {
		uint64_t handler = s->action[i].handler == LX_SIG_IGN ? LX_SIG_IGN : LX_SIG_DFL;

		s->action[i] = (struct lx_sigaction){.handler = handler};
	}
	pthread_mutex_unlock(&s->lock);
}

bool signal_default_ignores(int sig)
{
	return (IGNORED_BY_DEFAULT & sigbit(sig)) != 0;
}

bool signal_default_stops(int sig)
{
	return (STOP_SIGNALS & sigbit(sig)) != 0;
}

static uint64_t handler_of(struct sighand *s, int sig)
{
	uint64_t handler;

	pthread_mutex_lock(&s->lock);
	handler = s->action[sig - 1].handler;
	pthread_mutex_unlock(&s->lock);
	return handler;
}

static void free_entry(struct sigqueue *q)
{
	list_del_init(&q->link);
	if (q->dequeued)
		q->dequeued(q);
	if (q->owned)
		return;
	__atomic_sub_fetch(&queued_total, 1, __ATOMIC_RELAXED);
	free(q);
}

static void flush(struct sigpending *p, uint64_t mask)
{
	struct sigqueue *q, *next;

	if (!(p->set.bits & mask))
		return;
	p->set.bits &= ~mask;
	list_for_each_entry_safe(q, next, &p->queue, link)
		if (sigbit(q->info.si_signo) & mask)
			free_entry(q);
}

void signal_flush_all(struct sigpending *p)
{
	flush(p, UINT64_MAX);
}

void signal_flush_locked(struct tgroup *tg, uint64_t mask)
{
	struct task *t;

	flush(&tg->shared_pending, mask);
	list_for_each_entry(t, &tg->tasks, group_link)
		flush(&t->pending, mask);
}

static bool has_work_locked(const struct task *t)
{
	uint64_t pending = t->pending.set.bits | t->group->shared_pending.set.bits;

	return t->must_exit || t->stop_pending || t->group->notify_continued ||
	       (pending & ~t->blocked.bits) != 0;
}

void signal_recalc_locked(struct task *t)
{
	__atomic_store_n(&t->signal_pending, has_work_locked(t), __ATOMIC_SEQ_CST);
}

void signal_wake_locked(struct task *t)
{
	__atomic_store_n(&t->signal_pending, 1, __ATOMIC_SEQ_CST);
	if (t->vcpu)
		vcpu_kick(t->vcpu);
	task_wake(t);
}

bool signal_is_pending(struct task *t)
{
	return __atomic_load_n(&t->signal_pending, __ATOMIC_SEQ_CST) != 0;
}

/* Would the signal have no effect at all?  Blocked ones are kept whatever their action. */
static bool ignored_locked(struct tgroup *tg, struct task *t, int sig, bool force)
{
	uint64_t handler;

	if (t->blocked.bits & sigbit(sig))
		return false;
	handler = handler_of(t->sighand, sig);
	if (tg->unkillable && handler == LX_SIG_DFL &&
	    !(force && (sigbit(sig) & SIGSET_UNBLOCKABLE)))
		return true;
	return handler == LX_SIG_IGN || (handler == LX_SIG_DFL && signal_default_ignores(sig));
}

static void continue_locked(struct tgroup *tg)
{
	struct task *t;

	signal_flush_locked(tg, STOP_SIGNALS);
	if (!tg->stopped && !tg->stopping)
		return;
	if (tg->stopped) {
		tg->continued_report = true;
		tg->notify_continued = true;
	}
	tg->stop_report = false;
	tg->stopped = tg->stopping = false;
	tg->stop_left = 0;
	list_for_each_entry(t, &tg->tasks, group_link) {
		t->stop_pending = false;
		signal_wake_locked(t);
	}
}

static bool wants(struct task *t, int sig)
{
	if (t->blocked.bits & sigbit(sig))
		return false;
	return sig == LX_SIGKILL || !t->stopped;
}

static struct task *choose(struct tgroup *tg, struct task *target, int sig)
{
	struct task *t, *second = NULL;

	if (target)
		return wants(target, sig) ? target : NULL;
	if (tg->leader && !list_empty(&tg->leader->group_link) && wants(tg->leader, sig) &&
	    !signal_is_pending(tg->leader))
		return tg->leader;
	list_for_each_entry(t, &tg->tasks, group_link) {
		if (!wants(t, sig))
			continue;
		if (!signal_is_pending(t))
			return t;
		second = t;
	}
	return second;
}

static void group_exit_locked(struct tgroup *tg, int32_t wait_status)
{
	struct task *t;

	if (!tg->group_exiting) {
		tg->group_exiting = true;
		tg->exit_code = wait_status;
	}
	list_for_each_entry(t, &tg->tasks, group_link) {
		t->must_exit = true;
		signal_wake_locked(t);
	}
}

void tgroup_exit(struct tgroup *tg, int32_t wait_status)
{
	pthread_mutex_lock(&tg->lock);
	group_exit_locked(tg, wait_status);
	pthread_mutex_unlock(&tg->lock);
}

/* The signal is queued: who will take it?  A deadly one need not be taken: everybody leaves. */
static void assign_locked(struct tgroup *tg, struct task *target, int sig)
{
	struct task *t = choose(tg, target, sig);

	if (!t)
		return;
	if (!(CORE_SIGNALS & sigbit(sig)) && !signal_default_ignores(sig) && !signal_default_stops(sig) &&
	    !tg->group_exiting && (!tg->unkillable || sig == LX_SIGKILL) &&
	    handler_of(t->sighand, sig) == LX_SIG_DFL) {
		group_exit_locked(tg, sig);
		return;
	}
	signal_wake_locked(t);
}

static struct sigqueue *entry_new(struct tgroup *tg, int sig, const struct lx_siginfo *info)
{
	struct sigqueue *q;
	uint64_t limit = tg->rlimit[LX_RLIMIT_SIGPENDING].cur;

	if (__atomic_add_fetch(&queued_total, 1, __ATOMIC_RELAXED) > limit && sig != LX_SIGKILL)
		q = NULL;
	else
		q = calloc(1, sizeof(*q));
	if (!q) {
		__atomic_sub_fetch(&queued_total, 1, __ATOMIC_RELAXED);
		return NULL;
	}
	if (info)
		q->info = *info;
	else
		q->info.si_code = LX_SI_KERNEL;
	q->info.si_signo = sig;
	list_init(&q->link);
	return q;
}

/* Common to all ways: effects at generation; false when nothing is to be queued. */
static bool generate_locked(struct tgroup *tg, struct task *target, int sig, bool force)
{
	struct task *t = target ? target : tg->leader;

	if (list_empty(&tg->tasks) || (target && list_empty(&target->group_link)))
		return false;
	if (list_empty(&t->group_link))
		t = list_first_entry(&tg->tasks, struct task, group_link);
	if (signal_default_stops(sig))
		signal_flush_locked(tg, sigbit(LX_SIGCONT));
	else if (sig == LX_SIGCONT)
		continue_locked(tg);
	return !ignored_locked(tg, t, sig, force);
}

int signal_send_locked(struct tgroup *tg, struct task *target, int sig, const struct lx_siginfo *info,
		       bool force)
{
	struct sigpending *p = target ? &target->pending : &tg->shared_pending;
	struct sigqueue *q;

	if (sig == 0 || !generate_locked(tg, target, sig, force))
		return 0;
	if (sig < LX_SIGRTMIN && (p->set.bits & sigbit(sig)))
		return 0; /* one instance of a standard signal is enough */
	q = entry_new(tg, sig, info);
	if (q)
		list_add_tail(&q->link, &p->queue);
	else if (sig >= LX_SIGRTMIN && info && info->si_code < 0 && info->si_code != LX_SI_TKILL)
		return -LX_EAGAIN; /* a queued value must not get lost */
	p->set.bits |= sigbit(sig);
	waitq_wake(&tg->signal_wait, 0);
	assign_locked(tg, target, sig);
	return 0;
}

bool signal_send_queued_locked(struct tgroup *tg, struct task *target, struct sigqueue *q)
{
	struct sigpending *p = target ? &target->pending : &tg->shared_pending;
	int sig = q->info.si_signo;

	if (!generate_locked(tg, target, sig, false))
		return false;
	list_add_tail(&q->link, &p->queue);
	p->set.bits |= sigbit(sig);
	waitq_wake(&tg->signal_wait, 0);
	assign_locked(tg, target, sig);
	return true;
}

void signal_unqueue_locked(struct tgroup *tg, struct task *target, struct sigqueue *q)
{
	struct sigpending *p = target ? &target->pending : &tg->shared_pending;
	struct sigqueue *other;

	if (list_empty(&q->link))
		return;
	list_del_init(&q->link);
	list_for_each_entry(other, &p->queue, link)
		if (other->info.si_signo == q->info.si_signo)
			return;
	p->set.bits &= ~sigbit(q->info.si_signo);
}

int signal_send_task(struct task *t, int sig, const struct lx_siginfo *info)
{
	int err;

	pthread_mutex_lock(&t->group->lock);
	err = signal_send_locked(t->group, t, sig, info, false);
	pthread_mutex_unlock(&t->group->lock);
	return err;
}

int signal_send_group(struct tgroup *tg, int sig, const struct lx_siginfo *info)
{
	int err;

	pthread_mutex_lock(&tg->lock);
	err = signal_send_locked(tg, NULL, sig, info, false);
	pthread_mutex_unlock(&tg->lock);
	return err;
}

void signal_force(struct task *t, const struct lx_siginfo *info)
{
	struct tgroup *tg = t->group;
	int sig = info->si_signo;
	struct lx_sigaction *act = &t->sighand->action[sig - 1];
	struct sigqueue *q;

	pthread_mutex_lock(&tg->lock);
	pthread_mutex_lock(&t->sighand->lock);
	if (act->handler == LX_SIG_IGN || (t->blocked.bits & sigbit(sig)))
		act->handler = LX_SIG_DFL;
	if (act->handler == LX_SIG_DFL)
		tg->unkillable = false;
	pthread_mutex_unlock(&t->sighand->lock);
	t->blocked.bits &= ~sigbit(sig);
	if (!(t->pending.set.bits & sigbit(sig))) {
		q = entry_new(tg, sig, info);
		if (q)
			list_add_tail(&q->link, &t->pending.queue);
		t->pending.set.bits |= sigbit(sig);
	}
	signal_recalc_locked(t);
	pthread_mutex_unlock(&tg->lock);
}

static int take(struct sigpending *p, uint64_t candidates, struct lx_siginfo *info)
{
	struct sigqueue *q, *found = NULL;
	bool more = false;
	int sig;

	if (candidates & FAULT_SIGNALS)
		candidates &= FAULT_SIGNALS;
	sig = __builtin_ctzll(candidates) + 1;
	list_for_each_entry(q, &p->queue, link) {
		if (q->info.si_signo != sig)
			continue;
		more = found != NULL;
		if (found)
			break;
		found = q;
	}
	*info = (struct lx_siginfo){.si_signo = sig, .si_code = LX_SI_USER};
	if (found) {
		if (found->dequeued) { /* it completes the information */
			list_del_init(&found->link);
			found->dequeued(found);
			*info = found->info;
		} else {
			*info = found->info;
			free_entry(found);
		}
	}
	if (!more)
		p->set.bits &= ~sigbit(sig);
	return sig;
}

int signal_dequeue_locked(struct task *t, uint64_t blocked, struct lx_siginfo *info)
{
	if (t->pending.set.bits & ~blocked)
		return take(&t->pending, t->pending.set.bits & ~blocked, info);
	if (t->group->shared_pending.set.bits & ~blocked)
		return take(&t->group->shared_pending, t->group->shared_pending.set.bits & ~blocked, info);
	return 0;
}

int signal_dequeue(struct task *t, struct lx_sigset mask, struct lx_siginfo *info)
{
	int sig;

	mask.bits &= ~SIGSET_UNBLOCKABLE;
	pthread_mutex_lock(&t->group->lock);
	sig = signal_dequeue_locked(t, ~mask.bits, info);
	if (sig)
		signal_recalc_locked(t);
	pthread_mutex_unlock(&t->group->lock);
	return sig;
}

struct lx_sigset signal_pending_set(struct task *t, struct lx_sigset mask)
{
	struct lx_sigset set;

	pthread_mutex_lock(&t->group->lock);
	set.bits = (t->pending.set.bits | t->group->shared_pending.set.bits) & mask.bits;
	pthread_mutex_unlock(&t->group->lock);
	return set;
}

struct waitq *signal_waitq(struct task *t)
{
	return &t->group->signal_wait;
}

bool signal_ignored_or_blocked(struct task *t, int sig)
{
	return (t->blocked.bits & sigbit(sig)) || handler_of(t->sighand, sig) == LX_SIG_IGN;
}

/* Signals of the process that t no longer takes are offered to its siblings. */
static void retarget_locked(struct task *t, uint64_t newly_blocked)
{
	uint64_t orphaned = t->group->shared_pending.set.bits & newly_blocked;
	struct task *other;

	if (!orphaned)
		return;
	list_for_each_entry(other, &t->group->tasks, group_link)
		if (other != t && (orphaned & ~other->blocked.bits))
			signal_wake_locked(other);
}

void signal_set_blocked(struct task *t, struct lx_sigset set)
{
	uint64_t newly;

	set.bits &= ~SIGSET_UNBLOCKABLE;
	pthread_mutex_lock(&t->group->lock);
	newly = set.bits & ~t->blocked.bits;
	t->blocked = set;
	if (newly)
		retarget_locked(t, newly);
	signal_recalc_locked(t);
	pthread_mutex_unlock(&t->group->lock);
}

void signal_set_temporary_mask(struct task *t, struct lx_sigset mask)
{
	t->saved_blocked = t->blocked;
	t->restore_blocked = true;
	signal_set_blocked(t, mask);
}

void signal_drop_temporary_mask(struct task *t)
{
	if (!t->restore_blocked)
		return;
	t->restore_blocked = false;
	signal_set_blocked(t, t->saved_blocked);
}

struct lx_siginfo signal_user_info(struct task *t, int sig, int code)
{
	struct lx_siginfo info = {.si_signo = sig, .si_code = code};

	info.u.rt.pid = t->group->tgid;
	info.u.rt.uid = t->cred->uid;
	return info;
}

int signal_check_permission(struct task *t, struct task *target, int sig)
{
	const struct cred *theirs;
	bool ok;

	if (sig < 0 || sig > LX_NSIG)
		return -LX_EINVAL;
	if (t->group == target->group)
		return 0;
	theirs = task_get_cred(target);
	ok = t->cred->euid == theirs->suid || t->cred->euid == theirs->uid ||
	     t->cred->uid == theirs->suid || t->cred->uid == theirs->uid ||
	     cred_capable(t->cred, LX_CAP_KILL);
	cred_put(theirs);
	if (!ok && sig == LX_SIGCONT)
		ok = __atomic_load_n(&t->group->sid, __ATOMIC_RELAXED) ==
		     __atomic_load_n(&target->group->sid, __ATOMIC_RELAXED);
	return ok ? 0 : -LX_EPERM;
}
