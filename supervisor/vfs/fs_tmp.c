/*
 * fs_tmp.c: tmpfs, tmpfs(5): the tree of names and the attributes.  File contents are in tmp_file.c.
 *
 * A directory's entries are a list in order of making, each with a cookie that grows and is never
 * used again: a position in getdents64(2) is a cookie, so entries that come and go in between
 * disturb no reader.  A hash by name serves lookup.  One mutex per file system covers all entries.
 */
#include "supervisor/vfs/tmpfs.h"

#include "common/lx/errno.h"
#include "common/lx/statfs.h"
#include "supervisor/guest.h"
#include "supervisor/mm/mm.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/perm.h"

#define DIR_BUCKETS 16u

struct tmp_entry {
	struct list_head link; /* tmp_dir.entries */
	struct tmp_entry *hash_next;
	struct inode *inode; /* a reference */
	uint64_t cookie;
	uint32_t hash;
	uint16_t len;
	char name[];
};

struct tmp_dir {
	struct list_head entries;
	struct tmp_entry **buckets;
	uint32_t nbuckets, count;
	uint64_t next_cookie;
	struct inode *parent; /* for "..": not a reference, a directory outlives its children */
};

static uint32_t hash_name(const char *s, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)s[i]) * 16777619u;
	return h ^ h >> 15;
}

static struct tmp_sb *sb_of(const struct inode *inode)
{
	return inode->sb->priv;
}

static struct tmp_dir *dir_of(const struct inode *inode)
{
	return inode->priv;
}

static int dir_new(struct tmp_dir **out)
{
	struct tmp_dir *d = calloc(1, sizeof(*d));

	if (!d)
		return -LX_ENOMEM;
	d->nbuckets = DIR_BUCKETS;
	d->buckets = calloc(d->nbuckets, sizeof(*d->buckets));
	if (!d->buckets) {
		free(d);
		return -LX_ENOMEM;
	}
	list_init(&d->entries);
	d->next_cookie = 2;
	*out = d;
	return 0;
}

static struct tmp_entry *find(struct tmp_dir *d, const char *name, size_t len)
{
	uint32_t h = hash_name(name, len);
	struct tmp_entry *e = d->buckets[h % d->nbuckets];

	while (e && !(e->hash == h && e->len == len && memcmp(e->name, name, len) == 0))
		e = e->hash_next;
	return e;
}

static void grow_buckets(struct tmp_dir *d)
{
	uint32_t n = d->nbuckets * 4;
	struct tmp_entry **b = calloc(n, sizeof(*b)), *e;

	if (!b)
		return;
	list_for_each_entry(e, &d->entries, link) {
		e->hash_next = b[e->hash % n];
		b[e->hash % n] = e;
	}
	free(d->buckets);
	d->buckets = b;
	d->nbuckets = n;
}

static struct tmp_entry *entry_new(const char *name)
{
	size_t len = strlen(name);
	struct tmp_entry *e = malloc(sizeof(*e) + len + 1);

	if (!e)
		return NULL;
	memcpy(e->name, name, len + 1);
	e->len = (uint16_t)len;
	e->hash = hash_name(name, len);
	return e;
}

/* Takes over the reference to inode; the file system's lock is held. */
static void entry_add(struct tmp_dir *d, struct tmp_entry *e, struct inode *inode)
{
	if (d->count >= d->nbuckets * 2)
		grow_buckets(d);
	e->inode = inode;
	e->cookie = d->next_cookie++;
	e->hash_next = d->buckets[e->hash % d->nbuckets];
	d->buckets[e->hash % d->nbuckets] = e;
	list_add_tail(&e->link, &d->entries);
	d->count++;
}

/* Unlinks e; its inode reference is the caller's. */
static struct inode *entry_del(struct tmp_dir *d, struct tmp_entry *e)
{
	struct tmp_entry **p = &d->buckets[e->hash % d->nbuckets];
	struct inode *inode = e->inode;

