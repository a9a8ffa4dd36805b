/*
 * stat.c: attributes: stat(2), statx(2), chmod(2), chown(2), utimensat(2), statfs(2).
 */
#include "common/lx/stat.h"

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/lx/statfs.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/file.h"

#define NS_PER_SEC 1000000000

static void split_ns(int64_t ns, int64_t *sec, int64_t *nsec)
{
	*sec = ns / NS_PER_SEC;
	*nsec = ns % NS_PER_SEC;
	if (*nsec < 0) {
		*nsec += NS_PER_SEC;
		--*sec;
	}
}

static int64_t put_stat(struct task *t, struct inode *inode, struct guest_ptr out)
{
	struct vfs_attr a;
	struct lx_stat st = {0};
	int r = vfs_getattr(inode, &a);

	if (r < 0)
		return r;
	st.st_dev = inode->sb->dev;
	st.st_ino = a.ino;
	st.st_mode = a.mode;
	st.st_nlink = a.nlink;
	st.st_uid = a.uid;
	st.st_gid = a.gid;
	st.st_rdev = a.rdev;
	st.st_size = (int64_t)a.size;
	st.st_blksize = (int32_t)a.blksize;
	st.st_blocks = (int64_t)a.blocks;
	split_ns(a.atime, &st.st_atim.tv_sec, &st.st_atim.tv_nsec);
	split_ns(a.mtime, &st.st_mtim.tv_sec, &st.st_mtim.tv_nsec);
	split_ns(a.ctime, &st.st_ctim.tv_sec, &st.st_ctim.tv_nsec);
	return copy_to_user(t->mm, out, &st, sizeof(st));
}

static uint32_t at_to_walk(uint32_t flags)
{
	return ((flags & LX_AT_SYMLINK_NOFOLLOW) ? 0 : WALK_FOLLOW) |
	       ((flags & LX_AT_EMPTY_PATH) ? WALK_EMPTY : 0);
}

int64_t sys_fstat(struct task *t, const struct sys_args *a)
{
	struct file *f = fd_file(t, arg_int(a, 0));
	int64_t r;

	if (!f)
		return -LX_EBADF;
	r = put_stat(t, f->inode, arg_ptr(a, 1));
	file_put(f);
	return r;
}

int64_t sys_newfstatat(struct task *t, const struct sys_args *a)
{
	uint32_t flags = arg_u32(a, 3);
	struct path p;
	int64_t r;

	if (flags & ~(LX_AT_SYMLINK_NOFOLLOW | LX_AT_EMPTY_PATH | LX_AT_NO_AUTOMOUNT))
		return -LX_EINVAL;
	r = path_walk_user(t, arg_int(a, 0), arg_ptr(a, 1), at_to_walk(flags), &p);
	if (r < 0)
		return r;
	r = put_stat(t, p.dentry->inode, arg_ptr(a, 2));
	path_put(&p);
	return r;
}

static void put_time(int64_t ns, struct lx_statx_timestamp *out)
{
	int64_t nsec;

	split_ns(ns, &out->tv_sec, &nsec);
	out->tv_nsec = (uint32_t)nsec;
}

static int64_t put_statx(struct task *t, const struct path *p, uint32_t mask, struct guest_ptr out)
{
	struct inode *inode = p->dentry->inode;
	struct lx_statx st = {0};
	struct vfs_attr a;
	int r = vfs_getattr(inode, &a);

	if (r < 0)
		return r;
	st.stx_mask = LX_STATX_BASIC_STATS | LX_STATX_MNT_ID;
	if (a.btime && (mask & LX_STATX_BTIME)) {
		st.stx_mask |= LX_STATX_BTIME;
		put_time(a.btime, &st.stx_btime);
	}
	st.stx_blksize = a.blksize;
	st.stx_attributes_mask = LX_STATX_ATTR_MOUNT_ROOT;
	if (p->mnt && p->dentry == p->mnt->root)
		st.stx_attributes |= LX_STATX_ATTR_MOUNT_ROOT;
	st.stx_nlink = a.nlink;
	st.stx_uid = a.uid;
	st.stx_gid = a.gid;
	st.stx_mode = (uint16_t)a.mode;
	st.stx_ino = a.ino;
	st.stx_size = a.size;
	st.stx_blocks = a.blocks;
	put_time(a.atime, &st.stx_atime);
	put_time(a.mtime, &st.stx_mtime);
	put_time(a.ctime, &st.stx_ctime);
	st.stx_rdev_major = lx_major(a.rdev);
	st.stx_rdev_minor = lx_minor(a.rdev);
	st.stx_dev_major = lx_major(inode->sb->dev);
	st.stx_dev_minor = lx_minor(inode->sb->dev);
	st.stx_mnt_id = p->mnt ? (uint64_t)p->mnt->id : 0;
	return copy_to_user(t->mm, out, &st, sizeof(st));
}

