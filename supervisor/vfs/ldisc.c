/*
 * ldisc.c: the line discipline N_TTY (see ldisc.h).
 *
 * Each received character goes through input mapping, then flow control, signals, line editing
 * (canonical mode) and echo, in that order.  Columns are tracked from the output, so that
 * rubbing out a tab knows how far the cursor has to go back.
 */
#include "supervisor/vfs/ldisc.h"

#define LX_SIGINT  2
#define LX_SIGQUIT 3
#define LX_SIGTSTP 20

#define TAB_STOP 8u
/* What stands in the ring for the end-of-file character; it is never handed to a reader. */
#define EOF_MARK 0

static bool iflag(const struct ldisc *ld, uint32_t flag)
{
	return ld->tio.c_iflag & flag;
}

static bool oflag(const struct ldisc *ld, uint32_t flag)
{
	return ld->tio.c_oflag & flag;
}

static bool lflag(const struct ldisc *ld, uint32_t flag)
{
	return ld->tio.c_lflag & flag;
}

/* Is c the special character with this index? */
static bool is_char(const struct ldisc *ld, uint8_t c, unsigned index)
{
	return ld->tio.c_cc[index] != LX_POSIX_VDISABLE && ld->tio.c_cc[index] == c;
}

static bool is_control(uint8_t c)
{
	return c < 0x20 || c == 0x7f;
}

/* A byte that continues a UTF-8 character, so that it takes no column of its own. */
static bool is_continuation(const struct ldisc *ld, uint8_t c)
{
	return iflag(ld, LX_IUTF8) && (c & 0xc0) == 0x80;
}

static bool is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || (c >= 0xc0 && c != 0xd7 && c != 0xf7); /* Latin-1's letters */
}

/* ---- the ring ---- */

static uint8_t ring_at(const struct ldisc *ld, uint32_t pos)
{
	return ld->ring[pos % LDISC_RING];
}

static bool is_line_end(const struct ldisc *ld, uint32_t pos)
{
	return ld->line_end[pos % LDISC_RING / 8] >> (pos % 8) & 1;
}

static void mark_line_end(struct ldisc *ld, uint32_t pos, bool end)
{
	uint8_t *byte = &ld->line_end[pos % LDISC_RING / 8], bit = (uint8_t)(1u << (pos % 8));

	*byte = end ? *byte | bit : *byte & (uint8_t)~bit;
}

static uint32_t room(const struct ldisc *ld)
{
	return LDISC_RING - (ld->tail - ld->head);
}

static void store(struct ldisc *ld, uint8_t c, bool ends_line)
{
	if (room(ld) == 0)
		return;
	ld->ring[ld->tail % LDISC_RING] = c;
	mark_line_end(ld, ld->tail, ends_line);
	ld->tail++;
	if (ends_line)
		ld->line = ld->tail;
}

/* ---- output ---- */

/* What one byte of output becomes; the cursor moves with it.  At most 8 bytes. */
static size_t process_output(struct ldisc *ld, uint8_t c, uint8_t out[8])
{
	size_t n = 0;

	if (!oflag(ld, LX_OPOST)) {
		out[0] = c;
		return 1;
	}
	switch (c) {
	case '\n':
		if (oflag(ld, LX_ONLCR))
			out[n++] = '\r';
		if (oflag(ld, LX_ONLCR | LX_ONLRET))
			ld->column = 0;
		break;
	case '\r':
		if (oflag(ld, LX_ONOCR) && ld->column == 0)
			return 0;
		if (oflag(ld, LX_OCRNL)) {
			c = '\n';
			if (oflag(ld, LX_ONLRET))
				ld->column = 0;
			break;
		}
		ld->column = 0;
		break;
	case '\t':
		do {
			out[n++] = ' ';
			ld->column++;
		} while (ld->column % TAB_STOP != 0);
		if ((ld->tio.c_oflag & LX_TABDLY) == LX_XTABS)
			return n;
		n = 0;
		break;
	case '\b':
		if (ld->column > 0)
			ld->column--;
		break;
	default:
		if (oflag(ld, LX_OLCUC) && c >= 'a' && c <= 'z')
			c = (uint8_t)(c - 'a' + 'A');
		if (!is_control(c) && !is_continuation(ld, c))
			ld->column++;
	}
	out[n++] = c;
	return n;
}

