/*
 * task.h: guest threads (tasks), processes (thread groups), and what they own.
 * A task is one host thread with one vCPU.  tids are the container's own; init is 1.
 *
 * Who may touch what: a task reads its own mm, files, fs, cred and sighand freely, and only it
 * replaces them, under its group's lock.  Others take references with task_get_mm and its kin,
 * which give NULL once the task has exited.
 */
#ifndef SUPERVISOR_TASK_TASK_H
#define SUPERVISOR_TASK_TASK_H

#include <pthread.h>

#include "common/base.h"
#include "common/list.h"
#include "supervisor/guest.h"
#include "supervisor/mm/mm.h"
#include "supervisor/task/timer.h"
#include "supervisor/task/wait.h"
#include "vcpu/vcpu.h"

struct fd_table;
struct fs_context;
struct file;
struct pid;
struct itimers;
struct sighand;
struct tgroup;
struct tty;

#define LX_NGROUPS_MAX 65536

/* Credentials; immutable and reference counted: a change makes a new one (task/cred.h). */
struct cred {
	uint32_t refs;
	uint32_t uid, euid, suid, fsuid;
	uint32_t gid, egid, sgid, fsgid;
	uint64_t cap_permitted, cap_effective, cap_inheritable, cap_bounding, cap_ambient;
	uint32_t securebits;
	uint32_t ngroups;
	uint32_t *groups; /* sorted */
};
bool cred_in_group(const struct cred *c, uint32_t gid);
bool cred_capable(const struct cred *c, int cap);
const struct cred *cred_get(const struct cred *c);
void cred_put(const struct cred *c);

#define LX_NSIG 64

struct lx_sigset {
	uint64_t bits; /* bit n-1: signal n */
};

/* arm64 siginfo_t, 128 bytes.  sigaction(2); layout of the generic ABI. */
struct lx_siginfo {
	int32_t si_signo, si_errno, si_code, pad0;
	union {
		struct {
			int32_t pid;
			uint32_t uid;
			int32_t status; /* SIGCHLD; or low half of sigval */
			int32_t pad1;
			int64_t utime, stime;
		} chld;
		struct {
			int32_t pid;
			uint32_t uid;
			uint64_t value;
		} rt;
		struct {
			int32_t tid, overrun;
			uint64_t value;
		} timer;
		struct {
			uint64_t addr;
		} fault;
		struct {
			int64_t band;
			int32_t fd;
		} poll;
		struct {
			uint64_t call_addr;
			int32_t syscall;
			uint32_t arch;
		} sys;
		uint8_t raw[112];
	} u;
};
_Static_assert(sizeof(struct lx_siginfo) == 128, "siginfo_t is 128 bytes");

struct sigpending {
	struct lx_sigset set;
	struct list_head queue; /* struct sigqueue */
};

/* How an interrupted call goes on when restart_syscall(2) is made for it. */
struct restart_block {
	int64_t (*fn)(struct task *t); /* NULL: -EINTR */
	int64_t deadline;
	struct guest_ptr addr;
	uint64_t arg[3];
};

struct task {
	struct guest *guest;
	struct tgroup *group;
	int32_t tid;
	struct pid *pid;
	struct list_head group_link; /* tgroup.tasks; group lock */

	struct mm *mm;
	struct vcpu *vcpu;
	struct fd_table *files;
	struct fs_context *fs; /* root, cwd, umask */
	struct sighand *sighand;
	const struct cred *cred;
	const struct cred *fs_cred; /* what file permissions go by during access(2); else NULL */

	/* Signals: the group's lock protects pending, blocked, must_exit, stop_pending. */
	struct lx_sigset blocked;
	struct lx_sigset saved_blocked; /* restored after sigsuspend, ppoll... */
	bool restore_blocked;
	bool must_exit;    /* exit_group, exec by another thread, or a fatal signal */
	bool stop_pending; /* a group stop is under way and this task has not stopped yet */
	bool stopped;      /* it has */
	struct sigpending pending;
	struct {
		uint64_t sp, size;
		uint32_t flags;
	} altstack;
	uint32_t signal_pending; /* atomic: leave the guest, look for signals, exit or stop */
	uint64_t fault_addr;     /* of the last fault that became a signal, for the signal frame */
	uint32_t fault_esr;

	/* Sleep: see wait.h. */
	uint32_t wake_word;
	bool sleeping; /* atomic; for task_state */

	/* System-call restart: the call being made and its first argument. */
	uint64_t syscall_nr, syscall_x0;
	uint64_t ring_next; /* slot of the crash ring (trace/ring.h); a multiple of RING_BATCH: take more */
	bool in_syscall;
	struct restart_block restart;

	struct guest_ptr clear_child_tid;
	struct guest_ptr robust_list;
	uint64_t robust_list_len;

