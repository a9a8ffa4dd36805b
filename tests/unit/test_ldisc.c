/*
 * test_ldisc.c: the line discipline against a table: attributes, what is typed, and then the
 * echo and what reads find.  The expectations were observed on pseudo-terminals of Linux.
 */
#include <setjmp.h>
#include <stdarg.h>

#include "supervisor/vfs/ldisc.h"

#include <cmocka.h>

#define READS_MAX 6

static char echoed[4096];
static size_t nechoed;
static int signals[16];
static unsigned nsignals;
static bool held;

static void on_output(struct ldisc *ld, const uint8_t *p, size_t n)
{
	(void)ld;
	assert_true(nechoed + n < sizeof(echoed));
	memcpy(echoed + nechoed, p, n);
	nechoed += n;
	echoed[nechoed] = '\0';
}

static void on_signal(struct ldisc *ld, int sig)
{
	(void)ld;
	assert_true(nsignals < ARRAY_LEN(signals));
	signals[nsignals++] = sig;
}

static void on_flush(struct ldisc *ld)
{
	(void)ld;
}

static void on_flow(struct ldisc *ld, bool stop)
{
	(void)ld;
	held = stop;
}

static const struct ldisc_host host = {
	.output = on_output, .signal = on_signal, .flush_output = on_flush, .flow = on_flow};

static void fresh(struct ldisc *ld)
{
	nechoed = 0;
	echoed[0] = '\0';
	nsignals = 0;
	held = false;
	ldisc_init(ld, &host);
}

static void type(struct ldisc *ld, const char *text, size_t n)
{
	assert_int_equal(ldisc_receive(ld, (const uint8_t *)text, n), n);
}

/* All flags are changes of the default attributes. */
struct typing {
	const char *name, *typed;
	size_t n; /* 0: strlen(typed) */
	const char *echo;
	const char *reads[READS_MAX]; /* NULL ends; "" is an end of file */
	uint32_t iflag_on, oflag_on, lflag_on, iflag_off, oflag_off, lflag_off;
	int signal;
};