size_t ldisc_write(struct ldisc *ld, const uint8_t *p, size_t n, size_t space)
{
	uint8_t out[256];
	size_t used = 0, filled = 0;

	if (!oflag(ld, LX_OPOST)) {
		used = MIN(n, space);
		ld->host->output(ld, p, used);
		return used;
	}
	while (used < n && space >= 8) {
		size_t made = process_output(ld, p[used++], out + filled);

		filled += made;
		space -= made;
		if (filled > sizeof(out) - 8) {
			ld->host->output(ld, out, filled);
			filled = 0;
		}
	}
	if (filled > 0)
		ld->host->output(ld, out, filled);
	ld->line_column = ld->column;
	ld->sent_column = ld->column;
	return used;
}

/* ---- echo ---- */

/*
 * Echo is collected while a batch of input is worked off, and sent at its end; it waits longer
 * while output is stopped, and goes with the input that a signal flushes.  What does not fit
 * while it waits is lost.
 */
static void send_echo(struct ldisc *ld)
{
	if (ld->stopped)
		return;
	if (ld->nheld > 0)
		ld->host->output(ld, ld->held, ld->nheld);
	ld->nheld = 0;
	ld->sent_column = ld->column;
}

static void drop_echo(struct ldisc *ld)
{
	ld->nheld = 0;
	ld->column = ld->sent_column;
}

/* Sends a character as it is, but for output processing. */
static void echo_raw(struct ldisc *ld, uint8_t c)
{
	uint8_t out[8];
	size_t n = process_output(ld, c, out);

	if (n > sizeof(ld->held) - ld->nheld)
		send_echo(ld);
	if (n > sizeof(ld->held) - ld->nheld)
		return;
	memcpy(ld->held + ld->nheld, out, n);
	ld->nheld += (uint32_t)n;
}

/* Sends a character as a reader of the screen should see it: control characters as ^X. */
static void echo(struct ldisc *ld, uint8_t c)
{
	if (lflag(ld, LX_ECHOCTL) && is_control(c) && c != '\t') {
		echo_raw(ld, '^');
		echo_raw(ld, c ^ 0x40);
		if (!oflag(ld, LX_OPOST)) /* nothing else is counted then */
			ld->column += 2;
		return;
	}
	echo_raw(ld, c);
}

/* How the cursor moves when c is echoed at a column. */
static uint32_t column_after(const struct ldisc *ld, uint32_t column, uint8_t c)
{
	if (c == '\t')
		return (column / TAB_STOP + 1) * TAB_STOP;
	if (is_control(c))
		return column + (lflag(ld, LX_ECHOCTL) ? 2 : 0);
	return column + (is_continuation(ld, c) ? 0 : 1);
}

/* The column at which the character at pos of the line being typed was echoed. */
static uint32_t column_at(const struct ldisc *ld, uint32_t pos)
{
	uint32_t column = ld->line_column;

	for (uint32_t i = ld->line; i != pos; i++)
		column = column_after(ld, column, ring_at(ld, i));
	return column;
}

static void end_rubbing(struct ldisc *ld)
{
	if (ld->rubbing) {
		echo_raw(ld, '/');
		ld->rubbing = false;
	}
}

/* Echoes a character that joins the line. */
static void echo_typed(struct ldisc *ld, uint8_t c)
{
	end_rubbing(ld);
	if (ld->line == ld->tail)
		ld->line_column = ld->column;
	echo(ld, c);
}

/* ---- line editing ---- */

/* Takes the last column_count columns off the screen. */
static void rub_columns(struct ldisc *ld, uint32_t columns)
{
	while (columns-- > 0) {
		echo_raw(ld, '\b');
		echo_raw(ld, ' ');
		echo_raw(ld, '\b');
	}
}

/* Shows that the characters [from, tail) have gone.  by_word_or_kill: not by VERASE. */
static void show_erased(struct ldisc *ld, uint32_t from, bool by_erase)
{
	uint8_t c = ring_at(ld, from);
	uint32_t before;

	if (!lflag(ld, LX_ECHO))
		return;
	if (lflag(ld, LX_ECHOPRT)) {
		if (!ld->rubbing) {
			echo_raw(ld, '\\');
			ld->rubbing = true;
		}
		echo(ld, c);
		for (uint32_t i = from + 1; i != ld->tail; i++)
			echo_raw(ld, ring_at(ld, i));
	} else if (by_erase && !lflag(ld, LX_ECHOE)) {
		echo(ld, ld->tio.c_cc[LX_VERASE]);
	} else if (c == '\t') {
		before = column_at(ld, from);
		for (uint32_t i = column_after(ld, before, c); i > before; i--)
			echo_raw(ld, '\b');
	} else {
		before = column_at(ld, from);
		rub_columns(ld, column_after(ld, before, c) - before);
	}
}

