/*
 * remote_dir.c: names in directories that live in fsd, and listings of such directories.
 *
 * A listing is read whole, kept with the directory until a name in it changes, and shared by the
 * open files that are reading it: positions are indices into it, so they stay good while names
 * come and go.  rewinddir takes the directory's current listing.
 */
#include "common/lx/errno.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/perm.h"
#include "supervisor/vfs/remote.h"

struct remote_listing {
	uint32_t refs; /* atomic */
	uint32_t count, room;
	size_t used, size;
	size_t *offset; /* of each entry in data: u64 ino, u8 type, u8 length, name */
	uint8_t *data;
};

#define LISTING_MAX_BYTES (256u << 20)

void remote_listing_put(struct remote_listing *l)
{
	if (!l || __atomic_fetch_sub(&l->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	free(l->offset);
	free(l->data);
	free(l);
}

static struct ipc_bytes name_bytes(const char *name)
{
	return (struct ipc_bytes){(const uint8_t *)name, (uint32_t)strlen(name)};
}

/* A name in dir came, went or changed. */
static void dir_changed(struct inode *dir)
{
	struct remote_session *s = remote_session_of(dir);
	struct remote_listing *l;

	pthread_mutex_lock(&s->lock);
	l = remote_of(dir)->listing;
	remote_of(dir)->listing = NULL;
	pthread_mutex_unlock(&s->lock);
	remote_listing_put(l);
	remote_mark_stale(dir, REMOTE_STALE_ALL);
}

static int remote_lookup(struct inode *dir, const char *name, struct inode **out)
{
	struct remote_session *s = remote_session_of(dir);
	struct fsd_lookup_req req = {.dir = remote_of(dir)->node, .name = name_bytes(name)};
	struct fsd_lookup_rep rep;
	int64_t r;

	pthread_rwlock_rdlock(&s->naming);
	r = remote_result(fsd_call_lookup(s->client, &req, &rep, NULL));
	if (r >= 0)
		r = remote_inode_get(dir->sb, rep.node, &rep.attr, out);
	pthread_rwlock_unlock(&s->naming);
	return r < 0 ? (int)r : 0;
}

static int remote_create(struct inode *dir, const char *name, uint32_t mode,
                         const struct cred *cred, struct inode **out)
{
	struct remote_session *s = remote_session_of(dir);
	struct fsd_create_req req = {.dir = remote_of(dir)->node,
	                             .name = name_bytes(name),
	                             .open_flags = LX_O_RDWR | LX_O_CREAT | LX_O_EXCL,
	                             .mode = mode & LX_S_IALLUGO,
	                             .uid = cred->fsuid,
	                             .gid = perm_new_gid(cred, dir)};
	struct fsd_create_rep rep;
	struct ipc_reply reply;
	int64_t r;

	pthread_rwlock_rdlock(&s->naming);
	r = remote_result(fsd_call_create(s->client, &req, &rep, &reply));
	if (r >= 0) {
		r = remote_inode_get(dir->sb, rep.node, &rep.attr, out);
		if (r >= 0)
			remote_adopt_handle(*out, rep.handle, &reply.fds);
		ipc_reply_release(&reply);
	}
	pthread_rwlock_unlock(&s->naming);
	if (r >= 0)
		dir_changed(dir);
	return r < 0 ? (int)r : 0;
}

static int remote_tmpfile(struct inode *dir, uint32_t mode, const struct cred *cred,
                          struct inode **out)
{
	struct remote_session *s = remote_session_of(dir);
	struct fsd_tmpfile_req req = {.dir = remote_of(dir)->node,
	                              .open_flags = LX_O_RDWR,
	                              .mode = mode & LX_S_IALLUGO,
	                              .uid = cred->fsuid,
	                              .gid = perm_new_gid(cred, dir)};
	struct fsd_tmpfile_rep rep;
	struct ipc_reply reply;
	int64_t r;

	pthread_rwlock_rdlock(&s->naming);
	r = remote_result(fsd_call_tmpfile(s->client, &req, &rep, &reply));
	if (r >= 0) {
		r = remote_inode_get(dir->sb, rep.node, &rep.attr, out);
		if (r >= 0) {
			remote_adopt_handle(*out, rep.handle, &reply.fds);
			(*out)->nlink = 0;
		}
		ipc_reply_release(&reply);
	}
	pthread_rwlock_unlock(&s->naming);
	return r < 0 ? (int)r : 0;
}

/* The end of making a name: what fsd answered becomes an inode; drops the lock of naming. */
static int name_made(struct inode *dir, int64_t result, uint64_t node, const struct ipc_attr *attr,
                     struct inode **out)
{
	int64_t r = remote_result(result);

	if (r >= 0)
		r = remote_inode_get(dir->sb, node, attr, out);
	pthread_rwlock_unlock(&remote_session_of(dir)->naming);
	if (r >= 0)
		dir_changed(dir);
	return r < 0 ? (int)r : 0;
}

static int remote_mkdir(struct inode *dir, const char *name, uint32_t mode, const struct cred *cred,
                        struct inode **out)
{
	struct remote_session *s = remote_session_of(dir);
	struct fsd_mkdir_req req = {.dir = remote_of(dir)->node,
	                            .name = name_bytes(name),
	                            .mode = mode & LX_S_IALLUGO,
	                            .uid = cred->fsuid,
	                            .gid = perm_new_gid(cred, dir)};
	struct fsd_mkdir_rep rep = {0};
	int64_t r;

	pthread_rwlock_rdlock(&s->naming);
	r = fsd_call_mkdir(s->client, &req, &rep, NULL);
	return name_made(dir, r, rep.node, &rep.attr, out);
}

static int remote_mknod(struct inode *dir, const char *name, uint32_t mode, uint64_t rdev,
                        const struct cred *cred, struct inode **out)
{
	struct remote_session *s = remote_session_of(dir);
	struct fsd_mknod_req req = {.dir = remote_of(dir)->node,
	                            .name = name_bytes(name),
	                            .mode = mode,
	                            .rdev = rdev,
	                            .uid = cred->fsuid,
	                            .gid = perm_new_gid(cred, dir)};
	struct fsd_mknod_rep rep = {0};
	int64_t r;

	pthread_rwlock_rdlock(&s->naming);
	r = fsd_call_mknod(s->client, &req, &rep, NULL);
	return name_made(dir, r, rep.node, &rep.attr, out);
}

static int remote_symlink(struct inode *dir, const char *name, const char *target,
                          const struct cred *cred, struct inode **out)
{
	struct remote_session *s = remote_session_of(dir);
	struct fsd_symlink_req req = {.dir = remote_of(dir)->node,
	                              .name = name_bytes(name),
	                              .target = name_bytes(target),
	                              .uid = cred->fsuid,
	                              .gid = perm_new_gid(cred, dir)};
	struct fsd_symlink_rep rep = {0};
	int64_t r;

	pthread_rwlock_rdlock(&s->naming);
	r = fsd_call_symlink(s->client, &req, &rep, NULL);
	return name_made(dir, r, rep.node, &rep.attr, out);
}

static int remote_link(struct inode *dir, const char *name, struct inode *target)
{
	struct fsd_link_req req = {
	    .node = remote_of(target)->node, .dir = remote_of(dir)->node, .name = name_bytes(name)};
	struct fsd_link_rep rep;
	int64_t r = remote_result(fsd_call_link(remote_session_of(dir)->client, &req, &rep, NULL));

	if (r < 0)
		return (int)r;
	dir_changed(dir);
	pthread_mutex_lock(&target->lock);
	target->nlink = rep.attr.nlink;
	target->ctime = rep.attr.ctime;
	pthread_mutex_unlock(&target->lock);
	return 0;
}

/* One name less for victim. */
static void dropped_name(struct inode *victim)
{
	pthread_mutex_lock(&victim->lock);
	if (LX_S_ISDIR(inode_mode(victim)))
		victim->nlink = 0;
	else if (victim->nlink > 0)
		victim->nlink--;
	victim->ctime = vfs_now();
	if (victim->nlink > 0)
		remote_mark_stale(victim, REMOTE_STALE_ALL);
	pthread_mutex_unlock(&victim->lock);
	if (LX_S_ISDIR(inode_mode(victim)))
		__atomic_fetch_or(&victim->flags, INODE_DEAD, __ATOMIC_RELAXED);
}

static int remote_unlink(struct inode *dir, const char *name, struct inode *victim)
{
	/* A handle kept for the next open would make fsd keep the file under a hidden name. */
	struct fsd_unlink_req req = {.dir = remote_of(dir)->node,
	                             .name = name_bytes(name),
	                             .handle = remote_give_up_handle(victim)};
	int64_t r =
	    remote_result(fsd_call_unlink(remote_session_of(dir)->client, &req, NULL, NULL));

	if (r < 0)
		return (int)r;
	dir_changed(dir);
	dropped_name(victim);
	return 0;
}

static int remote_rmdir(struct inode *dir, const char *name, struct inode *victim)
{
	struct fsd_rmdir_req req = {.dir = remote_of(dir)->node, .name = name_bytes(name)};
	int64_t r = remote_result(fsd_call_rmdir(remote_session_of(dir)->client, &req, NULL, NULL));

	if (r < 0)
		return (int)r;
	dir_changed(dir);
	dropped_name(victim);
	return 0;
}

static int remote_rename(struct inode *dir, const char *name, struct inode *moved,
                         struct inode *newdir, const char *newname, struct inode *victim,
                         uint32_t flags)
{
	struct fsd_rename_req req = {.from_dir = remote_of(dir)->node,
	                             .from_name = name_bytes(name),
	                             .to_dir = remote_of(newdir)->node,
	                             .to_name = name_bytes(newname),
	                             .flags = flags & (LX_RENAME_NOREPLACE | LX_RENAME_EXCHANGE)};
	int64_t r =
	    remote_result(fsd_call_rename(remote_session_of(dir)->client, &req, NULL, NULL));

	if (r < 0)
		return (int)r;
	dir_changed(dir);
	if (newdir != dir)
		dir_changed(newdir);
	remote_mark_stale(moved, REMOTE_STALE_ALL);
	if (victim && (flags & LX_RENAME_EXCHANGE))
		remote_mark_stale(victim, REMOTE_STALE_ALL);
	else if (victim)
		dropped_name(victim);
	return 0;
}

static int remote_readlink(struct task *t, struct inode *inode, char **out)
{
	struct fsd_readlink_req req = {.node = remote_of(inode)->node};
	struct fsd_readlink_rep rep;
	struct ipc_reply reply;
	char *target, *keep, *none = NULL;
	int64_t r =
	    remote_result(fsd_call_readlink(remote_session_of(inode)->client, &req, &rep, &reply));

	(void)t;
	if (r < 0)
		return (int)r;
	target = malloc(rep.target.len + 1u);
	if (target) {
		if (rep.target.len > 0)
			memcpy(target, rep.target.data, rep.target.len);
		target[rep.target.len] = '\0';
	}
	ipc_reply_release(&reply);
	if (!target)
		return -LX_ENOMEM;
	*out = target;
	if (inode->sb->flags & SB_REVALIDATE)
		return 0;
	keep = strdup(target);
	if (keep && !__atomic_compare_exchange_n(&inode->link, &none, keep, false, __ATOMIC_RELEASE,
	                                         __ATOMIC_RELAXED))
		free(keep);
	return 0;
}

static bool listing_room(struct remote_listing *l, size_t bytes)
{
	if (l->count == l->room) {
		uint32_t room = l->room ? l->room * 2 : 64;
		size_t *offset = realloc(l->offset, room * sizeof(*offset));

		if (!offset)
			return false;
		l->offset = offset;
		l->room = room;
	}
	if (l->size - l->used < bytes) {
		size_t size = (l->size + bytes) * 2;
		uint8_t *data = size <= LISTING_MAX_BYTES ? realloc(l->data, size) : NULL;

		if (!data)
			return false;
		l->data = data;
		l->size = size;
	}
	return true;
}

static uint64_t get_le64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

/* Adds the entries of one reply; *cookie is where the next one starts. */
static int listing_parse(struct remote_listing *l, const uint8_t *p, uint32_t len, uint64_t *cookie)
{
	while (len > 0) {
		uint32_t name_len, entry;

		if (len < 18)
			return -LX_EIO;
		name_len = p[17];
		entry = 18 + name_len;
		if (name_len == 0 || len < entry || memchr(p + 18, '/', name_len) ||
		    memchr(p + 18, '\0', name_len))
			return -LX_EIO;
		if (!listing_room(l, 10 + name_len))
			return -LX_ENOMEM;
		l->offset[l->count++] = l->used;
		memcpy(l->data + l->used, p, 8);
		memcpy(l->data + l->used + 8, p + 16, 2 + name_len);
		l->used += 10 + name_len;
		*cookie = get_le64(p + 8);
		p += entry;
		len -= entry;
	}
	return 0;
}

static int listing_read(struct inode *dir, struct remote_listing **out)
{
	struct fsd_readdir_req req = {.dir = remote_of(dir)->node, .max = 131072};
	struct remote_listing *l = calloc(1, sizeof(*l));
	int64_t r;

	if (!l)
		return -LX_ENOMEM;
	l->refs = 1;
	for (;;) {
		struct fsd_readdir_rep rep;
		struct ipc_reply reply;
		uint32_t len;

		r = remote_result(
		    fsd_call_readdir(remote_session_of(dir)->client, &req, &rep, &reply));
		if (r < 0)
			break;
		len = rep.entries.len;
		r = listing_parse(l, rep.entries.data, len, &req.cookie);
		ipc_reply_release(&reply);
		if (r < 0 || len == 0)
			break;
	}
	if (r < 0) {
		remote_listing_put(l);
		return (int)r;
	}
	*out = l;
	return 0;
}

/* The directory's listing, with a reference. */
static int listing_get(struct inode *dir, struct remote_listing **out)
{
	struct remote_session *s = remote_session_of(dir);
	struct remote_inode *ri = remote_of(dir);
	bool keep = !(dir->sb->flags & SB_REVALIDATE);
	struct remote_listing *l = NULL;
	int r = 0;

	/* Nobody changes the directory meanwhile. */
	pthread_rwlock_rdlock(&dir->dir_lock);
	pthread_mutex_lock(&s->lock);
	if (keep && ri->listing) {
		l = ri->listing;
		__atomic_fetch_add(&l->refs, 1, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&s->lock);
	if (!l && (__atomic_load_n(&dir->flags, __ATOMIC_RELAXED) & INODE_DEAD))
		r = -LX_ENOENT;
	if (!l && r == 0) {
		r = listing_read(dir, &l);
		if (r == 0 && keep) {
			pthread_mutex_lock(&s->lock);
			if (!ri->listing) {
				ri->listing = l;
				__atomic_fetch_add(&l->refs, 1, __ATOMIC_RELAXED);
			}
			pthread_mutex_unlock(&s->lock);
		}
	}
	pthread_rwlock_unlock(&dir->dir_lock);
	*out = l;
	return r;
}

static int remote_dir_open(struct task *t, struct inode *inode, struct file *file)
{
	(void)t;
	(void)inode;
	file->ops = &remote_dir_file_ops;
	file->priv = NULL;
	return 0;
}

static void remote_dir_release(struct file *f)
{
	remote_listing_put(f->priv);
}

/* f->pos: 0 "." and 1 "..", then the listing.  pos_lock is held. */
static int remote_readdir(struct task *t, struct file *f, vfs_filldir *fill, void *opaque)
{
	struct remote_listing *l = f->priv;
	int r;

	(void)t;
	if (!l) {
		r = listing_get(f->inode, &l);
		if (r < 0)
			return r;
		f->priv = l;
	}
	while (f->pos >= 2 && (uint64_t)f->pos - 2 < l->count) {
		const uint8_t *e = l->data + l->offset[f->pos - 2];

		if (!fill(opaque, (const char *)e + 10, e[9], get_le64(e), e[8],
		          (uint64_t)f->pos + 1))
			break;
		f->pos++;
	}
	return 0;
}

/* Positions are those that readdir gave; the beginning is a fresh look at the directory. */
static int64_t remote_dir_lseek(struct task *t, struct file *f, int64_t offset, int whence)
{
	(void)t;
	(void)whence;
	if (offset == 0) {
		remote_listing_put(f->priv);
		f->priv = NULL;
	}
	return offset;
}

static int remote_dir_fsync(struct file *f, bool data_only)
{
	(void)f;
	(void)data_only;
	return 0;
}

const struct file_ops remote_dir_file_ops = {
    .readdir = remote_readdir,
    .lseek = remote_dir_lseek,
    .fsync = remote_dir_fsync,
    .release = remote_dir_release,
};

#define REMOTE_COMMON_OPS                                                                  \
	.getattr = remote_getattr, .setattr = remote_setattr, .getxattr = remote_getxattr, \
	.setxattr = remote_setxattr, .listxattr = remote_listxattr,                        \
	.removexattr = remote_removexattr, .release = remote_release_inode

const struct inode_ops remote_dir_inode_ops = {
    .lookup = remote_lookup,
    .create = remote_create,
    .mkdir = remote_mkdir,
    .mknod = remote_mknod,
    .symlink = remote_symlink,
    .link = remote_link,
    .unlink = remote_unlink,
    .rmdir = remote_rmdir,
    .rename = remote_rename,
    .tmpfile = remote_tmpfile,
    .open = remote_dir_open,
    REMOTE_COMMON_OPS,
};

const struct inode_ops remote_file_inode_ops = {.open = remote_open, REMOTE_COMMON_OPS};

/* Symbolic links, devices, fifos, sockets. */
const struct inode_ops remote_special_inode_ops = {.readlink = remote_readlink, REMOTE_COMMON_OPS};
