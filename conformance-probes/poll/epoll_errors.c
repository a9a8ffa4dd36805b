/* epoll(7): loops, wrong descriptors, closing. */
#include "../probe.h"

#include <sys/epoll.h>

int main(void)
{
	int ep = epoll_create1(0), ep2 = epoll_create1(0), p[2], file = open("f", O_CREAT | O_RDWR, 0600);
	struct epoll_event e = {.events = EPOLLIN}, got[2];

	pipe(p);
	say_result("file", epoll_ctl(ep, EPOLL_CTL_ADD, file, &e));
	say_result("itself", epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e));
	say_result("nested", epoll_ctl(ep, EPOLL_CTL_ADD, ep2, &e));
	say_result("loop", epoll_ctl(ep2, EPOLL_CTL_ADD, ep, &e));
	say_result("bad_fd", epoll_ctl(ep, EPOLL_CTL_ADD, 99, &e));
	say_result("not_epoll", epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], &e));
	say_result("bad_op", epoll_ctl(ep, 9, p[0], &e));
	say_result("missing", epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e));
	say_result("zero_events", epoll_wait(ep, got, 0, 0));
	epoll_ctl(ep2, EPOLL_CTL_ADD, p[0], &e);
	write(p[1], "x", 1);
	say("nested_ready", epoll_wait(ep, got, 2, 0));
	close(p[0]);
	say("after_close", epoll_wait(ep2, got, 2, 0));
	say_result("bad_create", epoll_create1(5));
	return 0;
}