static const struct typing typings[] = {
	{.name = "a line", .typed = "hello\r", .echo = "hello\r\n", .reads = {"hello\n"}},
	{.name = "an unfinished line is not readable", .typed = "hel", .echo = "hel"},
	{.name = "two lines are two reads", .typed = "a\rb\r", .echo = "a\r\nb\r\n",
	 .reads = {"a\n", "b\n"}},
	{.name = "end of file", .typed = "\4", .echo = "", .reads = {""}},
	{.name = "end of file pushes a line", .typed = "ab\4cd\r", .echo = "abcd\r\n",
	 .reads = {"ab", "cd\n"}},
	{.name = "erase", .typed = "abc\177\177d\r", .echo = "abc\b \b\b \bd\r\n",
	 .reads = {"ad\n"}},
	{.name = "erase stops at the line's start", .typed = "a\177\177\177b\r",
	 .echo = "a\b \bb\r\n", .reads = {"b\n"}},
	{.name = "erase a control character", .typed = "\1\177\r", .echo = "^A\b \b\b \b\r\n",
	 .reads = {"\n"}},
	{.name = "erase a tab", .typed = "ab\t\177c\r", .echo = "ab\t\b\b\b\b\b\bc\r\n",
	 .reads = {"abc\n"}},
	{.name = "erase without ECHOE", .typed = "ab\177c\r", .echo = "ab^?c\r\n",
	 .reads = {"ac\n"}, .lflag_off = LX_ECHOE},
	{.name = "erase with ECHOPRT", .typed = "abc\177\177x\r", .echo = "abc\\cb/x\r\n",
	 .reads = {"ax\n"}, .lflag_on = LX_ECHOPRT},
	{.name = "erase UTF-8", .typed = "a\303\251\177b\r", .echo = "a\303\251\b \bb\r\n",
	 .reads = {"ab\n"}, .iflag_on = LX_IUTF8},
	{.name = "erase a byte without IUTF8", .typed = "\303\251\177\r",
	 .echo = "\303\251\b \b\r\n", .reads = {"\303\n"}},
	{.name = "kill", .typed = "abc\25d\r", .echo = "abc\b \b\b \b\b \bd\r\n",
	 .reads = {"d\n"}},
	{.name = "kill without ECHOKE", .typed = "abc\25d\r", .echo = "abc^U\r\nd\r\n",
	 .reads = {"d\n"}, .lflag_off = LX_ECHOKE},
	{.name = "word erase", .typed = "one two  \27x\r",
	 .echo = "one two  \b \b\b \b\b \b\b \b\b \bx\r\n", .reads = {"one x\n"}},
	{.name = "reprint", .typed = "ab\22c\r", .echo = "ab^R\r\nabc\r\n", .reads = {"abc\n"}},
	{.name = "literal next", .typed = "\26\3\26\177x\r", .echo = "^\b^C^\b^?x\r\n",
	 .reads = {"\3\177x\n"}},
	{.name = "a quoted newline ends no line", .typed = "a\26\nb\r", .echo = "a^\b^Jb\r\n",
	 .reads = {"a\nb\n"}},
	{.name = "no echo", .typed = "secret\r", .echo = "", .reads = {"secret\n"},
	 .lflag_off = LX_ECHO},
	{.name = "only newlines are echoed", .typed = "secret\r", .echo = "\r\n",
	 .reads = {"secret\n"}, .lflag_on = LX_ECHONL, .lflag_off = LX_ECHO},
	{.name = "control characters as they are", .typed = "\1\r", .echo = "\1\r\n",
	 .reads = {"\1\n"}, .lflag_off = LX_ECHOCTL},
	{.name = "IGNCR", .typed = "a\rb\n", .echo = "ab\r\n", .reads = {"ab\n"},
	 .iflag_on = LX_IGNCR},
	{.name = "INLCR", .typed = "a\nb\r", .echo = "a^Mb\r\n", .reads = {"a\rb\n"},
	 .iflag_on = LX_INLCR},
	{.name = "ISTRIP and IUCLC", .typed = "\301b\r", .echo = "ab\r\n", .reads = {"ab\n"},
	 .iflag_on = LX_ISTRIP | LX_IUCLC},
	{.name = "interrupt flushes", .typed = "abc\3", .echo = "^C", .signal = 2},
	{.name = "quit", .typed = "\34", .echo = "^\\", .signal = 3},
	{.name = "suspend", .typed = "\32", .echo = "^Z", .signal = 20},
	{.name = "interrupt without flush", .typed = "abc\3d\r", .echo = "abc^Cd\r\n",
	 .reads = {"abcd\n"}, .lflag_on = LX_NOFLSH, .signal = 2},
	{.name = "no signals", .typed = "\3\r", .echo = "^C\r\n", .reads = {"\3\n"},
	 .lflag_off = LX_ISIG},
	{.name = "raw", .typed = "a\r\3\4", .echo = "a\r\n^C^D", .reads = {"a\n\3\4"},
	 .lflag_off = LX_ICANON | LX_ISIG},
	{.name = "raw shows a typed newline", .typed = "\n", .echo = "^J", .reads = {"\n"},
	 .lflag_off = LX_ICANON},
	{.name = "nothing is special", .typed = "\0\3\177", .n = 3, .echo = "^@^C^?",
	 .reads = {"\0"}, .lflag_off = LX_ICANON | LX_ISIG | LX_IEXTEN},
	{.name = "PARMRK doubles", .typed = "\377\r", .echo = "\377\r\n",
	 .reads = {"\377\377\n"}, .iflag_on = LX_PARMRK},
	{.name = "output is not processed", .typed = "a\r", .echo = "a\n", .reads = {"a\n"},
	 .oflag_off = LX_OPOST},
};

