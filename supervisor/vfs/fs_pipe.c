/*
 * fs_pipe.c: what open files of pipes do.  The guest's memory is pinned before the pipe's lock is
 * taken (small writes are copied in first), because touching it can fault.
 *
 * An anonymous pipe's two ends are two open files over one inode, whose inode->pipe leads to
 * the pipe, as for a fifo: opening /proc/PID/fd/N therefore opens the pipe again.
 */
#include "common/lx/capability.h"
#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/lx/ioctl.h"
#include "common/lx/poll.h"
#include "supervisor/guest.h"
#include "supervisor/mm/guest_copy.h"
#include "supervisor/mm/uaccess.h"
#include "supervisor/task/signal.h"
#include "supervisor/vfs/pipe_impl.h"
#include "supervisor/vfs/poll.h"

#define SLOTS_MAX      4096u  /* what CAP_SYS_RESOURCE may ask for: 16 MiB */
#define SLOTS_USER_MAX 256u   /* /proc/sys/fs/pipe-max-size */
#define COPY_MAX       65536u /* most that is copied with the lock held */

static uint64_t pipe_next_ino; /* atomic */

bool file_is_pipe(const struct file *f)
{
	return f->ops == &pipe_fops;
}

int pipe_new(struct guest *g, uint32_t flags, struct file **read_end, struct file **write_end)
{
	uint64_t ino = __atomic_add_fetch(&pipe_next_ino, 1, __ATOMIC_RELAXED) + 1000;
	struct pipe_file *rf = calloc(1, sizeof(*rf)), *wf = calloc(1, sizeof(*wf));
	struct pipe *p = pipe_alloc();
	struct file *r = NULL;
	char label[40];
	int ret = -LX_ENOMEM;

	if (!rf || !wf || !p)
		goto fail;
	rf->pipe = p;
	wf->pipe = p;
	snprintf(label, sizeof(label), "pipe:[%llu]", (unsigned long long)ino);
	ret = file_new_anon(g, &pipe_fops, rf, LX_O_RDONLY | flags, LX_S_IFIFO | 0600, label, &r);
	if (ret < 0)
		goto fail;
	/* From here on, putting r frees rf and, with the last file, p. */
	r->inode->ino = ino;
	r->inode->pipe = p;
	p->files = 1;
	pipe_enter(p, LX_O_RDONLY);
	p->files++;
	pipe_enter(p, LX_O_WRONLY);
	ret = file_new_same(r, &pipe_fops, wf, LX_O_WRONLY | flags, write_end);
	if (ret < 0) {
		pipe_leave(p, LX_O_WRONLY);
		pipe_detach(r->inode, p);
		free(wf);
		file_put(r);
		return ret;
	}
	*read_end = r;
	return 0;
fail:
	if (p)
		pipe_free(p);
	free(rf);
	free(wf);
	return ret;
}

/* ---- reading ---- */

/*
 * The front of a transfer, made accessible to memcpy: at most max bytes of the first segment.
 *  Guest memory is pinned; our own is used as it is.
 */
struct window {
	struct user_pin pin;
	unsigned piece;
	uint64_t done; /* within the piece */
};

static int window_open(struct window *w, struct uio *u, bool write, uint64_t max)
{
	unsigned i = 0;
	struct uio_seg *s;
	int pieces;

	w->piece = 0;
	w->done = 0;
	while (i < u->nseg && u->seg[i].len == 0)
		i++;
	if (i == u->nseg)
		return -LX_EFAULT;
	s = &u->seg[i];
	if (!u->mm) {
		w->pin.mm = NULL;
		w->pin.count = 1;
		w->pin.iov[0] = (struct iovec){(void *)(uintptr_t)s->base, MIN(s->len, max)};
		w->pin.bytes = w->pin.iov[0].iov_len;
		return 0;
	}
	pieces = user_pin(u->mm, guest_ptr(s->base), MIN(s->len, max), write, &w->pin);
	return pieces < 0 ? pieces : 0;
}

static void window_close(struct window *w)
{
	if (w->pin.mm)
		user_unpin(&w->pin);
}

/* The next contiguous bytes of the window, at most n. */
static uint8_t *window_next(struct window *w, uint64_t *n)
{
	uint8_t *p;

	while (w->piece < w->pin.count && w->done == w->pin.iov[w->piece].iov_len) {
		w->piece++;
		w->done = 0;
	}
	if (w->piece == w->pin.count)
		return NULL;
	p = (uint8_t *)w->pin.iov[w->piece].iov_base + w->done;
	*n = MIN(*n, w->pin.iov[w->piece].iov_len - w->done);
	w->done += *n;
	return p;
}

