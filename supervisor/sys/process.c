/*
 * process.c: processes as system calls see them: making, ending, waiting, groups, sessions,
 * pidfds.  The work is done in task/.
 */
#include "common/lx/fcntl.h"
#include "supervisor/sys/rusage.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/pid.h"
#include "supervisor/task/process.h"
#include "supervisor/task/signal.h"
#include "supervisor/vfs/tty.h"
#include "supervisor/vfs/vfs.h"

#define LX_P_ALL   0
#define LX_P_PID   1
#define LX_P_PGID  2
#define LX_P_PIDFD 3

#define LX_PIDFD_NONBLOCK LX_O_NONBLOCK
#define SIGNAL_MASK 0xffu

int64_t sys_getpid(struct task *t, const struct sys_args *a)
{
	(void)a;
	return t->group->tgid;
}

int64_t sys_gettid(struct task *t, const struct sys_args *a)
{
	(void)a;
	return t->tid;
}

int64_t sys_getppid(struct task *t, const struct sys_args *a)
{
	(void)a;
	return tgroup_ppid(t->group);
}

int64_t sys_exit(struct task *t, const struct sys_args *a)
{
	t->exit_code = (arg_int(a, 0) & 0xff) << 8;
	t->exiting = true;
	return 0;
}

int64_t sys_exit_group(struct task *t, const struct sys_args *a)
{
	tgroup_exit(t->group, (arg_int(a, 0) & 0xff) << 8);
	return 0;
}

int64_t sys_set_tid_address(struct task *t, const struct sys_args *a)
{
	t->clear_child_tid = arg_ptr(a, 0);
	return t->tid;
}

int64_t sys_clone(struct task *t, const struct sys_args *a)
{
	uint64_t flags = arg_u32(a, 0);
	struct lx_clone_args args = {
		.flags = flags & ~(uint64_t)SIGNAL_MASK,
		.exit_signal = flags & SIGNAL_MASK,
		.stack = a->v[1],
		.pidfd = a->v[2], /* shares its place with parent_tid */
		.parent_tid = a->v[2],
		.tls = a->v[3],
		.child_tid = a->v[4],
	};

	if ((flags & LX_CLONE_PIDFD) && (flags & LX_CLONE_PARENT_SETTID))
		return -LX_EINVAL;
	return task_clone(t, &args);
}

int64_t sys_clone3(struct task *t, const struct sys_args *a)
{
	struct lx_clone_args args = {0};
	uint64_t size = a->v[1], known = MIN(size, sizeof(args));
	uint8_t extra[64];
	int err;

	if (size < 64 || size > 4096)
		return size < 64 ? -LX_EINVAL : -LX_E2BIG;
	err = copy_from_user(t->mm, &args, arg_ptr(a, 0), known);
	/* Fields that we do not know must be zero. */
	for (uint64_t at = known; err == 0 && at < size; at += sizeof(extra)) {
		uint64_t n = MIN(size - at, sizeof(extra));

		err = copy_from_user(t->mm, extra, guest_ptr_add(arg_ptr(a, 0), at), n);
		for (uint64_t i = 0; err == 0 && i < n; i++)
			if (extra[i])
				err = -LX_E2BIG;
	}
	if (err < 0)
		return err;
	if ((args.flags & (SIGNAL_MASK | LX_CLONE_DETACHED)) || (args.flags >> 34) ||
	    (args.stack == 0) != (args.stack_size == 0) || args.exit_signal > LX_NSIG)
		return -LX_EINVAL;
	if ((args.flags & (LX_CLONE_THREAD | LX_CLONE_PARENT)) && args.exit_signal)
		return -LX_EINVAL;
	if (args.set_tid || args.set_tid_size)
		return args.set_tid && args.set_tid_size ? -LX_EPERM : -LX_EINVAL;
	if (args.flags & (UINT64_C(1) << 33)) /* CLONE_INTO_CGROUP */
		return -LX_EBADF;
	return task_clone(t, &args);
}

static int64_t exec_common(struct task *t, int dirfd, struct guest_ptr path, struct guest_ptr argv,
			   struct guest_ptr envp, uint32_t flags)
{
	struct exec_args args;
	uint32_t walk = WALK_FOLLOW;
	char *name;
	int64_t err;

