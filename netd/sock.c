/*
 * sock.c: the operations on sockets.  Every socket is non-blocking on the host: an operation that
 * would wait answers LX_EAGAIN or LX_EINPROGRESS, and the supervisor waits for readiness, on the
 * donated descriptor or by wait_ready.
 *
 * On Linux hosts the guest's numbers of families, types, levels and options and its socket
 * addresses are the host's own; what is passed on is checked against what guests may use.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "common/plat/errno.h"
#include "ipc/bulk.h"
#include "netd/worker.h"

#define IPC_SERVICE netd
#define IPC_SCHEMA  "ipc/ops_netd.def"
#define IPC_PEER    GUEST
#define IPC_SESSION struct netd_session
#include "ipc/gen_handlers.inc"

#define TYPE_MASK 15u /* the kind of socket without SOCK_NONBLOCK, SOCK_CLOEXEC */

/* Flags of send and recv that mean something to the host's socket; waiting is never one. */
#define SEND_FLAGS (MSG_OOB | MSG_DONTROUTE | MSG_EOR | MSG_MORE | MSG_CONFIRM | MSG_FASTOPEN)
#define RECV_FLAGS (MSG_OOB | MSG_PEEK | MSG_TRUNC | MSG_ERRQUEUE)

/* Storage of replies: valid until the same thread's next request. */
static _Thread_local uint8_t reply_bytes[3][4096];

/* Ends a use of a duplicate with a host call's result. */
static int64_t done(int fd, int64_t result)
{
	int64_t ret = plat_result(result);

	close(fd);
	return ret;
}

/* Internet sockets only: TCP, UDP, and ICMP echo without privilege. */
static int64_t check_kind(const struct netd_socket_req *req)
{
	uint32_t type = req->type & TYPE_MASK;

	if (req->domain != AF_INET && req->domain != AF_INET6)
		return -LX_EAFNOSUPPORT;
	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_RAW)
		return type >= 11 || type == 0 ? -LX_EINVAL : -LX_ESOCKTNOSUPPORT;
	if (type == SOCK_RAW)
		return -LX_EPERM;
	return 0;
}

int64_t netd_do_socket(struct netd_session *s, const struct netd_socket_req *req, struct netd_socket_rep *rep,
		       struct ipc_fds *in, struct ipc_fds *out)
{
	int64_t ret = check_kind(req);
	int fd, donated;

	(void)in;
	if (ret < 0)
		return ret;
	if (s->offline)
		return -LX_ENETUNREACH;
	fd = socket((int)req->domain, (int)(req->type & TYPE_MASK) | SOCK_NONBLOCK | SOCK_CLOEXEC, (int)req->protocol);
	if (fd < 0)
		return plat_errno(errno);
	ret = netd_socket_add(s, fd, &rep->handle);
	if (ret < 0) {
		close(fd);
		return ret;
	}
	if (s->strict)
		return 0;
	donated = netd_socket_dup(s, rep->handle);
	if (donated < 0) {
		ret = netd_socket_close(s, rep->handle);
		return ret < 0 ? ret : donated;
	}
	out->fd[out->count++] = donated;
	return 0;
}

static int64_t check_address(const struct ipc_bytes *addr)
{
	uint16_t family;

	if (addr->len < sizeof(family))
		return -LX_EINVAL;
	memcpy(&family, addr->data, sizeof(family));
	if (family != AF_INET && family != AF_INET6 && family != AF_UNSPEC)
		return -LX_EAFNOSUPPORT;
	return 0;
}

/* bind(2) and connect(2) have one shape. */
static int64_t with_address(struct netd_session *s, uint64_t handle, const struct ipc_bytes *addr,
			    int (*call)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_storage storage = {0};
	int64_t ret = check_address(addr);
	int fd;

	if (ret < 0)
		return ret;
	if (addr->len > sizeof(storage))
		return -LX_EINVAL;
	memcpy(&storage, addr->data, addr->len);
	fd = netd_socket_dup(s, handle);
	if (fd < 0)
		return fd;
	return done(fd, call(fd, (const struct sockaddr *)&storage, addr->len));
}

int64_t netd_do_bind(struct netd_session *s, const struct netd_bind_req *req, struct netd_bind_rep *rep,
		     struct ipc_fds *in, struct ipc_fds *out)
{
	(void)rep, (void)in, (void)out;
	return with_address(s, req->handle, &req->addr, bind);
}

int64_t netd_do_connect(struct netd_session *s, const struct netd_connect_req *req, struct netd_connect_rep *rep,
			struct ipc_fds *in, struct ipc_fds *out)
{
	(void)rep, (void)in, (void)out;
	return with_address(s, req->handle, &req->addr, connect);
}

