/*
 * itimer.h: the timers of a process: setitimer(2), RLIMIT_CPU, timer_create(2).
 */
#ifndef SUPERVISOR_TASK_ITIMER_H
#define SUPERVISOR_TASK_ITIMER_H

#include "supervisor/task/signal.h"

#define LX_ITIMER_REAL    0
#define LX_ITIMER_VIRTUAL 1
#define LX_ITIMER_PROF    2

struct itimer_value {
	int64_t interval, value; /* ns; value 0: disarmed */
};

/* A process's timers; protected by its group's lock. */
struct itimers {
	struct tgroup *group;
	struct ktimer real;
	int64_t real_interval, real_deadline; /* deadline 0: disarmed */
	struct ktimer cpu; /* looks at the CPU clocks from time to time while one below is armed */
	struct {
		int64_t interval, at; /* CPU time of the process; at 0: disarmed */
	} virt, prof;
	int64_t cpu_warned; /* RLIMIT_CPU: when SIGXCPU was last sent */
	struct list_head posix; /* struct ptimer */
	int next_id;
	uint32_t nposix;
	bool closed; /* the process has ended */
};
/* The process's, made if need be.  Group lock held.  NULL: no memory, or closed. */
struct itimers *itimers_get_locked(struct tgroup *tg);

int itimer_get(struct tgroup *tg, int which, struct itimer_value *out) MUST_CHECK;
/* old may be NULL. */
int itimer_set(struct tgroup *tg, int which, const struct itimer_value *value, struct itimer_value *old)
	MUST_CHECK;
/* The limits of RLIMIT_CPU changed. */
void itimer_cpu_limit_changed(struct tgroup *tg);

/* POSIX timers (task/ptimer.c). */
struct ptimer_spec {
	int clock;
	int notify; /* LX_SIGEV_* */
	int sig;
	uint64_t value;    /* sigev_value, unless default_value */
	bool default_value; /* the timer's id */
	int32_t tid;       /* SIGEV_THREAD_ID */
};
#define LX_SIGEV_SIGNAL    0
#define LX_SIGEV_NONE      1
#define LX_SIGEV_THREAD    2
#define LX_SIGEV_THREAD_ID 4
/* The new timer's id, or a negative errno. */
int64_t ptimer_create(struct task *t, const struct ptimer_spec *spec);
int ptimer_set(struct task *t, int id, bool absolute, const struct itimer_value *value,
	       struct itimer_value *old) MUST_CHECK;
int ptimer_get(struct task *t, int id, struct itimer_value *out) MUST_CHECK;
int64_t ptimer_overrun(struct task *t, int id);
int ptimer_delete(struct task *t, int id) MUST_CHECK;

/* Deletes the POSIX timers (exec); stops everything (exit); frees the memory (tgroup_put). */
void ptimers_delete_all(struct tgroup *tg);
void itimers_stop(struct tgroup *tg);
void itimers_free(struct tgroup *tg);

#endif
