/* seqbuf.c: text that grows while it is generated. */
#include "supervisor/vfs/seqbuf.h"

#include <stdarg.h>

#define SEQ_MAX ((size_t)64 << 20)

/* Makes room for n more bytes. */
static bool reserve(struct seqbuf *s, size_t n)
{
	size_t want, cap = s->cap ? s->cap : 512;
	char *data;

	if (s->failed || add_overflows(s->len, n, &want) || want > SEQ_MAX) {
		s->failed = true;
		return false;
	}
	if (want <= s->cap)
		return true;
	while (cap < want)
		cap *= 2;
	data = realloc(s->data, cap);
	if (!data) {
		s->failed = true;
		return false;
	}
	s->data = data;
	s->cap = cap;
	return true;
}

void seq_write(struct seqbuf *s, const void *p, size_t n)
{
	if (n == 0 || !reserve(s, n))
		return;
	memcpy(s->data + s->len, p, n);
	s->len += n;
}

void seq_printf(struct seqbuf *s, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (!reserve(s, 128))
		return;
	va_start(ap, fmt);
	n = vsnprintf(s->data + s->len, s->cap - s->len, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n >= s->cap - s->len) {
		if (!reserve(s, (size_t)n + 1))
			return;
		va_start(ap, fmt);
		n = vsnprintf(s->data + s->len, s->cap - s->len, fmt, ap);
		va_end(ap);
	}
	if (n < 0)
		s->failed = true;
	else
		s->len += (size_t)n;
}

void seq_escape(struct seqbuf *s, const char *text, const char *more)
{
	for (const char *p = text; *p; p++) {
		if (strchr(" \t\n\\", *p) || (more && strchr(more, *p)))
			seq_printf(s, "\\%03o", (unsigned)(uint8_t)*p);
		else
			seq_write(s, p, 1);
	}
}

void seq_reset(struct seqbuf *s)
{
	s->len = 0;
	s->failed = false;
}

void seq_free(struct seqbuf *s)
{
	free(s->data);
	*s = (struct seqbuf){0};
}
