/*
 * remote_file.c: handles of regular files: what the inode has open at fsd.
 *
 * An inode has at most one handle for reading and one for reading and writing, whatever number
 * of open files the guest has on it: positions and access modes are ours.  They outlive the open
 * files for a while (a list bounded by REMOTE_IDLE_MAX), so that opening a file again needs no
 * message.  The first open for writing copies a lower file up, after which the handle for reading
 * is of the old copy: the new one takes over at once, and the old one is closed when nobody can be
 * using it any more.
 */
#include <unistd.h>

#include "common/lx/errno.h"
#include "supervisor/vfs/remote.h"

/* The handle that reads go to. */
struct remote_handle *remote_reader(const struct remote_inode *ri)
{
	struct remote_handle *h = __atomic_load_n(&ri->wr, __ATOMIC_ACQUIRE);

	return h ? h : __atomic_load_n(&ri->rd, __ATOMIC_ACQUIRE);
}

static void close_handle(struct remote_session *s, struct remote_handle *h)
{
	struct fsd_close_req req = {.handle = h->handle};

	if (h->fd >= 0)
		close(h->fd);
	/* One way: nobody waits for it, and a lost session has closed it. */
	(void)fsd_post_close(s->client, &req);
	free(h);
}

static int handle_new(uint64_t handle, struct ipc_fds *fds, struct remote_handle **out)
{
	struct remote_handle *h = calloc(1, sizeof(*h));

	if (!h)
		return -LX_ENOMEM;
	h->handle = handle;
	h->fd = fds ? ipc_fds_take(fds, 0) : -1;
	*out = h;
	return 0;
}

static void close_retired_locked(struct inode *inode)
{
	struct remote_inode *ri = remote_of(inode);

	while (ri->retired) {
		struct remote_handle *h = ri->retired;

		ri->retired = h->next;
		close_handle(remote_session_of(inode), h);
	}
}

void remote_close_handles_locked(struct inode *inode)
{
	struct remote_inode *ri = remote_of(inode);

	close_retired_locked(inode);
	if (ri->rd)
		close_handle(remote_session_of(inode), ri->rd);
	if (ri->wr)
		close_handle(remote_session_of(inode), ri->wr);
	__atomic_store_n(&ri->rd, NULL, __ATOMIC_RELEASE);
	__atomic_store_n(&ri->wr, NULL, __ATOMIC_RELEASE);
}

uint64_t remote_give_up_handle(struct inode *inode)
{
	struct remote_inode *ri = remote_of(inode);
	struct remote_handle *h = NULL;
	uint64_t number = 0;

	if (!LX_S_ISREG(inode_mode(inode)))
		return 0;
	pthread_mutex_lock(&inode->lock);
	if (ri->opens == 0 && inode->nlink == 1) {
		h = ri->wr ? ri->wr : ri->rd;
		__atomic_store_n(ri->wr ? &ri->wr : &ri->rd, NULL, __ATOMIC_RELEASE);
		remote_close_handles_locked(inode);
	}
	pthread_mutex_unlock(&inode->lock);
	if (h) {
		number = h->handle;
		if (h->fd >= 0)
			close(h->fd);
		free(h);
	}
	return number;
}

static void install_locked(struct inode *inode, struct remote_handle *h, bool for_write)
{
	struct remote_inode *ri = remote_of(inode);

	if (!for_write) {
		__atomic_store_n(&ri->rd, h, __ATOMIC_RELEASE);
		return;
	}
	__atomic_store_n(&ri->wr, h, __ATOMIC_RELEASE);
	if (ri->rd) {
		ri->rd->next = ri->retired;
		ri->retired = ri->rd;
		__atomic_store_n(&ri->rd, NULL, __ATOMIC_RELEASE);
		if (ri->opens == 0)
			close_retired_locked(inode);
	}
}

int remote_need_handle_locked(struct inode *inode, bool for_write, bool truncate)
{
	struct remote_inode *ri = remote_of(inode);
	struct remote_session *s = remote_session_of(inode);
	struct fsd_open_req req = {.node = ri->node,
	                           .open_flags = for_write ? LX_O_RDWR : LX_O_RDONLY};
	struct fsd_open_rep rep;
	struct ipc_reply reply;
	struct remote_handle *h;
	int64_t r;

	if (ri->wr || (!for_write && ri->rd))
		return 0;
	if (for_write && truncate)
		req.open_flags |= LX_O_TRUNC;
	r = remote_result(fsd_call_open(s->client, &req, &rep, &reply));
	if (r == -LX_EMFILE || r == -LX_ENFILE) {
		remote_trim_idle(s, 0);
		r = remote_result(fsd_call_open(s->client, &req, &rep, &reply));
	}
	if (r < 0)
		return (int)r;
	r = handle_new(rep.handle, &reply.fds, &h);
	ipc_reply_release(&reply);
	if (r < 0) {
		struct fsd_close_req close_req = {.handle = rep.handle};

		(void)fsd_post_close(s->client, &close_req);
		return (int)r;
	}
	if (for_write && !__atomic_load_n(&ri->dirty, __ATOMIC_RELAXED)) {
		uint32_t nlink = inode->nlink;

		remote_apply_attr_locked(inode, &rep.attr);
		if (nlink == 0)
			inode->nlink = 0;
	}
	install_locked(inode, h, for_write);
	return 0;
}

