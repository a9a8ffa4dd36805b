/*
 * test_codec.c: every operation of every schema survives encoding and decoding, decoders reject
 * whatever is not exactly one message, and msgpack-c agrees that what we write is msgpack.
 */
#include <setjmp.h>
#include <stdarg.h>

#include <msgpack.h>

#include "common/lx/errno.h"
#include "ipc/codec.h"
#include "ipc/ctl.h"
#include "ipc/fsd.h"
#include "ipc/netd.h"

#include <cmocka.h>

static uint64_t seed = 42;

static uint64_t rnd(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return seed >> (seed >> 58);
}

static const uint8_t *random_bytes(void)
{
	static uint8_t pool[1 << 20];

	if (!pool[0])
		for (size_t i = 0; i < sizeof(pool); i++)
			pool[i] = (uint8_t)(i * 7 + 'a');
	return pool;
}

static const uint8_t *random_text(void)
{
	static uint8_t pool[1 << 20];

	if (!pool[0])
		for (size_t i = 0; i < sizeof(pool); i++)
			pool[i] = (uint8_t)('a' + i % 26);
	return pool;
}

static uint32_t random_len(uint32_t max)
{
	return rnd() % 4 == 0 ? max : (uint32_t)(rnd() % (MIN(max, 400u) + 1));
}

static struct ipc_attr random_attr(void)
{
	return (struct ipc_attr){rnd(),
	                         (uint32_t)rnd(),
	                         (uint32_t)rnd(),
	                         (uint32_t)rnd(),
	                         (uint32_t)rnd(),
	                         rnd(),
	                         rnd(),
	                         rnd(),
	                         (uint32_t)rnd(),
	                         (int64_t)rnd(),
	                         -(int64_t)(rnd() >> 1),
	                         INT64_MIN,
	                         rnd()};
}

