/* linux_poll.c: poll.h on Linux, where the bits are the guest's. */
#include "common/plat/poll.h"

#include <poll.h>

#include "common/lx/poll.h"

_Static_assert(POLLIN == LX_POLLIN && POLLOUT == LX_POLLOUT && POLLHUP == LX_POLLHUP &&
                   POLLERR == LX_POLLERR && POLLPRI == LX_POLLPRI && POLLRDHUP == LX_POLLRDHUP &&
                   POLLRDNORM == LX_POLLRDNORM && POLLWRNORM == LX_POLLWRNORM,
               "Linux's poll bits are the same on all architectures but a few");

uint32_t plat_poll_now(int fd)
{
	struct pollfd p = {
	    .fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | POLLWRNORM};

	return poll(&p, 1, 0) > 0 ? (uint32_t)(uint16_t)p.revents : 0;
}
