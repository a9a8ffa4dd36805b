/*
 * poll.h: the guest's poll(2) and epoll(7) numbers and structures.
 * Sources: poll(2), epoll_ctl(2), epoll_wait(2); generic ABI (arm64, and amd64 for the POLL bits).
 */
#ifndef COMMON_LX_POLL_H
#define COMMON_LX_POLL_H

#include "common/base.h"

#define LX_POLLIN     0x0001u
#define LX_POLLPRI    0x0002u
#define LX_POLLOUT    0x0004u
#define LX_POLLERR    0x0008u
#define LX_POLLHUP    0x0010u
#define LX_POLLNVAL   0x0020u
#define LX_POLLRDNORM 0x0040u
#define LX_POLLRDBAND 0x0080u
#define LX_POLLWRNORM 0x0100u
#define LX_POLLWRBAND 0x0200u
#define LX_POLLMSG    0x0400u
#define LX_POLLRDHUP  0x2000u

/* What readable and writable objects report. */
#define LX_POLL_READABLE (LX_POLLIN | LX_POLLRDNORM)
#define LX_POLL_WRITABLE (LX_POLLOUT | LX_POLLWRNORM)

struct lx_pollfd {
	int32_t fd;
	int16_t events, revents;
};
_Static_assert(sizeof(struct lx_pollfd) == 8, "struct pollfd is 8 bytes");

#define LX_EPOLL_CLOEXEC 02000000u

#define LX_EPOLL_CTL_ADD 1
#define LX_EPOLL_CTL_DEL 2
#define LX_EPOLL_CTL_MOD 3

/* The low bits of epoll events are the POLL bits. */
#define LX_EPOLLEXCLUSIVE (1u << 28)
#define LX_EPOLLWAKEUP    (1u << 29)
#define LX_EPOLLONESHOT   (1u << 30)
#define LX_EPOLLET        (1u << 31)

/* arm64 does not pack it (amd64 does: 12 bytes). */
struct lx_epoll_event {
	uint32_t events;
	uint32_t pad;
	uint64_t data;
};
_Static_assert(sizeof(struct lx_epoll_event) == 16, "struct epoll_event is 16 bytes on arm64");

/* select(2): fd_set is an array of these. */
#define LX_FD_SETSIZE 1024

#endif
