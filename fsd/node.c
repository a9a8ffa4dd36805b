/* node.c: the tables of nodes, names and directory descriptors of a session; see tree.h. */
#include "fsd/tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/plat/errno.h"
#include "common/plat/fs.h"
#include "fsd/handle.h"
#include "fsd/overlay.h"

static uint64_t name_hash(const struct node *dir, const char *name, size_t len)
{
	return hash_bytes(dir->id, name, len);
}

static uint64_t ino_hash(const struct mount *m, uint64_t ino)
{
	return hash_u64(ino ^ ((uint64_t)m->number << 56));
}

struct node *node_get(struct fsd_session *s, uint64_t id)
{
	struct hash_node *h;

	hash_for_each_match(h, &s->nodes, hash_u64(id))
	{
		struct node *n = container_of(h, struct node, by_id);

		if (n->id == id)
			return n->known ? n : NULL;
	}
	return NULL;
}

int node_get_dir(struct fsd_session *s, uint64_t id, struct node **out)
{
	struct node *n = node_get(s, id);

	if (!n)
		return -LX_ESTALE;
	if (n->type != S_IFDIR)
		return -LX_ENOTDIR;
	if (n->where == NODE_GONE)
		return -LX_ENOENT;
	*out = n;
	return 0;
}

struct node *node_new(struct fsd_session *s, struct mount *m, uint64_t ino, uint32_t type)
{
	struct node *n = s->node_count < FSD_MAX_NODES ? calloc(1, sizeof(*n)) : NULL;

	if (!n)
		return NULL;
	n->id = s->next_node++;
	n->ino = ino;
	n->mount = m;
	n->type = type;
	list_init(&n->dentries);
	list_init(&n->dir_fds);
	list_init(&n->handles);
	hash_add(&s->nodes, &n->by_id, hash_u64(n->id));
	hash_add(&s->inos, &n->by_ino, ino_hash(m, ino));
	s->node_count++;
	return n;
}

struct node *node_by_ino(struct fsd_session *s, struct mount *m, uint64_t ino)
{
	struct hash_node *h;

	hash_for_each_match(h, &s->inos, ino_hash(m, ino))
	{
		struct node *n = container_of(h, struct node, by_ino);

		if (n->ino == ino && n->mount == m && (n->where != NODE_GONE || n->revivable))
			return n;
	}
	return NULL;
}

static void hidden_remove(struct node *n)
{
	char name[32];

	snprintf(name, sizeof(name), "h%llu", (unsigned long long)n->id);
	unlinkat(n->mount->work.temp, name, 0);
}

static void node_free(struct fsd_session *s, struct node *n)
{
	dir_fds_forget(s, n);
	if (n->where == NODE_HIDDEN)
		hidden_remove(n);
	hash_del(&s->nodes, &n->by_id);
	hash_del(&s->inos, &n->by_ino);
	listing_free(n->listing);
	free(n->redirect);
	free(n);
	s->node_count--;
}

void node_unuse(struct fsd_session *s, struct node *n)
{
	while (n) {
		struct node *parent = NULL;

		if (n->known || n->children || !list_empty(&n->handles) || n->mount->root == n)
			return;
		while (!list_empty(&n->dentries)) {
			struct dentry *d = list_first_entry(&n->dentries, struct dentry, of_node);

			parent = d->dir;
			dentry_del(s, d);
			if (!list_empty(&n->dentries)) /* a hard link: look at this parent now */
				node_unuse(s, parent);
		}
		node_free(s, n);
		n = parent;
	}
}

void node_set_gone(struct fsd_session *s, struct node *n)
{
	dir_fds_forget(s, n);
	n->where = NODE_GONE;
	n->last.nlink = 0;
}

