/*
 * socket.h: the guest's socket numbers and structures: socket(2), socket(7), unix(7), ip(7),
 * cmsg(3), recvmmsg(2).  Generic ABI: equal on arm64 and amd64.
 */
#ifndef COMMON_LX_SOCKET_H
#define COMMON_LX_SOCKET_H

#include "common/base.h"

#define LX_AF_UNSPEC  0
#define LX_AF_UNIX    1
#define LX_AF_INET    2
#define LX_AF_INET6   10
#define LX_AF_NETLINK 16
#define LX_AF_PACKET  17

#define LX_SOCK_STREAM    1
#define LX_SOCK_DGRAM     2
#define LX_SOCK_RAW       3
#define LX_SOCK_SEQPACKET 5
#define LX_SOCK_TYPE_MASK 0xfu
#define LX_SOCK_NONBLOCK  00004000u
#define LX_SOCK_CLOEXEC   02000000u

#define LX_SHUT_RD   0
#define LX_SHUT_WR   1
#define LX_SHUT_RDWR 2

#define LX_MSG_OOB          0x1u
#define LX_MSG_PEEK         0x2u
#define LX_MSG_DONTROUTE    0x4u
#define LX_MSG_CTRUNC       0x8u
#define LX_MSG_TRUNC        0x20u
#define LX_MSG_DONTWAIT     0x40u
#define LX_MSG_EOR          0x80u
#define LX_MSG_WAITALL      0x100u
#define LX_MSG_CONFIRM      0x800u
#define LX_MSG_ERRQUEUE     0x2000u
#define LX_MSG_NOSIGNAL     0x4000u
#define LX_MSG_MORE         0x8000u
#define LX_MSG_WAITFORONE   0x10000u
#define LX_MSG_ZEROCOPY     0x4000000u
#define LX_MSG_FASTOPEN     0x20000000u
#define LX_MSG_CMSG_CLOEXEC 0x40000000u

#define LX_SOL_IP      0
#define LX_SOL_SOCKET  1
#define LX_SOL_TCP     6
#define LX_SOL_UDP     17
#define LX_SOL_IPV6    41
#define LX_SOL_RAW     255
#define LX_SOL_NETLINK 270

#define LX_SO_DEBUG         1
#define LX_SO_REUSEADDR     2
#define LX_SO_TYPE          3
#define LX_SO_ERROR         4
#define LX_SO_DONTROUTE     5
#define LX_SO_BROADCAST     6
#define LX_SO_SNDBUF        7
#define LX_SO_RCVBUF        8
#define LX_SO_KEEPALIVE     9
#define LX_SO_OOBINLINE     10
#define LX_SO_NO_CHECK      11
#define LX_SO_PRIORITY      12
#define LX_SO_LINGER        13
#define LX_SO_REUSEPORT     15
#define LX_SO_PASSCRED      16
#define LX_SO_PEERCRED      17
#define LX_SO_RCVLOWAT      18
#define LX_SO_SNDLOWAT      19
#define LX_SO_RCVTIMEO      20
#define LX_SO_SNDTIMEO      21
#define LX_SO_BINDTODEVICE  25
#define LX_SO_ATTACH_FILTER 26
#define LX_SO_DETACH_FILTER 27
#define LX_SO_TIMESTAMP     29
#define LX_SO_ACCEPTCONN    30
#define LX_SO_PEERSEC       31
#define LX_SO_SNDBUFFORCE   32
#define LX_SO_RCVBUFFORCE   33
#define LX_SO_PASSSEC       34
#define LX_SO_TIMESTAMPNS   35
#define LX_SO_MARK          36
#define LX_SO_TIMESTAMPING  37
#define LX_SO_PROTOCOL      38
#define LX_SO_DOMAIN        39
#define LX_SO_RXQ_OVFL      40
#define LX_SO_PEEK_OFF      42
#define LX_SO_INCOMING_CPU  49
#define LX_SO_COOKIE        57
#define LX_SO_PEERGROUPS    59
#define LX_SO_ZEROCOPY      60
#define LX_SO_RCVTIMEO_NEW  66
#define LX_SO_SNDTIMEO_NEW  67

#define LX_SCM_RIGHTS      1
#define LX_SCM_CREDENTIALS 2
#define LX_SCM_MAX_FD      253

#define LX_SIOCGSTAMP     0x8906u
#define LX_SIOCATMARK     0x8905u
#define LX_SIOCGIFNAME    0x8910u
#define LX_SIOCGIFCONF    0x8912u
#define LX_SIOCGIFFLAGS   0x8913u
#define LX_SIOCGIFADDR    0x8915u
#define LX_SIOCGIFBRDADDR 0x8919u
#define LX_SIOCGIFNETMASK 0x891bu
#define LX_SIOCGIFMTU     0x8921u
#define LX_SIOCGIFHWADDR  0x8927u
#define LX_SIOCGIFINDEX   0x8933u
#define LX_SIOCGIFTXQLEN  0x8942u

#define LX_SOCKADDR_MAX 128u /* struct sockaddr_storage */

struct lx_sockaddr_un {
	uint16_t family;
	char path[108];
};

struct lx_sockaddr_in {
	uint16_t family;
	uint16_t port; /* network order, as the address */
	uint8_t addr[4];
	uint8_t zero[8];
};

struct lx_sockaddr_in6 {
	uint16_t family;
	uint16_t port;
	uint32_t flowinfo;
	uint8_t addr[16];
	uint32_t scope_id;
};

struct lx_sockaddr_nl {
	uint16_t family, pad;
	uint32_t pid, groups;
};

struct lx_msghdr {
	uint64_t name;
	uint32_t namelen;
	uint32_t pad0;
	uint64_t iov, iovlen;
	uint64_t control, controllen;
	uint32_t flags;
	uint32_t pad1;
};
_Static_assert(sizeof(struct lx_msghdr) == 56, "struct msghdr");
_Static_assert(offsetof(struct lx_msghdr, control) == 32, "struct msghdr");

struct lx_mmsghdr {
	struct lx_msghdr hdr;
	uint32_t len;
	uint32_t pad;
};
_Static_assert(sizeof(struct lx_mmsghdr) == 64, "struct mmsghdr");

struct lx_cmsghdr {
	uint64_t len; /* with this header */
	int32_t level, type;
};
_Static_assert(sizeof(struct lx_cmsghdr) == 16, "struct cmsghdr");
#define LX_CMSG_ALIGN(n) (((n) + 7) & ~(uint64_t)7)

struct lx_ucred {
	int32_t pid;
	uint32_t uid, gid;
};

struct lx_linger {
	int32_t onoff, linger;
};

#endif
