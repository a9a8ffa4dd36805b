/*
 * overlay.h: how the layers of a mount make one tree.
 *
 * A name is looked for from the topmost layer down, in the layers that hold its directory.  The
 * first object found stands; directories of the same name in layers below are merged into it
 * until something opaque.  In layers of ours:
 *   - a whiteout (this name exists nowhere below) is a host fifo: making one needs no privilege
 *     on any host, listings show it by type, and the guest's own fifos are placeholders;
 *   - an opaque directory has the attribute META_XATTR_OPAQUE;
 *   - a directory that was renamed says in META_XATTR_REDIR where the layers below have it.
 */
#ifndef FSD_OVERLAY_H
#define FSD_OVERLAY_H

#include "fsd/tree.h"

struct found {
	struct stat st; /* the topmost object's, on the host */
	struct meta meta;
	unsigned layer;
	struct layer_set in; /* directories */
	char *redirect;      /* directories; the finder's to free or keep */
	bool whiteout;       /* with -LX_ENOENT: the upper has a whiteout of that name */
};

/* Looks for a name in the layers.  0, -LX_ENOENT, or another error. */
int overlay_find(struct fsd_session *s, struct node *dir, const char *name,
                 struct found *f) MUST_CHECK;

/* The node of a name: known already, or found and made.  *attr may be NULL. */
int overlay_lookup(struct fsd_session *s, struct node *dir, const char *name, struct node **out,
                   struct ipc_attr *attr) MUST_CHECK;

/* The node for what overlay_find found (takes over f->redirect). */
int overlay_instantiate(struct fsd_session *s, struct node *dir, const char *name, struct found *f,
                        struct node **out) MUST_CHECK;

/* 1 if a layer below the upper shows the name, 0 if not, or an error. */
int overlay_lower_has(struct fsd_session *s, struct node *dir, const char *name) MUST_CHECK;

/* The node's attributes as the guest sees them. */
int overlay_attr(struct fsd_session *s, struct node *n, struct ipc_attr *attr) MUST_CHECK;
/* The same when stat and meta are at hand. */
void overlay_fill(struct fsd_session *s, struct node *n, const struct stat *st,
                  const struct meta *m, struct ipc_attr *attr);
/* The host object behind a node. */
int overlay_stat(struct fsd_session *s, struct node *n, struct stat *st, struct meta *m) MUST_CHECK;

/* The inode number shown for a host object of a layer (stable across copy-up: dir/name may tell
 * that of the lower file it was; dir -1: it was none). */
uint64_t overlay_ino(const struct mount *m, unsigned layer, int dir, const char *name,
                     const struct stat *st);

bool overlay_is_whiteout(const struct mount *m, unsigned layer, mode_t mode);

/* A directory's path in the layers below, from their roots ("usr/lib"); the caller frees it. */
int overlay_lower_path(struct node *dir, char **out) MUST_CHECK;

/* The complete listing of a directory, without "." and "..". */
struct listing {
	struct listing_entry *entries;
	size_t count, cap;
	char *names; /* back to back, NUL-terminated */
	size_t names_len, names_cap;
	bool impure; /* the upper's directory is */
};

struct listing_entry {
	uint64_t ino;
	uint32_t name; /* offset in names */
	uint8_t type;  /* DT_* */
	uint8_t len;
	bool upper; /* numbered by the upper layer (while the listing is being read) */
};

int listing_read(struct fsd_session *s, struct node *dir, struct listing **out) MUST_CHECK;
void listing_free(struct listing *l);

#endif
