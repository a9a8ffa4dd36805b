/*
 * linux_socket.c: socket.h on Linux.  Structures have the same layout here as in the guest, so
 * that after the tables have been asked, addresses and values pass as they are.
 */
#include "common/plat/socket.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <linux/icmp.h>
#include <linux/in6.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/plat/errno.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef SO_INCOMING_CPU
#define SO_INCOMING_CPU 49
#endif

_Static_assert(sizeof(struct sockaddr_in) == sizeof(struct lx_sockaddr_in), "sockaddr_in");
_Static_assert(sizeof(struct sockaddr_in6) == sizeof(struct lx_sockaddr_in6), "sockaddr_in6");
_Static_assert(sizeof(struct sockaddr_storage) == LX_SOCKADDR_MAX, "sockaddr_storage");
_Static_assert(sizeof(struct cmsghdr) == sizeof(struct lx_cmsghdr), "cmsghdr");

static const struct {
	int lx, host;
} domains[] = {{LX_AF_INET, AF_INET}, {LX_AF_INET6, AF_INET6}, {LX_AF_UNSPEC, AF_UNSPEC}},
  types[] = {{LX_SOCK_STREAM, SOCK_STREAM}, {LX_SOCK_DGRAM, SOCK_DGRAM}, {LX_SOCK_RAW, SOCK_RAW}},
  options[] = {
#define OPTION(level, name, host_level, host_name) \
	{(level) << 16 | (name), (host_level) << 16 | (host_name)},
#include "common/plat/socket_options.def"
#undef OPTION
};

static const struct {
	uint32_t lx;
	int host;
} msg_flags[] = {
    {LX_MSG_OOB, MSG_OOB},
    {LX_MSG_PEEK, MSG_PEEK},
    {LX_MSG_DONTROUTE, MSG_DONTROUTE},
    {LX_MSG_CTRUNC, MSG_CTRUNC},
    {LX_MSG_TRUNC, MSG_TRUNC},
    {LX_MSG_EOR, MSG_EOR},
    {LX_MSG_CONFIRM, MSG_CONFIRM},
    {LX_MSG_ERRQUEUE, MSG_ERRQUEUE},
    {LX_MSG_MORE, MSG_MORE},
    {LX_MSG_FASTOPEN, MSG_FASTOPEN},
};

/* Ancillary data that a guest may send: level << 16 | type. */
static const int sendable[] = {
    LX_SOL_IP << 16 | IP_PKTINFO,      LX_SOL_IP << 16 | IP_TTL,
    LX_SOL_IP << 16 | IP_TOS,          LX_SOL_IPV6 << 16 | IPV6_PKTINFO,
    LX_SOL_IPV6 << 16 | IPV6_HOPLIMIT, LX_SOL_IPV6 << 16 | IPV6_TCLASS,
    LX_SOL_UDP << 16 | UDP_SEGMENT,
};

int plat_socket(int domain, int type, int protocol)
{
	int host_domain = -1, host_type = -1, fd;

	for (size_t i = 0; i < 2; i++)
		if (domains[i].lx == domain)
			host_domain = domains[i].host;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].lx == type)
			host_type = types[i].host;
	if (host_domain < 0)
		return -LX_EAFNOSUPPORT;
	if (host_type < 0)
		return -LX_ESOCKTNOSUPPORT;
	fd = socket(host_domain, host_type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	return fd < 0 ? plat_errno(errno) : fd;
}

/* Only internet addresses, whole. */
static int addr_in(struct sockaddr_storage *out, socklen_t *out_len, const uint8_t *addr,
                   uint32_t len)
{
	uint16_t family;

	if (len < sizeof(family) || len > sizeof(*out))
		return -LX_EINVAL;
	memcpy(&family, addr, sizeof(family));
	memset(out, 0, sizeof(*out));
	memcpy(out, addr, len);
	*out_len = len;
	for (size_t i = 0; i < ARRAY_LEN(domains); i++)
		if (domains[i].lx == family) {
			out->ss_family = (sa_family_t)domains[i].host;
			return 0;
		}
	return -LX_EAFNOSUPPORT;
}

static uint32_t addr_out(uint8_t *addr, const struct sockaddr_storage *in, socklen_t len)
{
	uint32_t n = MIN((uint32_t)len, LX_SOCKADDR_MAX);

	memcpy(addr, in, n);
	return n;
}

/* The C library wants a struct sockaddr. */
union address {
	struct sockaddr_storage storage;
	struct sockaddr sa;
};

int plat_bind(int fd, const uint8_t *addr, uint32_t len)
{
	union address a;
	socklen_t n;
	int r = addr_in(&a.storage, &n, addr, len);

	return r < 0 ? r : (int)plat_result(bind(fd, &a.sa, n));
}

int plat_connect(int fd, const uint8_t *addr, uint32_t len)
{
	union address a;
	socklen_t n;
	int r = addr_in(&a.storage, &n, addr, len);

	return r < 0 ? r : (int)plat_result(connect(fd, &a.sa, n));
}

int plat_listen(int fd, int backlog)
{
	return (int)plat_result(listen(fd, backlog));
}

