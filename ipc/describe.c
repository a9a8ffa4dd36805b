/* describe.c: a message as one line of text, for traces and crash reports. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/lx/errno.h"
#include "ipc/codec.h"

struct line {
	char *out;
	size_t size, len; /* len < size always */
};

static void add(struct line *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void add(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->out + l->len, l->size - l->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->len = MIN(l->len + (size_t)n, l->size - 1);
}

/* At most 48 bytes, printable ASCII as it is and the rest as \xNN. */
static void add_bytes(struct line *l, struct ipc_bytes b)
{
	add(l, "\"");
	for (uint32_t i = 0; i < MIN(b.len, 48u); i++) {
		if (b.data[i] == '"' || b.data[i] == '\\' || b.data[i] < 0x20 || b.data[i] > 0x7e)
			add(l, "\\x%02x", b.data[i]);
		else
			add(l, "%c", b.data[i]);
	}
	add(l, "\"");
	if (b.len > 48)
		add(l, "...(%" PRIu32 " bytes)", b.len);
}

static void add_field(struct line *l, struct ipc_reader *r, const struct ipc_field *f)
{
	struct ipc_attr a;

	add(l, "%s=", f->name);
	switch (f->type) {
	case IPC_FIELD_U64:
	case IPC_FIELD_U32:
		add(l, "%" PRIu64, ipc_get_u64(r));
		break;
	case IPC_FIELD_I64:
		add(l, "%" PRId64, ipc_get_i64(r));
		break;
	case IPC_FIELD_BOOL:
		add(l, "%s", ipc_get_bool(r) ? "true" : "false");
		break;
	case IPC_FIELD_NAME:
	case IPC_FIELD_BYTES:
		add_bytes(l, ipc_get_bytes(r, f->max));
		break;
	case IPC_FIELD_TEXT:
		add_bytes(l, ipc_get_text(r, f->max));
		break;
	case IPC_FIELD_ATTR:
		ipc_get_attr(r, &a);
		add(l, "{ino=%" PRIu64 " mode=%o uid=%u gid=%u size=%" PRIu64 "}", a.ino, a.mode,
		    a.uid, a.gid, a.size);
		break;
	}
}

static void add_fields(struct line *l, struct ipc_reader *r, const struct ipc_message *m)
{
	for (unsigned i = 0; i < m->field_count && !r->failed; i++) {
		if (i > 0)
			add(l, ", ");
		add_field(l, r, &m->fields[i]);
	}
}

void ipc_describe(const struct ipc_service *service, const uint8_t *body, size_t len, char *out,
                  size_t size)
{
	struct line l = {out, size, 0};
	struct ipc_reader r;
	struct ipc_envelope env;
	const struct ipc_op *op;
	int64_t result;

	if (size == 0)
		return;
	out[0] = 0;
	if (!ipc_read_envelope(&r, body, len, &env)) {
		add(&l, "malformed message of %zu bytes", len);
		return;
	}
	op = ipc_service_op(service, env.op);
	if (env.kind == IPC_KIND_HELLO || !op) {
		add(&l, "%s op=%" PRIu64, env.kind == IPC_KIND_HELLO ? "hello" : "unknown", env.op);
		return;
	}
	add(&l, "#%" PRIu64 " %s", env.id, op->name);
	if (env.kind == IPC_KIND_CANCEL) {
		add(&l, " cancelled");
	} else if (env.kind == IPC_KIND_REPLY) {
		result = ipc_get_i64(&r);
		add(&l, " = %" PRId64 "%s%s", result, result < 0 ? " " : "",
		    result < 0 ? lx_errno_name(result) : "");
		if (result >= 0) {
			add(&l, " ");
			add_fields(&l, &r, &op->rep);
		}
	} else {
		add(&l, "(");
		add_fields(&l, &r, &op->req);
		add(&l, ")");
	}
	if (r.failed)
		add(&l, " <malformed>");
}
