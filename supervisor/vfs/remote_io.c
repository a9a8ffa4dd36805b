/*
 * remote_io.c: the data of files that live in fsd.
 *
 * Three ways, in this order: through the page cache while the file is mapped anywhere; by the
 * donated descriptor straight into the guest's pinned memory; by messages to fsd (--fs=strict).
 * Writers of one file take turns under inode.lock, which keeps O_APPEND and the size right.
 * Guest memory is pinned before the lock is taken, as touching it can fault.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "common/plat/errno.h"
#include "supervisor/guest.h"
#include "supervisor/vfs/remote.h"

/* By message, for policy strict. */
static int64_t fsd_read(struct inode *inode, uint64_t handle, uint64_t offset,
                        const struct user_pin *p)
{
	struct remote_session *s = remote_session_of(inode);
	uint64_t want = MIN(p->bytes, s->bulk ? (uint64_t)IPC_MAX_READ : 4096u);
	struct fsd_read_req req = {.handle = handle, .offset = offset, .len = (uint32_t)want};
	struct fsd_read_rep rep;
	struct ipc_reply reply;
	const uint8_t *data = NULL;
	uint64_t done = 0;
	int64_t r;

	if (s->bulk && want >= IPC_BULK_MIN) {
		r = ipc_bulk_alloc_wait(s->bulk, (uint32_t)want, &req.bulk_off);
		if (r < 0)
			return r;
		req.bulk_len = (uint32_t)want;
		data = ipc_bulk_at(s->bulk, req.bulk_off, req.bulk_len);
	}
	r = remote_result(fsd_call_read(s->client, &req, &rep, &reply));
	if (r >= 0) {
		if (!req.bulk_len) {
			data = rep.data.data;
			r = rep.data.len;
		}
		r = MIN(r, (int64_t)want);
		for (unsigned i = 0; i < p->count && done < (uint64_t)r; i++) {
			uint64_t n = MIN(p->iov[i].iov_len, (uint64_t)r - done);

			memcpy(p->iov[i].iov_base, data + done, n);
			done += n;
		}
		ipc_reply_release(&reply);
	}
	if (req.bulk_len)
		ipc_bulk_return(s->bulk, req.bulk_off, req.bulk_len);
	return r;
}

static int64_t fsd_write(struct inode *inode, uint64_t handle, uint64_t offset,
                         const struct user_pin *p)
{
	struct remote_session *s = remote_session_of(inode);
	uint64_t want = MIN(p->bytes, s->bulk ? (uint64_t)IPC_MAX_READ : 4096u), done = 0;
	struct fsd_write_req req = {.handle = handle, .offset = offset};
	struct fsd_write_rep rep;
	uint8_t small[4096], *to = small;
	int64_t r;

	if (s->bulk && want > sizeof(small)) {
		r = ipc_bulk_alloc_wait(s->bulk, (uint32_t)want, &req.bulk_off);
		if (r < 0)
			return r;
		req.bulk_len = (uint32_t)want;
		to = ipc_bulk_at(s->bulk, req.bulk_off, req.bulk_len);
	}
	for (unsigned i = 0; i < p->count && done < want; i++) {
		uint64_t n = MIN(p->iov[i].iov_len, want - done);

		memcpy(to + done, p->iov[i].iov_base, n);
		done += n;
	}
	if (!req.bulk_len)
		req.data = (struct ipc_bytes){small, (uint32_t)want};
	r = remote_result(fsd_call_write(s->client, &req, &rep, NULL));
	if (req.bulk_len)
		ipc_bulk_return(s->bulk, req.bulk_off, req.bulk_len);
	return r < 0 ? r : MIN(r, (int64_t)want);
}

static int64_t handle_read(struct inode *inode, const struct remote_handle *h,
                           const struct user_pin *p, int64_t pos)
{
	ssize_t n;

	if (h->fd < 0)
		return fsd_read(inode, h->handle, (uint64_t)pos, p);
	do {
		n = p->count == 1 ? pread(h->fd, p->iov[0].iov_base, p->iov[0].iov_len, pos)
		                  : preadv(h->fd, p->iov, (int)p->count, pos);
	} while (n < 0 && errno == EINTR);
	return plat_result(n);
}