static bool bytes_equal(struct ipc_bytes a, struct ipc_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static bool attr_equal(const struct ipc_attr *a, const struct ipc_attr *b)
{
	return a->ino == b->ino && a->mode == b->mode && a->nlink == b->nlink && a->uid == b->uid &&
	       a->gid == b->gid && a->rdev == b->rdev && a->size == b->size &&
	       a->blocks == b->blocks && a->blksize == b->blksize && a->atime == b->atime &&
	       a->mtime == b->mtime && a->ctime == b->ctime && a->dev == b->dev;
}

/* Generated: fsd_lookup_fill_req(m), fsd_lookup_same_req(a, b) and so on. */
#define REQ(...)       __VA_ARGS__
#define REP(...)       __VA_ARGS__
#define GLUE_(a, b, c) a##_##b##_##c
#define GLUE(a, b, c)  GLUE_(a, b, c)
#define GLUE2_(a, b)   a##_##b
#define GLUE2(a, b)    GLUE2_(a, b)
#define U64(f)         m->f = rnd();
#define I64(f)         m->f = (int64_t)(rnd() - (rnd() >> 1));
#define U32(f)         m->f = (uint32_t)rnd();
#define BOOL(f)        m->f = rnd() & 1;
#define NAME(f)        m->f = (struct ipc_bytes){random_bytes(), 1 + (uint32_t)(rnd() % 20)};
#define TEXT(f, max)   m->f = (struct ipc_bytes){random_text(), random_len(max)};
#define BYTES(f, max)  m->f = (struct ipc_bytes){random_bytes(), random_len(max)};
#define ATTR(f)        m->f = random_attr();
#define IPC_OP(n, op, p, c, qf, pf, q, r)                  \
	static void GLUE(SERVICE, op, fill_req)(void *msg) \
	{                                                  \
		struct GLUE(SERVICE, op, req) *m = msg;    \
		q                                          \
	}                                                  \
	static void GLUE(SERVICE, op, fill_rep)(void *msg) \
	{                                                  \
		struct GLUE(SERVICE, op, rep) *m = msg;    \
		r                                          \
	}
#define SERVICE fsd
#include "ipc/ops_fsd.def"
#undef SERVICE
#define SERVICE netd
#include "ipc/ops_netd.def"
#undef SERVICE
#define SERVICE ctl
#include "ipc/ops_ctl.def"
#undef SERVICE
#undef IPC_OP
#include "ipc/gen_fields_end.inc"

#define U64(f)        same = same && a->f == b->f;
#define I64(f)        same = same && a->f == b->f;
#define U32(f)        same = same && a->f == b->f;
#define BOOL(f)       same = same && a->f == b->f;
#define NAME(f)       same = same && bytes_equal(a->f, b->f);
#define TEXT(f, max)  same = same && bytes_equal(a->f, b->f);
#define BYTES(f, max) same = same && bytes_equal(a->f, b->f);
#define ATTR(f)       same = same && attr_equal(&a->f, &b->f);
#define IPC_OP(n, op, p, c, qf, pf, q, r)                                     \
	static bool GLUE(SERVICE, op, same_req)(const void *x, const void *y) \
	{                                                                     \
		const struct GLUE(SERVICE, op, req) *a = x, *b = y;           \
		bool same = true;                                             \
		q return same;                                                \
	}                                                                     \
	static bool GLUE(SERVICE, op, same_rep)(const void *x, const void *y) \
	{                                                                     \
		const struct GLUE(SERVICE, op, rep) *a = x, *b = y;           \
		bool same = true;                                             \
		r return same;                                                \
	}
#define SERVICE fsd
#include "ipc/ops_fsd.def"
#undef SERVICE
#define SERVICE netd
#include "ipc/ops_netd.def"
#undef SERVICE
#define SERVICE ctl
#include "ipc/ops_ctl.def"
#undef SERVICE
#undef IPC_OP
#include "ipc/gen_fields_end.inc"

struct row {
	const struct ipc_service *service;
	uint32_t number;
	void (*fill_req)(void *);
	bool (*same_req)(const void *, const void *);
	void (*fill_rep)(void *);
	bool (*same_rep)(const void *, const void *);
};

static const struct row rows[] = {
#define IPC_OP(n, op, p, c, qf, pf, q, r)                          \
	{&GLUE2(SERVICE, service),    n,                           \
	 GLUE(SERVICE, op, fill_req), GLUE(SERVICE, op, same_req), \
	 GLUE(SERVICE, op, fill_rep), GLUE(SERVICE, op, same_rep)},
#define SERVICE fsd
#include "ipc/ops_fsd.def"
#undef SERVICE
#define SERVICE netd
#include "ipc/ops_netd.def"
#undef SERVICE
#define SERVICE ctl
#include "ipc/ops_ctl.def"
#undef SERVICE
};

static _Alignas(16) uint8_t sent[IPC_MAX_STRUCT], got[IPC_MAX_STRUCT];

static void assert_is_msgpack(const struct ipc_writer *w)
{
	msgpack_unpacked u;
	size_t off = 0;

	msgpack_unpacked_init(&u);
	assert_int_equal(msgpack_unpack_next(&u, (const char *)w->buf + IPC_HEADER_SIZE,
	                                     w->len - IPC_HEADER_SIZE, &off),
	                 MSGPACK_UNPACK_SUCCESS);
	assert_int_equal(off, w->len - IPC_HEADER_SIZE);
	assert_int_equal(u.data.type, MSGPACK_OBJECT_ARRAY);
	msgpack_unpacked_destroy(&u);
}

static bool read_request(const struct ipc_op *op, const uint8_t *body, size_t len)
{
	struct ipc_envelope env;
	struct ipc_reader r;

	return ipc_read_envelope(&r, body, len, &env) && env.op == op->number &&
	       ipc_read_request(&r, &env, op, got);
}

static void requests_round_trip(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 40; n++)
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			const struct ipc_op *op = ipc_service_op(rows[i].service, rows[i].number);
			struct ipc_writer w;

			assert_non_null(op);
			memset(sent, 0, sizeof(sent));
			rows[i].fill_req(sent);
			ipc_writer_init(&w);
			assert_int_equal(ipc_write_request(&w, IPC_KIND_REQUEST, n, op, sent, 0),
			                 0);
			assert_is_msgpack(&w);
			memset(got, 0xee, sizeof(got));
			assert_true(read_request(op, w.buf + 4, w.len - 4));
			assert_true(rows[i].same_req(sent, got));
			ipc_writer_release(&w);
		}
}

