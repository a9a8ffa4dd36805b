/*
 * dir.c: names: getdents64(2), mkdir(2), mknod(2), unlink(2), rename(2), link(2), symlink(2),
 * readlink(2), and where a process stands: getcwd(2), chdir(2), chroot(2).
 */
#include "common/lx/capability.h"
#include "common/lx/dirent.h"
#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/file.h"
#include "supervisor/vfs/namei.h"
#include "supervisor/vfs/walk.h"

/* The guest's buffer while a directory is read. */
struct dents {
	struct task *t;
	struct guest_ptr out;
	uint64_t room, used;
	int error;
};

static bool put_entry(void *opaque, const char *name, size_t len, uint64_t ino, uint8_t type,
		      uint64_t next_pos)
{
	struct dents *d = opaque;
	uint8_t buf[LX_DIRENT64_NAME_OFFSET + LX_NAME_MAX + 8] = {0};
	size_t reclen = (LX_DIRENT64_NAME_OFFSET + len + 1 + 7) & ~(size_t)7;
	struct lx_dirent64 head = {
		.d_ino = ino, .d_off = (int64_t)next_pos, .d_reclen = (uint16_t)reclen, .d_type = type};

	if (len > LX_NAME_MAX || reclen > d->room - d->used) {
		if (d->used == 0 && d->error == 0)
			d->error = -LX_EINVAL;
		return false;
	}
	memcpy(buf, &head, LX_DIRENT64_NAME_OFFSET);
	memcpy(buf + LX_DIRENT64_NAME_OFFSET, name, len);
	if (copy_to_user(d->t->mm, guest_ptr_add(d->out, d->used), buf, reclen) < 0) {
		d->error = -LX_EFAULT;
		return false;
	}
	d->used += reclen;
	return true;
}

/* The number of the directory's parent, across mounts. */
static uint64_t parent_ino(struct file *f)
{
	struct dentry *d = f->path.dentry;
	struct mount *m = f->path.mnt;
	uint64_t ino;

	tree_read_lock();
	while (m && d == m->root && m->parent) {
		d = m->mountpoint;
		m = m->parent;
	}
	ino = __atomic_load_n(&(d->parent ? d->parent : d)->inode->ino, __ATOMIC_RELAXED);
	tree_read_unlock();
	return ino;
}

/* pos_lock is held. */
static int read_entries(struct task *t, struct file *f, struct dents *d)
{
	if (f->pos == 0) {
		if (!put_entry(d, ".", 1, __atomic_load_n(&f->inode->ino, __ATOMIC_RELAXED), LX_DT_DIR, 1))
			return 0;
		f->pos = 1;
	}
	if (f->pos == 1) {
		if (!put_entry(d, "..", 2, parent_ino(f), LX_DT_DIR, 2))
			return 0;
		f->pos = 2;
	}
	return f->ops->readdir(t, f, put_entry, d);
}

int64_t sys_getdents64(struct task *t, const struct sys_args *a)
{
	struct file *f = fd_file_opened(t, arg_int(a, 0));
	struct dents d = {.t = t, .out = arg_ptr(a, 1), .room = arg_u32(a, 2)};
	int64_t r;

	if (!f)
		return -LX_EBADF;
	if (!f->ops->readdir) {
		r = -LX_ENOTDIR;
	} else if (__atomic_load_n(&f->inode->flags, __ATOMIC_RELAXED) & INODE_DEAD) {
		r = -LX_ENOENT;
	} else {
		pthread_mutex_lock(&f->pos_lock);
		r = read_entries(t, f, &d);
		pthread_mutex_unlock(&f->pos_lock);
		if (d.used > 0)
			r = (int64_t)d.used;
		else if (r == 0)
			r = d.error;
	}
	file_put(f);
	return r;
}