	if (flags & ~(uint32_t)(LX_AT_EMPTY_PATH | LX_AT_SYMLINK_NOFOLLOW))
		return -LX_EINVAL;
	if (flags & LX_AT_SYMLINK_NOFOLLOW)
		walk &= ~WALK_FOLLOW;
	if (flags & LX_AT_EMPTY_PATH)
		walk |= WALK_EMPTY;
	err = path_from_user(t, path, &name);
	if (err < 0)
		return err;
	err = exec_args_from_user(t, argv, envp, &args);
	if (err == 0) {
		err = task_exec(t, dirfd, name, walk, &args);
		exec_args_release(&args);
	}
	free(name);
	return err;
}

int64_t sys_execve(struct task *t, const struct sys_args *a)
{
	return exec_common(t, LX_AT_FDCWD, arg_ptr(a, 0), arg_ptr(a, 1), arg_ptr(a, 2), 0);
}

int64_t sys_execveat(struct task *t, const struct sys_args *a)
{
	return exec_common(t, arg_int(a, 0), arg_ptr(a, 1), arg_ptr(a, 2), arg_ptr(a, 3), arg_u32(a, 4));
}

static int put_wait_rusage(struct task *t, struct guest_ptr p, const struct wait_result *r)
{
	struct lx_rusage ru = {
		.utime = rusage_timeval(r->utime),
		.stime = rusage_timeval(r->stime),
		.maxrss = (int64_t)(r->maxrss / 1024),
		.minflt = (int64_t)r->minflt,
		.majflt = (int64_t)r->majflt,
		.nvcsw = (int64_t)r->nvcsw,
		.nivcsw = (int64_t)r->nivcsw,
	};

	return copy_to_user(t->mm, p, &ru, sizeof(ru));
}

int64_t sys_wait4(struct task *t, const struct sys_args *a)
{
	struct wait_request req = {.which = WAIT_ANY};
	struct wait_result r;
	int32_t pid = arg_int(a, 0);
	uint32_t options = arg_u32(a, 2);
	int64_t err;

	if (options & ~(LX_WNOHANG | LX_WSTOPPED | LX_WCONTINUED | LX_WNOTHREAD | LX_WCLONE | LX_WALL))
		return -LX_EINVAL;
	if (pid == INT32_MIN)
		return -LX_ESRCH;
	req.options = options | LX_WEXITED;
	if (pid > 0) {
		req.which = WAIT_PID;
		req.id = pid;
	} else if (pid != -1) {
		req.which = WAIT_PGID;
		req.id = pid == 0 ? __atomic_load_n(&t->group->pgid, __ATOMIC_RELAXED) : -pid;
	}
	err = task_wait(t, &req, &r);
	if (err < 0)
		return err;
	if (r.pid && !guest_ptr_null(arg_ptr(a, 1)))
		err = put_user_u32(t->mm, arg_ptr(a, 1), (uint32_t)r.wait_status);
	if (err == 0 && r.pid && !guest_ptr_null(arg_ptr(a, 3)))
		err = put_wait_rusage(t, arg_ptr(a, 3), &r);
	return err < 0 ? err : r.pid;
}

static int64_t waitid_select(struct task *t, int which, int id, struct wait_request *req)
{
	struct tgroup *tg;
	struct file *f;
	int err;

	switch (which) {
	case LX_P_ALL:
		req->which = WAIT_ANY;
		return 0;
	case LX_P_PID:
		req->which = WAIT_PID;
		req->id = id;
		return id <= 0 ? -LX_EINVAL : 0;
	case LX_P_PGID:
		req->which = WAIT_PGID;
		req->id = id ? id : __atomic_load_n(&t->group->pgid, __ATOMIC_RELAXED);
		return id < 0 ? -LX_EINVAL : 0;
	case LX_P_PIDFD:
		f = id < 0 ? NULL : fd_file(t, id);
		if (!f)
			return id < 0 ? -LX_EINVAL : -LX_EBADF;
		err = pidfd_group(f, &tg);
		req->nonblock = (f->flags & LX_O_NONBLOCK) != 0;
		file_put(f);
		if (err < 0)
			return err;
		req->which = WAIT_PID;
		req->id = tg->tgid;
		tgroup_put(tg);
		return 0;
	default:
		return -LX_EINVAL;
	}
}

