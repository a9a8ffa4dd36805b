/*
 * remote.h: the inside of fs_remote, the file system whose objects live in fsd.
 *
 * fs_remote.c   session, table of nodes, attributes
 * remote_dir.c  names: lookup, create, rename..., cached directory listings
 * remote_file.c handles (the open file at fsd, and its donated descriptor) and their cache
 * remote_io.c   data: read, write, truncate, page cache
 */
#ifndef SUPERVISOR_VFS_REMOTE_H
#define SUPERVISOR_VFS_REMOTE_H

#include "common/lx/errno.h"
#include "ipc/bulk.h"
#include "ipc/fsd.h"
#include "supervisor/vfs/file.h"

/* The session with fsd: one for all file systems that it serves. */
struct remote_session {
	uint32_t refs; /* one for each file system; session_lock of fs_remote.c */
	struct ipc_client *client;
	struct ipc_bulk *bulk; /* may be NULL: then data travels in messages */

	/*
	 * Held shared from sending a request that names or returns nodes until its result is in the
	 * table; held exclusively to send forgets, so that no node is forgotten that is just
	 * being told again.
	 */
	pthread_rwlock_t naming;

	pthread_mutex_t lock;        /* the rest; below inode.lock */
	pthread_cond_t gone;         /* a dying inode left the table */
	struct remote_inode **table; /* by node */
	uint32_t table_size, table_count;
	uint64_t *forget; /* nodes to be forgotten */
	uint32_t forget_count;
	struct list_head
	    idle; /* remote_inode.idle: handles of files that are not open; oldest first */
	uint32_t idle_count;
};

#define REMOTE_FORGET_BATCH 512u
#define REMOTE_IDLE_MAX     512u

/* An open file at fsd. */
struct remote_handle {
	uint64_t handle;
	int fd;                     /* donated descriptor, -1: none */
	struct remote_handle *next; /* retired ones */
};

struct remote_listing;

#define REMOTE_STALE_DATA 1u /* size, blocks and times changed by writing */
#define REMOTE_STALE_ALL  2u

/* inode.priv */
struct remote_inode {
	struct inode *inode;
	uint64_t node;
	struct remote_inode *hash_next; /* session.lock */
	uint32_t stale;                 /* atomic */

	/* inode.lock.  rd serves reads until there is wr, which serves both. */
	struct remote_handle *rd, *wr, *retired;
	uint32_t opens;
	bool dirty;            /* pages may have to be written back; also read without the lock */
	struct list_head idle; /* session.lock */

	struct remote_listing *listing; /* session.lock; a directory's entries, if known */
};

static inline struct remote_inode *remote_of(const struct inode *inode)
{
	return inode->priv;
}
static inline struct remote_session *remote_session_of(const struct inode *inode)
{
	return inode->sb->priv;
}

/* What a call returned, as an errno of Linux: a lost service is EIO. */
static inline int64_t remote_result(int64_t r)
{
	return r <= -IPC_EGONE ? -LX_EIO : r;
}

extern const struct inode_ops remote_dir_inode_ops, remote_file_inode_ops, remote_special_inode_ops;
extern const struct file_ops remote_file_ops, remote_dir_file_ops;

/* The inode of a node that fsd just told (naming is held shared). */
int remote_inode_get(struct superblock *sb, uint64_t node, const struct ipc_attr *attr,
                     struct inode **out) MUST_CHECK;
void remote_mark_stale(struct inode *inode, uint32_t what);
void remote_apply_attr(struct inode *inode, const struct ipc_attr *attr);
void remote_apply_attr_locked(struct inode *inode, const struct ipc_attr *attr);
/* Reads the attributes again if they are stale; inode.lock is held. */
int remote_refresh_locked(struct inode *inode) MUST_CHECK;
int remote_setattr(struct inode *inode, uint32_t mask, const struct vfs_attr *attr,
                   struct file *file);
int remote_getattr(struct inode *inode, struct vfs_attr *out);
int64_t remote_getxattr(struct inode *inode, const char *name, void *value, size_t size);
int remote_setxattr(struct inode *inode, const char *name, const void *value, size_t size,
                    int flags);
int64_t remote_listxattr(struct inode *inode, char *list, size_t size);
int remote_removexattr(struct inode *inode, const char *name);
void remote_release_inode(struct inode *inode);

/* remote_file.c */
int remote_open(struct task *t, struct inode *inode, struct file *file);
void remote_file_release(struct file *f);
/* Makes sure that there is a handle (for writing); inode.lock is held. */
int remote_need_handle_locked(struct inode *inode, bool for_write, bool truncate) MUST_CHECK;
/* A handle that create or tmpfile returned becomes the inode's. */
void remote_adopt_handle(struct inode *inode, uint64_t handle, struct ipc_fds *fds);
void remote_close_handles_locked(struct inode *inode);
/* Before a file's last name goes: the number of the handle that was kept though the file is not
 * open, which the caller has fsd close; 0 if there is none. */
uint64_t remote_give_up_handle(struct inode *inode);
/* Puts the inode on the list of those whose handles may be closed; inode.lock is held. */
void remote_enter_idle_locked(struct inode *inode);
void remote_trim_idle(struct remote_session *s, uint32_t keep);
struct remote_handle *remote_reader(const struct remote_inode *ri);

/* remote_io.c */
int remote_truncate_locked(struct inode *inode, uint64_t size) MUST_CHECK;
/* Writes dirty pages back; without inode.lock. */
int remote_writeback(struct inode *inode);

/* remote_dir.c */
void remote_listing_put(struct remote_listing *l);

#endif
