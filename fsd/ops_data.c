/*
 * ops_data.c: data of open files: read, write, fsync, fallocate, lseek, copy_range.
 *
 * With policy direct the supervisor reads and writes its own descriptor and these only serve
 * what a descriptor cannot.  Payloads of 4 KiB and more lie in the bulk region.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/plat/errno.h"
#include "fsd/handle.h"
#include "fsd/ops.h"
#include "fsd/slow.h"
#include "ipc/bulk.h"

/* An open regular file by number. */
static int file_handle(struct fsd_session *s, uint64_t id, struct handle **h)
{
	*h = handle_get(s, id);
	if (!*h)
		return -LX_EBADF;
	return (*h)->node->type == S_IFREG ? 0 : -LX_EISDIR;
}

int64_t fsd_do_read(struct fsd_session *s, const struct fsd_read_req *req, struct fsd_read_rep *rep,
                    struct ipc_fds *in, struct ipc_fds *out)
{
	uint8_t *to = s->scratch;
	struct handle *h;
	ssize_t n;
	int r = file_handle(s, req->handle, &h);

	(void)in;
	(void)out;
	if (r < 0)
		return r;
	if (req->len > IPC_MAX_READ || req->offset > INT64_MAX)
		return -LX_EINVAL;
	if (req->bulk_len) {
		to = s->bulk ? ipc_bulk_at(s->bulk, req->bulk_off, req->bulk_len) : NULL;
		if (!to || req->len > req->bulk_len)
			return -LX_EINVAL;
	} else if (req->len > IPC_BULK_MIN) {
		return -LX_EINVAL;
	}
	do
		n = pread(h->fd, to, req->len, (off_t)req->offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return plat_errno(errno);
	if (!req->bulk_len)
		rep->data = (struct ipc_bytes){to, (uint32_t)n};
	return n;
}

int64_t fsd_do_write(struct fsd_session *s, const struct fsd_write_req *req,
                     struct fsd_write_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	const uint8_t *from = req->data.data;
	uint64_t offset = req->offset;
	size_t len = req->data.len;
	struct handle *h;
	struct stat st;
	ssize_t n;
	int r = file_handle(s, req->handle, &h);

	(void)in;
	(void)out;
	if (r < 0)
		return r;
	if (req->bulk_len) {
		if (len || req->bulk_len > IPC_MAX_READ)
			return -LX_EINVAL;
		from = s->bulk ? ipc_bulk_at(s->bulk, req->bulk_off, req->bulk_len) : NULL;
		len = req->bulk_len;
		if (!from)
			return -LX_EINVAL;
	}
	if (req->append) {
		if (fstat(h->fd, &st) < 0)
			return plat_errno(errno);
		offset = (uint64_t)st.st_size;
	}
	if (offset > INT64_MAX - len)
		return -LX_EFBIG;
	do
		n = pwrite(h->fd, from, len, (off_t)offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return plat_errno(errno);
	rep->end = offset + (uint64_t)n;
	return n;
}

int64_t fsd_do_fsync(struct fsd_session *s, const struct fsd_fsync_req *req,
                     struct fsd_fsync_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct handle *h = handle_get(s, req->handle);

	(void)rep;
	(void)in;
	(void)out;
	if (!h)
		return -LX_EBADF;
	return slow_run(
	    s, &(struct slow_job){.kind = SLOW_FSYNC, .fd = h->fd, .data_only = req->data_only});
}

int64_t fsd_do_fallocate(struct fsd_session *s, const struct fsd_fallocate_req *req,
                         struct fsd_fallocate_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct handle *h;
	int r = file_handle(s, req->handle, &h);

	(void)rep;
	(void)in;
	(void)out;
	if (r == 0 && !lx_flags_writable(h->flags))
		r = -LX_EBADF;
	if (r == 0 && req->mode > INT32_MAX)
		r = -LX_EOPNOTSUPP;
	if (r < 0)
		return r;
	return slow_run(s, &(struct slow_job){.kind = SLOW_FALLOCATE,
	                                      .fd = h->fd,
	                                      .mode = (int)req->mode,
	                                      .off = req->offset,
	                                      .len = req->len});
}

int64_t fsd_do_lseek(struct fsd_session *s, const struct fsd_lseek_req *req,
                     struct fsd_lseek_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct handle *h;
	off_t at;
	int r = file_handle(s, req->handle, &h);

	(void)in;
	(void)out;
	if (r < 0)
		return r;
	if (req->offset > INT64_MAX)
		return -LX_EINVAL;
	switch (req->whence) {
	case LX_SEEK_DATA:
		at = lseek(h->fd, (off_t)req->offset, SEEK_DATA);
		break;
	case LX_SEEK_HOLE:
		at = lseek(h->fd, (off_t)req->offset, SEEK_HOLE);
		break;
	default:
		return -LX_EINVAL;
	}
	if (at < 0)
		return plat_errno(errno);
	rep->offset = (uint64_t)at;
	return 0;
}

int64_t fsd_do_copy_range(struct fsd_session *s, const struct fsd_copy_range_req *req,
                          struct fsd_copy_range_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct handle *from, *to;
	int r = file_handle(s, req->from_handle, &from);

	(void)rep;
	(void)in;
	(void)out;
	if (r == 0)
		r = file_handle(s, req->to_handle, &to);
	if (r < 0)
		return r;
	if (req->from_offset > INT64_MAX - req->len || req->to_offset > INT64_MAX - req->len ||
	    req->len > INT64_MAX)
		return -LX_EINVAL;
	return slow_run(s, &(struct slow_job){.kind = SLOW_COPY,
	                                      .fd = from->fd,
	                                      .to = to->fd,
	                                      .off = req->from_offset,
	                                      .to_off = req->to_offset,
	                                      .len = MIN(req->len, 64ull << 20)});
}