int64_t sys_waitid(struct task *t, const struct sys_args *a)
{
	struct wait_request req = {.options = arg_u32(a, 3)};
	struct lx_siginfo info = {0};
	struct wait_result r;
	int64_t err;

	if ((req.options & ~(LX_WNOHANG | LX_WNOWAIT | LX_WEXITED | LX_WSTOPPED | LX_WCONTINUED |
			     LX_WNOTHREAD | LX_WCLONE | LX_WALL)) ||
	    !(req.options & (LX_WEXITED | LX_WSTOPPED | LX_WCONTINUED)))
		return -LX_EINVAL;
	err = waitid_select(t, arg_int(a, 0), arg_int(a, 1), &req);
	if (err == 0)
		err = task_wait(t, &req, &r);
	if (err < 0)
		return err;
	if (r.pid) {
		info.si_signo = LX_SIGCHLD;
		info.si_code = r.code;
		info.u.chld.pid = r.pid;
		info.u.chld.uid = r.uid;
		info.u.chld.status = r.status;
		if (!guest_ptr_null(arg_ptr(a, 4)))
			err = put_wait_rusage(t, arg_ptr(a, 4), &r);
	}
	/* Linux stores these fields one by one and leaves the rest of the siginfo alone. */
	if (err == 0 && !guest_ptr_null(arg_ptr(a, 2)))
		err = copy_to_user(t->mm, arg_ptr(a, 2), &info, 28);
	return err;
}

/* The process named by pid in getpgid and kin (0: the caller's), with a reference. */
static struct tgroup *process_arg(struct task *t, int32_t pid)
{
	return pid == 0 ? tgroup_get(t->group) : pid < 0 ? NULL : tgroup_find(t->guest, pid);
}

static int64_t id_of(struct task *t, int32_t pid, bool session)
{
	struct tgroup *tg = process_arg(t, pid);
	int64_t id;

	if (!tg)
		return -LX_ESRCH;
	task_table_lock(t->guest);
	id = session ? tg->sid : tg->pgid;
	task_table_unlock(t->guest);
	tgroup_put(tg);
	return id;
}

int64_t sys_getpgid(struct task *t, const struct sys_args *a)
{
	return id_of(t, arg_int(a, 0), false);
}

int64_t sys_getsid(struct task *t, const struct sys_args *a)
{
	return id_of(t, arg_int(a, 0), true);
}

static int64_t setpgid_locked(struct task *t, struct tgroup *tg, int32_t pgid)
{
	struct tgroup *own = t->group, *member;
	struct pid *pid;
	bool in_session = false;

	if (tg->zombie)
		return -LX_ESRCH;
	if (tg != own) {
		if (tg->parent != own)
			return -LX_ESRCH;
		if (tg->sid != own->sid)
			return -LX_EPERM;
		if (__atomic_load_n(&tg->has_execed, __ATOMIC_RELAXED))
			return -LX_EACCES;
	}
	if (tg->sid == tg->tgid)
		return -LX_EPERM; /* a session leader */
	pid = pid_find_locked(t->guest, pgid);
	if (pgid != tg->tgid) {
		if (!pid)
			return -LX_EPERM;
		list_for_each_entry(member, &pid->pgrp, pgrp_link)
			in_session |= member->sid == own->sid;
		if (!in_session)
			return -LX_EPERM;
	}
	return tgroup_set_pgrp_locked(tg, pid);
}

int64_t sys_setpgid(struct task *t, const struct sys_args *a)
{
	int32_t pid = arg_int(a, 0), pgid = arg_int(a, 1);
	struct tgroup *tg;
	int64_t err;

	if (pgid < 0)
		return -LX_EINVAL;
	tg = process_arg(t, pid);
	if (!tg)
		return -LX_ESRCH;
	task_table_lock(t->guest);
	err = setpgid_locked(t, tg, pgid ? pgid : tg->tgid);
	task_table_unlock(t->guest);
	tgroup_put(tg);
	return err;
}