static void replies_round_trip(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 40; n++)
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			const struct ipc_op *op = ipc_service_op(rows[i].service, rows[i].number);
			struct ipc_envelope env;
			struct ipc_reader r;
			struct ipc_writer w;
			int64_t result, want = n % 8 == 7 ? -LX_ENOENT : (int64_t)(rnd() >> 1);

			memset(sent, 0, sizeof(sent));
			rows[i].fill_rep(sent);
			ipc_writer_init(&w);
			assert_int_equal(ipc_write_reply(&w, n, op, want, sent, 0), 0);
			assert_is_msgpack(&w);
			assert_true(ipc_read_envelope(&r, w.buf + 4, w.len - 4, &env));
			assert_int_equal(env.kind, IPC_KIND_REPLY);
			assert_int_equal(env.id, n);
			assert_true(ipc_read_reply(&r, &env, op, &result, got));
			assert_int_equal(result, want);
			if (result >= 0)
				assert_true(rows[i].same_rep(sent, got));
			ipc_writer_release(&w);
		}
}

/* Every proper prefix, and a message with a byte more, must be refused. */
static void truncation_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct ipc_op *op = ipc_service_op(rows[i].service, rows[i].number);
		struct ipc_writer w;
		uint8_t *copy;
		size_t len;

		memset(sent, 0, sizeof(sent));
		rows[i].fill_req(sent);
		ipc_writer_init(&w);
		assert_int_equal(ipc_write_request(&w, IPC_KIND_REQUEST, 1, op, sent, 0), 0);
		len = w.len - 4;
		for (size_t cut = 0; cut < len; cut += cut < 300 ? 1 : 997) {
			/* An exact allocation, so that ASan sees any read beyond the cut. */
			copy = malloc(cut + 1);
			memcpy(copy, w.buf + 4, cut);
			copy = realloc(copy, cut ? cut : 1);
			assert_false(read_request(op, copy, cut));
			free(copy);
		}
		copy = calloc(1, len + 1);
		memcpy(copy, w.buf + 4, len);
		assert_false(read_request(op, copy, len + 1));
		free(copy);
		ipc_writer_release(&w);
	}
}

static void garbage_is_survived(void **state)
{
	char text[200];

	(void)state;
	for (unsigned n = 0; n < 20000; n++) {
		const struct row *row = &rows[rnd() % ARRAY_LEN(rows)];
		const struct ipc_op *op = ipc_service_op(row->service, row->number);
		struct ipc_writer w;
		int64_t result;
		struct ipc_envelope env;
		struct ipc_reader r;

		memset(sent, 0, sizeof(sent));
		row->fill_req(sent);
		ipc_writer_init(&w);
		assert_int_equal(ipc_write_request(&w, IPC_KIND_REQUEST, 1, op, sent, 0), 0);
		for (unsigned k = 0; k < 1 + n % 5; k++)
			w.buf[4 + rnd() % MIN(w.len - 4, (size_t)64)] = (uint8_t)rnd();
		if (read_request(op, w.buf + 4, w.len - 4))
			(void)0;
		if (ipc_read_envelope(&r, w.buf + 4, w.len - 4, &env) &&
		    ipc_read_reply(&r, &env, op, &result, got))
			assert_true(result >= -LX_EHWPOISON);
		ipc_describe(row->service, w.buf + 4, w.len - 4, text, sizeof(text));
		assert_true(strlen(text) < sizeof(text));
		ipc_writer_release(&w);
	}
}

