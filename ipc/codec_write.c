/*
 * codec_write.c: packs one message with msgpack-c.  A field outside its schema fails the message
 * here already, so that a wrong value costs the caller an error and never its session.
 */
#include <msgpack.h>

#include "common/lx/errno.h"
#include "ipc/codec.h"

void ipc_writer_init(struct ipc_writer *w)
{
	w->buf = w->small;
	w->cap = sizeof(w->small);
	w->len = IPC_HEADER_SIZE;
	w->error = 0;
}

void ipc_writer_release(struct ipc_writer *w)
{
	if (w->buf != w->small)
		free(w->buf);
	w->buf = w->small;
	w->len = 0;
}

static void fail(struct ipc_writer *w, int error)
{
	if (!w->error)
		w->error = error;
}

static bool grow(struct ipc_writer *w, size_t need)
{
	size_t cap = w->cap;
	uint8_t *buf;

	if (need > IPC_MAX_MESSAGE + IPC_HEADER_SIZE) {
		fail(w, -LX_E2BIG);
		return false;
	}
	while (cap < need)
		cap *= 2;
	buf = realloc(w->buf == w->small ? NULL : w->buf, cap);
	if (!buf) {
		fail(w, -LX_ENOMEM);
		return false;
	}
	if (w->buf == w->small)
		memcpy(buf, w->small, w->len);
	w->buf = buf;
	w->cap = cap;
	return true;
}

/* msgpack-c's output callback. */
static int append(void *data, const char *buf, size_t len)
{
	struct ipc_writer *w = data;

	if (w->error || (len > w->cap - w->len && !grow(w, w->len + len)))
		return -1;
	if (len > 0)
		memcpy(w->buf + w->len, buf, len);
	w->len += len;
	return 0;
}

static msgpack_packer packer(struct ipc_writer *w)
{
	return (msgpack_packer){.data = w, .callback = append};
}

void ipc_put_array(struct ipc_writer *w, unsigned count)
{
	msgpack_packer pk = packer(w);

	msgpack_pack_array(&pk, count);
}

void ipc_put_u64(struct ipc_writer *w, uint64_t v)
{
	msgpack_packer pk = packer(w);

	msgpack_pack_uint64(&pk, v);
}

void ipc_put_i64(struct ipc_writer *w, int64_t v)
{
	msgpack_packer pk = packer(w);

	msgpack_pack_int64(&pk, v);
}

void ipc_put_bool(struct ipc_writer *w, bool v)
{
	msgpack_packer pk = packer(w);

	if (v)
		msgpack_pack_true(&pk);
	else
		msgpack_pack_false(&pk);
}

void ipc_put_bytes(struct ipc_writer *w, struct ipc_bytes v, uint32_t max)
{
	msgpack_packer pk = packer(w);

	if (v.len > max) {
		fail(w, -LX_EINVAL);
		return;
	}
	msgpack_pack_bin(&pk, v.len);
	msgpack_pack_bin_body(&pk, v.data, v.len);
}

void ipc_put_name(struct ipc_writer *w, struct ipc_bytes v)
{
	if (!ipc_name_valid(v))
		fail(w, -LX_EINVAL);
	else
		ipc_put_bytes(w, v, 255);
}

void ipc_put_text(struct ipc_writer *w, struct ipc_bytes v, uint32_t max)
{
	msgpack_packer pk = packer(w);

	if (v.len > max || !ipc_text_valid(v)) {
		fail(w, -LX_EINVAL);
		return;
	}
	msgpack_pack_str(&pk, v.len);
	msgpack_pack_str_body(&pk, v.data, v.len);
}

void ipc_put_attr(struct ipc_writer *w, const struct ipc_attr *v)
{
	ipc_put_array(w, IPC_ATTR_FIELDS);
	ipc_put_u64(w, v->ino);
	ipc_put_u64(w, v->mode);
	ipc_put_u64(w, v->nlink);
	ipc_put_u64(w, v->uid);
	ipc_put_u64(w, v->gid);
	ipc_put_u64(w, v->rdev);
	ipc_put_u64(w, v->size);
	ipc_put_u64(w, v->blocks);
	ipc_put_u64(w, v->blksize);
	ipc_put_i64(w, v->atime);
	ipc_put_i64(w, v->mtime);
	ipc_put_i64(w, v->ctime);
	ipc_put_u64(w, v->dev);
}

/* Fills in the header; the message is complete. */
static int finish(struct ipc_writer *w, unsigned fds)
{
	size_t body = w->len - IPC_HEADER_SIZE;

	if (w->error)
		return w->error;
	if (body > IPC_MAX_MESSAGE)
		return -LX_E2BIG;
	w->buf[0] = (uint8_t)body;
	w->buf[1] = (uint8_t)(body >> 8);
	w->buf[2] = (uint8_t)(body >> 16);
	w->buf[3] = (uint8_t)fds;
	return 0;
}

static void open_message(struct ipc_writer *w, enum ipc_kind kind, uint64_t id, uint32_t op,
                         unsigned fields)
{
	ipc_put_array(w, 3 + fields);
	ipc_put_u64(w, kind);
	ipc_put_u64(w, id);
	ipc_put_u64(w, op);
}

int ipc_write_request(struct ipc_writer *w, enum ipc_kind kind, uint64_t id,
                      const struct ipc_op *op, const void *req, unsigned fds)
{
	if (fds > op->req_fds)
		return -LX_EINVAL;
	open_message(w, kind, id, op->number, op->req.field_count);
	op->req.encode(w, req);
	return finish(w, fds);
}

int ipc_write_reply(struct ipc_writer *w, uint64_t id, const struct ipc_op *op, int64_t result,
                    const void *rep, unsigned fds)
{
	if (fds > op->rep_fds)
		return -LX_EINVAL;
	open_message(w, IPC_KIND_REPLY, id, op->number,
	             1 + (result >= 0 ? op->rep.field_count : 0));
	ipc_put_i64(w, result);
	if (result >= 0)
		op->rep.encode(w, rep);
	return finish(w, fds);
}

int ipc_write_hello(struct ipc_writer *w, const char *service)
{
	open_message(w, IPC_KIND_HELLO, 0, 0, 3);
	ipc_put_u64(w, IPC_VERSION);
	ipc_put_u64(w, IPC_FEATURES);
	ipc_put_text(w, ipc_bytes_of(service), IPC_HELLO_NAME_MAX);
	return finish(w, 0);
}

int ipc_write_cancel(struct ipc_writer *w, uint64_t id, const struct ipc_op *op)
{
	open_message(w, IPC_KIND_CANCEL, id, op->number, 0);
	return finish(w, 0);
}
