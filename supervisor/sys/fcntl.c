/* fcntl.c: fcntl(2), and the ioctl(2) requests that concern every file. */
#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/lx/ioctl.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/file.h"
#include "supervisor/vfs/locks.h"
#include "supervisor/vfs/perm.h"
#include "supervisor/vfs/pipe.h"
#include "supervisor/vfs/tmp.h"

static int set_flags(struct task *t, struct file *f, uint32_t arg)
{
	uint32_t old, new;

	if ((arg & LX_O_NOATIME) && !(f->flags & LX_O_NOATIME) && !perm_owner(t->cred, f->inode))
		return -LX_EPERM;
	pthread_mutex_lock(&f->pos_lock);
	old = f->flags;
	new = (old & ~LX_O_SETFL) | (arg & LX_O_SETFL);
	__atomic_store_n(&f->flags, new, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&f->pos_lock);
	if (old != new && f->ops->flags_changed)
		f->ops->flags_changed(f, old);
	return 0;
}

static int64_t dup_from(struct task *t, struct file *f, uint64_t arg, bool cloexec)
{
	int64_t r;

	if (arg > INT32_MAX || arg >= __atomic_load_n(&t->group->rlimit[7].cur, __ATOMIC_RELAXED))
		return -LX_EINVAL;
	r = fd_install(t, file_get(f), (int)arg, cloexec);
	if (r < 0)
		file_put(f);
	return r;
}

static int64_t lock_command(struct task *t, struct file *f, int cmd, struct guest_ptr p)
{
	bool ofd = cmd == LX_F_OFD_GETLK || cmd == LX_F_OFD_SETLK || cmd == LX_F_OFD_SETLKW;
	struct lx_flock fl;
	int r = copy_from_user(t->mm, &fl, p, sizeof(fl));

	if (r < 0)
		return r;
	if (cmd == LX_F_GETLK || cmd == LX_F_OFD_GETLK) {
		r = locks_get(t, f, &fl, ofd);
		return r < 0 ? r : copy_to_user(t->mm, p, &fl, sizeof(fl));
	}
	return locks_set(t, f, &fl, ofd, cmd == LX_F_SETLKW || cmd == LX_F_OFD_SETLKW);
}

static int64_t owner_command(struct task *t, struct file *f, int cmd, uint64_t arg)
{
	struct lx_f_owner_ex ex;
	int r;

	switch (cmd) {
	case LX_F_SETOWN: {
		int pid = (int)(uint32_t)arg;

		if (pid == INT32_MIN)
			return -LX_EINVAL;
		f->owner.type = pid < 0 ? LX_F_OWNER_PGRP : LX_F_OWNER_PID;
		f->owner.pid = pid < 0 ? -pid : pid;
		return 0;
	}
	case LX_F_GETOWN:
		return f->owner.type == LX_F_OWNER_PGRP ? -f->owner.pid : f->owner.pid;
	case LX_F_SETOWN_EX:
		r = copy_from_user(t->mm, &ex, guest_ptr(arg), sizeof(ex));
		if (r < 0)
			return r;
		if (ex.type < LX_F_OWNER_TID || ex.type > LX_F_OWNER_PGRP)
			return -LX_EINVAL;
		f->owner.type = ex.type;
		f->owner.pid = ex.pid;
		return 0;
	case LX_F_GETOWN_EX:
		ex.type = f->owner.type;
		ex.pid = f->owner.pid;
		return copy_to_user(t->mm, guest_ptr(arg), &ex, sizeof(ex));
	case LX_F_SETSIG:
		if (arg > LX_NSIG)
			return -LX_EINVAL;
		f->owner.signal = (int)arg;
		return 0;
	default: /* LX_F_GETSIG */
		return f->owner.signal;
	}
}

