/*
 * fs_remote.c: the file system whose objects live in fsd: the session, the table of nodes, and
 * attributes.
 *
 * A node is fsd's number for an object.  The table has one inode for each node in use; an inode
 * that is released gives its node back in batches.  The guest is the only writer of its root, so
 * attributes stay valid until the guest changes the object; bind mounts (SB_REVALIDATE) are asked
 * about each time.
 */
#include "supervisor/vfs/remote.h"

#include <sys/stat.h>

#include "common/lx/errno.h"
#include "common/lx/statfs.h"
#include "common/plat/errno.h"
#include "supervisor/guest.h"

#define TABLE_FIRST 1024u

static struct remote_session *the_session;
static pthread_mutex_t session_lock = PTHREAD_MUTEX_INITIALIZER;

static int session_new(struct guest *g, struct remote_session **out)
{
	struct remote_session *s = calloc(1, sizeof(*s));

	if (!s)
		return -LX_ENOMEM;
	s->table_size = TABLE_FIRST;
	s->table = calloc(s->table_size, sizeof(*s->table));
	s->forget = calloc(REMOTE_FORGET_BATCH * 2, sizeof(*s->forget));
	if (!s->table || !s->forget) {
		free(s->table);
		free(s->forget);
		free(s);
		return -LX_ENOMEM;
	}
	s->client = g->fsd;
	s->bulk = g->fsd_bulk;
	pthread_rwlock_init(&s->naming, NULL);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->gone, NULL);
	list_init(&s->idle);
	*out = s;
	return 0;
}

static struct remote_inode **bucket_of(struct remote_session *s, uint64_t node)
{
	return &s->table[(node * 0x9e3779b97f4a7c15u >> 32) % s->table_size];
}

static void grow_table_locked(struct remote_session *s)
{
	uint32_t old_size = s->table_size;
	struct remote_inode **old = s->table,
	                    **table = calloc((size_t)old_size * 2, sizeof(*table));

	if (!table)
		return; /* longer chains, nothing worse */
	s->table = table;
	s->table_size = old_size * 2;
	for (uint32_t i = 0; i < old_size; i++) {
		while (old[i]) {
			struct remote_inode *ri = old[i], **head = bucket_of(s, ri->node);

			old[i] = ri->hash_next;
			ri->hash_next = *head;
			*head = ri;
		}
	}
	free(old);
}

/* Finds the node's inode, with a reference; waits for a dying one to be gone. */
static struct inode *find_locked(struct remote_session *s, uint64_t node)
{
	struct remote_inode *ri;

again:
	for (ri = *bucket_of(s, node); ri; ri = ri->hash_next) {
		if (ri->node != node)
			continue;
		if (inode_get_live(ri->inode))
			return ri->inode;
		pthread_cond_wait(&s->gone, &s->lock);
		goto again;
	}
	return NULL;
}

static const struct inode_ops *ops_for(uint32_t mode)
{
	if (LX_S_ISDIR(mode))
		return &remote_dir_inode_ops;
	return LX_S_ISREG(mode) ? &remote_file_inode_ops : &remote_special_inode_ops;
}

static const struct file_ops *fops_for(uint32_t mode)
{
	if (LX_S_ISDIR(mode))
		return &remote_dir_file_ops;
	return LX_S_ISREG(mode) ? &remote_file_ops : NULL;
}

static int make_inode(struct superblock *sb, uint64_t node, const struct ipc_attr *attr,
                      struct inode **out)
{
	struct remote_inode *ri = calloc(1, sizeof(*ri));
	int r;

	if (!ri)
		return -LX_ENOMEM;
	r = inode_new(sb, ops_for(attr->mode), fops_for(attr->mode), attr->mode, out);
	if (r < 0) {
		free(ri);
		return r;
	}
	ri->inode = *out;
	ri->node = node;
	list_init(&ri->idle);
	(*out)->priv = ri;
	remote_apply_attr_locked(*out, attr);
	(*out)->btime = attr->ctime < attr->mtime ? attr->ctime : attr->mtime;
	return 0;
}

