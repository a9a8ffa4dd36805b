/*
 * fuzz_netlink.c: requests to a netlink socket, and the walkers through rtnetlink messages on any
 * bytes.
 */
#include "common/lx/errno.h"
#include "supervisor/guest.h"
#include "supervisor/net/rtnl.h"
#include "supervisor/net/socket.h"
#include "supervisor/task/task.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct guest guest;
static struct tgroup group = {.tgid = 7, .guest = &guest};
static struct task task = {.guest = &guest, .group = &group, .tid = 7};

static int64_t transfer(struct socket *s, bool send, uint8_t *buf, size_t n)
{
	struct sock_msg m = {.flags = LX_MSG_DONTWAIT};
	struct uio u;
	int64_t r;

	uio_init_kernel(&u, buf, n);
	m.u = &u;
	r = send ? s->ops->sendmsg(&task, s, &m) : s->ops->recvmsg(&task, s, &m);
	uio_release(&u);
	return r;
}

static void walk(const uint8_t *data, size_t size)
{
	volatile uint8_t sum = 0;
	struct rtnl_msg m;
	size_t pos = 0, len;

	while (rtnl_next(data, size, &pos, &m))
		for (uint16_t type = 0; type < 16; type++) {
			const uint8_t *a = rtnl_attr(&m, 16, type, &len);

			for (size_t i = 0; a && i < len; i++)
				sum = (uint8_t)(sum + a[i]);
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t answer[70000];
	struct socket *s;
	uint8_t *copy;

	walk(data, size);
	if (netlink_new(&task, LX_SOCK_RAW, 0, &s) < 0)
		return 0;
	copy = malloc(size ? size : 1);
	if (copy) {
		if (size > 0)
			memcpy(copy, data, size);
		if (transfer(s, true, copy, size) >= 0)
			while (transfer(s, false, answer, sizeof(answer)) >= 0)
				;
		free(copy);
	}
	socket_drop(s);
	return 0;
}
