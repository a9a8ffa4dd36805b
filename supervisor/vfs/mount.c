/*
 * mount.c: mounts and references to them.  The list of mounts and their places belong to the
 * tree lock.  A mount is found by the dentry it covers and the mount that dentry was reached by.
 */
#include "supervisor/vfs/mount.h"

#include "common/lx/errno.h"
#include "common/lx/statfs.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/dcache.h"

static struct list_head mounts = LIST_HEAD_INIT(mounts);
static int next_id = 20;

/* One mount less, or none was made: nothing leads to an unmounted file system's root any more. */
static void superblock_unmounted(struct superblock *sb)
{
	struct inode *root;

	if (__atomic_fetch_sub(&sb->mounts, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	dentry_drop_superblock(sb);
	root = sb->root;
	sb->root = NULL;
	if (root)
		inode_put(root);
}

struct mount *mount_get(struct mount *m)
{
	if (m)
		__atomic_fetch_add(&m->refs, 1, __ATOMIC_RELAXED);
	return m;
}

void mount_put(struct mount *m)
{
	if (!m || __atomic_fetch_sub(&m->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	dentry_put(m->root);
	superblock_unmounted(m->sb);
	superblock_put(m->sb);
	free(m->source);
	free(m);
}

void path_get(const struct path *p)
{
	mount_get(p->mnt);
	dentry_get(p->dentry);
}

void path_put(struct path *p)
{
	if (p->dentry)
		dentry_put(p->dentry);
	mount_put(p->mnt);
	p->dentry = NULL;
	p->mnt = NULL;
}

struct inode *inode_at(const struct path *p)
{
	return p->dentry->inode;
}

int vfs_root_path(struct guest *g, struct path *out)
{
	if (!g->root_mount)
		return -LX_ENOENT;
	tree_read_lock();
	out->mnt = g->root_mount;
	out->dentry = g->root_mount->root;
	path_get(out);
	tree_read_unlock();
	return 0;
}

struct mount *mount_find_locked(const struct mount *mnt, const struct dentry *d)
{
	struct mount *m;

	list_for_each_entry (m, &mounts, link) {
		if (m->parent == mnt && m->mountpoint == d)
			return m;
	}
	return NULL;
}

int mount_want_write(const struct mount *m)
{
	if (!m)
		return 0;
	return (mount_flags(m) & LX_MS_RDONLY) || (m->sb->flags & SB_RDONLY) ? -LX_EROFS : 0;
}

/* A mount of root, which gains a reference; not attached. */
static int mount_new(struct superblock *sb, struct dentry *root, uint32_t flags, const char *source,
                     struct mount **out)
{
	struct mount *m = calloc(1, sizeof(*m));

	if (!m)
		return -LX_ENOMEM;
	m->source = strdup(source && *source ? source : "none");
	if (!m->source) {
		free(m);
		return -LX_ENOMEM;
	}
	m->refs = 1;
	m->flags = flags;
	m->sb = sb;
	superblock_get(sb);
	__atomic_fetch_add(&sb->mounts, 1, __ATOMIC_RELAXED);
	m->root = dentry_get(root);
	list_init(&m->link);
	*out = m;
	return 0;
}

/* The dentry of a file system's root: one more for each time it is mounted anew. */
static int root_dentry(struct superblock *sb, struct dentry **out)
{
	int r = dentry_new(NULL, "/", 1, sb->root, out);

	if (r == 0)
		inode_get(sb->root);
	return r;
}

/* A mount of the file system's root; takes over the reference to sb, also on failure. */
static int mount_superblock(struct superblock *sb, uint32_t flags, const char *source,
                            struct mount **out)
{
	struct dentry *root;
	int r;

	/* Counts as a mount until there is one, so that failing takes the root away. */
	__atomic_fetch_add(&sb->mounts, 1, __ATOMIC_RELAXED);
	r = root_dentry(sb, &root);
	if (r == 0) {
		r = mount_new(sb, root, flags, source, out);
		dentry_put(root);
	}
	superblock_unmounted(sb);
	superblock_put(sb);
	return r;
}

int vfs_mount_root(struct guest *g, struct superblock *sb, struct mount **out)
{
	int r = mount_superblock(sb, (sb->flags & SB_RDONLY) ? LX_MS_RDONLY : 0, "overlay", out);

	if (r < 0)
		return r;
	tree_write_lock();
	(*out)->id = next_id++;
	list_add_tail(&(*out)->link, &mounts);
	tree_write_unlock();
	g->root_mount = *out;
	return 0;
}

/* Puts m on top of the place; the tree lock is held.  Takes over m's first reference. */
static int attach_locked(struct mount *m, const struct path *at)
{
	struct mount *parent = at->mnt, *over;
	struct dentry *point = at->dentry;

	if (!parent || (parent->parent == NULL && list_empty(&parent->link)))
		return -LX_EINVAL;
	if (LX_S_ISDIR(inode_mode(m->root->inode)) != LX_S_ISDIR(inode_mode(point->inode)))
		return -LX_ENOTDIR;
	if (dentry_flags(point) & DENTRY_DELETED)
		return -LX_ENOENT;
	while ((over = mount_find_locked(parent, point)) != NULL) {
		parent = over;
		point = over->root;
	}
	m->parent = mount_get(parent);
	m->mountpoint = dentry_get(point);
	point->mounts++;
	m->id = next_id++;
	list_add_tail(&m->link, &mounts);
	return 0;
}

int mount_attach(struct mount *m, const struct path *at)
{
	int r;

	tree_write_lock();
	r = attach_locked(m, at);
	tree_write_unlock();
	return r;
}

int vfs_mount_at(struct guest *g, const struct path *at, struct superblock *sb, uint32_t flags,
                 const char *source)
{
	struct mount *m;
	int r = mount_superblock(sb, flags, source, &m);

	(void)g;
	if (r < 0)
		return r;
	r = mount_attach(m, at);
	if (r < 0)
		mount_put(m);
	return r;
}

/* A copy of one mount, showing root instead of its own. */
static int clone_mount(const struct mount *m, struct dentry *root, struct mount **out)
{
	return mount_new(m->sb, root, mount_flags(m), m->source, out);
}

static bool is_below(const struct dentry *d, const struct dentry *ancestor)
{
	for (; d; d = d->parent) {
		if (d == ancestor)
			return true;
	}
	return false;
}

/* Whether m is what was mounted at top, or something mounted somewhere below it. */
static bool mount_below(const struct mount *m, const struct mount *top)
{
	for (; m; m = m->parent) {
		if (m == top)
			return true;
	}
	return false;
}

/* The mount after prev in the subtree that a recursive bind copies; with a reference. */
static struct mount *next_submount(const struct path *from, int after_id, struct path *point)
{
	struct mount *m;

	tree_read_lock();
	list_for_each_entry (m, &mounts, link) {
		if (m->id > after_id && m->parent == from->mnt &&
		    is_below(m->mountpoint, from->dentry)) {
			mount_get(m);
			point->dentry = dentry_get(m->mountpoint);
			tree_read_unlock();
			return m;
		}
	}
	tree_read_unlock();
	return NULL;
}

static int bind_children(const struct path *from, struct mount *onto, unsigned depth)
{
	struct path point = {onto, NULL};
	struct mount *child;
	int after = 0, last, r = 0;

	tree_read_lock();
	last = next_id;
	tree_read_unlock();
	if (depth > 32)
		return -LX_ELOOP;
	while (r == 0 && (child = next_submount(from, after, &point)) != NULL) {
		struct path child_root = {child, child->root};
		struct mount *copy = NULL;

		after = child->id;
		if (after >= last || child == onto) {
			dentry_put(point.dentry);
			mount_put(child);
			continue;
		}
		r = clone_mount(child, child->root, &copy);
		if (r == 0) {
			r = mount_attach(copy, &point);
			if (r < 0)
				mount_put(copy);
			else
				r = bind_children(&child_root, copy, depth + 1);
		}
		dentry_put(point.dentry);
		mount_put(child);
	}
	return r;
}

int mount_bind(const struct path *from, const struct path *at, bool recursive)
{
	struct mount *m;
	int r;

	if (!from->mnt)
		return -LX_EINVAL;
	r = clone_mount(from->mnt, from->dentry, &m);
	if (r < 0)
		return r;
	r = mount_attach(m, at);
	if (r < 0) {
		mount_put(m);
		return r;
	}
	return recursive ? bind_children(from, m, 0) : 0;
}

/* Takes m out of the tree; the tree lock is held.  The caller drops *point, its parent and m. */
static void detach_locked(struct mount *m, struct path *point)
{
	point->mnt = m->parent;
	point->dentry = m->mountpoint;
	if (m->mountpoint)
		m->mountpoint->mounts--;
	m->parent = NULL;
	m->mountpoint = NULL;
	list_del_init(&m->link);
}

/* The youngest mount of the subtree under m; the tree lock is held. */
static struct mount *leaf_locked(struct mount *m)
{
	struct mount *c;

	list_for_each_entry (c, &mounts, link) {
		if (c->parent == m)
			return leaf_locked(c);
	}
	return m;
}

static int detach_one(struct mount *top, struct mount *m, bool lazy)
{
	struct path point;

	/* For being mounted, the caller's walk, and what cached names do not hold. */
	if (!lazy && __atomic_load_n(&m->refs, __ATOMIC_ACQUIRE) > (m == top ? 2u : 1u)) {
		tree_write_unlock();
		return -LX_EBUSY;
	}
	detach_locked(m, &point);
	tree_write_unlock();
	path_put(&point);
	mount_put(m);
	return 0;
}

int mount_detach(struct mount *m, bool lazy)
{
	for (;;) {
		struct mount *leaf;
		int r;

		tree_write_lock();
		if (!m->parent) {
			tree_write_unlock();
			return -LX_EINVAL;
		}
		leaf = leaf_locked(m);
		if (leaf != m && !lazy) {
			tree_write_unlock();
			return -LX_EBUSY;
		}
		r = detach_one(m, leaf, lazy);
		if (r < 0 || leaf == m)
			return r;
	}
}

void vfs_unmount_all(struct guest *g)
{
	for (;;) {
		struct path point = {NULL, NULL};
		struct mount *m = NULL;

		tree_write_lock();
		/* The youngest first: nothing is mounted on it. */
		if (!list_empty(&mounts)) {
			m = list_entry(mounts.prev, struct mount, link);
			detach_locked(m, &point);
		}
		tree_write_unlock();
		if (!m)
			break;
		path_put(&point);
		mount_put(m);
	}
	g->root_mount = NULL;
}

int mount_remount(struct mount *m, uint32_t flags)
{
	const uint32_t keep = LX_MS_RDONLY | LX_MS_NOSUID | LX_MS_NODEV | LX_MS_NOEXEC |
	                      LX_MS_NOATIME | LX_MS_NODIRATIME | LX_MS_RELATIME | LX_MS_NOSYMFOLLOW;

	if (!(flags & LX_MS_RDONLY) && (m->sb->flags & SB_RDONLY))
		return -LX_EROFS;
	__atomic_store_n(&m->flags, flags & keep, __ATOMIC_RELAXED);
	return 0;
}

int mount_move(struct mount *m, const struct path *at)
{
	struct path old = {NULL, NULL};
	int r = -LX_EINVAL;

	tree_write_lock();
	if (m->parent && !mount_below(at->mnt, m)) {
		detach_locked(m, &old);
		r = attach_locked(m, at);
		if (r < 0) {
			/* Back to where it was. */
			m->parent = mount_get(old.mnt);
			m->mountpoint = dentry_get(old.dentry);
			old.dentry->mounts++;
			list_add_tail(&m->link, &mounts);
		}
	} else if (m->parent) {
		r = -LX_ELOOP;
	}
	tree_write_unlock();
	path_put(&old);
	return r;
}

int mount_pivot(struct guest *g, const struct path *new_root, const struct path *put_old,
                struct mount **old_root)
{
	struct path old = {NULL, NULL}, at = *put_old;
	struct mount *root = g->root_mount, *m = new_root->mnt;
	int r = -LX_EINVAL;

	tree_write_lock();
	if (m == root || put_old->mnt == root) {
		r = -LX_EBUSY;
	} else if (m && m->parent && m->root == new_root->dentry && mount_below(put_old->mnt, m) &&
	           is_below(put_old->dentry, m->root)) {
		detach_locked(m, &old);
		list_add(&m->link, &mounts);
		list_del_init(&root->link);
		r = attach_locked(root, &at);
		if (r == 0) {
			g->root_mount = m;
		} else {
			list_add(&root->link, &mounts);
			list_del_init(&m->link);
			m->parent = mount_get(old.mnt);
			m->mountpoint = dentry_get(old.dentry);
			old.dentry->mounts++;
			list_add_tail(&m->link, &mounts);
		}
	}
	if (r == 0)
		*old_root = mount_get(root);
	tree_write_unlock();
	path_put(&old);
	return r;
}

/* The mount whose id is the smallest above after; with a reference. */
static struct mount *next_mount(int after)
{
	struct mount *m, *best = NULL;

	tree_read_lock();
	list_for_each_entry (m, &mounts, link) {
		if (m->id > after && (!best || m->id < best->id))
			best = m;
	}
	mount_get(best);
	tree_read_unlock();
	return best;
}

/* One mount's strings, as seen by t. */
static int visit_mount(struct task *t, struct mount *m,
                       int (*visit)(void *opaque, const struct mount_info *m), void *opaque)
{
	struct path top = {m, m->root};
	struct mount_info info = {.id = m->id,
	                          .dev = m->sb->dev,
	                          .flags = mount_flags(m) |
	                                   ((m->sb->flags & SB_RDONLY) ? LX_MS_RDONLY : 0),
	                          .source = m->source,
	                          .type = m->sb->type,
	                          .options = m->sb->options};
	char *target = NULL, *root = NULL;
	int r;

	tree_read_lock();
	info.parent_id = m->parent ? m->parent->id : 1;
	tree_read_unlock();
	r = path_name(t, &top, &target);
	if (r == 0 && target[0] == '/') {
		r = dentry_name_in_fs(m->root, &root);
		if (r == 0) {
			info.target = target;
			info.root = root;
			r = visit(opaque, &info);
		}
	}
	free(root);
	free(target);
	return r;
}

int vfs_for_each_mount(struct task *t, int (*visit)(void *opaque, const struct mount_info *m),
                       void *opaque)
{
	struct mount *m;
	int id = 0, r = 0;

	while (r == 0 && (m = next_mount(id)) != NULL) {
		id = m->id;
		r = visit_mount(t, m, visit, opaque);
		mount_put(m);
	}
	return r;
}

void vfs_sync_all(struct guest *g)
{
	struct mount *m;
	int id = 0;

	(void)g;
	while ((m = next_mount(id)) != NULL) {
		id = m->id;
		if (m->sb->sync)
			(void)!m->sb->sync(m->sb);
		mount_put(m);
	}
}
