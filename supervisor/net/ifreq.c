/*
 * ifreq.c: the requests of netdevice(7): SIOCGIFCONF and questions about one interface, answered
 * from the rtnetlink messages that netd gives.
 */
#include "common/plat/socket.h"
#include "supervisor/guest.h"
#include "supervisor/net/inet.h"
#include "supervisor/net/rtnl.h"
#include "supervisor/task/task.h"

#define IFNAMSIZ 16

struct lx_ifreq {
	char name[IFNAMSIZ];
	union {
		struct lx_sockaddr_in addr;
		struct {
			uint16_t family;
			uint8_t bytes[14];
		} hwaddr;
		int32_t number;
		int16_t flags;
		uint8_t raw[24];
	};
};
_Static_assert(sizeof(struct lx_ifreq) == 40, "struct ifreq");

struct lx_ifconf {
	int32_t len, pad;
	uint64_t buf;
};

/* Both kinds of messages about the guest's interfaces. */
struct net_view {
	uint8_t *links, *addrs;
	size_t links_len, addrs_len;
};

static int view_open(struct guest *g, struct net_view *v)
{
	int r = rtnl_fetch(g, LX_RTM_GETLINK, &v->links, &v->links_len);

	v->addrs = NULL;
	if (r == 0)
		r = rtnl_fetch(g, LX_RTM_GETADDR, &v->addrs, &v->addrs_len);
	if (r < 0)
		free(v->links);
	return r;
}

static void view_close(struct net_view *v)
{
	free(v->links);
	free(v->addrs);
}

/* The next link, and its name. */
static bool next_link(const struct net_view *v, size_t *pos, struct rtnl_msg *m,
                      struct lx_ifinfomsg *info, char name[IFNAMSIZ])
{
	while (rtnl_next(v->links, v->links_len, pos, m)) {
		const uint8_t *attr;
		size_t len;

		if (m->h.type != LX_RTM_NEWLINK || m->body_len < sizeof(*info))
			continue;
		memcpy(info, m->body, sizeof(*info));
		attr = rtnl_attr(m, sizeof(*info), LX_IFLA_IFNAME, &len);
		if (!attr || len == 0 || len > IFNAMSIZ)
			continue;
		memset(name, 0, IFNAMSIZ);
		memcpy(name, attr, MIN(len, (size_t)IFNAMSIZ - 1));
		return true;
	}
	return false;
}

/* The link of that name, or, without one, of that index. */
static bool find_link(const struct net_view *v, const char *name, int32_t index, struct rtnl_msg *m,
                      struct lx_ifinfomsg *info, char found[IFNAMSIZ])
{
	size_t pos = 0;

	while (next_link(v, &pos, m, info, found))
		if (name ? strncmp(name, found, IFNAMSIZ) == 0 : info->index == index)
			return true;
	return false;
}

/* An IPv4 attribute (IFA_*) of the interface's first address, and its prefix length. */
static bool find_inet(const struct net_view *v, int32_t index, uint16_t attr, uint8_t out[4],
                      uint8_t *prefix)
{
	struct lx_ifaddrmsg info;
	struct rtnl_msg m;
	size_t pos = 0, len;

	while (rtnl_next(v->addrs, v->addrs_len, &pos, &m)) {
		const uint8_t *value;

		if (m.h.type != LX_RTM_NEWADDR || m.body_len < sizeof(info))
			continue;
		memcpy(&info, m.body, sizeof(info));
		if (info.family != LX_AF_INET || info.index != (uint32_t)index)
			continue;
		value = rtnl_attr(&m, sizeof(info), attr, &len);
		if (!value || len != 4)
			continue;
		memcpy(out, value, 4);
		*prefix = info.prefixlen;
		return true;
	}
	return false;
}

static int fill_inet(const struct net_view *v, int32_t index, uint16_t attr, struct lx_ifreq *req)
{
	uint8_t prefix;

	memset(req->raw, 0, sizeof(req->raw));
	req->addr.family = LX_AF_INET;
	return find_inet(v, index, attr, req->addr.addr, &prefix) ? 0 : -LX_EADDRNOTAVAIL;
}

static int fill_netmask(const struct net_view *v, int32_t index, struct lx_ifreq *req)
{
	uint8_t ignored[4], prefix;
	uint32_t mask;

	if (!find_inet(v, index, LX_IFA_LOCAL, ignored, &prefix))
		return -LX_EADDRNOTAVAIL;
	memset(req->raw, 0, sizeof(req->raw));
	req->addr.family = LX_AF_INET;
	mask = prefix == 0 ? 0 : UINT32_MAX << (32 - MIN(prefix, 32));
	for (int i = 0; i < 4; i++)
		req->addr.addr[i] = (uint8_t)(mask >> (24 - 8 * i));
	return 0;
}

