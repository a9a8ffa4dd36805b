/* Pseudo-terminals: unlocking, names, sizes, echo. */
#include "../probe.h"

#include <sys/ioctl.h>
#include <termios.h>

int main(void)
{
	char buf[64] = {0}, name[64];
	struct winsize ws = {33, 99, 0, 0};
	int m = open("/dev/ptmx", O_RDWR | O_NOCTTY), s, n = -1;
	struct termios t;

	say_result("ptmx", m);
	say_result("locked", ioctl(m, TIOCGPTN, &n) < 0 ? -1 : open("/dev/null", O_RDONLY));
	say_result("grant", grantpt(m));
	say_result("unlock", unlockpt(m));
	say_bool("name", ptsname_r(m, name, sizeof(name)) == 0 && strncmp(name, "/dev/pts/", 9) == 0);
	s = open(name, O_RDWR | O_NOCTTY);
	say_result("slave", s);
	say_result("set_size", ioctl(m, TIOCSWINSZ, &ws));
	memset(&ws, 0, sizeof(ws));
	ioctl(s, TIOCGWINSZ, &ws);
	say("rows", ws.ws_row);
	say("cols", ws.ws_col);
	say_bool("isatty", isatty(s));
	say_count("type", write(m, "hi\n", 3));
	say_count("line", read(s, buf, sizeof(buf)));
	usleep(10000);
	memset(buf, 0, sizeof(buf));
	say_count("echo", read(m, buf, sizeof(buf)));
	say("cr", buf[2]);
	tcgetattr(s, &t);
	printf("iflag=%o oflag=%o cflag=%o lflag=%o\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
	say("vintr", t.c_cc[VINTR]);
	say("vmin", t.c_cc[VMIN]);
	return 0;
}