int64_t sys_mkdirat(struct task *t, const struct sys_args *a)
{
	char *name;
	int64_t r = path_from_user(t, arg_ptr(a, 1), &name);

	if (r < 0)
		return r;
	r = vfs_mkdir(t, arg_int(a, 0), name, arg_u32(a, 2));
	free(name);
	return r;
}

int64_t sys_mknodat(struct task *t, const struct sys_args *a)
{
	uint32_t mode = arg_u32(a, 2), dev = arg_u32(a, 3);
	char *name;
	int64_t r;

	switch (mode & LX_S_IFMT) {
	case 0:
		mode |= LX_S_IFREG;
		break;
	case LX_S_IFREG:
	case LX_S_IFCHR:
	case LX_S_IFBLK:
	case LX_S_IFIFO:
	case LX_S_IFSOCK:
		break;
	case LX_S_IFDIR:
		return -LX_EPERM;
	default:
		return -LX_EINVAL;
	}
	r = path_from_user(t, arg_ptr(a, 1), &name);
	if (r < 0)
		return r;
	r = vfs_mknod(t, arg_int(a, 0), name, mode,
		      LX_S_ISCHR(mode) || LX_S_ISBLK(mode) ? dev : 0, NULL);
	free(name);
	return r;
}

int64_t sys_unlinkat(struct task *t, const struct sys_args *a)
{
	uint32_t flags = arg_u32(a, 2);
	char *name;
	int64_t r;

	if (flags & ~LX_AT_REMOVEDIR)
		return -LX_EINVAL;
	r = path_from_user(t, arg_ptr(a, 1), &name);
	if (r < 0)
		return r;
	r = (flags & LX_AT_REMOVEDIR) ? vfs_rmdir(t, arg_int(a, 0), name)
				      : vfs_unlink(t, arg_int(a, 0), name);
	free(name);
	return r;
}

int64_t sys_symlinkat(struct task *t, const struct sys_args *a)
{
	char *target, *name;
	int64_t r = path_from_user(t, arg_ptr(a, 0), &target);

	if (r < 0)
		return r;
	r = path_from_user(t, arg_ptr(a, 2), &name);
	if (r == 0) {
		r = target[0] ? vfs_symlink(t, target, arg_int(a, 1), name) : -LX_ENOENT;
		free(name);
	}
	free(target);
	return r;
}

int64_t sys_linkat(struct task *t, const struct sys_args *a)
{
	uint32_t flags = arg_u32(a, 4);
	uint32_t walk = (flags & LX_AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0) |
			(flags & LX_AT_EMPTY_PATH ? WALK_EMPTY : 0);
	struct path from;
	char *oldname, *newname;
	int64_t r;

	if (flags & ~(LX_AT_SYMLINK_FOLLOW | LX_AT_EMPTY_PATH))
		return -LX_EINVAL;
	if ((flags & LX_AT_EMPTY_PATH) && !cred_capable(t->cred, LX_CAP_DAC_READ_SEARCH))
		return -LX_ENOENT;
	r = path_from_user(t, arg_ptr(a, 1), &oldname);
	if (r < 0)
		return r;
	r = path_from_user(t, arg_ptr(a, 3), &newname);
	if (r == 0) {
		r = path_walk(t, arg_int(a, 0), oldname, walk, &from);
		if (r == 0) {
			r = vfs_link(t, &from, arg_int(a, 2), newname);
			path_put(&from);
		}
		free(newname);
	}
	free(oldname);
	return r;
}

static int64_t rename_at(struct task *t, const struct sys_args *a, uint32_t flags)
{
	char *from, *to;
	int64_t r = path_from_user(t, arg_ptr(a, 1), &from);

	if (r < 0)
		return r;
	r = path_from_user(t, arg_ptr(a, 3), &to);
	if (r == 0) {
		r = vfs_rename(t, arg_int(a, 0), from, arg_int(a, 2), to, flags);
		free(to);
	}
	free(from);
	return r;
}

int64_t sys_renameat(struct task *t, const struct sys_args *a)
{
	return rename_at(t, a, 0);
}