	pthread_t thread;
	bool running_host; /* thread is valid: a host thread serves this task (group lock) */
	char comm[16]; /* group lock */
	int32_t exit_code; /* wait status */
	bool exiting;
	uint32_t refs; /* atomic */
	uint32_t personality;
	uint32_t mempolicy; /* MPOL_* of set_mempolicy */
	uint32_t timer_slack;
	int32_t pdeath_signal; /* atomic */
	/* CPU time of the host thread before this task ran on it, and of this task: final once it has
	 * ended, else what it last noted (task_note_cpu_time). */
	int64_t cpu_base_utime, cpu_base_stime;
	int64_t utime_ns, stime_ns;
	int64_t start_ns;
	uint64_t nvcsw, nivcsw;
	struct vfork_done *vfork_done; /* the parent waits there until exec or exit */
	int8_t nice;
	uint8_t sched_policy, sched_priority;
	uint64_t affinity; /* mask of CPUs, as set */
};

/* A process. */
struct tgroup {
	uint32_t refs;
	struct guest *guest;
	int32_t tgid;
	struct pid *pid;
	/* The group's lock: tasks, signal state of all tasks, stops, limits, names, timers. */
	pthread_mutex_t lock;
	struct list_head tasks;
	uint32_t ntasks; /* in tasks */
	uint32_t nlive;  /* not exiting */
	struct task *leader; /* a reference, kept until the process is reaped */

	/* Protected by the pid table's lock. */
	struct tgroup *parent; /* NULL for init; not a reference: reparented before it goes */
	int32_t ppid;          /* parent's tgid, 0 for init; also read without the lock */
	int32_t parent_tid;    /* the thread that made this process (wait4's __WNOTHREAD) */
	struct list_head children, sibling;
	int32_t pgid, sid;
	struct list_head pgrp_link, session_link; /* on their struct pid */
	struct tty *tty; /* controlling terminal, or NULL; a reference (session_get_tty) */
	bool zombie, reaped, has_execed, child_subreaper;

	struct waitq child_wait;  /* wait4 sleepers */
	struct waitq signal_wait; /* signalfd, sigtimedwait */
	struct waitq exit_wait;   /* pidfd, exec waiting for its siblings */

	struct sigpending shared_pending;
	int32_t exit_code;   /* wait status, once group_exiting or a zombie */
	bool group_exiting;  /* everybody leaves */
	struct task *execing; /* only this one stays */
	/* Job control: stopped once all tasks have; the *_report flags are what wait4 has yet to see. */
	bool stopping, stopped, continued_report, stop_report;
	uint32_t stop_left; /* tasks that have yet to stop */
	bool notify_continued;
	int32_t stop_signal;
	int32_t exit_signal; /* sent to the parent at the end; atomic: exec resets it */
	bool dumpable, no_new_privs;
	struct {
		uint64_t cur, max;
	} rlimit[16];
	char *exe_path; /* for /proc/PID/exe */
	struct file *exe;
	int64_t start_ns;
	int64_t utime_ns, stime_ns; /* of threads that have ended */
	int64_t cutime_ns, cstime_ns;
	uint64_t maxrss, cmaxrss;
	uint64_t minflt, majflt, nvcsw, nivcsw;
	int32_t oom_score_adj; /* atomic; inherited by fork */
	struct itimers *itimers; /* task/itimer.h; NULL until the first; group lock */
	/* The monitor is told when init (pid 1) ends. */
	bool is_init;
	bool unkillable; /* init: deadly signals without a handler do nothing (group lock) */
	uint32_t membarrier_registered;
	bool has_sem_undo; /* atomic: sem_exit has work */
	int32_t leader_status; /* wait status of the leader, should it end before its threads */
};

/* Looking tasks up: with a reference, or NULL. */
struct task *task_find(struct guest *g, int32_t tid);
struct tgroup *tgroup_find(struct guest *g, int32_t tgid);
struct task *task_get(struct task *t);
void task_put(struct task *t);
struct tgroup *tgroup_get(struct tgroup *tg);
void tgroup_put(struct tgroup *tg);
/* Calls visit for every process, in tgid order, with a reference each, until it returns non-zero. */
void tgroup_for_each(struct guest *g, int (*visit)(void *opaque, struct tgroup *tg), void *opaque);
/* The threads of a process, in order of creation; the same rules. */
void tgroup_for_each_task(struct tgroup *tg, int (*visit)(void *opaque, struct task *t), void *opaque);
uint32_t task_count(struct guest *g);
/* The parent's pid (0 for init). */
int32_t tgroup_ppid(struct tgroup *tg);
/* The process group and session it is in. */
void tgroup_ids(struct tgroup *tg, int32_t *pgid, int32_t *sid);
/* Takes its controlling terminal away: the reference moves to the caller; NULL if it had none. */
struct tty *tgroup_take_tty(struct tgroup *tg);
/* True if any process is in the process group. */
bool pgrp_exists(struct guest *g, int32_t pgid);
/* A task's signal state, for /proc; bit n-1 is signal n. */
struct task_signals {
	uint64_t pending, shared_pending, blocked, ignored, caught;
	uint32_t queued; /* signals pending for the thread and its process */
};
void task_get_signals(struct task *t, struct task_signals *out);