static void check_typing(const struct typing *c)
{
	struct lx_termios2 tio;
	struct ldisc ld;
	unsigned i = 0;
	uint8_t buf[256];
	bool done;

	fresh(&ld);
	ldisc_default_termios(&tio);
	tio.c_iflag = (tio.c_iflag | c->iflag_on) & ~c->iflag_off;
	tio.c_oflag = (tio.c_oflag | c->oflag_on) & ~c->oflag_off;
	tio.c_lflag = (tio.c_lflag | c->lflag_on) & ~c->lflag_off;
	ldisc_set_termios(&ld, &tio);
	type(&ld, c->typed, c->n ? c->n : strlen(c->typed));
	if (strcmp(echoed, c->echo) != 0)
		print_error("case: %s\n", c->name);
	assert_string_equal(echoed, c->echo);
	assert_int_equal(nsignals, c->signal ? 1 : 0);
	if (c->signal)
		assert_int_equal(signals[0], c->signal);
	while (ldisc_has_input(&ld)) {
		size_t n = ldisc_read(&ld, buf, sizeof(buf) - 1, &done);

		buf[n] = '\0';
		assert_true(i < READS_MAX && c->reads[i] != NULL);
		assert_string_equal((char *)buf, c->reads[i]);
		i++;
	}
	assert_true(i == READS_MAX || c->reads[i] == NULL);
}

static void typing_and_reading(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(typings); i++)
		check_typing(&typings[i]);
}

static void short_reads_take_a_line_in_pieces(void **state)
{
	struct ldisc ld;
	uint8_t buf[8];
	bool done;

	(void)state;
	fresh(&ld);
	type(&ld, "hello\r\4", 7);
	assert_int_equal(ldisc_readable(&ld), 6);
	assert_int_equal(ldisc_read(&ld, buf, 4, &done), 4);
	assert_false(done);
	assert_int_equal(ldisc_read(&ld, buf, 4, &done), 2);
	assert_true(done);
	assert_memory_equal(buf, "o\n", 2);
	assert_int_equal(ldisc_read(&ld, buf, 4, &done), 0); /* the end-of-file mark */
	assert_false(ldisc_has_input(&ld));
	/* A mark right behind what was read goes with it. */
	type(&ld, "abcd\4", 5);
	assert_int_equal(ldisc_read(&ld, buf, 4, &done), 4);
	assert_false(ldisc_has_input(&ld));
}

static void an_endless_line_can_still_end(void **state)
{
	struct ldisc ld;
	uint8_t buf[5000];
	bool done;
	size_t n;

	(void)state;
	fresh(&ld);
	ld.tio.c_lflag &= ~LX_ECHO;
	for (unsigned i = 0; i < 6000; i++)
		type(&ld, "x", 1);
	type(&ld, "\r", 1);
	n = ldisc_read(&ld, buf, sizeof(buf), &done);
	assert_true(done && n > 4000 && n <= LDISC_RING);
	assert_int_equal(buf[n - 1], '\n');
	assert_int_equal(buf[0], 'x');
}

static void raw_input_stops_when_full(void **state)
{
	struct ldisc ld;
	uint8_t data[5000];
	size_t used;
	bool done;

	(void)state;
	fresh(&ld);
	ld.tio.c_lflag = 0;
	memset(data, 'r', sizeof(data));
	used = ldisc_receive(&ld, data, sizeof(data));
	assert_true(used < LDISC_RING && used > LDISC_RING - 4);
	assert_int_equal(ldisc_receive(&ld, data, 1), 0);
	assert_int_equal(ldisc_read(&ld, data, 100, &done), 100);
	assert_int_equal(ldisc_receive(&ld, data, 200), 100);
}