int64_t sys_setsid(struct task *t, const struct sys_args *a)
{
	struct tgroup *tg = t->group;
	bool leads;

	(void)a;
	task_table_lock(t->guest);
	leads = !list_empty(&tg->pid->pgrp);
	if (!leads) {
		tgroup_set_session_locked(tg, tg->pid);
		(void)tgroup_set_pgrp_locked(tg, tg->pid);
	}
	task_table_unlock(t->guest);
	if (leads)
		return -LX_EPERM;
	tty_disassociate(tg, false);
	return tg->tgid;
}

int64_t sys_unshare(struct task *t, const struct sys_args *a)
{
	uint64_t flags = a->v[0];
	struct fd_table *files = NULL, *old_files = NULL;
	struct fs_context *fs = NULL, *old_fs = NULL;
	int err = 0;

	if (flags & LX_CLONE_NAMESPACES)
		return -LX_EPERM;
	if (flags & ~(uint64_t)(LX_CLONE_FS | LX_CLONE_FILES | LX_CLONE_THREAD | LX_CLONE_SIGHAND |
				LX_CLONE_VM | LX_CLONE_SYSVSEM))
		return -LX_EINVAL;
	if ((flags & (LX_CLONE_THREAD | LX_CLONE_SIGHAND | LX_CLONE_VM)) && t->group->ntasks > 1)
		return -LX_EINVAL;
	if (flags & LX_CLONE_FILES)
		err = fd_table_copy(t->files, &files);
	if (err == 0 && (flags & LX_CLONE_FS))
		err = fs_context_copy(t->fs, &fs);
	pthread_mutex_lock(&t->group->lock);
	if (err == 0 && files) {
		old_files = t->files;
		t->files = files;
		files = NULL;
	}
	if (err == 0 && fs) {
		old_fs = t->fs;
		t->fs = fs;
	}
	pthread_mutex_unlock(&t->group->lock);
	if (files || old_files)
		fd_table_put(t, files ? files : old_files);
	if (old_fs)
		fs_context_put(old_fs);
	return err;
}

int64_t sys_setns(struct task *t, const struct sys_args *a)
{
	struct file *f = fd_file(t, arg_int(a, 0));

	if (!f)
		return -LX_EBADF;
	file_put(f);
	return -LX_EPERM;
}

int64_t sys_pidfd_open(struct task *t, const struct sys_args *a)
{
	int32_t pid = arg_int(a, 0);
	uint32_t flags = arg_u32(a, 1);
	struct tgroup *tg;
	struct task *other;
	struct file *f;
	int64_t fd;
	int err;

	if ((flags & ~(uint32_t)LX_PIDFD_NONBLOCK) || pid <= 0)
		return -LX_EINVAL;
	tg = tgroup_find(t->guest, pid);
	if (!tg) {
		other = task_find(t->guest, pid); /* a thread that leads no process */
		if (other)
			task_put(other);
		return other ? -LX_EINVAL : -LX_ESRCH;
	}
	err = pidfd_new(t->guest, tg, (flags & LX_PIDFD_NONBLOCK) != 0, &f);
	tgroup_put(tg);
	if (err < 0)
		return err;
	fd = fd_install(t, f, 0, true);
	if (fd < 0)
		file_put(f);
	return fd;
}

static int group_of_pidfd(struct task *t, int fd, struct tgroup **out)
{
	struct file *f = fd_file(t, fd);
	int err;

	if (!f)
		return -LX_EBADF;
	err = pidfd_group(f, out);
	file_put(f);
	return err;
}

int64_t sys_pidfd_send_signal(struct task *t, const struct sys_args *a)
{
	int sig = arg_int(a, 1);
	struct lx_siginfo info;
	struct tgroup *tg;
	struct task *leader;
	int err;

	if (arg_u32(a, 3))
		return -LX_EINVAL;
	err = group_of_pidfd(t, arg_int(a, 0), &tg);
	if (err < 0)
		return err;
	if (guest_ptr_null(arg_ptr(a, 2))) {
		info = signal_user_info(t, sig, LX_SI_USER);
	} else {
		err = copy_from_user(t->mm, &info, arg_ptr(a, 2), sizeof(info));
		if (err == 0 && info.si_signo != sig)
			err = -LX_EINVAL;
		if (err == 0 && tg != t->group && (info.si_code >= 0 || info.si_code == LX_SI_TKILL))
			err = -LX_EPERM;
	}
	leader = err == 0 ? task_find(t->guest, tg->tgid) : NULL;
	if (err == 0 && (!leader || leader->group != tg))
		err = -LX_ESRCH;
	if (err == 0)
		err = signal_check_permission(t, leader, sig);
	if (err == 0)
		err = signal_send_group(tg, sig, &info);
	task_put(leader);
	tgroup_put(tg);
	return err;
}

