/*
 * tmp_file.c: contents of tmpfs files and memfds.  The page cache is their only storage: read and
 * write go through it, whether the file is mapped or not, and holes have no pages.
 */
#include "common/lx/errno.h"
#include "supervisor/guest.h"
#include "supervisor/mm/mm.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/tmp.h"
#include "supervisor/vfs/tmpfs.h"

/* inode.priv of a regular file. */
struct tmp_file {
	uint32_t seals; /* inode.lock */
};

static struct tmp_sb *sb_of(const struct inode *inode)
{
	return inode->sb->priv;
}

static uint64_t cache_size(void *owner)
{
	return inode_size(owner);
}

static void cache_lock(void *owner)
{
	struct inode *inode = owner;

	pthread_mutex_lock(&inode->lock);
}

static void cache_unlock(void *owner)
{
	struct inode *inode = owner;

	pthread_mutex_unlock(&inode->lock);
}

static const struct pagecache_ops cache_ops = {
	.size = cache_size,
	.lock = cache_lock,
	.unlock = cache_unlock,
};

int tmp_file_init(struct inode *inode)
{
	struct tmp_file *tf = calloc(1, sizeof(*tf));
	int r;

	if (!tf)
		return -LX_ENOMEM;
	r = pagecache_new(inode->sb->guest->arena, &cache_ops, inode, true, &inode->cache);
	if (r < 0) {
		free(tf);
		return r;
	}
	tf->seals = LX_F_SEAL_SEAL;
	inode->priv = tf;
	return 0;
}

/* Accounts for the pages that the inode has now. */
static void account(struct inode *inode, uint64_t before, uint64_t after)
{
	struct tmp_sb *s = sb_of(inode);

	pthread_mutex_lock(&s->lock);
	s->bytes += (after - before) * 4096;
	pthread_mutex_unlock(&s->lock);
}

void tmp_file_release(struct inode *inode)
{
	if (inode->cache)
		account(inode, pagecache_pages(inode->cache), 0);
	free(inode->priv);
}

/* Whether the file system has room for n more bytes. */
static bool has_room(struct inode *inode, uint64_t n)
{
	struct tmp_sb *s = sb_of(inode);
	bool ok;

	pthread_mutex_lock(&s->lock);
	ok = s->max_bytes == 0 || (s->bytes <= s->max_bytes && n <= s->max_bytes - s->bytes);
	pthread_mutex_unlock(&s->lock);
	return ok;
}

int tmp_file_truncate(struct inode *inode, uint64_t size)
{
	struct tmp_file *tf = inode->priv;
	uint64_t before, old;
	int r = 0;

	pthread_mutex_lock(&inode->lock);
	old = inode->size;
	if ((size < old && (tf->seals & LX_F_SEAL_SHRINK)) || (size > old && (tf->seals & LX_F_SEAL_GROW)))
		r = -LX_EPERM;
	if (r == 0) {
		before = pagecache_pages(inode->cache);
		inode_set_size(inode, size);
		if (size < old)
			pagecache_truncate(inode->cache, size);
		account(inode, before, pagecache_pages(inode->cache));
	}
	pthread_mutex_unlock(&inode->lock);
	return r;
}

int tmp_file_getattr(struct inode *inode, struct vfs_attr *out)
{
	pthread_mutex_lock(&inode->lock);
	*out = (struct vfs_attr){.ino = inode->ino,
				 .mode = inode->mode,
				 .nlink = inode->nlink,
				 .uid = inode->uid,
				 .gid = inode->gid,
				 .size = inode->size,
				 .blocks = pagecache_pages(inode->cache) * 8,
				 .blksize = inode->blksize,
				 .atime = inode->atime,
				 .mtime = inode->mtime,
				 .ctime = inode->ctime,
				 .btime = inode->btime};
	pthread_mutex_unlock(&inode->lock);
	return 0;
}

static int64_t tmp_read(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	struct inode *inode = f->inode;
	uint64_t size = inode_size(inode);
	int64_t r;

	(void)t;
	if (*pos < 0 || (uint64_t)*pos >= size)
		return 0;
	r = pagecache_read(inode->cache, (uint64_t)*pos, u, MIN(u->left, size - (uint64_t)*pos));
	if (r > 0)
		*pos += r;
	return r;
}

