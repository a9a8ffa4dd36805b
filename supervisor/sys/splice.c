/*
 * splice.c: moving data between descriptors: sendfile(2), copy_file_range(2), splice(2), tee(2),
 * vmsplice(2).  Data pass through a buffer of ours.  What is taken from a pipe is looked at
 * first and taken away when it has been written, so that a failing or short write loses nothing.
 */
#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/lx/poll.h"
#include "supervisor/sys/rw.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/file.h"
#include "supervisor/vfs/pipe.h"

#define CHUNK 65536u

/* One side of a transfer: a file, and where in it (NULL: at its own position). */
struct side {
	struct file *f;
	int64_t *pos;
	int64_t at;
};

static int64_t read_kernel(struct task *t, const struct side *s, void *buf, uint64_t n)
{
	struct uio u;
	int64_t r;

	uio_init_kernel(&u, buf, n);
	r = rw_read(t, s->f, &u, s->pos);
	uio_release(&u);
	return r;
}

static int64_t write_kernel(struct task *t, const struct side *s, void *buf, uint64_t n)
{
	uint64_t done = 0;

	while (done < n) {
		struct uio u;
		int64_t r;

		uio_init_kernel(&u, (uint8_t *)buf + done, n - done);
		r = rw_write(t, s->f, &u, s->pos);
		uio_release(&u);
		if (r <= 0)
			return done ? (int64_t)done : r;
		done += (uint64_t)r;
	}
	return (int64_t)done;
}

/* What was read but could not be written is put back where it can be: the file's position. */
static void unread(const struct side *in, uint64_t n)
{
	if (in->f->ops->seekless)
		return;
	if (in->pos) {
		*in->pos -= (int64_t)n;
		return;
	}
	pthread_mutex_lock(&in->f->pos_lock);
	in->f->pos -= (int64_t)n;
	pthread_mutex_unlock(&in->f->pos_lock);
}

static int64_t copy(struct task *t, const struct side *in, const struct side *out, uint64_t n)
{
	uint64_t done = 0;
	uint8_t *buf = malloc(CHUNK);
	int64_t r = 0;

	if (!buf)
		return -LX_ENOMEM;
	while (done < n) {
		int64_t got, put;

		got = r = read_kernel(t, in, buf, MIN(n - done, (uint64_t)CHUNK));
		if (got <= 0)
			break;
		put = r = write_kernel(t, out, buf, (uint64_t)got);
		if (put < got)
			unread(in, (uint64_t)(got - MAX(put, 0)));
		if (put <= 0)
			break;
		done += (uint64_t)put;
		if (put < got)
			break;
		/* From what blocks (sockets, terminals), one helping is enough. */
		if (in->f->ops->seekless && (uint64_t)got < CHUNK)
			break;
	}
	free(buf);
	return done ? (int64_t)done : r;
}

/* A position that the guest passes by pointer, and gets back. */
static int get_offset(struct task *t, struct guest_ptr p, struct side *s)
{
	uint64_t v;
	int r;

	s->pos = NULL;
	if (guest_ptr_null(p))
		return 0;
	r = get_user_u64(t->mm, &v, p);
	if (r < 0)
		return r;
	if ((int64_t)v < 0)
		return -LX_EINVAL;
	s->at = (int64_t)v;
	s->pos = &s->at;
	return 0;
}

static int put_offset(struct task *t, struct guest_ptr p, const struct side *s)
{
	return s->pos ? put_user_u64(t->mm, p, (uint64_t)s->at) : 0;
}

static bool get_sides(struct task *t, int in_fd, int out_fd, struct side *in, struct side *out)
{
	in->f = fd_file_opened(t, in_fd);
	out->f = fd_file_opened(t, out_fd);
	if (in->f && out->f)
		return true;
	file_put(in->f);
	file_put(out->f);
	return false;
}

static void put_sides(struct side *in, struct side *out)
{
	file_put(in->f);
	file_put(out->f);
}

int64_t sys_sendfile(struct task *t, const struct sys_args *a)
{
	struct side in, out = {.pos = NULL};
	uint64_t n = MIN(a->v[3], (uint64_t)LX_MAX_RW);
	int64_t r;

	if (!get_sides(t, arg_int(a, 1), arg_int(a, 0), &in, &out))
		return -LX_EBADF;
	r = get_offset(t, arg_ptr(a, 2), &in);
	if (r == 0 && (!lx_flags_readable(in.f->flags) || !lx_flags_writable(out.f->flags)))
		r = -LX_EBADF;
	if (r == 0 && (out.f->flags & LX_O_APPEND))
		r = -LX_EINVAL;
	if (r == 0 && in.f->ops->seekless)
		r = in.pos ? -LX_ESPIPE : -LX_EINVAL;
	if (r == 0 && LX_S_ISDIR(inode_mode(in.f->inode)))
		r = -LX_EINVAL;
	if (r == 0)
		r = copy(t, &in, &out, n);
	if (r >= 0 && put_offset(t, arg_ptr(a, 2), &in) < 0)
		r = -LX_EFAULT;
	put_sides(&in, &out);
	return r;
}