int64_t sys_renameat2(struct task *t, const struct sys_args *a)
{
	return rename_at(t, a, arg_u32(a, 4));
}

int64_t sys_readlinkat(struct task *t, const struct sys_args *a)
{
	int64_t size = (int32_t)arg_u32(a, 3), r;
	char *target, first;
	struct path p;

	if (size <= 0)
		return -LX_EINVAL;
	r = path_walk_user(t, arg_int(a, 0), arg_ptr(a, 1), WALK_EMPTY, &p);
	if (r < 0)
		return r;
	if (LX_S_ISLNK(inode_mode(p.dentry->inode)))
		r = inode_readlink(t, p.dentry->inode, &target);
	else if (copy_from_user(t->mm, &first, arg_ptr(a, 1), 1) == 0)
		r = first ? -LX_EINVAL : -LX_ENOENT;
	else
		r = -LX_EFAULT;
	if (r == 0) {
		r = MIN((int64_t)strlen(target), size);
		if (copy_to_user(t->mm, arg_ptr(a, 2), target, (size_t)r) < 0)
			r = -LX_EFAULT;
		free(target);
	}
	path_put(&p);
	return r;
}

static void current_dir(struct task *t, struct path *out)
{
	pthread_mutex_lock(&t->fs->lock);
	*out = t->fs->cwd;
	path_get(out);
	pthread_mutex_unlock(&t->fs->lock);
}

int64_t sys_getcwd(struct task *t, const struct sys_args *a)
{
	struct path cwd;
	char *name;
	int64_t r;

	current_dir(t, &cwd);
	if (dentry_flags(cwd.dentry) & DENTRY_DELETED)
		r = -LX_ENOENT;
	else
		r = path_name(t, &cwd, &name);
	path_put(&cwd);
	if (r < 0)
		return r;
	r = (int64_t)strlen(name) + 1;
	if ((uint64_t)r > a->v[1])
		r = -LX_ERANGE;
	else if (copy_to_user(t->mm, arg_ptr(a, 0), name, (size_t)r) < 0)
		r = -LX_EFAULT;
	free(name);
	return r;
}

/* A directory that may be entered. */
static int64_t walk_dir(struct task *t, struct guest_ptr p, struct path *out)
{
	int64_t r = path_walk_user(t, LX_AT_FDCWD, p, WALK_FOLLOW | WALK_DIRECTORY, out);

	if (r < 0)
		return r;
	r = vfs_permission(t, out->dentry->inode, LX_X_OK);
	if (r < 0)
		path_put(out);
	return r;
}

int64_t sys_chdir(struct task *t, const struct sys_args *a)
{
	struct path p;
	int64_t r = walk_dir(t, arg_ptr(a, 0), &p);

	if (r == 0)
		fs_context_set(t->fs, &t->fs->cwd, &p);
	return r;
}

int64_t sys_fchdir(struct task *t, const struct sys_args *a)
{
	struct file *f = fd_file(t, arg_int(a, 0));
	int64_t r;

	if (!f)
		return -LX_EBADF;
	if (!LX_S_ISDIR(inode_mode(f->inode)))
		r = -LX_ENOTDIR;
	else
		r = vfs_permission(t, f->inode, LX_X_OK);
	if (r == 0) {
		struct path p = f->path;

		path_get(&p);
		fs_context_set(t->fs, &t->fs->cwd, &p);
	}
	file_put(f);
	return r;
}

int64_t sys_chroot(struct task *t, const struct sys_args *a)
{
	struct path p;
	int64_t r = walk_dir(t, arg_ptr(a, 0), &p);

	if (r < 0)
		return r;
	if (!cred_capable(t->cred, LX_CAP_SYS_CHROOT)) {
		path_put(&p);
		return -LX_EPERM;
	}
	fs_context_set(t->fs, &t->fs->root, &p);
	return 0;
}