/* The start of the last character: a UTF-8 sequence goes as a whole, and not at all when its
 * beginning is missing (then it is the line's end). */
static uint32_t last_character(const struct ldisc *ld)
{
	uint32_t pos = ld->tail;

	while (pos != ld->line) {
		if (!is_continuation(ld, ring_at(ld, --pos)))
			return pos;
	}
	return ld->tail;
}

static void erase_character(struct ldisc *ld)
{
	uint32_t from = last_character(ld);

	if (from == ld->tail)
		return;
	show_erased(ld, from, true);
	ld->tail = from;
}

/* Erases blanks (all that belongs to no word), then the word before them. */
static void erase_word(struct ldisc *ld)
{
	bool in_word = false;

	while (ld->tail != ld->line) {
		uint32_t from = last_character(ld);

		if (from == ld->tail)
			break;
		if (is_word(ring_at(ld, from)))
			in_word = true;
		else if (in_word)
			break;
		show_erased(ld, from, false);
		ld->tail = from;
	}
}

static void erase_line(struct ldisc *ld)
{
	const uint32_t visual = LX_ECHOE | LX_ECHOK | LX_ECHOKE;

	if (lflag(ld, LX_ECHO) && (ld->tio.c_lflag & visual) != visual) {
		ld->tail = ld->line;
		end_rubbing(ld);
		echo(ld, ld->tio.c_cc[LX_VKILL]);
		if (lflag(ld, LX_ECHOK))
			echo_raw(ld, '\n');
		return;
	}
	while (ld->tail != ld->line) {
		uint32_t from = last_character(ld);

		if (from == ld->tail)
			break;
		show_erased(ld, from, false);
		ld->tail = from;
	}
}

static void reprint_line(struct ldisc *ld)
{
	end_rubbing(ld);
	echo(ld, ld->tio.c_cc[LX_VREPRINT]);
	echo_raw(ld, '\n');
	ld->line_column = ld->column;
	for (uint32_t i = ld->line; i != ld->tail; i++)
		echo(ld, ring_at(ld, i));
}

/* The editing characters of canonical mode: true when c was one. */
static bool edit_line(struct ldisc *ld, uint8_t c)
{
	bool extended = lflag(ld, LX_IEXTEN);

	if (is_char(ld, c, LX_VERASE) || is_char(ld, c, LX_VKILL) ||
	    (extended && is_char(ld, c, LX_VWERASE))) {
		if (ld->tail == ld->line)
			return true;
		if (is_char(ld, c, LX_VERASE))
			erase_character(ld);
		else if (is_char(ld, c, LX_VKILL))
			erase_line(ld);
		else
			erase_word(ld);
		if (ld->tail == ld->line && lflag(ld, LX_ECHO))
			end_rubbing(ld);
		return true;
	}
	if (extended && is_char(ld, c, LX_VLNEXT)) {
		ld->literal = true;
		if (lflag(ld, LX_ECHO) && lflag(ld, LX_ECHOCTL)) {
			end_rubbing(ld);
			echo_raw(ld, '^');
			echo_raw(ld, '\b');
		}
		return true;
	}
	if (extended && lflag(ld, LX_ECHO) && is_char(ld, c, LX_VREPRINT)) {
		reprint_line(ld);
		return true;
	}
	return false;
}

/* The characters that end a line: true when c was one. */
static bool finish_line(struct ldisc *ld, uint8_t c)
{
	if (c == '\n') {
		if (lflag(ld, LX_ECHO | LX_ECHONL))
			echo_raw(ld, '\n');
		store(ld, c, true);
	} else if (is_char(ld, c, LX_VEOF)) {
		store(ld, EOF_MARK, true);
	} else if (is_char(ld, c, LX_VEOL) || (lflag(ld, LX_IEXTEN) && is_char(ld, c, LX_VEOL2))) {
		if (lflag(ld, LX_ECHO))
			echo(ld, c);
		store(ld, c, true);
	} else {
		return false;
	}
	ld->line_column = ld->column;
	return true;
}