static int64_t handle_write(struct inode *inode, const struct remote_handle *h,
                            const struct user_pin *p, int64_t pos)
{
	ssize_t n;

	if (h->fd < 0)
		return fsd_write(inode, h->handle, (uint64_t)pos, p);
	do {
		n = p->count == 1 ? pwrite(h->fd, p->iov[0].iov_base, p->iov[0].iov_len, pos)
		                  : pwritev(h->fd, p->iov, (int)p->count, pos);
	} while (n < 0 && errno == EINTR);
	return plat_result(n);
}

static bool mapped(const struct inode *inode)
{
	struct pagecache *pc = __atomic_load_n(&inode->cache, __ATOMIC_ACQUIRE);

	return pc && pagecache_active(pc);
}

static int64_t read_mapped(struct inode *inode, struct uio *u, int64_t *pos)
{
	uint64_t size = inode_size(inode);
	int64_t r;

	if (*pos < 0 || (uint64_t)*pos >= size)
		return 0;
	r = pagecache_read(inode->cache, (uint64_t)*pos, u, MIN(u->left, size - (uint64_t)*pos));
	if (r > 0)
		*pos += r;
	return r;
}

static int64_t remote_read(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	struct inode *inode = f->inode;
	int64_t total = 0;

	(void)t;
	if (mapped(inode))
		return read_mapped(inode, u, pos);
	while (u->left > 0) {
		const struct remote_handle *h = remote_reader(remote_of(inode));
		struct user_pin p;
		int64_t r;

		if (!h)
			return total ? total : -LX_EIO;
		r = uio_pin(u, true, &p);
		if (r < 0)
			return total ? total : r;
		r = handle_read(inode, h, &p, *pos);
		user_unpin(&p);
		if (r < 0)
			return total ? total : r;
		uio_advance(u, (uint64_t)r);
		*pos += r;
		total += r;
		if (r == 0 || ((uint64_t)r < p.bytes && h->fd >= 0))
			break;
	}
	return total;
}

/* Makes the file that long where it lives; inode.lock is held. */
static int set_length_locked(struct inode *inode, uint64_t size)
{
	struct remote_inode *ri = remote_of(inode);
	struct fsd_setattr_req req = {.node = ri->node, .mask = VFS_SET_SIZE, .size = size};
	struct fsd_setattr_rep rep;
	int64_t r;

	if (ri->wr && ri->wr->fd >= 0)
		return ftruncate(ri->wr->fd, (off_t)size) < 0 ? plat_errno(errno) : 0;
	if (ri->wr)
		req.handle = ri->wr->handle;
	r = remote_result(fsd_call_setattr(remote_session_of(inode)->client, &req, &rep, NULL));
	return r < 0 ? (int)r : 0;
}

int remote_truncate_locked(struct inode *inode, uint64_t size)
{
	struct remote_inode *ri = remote_of(inode);
	uint64_t old;
	int r = remote_need_handle_locked(inode, true, size == 0);

	if (r < 0)
		return r;
	r = set_length_locked(inode, size);
	if (r < 0)
		return r;
	old = inode->size;
	inode_set_size(inode, size);
	if (inode->cache && size < old)
		pagecache_truncate(inode->cache, size);
	remote_mark_stale(inode, REMOTE_STALE_DATA);
	if (ri->opens == 0)
		remote_enter_idle_locked(inode);
	return 0;
}

int remote_writeback(struct inode *inode)
{
	struct pagecache *pc = __atomic_load_n(&inode->cache, __ATOMIC_ACQUIRE);
	int r;

	if (!pc || !__atomic_load_n(&remote_of(inode)->dirty, __ATOMIC_RELAXED))
		return 0;
	r = pagecache_sync(pc, 0, INT64_MAX);
	remote_mark_stale(inode, REMOTE_STALE_DATA);
	return r;
}

/* inode.lock is held; the page cache writes through. */
static int64_t write_mapped_locked(struct inode *inode, struct user_pin *p, int64_t pos)
{
	struct uio_seg seg[ARRAY_LEN(p->iov)];
	struct uio k;

	for (unsigned i = 0; i < p->count; i++) {
		seg[i].base = (uint64_t)(uintptr_t)p->iov[i].iov_base;
		seg[i].len = p->iov[i].iov_len;
	}
	uio_init_kernel(&k, NULL, 0);
	k.seg = seg;
	k.nseg = p->count;
	k.left = p->bytes;
	return pagecache_write(inode->cache, (uint64_t)pos, &k, p->bytes);
}