int64_t netd_do_listen(struct netd_session *s, const struct netd_listen_req *req, struct netd_listen_rep *rep,
		       struct ipc_fds *in, struct ipc_fds *out)
{
	int fd = netd_socket_dup(s, req->handle);

	(void)rep, (void)in, (void)out;
	return fd < 0 ? fd : done(fd, listen(fd, (int)req->backlog));
}

int64_t netd_do_accept(struct netd_session *s, const struct netd_accept_req *req, struct netd_accept_rep *rep,
		       struct ipc_fds *in, struct ipc_fds *out)
{
	struct sockaddr_storage *from = (void *)reply_bytes[0];
	socklen_t len = sizeof(*from);
	int fd = netd_socket_dup(s, req->handle), got, donated;
	int64_t ret;

	(void)in;
	if (fd < 0)
		return fd;
	got = accept4(fd, (struct sockaddr *)from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	ret = done(fd, got);
	if (ret < 0)
		return ret;
	ret = netd_socket_add(s, got, &rep->handle);
	if (ret < 0) {
		close(got);
		return ret;
	}
	rep->addr = (struct ipc_bytes){reply_bytes[0], (uint32_t)len};
	if (s->strict)
		return 0;
	donated = netd_socket_dup(s, rep->handle);
	if (donated < 0) {
		ret = netd_socket_close(s, rep->handle);
		return ret < 0 ? ret : donated;
	}
	out->fd[out->count++] = donated;
	return 0;
}

int64_t netd_do_close(struct netd_session *s, const struct netd_close_req *req, struct netd_close_rep *rep,
		      struct ipc_fds *in, struct ipc_fds *out)
{
	(void)rep, (void)in, (void)out;
	return netd_socket_close(s, req->handle);
}

static int64_t get_name(struct netd_session *s, uint64_t handle, struct ipc_bytes *addr,
			int (*call)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_storage *name = (void *)reply_bytes[0];
	socklen_t len = sizeof(*name);
	int fd = netd_socket_dup(s, handle);
	int64_t ret;

	if (fd < 0)
		return fd;
	ret = done(fd, call(fd, (struct sockaddr *)name, &len));
	if (ret >= 0)
		*addr = (struct ipc_bytes){reply_bytes[0], (uint32_t)len};
	return ret;
}

int64_t netd_do_getsockname(struct netd_session *s, const struct netd_getsockname_req *req,
			    struct netd_getsockname_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	(void)in, (void)out;
	return get_name(s, req->handle, &rep->addr, getsockname);
}

int64_t netd_do_getpeername(struct netd_session *s, const struct netd_getpeername_req *req,
			    struct netd_getpeername_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	(void)in, (void)out;
	return get_name(s, req->handle, &rep->addr, getpeername);
}

int64_t netd_do_setsockopt(struct netd_session *s, const struct netd_setsockopt_req *req,
			   struct netd_setsockopt_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	int fd;

	(void)rep, (void)in, (void)out;
	if (!netd_option_permitted(req->level, req->name, false))
		return -LX_ENOPROTOOPT;
	fd = netd_socket_dup(s, req->handle);
	if (fd < 0)
		return fd;
	return done(fd, setsockopt(fd, (int)req->level, (int)req->name, req->value.data, req->value.len));
}

int64_t netd_do_getsockopt(struct netd_session *s, const struct netd_getsockopt_req *req,
			   struct netd_getsockopt_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	socklen_t len = MIN(req->max, (uint32_t)sizeof(reply_bytes[0]));
	int64_t ret;
	int fd;

	(void)in, (void)out;
	if (!netd_option_permitted(req->level, req->name, true))
		return -LX_ENOPROTOOPT;
	fd = netd_socket_dup(s, req->handle);
	if (fd < 0)
		return fd;
	ret = done(fd, getsockopt(fd, (int)req->level, (int)req->name, reply_bytes[0], &len));
	if (ret >= 0)
		rep->value = (struct ipc_bytes){reply_bytes[0], (uint32_t)len};
	return ret;
}

int64_t netd_do_shutdown(struct netd_session *s, const struct netd_shutdown_req *req, struct netd_shutdown_rep *rep,
			 struct ipc_fds *in, struct ipc_fds *out)
{
	int fd = netd_socket_dup(s, req->handle);

	(void)rep, (void)in, (void)out;
	return fd < 0 ? fd : done(fd, shutdown(fd, (int)req->how));
}

/* The payload's place: in the bulk region, or in small memory. */
static int64_t data_place(struct netd_session *s, uint64_t bulk_off, uint32_t bulk_len, struct iovec *iov)
{
	if (bulk_len == 0)
		return 0;
	if (bulk_len > IPC_MAX_READ)
		return -LX_EINVAL;
	iov->iov_base = ipc_bulk_at(s->bulk, bulk_off, bulk_len);
	iov->iov_len = bulk_len;
	return iov->iov_base ? 0 : -LX_EINVAL;
}

/* Descriptors do not travel over internet sockets: control data may hold option values only. */
static bool control_permitted(const struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR((struct msghdr *)(uintptr_t)m, c))
		if (c->cmsg_level != IPPROTO_IP && c->cmsg_level != IPPROTO_IPV6)
			return false;
	return true;
}

