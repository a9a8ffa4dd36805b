/*
 * listing.c: a directory's merged listing.  The layers' listings are read topmost first; a name
 * already seen (whiteouts included) hides the same name further down.
 */
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/plat/errno.h"
#include "common/plat/fs.h"
#include "fsd/overlay.h"

enum { MAX_ENTRIES = 16 << 20, WHITEOUT = 255 /* a type no DT_* has */ };

/* Names seen so far, for directories that more than one layer holds. */
struct seen {
	uint32_t *slots; /* index in entries plus 1 */
	size_t mask, count;
};

void listing_free(struct listing *l)
{
	if (!l)
		return;
	free(l->entries);
	free(l->names);
	free(l);
}

static int append(struct listing *l, const char *name, uint64_t ino, uint8_t type, bool upper)
{
	size_t len = strlen(name);

	if (l->count >= MAX_ENTRIES || len > 255)
		return -LX_ENOMEM;
	if (l->count == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		void *p = realloc(l->entries, cap * sizeof(*l->entries));

		if (!p)
			return -LX_ENOMEM;
		l->entries = p;
		l->cap = cap;
	}
	if (l->names_len + len + 1 > l->names_cap) {
		size_t cap = MAX(l->names_cap * 2, (size_t)4096);
		char *p = realloc(l->names, cap);

		if (!p)
			return -LX_ENOMEM;
		l->names = p;
		l->names_cap = cap;
	}
	l->entries[l->count++] = (struct listing_entry){
	    .ino = ino,
	    .name = (uint32_t)l->names_len,
	    .type = type,
	    .len = (uint8_t)len,
	    .upper = upper,
	};
	memcpy(l->names + l->names_len, name, len + 1);
	l->names_len += len + 1;
	return 0;
}

static int seen_grow(struct seen *s, const struct listing *l)
{
	size_t n = s->slots ? (s->mask + 1) * 2 : 256;
	uint32_t *slots;

	while (n < l->count * 2)
		n *= 2;
	slots = calloc(n, sizeof(*slots));
	if (!slots)
		return -LX_ENOMEM;
	free(s->slots);
	s->slots = slots;
	s->mask = n - 1;
	s->count = 0;
	for (size_t i = 0; i < l->count; i++) {
		const struct listing_entry *e = &l->entries[i];
		size_t at = hash_bytes(0, l->names + e->name, e->len) & s->mask;

		while (s->slots[at])
			at = (at + 1) & s->mask;
		s->slots[at] = (uint32_t)i + 1;
		s->count++;
	}
	return 0;
}

static struct listing_entry *seen_find(struct seen *s, const struct listing *l, const char *name)
{
	size_t len = strlen(name), at = hash_bytes(0, name, len) & s->mask;

	for (; s->slots[at]; at = (at + 1) & s->mask) {
		struct listing_entry *e = &l->entries[s->slots[at] - 1];

		if (e->len == len && memcmp(l->names + e->name, name, len) == 0)
			return e;
	}
	return NULL;
}

/* Notes the entry that was appended last. */
static int seen_add(struct seen *s, const struct listing *l)
{
	const struct listing_entry *e = &l->entries[l->count - 1];
	size_t at;

	if ((s->count + 1) * 2 > s->mask)
		return seen_grow(s, l);
	at = hash_bytes(0, l->names + e->name, e->len) & s->mask;
	while (s->slots[at])
		at = (at + 1) & s->mask;
	s->slots[at] = (uint32_t)l->count;
	s->count++;
	return 0;
}

/* What one entry of a layer is.  In an impure directory a regular file may be a placeholder, or
 * keep an older inode number. */
