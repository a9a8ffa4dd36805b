/*
 * codec_read.c: reads one message.  Everything here handles bytes of a hostile peer: each length
 * is compared with what is left before it is used, and nothing is allocated.
 */
#include "common/lx/errno.h"
#include "ipc/codec.h"

static uint8_t take_byte(struct ipc_reader *r)
{
	if (r->failed || r->pos == r->end) {
		r->failed = true;
		return 0;
	}
	return *r->pos++;
}

/* A big-endian unsigned number of 1, 2, 4 or 8 bytes. */
static uint64_t take_be(struct ipc_reader *r, unsigned bytes)
{
	uint64_t v = 0;

	if (r->failed || (size_t)(r->end - r->pos) < bytes) {
		r->failed = true;
		return 0;
	}
	for (unsigned i = 0; i < bytes; i++)
		v = v << 8 | *r->pos++;
	return v;
}

static uint64_t fail(struct ipc_reader *r)
{
	r->failed = true;
	return 0;
}

unsigned ipc_get_array(struct ipc_reader *r)
{
	uint8_t tag = take_byte(r);

	if ((tag & 0xf0) == 0x90)
		return tag & 0x0f;
	if (tag == 0xdc)
		return (unsigned)take_be(r, 2);
	return (unsigned)fail(r);
}

/* Any integer; *negative says how to take the 64 bits. */
static uint64_t get_integer(struct ipc_reader *r, bool *negative)
{
	uint8_t tag = take_byte(r);
	uint64_t v;

	*negative = false;
	if (tag < 0x80)
		return tag;
	if (tag >= 0xe0) {
		*negative = true;
		return (uint64_t)(int64_t)(int8_t)tag;
	}
	if (tag >= 0xcc && tag <= 0xcf)
		return take_be(r, 1u << (tag - 0xcc));
	if (tag >= 0xd0 && tag <= 0xd3) {
		unsigned bits = 8u << (tag - 0xd0);

		v = take_be(r, bits / 8);
		if (bits < 64 && v >> (bits - 1))
			v |= ~0ull << bits;
		*negative = v >> 63;
		return v;
	}
	return fail(r);
}

uint64_t ipc_get_u64(struct ipc_reader *r)
{
	bool negative;
	uint64_t v = get_integer(r, &negative);

	return negative ? fail(r) : v;
}

uint32_t ipc_get_u32(struct ipc_reader *r)
{
	uint64_t v = ipc_get_u64(r);

	return (uint32_t)(v > UINT32_MAX ? fail(r) : v);
}

int64_t ipc_get_i64(struct ipc_reader *r)
{
	bool negative;
	uint64_t v = get_integer(r, &negative);

	return (int64_t)(!negative && v > INT64_MAX ? fail(r) : v);
}

bool ipc_get_bool(struct ipc_reader *r)
{
	uint8_t tag = take_byte(r);

	return tag == 0xc3 || (tag != 0xc2 && fail(r));
}

static struct ipc_bytes take_bytes(struct ipc_reader *r, uint64_t len, uint32_t max)
{
	struct ipc_bytes b = {NULL, 0};

	if (r->failed || len > max || len > (size_t)(r->end - r->pos)) {
		r->failed = true;
		return b;
	}
	b.data = r->pos;
	b.len = (uint32_t)len;
	r->pos += len;
	return b;
}

struct ipc_bytes ipc_get_bytes(struct ipc_reader *r, uint32_t max)
{
	uint8_t tag = take_byte(r);

	if (tag < 0xc4 || tag > 0xc6)
		fail(r);
	return take_bytes(r, r->failed ? 0 : take_be(r, 1u << (tag - 0xc4)), max);
}

struct ipc_bytes ipc_get_name(struct ipc_reader *r)
{
	struct ipc_bytes b = ipc_get_bytes(r, 255);

	if (!r->failed && !ipc_name_valid(b))
		r->failed = true;
	return b;
}

struct ipc_bytes ipc_get_text(struct ipc_reader *r, uint32_t max)
{
	uint8_t tag = take_byte(r);
	struct ipc_bytes b;