/* Moves bytes from the ring into the window; stops behind a packet (*packet_end). */
static uint64_t ring_to_window(struct pipe *p, struct window *w, bool *packet_end)
{
	uint64_t done = 0;

	*packet_end = false;
	while (p->count > 0) {
		struct pipe_slot *s = pipe_slot_at(p, 0);
		uint64_t n = s->len;
		uint8_t *dst = window_next(w, &n);

		if (!dst)
			break;
		guest_copy(dst, s->page + s->off, n);
		s->off += (uint32_t)n;
		s->len -= (uint32_t)n;
		done += n;
		if (s->len > 0)
			continue;
		*packet_end = s->packet;
		pipe_drop_first_slot(p);
		if (*packet_end)
			break;
	}
	return done;
}

static bool read_would_return(struct pipe *p)
{
	bool yes;

	pthread_mutex_lock(&p->lock);
	yes = p->count > 0 || p->writers == 0;
	pthread_mutex_unlock(&p->lock);
	return yes;
}

/* How much a read could take now: bytes (counted up to COPY_MAX), 0 at end of file,
 * -LX_EAGAIN when empty. */
static int64_t readable_bytes(struct pipe *p)
{
	int64_t n = 0;

	pthread_mutex_lock(&p->lock);
	for (uint32_t i = 0; i < p->count && n < COPY_MAX; i++)
		n += pipe_slot_at(p, i)->len;
	if (n == 0 && p->writers > 0)
		n = -LX_EAGAIN;
	pthread_mutex_unlock(&p->lock);
	return n;
}

/* One attempt: bytes, or as readable_bytes; *stop: nothing more belongs to this read. */
static int64_t read_once(struct pipe *p, struct uio *u, bool *stop)
{
	struct window w;
	int64_t ret = readable_bytes(p);
	bool was_full, packet_end;

	if (ret <= 0)
		return ret;
	ret = window_open(&w, u, true, (uint64_t)MIN(ret, (int64_t)COPY_MAX));
	if (ret < 0)
		return ret;
	pthread_mutex_lock(&p->lock);
	was_full = pipe_full(p);
	ret = (int64_t)ring_to_window(p, &w, &packet_end);
	if (ret == 0)
		ret = p->writers == 0 ? 0 : -LX_EAGAIN; /* another reader was faster */
	*stop = packet_end || p->count == 0;
	if (!*stop && (uint64_t)ret == u->left && pipe_slot_at(p, 0)->packet &&
	    pipe_slot_at(p, 0)->off > 0)
		pipe_drop_first_slot(p); /* the rest of a packet that was larger than the buffer */
	was_full = was_full && !pipe_full(p);
	pthread_mutex_unlock(&p->lock);
	window_close(&w);
	if (ret > 0) {
		uio_advance(u, (uint64_t)ret);
		if (was_full)
			waitq_wake(&p->write_wait, LX_POLL_WRITABLE);
	}
	return ret;
}

static int64_t pipe_read(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	struct pipe *p = pipe_of(f);
	int64_t done = 0;
	bool stop = false;

	(void)pos;
	while (u->left > 0 && !stop) {
		int64_t n = read_once(p, u, &stop);

		if (n > 0) {
			done += n;
			continue;
		}
		if (done > 0 || n != -LX_EAGAIN || (pipe_file_flags(f) & LX_O_NONBLOCK))
			return done > 0 ? done : n;
		n = WAIT_EVENT(t, &p->read_wait, read_would_return(p), WAIT_FOREVER);
		if (n < 0)
			return n;
		stop = false;
	}
	return done;
}

/* ---- writing ---- */

static int64_t broken_pipe(struct task *t)
{
	if (t)
		signal_send_task(t, LX_SIGPIPE, NULL);
	return -LX_EPIPE;
}

static bool write_would_return(struct pipe *p)
{
	bool yes;

	pthread_mutex_lock(&p->lock);
	yes = !pipe_full(p) || p->readers == 0;
	pthread_mutex_unlock(&p->lock);
	return yes;
}

/* One attempt at an atomic write: n, -LX_EAGAIN, -LX_EPIPE, -LX_ENOMEM. */
static int64_t write_small_once(struct pipe *p, const uint8_t *data, uint32_t n, bool packet)
{
	int64_t ret = n;

	pthread_mutex_lock(&p->lock);
	if (p->readers == 0)
		ret = -LX_EPIPE;
	else if (!packet && pipe_merge(p, data, n))
		ret = n;
	else if (pipe_full(p))
		ret = -LX_EAGAIN;
	else if (pipe_push(p, data, n, packet) < 0)
		ret = -LX_ENOMEM;
	pthread_mutex_unlock(&p->lock);
	return ret;
}

