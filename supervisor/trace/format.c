/* format.c: see format.h. */
#include "supervisor/trace/format.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/lx/errno.h"
#include "supervisor/task/task.h"

#define STRING_SHOWN 64u

/* Appends to a fixed buffer; what does not fit is cut. */
struct appender {
	char *out;
	size_t size, len;
};

PRINTF_LIKE(2, 3) static void append(struct appender *a, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (a->len + 1 >= a->size)
		return;
	va_start(ap, fmt);
	n = vsnprintf(a->out + a->len, a->size - a->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		a->len = MIN(a->len + (size_t)n, a->size - 1);
}

/* Bytes in C's notation, between quotes. */
static void append_quoted(struct appender *a, const uint8_t *bytes, size_t n, bool more)
{
	append(a, "\"");
	for (size_t i = 0; i < n; i++) {
		uint8_t c = bytes[i];

		if (c == '\n')
			append(a, "\\n");
		else if (c == '"' || c == '\\')
			append(a, "\\%c", c);
		else if (c < 32 || c > 126)
			append(a, "\\x%02x", c);
		else
			append(a, "%c", c);
	}
	append(a, "\"%s", more ? "..." : "");
}

static void append_string(struct appender *a, struct task *t, uint64_t va, char *keep, size_t keep_size)
{
	char text[256];
	int64_t n = va ? strncpy_from_user(t->mm, text, guest_ptr(va), sizeof(text)) : -LX_EFAULT;

	if (n < 0) {
		append(a, va ? "0x%" PRIx64 : "NULL", va);
		return;
	}
	if (keep && !keep[0])
		snprintf(keep, keep_size, "%s", text);
	append_quoted(a, (const uint8_t *)text, (size_t)n, false);
}

static void append_buffer(struct appender *a, struct task *t, uint64_t va, uint64_t len)
{
	uint8_t bytes[STRING_SHOWN];
	size_t n = MIN(len, (uint64_t)STRING_SHOWN);

	if (copy_from_user(t->mm, bytes, guest_ptr(va), n) < 0)
		append(a, "0x%" PRIx64, va);
	else
		append_quoted(a, bytes, n, len > n);
}

#define LX_AT_FDCWD_VALUE (-100)

static void append_value(struct appender *a, struct task *t, struct observed_call *call, unsigned i)
{
	uint64_t v = call->args.v[i];

	switch ((enum sys_arg_type)call->row->arg_type[i]) {
	case SYS_ARG_PATH:
		append_string(a, t, v, call->path, sizeof(call->path));
		break;
	case SYS_ARG_STRING:
		append_string(a, t, v, NULL, 0);
		break;
	case SYS_ARG_BUFFER:
		append_buffer(a, t, v, i + 1 < 6 ? call->args.v[i + 1] : 0);
		break;
	case SYS_ARG_DIRFD:
		if ((int32_t)v == LX_AT_FDCWD_VALUE)
			append(a, "AT_FDCWD");
		else
			append(a, "%d", (int32_t)v);
		break;
	case SYS_ARG_MODE:
	case SYS_ARG_OPEN_FLAGS:
		append(a, "0%o", (uint32_t)v);
		break;
	case SYS_ARG_HEX:
	case SYS_ARG_PTR:
		append(a, v ? "0x%" PRIx64 : "0", v);
		break;
	case SYS_ARG_SIZE:
	case SYS_ARG_LONG:
	case SYS_ARG_OFFSET:
		append(a, "%" PRId64, (int64_t)v);
		break;
	case SYS_ARG_UINT:
		append(a, "%" PRIu32, (uint32_t)v);
		break;
	case SYS_ARG_NONE:
	case SYS_ARG_INT:
	case SYS_ARG_FD:
	case SYS_ARG_SIGNAL:
		append(a, "%" PRId32, (int32_t)v);
		break;
	}
}

void format_arguments(struct task *t, struct observed_call *call)
{
	struct appender a = {call->text, sizeof(call->text), 0};

	call->text[0] = 0;
	call->path[0] = 0;
	if (!call->row)
		return;
	for (unsigned i = 0; i < call->row->nargs; i++) {
		append(&a, "%s%s=", i ? ", " : "", call->row->arg_name[i]);
		append_value(&a, t, call, i);
	}
}

static void append_result(struct appender *a, int64_t result)
{
	if (result < 0 && result >= -LX_MAX_ERRNO)
		append(a, "-%s", lx_errno_name((int)-result));
	else if (result > 0xffffff || result < 0)
		append(a, "0x%" PRIx64, (uint64_t)result);
	else
		append(a, "%" PRId64, result);
}

size_t format_text(char *out, size_t size, const struct task *t, const struct observed_call *call, int64_t result,
		   bool returned)
{
	struct appender a = {out, size - 1, 0};

	append(&a, "[%d] ", t->tid);
	if (call->row)
		append(&a, "%s(%s)", call->row->name, call->text);
	else
		append(&a, "syscall_%" PRIu64 "()", call->nr);
	if (returned) {
		append(&a, " = ");
		append_result(&a, result);
		append(&a, " <%.6f>", (double)(now_ns() - call->start_ns) / 1e9);
	}
	out[a.len++] = '\n';
	return a.len;
}

/* The text as a JSON string. */
static void append_json_string(struct appender *a, const char *text)
{
	append(a, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			append(a, "\\%c", *text);
		else if ((unsigned char)*text < 32 || (unsigned char)*text > 126)
			append(a, "\\u%04x", (unsigned char)*text);
		else
			append(a, "%c", *text);
	}
	append(a, "\"");
}

size_t format_json(char *out, size_t size, const struct task *t, const struct observed_call *call, int64_t result,
		   bool returned)
{
	struct appender a = {out, size - 3, 0};

	append(&a, "{\"tid\":%d,\"pid\":%d,\"call\":", t->tid, t->group->tgid);
	append_json_string(&a, call->row ? call->row->name : "unknown");
	append(&a, ",\"nr\":%" PRIu64, call->nr);
	if (returned) {
		append(&a, ",\"result\":%" PRId64, result);
		if (result < 0 && result >= -LX_MAX_ERRNO)
			append(&a, ",\"error\":\"%s\"", lx_errno_name((int)-result));
		append(&a, ",\"ns\":%" PRId64, now_ns() - call->start_ns);
	}
	append(&a, ",\"args\":");
	append_json_string(&a, call->text);
	/* Cut inside the arguments: close the string. */
	if (a.len + 1 >= a.size)
		out[a.len++] = '"';
	out[a.len++] = '}';
	out[a.len++] = '\n';
	return a.len;
}