	while (*p != e)
		p = &(*p)->hash_next;
	*p = e->hash_next;
	list_del_init(&e->link);
	d->count--;
	free(e);
	return inode;
}

static void touch(struct inode *inode, bool mtime)
{
	int64_t now = vfs_now();

	pthread_mutex_lock(&inode->lock);
	inode->ctime = now;
	if (mtime)
		inode->mtime = now;
	pthread_mutex_unlock(&inode->lock);
}

static void add_links(struct inode *inode, int n)
{
	pthread_mutex_lock(&inode->lock);
	inode->nlink = (uint32_t)((int)inode->nlink + n);
	inode->ctime = vfs_now();
	pthread_mutex_unlock(&inode->lock);
}

static const struct inode_ops tmp_dir_ops, tmp_link_ops, tmp_special_ops;
static const struct file_ops tmp_dir_fops;

static const struct inode_ops *ops_for(uint32_t mode)
{
	switch (mode & LX_S_IFMT) {
	case LX_S_IFDIR:
		return &tmp_dir_ops;
	case LX_S_IFREG:
		return &tmp_file_inode_ops;
	case LX_S_IFLNK:
		return &tmp_link_ops;
	default:
		return &tmp_special_ops;
	}
}

static bool take_inode(struct tmp_sb *s)
{
	bool ok;

	pthread_mutex_lock(&s->lock);
	ok = s->max_inodes == 0 || s->inodes < s->max_inodes;
	if (ok)
		s->inodes++;
	pthread_mutex_unlock(&s->lock);
	return ok;
}

static void give_inode(struct tmp_sb *s)
{
	pthread_mutex_lock(&s->lock);
	s->inodes--;
	pthread_mutex_unlock(&s->lock);
}

int tmp_inode_new(struct superblock *sb, uint32_t mode, uint32_t uid, uint32_t gid, struct inode **out)
{
	struct tmp_sb *s = sb->priv;
	const struct file_ops *fops = NULL;
	struct tmp_dir *d = NULL;
	struct inode *i;
	int r;

	if (!take_inode(s))
		return -LX_ENOSPC;
	if (LX_S_ISDIR(mode))
		fops = &tmp_dir_fops;
	else if (LX_S_ISREG(mode))
		fops = &tmp_file_ops;
	r = LX_S_ISDIR(mode) ? dir_new(&d) : 0;
	if (r == 0)
		r = inode_new(sb, ops_for(mode), fops, mode, &i);
	if (r < 0) {
		if (d)
			free(d->buckets);
		free(d);
		give_inode(s);
		return r;
	}
	inode_set_owner(i, uid, gid);
	if (d) {
		i->priv = d;
		i->nlink = 2;
		d->parent = i;
	} else if (LX_S_ISREG(mode)) {
		r = tmp_file_init(i);
		if (r < 0) {
			inode_put(i);
			return r;
		}
	}
	*out = i;
	return 0;
}

/* Every inode's end. */
static void tmp_release(struct inode *inode)
{
	struct tmp_sb *s = sb_of(inode);

	if (LX_S_ISDIR(inode_mode(inode))) {
		struct tmp_dir *d = dir_of(inode);
		struct tmp_entry *e, *next;

		list_for_each_entry_safe(e, next, &d->entries, link) {
			list_del_init(&e->link);
			inode_put(e->inode);
			free(e);
		}
		free(d->buckets);
		free(d);
	} else if (LX_S_ISREG(inode_mode(inode))) {
		tmp_file_release(inode);
	}
	tmp_xattrs_free(inode);
	give_inode(s);
}

static int tmp_lookup(struct inode *dir, const char *name, struct inode **out)
{
	struct tmp_sb *s = sb_of(dir);
	struct tmp_entry *e;

	pthread_mutex_lock(&s->lock);
	e = find(dir_of(dir), name, strlen(name));
	if (e)
		*out = inode_get(e->inode);
	pthread_mutex_unlock(&s->lock);
	return e ? 0 : -LX_ENOENT;
}

