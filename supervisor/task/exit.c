/*
 * exit.c: the end of tasks and processes.  The last thread of a process makes it a zombie:
 * children go to a subreaper or init, orphaned stopped groups are hung up, the parent is told.
 * _exit(2), exit_group(2), wait(2), setpgid(2), prctl(2) PR_SET_CHILD_SUBREAPER.
 */
#include "common/lx/errno.h"
#include "supervisor/sys/sysvipc.h"
#include "supervisor/task/futex.h"
#include "supervisor/task/itimer.h"
#include "supervisor/task/pid.h"
#include "supervisor/task/process.h"
#include "supervisor/task/signal.h"
#include "supervisor/vfs/tty.h"
#include "supervisor/vfs/vfs.h"

/* Who takes over the children of tg: the nearest living subreaper above, else init. */
static struct tgroup *new_reaper_locked(struct tgroup *tg)
{
	struct tgroup *up;

	for (up = tg->parent; up; up = up->parent)
		if (up->child_subreaper && !up->zombie)
			return up;
	return tg->guest->tasks->init;
}

static bool has_stopped_member_locked(struct guest *g, int32_t pgid)
{
	struct pid *pid = pid_find_locked(g, pgid);
	struct tgroup *tg;
	bool stopped = false;

	if (!pid)
		return false;
	list_for_each_entry(tg, &pid->pgrp, pgrp_link) {
		pthread_mutex_lock(&tg->lock);
		stopped |= tg->stopped;
		pthread_mutex_unlock(&tg->lock);
	}
	return stopped;
}

/* The exit or move of one process may have orphaned a group: stopped jobs there get SIGHUP and
 * SIGCONT.  member is in the group; parent is whose going counts. */
static void hangup_if_orphaned_locked(struct tgroup *member, struct tgroup *parent,
				      struct tgroup *ignored)
{
	struct guest *g = member->guest;

	if (!parent || parent->pgid == member->pgid || parent->sid != member->sid)
		return; /* it never kept that group from being orphaned */
	if (!pgrp_is_orphaned_locked(g, member->pgid, ignored) ||
	    !has_stopped_member_locked(g, member->pgid))
		return;
	(void)signal_send_pgrp_locked(g, member->pgid, LX_SIGHUP, NULL);
	(void)signal_send_pgrp_locked(g, member->pgid, LX_SIGCONT, NULL);
}

/* SIGCHLD (or another exit signal) to the parent.  True when nobody will wait for the zombie. */
static bool notify_parent_locked(struct tgroup *tg)
{
	struct tgroup *parent = tg->parent;
	struct lx_siginfo info = {.si_signo = tg->exit_signal};
	struct lx_sigaction act = {.handler = LX_SIG_DFL};
	const struct cred *cred;
	struct task *pt;
	bool autoreap = false;

	if (!parent)
		return false;
	info.si_code = tg->exit_code & 0x7f ? LX_CLD_KILLED : LX_CLD_EXITED;
	info.u.chld.pid = tg->tgid;
	cred = task_get_cred(tg->leader);
	info.u.chld.uid = cred->uid;
	cred_put(cred);
	info.u.chld.status = tg->exit_code & 0x7f ? tg->exit_code & 0x7f : tg->exit_code >> 8;
	info.u.chld.utime = tg->utime_ns / 10000000;
	info.u.chld.stime = tg->stime_ns / 10000000;
	pthread_mutex_lock(&parent->lock);
	if (!list_empty(&parent->tasks)) {
		pt = list_first_entry(&parent->tasks, struct task, group_link);
		pthread_mutex_lock(&pt->sighand->lock);
		act = pt->sighand->action[LX_SIGCHLD - 1];
		pthread_mutex_unlock(&pt->sighand->lock);
	}
	if (tg->exit_signal == LX_SIGCHLD &&
	    (act.handler == LX_SIG_IGN || (act.flags & LX_SA_NOCLDWAIT)))
		autoreap = true;
	if (tg->exit_signal && !(tg->exit_signal == LX_SIGCHLD && act.handler == LX_SIG_IGN))
		(void)signal_send_locked(parent, NULL, tg->exit_signal, &info, false);
	pthread_mutex_unlock(&parent->lock);
	waitq_wake(&parent->child_wait, 0);
	return autoreap;
}

