/*
 * fuzz_codec.c: see fuzz_codec.h.  What one decoder accepts must survive the way through the
 * encoder, and the second encoding must be the first one's, byte for byte.
 */
#include "tests/lib/fuzz_codec.h"

#include "common/lx/errno.h"
#include "ipc/codec.h"

#define CHECK(cond)                       \
	do {                              \
		if (!(cond))              \
			__builtin_trap(); \
	} while (0)

static _Alignas(16) uint8_t first[IPC_MAX_STRUCT], second[IPC_MAX_STRUCT];

static void write_again(struct ipc_writer *w, const struct ipc_envelope *env,
                        const struct ipc_op *op, int64_t result, const void *msg)
{
	ipc_writer_init(w);
	if (env->kind == IPC_KIND_REPLY)
		CHECK(ipc_write_reply(w, env->id, op, result, msg, 0) == 0);
	else
		CHECK(ipc_write_request(w, env->kind, env->id, op, msg, 0) == 0);
}

static bool read_message(struct ipc_reader *r, const struct ipc_envelope *env,
                         const struct ipc_op *op, int64_t *result, void *msg)
{
	if (env->kind == IPC_KIND_REPLY)
		return ipc_read_reply(r, env, op, result, msg);
	if (env->kind == IPC_KIND_REQUEST || env->kind == IPC_KIND_ONEWAY)
		return ipc_read_request(r, env, op, msg);
	return false;
}

void fuzz_codec(const struct ipc_service *service, const uint8_t *data, size_t size)
{
	struct ipc_envelope env, env2;
	struct ipc_hello hello;
	struct ipc_reader r;
	struct ipc_writer w, w2;
	const struct ipc_op *op;
	int64_t result = 0, result2 = 0;
	char text[300];

	ipc_describe(service, data, size, text, sizeof(text));
	if (!ipc_read_envelope(&r, data, size, &env))
		return;
	if (env.kind == IPC_KIND_HELLO && ipc_read_hello(&r, &env, &hello))
		return;
	op = ipc_service_op(service, env.op);
	if (!op || !read_message(&r, &env, op, &result, first))
		return;
	write_again(&w, &env, op, result, first);
	CHECK(ipc_read_envelope(&r, w.buf + IPC_HEADER_SIZE, w.len - IPC_HEADER_SIZE, &env2));
	CHECK(env2.kind == env.kind && env2.id == env.id && env2.op == env.op);
	CHECK(read_message(&r, &env2, op, &result2, second) && result2 == result);
	write_again(&w2, &env2, op, result2, second);
	CHECK(w.len == w2.len && memcmp(w.buf, w2.buf, w.len) == 0);
	ipc_writer_release(&w);
	ipc_writer_release(&w2);
}
