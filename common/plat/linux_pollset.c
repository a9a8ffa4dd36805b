/*
 * linux_pollset.c: pollset.h on epoll(7).  EPOLLIN and its kin have the values of POLLIN and kin.
 */
#include "common/plat/pollset.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

struct pollset {
	int epfd;
};

_Static_assert((int)EPOLLIN == POLLIN && (int)EPOLLOUT == POLLOUT && (int)EPOLLPRI == POLLPRI &&
		       (int)EPOLLERR == POLLERR && (int)EPOLLHUP == POLLHUP &&
		       (int)EPOLLRDHUP == POLLRDHUP,
	       "epoll and poll agree on event bits");

int pollset_new(struct pollset **out)
{
	struct pollset *ps = malloc(sizeof(*ps));

	if (!ps)
		return -ENOMEM;
	ps->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (ps->epfd < 0) {
		int err = -errno;
		free(ps);
		return err;
	}
	*out = ps;
	return 0;
}

void pollset_free(struct pollset *ps)
{
	if (!ps)
		return;
	close(ps->epfd);
	free(ps);
}

static int control(struct pollset *ps, int op, int fd, uint64_t cookie, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.u64 = cookie};

	return epoll_ctl(ps->epfd, op, fd, &ev) < 0 ? -errno : 0;
}

int pollset_add(struct pollset *ps, int fd, uint64_t cookie)
{
	/* Errors and hangups cannot be masked: an edge-triggered one-shot that has not been armed
	 * reports them at most once, and the owner looks again when it arms. */
	return control(ps, EPOLL_CTL_ADD, fd, cookie, EPOLLONESHOT | EPOLLET);
}

int pollset_arm(struct pollset *ps, int fd, uint64_t cookie, uint32_t events)
{
	return control(ps, EPOLL_CTL_MOD, fd, cookie, EPOLLONESHOT | events);
}

int pollset_watch(struct pollset *ps, int fd, uint64_t cookie, uint32_t events)
{
	return control(ps, EPOLL_CTL_MOD, fd, cookie, EPOLLET | events);
}

void pollset_remove(struct pollset *ps, int fd)
{
	(void)control(ps, EPOLL_CTL_DEL, fd, 0, 0);
}

int pollset_wait(struct pollset *ps, struct pollset_event *ev, unsigned max)
{
	struct epoll_event host[64];
	int n = epoll_wait(ps->epfd, host, (int)MIN(max, (unsigned)ARRAY_LEN(host)), -1);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++)
		ev[i] = (struct pollset_event){host[i].data.u64, host[i].events};
	return n;
}