static void a_change_of_mode_keeps_what_is_there(void **state)
{
	struct lx_termios2 tio;
	struct ldisc ld;
	uint8_t buf[16];
	bool done;

	(void)state;
	fresh(&ld);
	type(&ld, "part", 4);
	assert_false(ldisc_has_input(&ld));
	tio = ld.tio;
	tio.c_lflag &= ~LX_ICANON;
	ldisc_set_termios(&ld, &tio);
	assert_int_equal(ldisc_readable(&ld), 4);
	tio.c_lflag |= LX_ICANON;
	ldisc_set_termios(&ld, &tio);
	assert_int_equal(ldisc_read(&ld, buf, sizeof(buf), &done), 4);
	assert_memory_equal(buf, "part", 4);
}

static void flow_control_holds_echo_back(void **state)
{
	struct ldisc ld;

	(void)state;
	fresh(&ld);
	type(&ld, "\23", 1);
	assert_true(held);
	type(&ld, "ab", 2);
	assert_string_equal(echoed, "");
	type(&ld, "\21", 1);
	assert_false(held);
	assert_string_equal(echoed, "ab");
}

/* Output by programs. */
struct writing {
	const char *written, *sent;
	uint32_t oflag;
};

static const struct writing writings[] = {
	{"a\nb", "a\r\nb", LX_OPOST | LX_ONLCR},
	{"a\nb", "a\nb", LX_OPOST},
	{"a\nb\t", "a\nb\t", 0},
	{"ab\tc\td", "ab      c       d", LX_OPOST | LX_XTABS},
	{"\ta\r\tb", "        a\r        b", LX_OPOST | LX_XTABS},
	{"a\rb", "a\nb", LX_OPOST | LX_OCRNL},
	{"\ra\rb", "a\rb", LX_OPOST | LX_ONOCR},
	{"abc", "ABC", LX_OPOST | LX_OLCUC},
	{"abc\b\b\tx", "abc\b\b       x", LX_OPOST | LX_XTABS},
};

static void writing_is_processed(void **state)
{
	struct ldisc ld;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(writings); i++) {
		const struct writing *w = &writings[i];

		fresh(&ld);
		ld.tio.c_oflag = w->oflag;
		assert_int_equal(ldisc_write(&ld, (const uint8_t *)w->written, strlen(w->written),
					     4096),
				 strlen(w->written));
		assert_string_equal(echoed, w->sent);
	}
	/* No more than fits is used. */
	fresh(&ld);
	assert_int_equal(ldisc_write(&ld, (const uint8_t *)"\n\n\n\n\n\n", 6, 9), 1);
	assert_string_equal(echoed, "\r\n");
}

/* Whatever arrives, the discipline stays within its bounds. */
static void noise(void **state)
{
	static const uint32_t flags[] = {0xffffffff, 0, 0105073, LX_ICANON, LX_ICANON | LX_ECHO};
	uint32_t seed = 12345;
	struct ldisc ld;
	uint8_t c, buf[64];
	bool done;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		if (round % 1000 == 0) {
			fresh(&ld);
			ld.tio.c_lflag = flags[round / 1000 % ARRAY_LEN(flags)];
			ld.tio.c_iflag = seed;
		}
		seed = seed * 1103515245 + 12345;
		c = (uint8_t)(seed >> 16);
		nechoed = 0;
		nsignals = 0;
		(void)!ldisc_receive(&ld, &c, 1);
		if (seed >> 28 == 0 && ldisc_has_input(&ld))
			(void)!ldisc_read(&ld, buf, sizeof(buf), &done);
		assert_true(ld.tail - ld.head <= LDISC_RING);
		assert_true(ld.tail - ld.line <= LDISC_RING);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(typing_and_reading),
		cmocka_unit_test(short_reads_take_a_line_in_pieces),
		cmocka_unit_test(an_endless_line_can_still_end),
		cmocka_unit_test(raw_input_stops_when_full),
		cmocka_unit_test(a_change_of_mode_keeps_what_is_there),
		cmocka_unit_test(flow_control_holds_echo_back),
		cmocka_unit_test(writing_is_processed),
		cmocka_unit_test(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