int plat_accept(int fd, uint8_t addr[LX_SOCKADDR_MAX], uint32_t *len)
{
	union address a;
	socklen_t n = sizeof(a);
	int r = accept4(fd, &a.sa, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (r < 0)
		return plat_errno(errno);
	*len = addr_out(addr, &a.storage, n);
	return r;
}

int plat_sockname(int fd, bool peer, uint8_t addr[LX_SOCKADDR_MAX], uint32_t *len)
{
	union address a;
	socklen_t n = sizeof(a);
	int r = peer ? getpeername(fd, &a.sa, &n) : getsockname(fd, &a.sa, &n);

	if (r < 0)
		return plat_errno(errno);
	*len = addr_out(addr, &a.storage, n);
	return 0;
}

/* The host's level << 16 | name; -LX_ENOPROTOOPT, or unknown_level for a level without options. */
static int find_option(int level, int name, int unknown_level)
{
	int r = unknown_level;

	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (options[i].lx >> 16 != level)
			continue;
		r = -LX_ENOPROTOOPT;
		if ((options[i].lx & 0xffff) == name)
			return options[i].host;
	}
	return r;
}

int plat_setsockopt(int fd, int level, int name, const void *value, uint32_t len)
{
	int option = find_option(level, name, -LX_ENOPROTOOPT);

	if (option < 0)
		return option;
	return (int)plat_result(setsockopt(fd, option >> 16, option & 0xffff, value, len));
}

int plat_getsockopt(int fd, int level, int name, void *value, uint32_t max)
{
	int option = find_option(level, name, -LX_EOPNOTSUPP);
	socklen_t len = max;

	if (option < 0)
		return option;
	if (getsockopt(fd, option >> 16, option & 0xffff, value, &len) < 0)
		return plat_errno(errno);
	return (int)MIN(len, (socklen_t)max);
}

int plat_shutdown(int fd, int how)
{
	static const int hows[] = {
	    [LX_SHUT_RD] = SHUT_RD, [LX_SHUT_WR] = SHUT_WR, [LX_SHUT_RDWR] = SHUT_RDWR};

	if (how < 0 || how > LX_SHUT_RDWR)
		return -LX_EINVAL;
	return (int)plat_result(shutdown(fd, hows[how]));
}

static int flags_in(uint32_t flags)
{
	int host = MSG_DONTWAIT | MSG_NOSIGNAL;

	for (size_t i = 0; i < ARRAY_LEN(msg_flags); i++)
		if (flags & msg_flags[i].lx)
			host |= msg_flags[i].host;
	return host;
}

static uint32_t flags_out(int host)
{
	uint32_t flags = 0;

	for (size_t i = 0; i < ARRAY_LEN(msg_flags); i++)
		if (host & msg_flags[i].host)
			flags |= msg_flags[i].lx;
	return flags;
}

/* True if every piece is one that may be sent. */
static bool control_ok(const uint8_t *control, uint32_t len)
{
	uint64_t at = 0;

	while (len - at >= sizeof(struct lx_cmsghdr)) {
		struct lx_cmsghdr h;
		bool found = false;

		memcpy(&h, control + at, sizeof(h));
		if (h.len < sizeof(h) || h.len > len - at)
			return false;
		for (size_t i = 0; i < ARRAY_LEN(sendable); i++)
			found = found || (h.level >= 0 && h.level < 256 && h.type >= 0 &&
			                  h.type < 256 && sendable[i] == (h.level << 16 | h.type));
		if (!found)
			return false;
		if (LX_CMSG_ALIGN(h.len) >= len - at)
			break;
		at += LX_CMSG_ALIGN(h.len);
	}
	return true;
}

int64_t plat_sendmsg(int fd, const struct plat_msg *m)
{
	union address a;
	struct msghdr h = {.msg_iov = m->iov, .msg_iovlen = m->iov_count};
	int r;

	if (m->addr_len > 0) {
		r = addr_in(&a.storage, &h.msg_namelen, m->addr, m->addr_len);
		if (r < 0)
			return r;
		h.msg_name = &a;
	}
	if (m->control_len > 0) {
		if (!control_ok(m->control, m->control_len))
			return -LX_EINVAL;
		h.msg_control = m->control;
		h.msg_controllen = m->control_len;
	}
	return plat_result(sendmsg(fd, &h, flags_in(m->flags)));
}

int64_t plat_recvmsg(int fd, struct plat_msg *m)
{
	union address a;
	struct msghdr h = {.msg_name = &a,
	                   .msg_namelen = sizeof(a),
	                   .msg_iov = m->iov,
	                   .msg_iovlen = m->iov_count,
	                   .msg_control = m->control,
	                   .msg_controllen = m->control_len};
	ssize_t n = recvmsg(fd, &h, flags_in(m->flags) | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return plat_errno(errno);
	m->addr_len = addr_out(m->addr, &a.storage, h.msg_namelen);
	m->control_len = (uint32_t)h.msg_controllen;
	m->flags = flags_out(h.msg_flags);
	return n;
}

int plat_socket_ioctl(int fd, uint32_t request, int *value)
{
	switch (request) {
	case 0x541b: /* FIONREAD */
		return (int)plat_result(ioctl(fd, FIONREAD, value));
	case 0x5411: /* SIOCOUTQ */
		return (int)plat_result(ioctl(fd, SIOCOUTQ, value));
	case LX_SIOCATMARK:
		return (int)plat_result(ioctl(fd, SIOCATMARK, value));
	default:
		return -LX_ENOTTY;
	}
}