static int64_t write_piece_locked(struct file *f, struct user_pin *p, int64_t *pos)
{
	struct inode *inode = f->inode;
	struct remote_inode *ri = remote_of(inode);
	int64_t r;

	if (!ri->wr)
		return -LX_EIO;
	if (f->flags & LX_O_APPEND) {
		if (inode->sb->flags & SB_REVALIDATE)
			(void)!remote_refresh_locked(inode);
		*pos = (int64_t)inode->size;
	}
	if (p->bytes > (uint64_t)(INT64_MAX - *pos))
		return -LX_EFBIG;
	r = mapped(inode) ? write_mapped_locked(inode, p, *pos)
	                  : handle_write(inode, ri->wr, p, *pos);
	if (r > 0) {
		*pos += r;
		if ((uint64_t)*pos > inode->size)
			inode_set_size(inode, (uint64_t)*pos);
		remote_mark_stale(inode, REMOTE_STALE_DATA);
	}
	return r;
}

static int64_t remote_write(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	struct inode *inode = f->inode;
	int64_t total = 0;

	(void)t;
	while (u->left > 0) {
		struct user_pin p;
		int64_t r = uio_pin(u, false, &p);

		if (r < 0)
			return total ? total : r;
		pthread_mutex_lock(&inode->lock);
		r = write_piece_locked(f, &p, pos);
		pthread_mutex_unlock(&inode->lock);
		user_unpin(&p);
		if (r < 0)
			return total ? total : r;
		uio_advance(u, (uint64_t)r);
		total += r;
		if (r == 0 || ((uint64_t)r < p.bytes && remote_of(inode)->wr->fd >= 0))
			break;
	}
	return total;
}

static int64_t remote_lseek(struct task *t, struct file *f, int64_t offset, int whence)
{
	struct inode *inode = f->inode;
	const struct remote_handle *h;
	struct fsd_lseek_req req;
	struct fsd_lseek_rep rep;
	int64_t r;

	(void)t;
	if (whence != LX_SEEK_DATA && whence != LX_SEEK_HOLE)
		return vfs_lseek_generic(f, offset, whence);
	(void)remote_writeback(inode);
	pthread_mutex_lock(&inode->lock);
	r = remote_refresh_locked(inode);
	h = remote_reader(remote_of(inode));
	if (r == 0 && !h)
		r = -LX_EIO;
	if (r == 0 && (offset < 0 || (uint64_t)offset >= inode->size))
		r = -LX_ENXIO;
	if (r == 0 && h->fd >= 0) {
#ifdef SEEK_DATA
		/* The descriptor's own position is used for nothing else. */
		r = plat_result(
		    lseek(h->fd, offset, whence == LX_SEEK_DATA ? SEEK_DATA : SEEK_HOLE));
#else
		r = whence == LX_SEEK_DATA ? offset : (int64_t)inode->size;
#endif
	} else if (r == 0) {
		req = (struct fsd_lseek_req){
		    .handle = h->handle, .offset = (uint64_t)offset, .whence = (uint32_t)whence};
		r = remote_result(
		    fsd_call_lseek(remote_session_of(inode)->client, &req, &rep, NULL));
		if (r >= 0)
			r = (int64_t)rep.offset;
	}
	pthread_mutex_unlock(&inode->lock);
	if (r >= 0)
		f->pos = r;
	return r;
}

static int remote_fsync(struct file *f, bool data_only)
{
	struct inode *inode = f->inode;
	const struct remote_handle *h;
	int64_t r;

	r = remote_writeback(inode);
	h = remote_reader(remote_of(inode));
	if (r < 0 || !h)
		return (int)r;
	if (h->fd >= 0) {
#ifdef __APPLE__
		(void)data_only;
		r = plat_result(fsync(h->fd));
#else
		r = plat_result(data_only ? fdatasync(h->fd) : fsync(h->fd));
#endif
	} else {
		struct fsd_fsync_req req = {.handle = h->handle, .data_only = data_only};

		r = remote_result(
		    fsd_call_fsync(remote_session_of(inode)->client, &req, NULL, NULL));
	}
	return r < 0 ? (int)r : 0;
}

