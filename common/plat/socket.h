/*
 * socket.h: internet sockets of the host, spoken to in the guest's numbers (common/lx/socket.h):
 * families, types, addresses, options, message flags and ancillary data are translated through
 * tables here and nowhere else.  What is not in a table is refused.
 */
#ifndef COMMON_PLAT_SOCKET_H
#define COMMON_PLAT_SOCKET_H

#include <sys/uio.h>

#include "common/base.h"
#include "common/lx/socket.h"

/* A new non-blocking socket, or a negative Linux errno.  AF_INET and AF_INET6 only. */
int plat_socket(int domain, int type, int protocol) MUST_CHECK;
/* Each returns 0 or a negative Linux errno.  addr is the guest's struct sockaddr. */
int plat_bind(int fd, const uint8_t *addr, uint32_t len) MUST_CHECK;
int plat_connect(int fd, const uint8_t *addr, uint32_t len) MUST_CHECK;
int plat_listen(int fd, int backlog) MUST_CHECK;
/* A new non-blocking socket and its peer's address. */
int plat_accept(int fd, uint8_t addr[LX_SOCKADDR_MAX], uint32_t *len) MUST_CHECK;
int plat_sockname(int fd, bool peer, uint8_t addr[LX_SOCKADDR_MAX], uint32_t *len) MUST_CHECK;
int plat_setsockopt(int fd, int level, int name, const void *value, uint32_t len) MUST_CHECK;
/* The value's length, at most max. */
int plat_getsockopt(int fd, int level, int name, void *value, uint32_t max) MUST_CHECK;
int plat_shutdown(int fd, int how) MUST_CHECK;

/* One sendmsg or recvmsg; never waits. */
struct plat_msg {
	struct iovec *iov;
	unsigned iov_count;
	uint8_t addr[LX_SOCKADDR_MAX]; /* send: to; receive: from */
	uint32_t addr_len;
	uint8_t *control;     /* cmsghdrs of the guest; aligned to 8 */
	uint32_t control_len; /* receive: room, then length */
	uint32_t flags;       /* LX_MSG_*; receive: those that came back */
};
/* Bytes moved, or a negative Linux errno. */
int64_t plat_sendmsg(int fd, const struct plat_msg *m) MUST_CHECK;
int64_t plat_recvmsg(int fd, struct plat_msg *m) MUST_CHECK;

/* FIONREAD, SIOCOUTQ, SIOCATMARK by their guest numbers: 0 or a negative Linux errno. */
int plat_socket_ioctl(int fd, uint32_t request, int *value) MUST_CHECK;

/* A network of this process's own, with nothing but a loopback interface that is up.  0, or a
 * negative Linux errno where the host does not permit it.  Single-threaded processes only. */
int plat_private_network(void) MUST_CHECK;

/* The interfaces (what LX_RTM_GETLINK), addresses (GETADDR), or routes (GETROUTE) of this
 * process's network, as messages of rtnetlink(7) back to back.  Their length, or a negative
 * Linux errno. */
int64_t plat_net_dump(unsigned what, uint8_t *out, size_t max) MUST_CHECK;
#define LX_RTM_GETLINK  18
#define LX_RTM_GETADDR  22
#define LX_RTM_GETROUTE 26
#define LX_RTM_GETNEIGH 30
#define LX_RTM_GETRULE  34

#endif
