/*
 * rw.c: read(2), write(2) and their vector and positional forms, lseek(2).
 */
#include "supervisor/sys/rw.h"

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/file.h"
#include "supervisor/vfs/namei.h"

#define RLIMIT_FSIZE_INDEX 1
#define LX_SIGXFSZ         25

static int64_t check_readable(const struct file *f)
{
	if (!lx_flags_readable(f->flags))
		return -LX_EBADF;
	if (LX_S_ISDIR(inode_mode(f->inode)))
		return -LX_EISDIR;
	return f->ops->read ? 0 : -LX_EINVAL;
}

static int64_t check_writable(const struct file *f)
{
	if (!lx_flags_writable(f->flags))
		return -LX_EBADF;
	return f->ops->write ? 0 : -LX_EINVAL;
}

int64_t rw_read(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	int64_t r = check_readable(f), own = 0;

	if (r < 0)
		return r;
	if (pos) {
		if (f->ops->seekless)
			return -LX_ESPIPE;
		r = *pos < 0 ? -LX_EINVAL : f->ops->read(t, f, u, pos);
	} else if (f->ops->seekless) {
		r = f->ops->read(t, f, u, &own);
	} else {
		pthread_mutex_lock(&f->pos_lock);
		r = f->ops->read(t, f, u, &f->pos);
		pthread_mutex_unlock(&f->pos_lock);
	}
	if (r > 0)
		file_notify(f, VFS_IN_ACCESS);
	return r;
}

int64_t rw_size_limit(struct task *t, int64_t pos, uint64_t n)
{
	uint64_t limit = __atomic_load_n(&t->group->rlimit[RLIMIT_FSIZE_INDEX].cur, __ATOMIC_RELAXED);

	if (limit > INT64_MAX)
		limit = INT64_MAX;
	if (n == 0 || (pos >= 0 && (uint64_t)pos < limit))
		return (int64_t)MIN(n, limit - (uint64_t)MAX(pos, 0));
	(void)signal_send_task(t, LX_SIGXFSZ, NULL);
	return -LX_EFBIG;
}

/* Shortens u to n bytes. */
static void clamp(struct uio *u, uint64_t n)
{
	if (u->left <= n)
		return;
	u->left = n;
	for (unsigned i = 0; i < u->nseg; i++) {
		u->seg[i].len = MIN(u->seg[i].len, n);
		n -= u->seg[i].len;
	}
}

static int64_t write_at(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	bool regular = LX_S_ISREG(inode_mode(f->inode));

	if (regular) {
		int64_t at = (f->flags & LX_O_APPEND) ? (int64_t)inode_size(f->inode) : *pos;
		int64_t room = rw_size_limit(t, at, u->left);

		if (room < 0)
			return room;
		clamp(u, (uint64_t)room);
		vfs_strip_setid(t, f);
	}
	return f->ops->write(t, f, u, pos);
}

int64_t rw_write(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	int64_t r = check_writable(f), own = 0;

	if (r < 0)
		return r;
	if (pos) {
		if (f->ops->seekless)
			return -LX_ESPIPE;
		r = *pos < 0 ? -LX_EINVAL : write_at(t, f, u, pos);
	} else if (f->ops->seekless) {
		r = f->ops->write(t, f, u, &own);
	} else {
		pthread_mutex_lock(&f->pos_lock);
		r = write_at(t, f, u, &f->pos);
		pthread_mutex_unlock(&f->pos_lock);
	}
	if (r > 0) {
		if ((f->flags & LX_O_DSYNC) && f->ops->fsync) {
			int s = f->ops->fsync(f, !(f->flags & LX_O_SYNC_BIT));

			r = s < 0 ? s : r;
		}
		file_notify(f, VFS_IN_MODIFY);
	}
	return r;
}

static int64_t one_buffer(struct task *t, const struct sys_args *a, bool write, int64_t *pos)
{
	struct file *f = fd_file_opened(t, arg_int(a, 0));
	uint64_t count = a->v[2];
	struct uio u;
	int64_t r;

	if (!f)
		return -LX_EBADF;
	if (count > INT64_MAX) {
		file_put(f);
		return -LX_EINVAL;
	}
	uio_init_user(&u, t->mm, arg_ptr(a, 1), MIN(count, (uint64_t)LX_MAX_RW));
	r = write ? rw_write(t, f, &u, pos) : rw_read(t, f, &u, pos);
	uio_release(&u);
	file_put(f);
	return r;
}

int64_t sys_read(struct task *t, const struct sys_args *a)
{
	return one_buffer(t, a, false, NULL);
}

int64_t sys_write(struct task *t, const struct sys_args *a)
{
	return one_buffer(t, a, true, NULL);
}

int64_t sys_pread64(struct task *t, const struct sys_args *a)
{
	int64_t pos = (int64_t)a->v[3];

	return pos < 0 ? -LX_EINVAL : one_buffer(t, a, false, &pos);
}

int64_t sys_pwrite64(struct task *t, const struct sys_args *a)
{
	int64_t pos = (int64_t)a->v[3];

	return pos < 0 ? -LX_EINVAL : one_buffer(t, a, true, &pos);
}

