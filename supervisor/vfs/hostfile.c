/*
 * hostfile.c: open files over host descriptors that the monitor handed over: the guest's standard
 * input, output and error when they are no terminal of ours (pipes, files, sockets of the host).
 *
 * A read or write that would block waits on the host descriptor with the poller, so that signals
 * interrupt it.  Other processes share these descriptors' open files, so their O_NONBLOCK flag is
 * left alone: readiness is asked for first.
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "common/lx/ioctl.h"
#include "common/lx/poll.h"
#include "common/plat/errno.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/poll.h"
#include "supervisor/vfs/file.h"

struct hostfile {
	uint32_t refs; /* atomic: the inode, and each open file */
	int fd;
	bool regular;
	struct waitq wait;
	struct hostpoll *poll; /* NULL for what is always ready */
};

static void hostfile_put(struct hostfile *h)
{
	if (__atomic_fetch_sub(&h->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	if (h->poll)
		hostpoll_free(h->poll);
	waitq_release(&h->wait);
	close(h->fd);
	free(h);
}

static bool ready(struct hostfile *h, uint32_t events)
{
	if (!h->poll || hostpoll_ready(h->fd, events | LX_POLLHUP | LX_POLLERR))
		return true;
	hostpoll_arm(h->poll, events);
	/* What came between looking and arming. */
	return hostpoll_ready(h->fd, events | LX_POLLHUP | LX_POLLERR) != 0;
}

static int wait_ready(struct task *t, struct file *f, struct hostfile *h, uint32_t events)
{
	if (ready(h, events))
		return 0;
	if (__atomic_load_n(&f->flags, __ATOMIC_RELAXED) & LX_O_NONBLOCK)
		return -LX_EAGAIN;
	if (!t)
		return -LX_EAGAIN;
	return WAIT_EVENT(t, &h->wait, ready(h, events), WAIT_FOREVER);
}

/* "Ready for writing" promises no more room than this. */
#define WRITE_AT_ONCE 4096u

/* The first max bytes of what is pinned; returns the number of pieces. */
static int limit_iov(const struct user_pin *pin, size_t max, struct iovec *out)
{
	int i;

	for (i = 0; i < (int)pin->count && max > 0; i++) {
		out[i] = pin->iov[i];
		out[i].iov_len = MIN(out[i].iov_len, max);
		max -= out[i].iov_len;
	}
	return i;
}

static int64_t hostfile_read(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	struct hostfile *h = f->priv;
	struct user_pin pin;
	ssize_t n;
	int r = wait_ready(t, f, h, LX_POLLIN);

	(void)pos;
	if (r < 0)
		return r;
	if (u->left == 0)
		return 0;
	r = uio_pin(u, true, &pin);
	if (r < 0)
		return r;
	do {
		n = readv(h->fd, pin.iov, (int)pin.count);
	} while (n < 0 && errno == EINTR);
	user_unpin(&pin);
	if (n < 0)
		return plat_errno(errno);
	uio_advance(u, (uint64_t)n);
	return n;
}

static int64_t write_once(struct hostfile *h, struct uio *u)
{
	size_t max = h->poll ? WRITE_AT_ONCE : SIZE_MAX;
	struct user_pin pin;
	struct iovec iov[ARRAY_LEN(pin.iov)];
	ssize_t n;
	int count, r;

	r = uio_pin(u, false, &pin);
	if (r < 0)
		return r;
	count = limit_iov(&pin, max, iov);
	do {
		n = writev(h->fd, iov, count);
	} while (n < 0 && errno == EINTR);
	user_unpin(&pin);
	if (n < 0)
		return plat_errno(errno);
	uio_advance(u, (uint64_t)n);
	return n;
}

static int64_t hostfile_write(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	struct hostfile *h = f->priv;
	int64_t total = 0;

	(void)pos;
	while (u->left > 0) {
		int64_t r = wait_ready(t, f, h, LX_POLLOUT);

		if (r == 0)
			r = write_once(h, u);
		if (r == -LX_EAGAIN && !(f->flags & LX_O_NONBLOCK))
			continue;
		if (r == -LX_EPIPE && total == 0 && t)
			(void)signal_send_task(t, 13, NULL);
		if (r < 0)
			return total ? total : r;
		total += r;
	}
	return total;
}

static uint32_t hostfile_poll(struct file *f, struct poll_table *pt)
{
	struct hostfile *h = f->priv;
	const uint32_t all = LX_POLLIN | LX_POLLOUT | LX_POLLHUP | LX_POLLERR;
	uint32_t now;

	if (!h->poll)
		return LX_POLLIN | LX_POLLOUT;
	poll_wait(f, &h->wait, pt);
	if (pt && (pt->events & LX_EPOLLET))
		hostpoll_watch(h->poll);
	now = hostpoll_ready(h->fd, all);
	if (pt && !(now & LX_POLLIN)) {
		hostpoll_arm(h->poll, LX_POLLIN);
		now = hostpoll_ready(h->fd, all);
	}
	return now;
}

static int64_t hostfile_ioctl(struct task *t, struct file *f, uint32_t request, uint64_t arg)
{
	struct hostfile *h = f->priv;
	int n;

	if (request != LX_FIONREAD)
		return -LX_ENOTTY;
	if (ioctl(h->fd, FIONREAD, &n) < 0)
		return plat_errno(errno);
	return put_user_u32(t->mm, guest_ptr(arg), (uint32_t)n);
}

static void hostfile_release(struct file *f)
{
	hostfile_put(f->priv);
}

static int64_t hostfile_lseek(struct task *t, struct file *f, int64_t offset, int whence)
{
	struct hostfile *h = f->priv;

	(void)t;
	if (!h->regular)
		return -LX_ESPIPE;
	if (whence < LX_SEEK_SET || whence > LX_SEEK_END)
		return -LX_EINVAL;
	return plat_result(lseek(h->fd, offset, whence));
}

static const struct file_ops hostfile_ops = {
    .read = hostfile_read,
    .write = hostfile_write,
    .poll = hostfile_poll,
    .ioctl = hostfile_ioctl,
    .lseek = hostfile_lseek,
    .release = hostfile_release,
    .seekless = true,
};

/* /dev/stdin and /proc/self/fd/0 open the same host file again. */
static int hostfile_open(struct task *t, struct inode *inode, struct file *file)
{
	struct hostfile *h = inode->priv;

	(void)t;
	__atomic_fetch_add(&h->refs, 1, __ATOMIC_RELAXED);
	file->ops = &hostfile_ops;
	file->priv = h;
	return 0;
}

static void hostfile_release_inode(struct inode *inode)
{
	if (inode->priv)
		hostfile_put(inode->priv);
}

/* Size and times are the host's now. */
static int hostfile_getattr(struct inode *inode, struct vfs_attr *out)
{
	struct hostfile *h = inode->priv;
	struct stat st;

	*out = (struct vfs_attr){.ino = inode->ino,
	                         .mode = inode->mode,
	                         .nlink = 1,
	                         .uid = inode->uid,
	                         .gid = inode->gid,
	                         .rdev = inode->rdev,
	                         .blksize = 4096,
	                         .atime = inode->atime,
	                         .mtime = inode->mtime,
	                         .ctime = inode->ctime};
	if (h->regular && fstat(h->fd, &st) == 0) {
		out->size = (uint64_t)st.st_size;
		out->blocks = (uint64_t)st.st_blocks;
	}
	return 0;
}

/* chmod and chown of what belongs to the host change only the guest's view. */
static int hostfile_setattr(struct inode *inode, uint32_t mask, const struct vfs_attr *attr,
                            struct file *file)
{
	(void)file;
	if (mask & VFS_SET_SIZE)
		return -LX_EINVAL;
	pthread_mutex_lock(&inode->lock);
	if (mask & VFS_SET_MODE)
		inode_set_mode(inode, attr->mode);
	inode_set_owner(inode, (mask & VFS_SET_UID) ? attr->uid : inode->uid,
	                (mask & VFS_SET_GID) ? attr->gid : inode->gid);
	pthread_mutex_unlock(&inode->lock);
	return 0;
}

static const struct inode_ops hostfile_inode_ops = {
    .open = hostfile_open,
    .getattr = hostfile_getattr,
    .setattr = hostfile_setattr,
    .release = hostfile_release_inode,
};

static uint32_t guest_mode(const struct stat *st)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		return LX_S_IFREG | 0600;
	case S_IFCHR:
		return LX_S_IFCHR | 0620;
	default: /* sockets too: the guest can do to them what it can do to a pipe */
		return LX_S_IFIFO | 0600;
	}
}