static int64_t position_of(const struct side *s)
{
	int64_t pos;

	if (s->pos)
		return s->at;
	pthread_mutex_lock(&s->f->pos_lock);
	pos = s->f->pos;
	pthread_mutex_unlock(&s->f->pos_lock);
	return pos;
}

static int64_t check_copy_range(struct side *in, struct side *out, uint64_t len)
{
	int64_t from, to;

	if (!lx_flags_readable(in->f->flags) || !lx_flags_writable(out->f->flags) ||
	    (out->f->flags & LX_O_APPEND))
		return -LX_EBADF;
	if (LX_S_ISDIR(inode_mode(in->f->inode)) || LX_S_ISDIR(inode_mode(out->f->inode)))
		return -LX_EISDIR;
	if (!LX_S_ISREG(inode_mode(in->f->inode)) || !LX_S_ISREG(inode_mode(out->f->inode)))
		return -LX_EINVAL;
	from = position_of(in);
	to = position_of(out);
	if (len > (uint64_t)(INT64_MAX - MAX(from, to)))
		return -LX_EOVERFLOW;
	if (in->f->inode == out->f->inode && from < to + (int64_t)len && to < from + (int64_t)len)
		return -LX_EINVAL;
	return 0;
}

int64_t sys_copy_file_range(struct task *t, const struct sys_args *a)
{
	struct side in, out;
	uint64_t len = MIN(a->v[4], (uint64_t)LX_MAX_RW);
	int64_t r;

	if (arg_u32(a, 5))
		return -LX_EINVAL;
	if (!get_sides(t, arg_int(a, 0), arg_int(a, 2), &in, &out))
		return -LX_EBADF;
	r = get_offset(t, arg_ptr(a, 1), &in);
	if (r == 0)
		r = get_offset(t, arg_ptr(a, 3), &out);
	if (r == 0)
		r = check_copy_range(&in, &out, len);
	if (r == 0)
		r = copy(t, &in, &out, len);
	if (r >= 0 && (put_offset(t, arg_ptr(a, 1), &in) < 0 || put_offset(t, arg_ptr(a, 3), &out) < 0))
		r = -LX_EFAULT;
	put_sides(&in, &out);
	return r;
}

/* From a pipe: bytes are taken away only when they have been written. */
static int64_t splice_from_pipe(struct task *t, struct file *in, const struct side *out, uint64_t n,
				bool nonblock)
{
	uint8_t *buf = malloc(CHUNK);
	int64_t r;

	if (!buf)
		return -LX_ENOMEM;
	for (;;) {
		r = pipe_peek(in, buf, MIN(n, (uint64_t)CHUNK));
		if (r != -LX_EAGAIN || nonblock)
			break;
		r = pipe_wait(t, in, false);
		if (r < 0)
			break;
	}
	if (r > 0) {
		r = write_kernel(t, out, buf, (uint64_t)r);
		if (r > 0)
			pipe_discard(in, (size_t)r);
	}
	free(buf);
	return r;
}

/* Into a pipe: no more is read than there is room for. */
static int64_t splice_to_pipe(struct task *t, struct side *in, const struct side *out, uint64_t n,
			      bool nonblock)
{
	struct side all = *in;

	if (in->pos)
		all.pos = &in->at;
	while (!(file_poll(out->f, NULL) & LX_POLLOUT)) {
		int r;

		if (nonblock)
			return -LX_EAGAIN;
		r = pipe_wait(t, out->f, true);
		if (r < 0)
			return r;
	}
	return copy(t, &all, out, MIN(n, (uint64_t)PIPE_ATOMIC));
}

static int64_t do_splice(struct task *t, struct side *in, struct side *out, uint64_t n, bool nonblock)
{
	bool from_pipe = file_is_pipe(in->f), to_pipe = file_is_pipe(out->f);

	if (!lx_flags_readable(in->f->flags) || !lx_flags_writable(out->f->flags))
		return -LX_EBADF;
	if (!from_pipe && !to_pipe)
		return -LX_EINVAL;
	if ((from_pipe && in->pos) || (to_pipe && out->pos))
		return -LX_ESPIPE;
	if (out->f->flags & LX_O_APPEND)
		return -LX_EINVAL;
	if (from_pipe && to_pipe && in->f->inode == out->f->inode)
		return -LX_EINVAL;
	nonblock = nonblock || (from_pipe && (in->f->flags & LX_O_NONBLOCK)) ||
		   (to_pipe && (out->f->flags & LX_O_NONBLOCK));
	if (from_pipe)
		return splice_from_pipe(t, in->f, out, n, nonblock);
	return splice_to_pipe(t, in, out, n, nonblock);
}

