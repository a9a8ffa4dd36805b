/*
 * open.c: open(2) without descriptors: finding or making the object, checking, and giving it an
 * open file.
 */
#include "common/lx/capability.h"
#include "common/lx/errno.h"
#include "common/lx/statfs.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/file.h"
#include "supervisor/vfs/perm.h"
#include "supervisor/vfs/walk.h"

/* O_PATH files can do nothing by themselves. */
static const struct file_ops path_only_ops = {.seekless = true};

static int open_path_only(struct task *t, const struct path *p, uint32_t flags, struct file **out)
{
	const uint32_t keep = LX_O_PATH | LX_O_DIRECTORY | LX_O_NOFOLLOW;
	int r = file_alloc(t, p, flags & keep, out);

	if (r == 0)
		(*out)->ops = &path_only_ops;
	return r;
}

static int access_mask(uint32_t flags)
{
	int mask = 0;

	switch (flags & LX_O_ACCMODE) {
	case LX_O_RDONLY:
		mask = LX_R_OK;
		break;
	case LX_O_WRONLY:
		mask = LX_W_OK;
		break;
	default:
		mask = LX_R_OK | LX_W_OK;
	}
	return (flags & LX_O_TRUNC) ? mask | LX_W_OK : mask;
}

/* Kind and mount: what holds whoever asks. */
static int check_kind(const struct path *p, uint32_t flags, int mask)
{
	uint32_t mode = inode_mode(p->dentry->inode);

	if (LX_S_ISLNK(mode))
		return -LX_ELOOP;
	if ((flags & LX_O_DIRECTORY) && !LX_S_ISDIR(mode))
		return -LX_ENOTDIR;
	if (LX_S_ISDIR(mode) && (mask & LX_W_OK))
		return -LX_EISDIR;
	if (LX_S_ISSOCK(mode))
		return -LX_ENXIO;
	if ((LX_S_ISCHR(mode) || LX_S_ISBLK(mode)) && (mount_flags(p->mnt) & LX_MS_NODEV))
		return -LX_EACCES;
	if ((mask & LX_W_OK) && LX_S_ISREG(mode))
		return mount_want_write(p->mnt);
	return 0;
}

static int check_open(struct task *t, const struct path *p, uint32_t flags, bool created)
{
	struct inode *inode = p->dentry->inode;
	int mask = access_mask(flags);
	int r = check_kind(p, flags, mask);

	if (r < 0)
		return r;
	if (!created) {
		r = vfs_permission(t, inode, mask);
		if (r < 0)
			return r;
	}
	if ((flags & LX_O_NOATIME) && !perm_owner(t->cred, inode))
		return -LX_EPERM;
	return 0;
}

/* Lets the file's kind fill in its operations. */
static int attach_ops(struct task *t, struct inode *inode, struct file *f)
{
	if (inode->ops->open)
		return inode->ops->open(t, inode, f);
	if (LX_S_ISFIFO(inode_mode(inode)))
		return fifo_open(t, inode, f);
	if (LX_S_ISCHR(inode_mode(inode)))
		return chardev_open(t, inode, f);
	if (LX_S_ISBLK(inode_mode(inode)) || !inode->fops)
		return -LX_ENXIO;
	f->ops = inode->fops;
	f->priv = inode->priv;
	return 0;
}

static int truncate_opened(struct task *t, struct file *f)
{
	struct vfs_attr attr = {.size = 0};

	if (!LX_S_ISREG(inode_mode(f->inode)))
		return 0;
	return vfs_setattr(t, &f->path, VFS_SET_SIZE, &attr, f);
}

static int open_at(struct task *t, const struct path *p, uint32_t flags, bool created,
                   struct file **out)
{
	struct inode *inode = p->dentry->inode;
	struct file *f;
	int r = check_open(t, p, flags, created);

