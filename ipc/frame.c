/* frame.c: sendmsg(2) and recvmsg(2) of framed messages; see frame.h. */
#include "ipc/frame.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "common/plat/errno.h"
#include "ipc/codec.h"

#define STREAM_MIN 16384u

int ipc_fds_take(struct ipc_fds *fds, unsigned i)
{
	int fd;

	if (i >= fds->count)
		return -1;
	fd = fds->fd[i];
	fds->fd[i] = -1;
	return fd;
}

void ipc_fds_close(struct ipc_fds *fds)
{
	for (unsigned i = 0; i < fds->count; i++)
		if (fds->fd[i] >= 0)
			close(fds->fd[i]);
	fds->count = 0;
}

bool ipc_fds_add(struct ipc_fds *fds, int fd)
{
	if (fd < 0)
		return false;
	if (fds->count >= IPC_MAX_FDS) {
		close(fd);
		return false;
	}
	fds->fd[fds->count++] = fd;
	return true;
}

int ipc_stream_init(struct ipc_stream *s, int fd)
{
	*s = (struct ipc_stream){.fd = fd, .buf = malloc(STREAM_MIN), .cap = STREAM_MIN};
	return s->buf ? 0 : -LX_ENOMEM;
}

void ipc_stream_release(struct ipc_stream *s)
{
	for (unsigned i = 0; i < s->queued; i++)
		close(s->queue[i]);
	s->queued = 0;
	free(s->buf);
	s->buf = NULL;
	s->start = s->end = s->cap = 0;
}

/* Bytes of the frame at the front, header included; 0 if its header is not there yet. */
static size_t front_size(const struct ipc_stream *s)
{
	const uint8_t *h = s->buf + s->start;

	if (s->end - s->start < IPC_HEADER_SIZE)
		return 0;
	return IPC_HEADER_SIZE + (h[0] | (size_t)h[1] << 8 | (size_t)h[2] << 16);
}

/* Makes room behind `end`, for the whole front message where its size is known. */
static int make_room(struct ipc_stream *s)
{
	size_t used = s->end - s->start, want = MAX(front_size(s), used + 1);
	uint8_t *buf;

	if (want > IPC_MAX_MESSAGE + IPC_HEADER_SIZE)
		return -LX_EPROTO;
	if (s->start > 0 && (used == 0 || s->start + want > s->cap)) {
		memmove(s->buf, s->buf + s->start, used);
		s->start = 0;
		s->end = used;
	}
	if (s->start + want <= s->cap)
		return 0;
	buf = realloc(s->buf, want);
	if (!buf)
		return -LX_ENOMEM;
	s->buf = buf;
	s->cap = want;
	return 0;
}

/* Queues received descriptors; false (and closed) when there are too many. */
static bool enqueue(struct ipc_stream *s, const struct cmsghdr *c)
{
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	bool fits = n <= ARRAY_LEN(s->queue) - s->queued;

	for (size_t i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
#ifndef MSG_CMSG_CLOEXEC
		fcntl(fd, F_SETFD, FD_CLOEXEC);
#endif
		if (fits)
			s->queue[s->queued++] = fd;
		else
			close(fd);
	}
	return fits;
}

int ipc_stream_fill(struct ipc_stream *s, bool wait)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * IPC_MAX_FDS)];
	} control;
	struct iovec iov;
	struct msghdr m = {.msg_iov = &iov,
	                   .msg_iovlen = 1,
	                   .msg_control = &control,
	                   .msg_controllen = sizeof(control)};
	int flags = wait ? 0 : MSG_DONTWAIT;
	int r = make_room(s);
	bool fits = true;
	ssize_t n;

	if (r < 0)
		return r;
#ifdef MSG_CMSG_CLOEXEC
	flags |= MSG_CMSG_CLOEXEC;
#endif
	iov = (struct iovec){s->buf + s->end, s->cap - s->end};
	do
		n = recvmsg(s->fd, &m, flags);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return plat_errno(errno);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			fits = enqueue(s, c) && fits;
	if (!fits || (m.msg_flags & MSG_CTRUNC))
		return -LX_EPROTO;
	s->end += (size_t)n;
	return n > 0;
}

int ipc_stream_next(struct ipc_stream *s, struct ipc_frame *frame)
{
	size_t size = front_size(s);
	unsigned fds;

	if (size > IPC_MAX_MESSAGE + IPC_HEADER_SIZE)
		return -LX_EPROTO;
	if (size == 0 || s->end - s->start < size)
		return 0;
	fds = s->buf[s->start + 3];
	if (fds > IPC_MAX_FDS || fds > s->queued)
		return -LX_EPROTO;
	frame->body = s->buf + s->start + IPC_HEADER_SIZE;
	frame->len = (uint32_t)(size - IPC_HEADER_SIZE);
	frame->fds.count = fds;
	memcpy(frame->fds.fd, s->queue, fds * sizeof(int));
	s->queued -= fds;
	memmove(s->queue, s->queue + fds, s->queued * sizeof(int));
	s->start += size;
	return 1;
}

int ipc_frame_send(int fd, const uint8_t *msg, size_t len, size_t *done, const int *fds,
                   unsigned fd_count, bool wait)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * IPC_MAX_FDS)];
	} control;
	int flags = MSG_NOSIGNAL | (wait ? 0 : MSG_DONTWAIT);

	while (*done < len) {
		/* sendmsg only reads the bytes; iov_base has no const. */
		union {
			const uint8_t *in;
			void *out;
		} base = {.in = msg + *done};
		struct iovec iov = {base.out, len - *done};
		struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
		ssize_t n;

		if (*done == 0 && fd_count > 0) {
			struct cmsghdr *c;

			if (fd_count > IPC_MAX_FDS)
				return -LX_EINVAL;
			memset(&control, 0, sizeof(control));
			m.msg_control = &control;
			m.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
			c = CMSG_FIRSTHDR(&m);
			c->cmsg_level = SOL_SOCKET;
			c->cmsg_type = SCM_RIGHTS;
			c->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
			memcpy(CMSG_DATA(c), fds, sizeof(int) * fd_count);
		}
		n = sendmsg(fd, &m, flags);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return plat_errno(errno);
		*done += (size_t)n;
	}
	return 0;
}