int64_t sys_splice(struct task *t, const struct sys_args *a)
{
	const uint32_t known = LX_SPLICE_F_MOVE | LX_SPLICE_F_NONBLOCK | LX_SPLICE_F_MORE | LX_SPLICE_F_GIFT;
	uint32_t flags = arg_u32(a, 5);
	struct side in, out;
	int64_t r;

	if (flags & ~known)
		return -LX_EINVAL;
	if (!get_sides(t, arg_int(a, 0), arg_int(a, 2), &in, &out))
		return -LX_EBADF;
	r = get_offset(t, arg_ptr(a, 1), &in);
	if (r == 0)
		r = get_offset(t, arg_ptr(a, 3), &out);
	if (r == 0 && a->v[4] > 0)
		r = do_splice(t, &in, &out, a->v[4], (flags & LX_SPLICE_F_NONBLOCK) != 0);
	if (r >= 0 && (put_offset(t, arg_ptr(a, 1), &in) < 0 || put_offset(t, arg_ptr(a, 3), &out) < 0))
		r = -LX_EFAULT;
	put_sides(&in, &out);
	return r;
}

static int64_t do_tee(struct task *t, struct file *in, struct side *out, uint64_t n, bool nonblock)
{
	uint8_t *buf;
	int64_t r;

	if (!lx_flags_readable(in->flags) || !lx_flags_writable(out->f->flags))
		return -LX_EBADF;
	if (!file_is_pipe(in) || !file_is_pipe(out->f) || in->inode == out->f->inode)
		return -LX_EINVAL;
	buf = malloc(CHUNK);
	if (!buf)
		return -LX_ENOMEM;
	for (;;) {
		r = pipe_peek(in, buf, MIN(n, (uint64_t)CHUNK));
		if (r != -LX_EAGAIN || nonblock || (in->flags & LX_O_NONBLOCK))
			break;
		r = pipe_wait(t, in, false);
		if (r < 0)
			break;
	}
	if (r > 0) {
		if (nonblock && !(file_poll(out->f, NULL) & LX_POLLOUT))
			r = -LX_EAGAIN;
		else
			r = write_kernel(t, out, buf, nonblock ? MIN(r, (int64_t)PIPE_ATOMIC) : r);
	}
	free(buf);
	return r;
}

int64_t sys_tee(struct task *t, const struct sys_args *a)
{
	uint32_t flags = arg_u32(a, 3);
	struct side in, out = {.pos = NULL};
	int64_t r;

	if (flags & ~(LX_SPLICE_F_MOVE | LX_SPLICE_F_NONBLOCK | LX_SPLICE_F_MORE | LX_SPLICE_F_GIFT))
		return -LX_EINVAL;
	if (!get_sides(t, arg_int(a, 0), arg_int(a, 1), &in, &out))
		return -LX_EBADF;
	r = a->v[2] == 0 ? 0
			 : do_tee(t, in.f, &out, a->v[2], (flags & LX_SPLICE_F_NONBLOCK) != 0);
	put_sides(&in, &out);
	return r;
}

int64_t sys_vmsplice(struct task *t, const struct sys_args *a)
{
	uint32_t flags = arg_u32(a, 3);
	struct file *f;
	struct uio u;
	int64_t r;

	if (flags & ~(LX_SPLICE_F_MOVE | LX_SPLICE_F_NONBLOCK | LX_SPLICE_F_MORE | LX_SPLICE_F_GIFT))
		return -LX_EINVAL;
	f = fd_file_opened(t, arg_int(a, 0));
	if (!f)
		return -LX_EBADF;
	if (!file_is_pipe(f))
		r = -LX_EBADF;
	else
		r = uio_init_iovec(&u, t->mm, arg_ptr(a, 1), a->v[2]);
	if (r == 0) {
		bool write = lx_flags_writable(f->flags);

		if ((flags & LX_SPLICE_F_NONBLOCK) && !(file_poll(f, NULL) & (write ? LX_POLLOUT : LX_POLLIN)))
			r = -LX_EAGAIN;
		else
			r = write ? rw_write(t, f, &u, NULL) : rw_read(t, f, &u, NULL);
		uio_release(&u);
	}
	file_put(f);
	return r;
}
