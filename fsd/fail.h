/*
 * fail.h: an error with a sentence for the user, for the paths that a command waits on.
 */
#ifndef FSD_FAIL_H
#define FSD_FAIL_H

#include "common/base.h"

struct fail {
	char text[512]; /* one sentence without a full stop; empty: none given */
};

/* Writes the sentence and returns code (a negative Linux errno). */
int fail_set(struct fail *f, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* As above, with ": " and the error's text added; an existing sentence is kept. */
int fail_errno(struct fail *f, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
