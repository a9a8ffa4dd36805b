/* TIOCPKT: data and status bytes; TIOCEXCL, TIOCGPTPEER, discipline numbers. */
#include "../probe.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>

int main(void)
{
	int m = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK), s, on = 1, off = 0, n = 77;
	char buf[64];
	struct termios t;

	grantpt(m);
	say_result("locked", open(ptsname(m), O_RDWR | O_NOCTTY));
	unlockpt(m);
	s = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	say_bool("peer", s >= 0);
	say_result("on", ioctl(m, TIOCPKT, &on));
	write(s, "data", 4);
	say("data", read(m, buf, sizeof(buf)));
	say("first", buf[0]);
	tcflush(s, TCIFLUSH);
	say("flush", read(m, buf, sizeof(buf)));
	say("flush_byte", buf[0]);
	tcflush(s, TCIOFLUSH);
	read(m, buf, sizeof(buf));
	say("both", buf[0]);
	tcflow(s, TCOOFF);
	say_result("off_write", fcntl(s, F_SETFL, O_NONBLOCK) < 0 ? -1 : write(s, "x", 1));
	tcflow(s, TCOON);
	tcgetattr(s, &t);
	t.c_iflag &= ~(tcflag_t)IXON;
	tcsetattr(s, TCSANOW, &t);
	say_result("nostop", read(m, buf, sizeof(buf)));
	say("nostop_byte", buf[0]);
	say_result("none", read(m, buf, sizeof(buf)));
	say_result("off", ioctl(m, TIOCPKT, &off));
	say_result("getd", ioctl(s, TIOCGETD, &n));
	say("disc", n);
	n = 99;
	say_result("setd", ioctl(s, TIOCSETD, &n));
	say_result("excl", ioctl(s, TIOCEXCL));
	say_result("gexcl", ioctl(s, TIOCGEXCL, &n));
	say("exclusive", n);
	say_result("sig_bad", ioctl(m, TIOCSIG, 9));
	say_result("gpgrp", ioctl(s, TIOCGPGRP, &n));
	say_result("gsid", ioctl(s, TIOCGSID, &n));
	return 0;
}
