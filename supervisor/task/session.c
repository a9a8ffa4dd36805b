/*
 * session.c: process groups, sessions and controlling terminals of processes.
 */
#include "supervisor/task/pid.h"
#include "supervisor/task/signal.h"
#include "supervisor/vfs/tty.h"

struct tty *session_get_tty(struct task *t)
{
	struct tty *tty;

	task_table_lock(t->guest);
	tty = t->group->tty ? tty_get(t->group->tty) : NULL;
	task_table_unlock(t->guest);
	return tty;
}

void session_set_tty(struct task *t, struct tty *tty)
{
	struct tty *old;

	task_table_lock(t->guest);
	old = t->group->tty;
	t->group->tty = tty;
	task_table_unlock(t->guest);
	if (old)
		tty_put(old);
}

void session_clear_tty(struct guest *g, int32_t sid, struct tty *tty)
{
	struct pid *pid;
	struct tgroup *tg;
	unsigned dropped = 0;

	task_table_lock(g);
	pid = pid_find_locked(g, sid);
	if (pid) {
		list_for_each_entry(tg, &pid->session, session_link) {
			if (tg->tty != tty)
				continue;
			tg->tty = NULL;
			dropped++;
		}
	}
	task_table_unlock(g);
	while (dropped--)
		tty_put(tty);
}

void tgroup_ids(struct tgroup *tg, int32_t *pgid, int32_t *sid)
{
	task_table_lock(tg->guest);
	*pgid = tg->pgid;
	*sid = tg->sid;
	task_table_unlock(tg->guest);
}

struct tty *tgroup_take_tty(struct tgroup *tg)
{
	struct tty *tty;

	task_table_lock(tg->guest);
	tty = tg->tty;
	tg->tty = NULL;
	task_table_unlock(tg->guest);
	return tty;
}

bool pgrp_exists(struct guest *g, int32_t pgid)
{
	struct pid *pid;
	bool exists;

	task_table_lock(g);
	pid = pid_find_locked(g, pgid);
	exists = pid && !list_empty(&pid->pgrp);
	task_table_unlock(g);
	return exists;
}

static uint32_t queue_length(const struct list_head *queue)
{
	uint32_t n = 0;

	for (const struct list_head *p = queue->next; p != queue; p = p->next)
		n++;
	return n;
}

void task_get_signals(struct task *t, struct task_signals *out)
{
	struct sighand *sh;

	*out = (struct task_signals){0};
	pthread_mutex_lock(&t->group->lock);
	out->pending = t->pending.set.bits;
	out->shared_pending = t->group->shared_pending.set.bits;
	out->blocked = t->blocked.bits;
	out->queued = queue_length(&t->pending.queue) + queue_length(&t->group->shared_pending.queue);
	sh = t->sighand ? sighand_get(t->sighand) : NULL;
	pthread_mutex_unlock(&t->group->lock);
	if (!sh)
		return;
	pthread_mutex_lock(&sh->lock);
	for (int sig = 1; sig <= LX_NSIG; sig++) {
		uint64_t handler = sh->action[sig - 1].handler;

		if (handler == LX_SIG_IGN)
			out->ignored |= sigbit(sig);
		else if (handler != LX_SIG_DFL)
			out->caught |= sigbit(sig);
	}
	pthread_mutex_unlock(&sh->lock);
	sighand_put(sh);
}
