/*
 * walk.c: path resolution, path_resolution(7).
 *
 * Names that are cached are walked under the tree lock, without touching reference counts.
 * Where something has to be asked for (a name that is not cached, a link's target, a name that
 * others may have changed), the walk takes references on where it is, lets go of the lock, asks,
 * and goes on.
 */
#include "supervisor/vfs/walk.h"

#include "common/lx/errno.h"
#include "common/lx/statfs.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/perm.h"

/* What a step under the lock came to, beside 0 and errors. */
enum { STEP_LINK = 1, STEP_SLOW = 2 };

static bool same_path(const struct path *a, const struct path *b)
{
	return a->mnt == b->mnt && a->dentry == b->dentry;
}

/* Length of the component at s. */
static size_t component(const char *s)
{
	return (size_t)(strchrnul(s, '/') - s);
}

static const char *skip_slashes(const char *s)
{
	while (*s == '/')
		s++;
	return s;
}

/* Where dirfd points. */
static int start_at_fd(struct task *t, int dirfd, struct path *out)
{
	struct file *f = fd_file(t, dirfd);
	int r = 0;

	if (!f)
		return -LX_EBADF;
	*out = f->path;
	path_get(out);
	file_put(f);
	return r;
}

static void fs_paths(struct fs_context *fs, struct path *root, struct path *cwd)
{
	pthread_mutex_lock(&fs->lock);
	*root = fs->root;
	path_get(root);
	if (cwd) {
		*cwd = fs->cwd;
		path_get(cwd);
	}
	pthread_mutex_unlock(&fs->lock);
}

int walk_begin(struct walk *w, struct task *t, int dirfd, const char *name, uint32_t flags)
{
	bool absolute = name[0] == '/';
	size_t len = strlen(name);
	int r = 0;

	memset(w, 0, offsetof(struct walk, last));
	w->last[0] = '\0';
	w->trailing_slash = false;
	w->t = t;
	w->flags = flags;
	if (len == 0 && !(flags & WALK_EMPTY))
		return -LX_ENOENT;
	if (absolute && (flags & WALK_BENEATH))
		return -LX_EXDEV;
	if (absolute && !(flags & WALK_IN_ROOT)) {
		fs_paths(t->fs, &w->root, NULL);
		w->cur = w->root;
		path_get(&w->cur);
	} else if (dirfd == LX_AT_FDCWD) {
		fs_paths(t->fs, &w->root, &w->cur);
	} else {
		fs_paths(t->fs, &w->root, NULL);
		r = start_at_fd(t, dirfd, &w->cur);
		if (r < 0)
			return r;
	}
	if (flags & (WALK_BENEATH | WALK_IN_ROOT)) {
		path_put(&w->root);
		w->root = w->cur;
		path_get(&w->root);
	}
	if (len > 0 && !LX_S_ISDIR(inode_mode(w->cur.dentry->inode)))
		return -LX_ENOTDIR;
	w->buffer = malloc(len + 1);
	if (!w->buffer)
		return -LX_ENOMEM;
	memcpy(w->buffer, name, len + 1);
	w->rest = w->buffer;
	return 0;
}

void walk_end(struct walk *w)
{
	path_put(&w->cur);
	path_put(&w->root);
	free(w->buffer);
	w->buffer = NULL;
}

/* Goes up from p; the tree lock is held. */
static int step_up_locked(struct walk *w, struct path *p)
{
	if (same_path(p, &w->root))
		return (w->flags & WALK_BENEATH) ? -LX_EXDEV : 0;
	while (p->mnt && p->dentry == p->mnt->root) {
		if (!p->mnt->parent)
			return 0;
		if (w->flags & WALK_NO_XDEV)
			return -LX_EXDEV;
		p->dentry = p->mnt->mountpoint;
		p->mnt = p->mnt->parent;
		if (same_path(p, &w->root))
			return 0;
	}
	if (p->dentry->parent)
		p->dentry = p->dentry->parent;
	return 0;
}

/* Goes to what is mounted on p; the tree lock is held. */
static int cross_mounts_locked(const struct walk *w, struct path *p)
{
	struct mount *m;

	while (p->dentry->mounts && (m = mount_find_locked(p->mnt, p->dentry)) != NULL) {
		if (w->flags & WALK_NO_XDEV)
			return -LX_EXDEV;
		p->mnt = m;
		p->dentry = m->root;
	}
	return 0;
}