void tgroup_reap_locked(struct tgroup *tg)
{
	struct guest *g = tg->guest;
	struct pid *own = tg->pid, *pgrp = pid_find_locked(g, tg->pgid),
		   *session = pid_find_locked(g, tg->sid);

	tg->reaped = true;
	g->tasks->nzombies--;
	list_del_init(&tg->sibling);
	list_del_init(&tg->pgrp_link);
	list_del_init(&tg->session_link);
	own->group = NULL;
	own->task = NULL;
	if (pgrp && pgrp != own && pgrp != session)
		pid_release_locked(g, pgrp);
	if (session && session != own)
		pid_release_locked(g, session);
	pid_release_locked(g, own);
}

void tgroup_reaped_put(struct tgroup *tg)
{
	struct task *leader;

	pthread_mutex_lock(&tg->lock);
	leader = tg->leader;
	tg->leader = NULL;
	pthread_mutex_unlock(&tg->lock);
	task_put(leader);
	tgroup_put(tg);
}

/* Processes that were reaped without a wait; put after the table lock is dropped. */
struct reaped {
	struct tgroup *first;
};

static void reap_later_locked(struct reaped *r, struct tgroup *tg)
{
	tgroup_reap_locked(tg);
	tg->parent = r->first; /* nobody looks at it any more */
	r->first = tg;
}

static void put_reaped(struct reaped *r)
{
	while (r->first) {
		struct tgroup *tg = r->first;

		r->first = tg->parent;
		tg->parent = NULL;
		tgroup_reaped_put(tg);
	}
}

static void reparent_children_locked(struct tgroup *tg, struct reaped *r)
{
	struct tgroup *child, *next, *reaper = new_reaper_locked(tg);

	list_for_each_entry_safe(child, next, &tg->children, sibling) {
		int32_t sig = __atomic_load_n(&child->leader->pdeath_signal, __ATOMIC_RELAXED);

		if (reaper == tg) /* init itself is going: its children are killed */
			continue;
		list_del_init(&child->sibling);
		child->parent = reaper;
		__atomic_store_n(&child->ppid, reaper->tgid, __ATOMIC_RELAXED);
		child->parent_tid = reaper->tgid;
		list_add_tail(&child->sibling, &reaper->children);
		hangup_if_orphaned_locked(child, tg, NULL);
		if (child->zombie) {
			if (notify_parent_locked(child))
				reap_later_locked(r, child);
		} else if (sig) {
			(void)signal_send_group(child, sig, NULL);
		}
	}
}

/* A thread that made children by itself is going, but its process stays. */
static void pdeath_of_thread_locked(struct task *t)
{
	struct tgroup *child;

	list_for_each_entry(child, &t->group->children, sibling) {
		int32_t sig = __atomic_load_n(&child->leader->pdeath_signal, __ATOMIC_RELAXED);

		if (child->parent_tid != t->tid || t == t->group->leader)
			continue;
		child->parent_tid = t->group->tgid;
		if (!child->zombie && sig)
			(void)signal_send_group(child, sig, NULL);
	}
}

static void kill_everybody_locked(struct guest *g)
{
	g->tasks->closing = true;
	for (unsigned i = 0; i < PID_BUCKETS; i++)
		for (struct pid *p = g->tasks->bucket[i]; p; p = p->next)
			if (p->group && !p->group->is_init && !p->group->zombie)
				tgroup_exit(p->group, LX_SIGKILL);
}

static void become_zombie_locked(struct tgroup *tg, int32_t leader_status, struct reaped *r)
{
	struct guest *g = tg->guest;

	if (!tg->group_exiting)
		tg->exit_code = leader_status;
	tg->zombie = true;
	g->tasks->nzombies++;
	reparent_children_locked(tg, r);
	hangup_if_orphaned_locked(tg, tg->parent, tg);
	if (tg->is_init) {
		g->tasks->init_ended = true;
		g->tasks->init_status = tg->exit_code;
		kill_everybody_locked(g);
	} else if (tg->parent && tg->parent->zombie) {
		reap_later_locked(r, tg); /* a child of an init that is gone */
	} else if (notify_parent_locked(tg)) {
		reap_later_locked(r, tg);
	}
	waitq_wake(&tg->exit_wait, 0);
}