/* Adds inode (whose reference is consumed on success) as dir/name. */
static int add_name(struct inode *dir, const char *name, struct inode *inode)
{
	struct tmp_sb *s = sb_of(dir);
	struct tmp_entry *e = entry_new(name);
	int r = 0;

	if (!e)
		return -LX_ENOMEM;
	pthread_mutex_lock(&s->lock);
	if (__atomic_load_n(&dir->flags, __ATOMIC_RELAXED) & INODE_DEAD)
		r = -LX_ENOENT;
	else if (find(dir_of(dir), name, e->len))
		r = -LX_EEXIST;
	else
		entry_add(dir_of(dir), e, inode);
	if (r == 0 && LX_S_ISDIR(inode_mode(inode)))
		dir_of(inode)->parent = dir;
	pthread_mutex_unlock(&s->lock);
	if (r < 0) {
		free(e);
		return r;
	}
	if (LX_S_ISDIR(inode_mode(inode)))
		add_links(dir, 1);
	touch(dir, true);
	return 0;
}

static int make(struct inode *dir, const char *name, uint32_t mode, uint64_t rdev,
		const struct cred *cred, struct inode **out)
{
	struct inode *i;
	int r = tmp_inode_new(dir->sb, mode, cred->fsuid, perm_new_gid(cred, dir), &i);

	if (r < 0)
		return r;
	i->rdev = rdev;
	r = add_name(dir, name, inode_get(i));
	if (r < 0) {
		inode_put(i);
		inode_put(i);
		return r;
	}
	*out = i;
	return 0;
}

static int tmp_create(struct inode *dir, const char *name, uint32_t mode, const struct cred *cred,
		      struct inode **out)
{
	return make(dir, name, mode, 0, cred, out);
}

static int tmp_mkdir(struct inode *dir, const char *name, uint32_t mode, const struct cred *cred,
		     struct inode **out)
{
	return make(dir, name, mode, 0, cred, out);
}

static int tmp_mknod(struct inode *dir, const char *name, uint32_t mode, uint64_t rdev,
		     const struct cred *cred, struct inode **out)
{
	return make(dir, name, mode, rdev, cred, out);
}

static int tmp_symlink(struct inode *dir, const char *name, const char *target, const struct cred *cred,
		       struct inode **out)
{
	char *copy = strdup(target);
	struct inode *i;
	int r;

	if (!copy)
		return -LX_ENOMEM;
	r = tmp_inode_new(dir->sb, LX_S_IFLNK | 0777, cred->fsuid, perm_new_gid(cred, dir), &i);
	if (r < 0) {
		free(copy);
		return r;
	}
	i->link = copy;
	i->size = strlen(copy);
	r = add_name(dir, name, inode_get(i));
	if (r < 0) {
		inode_put(i);
		inode_put(i);
		return r;
	}
	*out = i;
	return 0;
}

static int tmp_link(struct inode *dir, const char *name, struct inode *target)
{
	int r = add_name(dir, name, inode_get(target));

	if (r < 0)
		inode_put(target);
	else
		add_links(target, 1);
	return r;
}

static int tmp_tmpfile(struct inode *dir, uint32_t mode, const struct cred *cred, struct inode **out)
{
	int r = tmp_inode_new(dir->sb, mode, cred->fsuid, perm_new_gid(cred, dir), out);

	if (r == 0)
		(*out)->nlink = 0;
	return r;
}