static int64_t remote_fallocate(struct file *f, uint32_t mode, int64_t offset, int64_t len)
{
	struct inode *inode = f->inode;
	struct remote_inode *ri = remote_of(inode);
	struct fsd_fallocate_req req = {
	    .mode = mode, .offset = (uint64_t)offset, .len = (uint64_t)len};
	bool grows = !(mode & LX_FALLOC_FL_KEEP_SIZE);
	int64_t r;

	(void)remote_writeback(inode);
	pthread_mutex_lock(&inode->lock);
	r = ri->wr ? 0 : -LX_EIO;
	if (r == 0) {
		req.handle = ri->wr->handle;
		r = remote_result(
		    fsd_call_fallocate(remote_session_of(inode)->client, &req, NULL, NULL));
	}
	if (r >= 0) {
		if (inode->cache && (mode & (LX_FALLOC_FL_PUNCH_HOLE | LX_FALLOC_FL_ZERO_RANGE)))
			pagecache_punch(inode->cache, (uint64_t)offset, (uint64_t)len);
		if (grows && (uint64_t)(offset + len) > inode->size)
			inode_set_size(inode, (uint64_t)(offset + len));
		remote_mark_stale(inode, REMOTE_STALE_ALL);
	}
	pthread_mutex_unlock(&inode->lock);
	return r < 0 ? r : 0;
}

/* Page cache.  Its calls come with inode.lock held. */
static int64_t cache_read_run(void *owner, uint64_t offset, void *buf, uint64_t n)
{
	struct inode *inode = owner;
	const struct remote_handle *h = remote_reader(remote_of(inode));
	struct user_pin p = {.count = 1};
	uint64_t done = 0;

	if (!h)
		return -LX_EIO;
	while (done < n) {
		int64_t r;

		p.iov[0] = (struct iovec){(char *)buf + done, n - done};
		p.bytes = n - done;
		r = handle_read(inode, h, &p, (int64_t)(offset + done));
		if (r < 0)
			return r;
		if (r == 0)
			break;
		done += (uint64_t)r;
	}
	return (int64_t)done;
}

static int64_t cache_read_page(void *owner, uint64_t offset, void *page)
{
	return cache_read_run(owner, offset, page, 4096);
}

static int64_t cache_write_page(void *owner, uint64_t offset, const void *page, uint64_t n)
{
	struct inode *inode = owner;
	const struct remote_handle *h = __atomic_load_n(&remote_of(inode)->wr, __ATOMIC_ACQUIRE);
	struct user_pin p = {.count = 1};
	uint64_t done = 0;

	if (!h)
		return -LX_EIO;
	while (done < n) {
		int64_t r;

		p.iov[0] = (struct iovec){(char *)(uintptr_t)page + done, n - done};
		p.bytes = n - done;
		r = handle_write(inode, h, &p, (int64_t)(offset + done));
		if (r <= 0)
			return r < 0 ? r : -LX_EIO;
		done += (uint64_t)r;
	}
	return (int64_t)n;
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

static uint64_t cache_size(void *owner)
{
	return inode_size(owner);
}

static const struct pagecache_ops cache_ops = {
	.read_page = cache_read_page,
	.write_page = cache_write_page,
	.size = cache_size,
	.read_run = cache_read_run,
	.lock = cache_lock,
	.unlock = cache_unlock,
};

static int remote_mapping(struct file *f, struct pagecache **out)
{
	struct inode *inode = f->inode;
	struct pagecache *pc;
	int r = 0;

	pthread_mutex_lock(&inode->lock);
	if (!inode->cache) {
		r = pagecache_new(inode->sb->guest->arena, &cache_ops, inode, false, &pc);
		if (r == 0)
			__atomic_store_n(&inode->cache, pc, __ATOMIC_RELEASE);
	}
	if (lx_flags_writable(f->flags))
		__atomic_store_n(&remote_of(inode)->dirty, true, __ATOMIC_RELAXED);
	*out = inode->cache;
	pthread_mutex_unlock(&inode->lock);
	return r;
}

const struct file_ops remote_file_ops = {
    .read = remote_read,
    .write = remote_write,
    .lseek = remote_lseek,
    .mapping = remote_mapping,
    .fsync = remote_fsync,
    .fallocate = remote_fallocate,
    .release = remote_file_release,
};