static void unforget_locked(struct remote_session *s, uint64_t node)
{
	for (uint32_t i = 0; i < s->forget_count; i++) {
		if (s->forget[i] == node) {
			s->forget[i] = s->forget[--s->forget_count];
			return;
		}
	}
}

int remote_inode_get(struct superblock *sb, uint64_t node, const struct ipc_attr *attr,
                     struct inode **out)
{
	struct remote_session *s = sb->priv;
	struct inode *found, *fresh;
	int r;

	pthread_mutex_lock(&s->lock);
	found = find_locked(s, node);
	pthread_mutex_unlock(&s->lock);
	if (!found) {
		struct remote_inode **head;

		r = make_inode(sb, node, attr, &fresh);
		if (r < 0)
			return r;
		pthread_mutex_lock(&s->lock);
		found = find_locked(s, node);
		if (!found) {
			if (s->table_count >= s->table_size)
				grow_table_locked(s);
			head = bucket_of(s, node);
			remote_of(fresh)->hash_next = *head;
			*head = remote_of(fresh);
			s->table_count++;
			unforget_locked(s, node);
			pthread_mutex_unlock(&s->lock);
			*out = fresh;
			return 0;
		}
		pthread_mutex_unlock(&s->lock);
		remote_of(fresh)->node = 0; /* not in the table, nothing to forget */
		inode_put(fresh);
	}
	if (((found->mode ^ attr->mode) & LX_S_IFMT) != 0) {
		/* A number that changed its kind: fsd contradicts itself. */
		inode_put(found);
		return -LX_EIO;
	}
	/* What is known of the guest's own files is newer than any reply under way. */
	if (sb->flags & SB_REVALIDATE)
		remote_apply_attr(found, attr);
	*out = found;
	return 0;
}

/* Sends what has gathered, if it is enough. */
static void send_forgets(struct remote_session *s)
{
	uint64_t nodes[REMOTE_FORGET_BATCH];
	uint32_t n;

	pthread_rwlock_wrlock(&s->naming);
	pthread_mutex_lock(&s->lock);
	n = MIN(s->forget_count, REMOTE_FORGET_BATCH);
	s->forget_count -= n;
	memcpy(nodes, s->forget + s->forget_count, n * sizeof(nodes[0]));
	pthread_mutex_unlock(&s->lock);
	if (n > 0) {
		struct fsd_forget_req req = {.nodes = {.data = (const uint8_t *)nodes,
		                                       .len = n * (uint32_t)sizeof(nodes[0])}};

		/* Lost only with the session, which forgets them all. */
		(void)fsd_post_forget(s->client, &req);
	}
	pthread_rwlock_unlock(&s->naming);
}

void remote_release_inode(struct inode *inode)
{
	struct remote_inode *ri = remote_of(inode), **p;
	struct remote_session *s = remote_session_of(inode);
	bool send = false;

	if (inode->nlink > 0)
		(void)remote_writeback(inode);
	pthread_mutex_lock(&inode->lock);
	remote_close_handles_locked(inode);
	pthread_mutex_unlock(&inode->lock);
	pthread_mutex_lock(&s->lock);
	if (!list_empty(&ri->idle)) {
		list_del_init(&ri->idle);
		s->idle_count--;
	}
	for (p = bucket_of(s, ri->node); *p && *p != ri; p = &(*p)->hash_next)
		;
	if (*p) {
		*p = ri->hash_next;
		s->table_count--;
		if (s->forget_count < REMOTE_FORGET_BATCH * 2)
			s->forget[s->forget_count++] = ri->node;
		send = s->forget_count >= REMOTE_FORGET_BATCH;
	}
	pthread_cond_broadcast(&s->gone);
	pthread_mutex_unlock(&s->lock);
	remote_listing_put(ri->listing);
	free(ri);
	inode->priv = NULL;
	if (send)
		send_forgets(s);
}

void remote_mark_stale(struct inode *inode, uint32_t what)
{
	__atomic_fetch_or(&remote_of(inode)->stale, what, __ATOMIC_RELAXED);
}