/* RWF_APPEND and RWF_NOWAIT act on this call alone: the file is given the flags for its time. */
static int64_t vector_flags(struct task *t, struct file *f, struct uio *u, bool write, int64_t *pos,
			    uint32_t flags)
{
	int64_t r;

	if (flags & ~(LX_RWF_HIPRI | LX_RWF_DSYNC | LX_RWF_SYNC | LX_RWF_NOWAIT | LX_RWF_APPEND))
		return -LX_EOPNOTSUPP;
	if ((flags & LX_RWF_APPEND) && !write)
		return -LX_EINVAL;
	if ((flags & LX_RWF_NOWAIT) && f->ops->seekless && file_poll(f, NULL) == 0)
		return -LX_EAGAIN;
	if (write && (flags & LX_RWF_APPEND)) {
		struct vfs_attr attr;
		int64_t end;

		r = vfs_getattr(f->inode, &attr);
		if (r < 0)
			return r;
		end = (int64_t)attr.size;
		r = rw_write(t, f, u, f->ops->seekless ? NULL : &end);
	} else {
		r = write ? rw_write(t, f, u, pos) : rw_read(t, f, u, pos);
	}
	if (r > 0 && write && (flags & (LX_RWF_DSYNC | LX_RWF_SYNC)) && f->ops->fsync) {
		int s = f->ops->fsync(f, !(flags & LX_RWF_SYNC));

		r = s < 0 ? s : r;
	}
	return r;
}

static int64_t vector(struct task *t, const struct sys_args *a, bool write, int64_t *pos, uint32_t flags)
{
	struct file *f = fd_file_opened(t, arg_int(a, 0));
	struct uio u;
	int64_t r;

	if (!f)
		return -LX_EBADF;
	r = write ? check_writable(f) : check_readable(f);
	if (r == 0)
		r = uio_init_iovec(&u, t->mm, arg_ptr(a, 1), a->v[2]);
	if (r == 0) {
		clamp(&u, LX_MAX_RW);
		if (flags)
			r = vector_flags(t, f, &u, write, pos, flags);
		else
			r = write ? rw_write(t, f, &u, pos) : rw_read(t, f, &u, pos);
		uio_release(&u);
	}
	file_put(f);
	return r;
}

int64_t sys_readv(struct task *t, const struct sys_args *a)
{
	return vector(t, a, false, NULL, 0);
}

int64_t sys_writev(struct task *t, const struct sys_args *a)
{
	return vector(t, a, true, NULL, 0);
}

int64_t sys_preadv(struct task *t, const struct sys_args *a)
{
	int64_t pos = (int64_t)a->v[3];

	return pos < 0 ? -LX_EINVAL : vector(t, a, false, &pos, 0);
}

int64_t sys_pwritev(struct task *t, const struct sys_args *a)
{
	int64_t pos = (int64_t)a->v[3];

	return pos < 0 ? -LX_EINVAL : vector(t, a, true, &pos, 0);
}

int64_t sys_preadv2(struct task *t, const struct sys_args *a)
{
	int64_t pos = (int64_t)a->v[3];

	if (pos < -1)
		return -LX_EINVAL;
	return vector(t, a, false, pos == -1 ? NULL : &pos, arg_u32(a, 5));
}

int64_t sys_pwritev2(struct task *t, const struct sys_args *a)
{
	int64_t pos = (int64_t)a->v[3];

	if (pos < -1)
		return -LX_EINVAL;
	return vector(t, a, true, pos == -1 ? NULL : &pos, arg_u32(a, 5));
}

/* pos_lock is held.  Directories hear of absolute positions only. */
static int64_t seek_locked(struct task *t, struct file *f, int64_t offset, int whence)
{
	int64_t r;

	if (LX_S_ISDIR(inode_mode(f->inode))) {
		if (whence != LX_SEEK_SET && whence != LX_SEEK_CUR)
			return -LX_EINVAL;
		if (add_overflows(whence == LX_SEEK_CUR ? f->pos : 0, offset, &offset) || offset < 0)
			return -LX_EINVAL;
		whence = LX_SEEK_SET;
	}
	if (!f->ops->lseek)
		return vfs_lseek_generic(f, offset, whence);
	r = f->ops->lseek(t, f, offset, whence);
	if (r >= 0)
		f->pos = r;
	return r;
}

int64_t sys_lseek(struct task *t, const struct sys_args *a)
{
	struct file *f = fd_file_opened(t, arg_int(a, 0));
	int64_t offset = (int64_t)a->v[1], r;
	int whence = arg_int(a, 2);

	if (!f)
		return -LX_EBADF;
	if (f->ops->seekless && !f->ops->lseek) {
		r = -LX_ESPIPE;
	} else if (whence < LX_SEEK_SET || whence > LX_SEEK_HOLE) {
		r = -LX_EINVAL;
	} else {
		pthread_mutex_lock(&f->pos_lock);
		r = seek_locked(t, f, offset, whence);
		pthread_mutex_unlock(&f->pos_lock);
	}
	file_put(f);
	return r;
}