int64_t netd_do_sendmsg(struct netd_session *s, const struct netd_sendmsg_req *req, struct netd_sendmsg_rep *rep,
			struct ipc_fds *in, struct ipc_fds *out)
{
	struct sockaddr_storage to;
	struct iovec iov = {.iov_base = reply_bytes[0], .iov_len = req->data.len};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	int64_t ret;
	int fd;

	(void)in, (void)out;
	/* Field limits of the schema keep these copies inside their buffers. */
	if (req->data.len > 0)
		memcpy(reply_bytes[0], req->data.data, req->data.len);
	if (req->control.len > 0) {
		memcpy(reply_bytes[1], req->control.data, req->control.len);
		m.msg_control = reply_bytes[1];
		m.msg_controllen = req->control.len;
		if (!control_permitted(&m))
			return -LX_EINVAL;
	}
	if (req->addr.len > 0) {
		ret = check_address(&req->addr);
		if (ret < 0)
			return ret;
		memcpy(&to, req->addr.data, MIN(req->addr.len, sizeof(to)));
		m.msg_name = &to;
		m.msg_namelen = req->addr.len;
	}
	ret = data_place(s, req->bulk_off, req->bulk_len, &iov);
	if (ret < 0)
		return ret;
	fd = netd_socket_dup(s, req->handle);
	if (fd < 0)
		return fd;
	ret = done(fd, sendmsg(fd, &m, (int)(req->flags & SEND_FLAGS) | MSG_NOSIGNAL | MSG_DONTWAIT));
	if (ret >= 0)
		rep->sent = (uint64_t)ret;
	return ret;
}

int64_t netd_do_recvmsg(struct netd_session *s, const struct netd_recvmsg_req *req, struct netd_recvmsg_rep *rep,
			struct ipc_fds *in, struct ipc_fds *out)
{
	struct iovec iov = {.iov_base = reply_bytes[1], .iov_len = MIN(req->max_data, (uint32_t)sizeof(reply_bytes[1]))};
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_name = reply_bytes[0],
		.msg_namelen = 128,
		.msg_control = reply_bytes[2],
		.msg_controllen = MIN(req->max_control, (uint32_t)sizeof(reply_bytes[2])),
	};
	int64_t ret = data_place(s, req->bulk_off, req->bulk_len, &iov);
	int fd;

	(void)in, (void)out;
	if (ret < 0)
		return ret;
	fd = netd_socket_dup(s, req->handle);
	if (fd < 0)
		return fd;
	ret = done(fd, recvmsg(fd, &m, (int)(req->flags & RECV_FLAGS) | MSG_DONTWAIT));
	if (ret < 0)
		return ret;
	rep->addr = (struct ipc_bytes){reply_bytes[0], (uint32_t)MIN(m.msg_namelen, 128u)};
	rep->control = (struct ipc_bytes){reply_bytes[2], (uint32_t)m.msg_controllen};
	if (req->bulk_len == 0)
		rep->data = (struct ipc_bytes){reply_bytes[1], (uint32_t)MIN((uint64_t)ret, iov.iov_len)};
	rep->msg_flags = (uint32_t)m.msg_flags;
	return ret;
}

int64_t netd_do_wait_ready(struct netd_session *s, const struct netd_wait_ready_req *req,
			   struct netd_wait_ready_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	int fd = netd_socket_dup(s, req->handle);

	(void)rep, (void)in, (void)out;
	return fd < 0 ? fd : netd_wait_ready(s, fd, req->events);
}

int64_t netd_do_ioctl_int(struct netd_session *s, const struct netd_ioctl_int_req *req, struct netd_ioctl_int_rep *rep,
			  struct ipc_fds *in, struct ipc_fds *out)
{
	int fd, value = 0;
	int64_t ret;

	(void)in, (void)out;
	if (req->request != FIONREAD && req->request != TIOCOUTQ)
		return -LX_ENOTTY;
	fd = netd_socket_dup(s, req->handle);
	if (fd < 0)
		return fd;
	ret = done(fd, ioctl(fd, req->request, &value));
	rep->value = value;
	return ret;
}

int64_t netd_do_interfaces(struct netd_session *s, const struct netd_interfaces_req *req,
			   struct netd_interfaces_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	(void)req, (void)in, (void)out;
	rep->interfaces_json = ipc_bytes_of(s->interfaces ? s->interfaces : "[]");
	return 0;
}
