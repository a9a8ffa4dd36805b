/*
 * clone.c: new tasks.  Everything that can fail is made first; then, under the pid table's lock,
 * the child gets its number and joins its process, and its host thread is let go.
 */
#include "supervisor/task/process.h"

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/plat/park.h"
#include "supervisor/task/cred.h"
#include "supervisor/task/hostthread.h"
#include "supervisor/task/pid.h"
#include "supervisor/task/signal.h"
#include "supervisor/vfs/tty.h"
#include "supervisor/vfs/vfs.h"

/* A parent in vfork(2) and its child share one. */
struct vfork_done {
	uint32_t refs;
	bool done;
	struct task *parent;
};

static void vfork_put(struct vfork_done *v)
{
	if (__atomic_sub_fetch(&v->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	task_put(v->parent);
	free(v);
}

void task_vfork_release(struct task *t)
{
	struct vfork_done *v = t->vfork_done;

	if (!v)
		return;
	t->vfork_done = NULL;
	__atomic_store_n(&v->done, true, __ATOMIC_SEQ_CST);
	task_wake(v->parent);
	vfork_put(v);
}

int task_sleep_killable(struct task *t, int64_t deadline)
{
	bool dying, woken;

	pthread_mutex_lock(&t->group->lock);
	dying = t->must_exit;
	pthread_mutex_unlock(&t->group->lock);
	if (dying)
		return -LX_EINTR;
	__atomic_store_n(&t->sleeping, true, __ATOMIC_RELAXED);
	woken = park_sleep(&t->wake_word, deadline);
	__atomic_store_n(&t->sleeping, false, __ATOMIC_RELAXED);
	return woken ? 0 : -LX_ETIMEDOUT;
}

static void vfork_wait(struct task *t, struct vfork_done *v)
{
	for (;;) {
		task_sleep_prepare(t);
		if (__atomic_load_n(&v->done, __ATOMIC_SEQ_CST) ||
		    task_sleep_killable(t, WAIT_FOREVER) < 0)
			break;
	}
	vfork_put(v);
}

static int check_flags(struct task *t, const struct lx_clone_args *a)
{
	uint64_t f = a->flags;

	if ((f & LX_CLONE_THREAD) && !(f & LX_CLONE_SIGHAND))
		return -LX_EINVAL;
	if ((f & LX_CLONE_SIGHAND) && !(f & LX_CLONE_VM))
		return -LX_EINVAL;
	if ((f & LX_CLONE_CLEAR_SIGHAND) && (f & LX_CLONE_SIGHAND))
		return -LX_EINVAL;
	if ((f & LX_CLONE_FS) && (f & LX_CLONE_NEWNS))
		return -LX_EINVAL;
	if ((f & LX_CLONE_PARENT) && t->group->is_init)
		return -LX_EINVAL;
	if ((f & LX_CLONE_PIDFD) && (f & (LX_CLONE_DETACHED | LX_CLONE_THREAD)))
		return -LX_EINVAL;
	if (f & LX_CLONE_NAMESPACES)
		return -LX_EPERM; /* no namespaces inside a container */
	if (a->exit_signal > LX_NSIG)
		return -LX_EINVAL;
	return 0;
}

/* Drops what a child that was never started owns. */
static void discard(struct task *c)
{
	if (c->vcpu)
		vcpu_free(c->vcpu);
	if (c->mm)
		mm_put(c->mm);
	if (c->files)
		fd_table_put(c, c->files);
	if (c->fs)
		fs_context_put(c->fs);
	sighand_put(c->sighand);
	if (c->vfork_done) {
		vfork_put(c->vfork_done);
		vfork_put(c->vfork_done);
	}
	task_put(c);
}

static int copy_resources(struct task *t, struct task *c, uint64_t flags)
{
	int err;

	if (flags & LX_CLONE_FILES)
		c->files = fd_table_get(t->files);
	else if ((err = fd_table_copy(t->files, &c->files)) < 0)
		return err;
	if (flags & LX_CLONE_FS)
		c->fs = fs_context_get(t->fs);
	else if ((err = fs_context_copy(t->fs, &c->fs)) < 0)
		return err;
	if (flags & LX_CLONE_SIGHAND)
		c->sighand = sighand_get(t->sighand);
	else if ((err = sighand_copy(t->sighand, &c->sighand)) < 0)
		return err;
	if (flags & LX_CLONE_CLEAR_SIGHAND)
		sighand_reset(c->sighand);
	if (flags & LX_CLONE_VM)
		c->mm = mm_get(t->mm);
	else if ((err = mm_fork(t->mm, &c->mm)) < 0)
		return err;
	err = vcpu_new(mm_space(c->mm), &c->vcpu);
	return err < 0 ? -LX_ENOMEM : 0;
}

static void copy_registers(struct task *t, struct task *c, const struct lx_clone_args *a)
{
	struct a64_regs *regs = vcpu_regs(c->vcpu);

	*regs = *vcpu_regs(t->vcpu);
	regs->x[0] = 0;
	if (a->stack)
		regs->sp = a->stack + a->stack_size;
	if (a->flags & LX_CLONE_SETTLS)
		regs->tpidr_el0 = a->tls;
}

static int copy_task(struct task *t, const struct lx_clone_args *a, struct task **out)
{
	struct task *c;
	int err = task_new(t->guest, &c);

	if (err < 0)
		return err;
	memcpy(c->comm, t->comm, sizeof(c->comm));
	c->cred = cred_get(t->cred);
	c->blocked = t->blocked;
	c->personality = t->personality;
	c->mempolicy = t->mempolicy;
	c->timer_slack = t->timer_slack;
	c->nice = t->nice;
	c->sched_policy = t->sched_policy;
	c->sched_priority = t->sched_priority;
	c->affinity = t->affinity;
	if (!(a->flags & LX_CLONE_VM) || (a->flags & LX_CLONE_VFORK))
		c->altstack = t->altstack;
	if (a->flags & LX_CLONE_CHILD_CLEARTID)
		c->clear_child_tid = guest_ptr(a->child_tid);
	err = copy_resources(t, c, a->flags);
	if (err == 0 && (a->flags & LX_CLONE_VFORK)) {
		c->vfork_done = calloc(1, sizeof(*c->vfork_done));
		if (c->vfork_done)
			*c->vfork_done = (struct vfork_done){.refs = 2, .parent = task_get(t)};
		else
			err = -LX_ENOMEM;
	}
	if (err < 0) {
		discard(c);
		return err;
	}
	copy_registers(t, c, a);
	*out = c;
	return 0;
}

static int copy_group(struct task *t, const struct lx_clone_args *a, struct tgroup **out)
{
	struct tgroup *from = t->group, *tg;
	int err = tgroup_new(t->guest, &tg);

	if (err < 0)
		return err;
	pthread_mutex_lock(&from->lock);
	memcpy(tg->rlimit, from->rlimit, sizeof(tg->rlimit));
	tg->dumpable = from->dumpable;
	tg->oom_score_adj = __atomic_load_n(&from->oom_score_adj, __ATOMIC_RELAXED);
	tg->no_new_privs = from->no_new_privs;
	tg->membarrier_registered = from->membarrier_registered;
	tg->exe = from->exe ? file_get(from->exe) : NULL;
	tg->exe_path = from->exe_path ? strdup(from->exe_path) : NULL;
	pthread_mutex_unlock(&from->lock);
	tg->exit_signal = a->flags & LX_CLONE_PARENT ? __atomic_load_n(&from->exit_signal, __ATOMIC_RELAXED)
						     : (int32_t)a->exit_signal;
	*out = tg;
	return 0;
}

static void join_group_locked(struct task *c, struct tgroup *tg)
{
	c->group = tgroup_get(tg);
	list_add_tail(&c->group_link, &tg->tasks);
	tg->ntasks++;
	tg->nlive++;
}

static int nproc_check(struct task *t)
{
	uint64_t limit = task_rlimit(t, LX_RLIMIT_NPROC);

	/* Counted over the container: root and its helpers are exempt as in fork(2). */
	if (limit == LX_RLIM_INFINITY || cred_capable(t->cred, LX_CAP_SYS_RESOURCE) ||
	    cred_capable(t->cred, LX_CAP_SYS_ADMIN) || t->cred->uid == 0)
		return 0;
	return t->guest->tasks->ntasks >= limit ? -LX_EAGAIN : 0;
}

/* Links a new process into the tree.  Table lock held. */
static void adopt_locked(struct task *t, struct task *c, struct tgroup *tg, uint64_t flags)
{
	struct tgroup *from = t->group;
	struct pid *pid;

	tg->tgid = c->tid;
	tg->pid = c->pid;
	c->pid->group = tg;
	tg->leader = task_get(c);
	tg->parent = flags & LX_CLONE_PARENT ? from->parent : from;
	tg->parent_tid = flags & LX_CLONE_PARENT ? from->parent_tid : t->tid;
	__atomic_store_n(&tg->ppid, tg->parent->tgid, __ATOMIC_RELAXED);
	list_add_tail(&tg->sibling, &tg->parent->children);
	pid = pid_find_locked(t->guest, from->pgid);
	(void)tgroup_set_pgrp_locked(tg, pid);
	pid = pid_find_locked(t->guest, from->sid);
	tgroup_set_session_locked(tg, pid);
	tg->tty = from->tty ? tty_get(from->tty) : NULL;
}

/* Gives the child its number and its place.  Fails when a signal came in between, so that the
 * child of a dying process does not escape: the call is made again. */
static int attach(struct task *t, struct task *c, struct tgroup *fresh, uint64_t flags)
{
	struct tgroup *from = t->group;
	int err;

	task_table_lock(t->guest);
	err = nproc_check(t);
	if (err == 0)
		err = pid_new_locked(t->guest, &c->pid);
	if (err == 0) {
		pthread_mutex_lock(&from->lock);
		if (signal_is_pending(t)) {
			err = -LX_ERESTARTNOINTR;
			pid_release_locked(t->guest, c->pid);
			c->pid = NULL;
		} else {
			c->tid = c->pid->nr;
			c->pid->task = c;
			t->guest->tasks->ntasks++;
			if (!fresh)
				join_group_locked(c, from);
		}
		pthread_mutex_unlock(&from->lock);
	}
	if (err == 0 && fresh) {
		join_group_locked(c, fresh);
		adopt_locked(t, c, fresh, flags);
	}
	task_table_unlock(t->guest);
	return err;
}

/* The pidfd is installed last of what can fail: a descriptor cannot be taken back unseen. */
static int make_pidfd(struct task *t, struct tgroup *fresh, uint64_t at)
{
	struct file *f;
	int64_t fd;
	int err = pidfd_new(t->guest, fresh, false, &f);

	if (err < 0)
		return err;
	fd = fd_install(t, f, 0, true);
	if (fd < 0) {
		file_put(f);
		return (int)fd;
	}
	err = put_user_u32(t->mm, guest_ptr(at), (uint32_t)fd);
	if (err < 0)
		(void)fd_close(t, (int)fd);
	return err < 0 ? err : (int)fd;
}

int64_t task_clone(struct task *t, const struct lx_clone_args *a)
{
	return task_clone_running(t, a, task_main);
}

int64_t task_clone_running(struct task *t, const struct lx_clone_args *a, void (*run)(void *task))
{
	struct tgroup *fresh = NULL;
	struct hostthread *host = NULL;
	struct vfork_done *vfork;
	struct task *c;
	int32_t tid;
	int pidfd = -1, err = check_flags(t, a);

	if (err < 0)
		return err;
	if (signal_is_pending(t))
		return -LX_ERESTARTNOINTR;
	err = copy_task(t, a, &c);
	if (err < 0)
		return err;
	if (!(a->flags & LX_CLONE_THREAD))
		err = copy_group(t, a, &fresh);
	if (err == 0)
		err = hostthread_reserve(&host);
	if (err == 0 && (a->flags & LX_CLONE_PIDFD)) {
		pidfd = make_pidfd(t, fresh, a->pidfd);
		err = MIN(pidfd, 0);
	}
	if (err == 0)
		err = attach(t, c, fresh, a->flags);
	if (err < 0) {
		if (pidfd >= 0)
			(void)fd_close(t, pidfd);
		if (host)
			hostthread_cancel(host);
		discard(c);
		if (fresh)
			tgroup_put(fresh);
		return err;
	}
	tid = c->tid;
	vfork = c->vfork_done;
	/* Both are best-effort in Linux too: a bad pointer does not undo the clone. */
	if (a->flags & LX_CLONE_PARENT_SETTID)
		(void)!put_user_u32(t->mm, guest_ptr(a->parent_tid), (uint32_t)tid);
	if (a->flags & LX_CLONE_CHILD_SETTID)
		(void)!put_user_u32(c->mm, guest_ptr(a->child_tid), (uint32_t)tid);
	hostthread_start(host, run, c);
	if (vfork)
		vfork_wait(t, vfork);
	return tid;
}

int task_new_init(struct guest *g, struct mm *mm, const struct a64_regs *regs, const struct cred *cred,
		  struct fd_table *files, struct fs_context *fs, struct task **out,
		  struct hostthread **host)
{
	struct task *t;
	struct tgroup *tg;
	int err = task_new(g, &t);

	if (err < 0)
		return err;
	t->mm = mm;
	t->files = files;
	t->fs = fs;
	t->cred = cred;
	err = tgroup_new(g, &tg);
	if (err == 0)
		err = sighand_new(&t->sighand);
	if (err == 0 && vcpu_new(mm_space(mm), &t->vcpu) < 0)
		err = -LX_ENOMEM;
	if (err == 0)
		err = hostthread_reserve(host);
	if (err < 0)
		return err; /* the guest cannot start: everything goes with the process */
	*vcpu_regs(t->vcpu) = *regs;
	task_table_lock(g);
	err = pid_new_locked(g, &t->pid);
	if (err == 0) {
		t->tid = t->pid->nr;
		t->pid->task = t;
		t->pid->group = tg;
		g->tasks->ntasks++;
		g->tasks->init = tg;
		tg->tgid = t->tid;
		tg->pid = t->pid;
		tg->is_init = tg->unkillable = true;
		tg->exit_signal = LX_SIGCHLD;
		join_group_locked(t, tg);
		tg->leader = task_get(t);
		(void)tgroup_set_pgrp_locked(tg, t->pid);
		tgroup_set_session_locked(tg, t->pid);
	}
	task_table_unlock(g);
	*out = t;
	return err;
}