struct fd_search {
	int fd;
	struct file *found;
};

static int match_fd(void *opaque, int fd, struct file *f, bool cloexec)
{
	struct fd_search *s = opaque;

	(void)cloexec;
	if (fd == s->fd)
		s->found = file_get(f);
	return s->found != NULL;
}

/* The open file behind another task's descriptor, with a reference; NULL: none. */
static struct file *fd_file_of(struct task *other, int fd)
{
	struct fd_table *files = task_get_files(other);
	struct fd_search s = {.fd = fd};

	if (!files)
		return NULL;
	fd_table_for_each(files, match_fd, &s);
	fd_table_put(other, files);
	return s.found;
}

int64_t sys_pidfd_getfd(struct task *t, const struct sys_args *a)
{
	struct tgroup *tg;
	struct task *leader;
	struct file *f = NULL;
	int64_t fd;
	int err;

	if (arg_u32(a, 2))
		return -LX_EINVAL;
	err = group_of_pidfd(t, arg_int(a, 0), &tg);
	if (err < 0)
		return err;
	leader = task_find(t->guest, tg->tgid);
	if (!leader || leader->group != tg)
		err = -LX_ESRCH;
	else if (!task_may_inspect(t, leader))
		err = -LX_EPERM;
	if (err == 0) {
		f = fd_file_of(leader, arg_int(a, 1));
		err = f ? 0 : -LX_EBADF;
	}
	task_put(leader);
	tgroup_put(tg);
	if (err < 0)
		return err;
	fd = fd_install(t, f, 0, true);
	if (fd < 0)
		file_put(f);
	return fd;
}

#define LX_KCMP_FILE    0
#define LX_KCMP_VM      1
#define LX_KCMP_FILES   2
#define LX_KCMP_FS      3
#define LX_KCMP_SIGHAND 4

/* 0 equal, 1 less, 2 greater; the order means nothing but is consistent. */
static int64_t compare_objects(const void *x, const void *y)
{
	return x == y ? 0 : (uintptr_t)x < (uintptr_t)y ? 1 : 2;
}

static int64_t kcmp_tasks(struct task *x, struct task *y, const struct sys_args *a)
{
	struct file *fx, *fy;
	int64_t r;

	switch (arg_int(a, 2)) {
	case LX_KCMP_FILE:
		fx = fd_file_of(x, arg_int(a, 3));
		fy = fd_file_of(y, arg_int(a, 4));
		r = fx && fy ? compare_objects(fx, fy) : -LX_EBADF;
		if (fx)
			file_put(fx);
		if (fy)
			file_put(fy);
		return r;
	case LX_KCMP_VM:
		return compare_objects(__atomic_load_n(&x->mm, __ATOMIC_RELAXED),
				       __atomic_load_n(&y->mm, __ATOMIC_RELAXED));
	case LX_KCMP_FILES:
		return compare_objects(__atomic_load_n(&x->files, __ATOMIC_RELAXED),
				       __atomic_load_n(&y->files, __ATOMIC_RELAXED));
	case LX_KCMP_FS:
		return compare_objects(__atomic_load_n(&x->fs, __ATOMIC_RELAXED),
				       __atomic_load_n(&y->fs, __ATOMIC_RELAXED));
	case LX_KCMP_SIGHAND:
		return compare_objects(__atomic_load_n(&x->sighand, __ATOMIC_RELAXED),
				       __atomic_load_n(&y->sighand, __ATOMIC_RELAXED));
	default:
		return -LX_EINVAL;
	}
}

int64_t sys_kcmp(struct task *t, const struct sys_args *a)
{
	struct task *x = task_find(t->guest, arg_int(a, 0)), *y = task_find(t->guest, arg_int(a, 1));
	int64_t r = -LX_ESRCH;

	if (x && y)
		r = task_may_inspect(t, x) && task_may_inspect(t, y) ? kcmp_tasks(x, y, a) : -LX_EPERM;
	task_put(x);
	task_put(y);
	return r;
}