static void classify(struct mount *m, unsigned layer, int dfd, const struct dirent *e, bool impure,
                     uint64_t *ino, uint8_t *type)
{
	bool closer = m->bind || m->layer[layer].origin == META_FOREIGN;
	struct stat st;
	struct meta meta;

	*ino = e->d_ino;
	*type = e->d_type;
	if (*type == DT_UNKNOWN) {
		if (fstatat(dfd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return;
		*type = (uint8_t)((st.st_mode & S_IFMT) >> 12);
	}
	if (overlay_is_whiteout(m, layer, (mode_t)*type << 12)) {
		*type = WHITEOUT;
		return;
	}
	if (!closer && !(impure && *type == DT_REG))
		return;
	if (fstatat(dfd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	*ino = overlay_ino(m, layer, dfd, e->d_name, &st);
	if (S_ISREG(st.st_mode) &&
	    meta_read_at(dfd, e->d_name, m->layer[layer].origin, &st, &meta) == 0)
		*type = (uint8_t)((meta.mode & S_IFMT) >> 12);
}

/* A directory of the upper is met again below: merged, it is numbered by the topmost of those. */
static void merge_dir(struct fsd_session *s, struct node *dir, struct listing_entry *upper,
                      const char *name, uint64_t ino)
{
	int dfd = dir_fd(s, dir, 0);
	char flag;

	upper->upper = false;
	if (dfd >= 0 && plat_xattr_get(dfd, name, META_XATTR_OPAQUE, &flag, 1) != 1)
		upper->ino = ino;
}

/* One entry of one layer. */
static int add_entry(struct fsd_session *s, struct node *dir, unsigned layer, int dfd,
                     const struct dirent *e, bool impure, struct listing *l, struct seen *seen)
{
	struct mount *m = dir->mount;
	bool upper = layer == 0 && m->has_upper;
	struct listing_entry *other;
	uint64_t ino;
	uint8_t type;
	int r;

	if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
		return 0;
	classify(m, layer, dfd, e, impure, &ino, &type);
	if (!seen)
		return type == WHITEOUT ? 0 : append(l, e->d_name, ino, type, upper);
	other = seen_find(seen, l, e->d_name);
	if (other) {
		if (other->upper && other->type == DT_DIR && type == DT_DIR)
			merge_dir(s, dir, other, e->d_name, ino);
		return 0;
	}
	r = append(l, e->d_name, ino, type, upper);
	return r < 0 ? r : seen_add(seen, l);
}

static int read_layer(struct fsd_session *s, struct node *dir, unsigned layer, struct listing *l,
                      struct seen *seen)
{
	int dfd = dir_fd(s, dir, layer), r = 0, fd;
	struct dirent *e;
	char flag;
	bool impure;
	DIR *stream;

	if (dfd < 0)
		return dfd;
	fd = openat(dfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return plat_errno(errno);
	impure = plat_fxattr_get(fd, META_XATTR_IMPURE, &flag, 1) == 1;
	if (layer == 0)
		l->impure = impure;
	stream = fdopendir(fd);
	if (!stream) {
		r = plat_errno(errno);
		close(fd);
		return r;
	}
	errno = 0;
	while (r == 0 && (e = readdir(stream)))
		r = add_entry(s, dir, layer, fd, e, impure, l, seen);
	closedir(stream);
	return r;
}

/* Drops the whiteouts, and asks for the number of directories that may have been renamed. */
static void finish(struct fsd_session *s, struct node *dir, struct listing *l)
{
	bool renamed = l->impure && dir->mount->has_upper && dir->mount->layer_count > 1;
	size_t kept = 0;

	for (size_t i = 0; i < l->count; i++) {
		struct listing_entry e = l->entries[i];
		struct node *n;

		if (e.type == WHITEOUT)
			continue;
		if (renamed && e.upper && e.type == DT_DIR &&
		    overlay_lookup(s, dir, l->names + e.name, &n, NULL) == 0) {
			e.ino = n->ino;
			node_unuse(s, n);
		}
		l->entries[kept++] = e;
	}
	l->count = kept;
}

int listing_read(struct fsd_session *s, struct node *dir, struct listing **out)
{
	struct listing *l = calloc(1, sizeof(*l));
	struct seen seen = {0};
	unsigned holders = 0;
	int r = 0;

	if (!l)
		return -LX_ENOMEM;
	for (unsigned i = 0; i < dir->mount->layer_count; i++)
		holders += layer_set_has(&dir->in, i);
	if (holders > 1)
		r = seen_grow(&seen, l);
	for (unsigned i = 0; r == 0 && i < dir->mount->layer_count; i++)
		if (layer_set_has(&dir->in, i))
			r = read_layer(s, dir, i, l, holders > 1 ? &seen : NULL);
	free(seen.slots);
	if (r < 0) {
		listing_free(l);
		return r;
	}
	finish(s, dir, l);
	*out = l;
	return 0;
}