/* ---- one received character ---- */

static void set_stopped(struct ldisc *ld, bool stop)
{
	if (ld->stopped == stop)
		return;
	ld->stopped = stop;
	ld->host->flow(ld, stop);
}

static int signal_of(const struct ldisc *ld, uint8_t c)
{
	if (is_char(ld, c, LX_VINTR))
		return LX_SIGINT;
	if (is_char(ld, c, LX_VQUIT))
		return LX_SIGQUIT;
	return is_char(ld, c, LX_VSUSP) ? LX_SIGTSTP : 0;
}

static void receive_signal(struct ldisc *ld, uint8_t c, int sig)
{
	if (!lflag(ld, LX_NOFLSH)) {
		ldisc_flush_input(ld);
		drop_echo(ld);
		ld->host->flush_output(ld);
	}
	if (iflag(ld, LX_IXON))
		set_stopped(ld, false);
	if (lflag(ld, LX_ECHO)) {
		echo(ld, c);
		ld->line_column = ld->column;
	} else {
		send_echo(ld);
	}
	ld->host->signal(ld, sig);
}

/* VSTART and VSTOP: true when c was one. */
static bool receive_flow(struct ldisc *ld, uint8_t c)
{
	if (!iflag(ld, LX_IXON))
		return false;
	if (is_char(ld, c, LX_VSTART)) {
		set_stopped(ld, false);
		send_echo(ld);
		return true;
	}
	if (is_char(ld, c, LX_VSTOP)) {
		set_stopped(ld, true);
		return true;
	}
	return false;
}

/* Stores a character without special meaning, and shows it.  A newline that was mapped from
 * another character moves the cursor; one that was typed as such is shown as ^J. */
static void receive_plain(struct ldisc *ld, uint8_t c, bool mapped)
{
	if (lflag(ld, LX_ECHO)) {
		if (c == '\n' && mapped) {
			end_rubbing(ld);
			echo_raw(ld, '\n');
			ld->line_column = ld->column;
		} else {
			echo_typed(ld, c);
		}
	}
	if (c == 0xff && iflag(ld, LX_PARMRK))
		store(ld, c, false);
	store(ld, c, false);
}

static void receive(struct ldisc *ld, uint8_t c)
{
	bool mapped = false;
	int sig;

	if (iflag(ld, LX_ISTRIP))
		c &= 0x7f;
	if (iflag(ld, LX_IUCLC) && lflag(ld, LX_IEXTEN) && c >= 'A' && c <= 'Z')
		c = (uint8_t)(c - 'A' + 'a');
	if (lflag(ld, LX_EXTPROC)) {
		store(ld, c, false);
		return;
	}
	if (ld->literal) {
		ld->literal = false;
		receive_plain(ld, c, false);
		return;
	}
	if (receive_flow(ld, c))
		return;
	sig = lflag(ld, LX_ISIG) ? signal_of(ld, c) : 0;
	if (sig) {
		receive_signal(ld, c, sig);
		return;
	}
	if (ld->stopped && iflag(ld, LX_IXON) && iflag(ld, LX_IXANY)) {
		set_stopped(ld, false);
		send_echo(ld);
	}
	if (c == '\r') {
		if (iflag(ld, LX_IGNCR))
			return;
		if (iflag(ld, LX_ICRNL)) {
			c = '\n';
			mapped = true;
		}
	} else if (c == '\n' && iflag(ld, LX_INLCR)) {
		c = '\r';
	}
	if (lflag(ld, LX_ICANON) && (edit_line(ld, c) || finish_line(ld, c)))
		return;
	receive_plain(ld, c, mapped);
}

size_t ldisc_receive(struct ldisc *ld, const uint8_t *p, size_t n)
{
	size_t used = 0;

	while (used < n) {
		/* Room for a character that becomes two (PARMRK). */
		if (room(ld) < 2) {
			if (!lflag(ld, LX_ICANON) || ld->line != ld->head)
				break;
			/* One line fills the ring: its last character gives way, so that the line
			 * can still be ended. */
			ld->tail--;
		}
		receive(ld, p[used++]);
	}
	send_echo(ld);
	return used;
}

