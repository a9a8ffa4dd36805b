/*
 * codec.h: writing and reading the msgpack of one message.
 *
 * The writer packs with msgpack-c into memory that starts inside the struct and moves to the
 * heap when a message is long.  The reader pulls values straight out of the received bytes
 * without allocating: generic unpackers build a tree of objects first, which a hostile peer can
 * make expensive, and the schema already says what comes next.  Both remember the first failure,
 * so that generated code can run through all fields and look once at the end.
 */
#ifndef IPC_CODEC_H
#define IPC_CODEC_H

#include "ipc/schema.h"

#define IPC_HEADER_SIZE 4u /* length (low 24 bits) and number of descriptors (high 8) */

#define IPC_ATTR_FIELDS    13u
#define IPC_HELLO_NAME_MAX 32u
#define IPC_FEATURES       0u /* feature bits this build offers; both sides use what both have */

enum ipc_kind {
	IPC_KIND_REQUEST, /* [0, id, op, fields...] */
	IPC_KIND_REPLY,   /* [1, id, op, result, fields...]; no fields when result < 0 */
	IPC_KIND_ONEWAY,  /* [2, 0, op, fields...]: a request nobody answers */
	IPC_KIND_HELLO,   /* [3, 0, 0, version, features, service]: the first of each side */
	IPC_KIND_CANCEL   /* [4, id, op]: answer that request early */
};

struct ipc_writer {
	uint8_t *buf; /* header and message so far */
	size_t len, cap;
	int error; /* 0, or the negative Linux errno of the first failure */
	uint8_t small[768];
};

void ipc_writer_init(struct ipc_writer *w);
void ipc_writer_release(struct ipc_writer *w);

void ipc_put_array(struct ipc_writer *w, unsigned count);
void ipc_put_u64(struct ipc_writer *w, uint64_t v);
void ipc_put_i64(struct ipc_writer *w, int64_t v);
void ipc_put_bool(struct ipc_writer *w, bool v);
void ipc_put_name(struct ipc_writer *w, struct ipc_bytes v);
void ipc_put_text(struct ipc_writer *w, struct ipc_bytes v, uint32_t max);
void ipc_put_bytes(struct ipc_writer *w, struct ipc_bytes v, uint32_t max);
void ipc_put_attr(struct ipc_writer *w, const struct ipc_attr *v);

/* Whole messages.  Each returns 0 with the finished frame in w->buf, w->len, or a negative
 * Linux errno: -LX_EINVAL for a field outside its schema, -LX_E2BIG, -LX_ENOMEM. */
int ipc_write_request(struct ipc_writer *w, enum ipc_kind kind, uint64_t id,
                      const struct ipc_op *op, const void *req, unsigned fds) MUST_CHECK;
int ipc_write_reply(struct ipc_writer *w, uint64_t id, const struct ipc_op *op, int64_t result,
                    const void *rep, unsigned fds) MUST_CHECK;
int ipc_write_hello(struct ipc_writer *w, const char *service) MUST_CHECK;
int ipc_write_cancel(struct ipc_writer *w, uint64_t id, const struct ipc_op *op) MUST_CHECK;

struct ipc_reader {
	const uint8_t *pos, *end;
	bool failed;
};

unsigned ipc_get_array(struct ipc_reader *r);
uint64_t ipc_get_u64(struct ipc_reader *r);
uint32_t ipc_get_u32(struct ipc_reader *r);
int64_t ipc_get_i64(struct ipc_reader *r);
bool ipc_get_bool(struct ipc_reader *r);
struct ipc_bytes ipc_get_name(struct ipc_reader *r);
struct ipc_bytes ipc_get_text(struct ipc_reader *r, uint32_t max);
struct ipc_bytes ipc_get_bytes(struct ipc_reader *r, uint32_t max);
void ipc_get_attr(struct ipc_reader *r, struct ipc_attr *v);

/* What opens every message.  fields is what follows [kind, id, op]. */
struct ipc_envelope {
	enum ipc_kind kind;
	uint64_t id;
	uint64_t op;
	unsigned fields;
};

/* Starts reading a message's body (without its header).  False: malformed. */
bool ipc_read_envelope(struct ipc_reader *r, const uint8_t *body, size_t len,
                       struct ipc_envelope *env) MUST_CHECK;

/* Reads the rest: a request's fields into req; a reply's result and, if it is not negative, its
 * fields into rep (else rep is zeroed).  False: malformed, or bytes left over. */
bool ipc_read_request(struct ipc_reader *r, const struct ipc_envelope *env, const struct ipc_op *op,
                      void *req) MUST_CHECK;
bool ipc_read_reply(struct ipc_reader *r, const struct ipc_envelope *env, const struct ipc_op *op,
                    int64_t *result, void *rep) MUST_CHECK;

struct ipc_hello {
	uint64_t version, features;
	struct ipc_bytes service;
};
bool ipc_read_hello(struct ipc_reader *r, const struct ipc_envelope *env,
                    struct ipc_hello *hello) MUST_CHECK;

/* True if b is a path component: 1 to 255 bytes, no slash, no NUL, not "." or "..". */
bool ipc_name_valid(struct ipc_bytes b);

/* True if b is UTF-8 (RFC 3629) without NUL. */
bool ipc_text_valid(struct ipc_bytes b);

/* One line for traces: "lookup(dir=1, name="etc")" of a request's or reply's body, cut to fit. */
void ipc_describe(const struct ipc_service *service, const uint8_t *body, size_t len, char *out,
                  size_t size);

#endif