/* Leaves the process; what it becomes when that was the last thread. */
static void leave(struct task *t)
{
	struct guest *g = t->guest;
	struct tgroup *tg = t->group;
	struct reaped reaped = {NULL};
	struct file *exe = NULL;
	struct tty *tty = NULL;
	bool last, stopped;

	task_table_lock(g);
	pthread_mutex_lock(&tg->lock);
	list_del_init(&t->group_link);
	last = --tg->ntasks == 0;
	t->running_host = false;
	tg->utime_ns += t->utime_ns;
	tg->stime_ns += t->stime_ns;
	tg->nvcsw += t->nvcsw;
	tg->nivcsw += t->nivcsw;
	stopped = t->stop_pending && signal_stop_one_less_locked(tg);
	signal_flush_all(&t->pending);
	if (last) {
		exe = tg->exe;
		tg->exe = NULL;
	} else if (tg->shared_pending.set.bits) {
		struct task *other;

		list_for_each_entry(other, &tg->tasks, group_link)
			if (tg->shared_pending.set.bits & ~other->blocked.bits)
				signal_wake_locked(other);
	}
	pthread_mutex_unlock(&tg->lock);
	if (tg->leader == t) {
		tg->leader_status = t->exit_code;
	} else {
		t->pid->task = NULL;
		pid_release_locked(g, t->pid);
	}
	if (last) {
		tty = tg->tty;
		tg->tty = NULL;
		become_zombie_locked(tg, tg->leader_status, &reaped);
	} else {
		pdeath_of_thread_locked(t);
		waitq_wake(&tg->exit_wait, 0);
	}
	task_table_unlock(g);
	if (stopped && !last)
		signal_notify_parent_job(tg, LX_CLD_STOPPED);
	put_reaped(&reaped);
	if (exe)
		file_put(exe);
	if (tty)
		tty_put(tty);
}

static void drop_resources(struct task *t)
{
	struct tgroup *tg = t->group;
	struct vcpu *vcpu;
	struct mm *mm;
	struct fd_table *files;
	struct fs_context *fs;

	pthread_mutex_lock(&tg->lock);
	vcpu = t->vcpu;
	mm = t->mm;
	files = t->files;
	t->vcpu = NULL;
	t->mm = NULL;
	t->files = NULL;
	pthread_mutex_unlock(&tg->lock);
	vcpu_free(vcpu);
	mm_put(mm);
	task_vfork_release(t);
	fd_table_put(t, files);
	pthread_mutex_lock(&tg->lock);
	fs = t->fs;
	t->fs = NULL;
	pthread_mutex_unlock(&tg->lock);
	if (fs) /* the first task may fail before it has one */
		fs_context_put(fs);
}

void task_clear_child_tid(struct task *t)
{
	if (guest_ptr_null(t->clear_child_tid))
		return;
	if (put_user_u32(t->mm, t->clear_child_tid, 0) == 0)
		futex_wake_addr(t->mm, t->clear_child_tid, 1);
	t->clear_child_tid = guest_ptr(0);
}

static void note_usage(struct task *t)
{
	struct mm_usage usage;

	mm_get_usage(t->mm, &usage);
	pthread_mutex_lock(&t->group->lock);
	t->group->maxrss = MAX(t->group->maxrss, usage.peak_resident);
	pthread_mutex_unlock(&t->group->lock);
}

void task_exit(struct task *t)
{
	struct guest *g = t->guest;
	struct tgroup *tg = t->group;
	bool last;

	pthread_mutex_lock(&tg->lock);
	last = --tg->nlive == 0;
	pthread_mutex_unlock(&tg->lock);
	if (last) {
		itimers_stop(tg);
		sem_exit(tg);
		note_usage(t);
		if (tg->sid == tg->tgid && tg->tty)
			tty_disassociate(tg, true);
	}
	futex_exit(t);
	task_clear_child_tid(t);
	drop_resources(t);
	task_note_cpu_time(t);
	leave(t);
	sighand_put(t->sighand);
	t->sighand = NULL;
	task_put(t);
	task_table_lock(g);
	g->tasks->ntasks--;
	pthread_cond_broadcast(&g->tasks->changed);
	task_table_unlock(g);
}