/* ---- reading ---- */

uint32_t ldisc_readable(const struct ldisc *ld)
{
	uint32_t n = 0;

	if (!lflag(ld, LX_ICANON) || lflag(ld, LX_EXTPROC))
		return ld->tail - ld->head;
	for (uint32_t i = ld->head; i != ld->line; i++)
		n += !(is_line_end(ld, i) && ring_at(ld, i) == EOF_MARK);
	return n;
}

bool ldisc_has_input(const struct ldisc *ld)
{
	if (!lflag(ld, LX_ICANON) || lflag(ld, LX_EXTPROC))
		return ld->tail != ld->head;
	return ld->line != ld->head;
}

static bool at_eof_mark(const struct ldisc *ld)
{
	return ld->head != ld->line && is_line_end(ld, ld->head) && ring_at(ld, ld->head) == EOF_MARK;
}

static size_t read_line(struct ldisc *ld, uint8_t *out, size_t n, bool *line_done)
{
	size_t done = 0;

	while (done < n && ld->head != ld->line && !at_eof_mark(ld)) {
		bool last = is_line_end(ld, ld->head);

		out[done++] = ring_at(ld, ld->head++);
		if (last) {
			*line_done = true;
			return done;
		}
	}
	if (at_eof_mark(ld)) { /* it ends the line without being part of it */
		ld->head++;
		*line_done = true;
	}
	return done;
}

size_t ldisc_read(struct ldisc *ld, uint8_t *out, size_t n, bool *line_done)
{
	size_t done;

	*line_done = false;
	if (lflag(ld, LX_ICANON) && !lflag(ld, LX_EXTPROC))
		return read_line(ld, out, n, line_done);
	for (done = 0; done < n && ld->head != ld->tail; done++)
		out[done] = ring_at(ld, ld->head++);
	if ((int32_t)(ld->line - ld->head) < 0)
		ld->line = ld->head;
	return done;
}

void ldisc_flush_input(struct ldisc *ld)
{
	ld->head = ld->tail;
	ld->line = ld->tail;
	ld->literal = false;
	ld->rubbing = false;
}

/* ---- attributes ---- */

void ldisc_default_termios(struct lx_termios2 *tio)
{
	static const uint8_t chars[LX_NCCS] = {
		[LX_VINTR] = 3,   [LX_VQUIT] = 28,    [LX_VERASE] = 127,   [LX_VKILL] = 21,
		[LX_VEOF] = 4,    [LX_VMIN] = 1,      [LX_VSTART] = 17,    [LX_VSTOP] = 19,
		[LX_VSUSP] = 26,  [LX_VREPRINT] = 18, [LX_VDISCARD] = 15,  [LX_VWERASE] = 23,
		[LX_VLNEXT] = 22,
	};

	*tio = (struct lx_termios2){
		.c_iflag = LX_ICRNL | LX_IXON,
		.c_oflag = LX_OPOST | LX_ONLCR,
		.c_cflag = LX_B38400 | LX_CS8 | LX_CREAD,
		.c_lflag = LX_ISIG | LX_ICANON | LX_ECHO | LX_ECHOE | LX_ECHOK | LX_ECHOCTL |
			   LX_ECHOKE | LX_IEXTEN,
		.c_ispeed = 38400,
		.c_ospeed = 38400,
	};
	memcpy(tio->c_cc, chars, sizeof(chars));
}

void ldisc_init(struct ldisc *ld, const struct ldisc_host *host)
{
	memset(ld, 0, sizeof(*ld));
	ld->host = host;
	ldisc_default_termios(&ld->tio);
}

void ldisc_set_termios(struct ldisc *ld, const struct lx_termios2 *tio)
{
	bool was_canonical = lflag(ld, LX_ICANON);

	ld->tio = *tio;
	if (was_canonical != lflag(ld, LX_ICANON)) {
		/* What is there becomes one line, or plain bytes. */
		for (uint32_t i = ld->head; i != ld->tail; i++)
			mark_line_end(ld, i, false);
		ld->line = ld->tail;
		if (ld->head != ld->tail)
			mark_line_end(ld, ld->tail - 1, true);
		ld->literal = false;
		ld->rubbing = false;
	}
	if (!iflag(ld, LX_IXON))
		set_stopped(ld, false);
}