int64_t sys_statx(struct task *t, const struct sys_args *a)
{
	uint32_t flags = arg_u32(a, 2), mask = arg_u32(a, 3);
	struct path p;
	int64_t r;

	if ((flags & ~(LX_AT_SYMLINK_NOFOLLOW | LX_AT_EMPTY_PATH | LX_AT_NO_AUTOMOUNT |
		       LX_AT_STATX_SYNC_TYPE)) ||
	    (flags & LX_AT_STATX_SYNC_TYPE) == LX_AT_STATX_SYNC_TYPE || (mask & LX_STATX_RESERVED))
		return -LX_EINVAL;
	r = path_walk_user(t, arg_int(a, 0), arg_ptr(a, 1), at_to_walk(flags), &p);
	if (r < 0)
		return r;
	r = put_statx(t, &p, mask, arg_ptr(a, 4));
	path_put(&p);
	return r;
}

int64_t sys_fchmod(struct task *t, const struct sys_args *a)
{
	struct vfs_attr attr = {.mode = arg_u32(a, 1)};
	struct file *f = fd_file_opened(t, arg_int(a, 0));
	int64_t r;

	if (!f)
		return -LX_EBADF;
	r = vfs_setattr(t, &f->path, VFS_SET_MODE, &attr, f);
	file_put(f);
	return r;
}

int64_t sys_fchmodat(struct task *t, const struct sys_args *a)
{
	struct vfs_attr attr = {.mode = arg_u32(a, 2)};
	struct path p;
	int64_t r = path_walk_user(t, arg_int(a, 0), arg_ptr(a, 1), WALK_FOLLOW, &p);

	if (r < 0)
		return r;
	r = vfs_setattr(t, &p, VFS_SET_MODE, &attr, NULL);
	path_put(&p);
	return r;
}

static int64_t chown_path(struct task *t, const struct path *p, uint32_t uid, uint32_t gid, struct file *f)
{
	struct vfs_attr attr = {.uid = uid, .gid = gid};
	uint32_t mask = (uid != UINT32_MAX ? VFS_SET_UID : 0) | (gid != UINT32_MAX ? VFS_SET_GID : 0);

	return mask ? vfs_setattr(t, p, mask, &attr, f) : 0;
}

int64_t sys_fchown(struct task *t, const struct sys_args *a)
{
	struct file *f = fd_file_opened(t, arg_int(a, 0));
	int64_t r;

	if (!f)
		return -LX_EBADF;
	r = chown_path(t, &f->path, arg_u32(a, 1), arg_u32(a, 2), f);
	file_put(f);
	return r;
}

int64_t sys_fchownat(struct task *t, const struct sys_args *a)
{
	uint32_t flags = arg_u32(a, 4);
	struct path p;
	int64_t r;

	if (flags & ~(LX_AT_SYMLINK_NOFOLLOW | LX_AT_EMPTY_PATH))
		return -LX_EINVAL;
	r = path_walk_user(t, arg_int(a, 0), arg_ptr(a, 1), at_to_walk(flags), &p);
	if (r < 0)
		return r;
	r = chown_path(t, &p, arg_u32(a, 2), arg_u32(a, 3), NULL);
	path_put(&p);
	return r;
}

