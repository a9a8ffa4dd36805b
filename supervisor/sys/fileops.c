/*
 * fileops.c: the length, the storage and the advice: truncate(2), fallocate(2), fsync(2), sync(2),
 * posix_fadvise(2), readahead(2).
 */
#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "supervisor/sys/rw.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/file.h"
#include "supervisor/vfs/namei.h"

static int64_t check_length(struct task *t, int64_t length)
{
	int64_t r;

	if (length < 0)
		return -LX_EINVAL;
	if (length == 0)
		return 0;
	r = rw_size_limit(t, length - 1, 1);
	return r < 0 ? r : 0;
}

int64_t sys_truncate(struct task *t, const struct sys_args *a)
{
	int64_t length = (int64_t)a->v[1], r;
	struct path p;
	char *name;

	if (length < 0)
		return -LX_EINVAL;
	r = path_from_user(t, arg_ptr(a, 0), &name);
	if (r < 0)
		return r;
	r = path_walk(t, LX_AT_FDCWD, name, WALK_FOLLOW, &p);
	free(name);
	if (r < 0)
		return r;
	if (LX_S_ISDIR(inode_mode(p.dentry->inode)))
		r = -LX_EISDIR;
	else if (!LX_S_ISREG(inode_mode(p.dentry->inode)))
		r = -LX_EINVAL;
	if (r == 0)
		r = mount_want_write(p.mnt);
	if (r == 0)
		r = vfs_permission(t, p.dentry->inode, LX_W_OK);
	if (r == 0)
		r = check_length(t, length);
	if (r == 0)
		r = vfs_truncate(t, &p, (uint64_t)length, NULL);
	path_put(&p);
	return r;
}

int64_t sys_ftruncate(struct task *t, const struct sys_args *a)
{
	struct file *f = fd_file_opened(t, arg_int(a, 0));
	int64_t length = (int64_t)a->v[1], r = 0;

	if (!f)
		return -LX_EBADF;
	if (length < 0 || !LX_S_ISREG(inode_mode(f->inode)) || !lx_flags_writable(f->flags))
		r = -LX_EINVAL;
	if (r == 0)
		r = check_length(t, length);
	if (r == 0)
		r = vfs_truncate(t, &f->path, (uint64_t)length, f);
	file_put(f);
	return r;
}

static int64_t check_fallocate(struct task *t, struct file *f, uint32_t mode, int64_t offset, int64_t len)
{
	const uint32_t known = LX_FALLOC_FL_KEEP_SIZE | LX_FALLOC_FL_PUNCH_HOLE | LX_FALLOC_FL_ZERO_RANGE;
	int64_t end;

	if (offset < 0 || len <= 0)
		return -LX_EINVAL;
	if (mode & ~known)
		return -LX_EOPNOTSUPP;
	if ((mode & LX_FALLOC_FL_PUNCH_HOLE) &&
	    mode != (LX_FALLOC_FL_PUNCH_HOLE | LX_FALLOC_FL_KEEP_SIZE))
		return -LX_EOPNOTSUPP;
	if (!lx_flags_writable(f->flags))
		return -LX_EBADF;
	if (LX_S_ISFIFO(inode_mode(f->inode)))
		return -LX_ESPIPE;
	if (LX_S_ISDIR(inode_mode(f->inode)))
		return -LX_EISDIR;
	if (!LX_S_ISREG(inode_mode(f->inode)))
		return -LX_ENODEV;
	if (add_overflows(offset, len, &end))
		return -LX_EFBIG;
	if (!(mode & LX_FALLOC_FL_KEEP_SIZE)) {
		int64_t r = rw_size_limit(t, end - 1, 1);

		if (r < 0)
			return r;
	}
	return f->ops->fallocate ? 0 : -LX_EOPNOTSUPP;
}

int64_t sys_fallocate(struct task *t, const struct sys_args *a)
{
	struct file *f = fd_file_opened(t, arg_int(a, 0));
	uint32_t mode = arg_u32(a, 1);
	int64_t offset = (int64_t)a->v[2], len = (int64_t)a->v[3], r;

	if (!f)
		return -LX_EBADF;
	r = check_fallocate(t, f, mode, offset, len);
	if (r == 0) {
		vfs_strip_setid(t, f);
		r = f->ops->fallocate(f, mode, offset, len);
		if (r == 0)
			file_notify(f, VFS_IN_MODIFY);
	}
	file_put(f);
	return r;
}

static int64_t sync_fd(struct task *t, int fd, bool data_only)
{
	struct file *f = fd_file_opened(t, fd);
	int64_t r;

	if (!f)
		return -LX_EBADF;
	r = f->ops->fsync ? f->ops->fsync(f, data_only) : -LX_EINVAL;
	file_put(f);
	return r;
}

int64_t sys_fsync(struct task *t, const struct sys_args *a)
{
	return sync_fd(t, arg_int(a, 0), false);
}

int64_t sys_fdatasync(struct task *t, const struct sys_args *a)
{
	return sync_fd(t, arg_int(a, 0), true);
}

int64_t sys_sync_file_range(struct task *t, const struct sys_args *a)
{
	int64_t offset = (int64_t)a->v[1], len = (int64_t)a->v[2], end;
	struct file *f;
	int64_t r;

	if ((arg_u32(a, 3) & ~7u) || offset < 0 || len < 0 || add_overflows(offset, len, &end))
		return -LX_EINVAL;
	f = fd_file_opened(t, arg_int(a, 0));
	if (!f)
		return -LX_EBADF;
	if (!LX_S_ISREG(inode_mode(f->inode)) && !LX_S_ISDIR(inode_mode(f->inode)) && !LX_S_ISBLK(inode_mode(f->inode)))
		r = -LX_ESPIPE;
	else
		r = f->ops->fsync ? f->ops->fsync(f, true) : 0;
	file_put(f);
	return r;
}

int64_t sys_sync(struct task *t, const struct sys_args *a)
{
	(void)a;
	vfs_sync_all(t->guest);
	return 0;
}

int64_t sys_syncfs(struct task *t, const struct sys_args *a)
{
	struct file *f = fd_file_opened(t, arg_int(a, 0));
	struct superblock *sb;
	int64_t r = 0;

	if (!f)
		return -LX_EBADF;
	sb = f->inode->sb;
	if (sb->sync)
		r = sb->sync(sb);
	file_put(f);
	return r;
}

int64_t sys_fadvise64(struct task *t, const struct sys_args *a)
{
	struct file *f = fd_file_opened(t, arg_int(a, 0));
	int advice = arg_int(a, 3);
	int64_t r = 0;

	if (!f)
		return -LX_EBADF;
	if (LX_S_ISFIFO(inode_mode(f->inode)))
		r = -LX_ESPIPE;
	else if ((int64_t)a->v[2] < 0 || advice < 0 || advice > 5)
		r = -LX_EINVAL;
	file_put(f);
	return r;
}

int64_t sys_readahead(struct task *t, const struct sys_args *a)
{
	struct file *f = fd_file_opened(t, arg_int(a, 0));
	int64_t r = 0;

	if (!f)
		return -LX_EBADF;
	if (!lx_flags_readable(f->flags))
		r = -LX_EBADF;
	else if (!LX_S_ISREG(inode_mode(f->inode)) && !LX_S_ISBLK(inode_mode(f->inode)))
		r = -LX_EINVAL;
	file_put(f);
	return r;
}