void remote_apply_attr_locked(struct inode *inode, const struct ipc_attr *a)
{
	if (inode->ino != a->ino)
		__atomic_store_n(&inode->ino, a->ino, __ATOMIC_RELAXED);
	inode_set_mode(inode, (inode->mode & LX_S_IFMT) | (a->mode & LX_S_IALLUGO));
	inode_set_owner(inode, a->uid, a->gid);
	inode->nlink = a->nlink;
	inode->rdev = a->rdev;
	inode_set_size(inode, a->size > INT64_MAX ? INT64_MAX : a->size);
	inode->blocks = a->blocks;
	inode->blksize = a->blksize ? a->blksize : 4096;
	inode->atime = a->atime;
	inode->mtime = a->mtime;
	inode->ctime = a->ctime;
	__atomic_store_n(&remote_of(inode)->stale, 0, __ATOMIC_RELAXED);
}

void remote_apply_attr(struct inode *inode, const struct ipc_attr *a)
{
	pthread_mutex_lock(&inode->lock);
	remote_apply_attr_locked(inode, a);
	pthread_mutex_unlock(&inode->lock);
}

static int64_t host_ns(const struct timespec *ts)
{
	return (int64_t)ts->tv_sec * 1000000000 + ts->tv_nsec;
}

/* What writing changed, from the donated descriptor. */
static bool refresh_from_host_locked(struct inode *inode)
{
	struct remote_handle *h = remote_reader(remote_of(inode));
	struct stat st;

	if (!h || h->fd < 0 || fstat(h->fd, &st) < 0)
		return false;
	inode_set_size(inode, (uint64_t)st.st_size);
	inode->blocks = (uint64_t)st.st_blocks;
#ifdef __APPLE__
	inode->atime = host_ns(&st.st_atimespec);
	inode->mtime = host_ns(&st.st_mtimespec);
	inode->ctime = host_ns(&st.st_ctimespec);
#else
	inode->atime = host_ns(&st.st_atim);
	inode->mtime = host_ns(&st.st_mtim);
	inode->ctime = host_ns(&st.st_ctim);
#endif
	__atomic_fetch_and(&remote_of(inode)->stale, ~REMOTE_STALE_DATA, __ATOMIC_RELAXED);
	return true;
}

int remote_refresh_locked(struct inode *inode)
{
	struct remote_inode *ri = remote_of(inode);
	uint32_t stale = __atomic_load_n(&ri->stale, __ATOMIC_RELAXED);
	struct fsd_getattr_req req = {.node = ri->node};
	struct fsd_getattr_rep rep;
	uint32_t nlink = inode->nlink;
	int64_t r;

	if (!stale && !(inode->sb->flags & SB_REVALIDATE))
		return 0;
	if (stale == REMOTE_STALE_DATA && !(inode->sb->flags & SB_REVALIDATE) &&
	    refresh_from_host_locked(inode))
		return 0;
	r = remote_result(fsd_call_getattr(remote_session_of(inode)->client, &req, &rep, NULL));
	if (r < 0 || ((rep.attr.mode ^ inode->mode) & LX_S_IFMT))
		/* An unlinked object may be beyond asking: what is known has to do. */
		return nlink == 0 || (inode->sb->flags & SB_REVALIDATE)
		           ? 0
		           : (int)(r < 0 ? r : -LX_EIO);
	remote_apply_attr_locked(inode, &rep.attr);
	if (nlink == 0)
		inode->nlink = 0;
	return 0;
}

int remote_getattr(struct inode *inode, struct vfs_attr *out)
{
	int r;

	pthread_mutex_lock(&inode->lock);
	r = remote_refresh_locked(inode);
	*out = (struct vfs_attr){.ino = inode->ino,
	                         .mode = inode->mode,
	                         .nlink = inode->nlink,
	                         .uid = inode->uid,
	                         .gid = inode->gid,
	                         .rdev = inode->rdev,
	                         .size = inode->size,
	                         .blocks = inode->blocks,
	                         .blksize = inode->blksize,
	                         .atime = inode->atime,
	                         .mtime = inode->mtime,
	                         .ctime = inode->ctime,
	                         .btime = inode->btime};
	pthread_mutex_unlock(&inode->lock);
	return r;
}

