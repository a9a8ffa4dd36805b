/*
 * pid.h: the pid table: numbers in use, and who bears them as thread, process, process group or
 * session.  Everything here is protected by task_table.lock.  For task/ only.
 */
#ifndef SUPERVISOR_TASK_PID_H
#define SUPERVISOR_TASK_PID_H

#include "supervisor/task/task.h"

#define PID_MAX     4194304
#define PID_BUCKETS 4096

struct pid {
	struct pid *next; /* in the bucket */
	int32_t nr;
	struct task *task;       /* borrowed: cleared before the task's last reference goes */
	struct tgroup *group;    /* borrowed; stays until the zombie is reaped */
	struct list_head pgrp;   /* tgroup.pgrp_link of the processes with this pgid */
	struct list_head session; /* tgroup.session_link of those with this sid */
};

struct task_table {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* ntasks went down, or init has ended */
	struct pid *bucket[PID_BUCKETS];
	int32_t last;      /* the last number given out */
	uint32_t ntasks;   /* threads, also those that are ending */
	uint32_t nzombies; /* processes that await wait4 */
	uint32_t limit;    /* of ntasks + nzombies */
	struct tgroup *init;
	bool init_ended;
	int32_t init_status; /* wait status */
	bool closing;        /* no more clone */
};

int task_table_new(uint32_t limit, struct task_table **out) MUST_CHECK;
void task_table_free(struct task_table *tt); /* with no number in use */
static inline void task_table_lock(struct guest *g)
{
	pthread_mutex_lock(&g->tasks->lock);
}
static inline void task_table_unlock(struct guest *g)
{
	pthread_mutex_unlock(&g->tasks->lock);
}

struct pid *pid_find_locked(struct guest *g, int32_t nr);
/* A fresh number, or -LX_EAGAIN, -LX_ENOMEM. */
int pid_new_locked(struct guest *g, struct pid **out) MUST_CHECK;
/* Frees the number if nobody bears it any more. */
void pid_release_locked(struct guest *g, struct pid *pid);

/* Moves a process to another group or session. */
int tgroup_set_pgrp_locked(struct tgroup *tg, struct pid *pid);
void tgroup_set_session_locked(struct tgroup *tg, struct pid *pid);
bool pgrp_is_orphaned_locked(struct guest *g, int32_t pgid, struct tgroup *ignored);
int signal_send_pgrp_locked(struct guest *g, int32_t pgid, int sig, const struct lx_siginfo *info);

/* A task that belongs to no group yet and is not in the table; refs is 1. */
int task_new(struct guest *g, struct task **out) MUST_CHECK;
int tgroup_new(struct guest *g, struct tgroup **out) MUST_CHECK;

#endif