/* Writes what is pinned; inode.lock is held. */
static int64_t write_pinned_locked(struct file *f, const struct user_pin *p, int64_t *pos)
{
	struct inode *inode = f->inode;
	struct tmp_file *tf = inode->priv;
	struct uio_seg seg[ARRAY_LEN(p->iov)];
	uint64_t n = p->bytes, before;
	struct uio k;
	int64_t r;

	if (f->flags & LX_O_APPEND)
		*pos = (int64_t)inode->size;
	if (tf->seals & (LX_F_SEAL_WRITE | LX_F_SEAL_FUTURE_WRITE))
		return -LX_EPERM;
	if (n > (uint64_t)(INT64_MAX - *pos))
		return -LX_EFBIG;
	if ((tf->seals & LX_F_SEAL_GROW) && (uint64_t)*pos + n > inode->size) {
		if ((uint64_t)*pos >= inode->size)
			return -LX_EPERM;
		n = inode->size - (uint64_t)*pos;
	}
	if (!has_room(inode, n))
		return -LX_ENOSPC;
	for (unsigned i = 0; i < p->count; i++)
		seg[i] = (struct uio_seg){(uint64_t)(uintptr_t)p->iov[i].iov_base, p->iov[i].iov_len};
	uio_init_kernel(&k, NULL, 0);
	k.seg = seg;
	k.nseg = p->count;
	k.left = p->bytes;
	before = pagecache_pages(inode->cache);
	r = pagecache_write(inode->cache, (uint64_t)*pos, &k, n);
	account(inode, before, pagecache_pages(inode->cache));
	if (r > 0) {
		*pos += r;
		if ((uint64_t)*pos > inode->size)
			inode_set_size(inode, (uint64_t)*pos);
		inode->mtime = inode->ctime = vfs_now();
	}
	return r;
}

static int64_t tmp_write(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	int64_t total = 0;

	(void)t;
	while (u->left > 0) {
		struct user_pin p;
		int64_t r = uio_pin(u, false, &p);

		if (r < 0)
			return total ? total : r;
		pthread_mutex_lock(&f->inode->lock);
		r = write_pinned_locked(f, &p, pos);
		pthread_mutex_unlock(&f->inode->lock);
		user_unpin(&p);
		if (r < 0)
			return total ? total : r;
		uio_advance(u, (uint64_t)r);
		total += r;
		if ((uint64_t)r < p.bytes)
			break;
	}
	return total;
}

/* Data are the pages that exist. */
static int64_t tmp_lseek(struct task *t, struct file *f, int64_t offset, int whence)
{
	struct inode *inode = f->inode;
	uint64_t size = inode_size(inode), page;

	(void)t;
	if (whence != LX_SEEK_DATA && whence != LX_SEEK_HOLE)
		return vfs_lseek_generic(f, offset, whence);
	if (offset < 0 || (uint64_t)offset >= size)
		return -LX_ENXIO;
	page = (uint64_t)offset / 4096;
	if (whence == LX_SEEK_DATA) {
		uint64_t next = pagecache_next_page(inode->cache, page);

		if (next == UINT64_MAX || next >= (size + 4095) / 4096)
			return -LX_ENXIO;
		if (next > page)
			offset = (int64_t)(next * 4096);
	} else {
		while (page * 4096 < size && pagecache_next_page(inode->cache, page) == page)
			page++;
		if (page > (uint64_t)offset / 4096)
			offset = (int64_t)MIN(page * 4096, size);
	}
	f->pos = offset;
	return offset;
}

static int tmp_mapping(struct file *f, struct pagecache **out)
{
	*out = f->inode->cache;
	return 0;
}

static int tmp_fsync(struct file *f, bool data_only)
{
	(void)f;
	(void)data_only;
	return 0;
}

/* Gives [offset, end) pages, zeroed. */
static int populate(struct inode *inode, uint64_t offset, uint64_t end)
{
	for (uint64_t page = offset / 4096; page < (end + 4095) / 4096; page++) {
		uint64_t pa;
		int r = pagecache_get_page(inode->cache, page, &pa);

		if (r < 0)
			return r;
		frame_put(inode->sb->guest->arena, pa);
	}
	return 0;
}

