/*
 * task.c: the life of task and tgroup objects, and safe looks at another task.
 */
#include "supervisor/task/task.h"

#include "common/lx/errno.h"
#include "common/plat/thread.h"
#include "supervisor/task/cred.h"
#include "supervisor/task/itimer.h"
#include "supervisor/task/pid.h"
#include "supervisor/task/signal.h"
#include "supervisor/vfs/vfs.h"

int task_new(struct guest *g, struct task **out)
{
	struct task *t = calloc(1, sizeof(*t));

	if (!t)
		return -LX_ENOMEM;
	t->guest = g;
	t->refs = 1;
	t->timer_slack = 50000;
	t->altstack.flags = LX_SS_DISABLE;
	t->affinity = UINT64_MAX;
	t->start_ns = now_ns();
	list_init(&t->group_link);
	list_init(&t->pending.queue);
	*out = t;
	return 0;
}

struct task *task_get(struct task *t)
{
	__atomic_fetch_add(&t->refs, 1, __ATOMIC_RELAXED);
	return t;
}

void task_put(struct task *t)
{
	if (!t || __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	if (t->group)
		tgroup_put(t->group);
	if (t->cred)
		cred_put(t->cred);
	free(t);
}

int tgroup_new(struct guest *g, struct tgroup **out)
{
	struct tgroup *tg = calloc(1, sizeof(*tg));

	if (!tg)
		return -LX_ENOMEM;
	tg->guest = g;
	tg->refs = 1;
	tg->start_ns = now_ns();
	tg->dumpable = true;
	pthread_mutex_init(&tg->lock, NULL);
	list_init(&tg->tasks);
	list_init(&tg->children);
	list_init(&tg->sibling);
	list_init(&tg->pgrp_link);
	list_init(&tg->session_link);
	list_init(&tg->shared_pending.queue);
	waitq_init(&tg->child_wait);
	waitq_init(&tg->signal_wait);
	waitq_init(&tg->exit_wait);
	*out = tg;
	return 0;
}

struct tgroup *tgroup_get(struct tgroup *tg)
{
	__atomic_fetch_add(&tg->refs, 1, __ATOMIC_RELAXED);
	return tg;
}

void tgroup_put(struct tgroup *tg)
{
	if (!tg || __atomic_sub_fetch(&tg->refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	signal_flush_all(&tg->shared_pending);
	itimers_free(tg);
	waitq_release(&tg->child_wait);
	waitq_release(&tg->signal_wait);
	waitq_release(&tg->exit_wait);
	pthread_mutex_destroy(&tg->lock);
	free(tg->exe_path);
	if (tg->exe)
		file_put(tg->exe);
	free(tg);
}

struct mm *task_get_mm(struct task *t)
{
	struct mm *mm;

	pthread_mutex_lock(&t->group->lock);
	mm = t->mm ? mm_get(t->mm) : NULL;
	pthread_mutex_unlock(&t->group->lock);
	return mm;
}

struct fd_table *task_get_files(struct task *t)
{
	struct fd_table *files;

	pthread_mutex_lock(&t->group->lock);
	files = t->files ? fd_table_get(t->files) : NULL;
	pthread_mutex_unlock(&t->group->lock);
	return files;
}

struct fs_context *task_get_fs(struct task *t)
{
	struct fs_context *fs;

	pthread_mutex_lock(&t->group->lock);
	fs = t->fs ? fs_context_get(t->fs) : NULL;
	pthread_mutex_unlock(&t->group->lock);
	return fs;
}

const struct cred *task_get_cred(struct task *t)
{
	const struct cred *c;

	pthread_mutex_lock(&t->group->lock);
	c = cred_get(t->cred);
	pthread_mutex_unlock(&t->group->lock);
	return c;
}

void task_get_comm(struct task *t, char out[16])
{
	pthread_mutex_lock(&t->group->lock);
	memcpy(out, t->comm, sizeof(t->comm));
	pthread_mutex_unlock(&t->group->lock);
}

struct file *tgroup_get_exe(struct tgroup *tg, char **path)
{
	struct file *f;

	pthread_mutex_lock(&tg->lock);
	f = tg->exe ? file_get(tg->exe) : NULL;
	if (path)
		*path = tg->exe_path ? strdup(tg->exe_path) : NULL;
	pthread_mutex_unlock(&tg->lock);
	return f;
}

bool task_may_inspect(struct task *t, struct task *other)
{
	const struct cred *mine = t->cred, *theirs;
	bool ok;

	if (t->group == other->group)
		return true;
	theirs = task_get_cred(other);
	ok = cred_capable(mine, LX_CAP_SYS_PTRACE) ||
	     (mine->fsuid == theirs->uid && mine->fsuid == theirs->euid && mine->fsuid == theirs->suid &&
	      mine->fsgid == theirs->gid && mine->fsgid == theirs->egid && mine->fsgid == theirs->sgid &&
	      __atomic_load_n(&other->group->dumpable, __ATOMIC_RELAXED) &&
	      (theirs->cap_permitted & ~mine->cap_permitted) == 0);
	cred_put(theirs);
	return ok;
}

uint64_t task_rlimit(struct task *t, unsigned resource)
{
	uint64_t v;

	if (resource >= ARRAY_LEN(t->group->rlimit))
		return 0;
	pthread_mutex_lock(&t->group->lock);
	v = t->group->rlimit[resource].cur;
	pthread_mutex_unlock(&t->group->lock);
	return v;
}

/*
 * The user and system time of a host thread: only the thread itself learns how its time
 * divides, so it leaves a note from time to time; others see the total, less the system time
 * last noted, as user time.
 */
void task_note_cpu_time(struct task *t)
{
	int64_t utime, stime;

	plat_thread_times(&utime, &stime);
	__atomic_store_n(&t->utime_ns, utime - t->cpu_base_utime, __ATOMIC_RELAXED);
	__atomic_store_n(&t->stime_ns, stime - t->cpu_base_stime, __ATOMIC_RELAXED);
}

static void cpu_time_locked(struct task *t, int64_t *utime, int64_t *stime)
{
	int64_t total;

	*utime = __atomic_load_n(&t->utime_ns, __ATOMIC_RELAXED);
	*stime = __atomic_load_n(&t->stime_ns, __ATOMIC_RELAXED);
	if (!t->running_host)
		return;
	total = plat_thread_total(t->thread) - t->cpu_base_utime - t->cpu_base_stime;
	if (total > *utime + *stime)
		*utime = total - *stime;
}

void task_cpu_time(struct task *t, int64_t *utime, int64_t *stime)
{
	pthread_mutex_lock(&t->group->lock);
	cpu_time_locked(t, utime, stime);
	pthread_mutex_unlock(&t->group->lock);
}

void tgroup_cpu_time(struct tgroup *tg, int64_t *utime, int64_t *stime)
{
	struct task *t;

	pthread_mutex_lock(&tg->lock);
	*utime = tg->utime_ns;
	*stime = tg->stime_ns;
	list_for_each_entry(t, &tg->tasks, group_link) {
		int64_t u, s;

		cpu_time_locked(t, &u, &s);
		*utime += u;
		*stime += s;
	}
	pthread_mutex_unlock(&tg->lock);
}

char task_state(struct task *t)
{
	struct tgroup *tg = t->group;
	char state;

	pthread_mutex_lock(&tg->lock);
	if (list_empty(&t->group_link))
		state = 'Z';
	else if (t->stopped)
		state = 'T';
	else
		state = __atomic_load_n(&t->sleeping, __ATOMIC_RELAXED) ? 'S' : 'R';
	pthread_mutex_unlock(&tg->lock);
	return state;
}

void tgroup_for_each_task(struct tgroup *tg, int (*visit)(void *opaque, struct task *t), void *opaque)
{
	struct task *t, **all;
	uint32_t n = 0;

	pthread_mutex_lock(&tg->lock);
	all = calloc(tg->ntasks + 1, sizeof(struct task *));
	if (all) {
		list_for_each_entry(t, &tg->tasks, group_link)
			all[n++] = task_get(t);
		if (n == 0 && tg->leader)
			all[n++] = task_get(tg->leader);
	}
	pthread_mutex_unlock(&tg->lock);
	for (uint32_t i = 0, stop = 0; i < n; i++) {
		if (!stop)
			stop = visit(opaque, all[i]) != 0;
		task_put(all[i]);
	}
	free(all);
}