/* What another task owns, with a reference (mm_put, fd_table_put...); NULL once it has exited. */
struct mm *task_get_mm(struct task *t);
struct fd_table *task_get_files(struct task *t);
struct fs_context *task_get_fs(struct task *t);
const struct cred *task_get_cred(struct task *t);
void task_get_comm(struct task *t, char out[16]);
/* The executable, with a reference, and its path (malloc); either may be NULL. */
struct file *tgroup_get_exe(struct tgroup *tg, char **path);
/* May t look into (procfs, prlimit, process_vm_readv) the other?  ptrace(2), access mode checks. */
bool task_may_inspect(struct task *t, struct task *other);
/* The soft limit now; resource is LX_RLIMIT_*. */
uint64_t task_rlimit(struct task *t, unsigned resource);

#define LX_RLIM_INFINITY     UINT64_MAX
#define LX_RLIMIT_CPU        0
#define LX_RLIMIT_FSIZE      1
#define LX_RLIMIT_DATA       2
#define LX_RLIMIT_STACK      3
#define LX_RLIMIT_CORE       4
#define LX_RLIMIT_RSS        5
#define LX_RLIMIT_NPROC      6
#define LX_RLIMIT_NOFILE     7
#define LX_RLIMIT_MEMLOCK    8
#define LX_RLIMIT_AS         9
#define LX_RLIMIT_LOCKS      10
#define LX_RLIMIT_SIGPENDING 11
#define LX_RLIMIT_MSGQUEUE   12
#define LX_RLIMIT_NICE       13
#define LX_RLIMIT_RTPRIO     14
#define LX_RLIMIT_RTTIME     15

/* Leaves a note of the calling task's CPU time for others. */
void task_note_cpu_time(struct task *t);
/* CPU time so far in ns. */
void task_cpu_time(struct task *t, int64_t *utime, int64_t *stime);
void tgroup_cpu_time(struct tgroup *tg, int64_t *utime, int64_t *stime);
/* One letter for /proc: R S D T Z. */
char task_state(struct task *t);

/* Signals (task/signal.c).  info NULL: SI_USER-like from the kernel. */
int signal_send_task(struct task *t, int sig, const struct lx_siginfo *info);
int signal_send_group(struct tgroup *tg, int sig, const struct lx_siginfo *info);
/* To every process of a process group (tty: SIGINT, SIGTSTP, SIGWINCH, SIGHUP). */
int signal_send_pgrp(struct guest *g, int32_t pgid, int sig, const struct lx_siginfo *info);
/* True when the task must leave a blocking call: unblocked signal, exit or stop pending. */
bool signal_is_pending(struct task *t);
/* True if sig would be ignored or is blocked by t (tty job control: SIGTTIN, SIGTTOU). */
bool signal_ignored_or_blocked(struct task *t, int sig);
/* For signalfd, sigtimedwait: takes one pending signal of mask; 0 if none. */
int signal_dequeue(struct task *t, struct lx_sigset mask, struct lx_siginfo *info);
/* Pending signals of t and its process that are in mask (signalfd's poll). */
struct lx_sigset signal_pending_set(struct task *t, struct lx_sigset mask);
/* Where signalfd and its poll wait: woken at each new signal for the group. */
struct waitq *signal_waitq(struct task *t);
/* Sets the blocked set for the duration of a call (ppoll, pselect, epoll_pwait, sigsuspend);
 * restored when the call returns or after the handler has run. */
void signal_set_temporary_mask(struct task *t, struct lx_sigset mask);
void signal_drop_temporary_mask(struct task *t);
/* True if the process group has no member with a parent outside it in the same session
 * (terminal job control; credentials(7), setpgid(2)). */
bool pgrp_is_orphaned(struct guest *g, int32_t pgid);
/* True if a process of this group is in session sid. */
bool pgrp_in_session(struct guest *g, int32_t pgid, int32_t sid);

/* Makes every task of the process leave, as exit_group(2). */
void tgroup_exit(struct tgroup *tg, int32_t wait_status);

/*
 * The controlling terminal of t's process, with a reference (tty_get), or NULL.  As in Linux it
 * is a property of each process: the session's leader gets it, children inherit it.
 */
struct tty *session_get_tty(struct task *t);
/* Gives t's process (its session's leader) a controlling terminal; takes over the reference. */
void session_set_tty(struct task *t, struct tty *tty);
/* Takes the terminal away from every process of session sid that has it. */
void session_clear_tty(struct guest *g, int32_t sid, struct tty *tty);

/* A pidfd's process (-LX_EBADF if f is something else), with a reference. */
int pidfd_group(struct file *f, struct tgroup **out) MUST_CHECK;

#endif