	if (r < 0)
		return r;
	r = file_alloc(t, p, flags | LX_O_LARGEFILE, &f);
	if (r < 0)
		return r;
	if (lx_flags_writable(flags) && LX_S_ISREG(inode_mode(inode))) {
		r = file_writer_get(inode);
		if (r < 0)
			goto fail;
		f->holds |= FILE_HOLDS_WRITE;
	}
	/* Hints: copying up needs no data; a terminal shall not become the controlling one. */
	f->flags |= flags & (LX_O_TRUNC | LX_O_NOCTTY);
	r = attach_ops(t, inode, f);
	f->flags &= ~(LX_O_TRUNC | LX_O_NOCTTY);
	if (r < 0)
		goto fail_writer;
	if ((flags & LX_O_TRUNC) && !created) {
		r = truncate_opened(t, f);
		if (r < 0) {
			file_put(f);
			return r;
		}
	}
	file_notify(f, VFS_IN_OPEN);
	*out = f;
	return 0;
fail_writer:
	if (f->holds & FILE_HOLDS_WRITE)
		file_writer_put(inode);
fail:
	file_free(f);
	return r;
}

int vfs_open_path(struct task *t, const struct path *p, uint32_t flags, struct file **out)
{
	return (flags & LX_O_PATH) ? open_path_only(t, p, flags, out)
	                           : open_at(t, p, flags, false, out);
}

/* Makes last in w's parent.  -LX_EEXIST when someone else was quicker: then *d is it. */
static int create_last(struct walk *w, uint32_t mode, struct dentry **d)
{
	struct dentry *parent = w->cur.dentry, *neg = NULL, *fresh;
	struct inode *dir = parent->inode, *inode = NULL;
	struct task *t = w->t;
	int r;

	pthread_rwlock_wrlock(&dir->dir_lock);
	r = dentry_lookup_locked(parent, w->last, strlen(w->last), &neg);
	if (r < 0)
		goto out;
	if (neg->inode) {
		*d = neg;
		neg = NULL;
		r = -LX_EEXIST;
		goto out;
	}
	r = mount_want_write(w->cur.mnt);
	if (r == 0)
		r = perm_may_create(t, dir);
	if (r == 0 && !dir->ops->create)
		r = (dir->sb->flags & SB_NODCACHE) ? -LX_ENOENT : -LX_EACCES;
	if (r < 0)
		goto out;
	mode = (mode & LX_S_IALLUGO & ~fs_umask(t->fs)) | LX_S_IFREG;
	r = dir->ops->create(dir, w->last, perm_new_mode(t->cred, dir, mode), t->cred, &inode);
	if (r < 0)
		goto out;
	r = dentry_new(parent, w->last, strlen(w->last), inode, &fresh);
	if (r < 0)
		inode_put(inode);
	else
		*d = (dir->sb->flags & SB_NODCACHE) ? fresh : dentry_insert(fresh);
out:
	pthread_rwlock_unlock(&dir->dir_lock);
	if (neg)
		dentry_put(neg);
	if (r == 0)
		notify(dir, parent, VFS_IN_CREATE, w->last);
	return r;
}

/* The last component of an O_CREAT open.  1: a link, go on; 0: w->cur is the object. */
static int open_last(struct walk *w, uint32_t flags, uint32_t mode, bool *created)
{
	struct dentry *d = NULL;
	int r;

	if (!w->last[0] || w->trailing_slash || !strcmp(w->last, ".") || !strcmp(w->last, ".."))
		return -LX_EISDIR;
	r = dentry_lookup(w->cur.dentry, w->last, strlen(w->last), &d);
	if (r == 0 && !d->inode) {
		dentry_put(d);
		d = NULL;
		r = create_last(w, mode, &d);
		*created = r == 0;
		if (r == -LX_EEXIST)
			r = 0;
	}
	if (r < 0)
		return r;
	if (!*created && (flags & LX_O_EXCL)) {
		r = -LX_EEXIST;
	} else if (LX_S_ISLNK(inode_mode(d->inode)) && !(flags & LX_O_NOFOLLOW)) {
		r = walk_into_link(w, d);
		if (r == 0)
			r = 1;
	} else {
		walk_enter(w, d);
	}
	dentry_put(d);
	return r;
}

static int open_create(struct walk *w, uint32_t flags, uint32_t mode, struct file **out)
{
	bool created = false;
	int r;

	do {
		/* A magic link leaves nothing to walk: cur is the object. */
		if (w->links > 0 && w->rest[0] == '\0') {
			r = 0;
			break;
		}
		r = walk_to_parent(w);
		if (r == 0)
			r = open_last(w, flags, mode, &created);
	} while (r == 1);
	if (r < 0)
		return r;
	if (!created && LX_S_ISDIR(inode_mode(w->cur.dentry->inode)))
		return -LX_EISDIR;
	return open_at(w->t, &w->cur, flags, created, out);
}

