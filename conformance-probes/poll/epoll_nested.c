/* epoll(7): one-shot, instances in instances, loops, depth, closing what is watched. */
#include "../probe.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

static int add(int ep, int fd, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.fd = fd};

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}

int main(void)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLONESHOT};
	int a = epoll_create1(0), b = epoll_create1(0), e = eventfd(1, EFD_NONBLOCK), i, copy;
	int chain[10];
	uint64_t v;

	say_result("oneshot", add(a, e, EPOLLIN | EPOLLONESHOT));
	say("first", epoll_wait(a, &ev, 1, 0));
	say("second", epoll_wait(a, &ev, 1, 0));
	ev.events = EPOLLIN;
	ev.data.fd = e;
	say_result("rearm", epoll_ctl(a, EPOLL_CTL_MOD, e, &ev));
	say("third", epoll_wait(a, &ev, 1, 0));
	say_result("nest", add(b, a, EPOLLIN));
	say("nested", epoll_wait(b, &ev, 1, 0));
	read(e, &v, 8);
	say("nested_empty", epoll_wait(b, &ev, 1, 0));
	say_result("loop", add(a, b, EPOLLIN));
	for (i = 0; i < 10; i++)
		chain[i] = epoll_create1(0);
	for (i = 0; i < 9; i++) {
		if (add(chain[i + 1], chain[i], EPOLLIN) < 0)
			break;
	}
	say("depth", i);
	copy = dup(e);
	eventfd_write(e, 1);
	close(e);
	say("still_watched", epoll_wait(a, &ev, 1, 0));
	close(copy);
	say("gone", epoll_wait(a, &ev, 1, 0));
	e = eventfd(1, 0);
	say_result("exclusive", add(a, e, EPOLLIN | EPOLLEXCLUSIVE));
	ev.events = EPOLLIN;
	say_result("exclusive_mod", epoll_ctl(a, EPOLL_CTL_MOD, e, &ev));
	say_result("exclusive_oneshot",
		   add(b, e, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT));
	say_result("exclusive_epoll", add(chain[9], a, EPOLLIN | EPOLLEXCLUSIVE));
	return 0;
}