static bool search_allowed_fast(const struct walk *w, const struct inode *dir)
{
	if (dir->ops->permission)
		return false;
	return (__atomic_load_n(&dir->mode, __ATOMIC_RELAXED) & 0111) == 0111 ||
	       perm_mode(perm_cred(w->t), dir, LX_X_OK) == 0;
}

/*
 * One component, at p, under the tree lock.  0: p has moved.  STEP_LINK: *child is a link to
 * follow.  STEP_SLOW: the caller must let go of the lock and look it up.
 */
static int step_locked(struct walk *w, struct path *p, const char *name, size_t len, bool follow,
                       struct dentry **child)
{
	struct inode *dir = p->dentry->inode;
	struct dentry *d;

	if (!LX_S_ISDIR(inode_mode(dir)))
		return -LX_ENOTDIR;
	if (!search_allowed_fast(w, dir))
		return STEP_SLOW; /* also to say EACCES */
	if (len == 1 && name[0] == '.')
		return 0;
	if (len == 2 && name[0] == '.' && name[1] == '.') {
		int r = step_up_locked(w, p);

		return r < 0 ? r : cross_mounts_locked(w, p);
	}
	if (dir->sb->flags & (SB_NODCACHE | SB_REVALIDATE))
		return STEP_SLOW;
	d = dentry_find_locked(p->dentry, name, len);
	if (!d)
		return STEP_SLOW;
	if (!d->inode)
		return -LX_ENOENT;
	if (LX_S_ISLNK(inode_mode(d->inode)) && follow) {
		*child = d;
		return STEP_LINK;
	}
	p->dentry = d;
	return cross_mounts_locked(w, p);
}

/* Replaces what is left by target/rest. */
static int push_target(struct walk *w, const char *target, const char *rest)
{
	size_t tlen = strlen(target), rlen = strlen(rest);
	char *buffer;

	if (tlen == 0)
		return -LX_ENOENT;
	if (tlen + rlen > LX_PATH_MAX * 16u)
		return -LX_ENAMETOOLONG;
	buffer = malloc(tlen + rlen + 2);
	if (!buffer)
		return -LX_ENOMEM;
	memcpy(buffer, target, tlen);
	if (rlen > 0)
		buffer[tlen++] = '/';
	memcpy(buffer + tlen, rest, rlen + 1);
	free(w->buffer);
	w->buffer = buffer;
	w->rest = buffer;
	return 0;
}

int inode_readlink(struct task *t, struct inode *inode, char **out)
{
	const char *link = __atomic_load_n(&inode->link, __ATOMIC_ACQUIRE);

	if (link) {
		*out = strdup(link);
		return *out ? 0 : -LX_ENOMEM;
	}
	if (!inode->ops->readlink)
		return -LX_EINVAL;
	return inode->ops->readlink(t, inode, out);
}

/* A magic link: the walk goes on at the object itself. */
static int follow_magic(struct walk *w, struct inode *inode)
{
	struct path target = {NULL, NULL};
	int r;

	if (w->flags & (WALK_NO_MAGIC | WALK_NO_LINKS))
		return -LX_ELOOP;
	if (w->flags & (WALK_BENEATH | WALK_IN_ROOT))
		return -LX_EXDEV;
	r = inode->ops->follow(w->t, inode, &target.mnt, &target.dentry);
	if (r < 0)
		return r;
	path_put(&w->cur);
	w->cur = target;
	return 0;
}

/* cur is the link's directory, with references; no lock is held. */
static int follow_link(struct walk *w, struct inode *inode, const char *rest)
{
	char *target;
	int r;

	if (w->flags & WALK_NO_LINKS)
		return -LX_ELOOP;
	if (++w->links > LX_SYMLINK_MAX)
		return -LX_ELOOP;
	if (mount_flags(w->cur.mnt) & LX_MS_NOSYMFOLLOW)
		return -LX_ELOOP;
	if (inode->ops->follow) {
		char *copy = strdup(rest);

		if (!copy)
			return -LX_ENOMEM;
		r = follow_magic(w, inode);
		free(w->buffer);
		w->buffer = copy;
		w->rest = copy;
		return r;
	}
	r = inode_readlink(w->t, inode, &target);
	if (r < 0)
		return r;
	r = push_target(w, target, rest);
	if (r == 0 && target[0] == '/') {
		if (w->flags & WALK_BENEATH) {
			r = -LX_EXDEV;
		} else {
			path_put(&w->cur);
			w->cur = w->root;
			path_get(&w->cur);
		}
	}
	free(target);
	return r;
}