int remote_setattr(struct inode *inode, uint32_t mask, const struct vfs_attr *attr,
                   struct file *file)
{
	struct remote_inode *ri = remote_of(inode);
	struct fsd_setattr_req req = {.node = ri->node,
	                              .mask = mask & ~VFS_SET_SIZE,
	                              .mode = attr->mode & LX_S_IALLUGO,
	                              .uid = attr->uid,
	                              .gid = attr->gid,
	                              .atime = attr->atime,
	                              .mtime = attr->mtime};
	struct fsd_setattr_rep rep;
	int64_t r = 0;

	(void)file;
	/* Dirty pages written later would change the time again. */
	if (mask & (VFS_SET_MTIME | VFS_SET_MTIME_NOW))
		(void)remote_writeback(inode);
	pthread_mutex_lock(&inode->lock);
	if (mask & VFS_SET_SIZE)
		r = remote_truncate_locked(inode, attr->size);
	if (r == 0 && req.mask) {
		uint32_t nlink = inode->nlink;

		if (ri->wr)
			req.handle = ri->wr->handle;
		r = remote_result(
		    fsd_call_setattr(remote_session_of(inode)->client, &req, &rep, NULL));
		if (r >= 0) {
			remote_apply_attr_locked(inode, &rep.attr);
			if (nlink == 0)
				inode->nlink = 0;
		}
	}
	pthread_mutex_unlock(&inode->lock);
	return r < 0 ? (int)r : 0;
}

static int remote_statfs(struct superblock *sb, struct inode *inode, void *out)
{
	struct remote_session *s = sb->priv;
	struct fsd_statfs_req req = {.node = remote_of(inode)->node};
	struct fsd_statfs_rep rep;
	struct lx_statfs *st = out;
	int64_t r = remote_result(fsd_call_statfs(s->client, &req, &rep, NULL));

	if (r < 0)
		return (int)r;
	st->f_bsize = rep.bsize;
	st->f_frsize = rep.bsize;
	st->f_blocks = rep.blocks;
	st->f_bfree = rep.bfree;
	st->f_bavail = rep.bavail;
	st->f_files = rep.files;
	st->f_ffree = rep.ffree;
	st->f_namelen = rep.namelen;
	return 0;
}

/* Writes back the dirty pages of everything in use. */
static int remote_sync(struct superblock *sb)
{
	struct remote_session *s = sb->priv;
	int result = 0;

	for (uint32_t i = 0;; i++) {
		struct inode *batch[64];
		unsigned n = 0;

		pthread_mutex_lock(&s->lock);
		if (i >= s->table_size) {
			pthread_mutex_unlock(&s->lock);
			return result;
		}
		for (struct remote_inode *ri = s->table[i]; ri && n < ARRAY_LEN(batch);
		     ri = ri->hash_next) {
			if (ri->inode->sb == sb && __atomic_load_n(&ri->dirty, __ATOMIC_RELAXED) &&
			    inode_get_live(ri->inode))
				batch[n++] = ri->inode;
		}
		pthread_mutex_unlock(&s->lock);
		while (n-- > 0) {
			int r = remote_writeback(batch[n]);

			result = r < 0 ? r : result;
			inode_put(batch[n]);
		}
	}
}

int64_t remote_getxattr(struct inode *inode, const char *name, void *value, size_t size)
{
	struct fsd_getxattr_req req = {.node = remote_of(inode)->node,
	                               .name = {(const uint8_t *)name, (uint32_t)strlen(name)},
	                               .max = size ? (uint32_t)size : LX_XATTR_SIZE_MAX};
	struct fsd_getxattr_rep rep;
	struct ipc_reply reply;
	int64_t r =
	    remote_result(fsd_call_getxattr(remote_session_of(inode)->client, &req, &rep, &reply));

	if (r < 0)
		return r;
	r = rep.value.len;
	if (size > 0 && rep.value.len > size)
		r = -LX_ERANGE;
	else if (size > 0 && rep.value.len > 0)
		memcpy(value, rep.value.data, rep.value.len);
	ipc_reply_release(&reply);
	return r;
}

