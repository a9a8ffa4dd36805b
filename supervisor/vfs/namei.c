/*
 * namei.c: changes of the tree and of attributes: mknod, mkdir, unlink, rmdir, link, symlink,
 * rename, chmod and kin.  Each finds its place by a walk, takes the directory's lock, checks who
 * asks, lets the file system do it, and then brings the cache of names in step.
 */
#include "supervisor/vfs/namei.h"

#include "common/lx/capability.h"
#include "common/lx/errno.h"
#include "common/lx/statfs.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/file.h"
#include "supervisor/vfs/perm.h"
#include "supervisor/vfs/walk.h"

static bool is_dot(const char *s)
{
	return s[0] == '.' && s[1] == '\0';
}

static bool is_dotdot(const char *s)
{
	return s[0] == '.' && s[1] == '.' && s[2] == '\0';
}

/* A place where something new is to be made. */
struct making {
	struct walk w;
	struct dentry *old; /* the negative dentry there */
	struct inode *dir;
};

/* Walks to the new name's directory, locks it and checks.  making_end follows in any case. */
static int making_begin(struct making *m, struct task *t, int dirfd, const char *name,
                        bool want_dir)
{
	int r;

	m->old = NULL;
	m->dir = NULL;
	r = walk_begin(&m->w, t, dirfd, name, 0);
	if (r == 0)
		r = walk_to_parent(&m->w);
	if (r < 0)
		return r;
	if (!m->w.last[0] || is_dot(m->w.last) || is_dotdot(m->w.last))
		return -LX_EEXIST;
	m->dir = m->w.cur.dentry->inode;
	pthread_rwlock_wrlock(&m->dir->dir_lock);
	r = dentry_lookup_locked(m->w.cur.dentry, m->w.last, strlen(m->w.last), &m->old);
	if (r < 0)
		return r;
	if (m->old->inode)
		return -LX_EEXIST;
	if (m->w.trailing_slash && !want_dir)
		return -LX_ENOENT;
	r = mount_want_write(m->w.cur.mnt);
	return r < 0 ? r : perm_may_create(t, m->dir);
}

/* The file system made inode there (consumed): gives it its dentry. */
static int making_done(struct making *m, struct inode *inode, struct path *out)
{
	struct dentry *d;
	int r = dentry_new(m->w.cur.dentry, m->w.last, strlen(m->w.last), inode, &d);

	if (r < 0) {
		inode_put(inode);
		return r;
	}
	if (!(m->dir->sb->flags & SB_NODCACHE))
		d = dentry_insert(d);
	if (out) {
		out->mnt = mount_get(m->w.cur.mnt);
		out->dentry = d;
	} else {
		dentry_put(d);
	}
	return 0;
}

static void making_end(struct making *m, bool done, bool is_dir)
{
	if (m->dir)
		pthread_rwlock_unlock(&m->dir->dir_lock);
	if (done)
		notify(m->dir, m->w.cur.dentry, VFS_IN_CREATE | (is_dir ? VFS_IN_ISDIR : 0),
		           m->w.last);
	if (m->old)
		dentry_put(m->old);
	walk_end(&m->w);
}

int vfs_mknod(struct task *t, int dirfd, const char *name, uint32_t mode, uint64_t rdev,
              struct path *out)
{
	struct making m;
	struct inode *inode;
	int r = making_begin(&m, t, dirfd, name, false);

	mode &= LX_S_IFMT | (LX_S_IALLUGO & ~fs_umask(t->fs));
	if (r == 0 && (LX_S_ISCHR(mode) || LX_S_ISBLK(mode)) &&
	    !cred_capable(t->cred, LX_CAP_MKNOD))
		r = -LX_EPERM;
	if (r == 0) {
		mode = perm_new_mode(t->cred, m.dir, mode);
		if (LX_S_ISREG(mode))
			r = m.dir->ops->create
			        ? m.dir->ops->create(m.dir, m.w.last, mode, t->cred, &inode)
			        : -LX_EPERM;
		else
			r = m.dir->ops->mknod
			        ? m.dir->ops->mknod(m.dir, m.w.last, mode, rdev, t->cred, &inode)
			        : -LX_EPERM;
	}
	if (r == 0)
		r = making_done(&m, inode, out);
	making_end(&m, r == 0, false);
	return r;
}

