/* timerfd_create(2): expirations, non-blocking, absolute. */
#include "../probe.h"

#include <sys/timerfd.h>

int main(void)
{
	uint64_t n = 0;
	struct itimerspec t = {{0, 0}, {0, 5000000}};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	say_result("create", fd);
	say_result("unset", read(fd, &n, 8));
	say_result("set", timerfd_settime(fd, 0, &t, NULL));
	say("poll", poll(&p, 1, 2000));
	say_count("read", read(fd, &n, 8));
	say("n", n);
	say_result("again", read(fd, &n, 8));
	say_result("small", read(fd, &n, 4));
	t.it_value = (struct timespec){1, 0};
	say_result("past", timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL));
	poll(&p, 1, 1000);
	say_count("read_past", read(fd, &n, 8));
	t.it_value.tv_nsec = -1;
	say_result("invalid", timerfd_settime(fd, 0, &t, NULL));
	say_result("bad_clock", timerfd_create(99, 0));
	say_result("not_timerfd", timerfd_gettime(0, &t));
	return 0;
}