int remote_setxattr(struct inode *inode, const char *name, const void *value, size_t size,
                    int flags)
{
	struct fsd_setxattr_req req = {.node = remote_of(inode)->node,
	                               .name = {(const uint8_t *)name, (uint32_t)strlen(name)},
	                               .value = {value, (uint32_t)size},
	                               .flags = (uint32_t)flags};
	int64_t r =
	    remote_result(fsd_call_setxattr(remote_session_of(inode)->client, &req, NULL, NULL));

	remote_mark_stale(inode, REMOTE_STALE_ALL);
	return r < 0 ? (int)r : 0;
}

int64_t remote_listxattr(struct inode *inode, char *list, size_t size)
{
	struct fsd_listxattr_req req = {.node = remote_of(inode)->node};
	struct fsd_listxattr_rep rep;
	struct ipc_reply reply;
	int64_t r =
	    remote_result(fsd_call_listxattr(remote_session_of(inode)->client, &req, &rep, &reply));

	if (r < 0)
		return r;
	r = rep.names.len;
	if (size > 0 && rep.names.len > size)
		r = -LX_ERANGE;
	else if (size > 0 && rep.names.len > 0)
		memcpy(list, rep.names.data, rep.names.len);
	ipc_reply_release(&reply);
	return r;
}

int remote_removexattr(struct inode *inode, const char *name)
{
	struct fsd_removexattr_req req = {.node = remote_of(inode)->node,
	                                  .name = {(const uint8_t *)name, (uint32_t)strlen(name)}};
	int64_t r =
	    remote_result(fsd_call_removexattr(remote_session_of(inode)->client, &req, NULL, NULL));

	remote_mark_stale(inode, REMOTE_STALE_ALL);
	return r < 0 ? (int)r : 0;
}

static void session_free(struct remote_session *s)
{
	pthread_rwlock_destroy(&s->naming);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->gone);
	free(s->table);
	free(s->forget);
	free(s);
}

static void session_put(struct remote_session *s)
{
	pthread_mutex_lock(&session_lock);
	if (--s->refs == 0) {
		the_session = NULL;
		session_free(s);
	}
	pthread_mutex_unlock(&session_lock);
}

/* All inodes are gone by now. */
static void remote_release_sb(struct superblock *sb)
{
	if (sb->priv)
		session_put(sb->priv);
}

/* The session of this guest, with a reference; made for the first mount. */
static int session_for(struct guest *g, struct remote_session **out)
{
	int r = 0;

	pthread_mutex_lock(&session_lock);
	if (!the_session)
		r = session_new(g, &the_session);
	if (r == 0) {
		the_session->refs++;
		*out = the_session;
	}
	pthread_mutex_unlock(&session_lock);
	return r;
}

int fs_remote_mount(struct guest *g, uint64_t root_node, bool read_only, struct superblock **out)
{
	struct fsd_getattr_req req = {.node = root_node};
	struct fsd_getattr_rep rep;
	struct remote_session *s;
	struct superblock *sb;
	int64_t r = session_for(g, &s);

	if (r < 0)
		return (int)r;
	r = remote_result(fsd_call_getattr(s->client, &req, &rep, NULL));
	if (r >= 0)
		r = superblock_new(g, root_node == 1 ? "overlay" : "virtiofs",
				   LX_OVERLAYFS_SUPER_MAGIC, &sb);
	if (r < 0) {
		session_put(s);
		return (int)r;
	}
	sb->priv = s;
	sb->flags = (read_only ? SB_RDONLY : 0) | (root_node == 1 ? 0 : SB_REVALIDATE);
	sb->statfs = remote_statfs;
	sb->sync = remote_sync;
	sb->release = remote_release_sb;
	pthread_rwlock_rdlock(&s->naming);
	r = remote_inode_get(sb, root_node, &rep.attr, &sb->root);
	pthread_rwlock_unlock(&s->naming);
	if (r < 0) {
		superblock_put(sb);
		return (int)r;
	}
	*out = sb;
	return 0;
}
