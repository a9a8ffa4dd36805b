/*
 * task.h: guest threads (tasks), processes (thread groups), and what they own.
 * A task is one host thread with one vCPU.  tids are the container's own; init is 1.
 */
#ifndef SUPERVISOR_TASK_TASK_H
#define SUPERVISOR_TASK_TASK_H

#include <pthread.h>

#include "common/base.h"
#include "common/list.h"
#include "supervisor/guest.h"
#include "supervisor/mm/mm.h"
#include "supervisor/task/wait.h"
#include "vcpu/vcpu.h"

struct fd_table;
struct fs_context;
struct file;
struct sighand;
struct tgroup;
struct tty;

#define LX_NGROUPS_MAX 65536

/* Credentials; immutable and reference counted: a change makes a new one (cred_prepare/commit). */
struct cred {
	uint32_t refs;
	uint32_t uid, euid, suid, fsuid;
	uint32_t gid, egid, sgid, fsgid;
	uint64_t cap_permitted, cap_effective, cap_inheritable, cap_bounding, cap_ambient;
	uint32_t securebits;
	uint32_t ngroups;
	uint32_t *groups;
};
bool cred_in_group(const struct cred *c, uint32_t gid);
bool cred_capable(const struct cred *c, int cap);

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

struct task {
	struct guest *guest;
	struct tgroup *group;
	int32_t tid;
	struct list_head group_link; /* tgroup.tasks */

	struct mm *mm;
	struct vcpu *vcpu;
	struct fd_table *files;
	struct fs_context *fs; /* root, cwd, umask */
	struct sighand *sighand;
	const struct cred *cred;

	/* Signals: pending and blocked are protected by sighand->lock. */
	struct lx_sigset blocked;
	struct lx_sigset saved_blocked; /* restored after sigsuspend, ppoll... */
	bool restore_blocked;
	struct sigpending pending;
	struct {
		uint64_t sp, size;
		uint32_t flags;
	} altstack;
	uint32_t signal_pending; /* atomic: leave the guest, look for signals, exit or stop */

	/* Sleep: see wait.h. */
	uint32_t wake_word;

	/* System-call restart: the call being made and its first argument. */
	uint64_t syscall_nr, syscall_x0;
	bool in_syscall;

	struct guest_ptr clear_child_tid;
	struct guest_ptr robust_list;
	uint64_t robust_list_len;

	pthread_t thread;
	char comm[16];
	int32_t exit_code;
	bool exiting;
	uint32_t refs; /* atomic */
	uint32_t personality;
	int64_t utime_ns, stime_ns; /* of this task once it has ended; running ones ask the host clock */
	int64_t start_ns;
	struct vfork_done *vfork_done;
	void *ptrace;
};

/* A process. */
struct tgroup {
	uint32_t refs;
	int32_t tgid;
	pthread_mutex_t lock;
	struct list_head tasks;
	uint32_t ntasks;
	struct task *leader;

	struct tgroup *parent; /* protected by the pid table's lock, like children, session, pgid */
	struct list_head children, sibling;
	int32_t pgid, sid;
	struct tty *tty; /* controlling terminal, or NULL; a reference */
	struct waitq child_wait; /* wait4 sleepers */

	struct sigpending shared_pending; /* sighand->lock */
	int32_t exit_code;
	bool group_exiting, stopped, continued, stop_reported;
	int32_t stop_signal, exit_signal;
	bool dumpable, child_subreaper, no_new_privs;
	struct {
		uint64_t cur, max;
	} rlimit[16];
	char *exe_path;         /* for /proc/PID/exe */
	struct file *exe;
	int64_t start_ns;
	int64_t cutime_ns, cstime_ns;
	uint64_t maxrss, cmaxrss;
};

/* Looking tasks up: with a reference, or NULL. */
struct task *task_find(struct guest *g, int32_t tid);
struct tgroup *tgroup_find(struct guest *g, int32_t tgid);
struct task *task_get(struct task *t);
void task_put(struct task *t);
struct tgroup *tgroup_get(struct tgroup *tg);
void tgroup_put(struct tgroup *tg);
/* Calls visit for every process, in tgid order, with a reference each. */
void tgroup_for_each(struct guest *g, int (*visit)(void *opaque, struct tgroup *tg), void *opaque);
uint32_t task_count(struct guest *g);
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
/* Where signalfd and its poll wait: woken at each new signal for the group. */
struct waitq *signal_waitq(struct task *t);
/* Sets the blocked set for the duration of a call (ppoll, pselect, epoll_pwait, sigsuspend);
 * restored when the call returns or after the handler has run. */
void signal_set_temporary_mask(struct task *t, struct lx_sigset mask);
void signal_drop_temporary_mask(struct task *t);

/* Makes every task of the process leave, as exit_group(2). */
void tgroup_exit(struct tgroup *tg, int32_t wait_status);

#endif
