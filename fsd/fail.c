/* fail.c: see fail.h. */
#include "fsd/fail.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/lx/errno.h"

int fail_set(struct fail *f, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	return code;
}

int fail_errno(struct fail *f, int code, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (f->text[0])
		return code;
	va_start(ap, fmt);
	n = vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(f->text))
		snprintf(f->text + n, sizeof(f->text) - (size_t)n, ": %s", lx_errno_text(code));
	return code;
}