int vfs_mkdir(struct task *t, int dirfd, const char *name, uint32_t mode)
{
	struct making m;
	struct inode *inode;
	int r = making_begin(&m, t, dirfd, name, true);

	if (r == 0) {
		mode = (mode & 01777 & ~fs_umask(t->fs)) | LX_S_IFDIR;
		mode = perm_new_mode(t->cred, m.dir, mode);
		r = m.dir->ops->mkdir ? m.dir->ops->mkdir(m.dir, m.w.last, mode, t->cred, &inode)
		                      : -LX_EPERM;
	}
	if (r == 0)
		r = making_done(&m, inode, NULL);
	making_end(&m, r == 0, true);
	return r;
}

int vfs_symlink(struct task *t, const char *target, int dirfd, const char *name)
{
	struct making m;
	struct inode *inode;
	int r = making_begin(&m, t, dirfd, name, false);

	if (r == 0)
		r = m.dir->ops->symlink
		        ? m.dir->ops->symlink(m.dir, m.w.last, target, t->cred, &inode)
		        : -LX_EPERM;
	if (r == 0)
		r = making_done(&m, inode, NULL);
	making_end(&m, r == 0, false);
	return r;
}

int vfs_link(struct task *t, const struct path *from, int dirfd, const char *name)
{
	struct making m;
	struct inode *inode = from->dentry->inode;
	int r = making_begin(&m, t, dirfd, name, false);

	if (r == 0 && LX_S_ISDIR(inode_mode(inode)))
		r = -LX_EPERM;
	if (r == 0 && (m.w.cur.mnt != from->mnt || m.dir->sb != inode->sb))
		r = -LX_EXDEV;
	if (r == 0 && !m.dir->ops->link)
		r = -LX_EPERM;
	if (r == 0)
		r = m.dir->ops->link(m.dir, m.w.last, inode);
	if (r == 0)
		r = making_done(&m, inode_get(inode), NULL);
	making_end(&m, r == 0, false);
	return r;
}

/* unlink and rmdir. */
static int remove_name(struct task *t, int dirfd, const char *name, bool want_dir)
{
	struct walk w;
	struct dentry *d = NULL;
	struct inode *dir = NULL, *victim;
	int r = walk_begin(&w, t, dirfd, name, 0);

	if (r == 0)
		r = walk_to_parent(&w);
	if (r == 0 && (!w.last[0] || is_dotdot(w.last)))
		r = !want_dir ? -LX_EISDIR : !w.last[0] ? -LX_EBUSY : -LX_ENOTEMPTY;
	else if (r == 0 && is_dot(w.last))
		r = want_dir ? -LX_EINVAL : -LX_EISDIR;
	if (r < 0)
		goto out;
	dir = w.cur.dentry->inode;
	pthread_rwlock_wrlock(&dir->dir_lock);
	r = dentry_lookup_locked(w.cur.dentry, w.last, strlen(w.last), &d);
	if (r == 0 && !d->inode)
		r = -LX_ENOENT;
	if (r == 0)
		r = mount_want_write(w.cur.mnt);
	if (r == 0 && w.trailing_slash && !want_dir)
		r = LX_S_ISDIR(inode_mode(d->inode)) ? -LX_EISDIR : -LX_ENOTDIR;
	if (r == 0)
		r = perm_may_delete(t, dir, d->inode, want_dir);
	if (r == 0 && __atomic_load_n(&d->mounts, __ATOMIC_RELAXED))
		r = -LX_EBUSY;
	if (r < 0)
		goto unlock;
	victim = d->inode;
	if (want_dir)
		r = dir->ops->rmdir ? dir->ops->rmdir(dir, w.last, victim) : -LX_EPERM;
	else
		r = dir->ops->unlink ? dir->ops->unlink(dir, w.last, victim) : -LX_EPERM;
	if (r == 0)
		dentry_deleted(d);
unlock:
	pthread_rwlock_unlock(&dir->dir_lock);
	if (r == 0)
		notify(dir, w.cur.dentry, VFS_IN_DELETE | (want_dir ? VFS_IN_ISDIR : 0),
		           w.last);
	if (r == 0) {
		notify(d->inode, NULL, VFS_IN_ATTRIB, NULL);
		if (want_dir || d->inode->nlink == 0)
			notify(d->inode, NULL, VFS_IN_DELETE_SELF, NULL);
	}
out:
	if (d)
		dentry_put(d);
	walk_end(&w);
	return r;
}

int vfs_unlink(struct task *t, int dirfd, const char *name)
{
	return remove_name(t, dirfd, name, false);
}

int vfs_rmdir(struct task *t, int dirfd, const char *name)
{
	return remove_name(t, dirfd, name, true);
}

/* Serialises renames between directories: only one task at a time holds two dir_locks. */
static pthread_mutex_t rename_lock = PTHREAD_MUTEX_INITIALIZER;

struct renaming {
	struct walk from, to;
	struct dentry *old, *new;
	struct inode *from_dir, *to_dir;
	uint32_t flags;
};