int node_place(struct fsd_session *s, struct node *n, int *dir, const char **name, char buf[32])
{
	struct dentry *d;

	switch (n->where) {
	case NODE_INDEXED:
		snprintf(buf, 32, "%llu", (unsigned long long)n->ino);
		*dir = n->mount->work.links;
		*name = buf;
		return 0;
	case NODE_HIDDEN:
		snprintf(buf, 32, "h%llu", (unsigned long long)n->id);
		*dir = n->mount->work.temp;
		*name = buf;
		return 0;
	case NODE_GONE:
		return -LX_ESTALE;
	case NODE_NAMED:
		break;
	}
	if (list_empty(&n->dentries)) { /* a mount's root */
		*dir = n->mount->layer[n->layer].fd;
		*name = ".";
		return 0;
	}
	d = list_first_entry(&n->dentries, struct dentry, of_node);
	*dir = dir_fd(s, d->dir, n->layer);
	*name = d->name;
	return *dir < 0 ? *dir : 0;
}

struct dentry *dentry_find(struct fsd_session *s, struct node *dir, const char *name)
{
	size_t len = strlen(name);
	struct hash_node *h;

	hash_for_each_match(h, &s->names, name_hash(dir, name, len))
	{
		struct dentry *d = container_of(h, struct dentry, by_name);

		if (d->dir == dir && d->len == len && memcmp(d->name, name, len) == 0)
			return d;
	}
	return NULL;
}

int dentry_add(struct fsd_session *s, struct node *dir, const char *name, struct node *n,
               bool upper, struct dentry **out)
{
	size_t len = strlen(name);
	struct dentry *d = malloc(sizeof(*d) + len + 1);

	if (!d)
		return -LX_ENOMEM;
	d->dir = dir;
	d->node = n;
	d->upper = upper;
	d->len = (uint8_t)len;
	memcpy(d->name, name, len + 1);
	dir->children++;
	/* Names in the upper come first: node_place uses the first one. */
	if (upper)
		list_add(&d->of_node, &n->dentries);
	else
		list_add_tail(&d->of_node, &n->dentries);
	hash_add(&s->names, &d->by_name, name_hash(dir, name, len));
	if (out)
		*out = d;
	return 0;
}

void dentry_del(struct fsd_session *s, struct dentry *d)
{
	list_del_init(&d->of_node);
	hash_del(&s->names, &d->by_name);
	d->dir->children--;
	free(d);
}

static void dir_fd_drop(struct fsd_session *s, struct dir_fd *f)
{
	list_del_init(&f->lru);
	list_del_init(&f->of_node);
	close(f->fd);
	free(f);
	s->dir_fd_count--;
}

void dir_fds_forget(struct fsd_session *s, struct node *n)
{
	struct dir_fd *f, *tmp;

	list_for_each_entry_safe (f, tmp, &n->dir_fds, of_node)
		dir_fd_drop(s, f);
}

void session_tidy(struct fsd_session *s)
{
	while (s->dir_fd_count > FSD_DIR_FDS)
		dir_fd_drop(s, list_entry(s->dir_lru.prev, struct dir_fd, lru));
}

static int dir_fd_known(struct fsd_session *s, struct node *n, unsigned layer)
{
	struct dir_fd *f;

	if (n->mount->root == n)
		return n->mount->layer[layer].fd;
	list_for_each_entry (f, &n->dir_fds, of_node) {
		if (f->layer == layer) {
			list_del_init(&f->lru);
			list_add(&f->lru, &s->dir_lru);
			return f->fd;
		}
	}
	return -1;
}

/* Directories of binds may refuse reading and still be passed through. */
static int open_dir_at(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == EACCES)
		fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? plat_errno(errno) : fd;
}

static int dir_fd_remember(struct fsd_session *s, struct node *n, unsigned layer, int fd)
{
	struct dir_fd *f = malloc(sizeof(*f));

	if (!f) {
		close(fd);
		return -LX_ENOMEM;
	}
	f->node = n;
	f->layer = (uint8_t)layer;
	f->fd = fd;
	list_add(&f->lru, &s->dir_lru);
	list_add(&f->of_node, &n->dir_fds);
	s->dir_fd_count++;
	return fd;
}