void walk_enter(struct walk *w, struct dentry *d)
{
	struct path p = {w->cur.mnt, d};

	tree_read_lock();
	/* Beyond a mount point cannot fail here: WALK_NO_XDEV is looked at by the steps. */
	if (!(w->flags & WALK_NO_XDEV))
		(void)!cross_mounts_locked(w, &p);
	path_get(&p);
	tree_read_unlock();
	path_put(&w->cur);
	w->cur = p;
}

int walk_into_link(struct walk *w, struct dentry *d)
{
	return follow_link(w, d->inode, "");
}

/* One component with no lock held; cur has references. */
static int step_slow(struct walk *w, const char *name, size_t len, bool follow, const char *rest)
{
	struct inode *dir = w->cur.dentry->inode;
	struct dentry *d;
	int r = vfs_permission(w->t, dir, LX_X_OK);

	if (r < 0)
		return r;
	if ((len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.')) {
		struct path p = w->cur;

		tree_read_lock();
		r = len == 2 ? step_up_locked(w, &p) : 0;
		if (r == 0 && len == 2)
			r = cross_mounts_locked(w, &p);
		path_get(&p);
		tree_read_unlock();
		path_put(&w->cur);
		w->cur = p;
		w->rest = rest;
		return r;
	}
	r = dentry_lookup(w->cur.dentry, name, len, &d);
	if (r < 0)
		return r;
	if (!d->inode) {
		r = -LX_ENOENT;
	} else if (LX_S_ISLNK(inode_mode(d->inode)) && follow) {
		r = follow_link(w, d->inode, rest);
	} else if ((w->flags & WALK_NO_XDEV) && __atomic_load_n(&d->mounts, __ATOMIC_RELAXED)) {
		r = -LX_EXDEV;
	} else {
		walk_enter(w, d);
		w->rest = rest;
	}
	dentry_put(d);
	return r;
}

/*
 * Walks until nothing is left, or only the last component when to_parent; w->rest is then at it.
 * Runs under the tree lock as long as it can.
 */
static int run_locked(struct walk *w, struct path *p, bool to_parent, struct dentry **child)
{
	for (;;) {
		const char *name = skip_slashes(w->rest), *rest;
		size_t len = component(name);
		bool last, follow;
		int r;

		w->rest = name;
		if (len == 0)
			return 0;
		rest = skip_slashes(name + len);
		last = *rest == '\0';
		if (last && to_parent)
			return 0;
		if (len > LX_NAME_MAX)
			return -LX_ENAMETOOLONG;
		follow = !last || (w->flags & WALK_FOLLOW) || name[len] == '/';
		r = step_locked(w, p, name, len, follow, child);
		if (r != 0)
			return r;
		w->rest = rest;
	}
}

static int run(struct walk *w, bool to_parent)
{
	for (;;) {
		struct path p = w->cur;
		struct dentry *child = NULL;
		const char *name, *rest;
		size_t len;
		int r;

		tree_read_lock();
		r = run_locked(w, &p, to_parent, &child);
		if (r >= 0) {
			path_get(&p);
			if (child)
				dentry_get(child);
		}
		tree_read_unlock();
		if (r < 0)
			return r;
		path_put(&w->cur);
		w->cur = p;
		if (r == 0)
			return 0;
		name = w->rest;
		len = component(name);
		rest = skip_slashes(name + len);
		if (r == STEP_LINK) {
			r = follow_link(w, child->inode, name[len] == '/' && !*rest ? "/" : rest);
			dentry_put(child);
		} else {
			r = step_slow(w, name, len,
			              *rest || (w->flags & WALK_FOLLOW) || name[len] == '/',
			              name[len] == '/' && !*rest ? "/" : rest);
		}
		if (r < 0)
			return r;
	}
}

/* Whether the name in the buffer ends in a slash (after its last component). */
static bool ends_in_slash(const char *s)
{
	size_t len = strlen(s);

	return len > 0 && s[len - 1] == '/';
}

int walk_all(struct walk *w)
{
	bool slash = ends_in_slash(w->rest);
	int r = run(w, false);

	if (r < 0)
		return r;
	if ((slash || (w->flags & WALK_DIRECTORY)) && !LX_S_ISDIR(inode_mode(w->cur.dentry->inode)))
		return -LX_ENOTDIR;
	return 0;
}

int walk_to_parent(struct walk *w)
{
	size_t len;
	int r = run(w, true);

	if (r < 0)
		return r;
	if (!LX_S_ISDIR(inode_mode(w->cur.dentry->inode)))
		return -LX_ENOTDIR;
	len = component(w->rest);
	if (len > LX_NAME_MAX)
		return -LX_ENAMETOOLONG;
	memcpy(w->last, w->rest, len);
	w->last[len] = '\0';
	w->trailing_slash = w->rest[len] == '/';
	return vfs_permission(w->t, w->cur.dentry->inode, LX_X_OK);
}

/*
 * The whole walk under the tree lock, for names that are cached: no reference is taken but to the
 * result, nothing is allocated, and root and working directory are borrowed (who changes them
 * holds the tree lock for writing).  1: not possible, the ordinary walk has to do it.
 */
static int walk_cached(struct task *t, int dirfd, const char *name, uint32_t flags, struct path *out)
{
	const uint32_t plain = WALK_FOLLOW | WALK_DIRECTORY | WALK_EMPTY;
	struct walk w;
	char expanded[2][512];
	bool slash = ends_in_slash(name);
	struct path p;
	int r;

	if ((flags & ~plain) || !name[0] || (name[0] != '/' && dirfd != LX_AT_FDCWD))
		return 1;
	w.t = t;
	w.flags = flags;
	w.rest = name;
	w.links = 0;
	tree_read_lock();
	w.root = t->fs->root;
	p = name[0] == '/' ? t->fs->root : t->fs->cwd;
	for (;;) {
		struct dentry *child = NULL;
		const char *target, *rest;
		char *buf = expanded[w.links % 2];
		int n;

		r = run_locked(&w, &p, false, &child);
		if (r != STEP_LINK)
			break;
		target = __atomic_load_n(&child->inode->link, __ATOMIC_ACQUIRE);
		rest = w.rest + component(w.rest);
		if (!target || child->inode->ops->follow || w.links >= LX_SYMLINK_MAX / 2 ||
		    (mount_flags(p.mnt) & LX_MS_NOSYMFOLLOW)) {
			r = STEP_SLOW;
			break;
		}
		n = snprintf(buf, sizeof(expanded[0]), "%s%s", target, rest);
		if (n < 0 || (size_t)n >= sizeof(expanded[0])) {
			r = STEP_SLOW;
			break;
		}
		w.links++;
		w.rest = buf;
		if (buf[0] == '/')
			p = w.root;
	}
	if (r == 0 && (slash || (flags & WALK_DIRECTORY)) && !LX_S_ISDIR(inode_mode(p.dentry->inode)))
		r = -LX_ENOTDIR;
	if (r == 0) {
		path_get(&p);
		*out = p;
	}
	tree_read_unlock();
	return r > 0 ? 1 : r;
}

int path_walk(struct task *t, int dirfd, const char *name, uint32_t flags, struct path *out)
{
	struct walk w;
	int r = walk_cached(t, dirfd, name, flags, out);

	if (r <= 0)
		return r;
	r = walk_begin(&w, t, dirfd, name, flags);
	if (r == 0)
		r = walk_all(&w);
	if (r == 0) {
		*out = w.cur;
		w.cur = (struct path){NULL, NULL};
	}
	walk_end(&w);
	return r;
}

int path_walk_user(struct task *t, int dirfd, struct guest_ptr name, uint32_t flags, struct path *out)
{
	char buf[LX_PATH_MAX];
	int64_t n = strncpy_from_user(t->mm, buf, name, sizeof(buf));

	return n < 0 ? (int)n : path_walk(t, dirfd, buf, flags, out);
}

int path_walk_parent(struct task *t, int dirfd, const char *name, struct path *parent,
                     char last[256], bool *trailing_slash)
{
	struct walk w;
	int r = walk_begin(&w, t, dirfd, name, 0);

	if (r == 0)
		r = walk_to_parent(&w);
	if (r == 0) {
		*parent = w.cur;
		w.cur = (struct path){NULL, NULL};
		memcpy(last, w.last, sizeof(w.last));
		if (!last[0])
			memcpy(last, "/", 2);
		*trailing_slash = w.trailing_slash;
	}
	walk_end(&w);
	return r;
}
