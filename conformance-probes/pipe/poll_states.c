/* poll(2) on pipes: readable, writable, hung up, broken. */
#include "../probe.h"

int main(void)
{
	int p[2];
	struct pollfd f[2];
	static char big[65536];

	pipe(p);
	f[0] = (struct pollfd){p[0], POLLIN, 0};
	f[1] = (struct pollfd){p[1], POLLOUT, 0};
	say("empty", poll(f, 2, 0));
	say("in", f[0].revents);
	say("out", f[1].revents);
	write(p[1], big, sizeof(big));
	say("full", poll(f, 2, 0));
	say("in2", f[0].revents);
	say("out2", f[1].revents);
	close(p[1]);
	f[1].fd = -1;
	poll(f, 2, 0);
	say("closed_with_data", f[0].revents);
	read(p[0], big, sizeof(big));
	poll(f, 2, 0);
	say("hup", f[0].revents);
	pipe(p);
	close(p[0]);
	f[1] = (struct pollfd){p[1], POLLOUT, 0};
	poll(f + 1, 1, 0);
	say("broken", f[1].revents);
	f[1].fd = 99;
	poll(f + 1, 1, 0);
	say("invalid", f[1].revents);
	return 0;
}
