/*
 * open.c: openat(2), openat2(2), close(2), close_range(2), dup(2), faccessat(2), umask(2), flock(2),
 * name_to_handle_at(2).
 */
#include "common/lx/capability.h"
#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/file.h"
#include "supervisor/vfs/locks.h"
#include "supervisor/vfs/perm.h"

/* Turns an open file (consumed) into a descriptor. */
static int64_t install(struct task *t, struct file *f, uint32_t flags)
{
	int64_t fd = fd_install(t, f, 0, (flags & LX_O_CLOEXEC) != 0);

	if (fd < 0)
		file_put(f);
	return fd;
}

/* Combinations that open(2) refuses, and what flags imply. */
static int settle_flags(uint32_t *flags)
{
	uint32_t f = *flags;

	if (f & LX_O_SYNC_BIT)
		f |= LX_O_DSYNC;
	if (f & LX_O_PATH)
		f &= LX_O_PATH | LX_O_DIRECTORY | LX_O_NOFOLLOW | LX_O_CLOEXEC;
	if (f & LX_O_TMPFILE_BIT) {
		if ((f & LX_O_TMPFILE) != LX_O_TMPFILE || (f & LX_O_CREAT) || !lx_flags_writable(f))
			return -LX_EINVAL;
	} else if ((f & (LX_O_CREAT | LX_O_DIRECTORY)) == (LX_O_CREAT | LX_O_DIRECTORY)) {
		return -LX_EINVAL;
	}
	*flags = f;
	return 0;
}

static int64_t open_at(struct task *t, int dirfd, struct guest_ptr path, uint32_t flags, uint32_t mode,
		       uint32_t walk)
{
	char name[LX_PATH_MAX];
	struct file *f;
	int64_t r = settle_flags(&flags);

	if (r == 0)
		r = strncpy_from_user(t->mm, name, path, sizeof(name));
	if (r < 0)
		return r;
	r = vfs_open(t, dirfd, name, flags, mode, walk, &f);
	return r < 0 ? r : install(t, f, flags);
}

int64_t sys_openat(struct task *t, const struct sys_args *a)
{
	return open_at(t, arg_int(a, 0), arg_ptr(a, 1), arg_u32(a, 2) & LX_O_ALL, arg_u32(a, 3), 0);
}

static int check_how(const struct lx_open_how *how, uint32_t *walk)
{
	static const struct {
		uint64_t resolve;
		uint32_t walk;
	} map[] = {
		{LX_RESOLVE_NO_XDEV, WALK_NO_XDEV},	    {LX_RESOLVE_NO_MAGICLINKS, WALK_NO_MAGIC},
		{LX_RESOLVE_NO_SYMLINKS, WALK_NO_LINKS},    {LX_RESOLVE_BENEATH, WALK_BENEATH},
		{LX_RESOLVE_IN_ROOT, WALK_IN_ROOT},	    {LX_RESOLVE_CACHED, 0},
	};
	uint64_t known = 0;

	*walk = 0;
	for (size_t i = 0; i < ARRAY_LEN(map); i++) {
		known |= map[i].resolve;
		if (how->resolve & map[i].resolve)
			*walk |= map[i].walk;
	}
	if ((how->resolve & ~known) || (how->flags & ~(uint64_t)LX_O_ALL))
		return -LX_EINVAL;
	if ((*walk & WALK_BENEATH) && (*walk & WALK_IN_ROOT))
		return -LX_EINVAL;
	if (how->flags & (LX_O_CREAT | LX_O_TMPFILE_BIT)) {
		if (how->mode & ~(uint64_t)LX_S_IALLUGO)
			return -LX_EINVAL;
	} else if (how->mode) {
		return -LX_EINVAL;
	}
	if ((how->flags & LX_O_PATH) &&
	    (how->flags & ~(uint64_t)(LX_O_PATH | LX_O_DIRECTORY | LX_O_NOFOLLOW | LX_O_CLOEXEC)))
		return -LX_EINVAL;
	if ((how->resolve & LX_RESOLVE_CACHED) &&
	    (how->flags & (LX_O_TRUNC | LX_O_CREAT | LX_O_TMPFILE_BIT)))
		return -LX_EAGAIN;
	return 0;
}

/* Copies in a struct that may be longer than the one known: what is beyond must be zero. */
static int copy_how(struct task *t, struct guest_ptr p, uint64_t size, struct lx_open_how *how)
{
	uint64_t at = sizeof(*how);
	int r;

	if (size < sizeof(*how))
		return -LX_EINVAL;
	if (size > 4096)
		return -LX_E2BIG;
	r = copy_from_user(t->mm, how, p, sizeof(*how));
	while (r == 0 && at < size) {
		uint8_t rest[256];
		size_t n = MIN(size - at, sizeof(rest));

		r = copy_from_user(t->mm, rest, guest_ptr_add(p, at), n);
		for (size_t i = 0; r == 0 && i < n; i++) {
			if (rest[i])
				r = -LX_E2BIG;
		}
		at += n;
	}
	return r;
}

int64_t sys_openat2(struct task *t, const struct sys_args *a)
{
	struct lx_open_how how;
	uint32_t walk = 0;
	int r = copy_how(t, arg_ptr(a, 2), a->v[3], &how);

	if (r == 0)
		r = check_how(&how, &walk);
	if (r < 0)
		return r;
	return open_at(t, arg_int(a, 0), arg_ptr(a, 1), (uint32_t)how.flags, (uint32_t)how.mode, walk);
}

int64_t sys_close(struct task *t, const struct sys_args *a)
{
	return fd_close(t, arg_int(a, 0));
}

