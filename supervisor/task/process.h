/*
 * process.h: birth, life and death of tasks inside task/, and what sys/process.c calls.
 */
#ifndef SUPERVISOR_TASK_PROCESS_H
#define SUPERVISOR_TASK_PROCESS_H

#include "supervisor/task/task.h"

/* clone(2), clone3(2). */
#define LX_CLONE_VM             0x00000100u
#define LX_CLONE_FS             0x00000200u
#define LX_CLONE_FILES          0x00000400u
#define LX_CLONE_SIGHAND        0x00000800u
#define LX_CLONE_PIDFD          0x00001000u
#define LX_CLONE_PTRACE         0x00002000u
#define LX_CLONE_VFORK          0x00004000u
#define LX_CLONE_PARENT         0x00008000u
#define LX_CLONE_THREAD         0x00010000u
#define LX_CLONE_NEWNS          0x00020000u
#define LX_CLONE_SYSVSEM        0x00040000u
#define LX_CLONE_SETTLS         0x00080000u
#define LX_CLONE_PARENT_SETTID  0x00100000u
#define LX_CLONE_CHILD_CLEARTID 0x00200000u
#define LX_CLONE_DETACHED       0x00400000u
#define LX_CLONE_UNTRACED       0x00800000u
#define LX_CLONE_CHILD_SETTID   0x01000000u
#define LX_CLONE_IO             0x80000000u
#define LX_CLONE_CLEAR_SIGHAND  UINT64_C(0x100000000)
#define LX_CLONE_NAMESPACES     0x7e020080u /* NEWNS, NEWCGROUP, NEWUTS... NEWTIME */

/* struct clone_args of clone3(2), version 2. */
struct lx_clone_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	uint64_t set_tid, set_tid_size, cgroup;
};
_Static_assert(sizeof(struct lx_clone_args) == 88, "struct clone_args");

int64_t task_clone(struct task *t, const struct lx_clone_args *args);
/* The same, but the child's host thread starts with run, which ends in task_main. */
int64_t task_clone_running(struct task *t, const struct lx_clone_args *args, void (*run)(void *task));

/* The first task, pid 1, stopped; *hold starts it. */
struct hostthread;
int task_new_init(struct guest *g, struct mm *mm, const struct a64_regs *regs, const struct cred *cred,
		  struct fd_table *files, struct fs_context *fs, struct task **out,
		  struct hostthread **host) MUST_CHECK;
/* What a host thread runs for a task (task/run.c). */
void task_main(void *task);
/* Ends the calling task; t is gone afterwards. */
void task_exit(struct task *t);
/* Leaving an address space: the word that CLONE_CHILD_CLEARTID names becomes 0. */
void task_clear_child_tid(struct task *t);
/* Its mm is no longer used (exec, exit): the vfork parent goes on. */
void task_vfork_release(struct task *t);
/* Sleeps like task_sleep but only death ends it: -LX_EINTR. */
int task_sleep_killable(struct task *t, int64_t deadline) MUST_CHECK;

/* exec: path relative to dirfd; argv and envp are owned by the caller. */
struct exec_args {
	char **argv, **envp; /* NULL-terminated */
	uint32_t argc;
};
int64_t task_exec(struct task *t, int dirfd, const char *path, uint32_t walk, struct exec_args *args);
/* Copies a guest's argument vectors in; exec_args_release frees them. */
int exec_args_from_user(struct task *t, struct guest_ptr argv, struct guest_ptr envp,
			struct exec_args *out) MUST_CHECK;
void exec_args_release(struct exec_args *args);

/* waitid(2) and wait4(2). */
#define LX_WNOHANG    0x00000001u
#define LX_WSTOPPED   0x00000002u
#define LX_WEXITED    0x00000004u
#define LX_WCONTINUED 0x00000008u
#define LX_WNOWAIT    0x01000000u
#define LX_WNOTHREAD  0x20000000u
#define LX_WALL       0x40000000u
#define LX_WCLONE     0x80000000u
enum wait_which { WAIT_ANY, WAIT_PID, WAIT_PGID };
struct wait_request {
	enum wait_which which;
	int32_t id;
	uint32_t options;
	bool nonblock; /* a non-blocking pidfd: EAGAIN instead of waiting */
};
struct wait_result {
	int32_t pid; /* 0: nothing (WNOHANG) */
	uint32_t uid;
	int32_t code;   /* CLD_* */
	int32_t status; /* exit code or signal number */
	int32_t wait_status;
	int64_t utime, stime; /* with its own waited-for children */
	uint64_t maxrss, minflt, majflt, nvcsw, nivcsw;
};
int64_t task_wait(struct task *t, const struct wait_request *req, struct wait_result *out);

/* Removes a zombie from the table; table lock held.  The caller drops what the reaped process
 * held with tgroup_reaped_put, without locks. */
void tgroup_reap_locked(struct tgroup *tg);
void tgroup_reaped_put(struct tgroup *tg);

/* A pidfd for a process. */
int pidfd_new(struct guest *g, struct tgroup *tg, bool nonblock, struct file **out) MUST_CHECK;

#endif
