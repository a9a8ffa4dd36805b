/*
 * rtnl.h: messages of rtnetlink(7), as netd tells them and the guest asks for them: numbers,
 * structures, and walking through them without trusting a length.
 */
#ifndef SUPERVISOR_NET_RTNL_H
#define SUPERVISOR_NET_RTNL_H

#include "common/base.h"

struct guest;

struct lx_nlmsghdr {
	uint32_t len; /* with this header */
	uint16_t type, flags;
	uint32_t seq, pid;
};

struct lx_ifinfomsg {
	uint8_t family, pad;
	uint16_t type;
	int32_t index;
	uint32_t flags, change;
};

struct lx_ifaddrmsg {
	uint8_t family, prefixlen, flags, scope;
	uint32_t index;
};

struct lx_rtattr {
	uint16_t len, type;
};

struct lx_rtmsg {
	uint8_t family, dst_len, src_len, tos, table, protocol, scope, type;
	uint32_t flags;
};

#define LX_NLMSG_ERROR    2
#define LX_NLMSG_DONE     3
#define LX_NLM_F_REQUEST  0x1u
#define LX_NLM_F_MULTI    0x2u
#define LX_NLM_F_ACK      0x4u
#define LX_NLM_F_DUMP     0x300u
#define LX_NLMSG_ALIGN(n) (((n) + 3) & ~(size_t)3)

#define LX_RTM_NEWLINK 16
#define LX_RTM_NEWADDR 20
#define LX_RTM_NEWROUTE 24
#define LX_RT_TABLE_MAIN 254
#define LX_RTN_UNICAST 1
#define LX_RTA_DST 1
#define LX_RTA_OIF 4
#define LX_RTA_GATEWAY 5
#define LX_RTA_PRIORITY 6

#define LX_IFLA_ADDRESS  1
#define LX_IFLA_IFNAME   3
#define LX_IFLA_MTU      4
#define LX_IFLA_TXQLEN   13
#define LX_IFA_ADDRESS   1
#define LX_IFA_LOCAL     2
#define LX_IFA_BROADCAST 4

/* What netd tells about the guest's network: what is LX_RTM_GET*.  *out is malloc'ed. */
int rtnl_fetch(struct guest *g, unsigned what, uint8_t **out, size_t *len) MUST_CHECK;

/* Walks through messages: the next one in [*pos, len), false at the end or at nonsense.  body
 * points behind the header. */
struct rtnl_msg {
	struct lx_nlmsghdr h;
	const uint8_t *at, *body;
	size_t body_len;
};
bool rtnl_next(const uint8_t *buf, size_t len, size_t *pos, struct rtnl_msg *out);

/* The attribute of that type behind a fixed part of `fixed` bytes; NULL if there is none. */
const uint8_t *rtnl_attr(const struct rtnl_msg *m, size_t fixed, uint16_t type, size_t *len);

#endif
