/*
 * linux_netns.c: a network namespace with only a loopback (network_namespaces(7)), and what the
 * kernel tells about the network one is in (rtnetlink(7)).
 */
#include <errno.h>
#include <net/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/plat/errno.h"
#include "common/plat/linux_userns.h"
#include "common/plat/socket.h"

static int loopback_up(void)
{
	struct ifreq ifr = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r = 0;

	if (fd < 0)
		return plat_errno(errno);
	if (ioctl(fd, SIOCGIFFLAGS, &ifr) < 0) {
		r = plat_errno(errno);
	} else {
		ifr.ifr_flags = (short)(ifr.ifr_flags | IFF_UP | IFF_RUNNING);
		if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
			r = plat_errno(errno);
	}
	close(fd);
	return r;
}

int plat_private_network(void)
{
	int r = userns_unshare(CLONE_NEWNET);

	return r < 0 ? r : loopback_up();
}

static int send_request(int fd, unsigned what)
{
	struct {
		struct nlmsghdr h;
		struct rtgenmsg g;
	} req = {.h = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtgenmsg)),
	               .nlmsg_type = (uint16_t)what,
	               .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};

	return send(fd, &req, sizeof(req), 0) < 0 ? plat_errno(errno) : 0;
}

/* Copies the messages of one datagram; *end when the last has come. */
static int take_messages(const uint8_t *buf, size_t len, uint8_t *out, size_t max, size_t *used,
                         bool *end)
{
	size_t at = 0;

	while (len - at >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr h;
		size_t whole;

		memcpy(&h, buf + at, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > len - at)
			return -LX_EIO;
		if (h.nlmsg_type == NLMSG_DONE || h.nlmsg_type == NLMSG_ERROR) {
			*end = true;
			return h.nlmsg_type == NLMSG_DONE ? 0 : -LX_EOPNOTSUPP;
		}
		whole = NLMSG_ALIGN(h.nlmsg_len);
		if (whole > max - *used)
			return -LX_EMSGSIZE;
		memset(out + *used, 0, whole);
		memcpy(out + *used, buf + at, h.nlmsg_len);
		*used += whole;
		at += MIN(whole, len - at);
	}
	return 0;
}

int64_t plat_net_dump(unsigned what, uint8_t *out, size_t max)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	uint8_t *buf = malloc(65536);
	size_t used = 0;
	bool end = false;
	int r = -LX_ENOMEM;

	if (fd < 0)
		r = plat_errno(errno);
	else if (buf)
		r = send_request(fd, what);
	while (r == 0 && !end) {
		ssize_t n = recv(fd, buf, 65536, 0);

		if (n < 0 && errno == EINTR)
			continue;
		r = n < 0 ? plat_errno(errno)
		          : take_messages(buf, (size_t)n, out, max, &used, &end);
	}
	free(buf);
	if (fd >= 0)
		close(fd);
	return r < 0 ? r : (int64_t)used;
}