static bool is_ancestor(const struct dentry *a, const struct dentry *d)
{
	bool found = false;

	tree_read_lock();
	for (; d && !found; d = d->parent)
		found = d == a;
	tree_read_unlock();
	return found;
}

/* What both places must be like; the locks are held. */
static int check_rename(struct task *t, struct renaming *rn)
{
	bool old_dir, exchange = (rn->flags & LX_RENAME_EXCHANGE) != 0;
	int r;

	if (!rn->old->inode)
		return -LX_ENOENT;
	if (!rn->new->inode && exchange)
		return -LX_ENOENT;
	if (rn->new->inode && (rn->flags & LX_RENAME_NOREPLACE))
		return -LX_EEXIST;
	old_dir = LX_S_ISDIR(inode_mode(rn->old->inode));
	if (!old_dir && (rn->from.trailing_slash || (!exchange && rn->to.trailing_slash)))
		return -LX_ENOTDIR;
	if (exchange && rn->to.trailing_slash && !LX_S_ISDIR(inode_mode(rn->new->inode)))
		return -LX_ENOTDIR;
	if (is_ancestor(rn->old, rn->to.cur.dentry))
		return -LX_EINVAL;
	if (is_ancestor(rn->new, rn->from.cur.dentry))
		return exchange ? -LX_EINVAL : -LX_ENOTEMPTY;
	r = mount_want_write(rn->from.cur.mnt);
	if (r == 0)
		r = perm_may_delete(t, rn->from_dir, rn->old->inode, old_dir);
	if (r < 0)
		return r;
	if (!rn->new->inode)
		r = perm_may_create(t, rn->to_dir);
	else
		r = perm_may_delete(t, rn->to_dir, rn->new->inode,
		                    exchange ? LX_S_ISDIR(inode_mode(rn->new->inode)) : old_dir);
	if (r < 0)
		return r;
	/* A directory that changes its parent has its ".." rewritten. */
	if (old_dir && rn->from_dir != rn->to_dir)
		r = vfs_permission(t, rn->old->inode, LX_W_OK);
	if (r == 0 && (__atomic_load_n(&rn->old->mounts, __ATOMIC_RELAXED) ||
	               __atomic_load_n(&rn->new->mounts, __ATOMIC_RELAXED)))
		r = -LX_EBUSY;
	return r;
}

static void notify_rename(struct renaming *rn)
{
	uint32_t dir = LX_S_ISDIR(inode_mode(rn->old->inode)) ? VFS_IN_ISDIR : 0;

	notify(rn->from_dir, rn->from.cur.dentry, VFS_IN_MOVED_FROM | dir,
		           rn->from.last);
	notify(rn->to_dir, rn->to.cur.dentry, VFS_IN_MOVED_TO | dir, rn->to.last);
	notify(rn->old->inode, NULL, VFS_IN_MOVE_SELF, NULL);
	if (rn->new->inode && rn->new->inode != rn->old->inode &&
	    !(rn->flags & LX_RENAME_EXCHANGE))
		notify(rn->new->inode, NULL, VFS_IN_DELETE_SELF, NULL);
}

static int do_rename(struct task *t, struct renaming *rn)
{
	int r = dentry_lookup_locked(rn->from.cur.dentry, rn->from.last, strlen(rn->from.last),
	                             &rn->old);

	if (r == 0)
		r = dentry_lookup_locked(rn->to.cur.dentry, rn->to.last, strlen(rn->to.last),
		                         &rn->new);
	if (r == 0)
		r = check_rename(t, rn);
	/* Two names of one file: nothing happens. */
	if (r < 0 || rn->old->inode == rn->new->inode)
		return r < 0 ? r : 1;
	if (!rn->from_dir->ops->rename)
		return -LX_EPERM;
	r = rn->from_dir->ops->rename(rn->from_dir, rn->from.last, rn->old->inode, rn->to_dir,
	                              rn->to.last, rn->new->inode, rn->flags);
	if (r == 0)
		dentry_moved(rn->old, rn->new, (rn->flags & LX_RENAME_EXCHANGE) != 0);
	return r;
}

static int rename_locked(struct task *t, struct renaming *rn)
{
	struct inode *first = rn->from_dir, *second = rn->to_dir;
	int r;

	if (first == second) {
		pthread_rwlock_wrlock(&first->dir_lock);
		r = do_rename(t, rn);
		pthread_rwlock_unlock(&first->dir_lock);
		return r;
	}
	if ((uintptr_t)first > (uintptr_t)second) {
		first = rn->to_dir;
		second = rn->from_dir;
	}
	pthread_mutex_lock(&rename_lock);
	pthread_rwlock_wrlock(&first->dir_lock);
	pthread_rwlock_wrlock(&second->dir_lock);
	r = do_rename(t, rn);
	pthread_rwlock_unlock(&second->dir_lock);
	pthread_rwlock_unlock(&first->dir_lock);
	pthread_mutex_unlock(&rename_lock);
	return r;
}

