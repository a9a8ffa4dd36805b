/*
 * fifo.c: opening and closing pipes by their inode: fifo(7), and an anonymous pipe that is opened
 * again through /proc/PID/fd.  The first open makes the pipe, the last close ends it; an open waits
 * for somebody to open the other side.
 */
#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/lx/poll.h"
#include "supervisor/vfs/pipe_impl.h"

struct pipe *pipe_attach(struct inode *inode)
{
	struct pipe *p;

	pthread_mutex_lock(&inode->lock);
	if (!inode->pipe)
		inode->pipe = pipe_alloc();
	p = inode->pipe;
	if (p)
		p->files++;
	pthread_mutex_unlock(&inode->lock);
	return p;
}

void pipe_detach(struct inode *inode, struct pipe *p)
{
	bool last;

	pthread_mutex_lock(&inode->lock);
	last = --p->files == 0;
	if (last)
		inode->pipe = NULL;
	pthread_mutex_unlock(&inode->lock);
	if (last)
		pipe_free(p);
}

void pipe_leave(struct pipe *p, uint32_t flags)
{
	pthread_mutex_lock(&p->lock);
	if (lx_flags_readable(flags))
		p->readers--;
	if (lx_flags_writable(flags))
		p->writers--;
	pthread_mutex_unlock(&p->lock);
	waitq_wake(&p->read_wait, LX_POLLIN | LX_POLLRDNORM | LX_POLLHUP | LX_POLLERR);
	waitq_wake(&p->write_wait, LX_POLLOUT | LX_POLLWRNORM | LX_POLLERR | LX_POLLHUP);
}

uint32_t pipe_enter(struct pipe *p, uint32_t flags)
{
	uint32_t before;

	pthread_mutex_lock(&p->lock);
	before = lx_flags_writable(flags) ? p->reader_opens - (p->readers > 0)
	                                  : p->writer_opens - (p->writers > 0);
	if (lx_flags_readable(flags)) {
		p->readers++;
		p->reader_opens++;
	}
	if (lx_flags_writable(flags)) {
		p->writers++;
		p->writer_opens++;
	}
	pthread_mutex_unlock(&p->lock);
	return before;
}

static bool opens_differ(struct pipe *p, const uint32_t *counter, uint32_t before)
{
	bool yes;

	pthread_mutex_lock(&p->lock);
	yes = *counter != before;
	pthread_mutex_unlock(&p->lock);
	return yes;
}

/* Waits until somebody opens the other side; nothing to do when it was open when this side was
 * entered, or opened (and perhaps closed again) since.  before: see pipe_enter. */
static int fifo_wait_for_peer(struct task *t, struct pipe *p, struct pipe_file *pf, uint32_t flags,
                              uint32_t before)
{
	bool for_read = (flags & LX_O_ACCMODE) == LX_O_RDONLY;
	uint32_t *counter = for_read ? &p->writer_opens : &p->reader_opens;

	if ((flags & LX_O_ACCMODE) == LX_O_RDWR || opens_differ(p, counter, before))
		return 0;
	if (flags & LX_O_NONBLOCK) {
		if (!for_read)
			return -LX_ENXIO;
		pf->writer_opens = before;
		return 0;
	}
	return WAIT_EVENT(t, for_read ? &p->read_wait : &p->write_wait,
	                  opens_differ(p, counter, before), WAIT_FOREVER);
}

int fifo_open(struct task *t, struct inode *inode, struct file *file)
{
	uint32_t flags = pipe_file_flags(file);
	struct pipe_file *pf;
	uint32_t before;
	struct pipe *p;
	int ret;

	if (!lx_flags_readable(flags) && !lx_flags_writable(flags))
		return -LX_EINVAL;
	pf = calloc(1, sizeof(*pf));
	if (!pf)
		return -LX_ENOMEM;
	p = pipe_attach(inode);
	if (!p) {
		free(pf);
		return -LX_ENOMEM;
	}
	pf->pipe = p;
	pf->writer_opens = UINT32_MAX;
	before = pipe_enter(p, flags);
	waitq_wake(&p->read_wait, 0);
	waitq_wake(&p->write_wait, 0);
	ret = fifo_wait_for_peer(t, p, pf, flags, before);
	if (ret < 0) {
		pipe_leave(p, flags);
		pipe_detach(inode, p);
		free(pf);
		return ret;
	}
	file->ops = &pipe_fops;
	file->priv = pf;
	return 0;
}