static int64_t write_small(struct task *t, struct file *f, struct uio *u)
{
	struct pipe *p = pipe_of(f);
	uint8_t data[PIPE_ATOMIC];
	int64_t n = uio_from(u, data, u->left), ret;

	if (n <= 0)
		return n;
	for (;;) {
		ret = write_small_once(p, data, (uint32_t)n, pipe_file_flags(f) & LX_O_DIRECT);
		if (ret == -LX_EPIPE)
			return broken_pipe(t);
		if (ret > 0)
			waitq_wake(&p->read_wait, LX_POLL_READABLE);
		if (ret != -LX_EAGAIN || (pipe_file_flags(f) & LX_O_NONBLOCK))
			return ret;
		ret = WAIT_EVENT(t, &p->write_wait, write_would_return(p), WAIT_FOREVER);
		if (ret < 0)
			return ret;
	}
}

/*
 * Fills the ring from the window.  *page is the page that this write fills: the next bytes join
 * it while it is the last one and has room, whatever pieces the window is made of.  *join:
 * how many bytes may at first join the page of an earlier write.
 */
static int64_t window_to_ring(struct pipe *p, struct window *w, bool packet, uint8_t **page,
                              uint64_t *join)
{
	int64_t done = 0;

	for (;;) {
		struct pipe_slot *s = p->count > 0 ? pipe_slot_at(p, p->count - 1) : NULL;
		uint64_t n = PIPE_PAGE;
		uint8_t *src;

		if (s && (s->page == *page || *join > 0) && s->off + s->len < PIPE_PAGE) {
			n = PIPE_PAGE - (s->off + s->len);
			if (s->page != *page)
				n = MIN(n, *join);
		} else if (pipe_full(p)) {
			break;
		} else {
			s = NULL;
		}
		src = window_next(w, &n);
		if (!src)
			break;
		if (!s && pipe_push(p, src, 0, packet) < 0)
			return done > 0 ? done : -LX_ENOMEM;
		if (!s) {
			s = pipe_slot_at(p, p->count - 1);
			*page = s->page;
			*join = 0;
		}
		guest_copy(s->page + s->off + s->len, src, n);
		s->len += (uint32_t)n;
		done += (int64_t)n;
		*join -= MIN(*join, n);
	}
	return done > 0 ? done : -LX_EAGAIN;
}

/* What exceeds whole pages joins the last write's page, if it fits there as a whole. */
static uint64_t joining_bytes(struct pipe *p, uint64_t n)
{
	uint64_t rest = n % PIPE_PAGE;
	struct pipe_slot *s;

	if (p->count == 0 || rest == 0)
		return 0;
	s = pipe_slot_at(p, p->count - 1);
	return !s->packet && s->off + s->len + rest <= PIPE_PAGE ? rest : 0;
}

static int64_t write_large_once(struct pipe *p, struct uio *u, bool packet, uint8_t **page)
{
	struct window w;
	int pinned = window_open(&w, u, false, COPY_MAX);
	uint64_t join;
	int64_t ret;

	pthread_mutex_lock(&p->lock);
	join = *page || packet ? 0 : joining_bytes(p, u->left);
	if (p->readers == 0)
		ret = -LX_EPIPE;
	else if (pinned < 0)
		ret = pinned;
	else
		ret = window_to_ring(p, &w, packet, page, &join);
	pthread_mutex_unlock(&p->lock);
	if (pinned >= 0)
		window_close(&w);
	if (ret > 0) {
		uio_advance(u, (uint64_t)ret);
		waitq_wake(&p->read_wait, LX_POLL_READABLE);
	}
	return ret;
}

static int64_t pipe_write(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	struct pipe *p = pipe_of(f);
	uint8_t *page = NULL;
	int64_t done = 0;

	(void)pos;
	if (u->left <= PIPE_ATOMIC)
		return u->left == 0 ? 0 : write_small(t, f, u);
	while (u->left > 0) {
		int64_t n = write_large_once(p, u, pipe_file_flags(f) & LX_O_DIRECT, &page);

		if (n > 0) {
			done += n;
			continue;
		}
		if (n == -LX_EPIPE) {
			n = broken_pipe(t);
			return done > 0 ? done : n;
		}
		if (n != -LX_EAGAIN || (pipe_file_flags(f) & LX_O_NONBLOCK))
			return done > 0 ? done : n;
		n = WAIT_EVENT(t, &p->write_wait, write_would_return(p), WAIT_FOREVER);
		if (n < 0)
			return done > 0 ? done : n;
	}
	return done;
}

/* ---- the other operations ---- */

