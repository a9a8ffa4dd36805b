/* overlay.c: see overlay.h. */
#include "fsd/overlay.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/plat/errno.h"
#include "common/plat/fs.h"
#include "fsd/path.h"

bool overlay_is_whiteout(const struct mount *m, unsigned layer, mode_t mode)
{
	return S_ISFIFO(mode) && m->layer[layer].origin == META_STORE;
}

static bool is_upper(const struct mount *m, unsigned layer)
{
	return layer == 0 && m->has_upper;
}

/* True if the directory dir/name hides what the layers below have. */
static bool is_opaque(int dir, const char *name)
{
	char value[2];

	return plat_xattr_get(dir, name, META_XATTR_OPAQUE, value, sizeof(value)) == 1 &&
	       value[0] == 'y';
}

uint64_t overlay_ino(const struct mount *m, unsigned layer, int dir, const char *name,
                     const struct stat *st)
{
	uint64_t ino = st->st_ino;
	char text[24], *end;
	ssize_t n;

	if (m->bind || m->layer[layer].origin == META_FOREIGN) {
		/* Objects of several host file systems meet here: mix the device in. */
		ino ^= (uint64_t)(major(st->st_dev) * 257u + minor(st->st_dev) + 1u) << 40;
		return ino ? ino : 1;
	}
	if (dir < 0 || !is_upper(m, layer) || m->layer_count == 1 || !S_ISREG(st->st_mode))
		return ino;
	n = plat_xattr_get(dir, name, META_XATTR_ORIGIN, text, sizeof(text) - 1);
	if (n <= 0)
		return ino;
	text[n] = '\0';
	ino = strtoull(text, &end, 10);
	return *end || ino == 0 ? st->st_ino : ino;
}

/* Walks a path through the layers below the upper and says which hold it as a directory. */
static int lower_walk(struct mount *m, const char *path, struct layer_set *in)
{
	char part[FSD_REDIRECT_MAX + 1];
	size_t len = 0;
	struct layer_set alive = {{0}};

	for (unsigned i = 1; i < m->layer_count; i++)
		layer_set_add(&alive, i);
	while (path[len]) {
		struct layer_set next = {{0}};

		len += strcspn(path + len, "/");
		if (len >= sizeof(part))
			return -LX_ENAMETOOLONG;
		memcpy(part, path, len);
		part[len] = '\0';
		for (unsigned i = 1; i < m->layer_count; i++) {
			int fd = layer_set_has(&alive, i)
			             ? plat_open_beneath(m->layer[i].fd, part, O_PATH, 0)
			             : -LX_ENOENT;
			struct stat st;
			int bad = fd >= 0 && fstat(fd, &st) < 0;

			if (fd >= 0)
				close(fd);
			if (fd == -LX_ENOENT)
				continue;
			if (fd < 0 || bad || !S_ISDIR(st.st_mode))
				break;
			layer_set_add(&next, i);
			if (is_opaque(m->layer[i].fd, part))
				break;
		}
		alive = next;
		len += strspn(path + len, "/");
	}
	for (unsigned i = 1; i < m->layer_count; i++)
		if (layer_set_has(&alive, i))
			layer_set_add(in, i);
	return 0;
}

/* The upper directory dfd/name may say that its lower part is elsewhere. */
static int read_redirect(struct mount *m, int dfd, const char *name, struct found *f)
{
	char path[FSD_REDIRECT_MAX + 1];
	ssize_t n = plat_xattr_get(dfd, name, META_XATTR_REDIR, path, FSD_REDIRECT_MAX);

	if (n == -LX_ENODATA || n == -LX_EOPNOTSUPP)
		return 0;
	if (n < 0)
		return (int)n;
	path[n] = '\0';
	f->redirect = strdup(path);
	if (!f->redirect)
		return -LX_ENOMEM;
	if (lower_walk(m, path, &f->in) < 0)
		return -LX_EIO;
	return 1;
}

/* A directory was found in layer i: adds it, and says whether to look further down. */
static int add_dir_layer(struct mount *m, unsigned i, int dfd, const char *name, struct found *f)
{
	layer_set_add(&f->in, i);
	if (i + 1 >= m->layer_count || m->layer[i].origin == META_FOREIGN)
		return 1;
	if (is_opaque(dfd, name))
		return 1;
	return is_upper(m, i) ? read_redirect(m, dfd, name, f) : 0;
}