static int remove_name(struct inode *dir, const char *name, bool want_dir)
{
	struct tmp_sb *s = sb_of(dir);
	struct tmp_entry *e;
	struct inode *victim = NULL;
	int r = 0;

	pthread_mutex_lock(&s->lock);
	e = find(dir_of(dir), name, strlen(name));
	if (!e) {
		r = -LX_ENOENT;
	} else if (want_dir && dir_of(e->inode)->count > 0) {
		r = -LX_ENOTEMPTY;
	} else {
		victim = entry_del(dir_of(dir), e);
		if (want_dir)
			__atomic_fetch_or(&victim->flags, INODE_DEAD, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&s->lock);
	if (r < 0)
		return r;
	add_links(victim, want_dir ? -2 : -1);
	if (want_dir)
		add_links(dir, -1);
	touch(dir, true);
	inode_put(victim);
	return 0;
}

static int tmp_unlink(struct inode *dir, const char *name, struct inode *victim)
{
	(void)victim;
	return remove_name(dir, name, false);
}

static int tmp_rmdir(struct inode *dir, const char *name, struct inode *victim)
{
	(void)victim;
	return remove_name(dir, name, true);
}

/* A directory moved: its "..", and the link that ".." is. */
static void reparent(struct inode *inode, struct inode *from, struct inode *to)
{
	if (!LX_S_ISDIR(inode_mode(inode)) || from == to)
		return;
	dir_of(inode)->parent = to;
	add_links(from, -1);
	add_links(to, 1);
}

static void exchange(struct inode *dir, struct tmp_entry *a, struct inode *newdir, struct tmp_entry *b)
{
	struct inode *inode = a->inode;

	a->inode = b->inode;
	b->inode = inode;
	reparent(b->inode, dir, newdir);
	reparent(a->inode, newdir, dir);
}

static int tmp_rename(struct inode *dir, const char *name, struct inode *moved, struct inode *newdir,
		      const char *newname, struct inode *victim, uint32_t flags)
{
	struct tmp_sb *s = sb_of(dir);
	struct tmp_entry *fresh = entry_new(newname), *from, *to;
	struct inode *dropped = NULL;
	int r = 0;

	(void)victim;
	if (!fresh)
		return -LX_ENOMEM;
	pthread_mutex_lock(&s->lock);
	from = find(dir_of(dir), name, strlen(name));
	to = find(dir_of(newdir), newname, fresh->len);
	if (!from || ((flags & LX_RENAME_EXCHANGE) && !to)) {
		r = -LX_ENOENT;
	} else if (flags & LX_RENAME_EXCHANGE) {
		exchange(dir, from, newdir, to);
	} else if (to && LX_S_ISDIR(inode_mode(to->inode)) && dir_of(to->inode)->count > 0) {
		r = -LX_ENOTEMPTY;
	} else {
		if (to)
			dropped = entry_del(dir_of(newdir), to);
		entry_add(dir_of(newdir), fresh, entry_del(dir_of(dir), from));
		fresh = NULL;
		reparent(moved, dir, newdir);
		if (dropped && LX_S_ISDIR(inode_mode(dropped)))
			__atomic_fetch_or(&dropped->flags, INODE_DEAD, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&s->lock);
	free(fresh);
	if (r < 0)
		return r;
	if (dropped) {
		add_links(dropped, LX_S_ISDIR(inode_mode(dropped)) ? -2 : -1);
		if (LX_S_ISDIR(inode_mode(dropped)))
			add_links(newdir, -1);
		inode_put(dropped);
	}
	touch(moved, false);
	touch(dir, true);
	if (newdir != dir)
		touch(newdir, true);
	return 0;
}

static int tmp_readlink(struct task *t, struct inode *inode, char **out)
{
	(void)t;
	*out = strdup(inode->link);
	return *out ? 0 : -LX_ENOMEM;
}

/* Entries are given with the lock dropped: the callback writes to guest memory. */
static int tmp_readdir(struct task *t, struct file *f, vfs_filldir *fill, void *opaque)
{
	struct inode *dir = f->inode;
	struct tmp_sb *s = sb_of(dir);

	(void)t;
	for (;;) {
		char name[LX_NAME_MAX + 1];
		struct tmp_entry *e, *next = NULL;
		uint64_t ino = 0, cookie = 0;
		uint8_t type = 0;
		size_t len = 0;

		pthread_mutex_lock(&s->lock);
		list_for_each_entry(e, &dir_of(dir)->entries, link) {
			if (e->cookie >= (uint64_t)f->pos) {
				next = e;
				break;
			}
		}
		if (next) {
			len = next->len;
			memcpy(name, next->name, len + 1);
			ino = next->inode->ino;
			type = (uint8_t)LX_DT(next->inode->mode);
			cookie = next->cookie;
		}
		pthread_mutex_unlock(&s->lock);
		if (!next || !fill(opaque, name, len, ino, type, cookie + 1))
			return 0;
		f->pos = (int64_t)cookie + 1;
	}
}

static int tmp_fsync(struct file *f, bool data_only)
{
	(void)f;
	(void)data_only;
	return 0;
}

int tmp_setattr(struct inode *inode, uint32_t mask, const struct vfs_attr *attr, struct file *file)
{
	int64_t now = vfs_now();

	(void)file;
	if (mask & VFS_SET_SIZE) {
		int r = LX_S_ISREG(inode_mode(inode)) ? tmp_file_truncate(inode, attr->size) : -LX_EINVAL;

		if (r < 0)
			return r;
	}
	pthread_mutex_lock(&inode->lock);
	if (mask & VFS_SET_MODE)
		inode_set_mode(inode, (inode->mode & LX_S_IFMT) | (attr->mode & LX_S_IALLUGO));
	inode_set_owner(inode, (mask & VFS_SET_UID) ? attr->uid : inode->uid,
			(mask & VFS_SET_GID) ? attr->gid : inode->gid);
	if (mask & VFS_SET_ATIME)
		inode->atime = attr->atime;
	if (mask & VFS_SET_MTIME)
		inode->mtime = attr->mtime;
	if (mask & VFS_SET_ATIME_NOW)
		inode->atime = now;
	if (mask & (VFS_SET_MTIME_NOW | VFS_SET_SIZE))
		inode->mtime = now;
	inode->ctime = now;
	pthread_mutex_unlock(&inode->lock);
	return 0;
}

#define TMP_COMMON_OPS                                                                          \
	.setattr = tmp_setattr, .getxattr = tmp_getxattr, .setxattr = tmp_setxattr,             \
	.listxattr = tmp_listxattr, .removexattr = tmp_removexattr, .release = tmp_release

static const struct inode_ops tmp_dir_ops = {
	.lookup = tmp_lookup,
	.create = tmp_create,
	.mkdir = tmp_mkdir,
	.mknod = tmp_mknod,
	.symlink = tmp_symlink,
	.link = tmp_link,
	.unlink = tmp_unlink,
	.rmdir = tmp_rmdir,
	.rename = tmp_rename,
	.tmpfile = tmp_tmpfile,
	TMP_COMMON_OPS,
};
static const struct inode_ops tmp_link_ops = {.readlink = tmp_readlink, TMP_COMMON_OPS};
static const struct inode_ops tmp_special_ops = {TMP_COMMON_OPS};
const struct inode_ops tmp_file_inode_ops = {.getattr = tmp_file_getattr, TMP_COMMON_OPS};
static const struct file_ops tmp_dir_fops = {.readdir = tmp_readdir, .fsync = tmp_fsync};

static int tmp_statfs(struct superblock *sb, struct inode *inode, void *out)
{
	struct tmp_sb *s = sb->priv;
	struct lx_statfs *st = out;

	(void)inode;
	pthread_mutex_lock(&s->lock);
	st->f_blocks = s->max_bytes / 4096;
	st->f_bfree = s->max_bytes > s->bytes ? (s->max_bytes - s->bytes) / 4096 : 0;
	st->f_bavail = st->f_bfree;
	st->f_files = s->max_inodes;
	st->f_ffree = s->max_inodes > s->inodes ? s->max_inodes - s->inodes : 0;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static void tmp_release_sb(struct superblock *sb)
{
	struct tmp_sb *s = sb->priv;

	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* "64m", "50%" of memory; 0 or -LX_EINVAL. */
static int parse_size(const char *v, uint64_t memory, uint64_t *out)
{
	char *end;
	unsigned long long n;

	if (*v < '0' || *v > '9')
		return -LX_EINVAL;
	n = strtoull(v, &end, 10);
	switch (*end) {
	case 'k':
	case 'K':
		if (mul_overflows(n, 1024ull, &n))
			return -LX_EINVAL;
		end++;
		break;
	case 'm':
	case 'M':
		if (mul_overflows(n, 1024ull * 1024, &n))
			return -LX_EINVAL;
		end++;
		break;
	case 'g':
	case 'G':
		if (mul_overflows(n, 1024ull * 1024 * 1024, &n))
			return -LX_EINVAL;
		end++;
		break;
	case '%':
		if (n > 100)
			return -LX_EINVAL;
		n = memory / 100 * n;
		end++;
		break;
	default:
		break;
	}
	*out = n;
	return *end ? -LX_EINVAL : 0;
}

struct tmp_options {
	uint64_t size, inodes, memory;
	uint32_t mode, uid, gid;
};

static int parse_option(const char *key, const char *value, struct tmp_options *o)
{
	char *end = NULL;
	uint64_t n = 0;
	int r = 0;

	if (!strcmp(key, "size"))
		return parse_size(value, o->memory, &o->size);
	if (!strcmp(key, "nr_inodes"))
		return parse_size(value, 0, &o->inodes);
	if (!strcmp(key, "nr_blocks")) {
		r = parse_size(value, 0, &n);
		return r < 0 || mul_overflows(n, (uint64_t)4096, &o->size) ? -LX_EINVAL : 0;
	}
	if (!strcmp(key, "mode"))
		o->mode = (uint32_t)strtoul(value, &end, 8) & LX_S_IALLUGO;
	else if (!strcmp(key, "uid"))
		o->uid = (uint32_t)strtoul(value, &end, 10);
	else if (!strcmp(key, "gid"))
		o->gid = (uint32_t)strtoul(value, &end, 10);
	else /* huge=, mpol=, inode64, noswap... change nothing here */
		return 0;
	return *value && !*end ? 0 : -LX_EINVAL;
}

static int parse_options(const char *options, struct tmp_options *o)
{
	char *copy = strdup(options), *save = NULL;
	int r = copy ? 0 : -LX_ENOMEM;

	for (char *s = copy ? strtok_r(copy, ",", &save) : NULL; s && r == 0;
	     s = strtok_r(NULL, ",", &save)) {
		char *eq = strchr(s, '=');

		if (eq)
			*eq++ = '\0';
		r = parse_option(s, eq ? eq : s + strlen(s), o);
	}
	free(copy);
	return r;
}

int fs_tmp_mount(struct guest *g, const char *options, struct superblock **out)
{
	struct arena_stats stats = {0};
	struct tmp_options o = {.mode = 01777};
	struct superblock *sb;
	struct tmp_sb *s;
	char text[64];
	int r;

	if (g->arena)
		arena_get_stats(g->arena, &stats);
	o.memory = stats.frames_total * 4096;
	o.size = o.memory / 2;
	o.inodes = stats.frames_total / 2;
	r = parse_options(options ? options : "", &o);
	if (r < 0)
		return r;
	r = superblock_new(g, "tmpfs", LX_TMPFS_MAGIC, &sb);
	if (r < 0)
		return r;
	s = calloc(1, sizeof(*s));
	if (!s) {
		superblock_put(sb);
		return -LX_ENOMEM;
	}
	pthread_mutex_init(&s->lock, NULL);
	s->max_bytes = o.size;
	s->max_inodes = o.inodes;
	sb->priv = s;
	sb->statfs = tmp_statfs;
	sb->release = tmp_release_sb;
	snprintf(text, sizeof(text), "size=%lluk,mode=%o", (unsigned long long)(o.size / 1024), o.mode);
	sb->options = strdup(text);
	r = tmp_inode_new(sb, LX_S_IFDIR | o.mode, o.uid, o.gid, &sb->root);
	if (r < 0) {
		superblock_put(sb);
		return r;
	}
	*out = sb;
	return 0;
}
