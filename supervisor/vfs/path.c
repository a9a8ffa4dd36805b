/*
 * path.c: names of places (getcwd, /proc), names from the guest, and the root and working
 * directory that walks start from.
 */
#include "common/lx/errno.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/mount.h"
#include "supervisor/vfs/dcache.h"

/* A string built from its end. */
struct rname {
	char *buf;
	size_t size, start;
	bool failed;
};

static void rname_prepend(struct rname *n, const char *s, size_t len)
{
	if (n->failed)
		return;
	if (len > n->start) {
		size_t size = n->size * 2 + len, used = n->size - n->start;
		char *buf = malloc(size);

		if (!buf) {
			n->failed = true;
			return;
		}
		if (n->buf)
			memcpy(buf + size - used, n->buf + n->start, used);
		free(n->buf);
		n->buf = buf;
		n->start = size - used;
		n->size = size;
	}
	n->start -= len;
	memcpy(n->buf + n->start, s, len);
}

static int rname_finish(struct rname *n, char **out)
{
	size_t used = n->size - n->start;

	if (!n->failed) {
		*out = malloc(used + 1);
		if (*out) {
			if (used > 0)
				memcpy(*out, n->buf + n->start, used);
			(*out)[used] = '\0';
		}
	}
	free(n->buf);
	return n->failed || !*out ? -LX_ENOMEM : 0;
}

static void prepend_component(struct rname *n, const struct dentry *d)
{
	rname_prepend(n, d->name, d->name_len);
	rname_prepend(n, "/", 1);
}

/* From p up to root; false when root was not met on the way. */
static bool name_upwards(struct rname *n, struct path p, const struct path *root)
{
	for (;;) {
		if (p.mnt == root->mnt && p.dentry == root->dentry)
			return true;
		if (p.mnt && p.dentry == p.mnt->root) {
			if (!p.mnt->parent)
				return false;
			p.dentry = p.mnt->mountpoint;
			p.mnt = p.mnt->parent;
		} else if (p.dentry->parent) {
			prepend_component(n, p.dentry);
			p.dentry = p.dentry->parent;
		} else {
			return false;
		}
	}
}

int path_name(struct task *t, const struct path *p, char **out)
{
	struct rname n = {0};
	struct path root;
	bool reached;

	*out = NULL;
	if (dentry_flags(p->dentry) & DENTRY_ANON) {
		*out = strdup(p->dentry->name);
		return *out ? 0 : -LX_ENOMEM;
	}
	pthread_mutex_lock(&t->fs->lock);
	root = t->fs->root;
	path_get(&root);
	pthread_mutex_unlock(&t->fs->lock);
	tree_read_lock();
	if (dentry_flags(p->dentry) & DENTRY_DELETED)
		rname_prepend(&n, " (deleted)", 10);
	{
		size_t before = n.size - n.start;

		reached = name_upwards(&n, *p, &root);
		if (n.size - n.start == before)
			rname_prepend(&n, "/", 1);
	}
	/* A lazily unmounted or outside place, and the global root seen from a chroot. */
	if (!reached && !(p->mnt && p->mnt == t->guest->root_mount && p->dentry == p->mnt->root &&
	                  root.mnt == p->mnt && root.dentry == p->dentry))
		rname_prepend(&n, "(unreachable)", 13);
	tree_read_unlock();
	path_put(&root);
	return rname_finish(&n, out);
}

int dentry_name_in_fs(struct dentry *d, char **out)
{
	struct rname n = {0};

	*out = NULL;
	tree_read_lock();
	if (!d->parent)
		rname_prepend(&n, "/", 1);
	for (; d->parent; d = d->parent)
		prepend_component(&n, d);
	tree_read_unlock();
	return rname_finish(&n, out);
}

int path_from_user(struct task *t, struct guest_ptr p, char **out)
{
	char buf[LX_PATH_MAX];
	int64_t n = strncpy_from_user(t->mm, buf, p, sizeof(buf));

	if (n < 0)
		return (int)n;
	*out = malloc((size_t)n + 1);
	if (!*out)
		return -LX_ENOMEM;
	memcpy(*out, buf, (size_t)n);
	(*out)[n] = '\0';
	return 0;
}

int fs_context_new(const struct path *root, struct fs_context **out)
{
	struct fs_context *fs = calloc(1, sizeof(*fs));

	if (!fs)
		return -LX_ENOMEM;
	fs->refs = 1;
	fs->umask = 022;
	fs->root = *root;
	fs->cwd = *root;
	path_get(root);
	path_get(root);
	pthread_mutex_init(&fs->lock, NULL);
	*out = fs;
	return 0;
}

void fs_context_set(struct fs_context *fs, struct path *place, const struct path *p)
{
	struct path old;

	/* Walks under the tree lock use the place without a reference. */
	tree_write_lock();
	pthread_mutex_lock(&fs->lock);
	old = *place;
	*place = *p;
	pthread_mutex_unlock(&fs->lock);
	tree_write_unlock();
	path_put(&old);
}

int fs_context_copy(struct fs_context *fs, struct fs_context **out)
{
	struct fs_context *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return -LX_ENOMEM;
	copy->refs = 1;
	pthread_mutex_init(&copy->lock, NULL);
	pthread_mutex_lock(&fs->lock);
	copy->umask = fs->umask;
	copy->root = fs->root;
	copy->cwd = fs->cwd;
	path_get(&copy->root);
	path_get(&copy->cwd);
	pthread_mutex_unlock(&fs->lock);
	*out = copy;
	return 0;
}

struct fs_context *fs_context_get(struct fs_context *fs)
{
	__atomic_fetch_add(&fs->refs, 1, __ATOMIC_RELAXED);
	return fs;
}

void fs_context_put(struct fs_context *fs)
{
	if (!fs || __atomic_fetch_sub(&fs->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	path_put(&fs->root);
	path_put(&fs->cwd);
	pthread_mutex_destroy(&fs->lock);
	free(fs);
}
