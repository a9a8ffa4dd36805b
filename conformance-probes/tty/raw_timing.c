/* VMIN and VTIME: how much a raw read waits for. */
#include "../probe.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <termios.h>

static int m, s;

static void set(int min, int time)
{
	struct termios t;

	tcgetattr(s, &t);
	cfmakeraw(&t);
	t.c_cc[VMIN] = (cc_t)min;
	t.c_cc[VTIME] = (cc_t)time;
	tcsetattr(s, TCSANOW, &t);
}

static int ready(void)
{
	struct pollfd p = {s, POLLIN, 0};

	usleep(20000);
	return poll(&p, 1, 0);
}

int main(void)
{
	char buf[64];

	openpty(&m, &s, NULL, NULL, NULL);
	set(0, 0);
	say("none", read(s, buf, 10));
	write(m, "ab", 2);
	ready();
	say("what_is_there", read(s, buf, 10));
	set(0, 1);
	say("timed_out", read(s, buf, 10));
	set(3, 0);
	write(m, "ab", 2);
	say("poll_two_of_three", ready());
	write(m, "c", 1);
	say("poll_three", ready());
	say("three", read(s, buf, 10));
	write(m, "xyz", 3);
	ready();
	say("buffer_smaller", read(s, buf, 2));
	say("rest", read(s, buf, 1));
	set(5, 1);
	write(m, "pq", 2);
	ready();
	say("between_bytes", read(s, buf, 10));
	fcntl(s, F_SETFL, O_NONBLOCK);
	set(1, 0);
	say_result("nonblock", read(s, buf, 10));
	set(0, 0);
	say_result("nonblock_zero", read(s, buf, 10));
	return 0;
}
