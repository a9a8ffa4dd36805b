/* epoll(7): level, edge and one-shot. */
#include "../probe.h"

#include <sys/epoll.h>

int main(void)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), p[2];
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = 0x1122334455667788ULL}, got[4];

	pipe(p);
	say_result("add", epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e));
	say_result("twice", epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e));
	say("empty", epoll_wait(ep, got, 4, 0));
	write(p[1], "ab", 2);
	say("level", epoll_wait(ep, got, 4, 0));
	say_bool("data", got[0].data.u64 == 0x1122334455667788ULL);
	say("events", got[0].events);
	say("level_again", epoll_wait(ep, got, 4, 0));
	e.events = EPOLLIN | EPOLLET;
	say_result("mod", epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e));
	say("edge", epoll_wait(ep, got, 4, 0));
	say("edge_again", epoll_wait(ep, got, 4, 0));
	write(p[1], "c", 1);
	say("edge_new", epoll_wait(ep, got, 4, 0));
	e.events = EPOLLIN | EPOLLONESHOT;
	epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e);
	say("oneshot", epoll_wait(ep, got, 4, 0));
	say("oneshot_again", epoll_wait(ep, got, 4, 0));
	say_result("del", epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
	say_result("del_again", epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
	return 0;
}
