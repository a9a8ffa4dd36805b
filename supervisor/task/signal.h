/*
 * signal.h: signals inside task/: actions, queues, delivery.  Others use task/task.h.
 */
#ifndef SUPERVISOR_TASK_SIGNAL_H
#define SUPERVISOR_TASK_SIGNAL_H

#include "supervisor/task/task.h"

/* Signal numbers of arm64 (the generic ones); signal(7). */
enum {
	LX_SIGHUP = 1, LX_SIGINT, LX_SIGQUIT, LX_SIGILL, LX_SIGTRAP, LX_SIGABRT, LX_SIGBUS, LX_SIGFPE,
	LX_SIGKILL, LX_SIGUSR1, LX_SIGSEGV, LX_SIGUSR2, LX_SIGPIPE, LX_SIGALRM, LX_SIGTERM,
	LX_SIGSTKFLT, LX_SIGCHLD, LX_SIGCONT, LX_SIGSTOP, LX_SIGTSTP, LX_SIGTTIN, LX_SIGTTOU, LX_SIGURG,
	LX_SIGXCPU, LX_SIGXFSZ, LX_SIGVTALRM, LX_SIGPROF, LX_SIGWINCH, LX_SIGIO, LX_SIGPWR, LX_SIGSYS,
	LX_SIGRTMIN = 32,
};

#define LX_SIG_DFL 0u
#define LX_SIG_IGN 1u

#define LX_SA_NOCLDSTOP 0x1u
#define LX_SA_NOCLDWAIT 0x2u
#define LX_SA_SIGINFO   0x4u
#define LX_SA_RESTORER  0x04000000u
#define LX_SA_ONSTACK   0x08000000u
#define LX_SA_RESTART   0x10000000u
#define LX_SA_NODEFER   0x40000000u
#define LX_SA_RESETHAND 0x80000000u

#define LX_SS_ONSTACK    1u
#define LX_SS_DISABLE    2u
#define LX_SS_AUTODISARM 0x80000000u

/* si_code: sigaction(2). */
#define LX_SI_USER       0
#define LX_SI_QUEUE      (-1)
#define LX_SI_TIMER      (-2)
#define LX_SI_TKILL      (-6)
#define LX_SI_KERNEL     0x80
#define LX_SEGV_MAPERR   1
#define LX_SEGV_ACCERR   2
#define LX_BUS_ADRALN    1
#define LX_BUS_ADRERR    2
#define LX_ILL_ILLOPC    1
#define LX_TRAP_BRKPT    1
#define LX_TRAP_TRACE    2
#define LX_CLD_EXITED    1
#define LX_CLD_KILLED    2
#define LX_CLD_DUMPED    3
#define LX_CLD_STOPPED   5
#define LX_CLD_CONTINUED 6

/* The kernel's struct sigaction on arm64: 32 bytes. */
struct lx_sigaction {
	uint64_t handler;
	uint64_t flags;
	uint64_t restorer;
	struct lx_sigset mask;
};
_Static_assert(sizeof(struct lx_sigaction) == 32, "struct sigaction");

/* Actions, shared by the threads of a process (and beyond it by CLONE_SIGHAND). */
struct sighand {
	uint32_t refs;
	pthread_mutex_t lock;
	struct lx_sigaction action[LX_NSIG];
};
int sighand_new(struct sighand **out) MUST_CHECK;
int sighand_copy(struct sighand *from, struct sighand **out) MUST_CHECK;
struct sighand *sighand_get(struct sighand *s);
void sighand_put(struct sighand *s);
/* After exec: handlers become SIG_DFL, ignored signals stay ignored. */
void sighand_reset(struct sighand *s);

/* A queued signal.  dequeued, when set, is called under the group's lock as it is taken. */
struct sigqueue {
	struct list_head link;
	struct lx_siginfo info;
	void (*dequeued)(struct sigqueue *q);
	bool owned; /* by a POSIX timer: never freed here */
};

static inline uint64_t sigbit(int sig)
{
	return UINT64_C(1) << (sig - 1);
}
#define SIGSET_UNBLOCKABLE (UINT64_C(1) << (LX_SIGKILL - 1) | UINT64_C(1) << (LX_SIGSTOP - 1))

/* Frees what is queued. */
void signal_flush_all(struct sigpending *p);
/* Forgets pending signals of mask in the whole process.  Group lock held. */
void signal_flush_locked(struct tgroup *tg, uint64_t mask);
/* Recomputes t->signal_pending.  Group lock held. */
void signal_recalc_locked(struct task *t);
/* Makes t leave the guest or its sleep.  Group lock held. */
void signal_wake_locked(struct task *t);
/* As signal_send_*, group lock held; target NULL: the process.  force: from outside the
 * container, so that even init dies of SIGKILL and stops at SIGSTOP. */
int signal_send_locked(struct tgroup *tg, struct task *target, int sig, const struct lx_siginfo *info,
		       bool force);
/* Queues a POSIX timer's own entry; false when the signal is ignored. */
bool signal_send_queued_locked(struct tgroup *tg, struct task *target, struct sigqueue *q);
/* Takes a POSIX timer's entry back if it is queued.  Group lock held. */
void signal_unqueue_locked(struct tgroup *tg, struct task *target, struct sigqueue *q);
/* A signal that t cannot avoid (a fault): blocked or ignored, it becomes deadly. */
void signal_force(struct task *t, const struct lx_siginfo *info);
/* Takes the next signal that is not in blocked.  Group lock held. */
int signal_dequeue_locked(struct task *t, uint64_t blocked, struct lx_siginfo *info);
/* Changes t's (the caller's) blocked set. */
void signal_set_blocked(struct task *t, struct lx_sigset set);
/* Default actions, signal(7). */
bool signal_default_ignores(int sig);
bool signal_default_stops(int sig);
/* SI_USER information naming t's process as the sender. */
struct lx_siginfo signal_user_info(struct task *t, int sig, int code);
/* kill(2)'s permission check of t against a process. */
int signal_check_permission(struct task *t, struct task *target, int sig);

/* Delivery (task/deliver.c): everything to be done before t goes back to the guest. */
void signal_deliver(struct task *t);
/* Group stop: t is leaving or has stopped; group lock held.  True: the parent is to be told. */
bool signal_stop_one_less_locked(struct tgroup *tg);
/* SIGCHLD to the parent for a stop or a continue.  No lock held. */
void signal_notify_parent_job(struct tgroup *tg, int code);

/* Signal frames (task/sigframe.c): 0, or -LX_EFAULT when the stack is bad. */
int sigframe_push(struct task *t, const struct lx_sigaction *act, const struct lx_siginfo *info,
		  struct lx_sigset saved) MUST_CHECK;
/* rt_sigreturn(2): restores everything from the frame at sp. */
int sigframe_pop(struct task *t) MUST_CHECK;
/* sigaltstack(2) without the copies. */
struct lx_stack {
	uint64_t sp;
	uint32_t flags, pad;
	uint64_t size;
};
int sigaltstack_set(struct task *t, const struct lx_stack *ss, uint64_t user_sp);
void sigaltstack_get(struct task *t, uint64_t user_sp, struct lx_stack *out);

#endif
