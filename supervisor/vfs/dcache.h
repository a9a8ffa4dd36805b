/*
 * dcache.h: the inside of the vfs: dentries, mounts, and the lock over the tree they form.
 *
 * The tree lock has one mutex per slot; a reader takes its own slot's, a writer takes all.  A
 * path walk over cached names thus costs one uncontended mutex, and touches no reference count
 * but that of its result: nothing reachable is freed, moved or renamed while any slot is held.
 * A holder of the tree lock must not drop references to dentries, paths or inodes, and must
 * not sleep.
 */
#ifndef SUPERVISOR_VFS_DCACHE_H
#define SUPERVISOR_VFS_DCACHE_H

#include "common/lx/fcntl.h"
#include "supervisor/vfs/vfs.h"

#define DENTRY_INLINE 32
/* In dentry.refs: not in the hash table, so that the last reference frees it. */
#define DENTRY_UNHASHED 0x80000000u

#define DENTRY_DELETED    1u /* the name was unlinked */
#define DENTRY_ANON       2u /* name is the label of an object without a place in the tree */
#define DENTRY_REFERENCED 4u /* used since the shrinker last looked; atomic */

/*
 * A name in a directory.  inode is NULL for a name known not to exist; once set it stays.
 * parent and name change under the tree lock (rename); a child holds a reference to its parent.
 */
struct dentry {
	uint32_t refs;  /* atomic */
	uint32_t flags; /* atomic */
	uint32_t hash;
	uint32_t mounts;       /* mounts on it; tree lock */
	struct dentry *parent; /* NULL: root of a file system, or anonymous */
	struct inode *inode;
	struct dentry *hash_next, **hash_pprev;
	struct list_head lru; /* all hashed dentries, oldest first */
	const char *name;
	uint16_t name_len;
	char inline_name[DENTRY_INLINE];
};

/* A mount.  parent and mountpoint are NULL for the root mount and for unmounted ones. */
struct mount {
	uint32_t refs; /* atomic; one for being mounted, one for each child */
	int id;
	uint32_t flags; /* atomic; MS_* */
	struct superblock *sb;
	struct dentry *root;
	struct mount *parent;
	struct dentry *mountpoint;
	struct list_head link; /* all mounts, in order of mounting; tree lock */
	char *source;
};

void tree_read_lock(void);
void tree_read_unlock(void);
void tree_write_lock(void);
void tree_write_unlock(void);

/* A dentry with one reference, not hashed; takes over the caller's inode reference on success. */
int dentry_new(struct dentry *parent, const char *name, size_t len, struct inode *inode,
               struct dentry **out) MUST_CHECK;
struct dentry *dentry_get(struct dentry *d);
void dentry_put(struct dentry *d);
uint32_t dentry_hash(const struct dentry *parent, const char *name, size_t len);
/* The cached child; the tree lock is held, and no reference is taken. */
struct dentry *dentry_find_locked(const struct dentry *parent, const char *name, size_t len);
/* For a holder of the tree's write lock and, to unhash, of a reference to d. */
void dentry_hash_locked(struct dentry *d);
void dentry_unhash_locked(struct dentry *d);
/* Makes d parent/name, with inode as what it is (file systems whose names are cached).  If
 * another of that name is there already it wins.  The caller's references to d are exchanged
 * for one to *out. */
struct dentry *dentry_insert(struct dentry *d);
/* The child of that name, from the cache or the file system, with a reference.  A negative
 * dentry counts as found.  -LX_ENOENT for a dead directory, -LX_ENOTDIR. */
int dentry_lookup(struct dentry *parent, const char *name, size_t len,
                  struct dentry **out) MUST_CHECK;
/* As above for a caller that holds parent's dir_lock. */
int dentry_lookup_locked(struct dentry *parent, const char *name, size_t len,
                         struct dentry **out) MUST_CHECK;
/* Forgets every unused name of the file system (umount). */
void dentry_drop_superblock(struct superblock *sb);
/* Frees what was not used lately while there are too many. */
void dentry_shrink(void);
void dentry_set_limit(uint32_t limit);
uint32_t dentry_count(void);

/* After a change on disk: d's name went away; a negative dentry takes its place. */
void dentry_deleted(struct dentry *d);
/* from became to's parent and name. */
void dentry_moved(struct dentry *from, struct dentry *to, bool exchange);

static inline uint32_t dentry_flags(const struct dentry *d)
{
	return __atomic_load_n(&d->flags, __ATOMIC_RELAXED);
}

/* Takes a reference unless none is left. */
bool inode_get_live(struct inode *i);
/* Sets up an inode that the caller allocated zeroed. */
void superblock_get(struct superblock *sb);
void superblock_put(struct superblock *sb);

struct mount *mount_get(struct mount *m);
void mount_put(struct mount *m);
/* The mount on top of (mnt, d); tree lock held. */
struct mount *mount_find_locked(const struct mount *mnt, const struct dentry *d);
static inline uint32_t mount_flags(const struct mount *m)
{
	return m ? __atomic_load_n(&m->flags, __ATOMIC_RELAXED) : 0;
}
/* -LX_EROFS when nothing may be changed through the mount. */
int mount_want_write(const struct mount *m) MUST_CHECK;

#endif
