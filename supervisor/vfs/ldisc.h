/*
 * ldisc.h: the terminal line discipline: what happens between the characters that arrive from
 * a terminal and what programs read, and between what they write and what the terminal gets.
 *
 * It knows nothing of tasks, files and locks: the terminal that owns it serialises all calls
 * and gives it somewhere to send output and signals.  Behaviour: termios(3), ioctl_tty(2).
 */
#ifndef SUPERVISOR_VFS_LDISC_H
#define SUPERVISOR_VFS_LDISC_H

#include "common/base.h"
#include "common/lx/termios.h"

#define LDISC_RING 4096u /* the longest line, and what raw mode buffers */

struct ldisc;

struct ldisc_host {
	/* Processed bytes for the terminal.  Echo that does not fit is dropped by the host. */
	void (*output)(struct ldisc *ld, const uint8_t *p, size_t n);
	/* An interrupt, quit or suspend character: signal the foreground process group. */
	void (*signal)(struct ldisc *ld, int sig);
	/* Input made the discipline throw away pending output (a signal without NOFLSH). */
	void (*flush_output)(struct ldisc *ld);
	/* ^S and ^Q: output stops or goes on. */
	void (*flow)(struct ldisc *ld, bool stop);
};

struct ldisc {
	const struct ldisc_host *host;
	struct lx_termios2 tio;
	/* Input.  Positions count bytes since the beginning; ring index is position % LDISC_RING.
	 * head <= line <= tail: next to be read, end of complete lines, end of what was typed. */
	uint32_t head, line, tail;
	uint8_t ring[LDISC_RING];
	uint8_t line_end[LDISC_RING / 8]; /* bit: this byte ends a line */
	bool literal;       /* VLNEXT was typed: the next character has no meaning */
	bool rubbing;       /* inside a \.../ of ECHOPRT */
	bool stopped;       /* by VSTOP */
	uint8_t held[512];    /* echo that has not been sent yet */
	uint32_t nheld;
	uint32_t sent_column; /* of the cursor, without what is held */
	uint32_t column;      /* of the cursor */
	uint32_t line_column; /* where the echo of the line being typed began */
};

void ldisc_init(struct ldisc *ld, const struct ldisc_host *host);
/* The attributes of a fresh terminal. */
void ldisc_default_termios(struct lx_termios2 *tio);
/* Changes the attributes; input that is there is kept (the caller flushes when asked to). */
void ldisc_set_termios(struct ldisc *ld, const struct lx_termios2 *tio);

/* Input from the terminal: takes at most n bytes and returns how many; fewer when no more can
 * be taken before something has been read. */
size_t ldisc_receive(struct ldisc *ld, const uint8_t *p, size_t n);

/* Bytes that a read would find: in canonical mode those of complete lines.  For FIONREAD. */
uint32_t ldisc_readable(const struct ldisc *ld);
/* A line, or an end-of-file mark, is complete (canonical mode), or there are bytes. */
bool ldisc_has_input(const struct ldisc *ld);
/* Takes what a read gets, at most n bytes: up to the end of one line in canonical mode, where
 * 0 is an end of file.  Call only when ldisc_has_input.  *line_done: the line (or the
 * end-of-file mark) was finished. */
size_t ldisc_read(struct ldisc *ld, uint8_t *out, size_t n, bool *line_done);
void ldisc_flush_input(struct ldisc *ld);

/* Output by a program: processes bytes of p as long as the results fit into room bytes of the
 * terminal's buffer (each byte becomes at most 8).  Returns how many of n were used. */
size_t ldisc_write(struct ldisc *ld, const uint8_t *p, size_t n, size_t room);

#endif