int dir_fd(struct fsd_session *s, struct node *dir, unsigned layer)
{
	bool lower = layer > 0 || !dir->mount->has_upper;
	struct node *n = dir;
	bool owned = false;
	int cur;

	/* Climb to a directory whose descriptor is at hand, leaving a trail down. */
	n->walk = NULL;
	while ((cur = dir_fd_known(s, n, layer)) < 0 && !(lower && n->redirect)) {
		struct node *parent;

		if (n->where != NODE_NAMED || list_empty(&n->dentries))
			return -LX_ESTALE;
		parent = list_first_entry(&n->dentries, struct dentry, of_node)->dir;
		parent->walk = n;
		n = parent;
	}
	if (cur < 0) {
		cur = plat_open_beneath(dir->mount->layer[layer].fd, n->redirect,
		                        O_RDONLY | O_DIRECTORY, 0);
		owned = true;
	}
	while (cur >= 0 && n->walk) {
		int next;

		n = n->walk;
		next =
		    open_dir_at(cur, list_first_entry(&n->dentries, struct dentry, of_node)->name);
		if (owned)
			close(cur);
		cur = next;
		owned = true;
	}
	return cur >= 0 && owned ? dir_fd_remember(s, dir, layer, cur) : cur;
}

int session_init(struct fsd_session *s, unsigned mount_count)
{
	*s = (struct fsd_session){.next_node = 1, .next_handle = 1, .max_handles = FSD_DEF_HANDLES};
	list_init(&s->dir_lru);
	if (hash_init(&s->nodes) || hash_init(&s->inos) || hash_init(&s->names) ||
	    hash_init(&s->handles))
		return -LX_ENOMEM;
	s->scratch = malloc(FSD_SCRATCH);
	s->mounts = calloc(mount_count, sizeof(*s->mounts));
	if (!s->scratch || !s->mounts)
		return -LX_ENOMEM;
	s->mount_count = mount_count;
	for (unsigned i = 0; i < mount_count; i++) {
		struct mount *m = &s->mounts[i];

		m->number = i + 1;
		m->work.temp = m->work.links = m->file_write_fd = -1;
		for (unsigned l = 0; l < FSD_MAX_LAYERS; l++)
			m->layer[l].fd = -1;
	}
	return 0;
}

int session_add_root(struct fsd_session *s, struct mount *m)
{
	struct stat st;
	unsigned at = m->has_upper && m->layer_count > 1 ? 1 : 0;

	if (fstat(m->layer[at].fd, &st) < 0)
		return plat_errno(errno);
	m->root = node_new(s, m, st.st_ino, m->file ? S_IFREG : S_IFDIR);
	if (!m->root)
		return -LX_ENOMEM;
	m->root->known = true;
	for (unsigned i = 0; i < m->layer_count; i++)
		layer_set_add(&m->root->in, i);
	return 0;
}

static void mount_close(struct mount *m)
{
	for (unsigned i = 0; i < m->layer_count; i++)
		if (m->layer[i].fd >= 0)
			close(m->layer[i].fd);
	if (m->work.temp >= 0)
		close(m->work.temp);
	if (m->work.links >= 0)
		close(m->work.links);
	if (m->file_write_fd >= 0)
		close(m->file_write_fd);
}

void session_release(struct fsd_session *s)
{
	handles_close_all(s);
	for (size_t b = 0; s->names.buckets && b <= s->names.mask; b++)
		while (s->names.buckets[b])
			dentry_del(s, container_of(s->names.buckets[b], struct dentry, by_name));
	for (size_t b = 0; s->nodes.buckets && b <= s->nodes.mask; b++)
		while (s->nodes.buckets[b])
			node_free(s, container_of(s->nodes.buckets[b], struct node, by_id));
	for (unsigned i = 0; i < s->mount_count; i++)
		mount_close(&s->mounts[i]);
	hash_release(&s->nodes);
	hash_release(&s->inos);
	hash_release(&s->names);
	hash_release(&s->handles);
	free(s->mounts);
	free(s->scratch);
	*s = (struct fsd_session){0};
}
