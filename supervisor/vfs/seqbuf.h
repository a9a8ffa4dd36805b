/*
 * seqbuf.h: text that grows while it is generated, for files whose content is made up at
 * read time.  A lack of memory is remembered and reported at the end.
 */
#ifndef SUPERVISOR_VFS_SEQBUF_H
#define SUPERVISOR_VFS_SEQBUF_H

#include "common/base.h"

struct seqbuf {
	char *data; /* malloc; not terminated */
	size_t len, cap;
	bool failed;
};

void seq_printf(struct seqbuf *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void seq_write(struct seqbuf *s, const void *p, size_t n);
static inline void seq_puts(struct seqbuf *s, const char *text)
{
	seq_write(s, text, strlen(text));
}
/* Text in which blanks, tabs, newlines, backslashes (and the bytes of more) are \ooo. */
void seq_escape(struct seqbuf *s, const char *text, const char *more);
void seq_reset(struct seqbuf *s);
void seq_free(struct seqbuf *s);

#endif
