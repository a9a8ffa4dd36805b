/*
 * session.c: process groups, sessions and controlling terminals of processes.
 */
#include "supervisor/task/pid.h"
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
