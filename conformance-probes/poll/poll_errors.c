/* poll(2), ppoll(2): counts, limits, time-outs. */
#include "../probe.h"

int main(void)
{
	struct pollfd p[2] = {{-1, POLLIN, 7}, {-5, POLLIN, 7}};
	struct timespec ts = {0, -1};

	say("negative_fds", poll(p, 2, 0));
	say("revents", p[0].revents);
	say_result("too_many", poll(p, 1 << 30, 0));
	say_result("fault", syscall(SYS_ppoll, bad_pointer(), 1, NULL, NULL, 8));
	say_result("bad_time", syscall(SYS_ppoll, p, 1, &ts, NULL, 8));
	say_result("timeout", poll(NULL, 0, 10));
	close(open("f", O_CREAT | O_WRONLY, 0600));
	p[0] = (struct pollfd){open("f", O_RDONLY), POLLIN | POLLOUT, 0};
	say("file", poll(p, 1, 0));
	say("file_events", p[0].revents);
	return 0;
}