static uint32_t pipe_poll(struct file *f, struct poll_table *pt)
{
	struct pipe_file *pf = f->priv;
	struct pipe *p = pf->pipe;
	uint32_t flags = pipe_file_flags(f), events = 0;

	if (lx_flags_readable(flags))
		poll_wait(f, &p->read_wait, pt);
	if (lx_flags_writable(flags))
		poll_wait(f, &p->write_wait, pt);
	pthread_mutex_lock(&p->lock);
	if (lx_flags_readable(flags)) {
		if (p->count > 0)
			events |= LX_POLL_READABLE;
		if (p->writers == 0 && p->writer_opens != pf->writer_opens)
			events |= LX_POLLHUP;
	}
	if (lx_flags_writable(flags)) {
		if (!pipe_full(p))
			events |= LX_POLL_WRITABLE;
		if (p->readers == 0)
			events |= LX_POLLERR;
	}
	pthread_mutex_unlock(&p->lock);
	return events;
}

static int64_t pipe_ioctl(struct task *t, struct file *f, uint32_t request, uint64_t arg)
{
	struct pipe *p = pipe_of(f);
	uint64_t n;

	if (request != LX_FIONREAD)
		return -LX_ENOTTY;
	pthread_mutex_lock(&p->lock);
	n = pipe_bytes(p);
	pthread_mutex_unlock(&p->lock);
	return put_user_u32(t->mm, guest_ptr(arg), (uint32_t)n);
}

static void pipe_release(struct file *f)
{
	struct pipe_file *pf = f->priv;

	pipe_leave(pf->pipe, pipe_file_flags(f));
	pipe_detach(f->inode, pf->pipe);
	free(pf);
}

const struct file_ops pipe_fops = {
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .ioctl = pipe_ioctl,
    .release = pipe_release,
    .seekless = true,
};

/* ---- capacity ---- */

int64_t pipe_capacity(struct file *f)
{
	struct pipe *p;
	int64_t n;

	if (!file_is_pipe(f))
		return -LX_EBADF;
	p = pipe_of(f);
	pthread_mutex_lock(&p->lock);
	n = (int64_t)p->nslots * PIPE_PAGE;
	pthread_mutex_unlock(&p->lock);
	return n;
}

int64_t pipe_set_capacity(struct task *t, struct file *f, uint64_t bytes)
{
	struct pipe *p;
	uint32_t n = 1;
	int ret;

	if (!file_is_pipe(f))
		return -LX_EBADF;
	if (bytes == 0 || bytes > UINT64_C(1) << 31)
		return -LX_EINVAL;
	if (bytes > (uint64_t)SLOTS_MAX * PIPE_PAGE)
		return cred_capable(t->cred, LX_CAP_SYS_RESOURCE) ? -LX_ENOMEM : -LX_EPERM;
	while ((uint64_t)n * PIPE_PAGE < bytes)
		n *= 2;
	p = pipe_of(f);
	pthread_mutex_lock(&p->lock);
	if (n > p->nslots && n > SLOTS_USER_MAX && !cred_capable(t->cred, LX_CAP_SYS_RESOURCE))
		ret = -LX_EPERM;
	else
		ret = pipe_resize(p, n);
	pthread_mutex_unlock(&p->lock);
	if (ret < 0)
		return ret;
	waitq_wake(&p->write_wait, LX_POLL_WRITABLE);
	return (int64_t)n * PIPE_PAGE;
}

/* ---- splice and tee ---- */

int64_t pipe_peek(struct file *f, void *buf, size_t n)
{
	struct pipe *p = pipe_of(f);
	uint8_t *dst = buf;
	size_t done = 0;
	int64_t ret;

	pthread_mutex_lock(&p->lock);
	for (uint32_t i = 0; i < p->count && done < n; i++) {
		struct pipe_slot *s = pipe_slot_at(p, i);
		size_t part = MIN(n - done, (size_t)s->len);

		memcpy(dst + done, s->page + s->off, part);
		done += part;
	}
	ret = done > 0 ? (int64_t)done : p->writers == 0 || n == 0 ? 0 : -LX_EAGAIN;
	pthread_mutex_unlock(&p->lock);
	return ret;
}

void pipe_discard(struct file *f, size_t n)
{
	struct pipe *p = pipe_of(f);

	pthread_mutex_lock(&p->lock);
	while (n > 0 && p->count > 0) {
		struct pipe_slot *s = pipe_slot_at(p, 0);
		uint32_t part = (uint32_t)MIN(n, (size_t)s->len);

		s->off += part;
		s->len -= part;
		n -= part;
		if (s->len == 0)
			pipe_drop_first_slot(p);
	}
	pthread_mutex_unlock(&p->lock);
	waitq_wake(&p->write_wait, LX_POLL_WRITABLE);
}

int pipe_wait(struct task *t, struct file *f, bool for_write)
{
	struct pipe *p = pipe_of(f);

	if (for_write)
		return WAIT_EVENT(t, &p->write_wait, write_would_return(p), WAIT_FOREVER);
	return WAIT_EVENT(t, &p->read_wait, read_would_return(p), WAIT_FOREVER);
}
