/* eventfd(2): counter, semaphore, overflow, errors. */
#include "../probe.h"

#include <sys/eventfd.h>

int main(void)
{
	uint64_t v = 0;
	int fd = eventfd(3, EFD_NONBLOCK), s = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	struct pollfd p = {fd, POLLIN | POLLOUT, 0};

	say_count("read", read(fd, &v, 8));
	say("value", v);
	say_result("empty", read(fd, &v, 8));
	v = 0xfffffffffffffffeULL;
	say_count("write_max", write(fd, &v, 8));
	poll(&p, 1, 0);
	say("events", p.revents);
	v = 1;
	say_result("overflow", write(fd, &v, 8));
	v = 0xffffffffffffffffULL;
	say_result("invalid", write(fd, &v, 8));
	say_result("small", write(fd, &v, 4));
	say_count("semaphore", read(s, &v, 8));
	say("one", v);
	read(s, &v, 8);
	say_result("used_up", read(s, &v, 8));
	say_result("bad_flags", eventfd(0, 0x1000));
	return 0;
}