int overlay_find(struct fsd_session *s, struct node *dir, const char *name, struct found *f)
{
	struct mount *m = dir->mount;
	bool have = false;
	int r = 0;

	*f = (struct found){0};
	if (dir->where == NODE_GONE)
		return -LX_ENOENT;
	for (unsigned i = 0; i < m->layer_count && r == 0; i++) {
		struct stat st;
		int dfd;

		if (!layer_set_has(&dir->in, i))
			continue;
		dfd = dir_fd(s, dir, i);
		if (dfd < 0) {
			r = dfd;
			break;
		}
		if (fstatat(dfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno != ENOENT)
				r = plat_errno(errno);
			continue;
		}
		if (overlay_is_whiteout(m, i, st.st_mode)) {
			f->whiteout = is_upper(m, i);
			break;
		}
		if (have && !S_ISDIR(st.st_mode))
			break; /* hidden by the directory above it */
		if (!have) {
			f->st = st;
			f->layer = i;
			r = meta_read_at(dfd, name, m->layer[i].origin, &st, &f->meta);
			have = r == 0;
		}
		if (r == 0 && !S_ISDIR(st.st_mode))
			break;
		if (r == 0)
			r = add_dir_layer(m, i, dfd, name, f);
	}
	if (r < 0) {
		free(f->redirect);
		f->redirect = NULL;
		return r;
	}
	return have ? 0 : -LX_ENOENT;
}