int file_new_host(struct guest *g, int host_fd, uint32_t flags, struct file **out)
{
	struct hostfile *h = calloc(1, sizeof(*h));
	struct inode *inode;
	struct stat st;
	char label[32];
	int r;

	if (!h)
		return -LX_ENOMEM;
	if (fstat(host_fd, &st) < 0) {
		free(h);
		return plat_errno(errno);
	}
	h->refs = 1;
	h->fd = host_fd;
	h->regular = S_ISREG(st.st_mode);
	waitq_init(&h->wait);
	r = inode_new_anon(g, &hostfile_inode_ops, guest_mode(&st), &inode);
	if (r < 0) {
		waitq_release(&h->wait);
		free(h);
		return r;
	}
	/* Regular files and /dev/null refuse to be watched: they are always ready. */
	if (!h->regular && hostpoll_new(host_fd, &h->wait, &h->poll) < 0)
		h->poll = NULL;
	if (S_ISCHR(st.st_mode))
		inode->rdev = lx_makedev(1, 3);
	inode->priv = h;
	snprintf(label, sizeof(label), "pipe:[%llu]", (unsigned long long)inode->ino);
	__atomic_fetch_add(&h->refs, 1, __ATOMIC_RELAXED);
	r = file_new_inode(inode, &hostfile_ops, h, flags, label, out);
	if (r < 0) {
		/* The descriptor stays the caller's. */
		if (h->poll)
			hostpoll_free(h->poll);
		waitq_release(&h->wait);
		free(h);
		inode->priv = NULL;
	}
	inode_put(inode);
	return r;
}