	if ((tag & 0xe0) == 0xa0)
		b = take_bytes(r, tag & 0x1f, max);
	else if (tag >= 0xd9 && tag <= 0xdb)
		b = take_bytes(r, take_be(r, 1u << (tag - 0xd9)), max);
	else
		b = take_bytes(r, fail(r), max);
	if (!r->failed && !ipc_text_valid(b))
		r->failed = true;
	return b;
}

void ipc_get_attr(struct ipc_reader *r, struct ipc_attr *v)
{
	if (ipc_get_array(r) != IPC_ATTR_FIELDS)
		fail(r);
	v->ino = ipc_get_u64(r);
	v->mode = ipc_get_u32(r);
	v->nlink = ipc_get_u32(r);
	v->uid = ipc_get_u32(r);
	v->gid = ipc_get_u32(r);
	v->rdev = ipc_get_u64(r);
	v->size = ipc_get_u64(r);
	v->blocks = ipc_get_u64(r);
	v->blksize = ipc_get_u32(r);
	v->atime = ipc_get_i64(r);
	v->mtime = ipc_get_i64(r);
	v->ctime = ipc_get_i64(r);
	v->dev = ipc_get_u64(r);
}

bool ipc_name_valid(struct ipc_bytes b)
{
	if (b.len == 0 || b.len > 255)
		return false;
	if (b.data[0] == '.' && (b.len == 1 || (b.len == 2 && b.data[1] == '.')))
		return false;
	return !memchr(b.data, '/', b.len) && !memchr(b.data, 0, b.len);
}

/* Length of the UTF-8 sequence that opens p[0..left), or 0 if it is none (RFC 3629). */
static unsigned utf8_sequence(const uint8_t *p, size_t left)
{
	unsigned n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	if (n == 0 || n > left || p[0] > 0xf4)
		return 0;
	for (unsigned i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

bool ipc_text_valid(struct ipc_bytes b)
{
	for (size_t i = 0; i < b.len;) {
		unsigned n = b.data[i] == 0 ? 0 : utf8_sequence(b.data + i, b.len - i);

		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

bool ipc_read_envelope(struct ipc_reader *r, const uint8_t *body, size_t len,
                       struct ipc_envelope *env)
{
	unsigned count;
	uint64_t kind;

	*r = (struct ipc_reader){body, body + len, false};
	count = ipc_get_array(r);
	kind = ipc_get_u64(r);
	env->id = ipc_get_u64(r);
	env->op = ipc_get_u64(r);
	if (r->failed || count < 3 || kind > IPC_KIND_CANCEL)
		return false;
	env->kind = (enum ipc_kind)kind;
	env->fields = count - 3;
	return true;
}

bool ipc_read_request(struct ipc_reader *r, const struct ipc_envelope *env, const struct ipc_op *op,
                      void *req)
{
	if (env->fields != op->req.field_count)
		return false;
	op->req.decode(r, req);
	return !r->failed && r->pos == r->end;
}

bool ipc_read_reply(struct ipc_reader *r, const struct ipc_envelope *env, const struct ipc_op *op,
                    int64_t *result, void *rep)
{
	memset(rep, 0, op->rep.size);
	*result = ipc_get_i64(r);
	if (*result < -LX_EHWPOISON)
		return false;
	if (env->fields != 1 + (*result >= 0 ? op->rep.field_count : 0))
		return false;
	if (*result >= 0)
		op->rep.decode(r, rep);
	return !r->failed && r->pos == r->end;
}

bool ipc_read_hello(struct ipc_reader *r, const struct ipc_envelope *env, struct ipc_hello *hello)
{
	if (env->kind != IPC_KIND_HELLO || env->fields < 1)
		return false;
	hello->version = ipc_get_u64(r);
	if (r->failed)
		return false;
	/* Another version may have other fields: its number is all that matters then. */
	if (hello->version != IPC_VERSION)
		return true;
	hello->features = ipc_get_u64(r);
	hello->service = ipc_get_text(r, IPC_HELLO_NAME_MAX);
	return env->fields == 3 && !r->failed && r->pos == r->end;
}

const struct ipc_op *ipc_service_op(const struct ipc_service *service, uint64_t number)
{
	unsigned index = number <= IPC_MAX_OP ? service->index_of[number] : 0;

	return index ? &service->ops[index - 1] : NULL;
}