static int open_tmpfile(struct walk *w, uint32_t flags, uint32_t mode, struct file **out)
{
	struct task *t = w->t;
	struct inode *dir, *inode;
	struct path p;
	char name[32];
	int r = walk_all(w);

	if (r < 0)
		return r;
	dir = w->cur.dentry->inode;
	if (!lx_flags_writable(flags))
		return -LX_EINVAL;
	if (!LX_S_ISDIR(inode_mode(dir)))
		return -LX_ENOTDIR;
	if (!dir->ops->tmpfile)
		return -LX_EOPNOTSUPP;
	r = mount_want_write(w->cur.mnt);
	if (r == 0)
		r = perm_may_create(t, dir);
	if (r < 0)
		return r;
	mode = (mode & LX_S_IALLUGO & ~fs_umask(t->fs)) | LX_S_IFREG;
	r = dir->ops->tmpfile(dir, mode, t->cred, &inode);
	if (r < 0)
		return r;
	p.mnt = w->cur.mnt;
	snprintf(name, sizeof(name), "#%llu", (unsigned long long)inode->ino);
	r = dentry_new(w->cur.dentry, name, strlen(name), inode, &p.dentry);
	if (r < 0) {
		inode_put(inode);
		return r;
	}
	__atomic_fetch_or(&p.dentry->flags, DENTRY_DELETED, __ATOMIC_RELAXED);
	r = open_at(t, &p, flags & ~(LX_O_TMPFILE | LX_O_EXCL), true, out);
	dentry_put(p.dentry);
	return r;
}

int vfs_open(struct task *t, int dirfd, const char *name, uint32_t flags, uint32_t mode,
             uint32_t walk, struct file **out)
{
	struct walk w;
	int r;

	if (!(flags & LX_O_NOFOLLOW))
		walk |= WALK_FOLLOW;
	if (flags & LX_O_DIRECTORY)
		walk |= WALK_DIRECTORY;
	if ((flags & (LX_O_CREAT | LX_O_EXCL)) == (LX_O_CREAT | LX_O_EXCL))
		walk &= ~WALK_FOLLOW;
	if (!(flags & (LX_O_CREAT | LX_O_TMPFILE_BIT)) || (flags & LX_O_PATH)) {
		struct path p;

		r = path_walk(t, dirfd, name, walk, &p);
		if (r == 0) {
			r = vfs_open_path(t, &p, flags, out);
			path_put(&p);
		}
		return r;
	}
	r = walk_begin(&w, t, dirfd, name, walk);
	if (r == 0 && (flags & LX_O_TMPFILE_BIT))
		r = open_tmpfile(&w, flags, mode, out);
	else if (r == 0)
		r = (flags & LX_O_DIRECTORY) ? -LX_EINVAL : open_create(&w, flags, mode, out);
	walk_end(&w);
	return r;
}

int vfs_open_exec(struct task *t, int dirfd, const char *name, uint32_t walk, struct file **out)
{
	struct path p;
	struct inode *inode;
	struct file *f = NULL;
	int r = path_walk(t, dirfd, name, walk, &p);

	if (r < 0)
		return r;
	inode = p.dentry->inode;
	if (LX_S_ISLNK(inode_mode(inode)))
		r = -LX_ELOOP;
	else if (!LX_S_ISREG(inode_mode(inode)) || (mount_flags(p.mnt) & LX_MS_NOEXEC))
		r = -LX_EACCES;
	else
		r = vfs_permission(t, inode, LX_X_OK);
	if (r == 0)
		r = file_alloc(t, &p, LX_O_RDONLY | LX_O_LARGEFILE, &f);
	if (r < 0)
		goto out;
	pthread_mutex_lock(&inode->lock);
	if (inode->writers > 0)
		r = -LX_ETXTBSY;
	else
		inode->deny_write++;
	pthread_mutex_unlock(&inode->lock);
	if (r < 0) {
		file_free(f);
		goto out;
	}
	r = attach_ops(t, inode, f);
	if (r < 0) {
		pthread_mutex_lock(&inode->lock);
		inode->deny_write--;
		pthread_mutex_unlock(&inode->lock);
		file_free(f);
		goto out;
	}
	f->holds |= FILE_HOLDS_DENY;
	*out = f;
out:
	path_put(&p);
	return r;
}
