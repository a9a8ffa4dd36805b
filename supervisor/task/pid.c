/*
 * pid.c: the pid table: giving out numbers, finding who bears them, process groups, sessions.
 */
#include "supervisor/task/pid.h"

#include "common/lx/errno.h"

int task_table_new(uint32_t limit, struct task_table **out)
{
	struct task_table *tt = calloc(1, sizeof(*tt));

	if (!tt)
		return -LX_ENOMEM;
	pthread_mutex_init(&tt->lock, NULL);
	pthread_cond_init(&tt->changed, NULL);
	tt->limit = limit;
	*out = tt;
	return 0;
}

void task_table_free(struct task_table *tt)
{
	pthread_cond_destroy(&tt->changed);
	pthread_mutex_destroy(&tt->lock);
	free(tt);
}

static struct pid **bucket_of(struct guest *g, int32_t nr)
{
	return &g->tasks->bucket[(uint32_t)nr % PID_BUCKETS];
}

struct pid *pid_find_locked(struct guest *g, int32_t nr)
{
	struct pid *pid = *bucket_of(g, nr);

	while (pid && pid->nr != nr)
		pid = pid->next;
	return pid;
}

int pid_new_locked(struct guest *g, struct pid **out)
{
	struct task_table *tt = g->tasks;
	struct pid *pid;

	if (tt->closing || tt->ntasks + tt->nzombies >= tt->limit)
		return -LX_EAGAIN;
	pid = calloc(1, sizeof(*pid));
	if (!pid)
		return -LX_ENOMEM;
	do /* like Linux, start again at 300 after a wrap: low numbers belong to the first programs */
		tt->last = tt->last + 1 < PID_MAX ? tt->last + 1 : 300;
	while (pid_find_locked(g, tt->last));
	pid->nr = tt->last;
	list_init(&pid->pgrp);
	list_init(&pid->session);
	pid->next = *bucket_of(g, pid->nr);
	*bucket_of(g, pid->nr) = pid;
	*out = pid;
	return 0;
}

void pid_release_locked(struct guest *g, struct pid *pid)
{
	struct pid **at = bucket_of(g, pid->nr);

	if (pid->task || pid->group || !list_empty(&pid->pgrp) || !list_empty(&pid->session))
		return;
	while (*at != pid)
		at = &(*at)->next;
	*at = pid->next;
	free(pid);
}

struct task *task_find(struct guest *g, int32_t tid)
{
	struct pid *pid;
	struct task *t;

	task_table_lock(g);
	pid = pid_find_locked(g, tid);
	t = pid && pid->task ? task_get(pid->task) : NULL;
	task_table_unlock(g);
	return t;
}

struct tgroup *tgroup_find(struct guest *g, int32_t tgid)
{
	struct pid *pid;
	struct tgroup *tg;

	task_table_lock(g);
	pid = pid_find_locked(g, tgid);
	tg = pid && pid->group ? tgroup_get(pid->group) : NULL;
	task_table_unlock(g);
	return tg;
}

static int by_tgid(const void *a, const void *b)
{
	const struct tgroup *const *x = a, *const *y = b;

	return ((*x)->tgid > (*y)->tgid) - ((*x)->tgid < (*y)->tgid);
}

void tgroup_for_each(struct guest *g, int (*visit)(void *opaque, struct tgroup *tg), void *opaque)
{
	struct task_table *tt = g->tasks;
	struct tgroup **all;
	size_t n = 0, room;

	task_table_lock(g);
	room = (size_t)tt->ntasks + tt->nzombies + 1;
	all = calloc(room, sizeof(struct tgroup *));
	for (unsigned i = 0; all && i < PID_BUCKETS; i++)
		for (struct pid *p = tt->bucket[i]; p; p = p->next)
			if (p->group && n < room)
				all[n++] = tgroup_get(p->group);
	task_table_unlock(g);
	if (n)
		qsort(all, n, sizeof(struct tgroup *), by_tgid);
	for (size_t i = 0, stop = 0; i < n; i++) {
		if (!stop)
			stop = visit(opaque, all[i]) != 0;
		tgroup_put(all[i]);
	}
	free(all);
}

uint32_t task_count(struct guest *g)
{
	uint32_t n;

	task_table_lock(g);
	n = g->tasks->ntasks;
	task_table_unlock(g);
	return n;
}

int32_t tgroup_ppid(struct tgroup *tg)
{
	return __atomic_load_n(&tg->ppid, __ATOMIC_RELAXED);
}

int tgroup_set_pgrp_locked(struct tgroup *tg, struct pid *pid)
{
	struct pid *old = tg->pgid ? pid_find_locked(tg->guest, tg->pgid) : NULL;

	list_del_init(&tg->pgrp_link);
	list_add_tail(&tg->pgrp_link, &pid->pgrp);
	tg->pgid = pid->nr;
	if (old && old != pid)
		pid_release_locked(tg->guest, old);
	return 0;
}

void tgroup_set_session_locked(struct tgroup *tg, struct pid *pid)
{
	struct pid *old = tg->sid ? pid_find_locked(tg->guest, tg->sid) : NULL;

	list_del_init(&tg->session_link);
	list_add_tail(&tg->session_link, &pid->session);
	tg->sid = pid->nr;
	if (old && old != pid)
		pid_release_locked(tg->guest, old);
}

/* POSIX: orphaned when no member's parent is in another group of the same session. */
bool pgrp_is_orphaned_locked(struct guest *g, int32_t pgid, struct tgroup *ignored)
{
	struct pid *pid = pid_find_locked(g, pgid);
	struct tgroup *tg;

	if (!pid)
		return true;
	list_for_each_entry(tg, &pid->pgrp, pgrp_link) {
		struct tgroup *parent = tg->parent;

		if (tg == ignored || tg->zombie || !parent)
			continue;
		if (parent->pgid != pgid && parent->sid == tg->sid)
			return false;
	}
	return true;
}

bool pgrp_is_orphaned(struct guest *g, int32_t pgid)
{
	bool orphaned;

	task_table_lock(g);
	orphaned = pgrp_is_orphaned_locked(g, pgid, NULL);
	task_table_unlock(g);
	return orphaned;
}

bool pgrp_in_session(struct guest *g, int32_t pgid, int32_t sid)
{
	struct pid *pid;
	struct tgroup *tg;
	bool found = false;

	task_table_lock(g);
	pid = pid_find_locked(g, pgid);
	if (pid)
		list_for_each_entry(tg, &pid->pgrp, pgrp_link)
			found |= tg->sid == sid;
	task_table_unlock(g);
	return found;
}

int signal_send_pgrp_locked(struct guest *g, int32_t pgid, int sig, const struct lx_siginfo *info)
{
	struct pid *pid = pid_find_locked(g, pgid);
	struct tgroup *tg;
	int result = -LX_ESRCH;

	if (!pid)
		return result;
	list_for_each_entry(tg, &pid->pgrp, pgrp_link) {
		int err = signal_send_group(tg, sig, info);

		if (err == 0 || result == -LX_ESRCH)
			result = err;
	}
	return result;
}

int signal_send_pgrp(struct guest *g, int32_t pgid, int sig, const struct lx_siginfo *info)
{
	int err;

	task_table_lock(g);
	err = signal_send_pgrp_locked(g, pgid, sig, info);
	task_table_unlock(g);
	return err;
}