int vfs_rename(struct task *t, int fromfd, const char *from, int tofd, const char *to,
               uint32_t flags)
{
	struct renaming rn = {.flags = flags};
	int r;

	if (flags & ~(LX_RENAME_NOREPLACE | LX_RENAME_EXCHANGE | LX_RENAME_WHITEOUT))
		return -LX_EINVAL;
	if ((flags & LX_RENAME_EXCHANGE) && (flags & (LX_RENAME_NOREPLACE | LX_RENAME_WHITEOUT)))
		return -LX_EINVAL;
	if (flags & LX_RENAME_WHITEOUT)
		return -LX_EINVAL; /* as file systems without whiteouts say */
	r = walk_begin(&rn.from, t, fromfd, from, 0);
	if (r < 0) {
		walk_end(&rn.from);
		return r;
	}
	r = walk_to_parent(&rn.from);
	{
		int r2 = walk_begin(&rn.to, t, tofd, to, 0);

		r = r < 0 ? r : r2;
	}
	if (r == 0)
		r = walk_to_parent(&rn.to);
	if (r < 0)
		goto out;
	if (rn.from.cur.mnt != rn.to.cur.mnt)
		r = -LX_EXDEV;
	else if (!rn.from.last[0] || is_dot(rn.from.last) || is_dotdot(rn.from.last))
		r = -LX_EBUSY;
	else if (!rn.to.last[0] || is_dot(rn.to.last) || is_dotdot(rn.to.last))
		r = (flags & LX_RENAME_NOREPLACE) ? -LX_EEXIST : -LX_EBUSY;
	if (r < 0)
		goto out;
	rn.from_dir = rn.from.cur.dentry->inode;
	rn.to_dir = rn.to.cur.dentry->inode;
	r = rename_locked(t, &rn);
	if (r == 0)
		notify_rename(&rn);
	r = r > 0 ? 0 : r;
out:
	if (rn.old)
		dentry_put(rn.old);
	if (rn.new)
		dentry_put(rn.new);
	walk_end(&rn.from);
	walk_end(&rn.to);
	return r;
}

int vfs_setattr(struct task *t, const struct path *p, uint32_t mask, const struct vfs_attr *attr,
                struct file *file)
{
	struct inode *inode = p->dentry->inode;
	struct vfs_attr a = *attr;
	int r = mount_want_write(p->mnt);

	if (r == 0)
		r = perm_setattr(t, inode, &mask, &a);
	if (r < 0)
		return r;
	if ((mask & VFS_SET_SIZE) && !(mask & VFS_SET_MODE) &&
	    perm_stripped_mode(inode_mode(inode)) != inode_mode(inode) &&
	    !cred_capable(t->cred, LX_CAP_FSETID)) {
		mask |= VFS_SET_MODE;
		a.mode = perm_stripped_mode(inode_mode(inode));
	}
	if (!inode->ops->setattr)
		return -LX_EPERM;
	r = inode->ops->setattr(inode, mask, &a, file);
	if (r == 0)
		notify(inode, p->dentry, (mask & VFS_SET_SIZE) ? VFS_IN_MODIFY : VFS_IN_ATTRIB,
		           NULL);
	return r;
}

int vfs_truncate(struct task *t, const struct path *p, uint64_t size, struct file *file)
{
	struct inode *inode = p->dentry->inode;
	struct vfs_attr attr = {.size = size};
	int r;

	if (file)
		return vfs_setattr(t, p, VFS_SET_SIZE, &attr, file);
	r = file_writer_get(inode);
	if (r < 0)
		return r;
	r = vfs_setattr(t, p, VFS_SET_SIZE, &attr, NULL);
	file_writer_put(inode);
	return r;
}

void vfs_strip_setid(struct task *t, struct file *f)
{
	uint32_t mode = __atomic_load_n(&f->inode->mode, __ATOMIC_RELAXED);
	struct vfs_attr attr = {.mode = perm_stripped_mode(mode)};

	if (attr.mode == mode || !f->inode->ops->setattr || cred_capable(t->cred, LX_CAP_FSETID))
		return;
	/* Whoever may write may not keep the bits; a failure leaves them as they were. */
	(void)!f->inode->ops->setattr(f->inode, VFS_SET_MODE, &attr, f);
}