int overlay_lower_has(struct fsd_session *s, struct node *dir, const char *name)
{
	struct mount *m = dir->mount;

	for (unsigned i = m->has_upper ? 1 : 0; i < m->layer_count; i++) {
		struct stat st;
		int dfd;

		if (!layer_set_has(&dir->in, i))
			continue;
		dfd = dir_fd(s, dir, i);
		if (dfd < 0)
			return dfd;
		if (fstatat(dfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			return !overlay_is_whiteout(m, i, st.st_mode);
		if (errno != ENOENT)
			return plat_errno(errno);
	}
	return 0;
}

/* A merged directory keeps the number it has in the topmost layer below, others their own. */
static int dir_ino(struct fsd_session *s, struct node *dir, const char *name, const struct found *f,
                   uint64_t *ino)
{
	struct mount *m = dir->mount;

	*ino = 0;
	if (is_upper(m, f->layer)) {
		for (unsigned i = 1; i < m->layer_count && *ino == 0; i++) {
			struct stat st;
			int r;

			if (!layer_set_has(&f->in, i))
				continue;
			if (f->redirect) {
				int fd = plat_open_beneath(m->layer[i].fd, f->redirect, O_PATH, 0);

				if (fd < 0)
					return fd;
				r = fstat(fd, &st);
				close(fd);
			} else {
				int dfd = dir_fd(s, dir, i);

				if (dfd < 0)
					return dfd;
				r = fstatat(dfd, name, &st, AT_SYMLINK_NOFOLLOW);
			}
			if (r < 0)
				return plat_errno(errno);
			*ino = overlay_ino(m, i, -1, name, &st);
		}
	}
	if (*ino == 0)
		*ino = overlay_ino(m, f->layer, -1, name, &f->st);
	return 0;
}

/* A lower file with several names may have been copied up under another one. */
static bool find_indexed(struct mount *m, struct found *f)
{
	char name[32];
	struct stat st;

	if (!m->has_upper || f->layer == 0 || f->st.st_nlink < 2 || !m->work.link_count ||
	    S_ISDIR(f->st.st_mode))
		return false;
	snprintf(name, sizeof(name), "%llu",
	         (unsigned long long)overlay_ino(m, f->layer, -1, "", &f->st));
	if (fstatat(m->work.links, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    meta_read_at(m->work.links, name, META_STORE, &st, &f->meta) < 0)
		return false;
	f->st = st;
	f->layer = 0;
	return true;
}

/* An upper file that is one name of a copied-up hard link is found through the index, too. */
static bool is_indexed(struct mount *m, const struct found *f, uint64_t ino)
{
	char name[32];
	struct stat st;

	if (!m->work.link_count || f->layer != 0 || S_ISDIR(f->st.st_mode) || f->st.st_nlink < 2)
		return false;
	snprintf(name, sizeof(name), "%llu", (unsigned long long)ino);
	return fstatat(m->work.links, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_ino == f->st.st_ino;
}

int overlay_instantiate(struct fsd_session *s, struct node *dir, const char *name, struct found *f,
                        struct node **out)
{
	struct mount *m = dir->mount;
	bool upper = is_upper(m, f->layer), indexed = false;
	struct node *n = NULL;
	uint64_t ino;
	int r = 0;

	if (S_ISDIR(f->st.st_mode)) {
		r = dir_ino(s, dir, name, f, &ino);
	} else {
		int dfd = dir_fd(s, dir, f->layer);

		if (dfd < 0) {
			r = dfd;
		} else {
			ino = overlay_ino(m, f->layer, dfd, name, &f->st);
			indexed = find_indexed(m, f) || is_indexed(m, f, ino);
			if (f->st.st_nlink > 1 || m->shared)
				n = node_by_ino(s, m, ino);
		}
	}
	if (r < 0)
		goto fail;
	if (n && (n->type == S_IFDIR || n->type != (f->meta.mode & S_IFMT)))
		n = NULL;
	if (!n) {
		n = node_new(s, m, ino, f->meta.mode & S_IFMT);
		if (!n) {
			r = -LX_ENOMEM;
			goto fail;
		}
		n->layer = (uint8_t)f->layer;
		n->in = f->in;
		n->redirect = f->redirect;
		f->redirect = NULL;
		n->placeholder = n->type != S_IFREG && S_ISREG(f->st.st_mode);
		n->where = indexed ? NODE_INDEXED : NODE_NAMED;
	}
	if (n->where == NODE_GONE) {
		n->where = indexed ? NODE_INDEXED : NODE_NAMED;
		n->layer = (uint8_t)f->layer;
		n->revivable = false;
	}
	r = dentry_add(s, dir, name, n, upper, NULL);
	if (r < 0) {
		node_unuse(s, n);
		goto fail;
	}
	*out = n;
	return 0;
fail:
	free(f->redirect);
	f->redirect = NULL;
	return r;
}

/* Whether a name of a shared mount still stands for the same object.  A number may have been used
 * again for an object of another type. */
static bool still_valid(struct fsd_session *s, struct dentry *d)
{
	struct mount *m = d->dir->mount;
	int dfd = dir_fd(s, d->dir, 0);
	struct meta meta;
	struct stat st;

	if (dfd < 0 || fstatat(dfd, d->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	return overlay_ino(m, 0, dfd, d->name, &st) == d->node->ino &&
	       meta_read_at(dfd, d->name, m->layer[0].origin, &st, &meta) == 0 &&
	       (meta.mode & S_IFMT) == d->node->type;
}

/* Somebody else took this name away: its node keeps its other names, or is gone (and what is known
 * below it is reached no more). */
static void drop_stale(struct fsd_session *s, struct dentry *d)
{
	struct node *n = d->node;

	dentry_del(s, d);
	if (list_empty(&n->dentries))
		node_set_gone(s, n);
	node_unuse(s, n);
}

int overlay_lookup(struct fsd_session *s, struct node *dir, const char *name, struct node **out,
                   struct ipc_attr *attr)
{
	struct dentry *d = dentry_find(s, dir, name);
	struct found f;
	int r;

	if (d && dir->mount->shared && !still_valid(s, d)) {
		drop_stale(s, d);
		d = NULL;
	}
	if (d) {
		*out = d->node;
		return attr ? overlay_attr(s, d->node, attr) : 0;
	}
	r = overlay_find(s, dir, name, &f);
	if (r == 0)
		r = overlay_instantiate(s, dir, name, &f, out);
	if (r == 0 && attr)
		overlay_fill(s, *out, &f.st, &f.meta, attr);
	return r;
}

static int64_t to_ns(const struct timespec *t)
{
	int64_t ns;

	if (mul_overflows((int64_t)t->tv_sec, 1000000000, &ns) ||
	    add_overflows(ns, t->tv_nsec, &ns))
		return t->tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

/* How many names the guest sees of an object. */
static uint32_t shown_nlink(struct node *n, const struct stat *st)
{
	char name[32], text[16], *end;
	unsigned held = 0;
	ssize_t len;

	if (n->type == S_IFDIR) {
		for (unsigned i = 0; i < n->mount->layer_count; i++)
			held += layer_set_has(&n->in, i);
		return held > 1 ? 1 : (uint32_t)st->st_nlink; /* 1: not counted */
	}
	if (n->where == NODE_HIDDEN)
		return (uint32_t)st->st_nlink - 1;
	if (n->where != NODE_INDEXED)
		return (uint32_t)st->st_nlink;
	snprintf(name, sizeof(name), "%llu", (unsigned long long)n->ino);
	len = plat_xattr_get(n->mount->work.links, name, META_XATTR_NLINK, text, sizeof(text) - 1);
	if (len <= 0)
		return (uint32_t)st->st_nlink;
	text[len] = '\0';
	return (uint32_t)strtoul(text, &end, 10);
}

void overlay_fill(struct fsd_session *s, struct node *n, const struct stat *st,
                  const struct meta *m, struct ipc_attr *attr)
{
	(void)s;
	*attr = (struct ipc_attr){
	    .ino = n->ino,
	    .mode = m->mode,
	    .nlink = shown_nlink(n, st),
	    .uid = m->uid,
	    .gid = m->gid,
	    .rdev = m->rdev,
	    .size = (uint64_t)st->st_size,
	    .blocks = (uint64_t)st->st_blocks,
	    .blksize = 4096,
	    .atime = to_ns(&st->st_atim),
	    .mtime = to_ns(&st->st_mtim),
	    .ctime = to_ns(&st->st_ctim),
	    .dev = n->mount->number,
	};
	if (n->type == S_IFLNK)
		attr->mode = S_IFLNK | 0777;
	n->last = *attr;
}

int overlay_stat(struct fsd_session *s, struct node *n, struct stat *st, struct meta *m)
{
	char buf[32];
	const char *name;
	int dfd, r;

	if (n->mount->file) {
		dfd = n->mount->layer[0].fd;
		if (fstat(dfd, st) < 0)
			return plat_errno(errno);
		return meta_read_fd(dfd, n->mount->layer[0].origin, st, m);
	}
	r = node_place(s, n, &dfd, &name, buf);
	if (r < 0)
		return r;
	if (fstatat(dfd, name, st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT && n->mount->shared ? -LX_ESTALE : plat_errno(errno);
	return meta_read_at(dfd, name, n->mount->layer[n->layer].origin, st, m);
}

int overlay_attr(struct fsd_session *s, struct node *n, struct ipc_attr *attr)
{
	struct stat st;
	struct meta m;
	int r;

	if (n->where == NODE_GONE) {
		*attr = n->last;
		if (!list_empty(&n->handles)) {
			struct handle *h = list_first_entry(&n->handles, struct handle, of_node);

			if (fstat(h->fd, &st) == 0 &&
			    meta_read_fd(h->fd, n->mount->layer[0].origin, &st, &m) == 0)
				overlay_fill(s, n, &st, &m, attr);
		}
		if (!n->revivable)
			attr->nlink = 0;
		return 0;
	}
	r = overlay_stat(s, n, &st, &m);
	if (r == 0)
		overlay_fill(s, n, &st, &m, attr);
	return r;
}

int overlay_lower_path(struct node *dir, char **out)
{
	size_t len = 0, at;
	struct node *n;
	char *path;

	for (n = dir; !n->redirect && n->mount->root != n;
	     n = list_first_entry(&n->dentries, struct dentry, of_node)->dir)
		len += list_first_entry(&n->dentries, struct dentry, of_node)->len + 1u;
	if (n->redirect)
		len += strlen(n->redirect) + 1;
	if (len > FSD_REDIRECT_MAX)
		return -LX_EXDEV;
	path = malloc(len + 1);
	if (!path)
		return -LX_ENOMEM;
	/* Written from the end: "a/b/c" grows to the left. */
	path[len ? len - 1 : 0] = '\0';
	at = len;
	for (n = dir; !n->redirect && n->mount->root != n;
	     n = list_first_entry(&n->dentries, struct dentry, of_node)->dir) {
		struct dentry *d = list_first_entry(&n->dentries, struct dentry, of_node);

		at -= d->len + 1u;
		memcpy(path + at, d->name, d->len);
		if (at + d->len + 1u < len)
			path[at + d->len] = '/';
	}
	if (n->redirect) {
		size_t rlen = strlen(n->redirect);

		memcpy(path, n->redirect, rlen);
		if (rlen + 1 < len)
			path[rlen] = '/';
	}
	*out = path;
	return 0;
}