int64_t sys_close_range(struct task *t, const struct sys_args *a)
{
	uint32_t first = arg_u32(a, 0), last = arg_u32(a, 1), flags = arg_u32(a, 2);

	if ((flags & ~(LX_CLOSE_RANGE_UNSHARE | LX_CLOSE_RANGE_CLOEXEC)) || first > last)
		return -LX_EINVAL;
	if ((flags & LX_CLOSE_RANGE_UNSHARE) && fd_table_shared(t->files)) {
		struct fd_table *copy;
		int r = fd_table_copy(t->files, &copy);

		if (r < 0)
			return r;
		fd_table_put(t, t->files);
		t->files = copy;
	}
	fd_close_range(t, first, last, (flags & LX_CLOSE_RANGE_CLOEXEC) != 0);
	return 0;
}

int64_t sys_dup(struct task *t, const struct sys_args *a)
{
	struct file *f = fd_file(t, arg_int(a, 0));

	return f ? install(t, f, 0) : -LX_EBADF;
}

int64_t sys_dup3(struct task *t, const struct sys_args *a)
{
	int oldfd = arg_int(a, 0), newfd = arg_int(a, 1);
	uint32_t flags = arg_u32(a, 2);

	if ((flags & ~LX_O_CLOEXEC) || oldfd == newfd)
		return -LX_EINVAL;
	return fd_dup2(t, oldfd, newfd, (flags & LX_O_CLOEXEC) != 0);
}

/* access(2) asks what the real user could do. */
static bool real_is_effective(const struct cred *c)
{
	return c->uid == c->fsuid && c->gid == c->fsgid &&
	       c->cap_effective == (c->uid == 0 ? c->cap_permitted : 0);
}

static int64_t access_walk(struct task *t, int dirfd, struct guest_ptr name, int mode, uint32_t walk)
{
	struct path p;
	int r = path_walk_user(t, dirfd, name, walk, &p);

	if (r < 0)
		return r;
	if (mode != LX_F_OK)
		r = vfs_permission(t, p.dentry->inode, mode);
	if (r == 0 && (mode & LX_X_OK) && LX_S_ISREG(inode_mode(p.dentry->inode)) &&
	    (mount_flags(p.mnt) & LX_MS_NOEXEC))
		r = -LX_EACCES;
	if (r == 0 && (mode & LX_W_OK) && !LX_S_ISCHR(inode_mode(p.dentry->inode)) &&
	    !LX_S_ISFIFO(inode_mode(p.dentry->inode)) && !LX_S_ISSOCK(inode_mode(p.dentry->inode)))
		r = mount_want_write(p.mnt);
	path_put(&p);
	return r;
}

static int64_t access_at(struct task *t, const struct sys_args *a, uint32_t flags)
{
	uint32_t walk = WALK_FOLLOW;
	int mode = arg_int(a, 2);
	struct cred real;
	int64_t r;

	if ((mode & ~7) ||
	    (flags & ~(LX_AT_EACCESS | LX_AT_SYMLINK_NOFOLLOW | LX_AT_EMPTY_PATH)))
		return -LX_EINVAL;
	if (flags & LX_AT_SYMLINK_NOFOLLOW)
		walk &= ~WALK_FOLLOW;
	if (flags & LX_AT_EMPTY_PATH)
		walk |= WALK_EMPTY;
	if (!(flags & LX_AT_EACCESS) && !real_is_effective(t->cred)) {
		real = *t->cred;
		real.fsuid = real.uid;
		real.fsgid = real.gid;
		real.cap_effective = real.uid == 0 ? real.cap_permitted : 0;
		t->fs_cred = &real;
	}
	r = access_walk(t, arg_int(a, 0), arg_ptr(a, 1), mode, walk);
	t->fs_cred = NULL;
	return r;
}

int64_t sys_faccessat(struct task *t, const struct sys_args *a)
{
	return access_at(t, a, 0);
}

int64_t sys_faccessat2(struct task *t, const struct sys_args *a)
{
	return access_at(t, a, arg_u32(a, 3));
}

int64_t sys_umask(struct task *t, const struct sys_args *a)
{
	uint32_t old;

	pthread_mutex_lock(&t->fs->lock);
	old = t->fs->umask;
	__atomic_store_n(&t->fs->umask, arg_u32(a, 0) & LX_S_IRWXUGO, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&t->fs->lock);
	return old;
}

int64_t sys_flock(struct task *t, const struct sys_args *a)
{
	struct file *f = fd_file_opened(t, arg_int(a, 0));
	int64_t r;

	if (!f)
		return -LX_EBADF;
	r = locks_flock(t, f, arg_int(a, 1));
	file_put(f);
	return r;
}

/* No file system here has handles that outlive a reboot. */
int64_t sys_name_to_handle_at(struct task *t, const struct sys_args *a)
{
	uint32_t flags = arg_u32(a, 4);
	uint32_t walk = (flags & LX_AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0) |
			(flags & LX_AT_EMPTY_PATH ? WALK_EMPTY : 0);
	struct path p;
	int64_t r;

	if (flags & ~(LX_AT_SYMLINK_FOLLOW | LX_AT_EMPTY_PATH))
		return -LX_EINVAL;
	r = path_walk_user(t, arg_int(a, 0), arg_ptr(a, 1), walk, &p);
	if (r < 0)
		return r;
	path_put(&p);
	return -LX_EOPNOTSUPP;
}

int64_t sys_open_by_handle_at(struct task *t, const struct sys_args *a)
{
	(void)a;
	return cred_capable(t->cred, LX_CAP_DAC_READ_SEARCH) ? -LX_ESTALE : -LX_EPERM;
}