static int64_t file_command(struct task *t, struct file *f, int cmd, uint64_t arg)
{
	switch (cmd) {
	case LX_F_SETFL:
		return set_flags(t, f, (uint32_t)arg);
	case LX_F_GETLK:
	case LX_F_SETLK:
	case LX_F_SETLKW:
	case LX_F_OFD_GETLK:
	case LX_F_OFD_SETLK:
	case LX_F_OFD_SETLKW:
		return lock_command(t, f, cmd, guest_ptr(arg));
	case LX_F_SETOWN:
	case LX_F_GETOWN:
	case LX_F_SETOWN_EX:
	case LX_F_GETOWN_EX:
	case LX_F_SETSIG:
	case LX_F_GETSIG:
		return owner_command(t, f, cmd, arg);
	case LX_F_GETPIPE_SZ:
		return pipe_capacity(f);
	case LX_F_SETPIPE_SZ:
		return pipe_set_capacity(t, f, (uint32_t)arg);
	case LX_F_ADD_SEALS:
		return tmp_add_seals(f, (uint32_t)arg);
	case LX_F_GET_SEALS:
		return tmp_get_seals(f);
	case LX_F_GETLEASE:
		return LX_F_UNLCK;
	default: /* leases, directory notification and write hints are not offered */
		return -LX_EINVAL;
	}
}

int64_t sys_fcntl(struct task *t, const struct sys_args *a)
{
	int fd = arg_int(a, 0), cmd = arg_int(a, 1);
	uint64_t arg = a->v[2];
	struct file *f = fd_file(t, fd);
	int64_t r;

	if (!f)
		return -LX_EBADF;
	switch (cmd) {
	case LX_F_DUPFD:
	case LX_F_DUPFD_CLOEXEC:
		r = dup_from(t, f, arg, cmd == LX_F_DUPFD_CLOEXEC);
		break;
	case LX_F_GETFD:
		r = fd_get_cloexec(t, fd);
		break;
	case LX_F_SETFD:
		r = fd_set_cloexec(t, fd, (arg & LX_FD_CLOEXEC) != 0);
		break;
	case LX_F_GETFL:
		r = __atomic_load_n(&f->flags, __ATOMIC_RELAXED);
		break;
	default:
		r = (f->flags & LX_O_PATH) ? -LX_EBADF : file_command(t, f, cmd, arg);
	}
	file_put(f);
	return r;
}

static int64_t flag_ioctl(struct task *t, struct file *f, uint32_t flag, struct guest_ptr p)
{
	uint32_t on;
	int r = get_user_u32(t->mm, &on, p);

	return r < 0 ? r : set_flags(t, f, on ? f->flags | flag : f->flags & ~flag);
}

static int64_t bytes_left(struct task *t, struct file *f, struct guest_ptr p)
{
	struct vfs_attr attr;
	int64_t left;
	int r = vfs_getattr(f->inode, &attr);

	if (r < 0)
		return r;
	pthread_mutex_lock(&f->pos_lock);
	left = (int64_t)attr.size - f->pos;
	pthread_mutex_unlock(&f->pos_lock);
	return put_user_u32(t->mm, p, (uint32_t)MIN(MAX(left, 0), INT32_MAX));
}

int64_t sys_ioctl(struct task *t, const struct sys_args *a)
{
	int fd = arg_int(a, 0);
	uint32_t request = arg_u32(a, 1);
	struct guest_ptr p = arg_ptr(a, 2);
	struct file *f = fd_file_opened(t, fd);
	int64_t r;

	if (!f)
		return -LX_EBADF;
	switch (request) {
	case LX_FIOCLEX:
	case LX_FIONCLEX:
		r = fd_set_cloexec(t, fd, request == LX_FIOCLEX);
		break;
	case LX_FIONBIO:
		r = flag_ioctl(t, f, LX_O_NONBLOCK, p);
		break;
	case LX_FIOASYNC:
		r = flag_ioctl(t, f, LX_O_ASYNC, p);
		break;
	case LX_FIGETBSZ:
		r = put_user_u32(t->mm, p, f->inode->blksize);
		break;
	case LX_FICLONE:
	case LX_FICLONERANGE:
	case LX_FS_IOC_FIEMAP:
		r = -LX_EOPNOTSUPP;
		break;
	default:
		if (request == LX_FIONREAD && LX_S_ISREG(inode_mode(f->inode)))
			r = bytes_left(t, f, p);
		else
			r = f->ops->ioctl ? f->ops->ioctl(t, f, request, a->v[2]) : -LX_ENOTTY;
	}
	file_put(f);
	return r;
}