static void leave_idle(struct remote_session *s, struct remote_inode *ri)
{
	pthread_mutex_lock(&s->lock);
	if (!list_empty(&ri->idle)) {
		list_del_init(&ri->idle);
		s->idle_count--;
	}
	pthread_mutex_unlock(&s->lock);
}

/* Closes handles of files that are not open, the oldest first, until keep are left.  May be
 * called with an inode.lock held: inodes whose lock is taken are passed over. */
void remote_trim_idle(struct remote_session *s, uint32_t keep)
{
	struct inode *batch[32];
	unsigned n, tries = 64;

	do {
		n = 0;
		pthread_mutex_lock(&s->lock);
		while (s->idle_count > keep && n < ARRAY_LEN(batch)) {
			struct remote_inode *ri =
			    list_first_entry(&s->idle, struct remote_inode, idle);

			list_del_init(&ri->idle);
			s->idle_count--;
			if (inode_get_live(ri->inode))
				batch[n++] = ri->inode;
		}
		pthread_mutex_unlock(&s->lock);
		for (unsigned i = 0; i < n; i++) {
			if (pthread_mutex_trylock(&batch[i]->lock) == 0) {
				if (remote_of(batch[i])->opens == 0)
					remote_close_handles_locked(batch[i]);
				pthread_mutex_unlock(&batch[i]->lock);
			}
		}
		for (unsigned i = 0; i < n; i++)
			inode_put(batch[i]);
	} while (n > 0 && --tries > 0);
}

void remote_enter_idle_locked(struct inode *inode)
{
	struct remote_inode *ri = remote_of(inode);
	struct remote_session *s = remote_session_of(inode);

	pthread_mutex_lock(&s->lock);
	if (list_empty(&ri->idle)) {
		list_add_tail(&ri->idle, &s->idle);
		s->idle_count++;
	}
	pthread_mutex_unlock(&s->lock);
}

void remote_adopt_handle(struct inode *inode, uint64_t handle, struct ipc_fds *fds)
{
	struct remote_handle *h;

	if (handle == 0)
		return;
	pthread_mutex_lock(&inode->lock);
	if (remote_of(inode)->wr || handle_new(handle, fds, &h) < 0) {
		struct fsd_close_req req = {.handle = handle};

		(void)fsd_post_close(remote_session_of(inode)->client, &req);
	} else {
		install_locked(inode, h, true);
		remote_enter_idle_locked(inode);
	}
	pthread_mutex_unlock(&inode->lock);
}

int remote_open(struct task *t, struct inode *inode, struct file *file)
{
	struct remote_inode *ri = remote_of(inode);
	bool truncate = (file->flags & LX_O_TRUNC) != 0;
	int r;

	(void)t;
	pthread_mutex_lock(&inode->lock);
	/* What the host has changed since nobody here had the file open is seen from now on. */
	if ((inode->sb->flags & SB_REVALIDATE) && ri->opens == 0 && inode->cache)
		pagecache_truncate(inode->cache, 0);
	r = remote_need_handle_locked(inode, lx_flags_writable(file->flags), truncate);
	if (r == 0) {
		ri->opens++;
		leave_idle(remote_session_of(inode), ri);
	}
	pthread_mutex_unlock(&inode->lock);
	if (r < 0)
		return r;
	file->ops = &remote_file_ops;
	return 0;
}

/* The last reference to an open file went away. */
void remote_file_release(struct file *f)
{
	struct inode *inode = f->inode;
	struct remote_inode *ri = remote_of(inode);
	struct remote_session *s = remote_session_of(inode);
	bool trim;

	if (__atomic_load_n(&ri->dirty, __ATOMIC_RELAXED)) {
		bool last;

		pthread_mutex_lock(&inode->lock);
		last = ri->opens == 1 && inode->nlink > 0;
		pthread_mutex_unlock(&inode->lock);
		if (last && remote_writeback(inode) == 0)
			__atomic_store_n(&ri->dirty, false, __ATOMIC_RELAXED);
	}
	pthread_mutex_lock(&inode->lock);
	if (--ri->opens == 0) {
		close_retired_locked(inode);
		if (ri->rd || ri->wr)
			remote_enter_idle_locked(inode);
	}
	pthread_mutex_unlock(&inode->lock);
	pthread_mutex_lock(&s->lock);
	trim = s->idle_count > REMOTE_IDLE_MAX;
	pthread_mutex_unlock(&s->lock);
	if (trim)
		remote_trim_idle(s, REMOTE_IDLE_MAX * 7 / 8);
}