static int one_time(const struct lx_stat_time *ts, uint32_t set, uint32_t set_now, uint32_t *mask,
		    int64_t *out)
{
	if (ts->tv_nsec == LX_UTIME_OMIT)
		return 0;
	if (ts->tv_nsec == LX_UTIME_NOW) {
		*mask |= set_now;
		return 0;
	}
	if (ts->tv_nsec < 0 || ts->tv_nsec >= NS_PER_SEC)
		return -LX_EINVAL;
	*mask |= set;
	/* Beyond what 64 bits of nanoseconds hold, the nearest that they do. */
	if (ts->tv_sec > INT64_MAX / NS_PER_SEC - 1)
		*out = INT64_MAX;
	else if (ts->tv_sec < INT64_MIN / NS_PER_SEC + 1)
		*out = INT64_MIN;
	else
		*out = ts->tv_sec * NS_PER_SEC + ts->tv_nsec;
	return 0;
}

static int times_from_user(struct task *t, struct guest_ptr p, uint32_t *mask, struct vfs_attr *attr)
{
	struct lx_stat_time ts[2];
	int r;

	*mask = 0;
	if (guest_ptr_null(p)) {
		*mask = VFS_SET_ATIME_NOW | VFS_SET_MTIME_NOW;
		return 0;
	}
	r = copy_from_user(t->mm, ts, p, sizeof(ts));
	if (r == 0)
		r = one_time(&ts[0], VFS_SET_ATIME, VFS_SET_ATIME_NOW, mask, &attr->atime);
	if (r == 0)
		r = one_time(&ts[1], VFS_SET_MTIME, VFS_SET_MTIME_NOW, mask, &attr->mtime);
	return r;
}

int64_t sys_utimensat(struct task *t, const struct sys_args *a)
{
	uint32_t flags = arg_u32(a, 3), mask;
	struct vfs_attr attr = {0};
	struct path p;
	int64_t r = times_from_user(t, arg_ptr(a, 2), &mask, &attr);

	if (r < 0)
		return r;
	if (flags & ~(LX_AT_SYMLINK_NOFOLLOW | LX_AT_EMPTY_PATH))
		return -LX_EINVAL;
	/* futimens(3): no path at all. */
	if (guest_ptr_null(arg_ptr(a, 1)) && arg_int(a, 0) != LX_AT_FDCWD) {
		struct file *f = fd_file_opened(t, arg_int(a, 0));

		if (!f)
			return -LX_EBADF;
		r = flags ? -LX_EINVAL : mask ? vfs_setattr(t, &f->path, mask, &attr, f) : 0;
		file_put(f);
		return r;
	}
	if (mask == 0)
		return 0;
	r = path_walk_user(t, arg_int(a, 0), arg_ptr(a, 1), at_to_walk(flags), &p);
	if (r < 0)
		return r;
	r = vfs_setattr(t, &p, mask, &attr, NULL);
	path_put(&p);
	return r;
}

static int64_t put_statfs(struct task *t, const struct path *p, struct guest_ptr out)
{
	struct superblock *sb = p->dentry->inode->sb;
	struct lx_statfs st = {.f_bsize = 4096, .f_frsize = 4096, .f_namelen = LX_NAME_MAX};
	uint32_t flags = mount_flags(p->mnt);
	int r = sb->statfs ? sb->statfs(sb, p->dentry->inode, &st) : 0;

	if (r < 0)
		return r;
	st.f_type = sb->magic;
	st.f_fsid[0] = (int32_t)sb->dev;
	st.f_flags = LX_ST_VALID | LX_ST_RELATIME |
		     (flags & (LX_MS_RDONLY | LX_MS_NOSUID | LX_MS_NODEV | LX_MS_NOEXEC)) |
		     ((sb->flags & SB_RDONLY) ? LX_ST_RDONLY : 0);
	return copy_to_user(t->mm, out, &st, sizeof(st));
}

int64_t sys_statfs(struct task *t, const struct sys_args *a)
{
	struct path p;
	int64_t r = path_walk_user(t, LX_AT_FDCWD, arg_ptr(a, 0), WALK_FOLLOW, &p);

	if (r < 0)
		return r;
	r = put_statfs(t, &p, arg_ptr(a, 1));
	path_put(&p);
	return r;
}

int64_t sys_fstatfs(struct task *t, const struct sys_args *a)
{
	struct file *f = fd_file(t, arg_int(a, 0));
	int64_t r;

	if (!f)
		return -LX_EBADF;
	r = put_statfs(t, &f->path, arg_ptr(a, 1));
	file_put(f);
	return r;
}
