/*
 * tree.h: the file-system objects of one guest session.
 *
 * A mount is a stack of layers, topmost first; layer 0 is the writable one when has_upper.  A
 * node is an object the guest has been told about: its place is its name in its parent's
 * directory of a layer, so that any object is reached by one-component opens from directory
 * descriptors we hold; no path of the guest is ever resolved.  Directory descriptors are cached
 * per node and layer, least recently used out first.
 *
 * One thread serves a session; what takes long and needs only a descriptor goes to slow.c.  So
 * nothing here is locked.
 */
#ifndef FSD_TREE_H
#define FSD_TREE_H

#include <sys/stat.h>

#include "common/base.h"
#include "common/hash.h"
#include "common/list.h"
#include "fsd/meta.h"
#include "ipc/ipc.h"

#define FSD_MAX_LAYERS   128 /* of one mount, the upper included */
#define FSD_MAX_NODES    (4u << 20)
#define FSD_DEF_HANDLES  4096u
#define FSD_DIR_FDS      1024u /* cached directory descriptors of a session */
#define FSD_REDIRECT_MAX 4096  /* bytes of a redirect's path */

/* Which layers of a mount hold a directory. */
struct layer_set {
	uint64_t w[FSD_MAX_LAYERS / 64];
};

static inline bool layer_set_has(const struct layer_set *s, unsigned i)
{
	return s->w[i / 64] >> (i % 64) & 1;
}

static inline void layer_set_add(struct layer_set *s, unsigned i)
{
	s->w[i / 64] |= 1ull << (i % 64);
}

struct layer {
	int fd;
	enum meta_origin origin;
};

/* Where new things are put before they get their name, and the index of copied-up hard links. */
struct mount_work {
	int temp;  /* directory for files without a name; -1: none (bind mounts) */
	int links; /* "<inode>": the upper copy of a lower file with several names; -1: none */
	unsigned link_count;
};

struct mount {
	uint32_t number; /* attr.dev */
	bool has_upper, readonly;
	bool bind;         /* a host directory, whose files are the host's as well */
	bool shared;       /* others may change it (binds, volumes): revalidate */
	bool file;         /* a host file: layer 0's fd is the file, open for reading */
	int file_write_fd; /* the same open for writing, or -1 */
	unsigned layer_count;
	struct layer layer[FSD_MAX_LAYERS];
	struct mount_work work;
	struct node *root;
	char target[256];
};

/* How an object is found on the host. */
enum node_where {
	NODE_NAMED,   /* under its first dentry's name in layer `layer` */
	NODE_INDEXED, /* in work.links, named by ino */
	NODE_HIDDEN,  /* in work.temp, named by id: unlinked but open, or never linked */
	NODE_GONE     /* nowhere: only descriptors and `last` are left */
};

struct node {
	struct hash_node by_id, by_ino;
	uint64_t id, ino;
	struct mount *mount;
	uint32_t type; /* S_IFMT bits as the guest sees them */
	uint8_t layer; /* the topmost layer that holds it */
	bool placeholder;
	bool known;     /* the guest holds its number */
	bool revivable; /* GONE, but names we have not been asked for are left on the host */
	bool unlinked;  /* HIDDEN after its last name went, so that none can be given again */
	enum node_where where;
	struct layer_set in; /* directories: all layers that hold it */
	char *redirect; /* directories: path in the lower layers, when not where its name says */
	struct list_head dentries; /* its names; exactly one for a directory that is not a root */
	struct list_head dir_fds;
	struct list_head handles;
	unsigned children;       /* dentries whose dir this is */
	struct node *walk;       /* scratch of dir_fd */
	struct ipc_attr last;    /* GONE: what it was */
	struct listing *listing; /* a listing being read */
};

struct dentry {
	struct hash_node by_name;
	struct list_head of_node;
	struct node *dir, *node;
	bool upper; /* the name exists in the upper layer */
	uint8_t len;
	char name[];
};

struct dir_fd {
	struct list_head lru, of_node;
	struct node *node;
	uint8_t layer;
	int fd;
};

struct handle {
	struct hash_node by_id;
	struct list_head of_node;
	uint64_t id;
	struct node *node;
	int fd;
	uint32_t flags; /* arm64 O_* */
};

struct fsd_session {
	struct hash_table nodes, inos, names, handles;
	struct list_head dir_lru;
	unsigned dir_fd_count;
	uint64_t next_node, next_handle, next_temp;
	unsigned handle_count, max_handles, node_count;
	bool strict;
	struct ipc_bulk *bulk; /* may be NULL */
	struct ipc_conn *conn; /* for late answers; NULL: everything is answered at once */
	uint8_t *scratch;      /* replies' bytes: FSD_SCRATCH */
	unsigned mount_count;
	struct mount *mounts; /* mounts[0] is the root file system */
};

#define FSD_SCRATCH (1u << 18)

/* An empty session with room for mount_count mounts (zeroed, all descriptors -1). */
int session_init(struct fsd_session *s, unsigned mount_count) MUST_CHECK;
/* Gives a filled-in mount its root node; the descriptors in it are the session's from now on. */
int session_add_root(struct fsd_session *s, struct mount *m) MUST_CHECK;
/* Frees everything, closes all descriptors and removes hidden files. */
void session_release(struct fsd_session *s);
/* After each request: trims the descriptor cache. */
void session_tidy(struct fsd_session *s);

/* The node with that number, if the guest knows it; NULL otherwise. */
struct node *node_get(struct fsd_session *s, uint64_t id);
/* A node that is a directory: 0, -LX_ESTALE or -LX_ENOTDIR. */
int node_get_dir(struct fsd_session *s, uint64_t id, struct node **out) MUST_CHECK;
struct node *node_new(struct fsd_session *s, struct mount *m, uint64_t ino, uint32_t type);
/* Frees it if neither the guest, nor a child, nor a handle needs it. */
void node_unuse(struct fsd_session *s, struct node *n);
struct node *node_by_ino(struct fsd_session *s, struct mount *m, uint64_t ino);
/* Its names are gone from the mount: remembers what it was. */
void node_set_gone(struct fsd_session *s, struct node *n);
/* Where to find it on the host: *dir is borrowed until session_tidy, *name lies in the node or in
 * buf. */
int node_place(struct fsd_session *s, struct node *n, int *dir, const char **name,
               char buf[32]) MUST_CHECK;

struct dentry *dentry_find(struct fsd_session *s, struct node *dir, const char *name);
int dentry_add(struct fsd_session *s, struct node *dir, const char *name, struct node *n,
               bool upper, struct dentry **out) MUST_CHECK;
void dentry_del(struct fsd_session *s, struct dentry *d);

/* The directory's descriptor in a layer that holds it (open for reading unless the host refuses
 * that); borrowed until session_tidy. */
int dir_fd(struct fsd_session *s, struct node *dir, unsigned layer) MUST_CHECK;
void dir_fds_forget(struct fsd_session *s, struct node *n);

#endif