static int64_t tmp_fallocate(struct file *f, uint32_t mode, int64_t offset, int64_t len)
{
	struct inode *inode = f->inode;
	struct tmp_file *tf = inode->priv;
	uint64_t end = (uint64_t)(offset + len), before, old;
	int64_t r = 0;

	pthread_mutex_lock(&inode->lock);
	before = pagecache_pages(inode->cache);
	old = inode->size;
	if ((mode & (LX_FALLOC_FL_PUNCH_HOLE | LX_FALLOC_FL_ZERO_RANGE)) &&
	    (tf->seals & (LX_F_SEAL_WRITE | LX_F_SEAL_FUTURE_WRITE)))
		r = -LX_EPERM;
	else if (end > old && (tf->seals & LX_F_SEAL_GROW))
		r = -LX_EPERM;
	else if (!(mode & LX_FALLOC_FL_PUNCH_HOLE) && !has_room(inode, (uint64_t)len))
		r = -LX_ENOSPC;
	if (r == 0 && (mode & (LX_FALLOC_FL_PUNCH_HOLE | LX_FALLOC_FL_ZERO_RANGE)))
		pagecache_punch(inode->cache, (uint64_t)offset, (uint64_t)len);
	if (r == 0 && !(mode & LX_FALLOC_FL_KEEP_SIZE) && end > old)
		inode_set_size(inode, end);
	if (r == 0)
		inode->mtime = inode->ctime = vfs_now();
	pthread_mutex_unlock(&inode->lock);
	if (r == 0 && !(mode & LX_FALLOC_FL_PUNCH_HOLE) && (uint64_t)offset < inode_size(inode))
		r = populate(inode, (uint64_t)offset, MIN(end, inode_size(inode)));
	account(inode, before, pagecache_pages(inode->cache));
	return r;
}

const struct file_ops tmp_file_ops = {
	.read = tmp_read,
	.write = tmp_write,
	.lseek = tmp_lseek,
	.mapping = tmp_mapping,
	.fsync = tmp_fsync,
	.fallocate = tmp_fallocate,
};

static bool is_tmp_file(const struct file *f)
{
	return f->inode->ops == &tmp_file_inode_ops;
}

int64_t tmp_get_seals(struct file *f)
{
	struct tmp_file *tf;
	int64_t seals;

	if (!is_tmp_file(f))
		return -LX_EINVAL;
	tf = f->inode->priv;
	pthread_mutex_lock(&f->inode->lock);
	seals = tf->seals;
	pthread_mutex_unlock(&f->inode->lock);
	return seals;
}

int64_t tmp_add_seals(struct file *f, uint32_t seals)
{
	struct inode *inode = f->inode;
	struct tmp_file *tf;
	int64_t r = 0;

	if (!is_tmp_file(f))
		return -LX_EINVAL;
	if (!lx_flags_writable(f->flags))
		return -LX_EPERM;
	if (seals & ~LX_F_SEAL_ALL)
		return -LX_EINVAL;
	tf = inode->priv;
	pthread_mutex_lock(&inode->lock);
	if (tf->seals & LX_F_SEAL_SEAL)
		r = -LX_EPERM;
	else if ((seals & LX_F_SEAL_WRITE) && !(tf->seals & LX_F_SEAL_WRITE) &&
		 pagecache_writable_maps(inode->cache) > 0)
		r = -LX_EBUSY;
	else
		tf->seals |= seals;
	pthread_mutex_unlock(&inode->lock);
	return r;
}

int tmp_check_map(struct file *f, bool shared_writable)
{
	struct tmp_file *tf;
	int r = 0;

	if (!is_tmp_file(f) || !shared_writable)
		return 0;
	tf = f->inode->priv;
	pthread_mutex_lock(&f->inode->lock);
	if (tf->seals & (LX_F_SEAL_WRITE | LX_F_SEAL_FUTURE_WRITE))
		r = -LX_EPERM;
	pthread_mutex_unlock(&f->inode->lock);
	return r;
}

/* The tmpfs that memfds and shared anonymous memory belong to; never mounted anywhere. */
static int memfd_superblock(struct guest *g, struct superblock **out)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct superblock *sb;
	int r = 0;

	pthread_mutex_lock(&lock);
	if (!sb) {
		r = fs_tmp_mount(g, "size=0,nr_inodes=0", &sb);
		if (r < 0)
			sb = NULL;
	}
	*out = sb;
	pthread_mutex_unlock(&lock);
	return r;
}

int tmp_new_memfd(struct task *t, const char *name, uint32_t flags, uint32_t seals, uint32_t mode,
		  struct file **out)
{
	struct superblock *sb;
	struct inode *inode;
	struct tmp_file *tf;
	char label[300];
	int r = memfd_superblock(t->guest, &sb);

	if (r < 0)
		return r;
	r = tmp_inode_new(sb, LX_S_IFREG | mode, t->cred->fsuid, t->cred->fsgid, &inode);
	if (r < 0)
		return r;
	inode->nlink = 0;
	tf = inode->priv;
	tf->seals = seals;
	snprintf(label, sizeof(label), "/memfd:%s (deleted)", name);
	r = file_new_inode(inode, &tmp_file_ops, NULL, LX_O_RDWR | LX_O_LARGEFILE | flags, label, out);
	inode_put(inode);
	return r;
}