static int fill_number(const struct rtnl_msg *m, uint16_t attr, struct lx_ifreq *req)
{
	size_t len;
	const uint8_t *value = rtnl_attr(m, sizeof(struct lx_ifinfomsg), attr, &len);

	if (!value || len != sizeof(req->number))
		return -LX_EOPNOTSUPP;
	memcpy(&req->number, value, sizeof(req->number));
	return 0;
}

static int fill_hwaddr(const struct rtnl_msg *m, const struct lx_ifinfomsg *info,
                       struct lx_ifreq *req)
{
	size_t len;
	const uint8_t *value = rtnl_attr(m, sizeof(*info), LX_IFLA_ADDRESS, &len);

	memset(req->raw, 0, sizeof(req->raw));
	req->hwaddr.family = info->type;
	if (value)
		memcpy(req->hwaddr.bytes, value, MIN(len, sizeof(req->hwaddr.bytes)));
	return 0;
}

static int fill(const struct net_view *v, uint32_t request, struct lx_ifreq *req)
{
	struct lx_ifinfomsg info;
	struct rtnl_msg m;
	char name[IFNAMSIZ];
	bool by_index = request == LX_SIOCGIFNAME;

	req->name[IFNAMSIZ - 1] = 0;
	if (!find_link(v, by_index ? NULL : req->name, req->number, &m, &info, name))
		return -LX_ENODEV;
	switch (request) {
	case LX_SIOCGIFNAME:
		memcpy(req->name, name, IFNAMSIZ);
		return 0;
	case LX_SIOCGIFINDEX:
		req->number = info.index;
		return 0;
	case LX_SIOCGIFFLAGS:
		req->flags = (int16_t)info.flags;
		return 0;
	case LX_SIOCGIFADDR:
		return fill_inet(v, info.index, LX_IFA_LOCAL, req);
	case LX_SIOCGIFBRDADDR:
		return fill_inet(v, info.index, LX_IFA_BROADCAST, req);
	case LX_SIOCGIFNETMASK:
		return fill_netmask(v, info.index, req);
	case LX_SIOCGIFMTU:
		return fill_number(&m, LX_IFLA_MTU, req);
	case LX_SIOCGIFTXQLEN:
		return fill_number(&m, LX_IFLA_TXQLEN, req);
	case LX_SIOCGIFHWADDR:
		return fill_hwaddr(&m, &info, req);
	default:
		return -LX_ENOTTY;
	}
}

/* SIOCGIFCONF: the interfaces that have an IPv4 address; without a buffer, the room they need. */
static int list(struct task *t, const struct net_view *v, uint64_t arg)
{
	struct lx_ifconf conf;
	struct lx_ifinfomsg info;
	struct lx_ifreq req;
	struct rtnl_msg m;
	size_t pos = 0;
	int32_t used = 0;
	int r = copy_from_user(t->mm, &conf, guest_ptr(arg), sizeof(conf));

	while (r == 0 && next_link(v, &pos, &m, &info, req.name)) {
		if (fill_inet(v, info.index, LX_IFA_LOCAL, &req) < 0)
			continue;
		if (conf.buf) {
			if (conf.len < 0 || conf.len - used < (int32_t)sizeof(req))
				break;
			r = copy_to_user(t->mm, guest_ptr(conf.buf + (uint32_t)used), &req,
			                 sizeof(req));
		}
		used += (int32_t)sizeof(req);
	}
	return r < 0 ? r : put_user_u32(t->mm, guest_ptr(arg), (uint32_t)used);
}

int64_t ifreq_ioctl(struct task *t, uint32_t request, uint64_t arg)
{
	struct lx_ifreq req;
	struct net_view v;
	int r;

	switch (request) {
	case LX_SIOCGIFCONF:
	case LX_SIOCGIFNAME:
	case LX_SIOCGIFINDEX:
	case LX_SIOCGIFFLAGS:
	case LX_SIOCGIFADDR:
	case LX_SIOCGIFBRDADDR:
	case LX_SIOCGIFNETMASK:
	case LX_SIOCGIFMTU:
	case LX_SIOCGIFTXQLEN:
	case LX_SIOCGIFHWADDR:
		break;
	default:
		return -LX_ENOTTY;
	}
	r = view_open(t->guest, &v);
	if (r < 0)
		return r;
	if (request == LX_SIOCGIFCONF) {
		r = list(t, &v, arg);
	} else {
		r = copy_from_user(t->mm, &req, guest_ptr(arg), sizeof(req));
		if (r == 0)
			r = fill(&v, request, &req);
		if (r == 0)
			r = copy_to_user(t->mm, guest_ptr(arg), &req, sizeof(req));
	}
	view_close(&v);
	return r;
}
