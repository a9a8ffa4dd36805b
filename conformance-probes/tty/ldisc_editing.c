/* The line discipline: erase, kill, word erase, literal next, end of file. */
#include "../probe.h"

#include <termios.h>

static int m, s;

static void type(const char *key, const char *text)
{
	char buf[64];
	ssize_t n;

	write(m, text, strlen(text));
	n = read(s, buf, sizeof(buf));
	printf("%s=%zd:", key, n);
	for (ssize_t i = 0; i < n; i++)
		printf(buf[i] >= 32 && buf[i] < 127 ? "%c" : "<%d>", buf[i]);
	printf("\n");
	fflush(stdout);
	usleep(1000);
	tcflush(m, TCIFLUSH);
}

int main(void)
{
	char name[64];
	struct termios t;

	m = posix_openpt(O_RDWR | O_NOCTTY);
	unlockpt(m);
	ptsname_r(m, name, sizeof(name));
	s = open(name, O_RDWR | O_NOCTTY);
	type("erase", "abX\177c\n");
	type("kill", "abc\025de\n");
	type("word", "one two\027three\n");
	type("literal", "a\026\003b\n");
	type("eof", "x\004");
	type("eof_empty", "\004");
	type("cr", "a\r");
	tcgetattr(s, &t);
	t.c_lflag &= ~(ICANON | ECHO);
	t.c_cc[VMIN] = 3;
	t.c_cc[VTIME] = 0;
	tcsetattr(s, TCSANOW, &t);
	type("raw", "xyz");
	return 0;
}