static void fields_outside_their_schema_are_refused(void **state)
{
	static const char *const bad_names[] = {"", ".", "..", "a/b", "/"};
	struct fsd_lookup_req q = {.dir = 1};
	struct fsd_getxattr_req x = {.node = 1};
	struct ipc_writer w;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_names); i++) {
		q.name = ipc_bytes_of(bad_names[i]);
		ipc_writer_init(&w);
		assert_int_equal(
		    ipc_write_request(&w, IPC_KIND_REQUEST, 1, &fsd_ops[fsd_index_lookup], &q, 0),
		    -LX_EINVAL);
		ipc_writer_release(&w);
	}
	q.name = (struct ipc_bytes){random_text(), 256};
	ipc_writer_init(&w);
	assert_int_equal(
	    ipc_write_request(&w, IPC_KIND_REQUEST, 1, &fsd_ops[fsd_index_lookup], &q, 0),
	    -LX_EINVAL);
	ipc_writer_release(&w);
	x.name = ipc_bytes_of("user.\xff");
	ipc_writer_init(&w);
	assert_int_equal(
	    ipc_write_request(&w, IPC_KIND_REQUEST, 1, &fsd_ops[fsd_index_getxattr], &x, 0),
	    -LX_EINVAL);
	ipc_writer_release(&w);
}

static void text_must_be_utf8(void **state)
{
	static const struct {
		const char *s;
		bool valid;
	} cases[] = {{"", true},
	             {"plain", true},
	             {"\xc3\xa9", true},
	             {"\xe2\x82\xac", true},
	             {"\xf0\x9f\x90\xa7", true},
	             {"\xc0\x80", false},
	             {"\xe0\x80\x80", false},
	             {"\xed\xa0\x80", false},
	             {"\xf5\x80\x80\x80", false},
	             {"\xc3", false},
	             {"\x80", false},
	             {"\xf4\x90\x80\x80", false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(ipc_text_valid(ipc_bytes_of(cases[i].s)), cases[i].valid);
	assert_false(ipc_text_valid((struct ipc_bytes){(const uint8_t *)"a\0b", 3}));
}

static void messages_read_as_text(void **state)
{
	struct fsd_lookup_req q = {.dir = 1, .name = ipc_bytes_of("etc\n")};
	struct fsd_lookup_rep p = {.node = 7, .attr = {.mode = 0755}};
	struct ipc_writer w;
	char text[200];

	(void)state;
	ipc_writer_init(&w);
	assert_int_equal(
	    ipc_write_request(&w, IPC_KIND_REQUEST, 9, &fsd_ops[fsd_index_lookup], &q, 0), 0);
	ipc_describe(&fsd_service, w.buf + 4, w.len - 4, text, sizeof(text));
	assert_string_equal(text, "#9 lookup(dir=1, name=\"etc\\x0a\")");
	ipc_writer_release(&w);
	ipc_writer_init(&w);
	assert_int_equal(ipc_write_reply(&w, 9, &fsd_ops[fsd_index_lookup], -LX_ENOENT, &p, 0), 0);
	ipc_describe(&fsd_service, w.buf + 4, w.len - 4, text, sizeof(text));
	assert_string_equal(text, "#9 lookup = -2 ENOENT");
	ipc_describe(&fsd_service, w.buf + 4, 3, text, sizeof(text));
	assert_string_equal(text, "malformed message of 3 bytes");
	ipc_writer_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(requests_round_trip),
	    cmocka_unit_test(replies_round_trip),
	    cmocka_unit_test(truncation_is_refused),
	    cmocka_unit_test(garbage_is_survived),
	    cmocka_unit_test(fields_outside_their_schema_are_refused),
	    cmocka_unit_test(text_must_be_utf8),
	    cmocka_unit_test(messages_read_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
