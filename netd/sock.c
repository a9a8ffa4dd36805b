/*
 * sock.c: the guest's sockets: the handle table and the operations that are one host call.  All
 * host sockets are non-blocking; waiting is wait.c's, or the supervisor's where it was given the
 * descriptor.
 */
#include "netd/session.h"

#include <unistd.h>

#include "common/plat/errno.h"
#include "common/plat/socket.h"

#define HANDLES_DEFAULT 4096u

struct netd_sock *netd_sock_find(struct netd_session *s, uint64_t handle)
{
	struct netd_sock *sock;

	if ((uint32_t)handle == 0 || (uint32_t)handle > s->sock_count)
		return NULL;
	sock = s->socks[(uint32_t)handle - 1];
	return sock->fd >= 0 && sock->generation == handle >> 32 ? sock : NULL;
}

/* A free place in the table. */
static int take_place(struct netd_session *s, uint32_t *index)
{
	struct netd_sock *sock;

	if (s->free_head) {
		*index = s->free_head - 1;
		s->free_head = s->socks[*index]->next_free;
		return 0;
	}
	if (s->sock_count == s->sock_cap) {
		uint32_t cap = s->sock_cap ? s->sock_cap * 2 : 64;
		struct netd_sock **socks = realloc(s->socks, cap * sizeof(struct netd_sock *));

		if (!socks)
			return -LX_ENOMEM;
		s->socks = socks;
		s->sock_cap = cap;
	}
	sock = calloc(1, sizeof(*sock));
	if (!sock)
		return -LX_ENOMEM;
	list_init(&sock->waits);
	*index = s->sock_count;
	s->socks[s->sock_count++] = sock;
	return 0;
}

int netd_sock_add(struct netd_session *s, int fd, uint64_t *handle)
{
	uint32_t max = s->config.max_handles ? s->config.max_handles : HANDLES_DEFAULT, index;
	int r = s->open_count >= max ? -LX_EMFILE : take_place(s, &index);

	if (r < 0) {
		close(fd);
		return r;
	}
	s->socks[index]->fd = fd;
	s->open_count++;
	*handle = (uint64_t)s->socks[index]->generation << 32 | (index + 1);
	return 0;
}

static void close_sock(struct netd_session *s, uint32_t index)
{
	struct netd_sock *sock = s->socks[index];

	netd_waits_cancel(sock);
	close(sock->fd);
	sock->fd = -1;
	sock->generation++;
	sock->next_free = s->free_head;
	s->free_head = index + 1;
	s->open_count--;
}

void netd_sock_close_all(struct netd_session *s)
{
	for (uint32_t i = 0; i < s->sock_count; i++) {
		if (s->socks[i]->fd >= 0)
			close_sock(s, i);
		free(s->socks[i]);
	}
	free(s->socks);
	s->socks = NULL;
	s->sock_count = s->sock_cap = s->free_head = 0;
}

/* Gives the guest the descriptor itself, where the policy says so. */
static void donate(struct netd_session *s, int fd, struct ipc_fds *out)
{
	/* Without one (out of descriptors) the guest goes the strict way for this socket. */
	if (!s->config.strict)
		ipc_fds_add(out, dup(fd));
}

int64_t netd_do_socket(struct netd_session *s, const struct netd_socket_req *req,
                       struct netd_socket_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	int r, fd = plat_socket((int)req->domain, (int)req->type, (int)req->protocol);

	(void)in;
	if (fd < 0)
		return fd;
	r = netd_sock_add(s, fd, &rep->handle);
	if (r == 0)
		donate(s, fd, out);
	return r;
}

int64_t netd_do_bind(struct netd_session *s, const struct netd_bind_req *req,
                     struct netd_bind_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct netd_sock *sock = netd_sock_find(s, req->handle);

	(void)rep, (void)in, (void)out;
	if (!sock)
		return -LX_EBADF;
	if (s->unreachable)
		return -LX_EADDRNOTAVAIL;
	return plat_bind(sock->fd, req->addr.data, req->addr.len);
}

int64_t netd_do_connect(struct netd_session *s, const struct netd_connect_req *req,
                        struct netd_connect_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct netd_sock *sock = netd_sock_find(s, req->handle);

	(void)rep, (void)in, (void)out;
	if (!sock)
		return -LX_EBADF;
	if (s->unreachable)
		return -LX_ENETUNREACH;
	return plat_connect(sock->fd, req->addr.data, req->addr.len);
}

int64_t netd_do_listen(struct netd_session *s, const struct netd_listen_req *req,
                       struct netd_listen_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct netd_sock *sock = netd_sock_find(s, req->handle);

	(void)rep, (void)in, (void)out;
	if (!sock)
		return -LX_EBADF;
	if (s->unreachable)
		return -LX_EADDRNOTAVAIL;
	return plat_listen(sock->fd, (int)req->backlog);
}

int64_t netd_do_accept(struct netd_session *s, const struct netd_accept_req *req,
                       struct netd_accept_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct netd_sock *sock = netd_sock_find(s, req->handle);
	uint32_t len;
	int fd, r;

	(void)in;
	if (!sock)
		return -LX_EBADF;
	fd = plat_accept(sock->fd, s->data, &len);
	if (fd < 0)
		return fd;
	r = netd_sock_add(s, fd, &rep->handle);
	if (r < 0)
		return r;
	rep->addr = (struct ipc_bytes){s->data, len};
	donate(s, fd, out);
	return 0;
}

int64_t netd_do_close(struct netd_session *s, const struct netd_close_req *req,
                      struct netd_close_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	(void)rep, (void)in, (void)out;
	if (!netd_sock_find(s, req->handle))
		return -LX_EBADF;
	close_sock(s, (uint32_t)req->handle - 1);
	return 0;
}

static int64_t sockname(struct netd_session *s, uint64_t handle, bool peer, struct ipc_bytes *addr)
{
	struct netd_sock *sock = netd_sock_find(s, handle);
	uint32_t len;
	int r;

	if (!sock)
		return -LX_EBADF;
	r = plat_sockname(sock->fd, peer, s->data, &len);
	if (r == 0)
		*addr = (struct ipc_bytes){s->data, len};
	return r;
}

int64_t netd_do_getsockname(struct netd_session *s, const struct netd_getsockname_req *req,
                            struct netd_getsockname_rep *rep, struct ipc_fds *in,
                            struct ipc_fds *out)
{
	(void)in, (void)out;
	return sockname(s, req->handle, false, &rep->addr);
}

int64_t netd_do_getpeername(struct netd_session *s, const struct netd_getpeername_req *req,
                            struct netd_getpeername_rep *rep, struct ipc_fds *in,
                            struct ipc_fds *out)
{
	(void)in, (void)out;
	return sockname(s, req->handle, true, &rep->addr);
}

int64_t netd_do_setsockopt(struct netd_session *s, const struct netd_setsockopt_req *req,
                           struct netd_setsockopt_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct netd_sock *sock = netd_sock_find(s, req->handle);

	(void)rep, (void)in, (void)out;
	if (!sock)
		return -LX_EBADF;
	return plat_setsockopt(sock->fd, (int)req->level, (int)req->name, req->value.data,
	                       req->value.len);
}

int64_t netd_do_getsockopt(struct netd_session *s, const struct netd_getsockopt_req *req,
                           struct netd_getsockopt_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct netd_sock *sock = netd_sock_find(s, req->handle);
	int r;

	(void)in, (void)out;
	if (!sock)
		return -LX_EBADF;
	r = plat_getsockopt(sock->fd, (int)req->level, (int)req->name, s->data,
	                    MIN(req->max, NETD_DATA_MAX));
	if (r >= 0)
		rep->value = (struct ipc_bytes){s->data, (uint32_t)r};
	return MIN(r, 0);
}

int64_t netd_do_shutdown(struct netd_session *s, const struct netd_shutdown_req *req,
                         struct netd_shutdown_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct netd_sock *sock = netd_sock_find(s, req->handle);

	(void)rep, (void)in, (void)out;
	return sock ? plat_shutdown(sock->fd, (int)req->how) : -LX_EBADF;
}

/* Where a payload lies: in the bulk region or in the message. */
static int payload(struct netd_session *s, uint64_t off, uint32_t len, struct iovec *iov)
{
	uint8_t *p = ipc_bulk_at(s->config.bulk, off, len);

	if (!p || len > IPC_MAX_READ)
		return -LX_EINVAL;
	*iov = (struct iovec){p, len};
	return 0;
}

int64_t netd_do_sendmsg(struct netd_session *s, const struct netd_sendmsg_req *req,
                        struct netd_sendmsg_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct netd_sock *sock = netd_sock_find(s, req->handle);
	struct iovec iov = {s->data, req->data.len};
	struct plat_msg m = {.iov = &iov, .iov_count = 1, .flags = req->flags};
	int64_t r = 0;

	(void)in, (void)out;
	if (!sock)
		return -LX_EBADF;
	if (s->unreachable && req->addr.len > 0)
		return -LX_ENETUNREACH;
	if (req->bulk_len > 0)
		r = payload(s, req->bulk_off, req->bulk_len, &iov);
	else if (req->data.len > 0)
		memcpy(s->data, req->data.data, req->data.len);
	if (r < 0)
		return r;
	m.addr_len = req->addr.len;
	if (m.addr_len > 0)
		memcpy(m.addr, req->addr.data, m.addr_len);
	m.control = s->control;
	m.control_len = req->control.len;
	if (m.control_len > 0)
		memcpy(s->control, req->control.data, m.control_len);
	r = plat_sendmsg(sock->fd, &m);
	if (r >= 0)
		rep->sent = (uint64_t)r;
	return r;
}

int64_t netd_do_recvmsg(struct netd_session *s, const struct netd_recvmsg_req *req,
                        struct netd_recvmsg_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct netd_sock *sock = netd_sock_find(s, req->handle);
	struct iovec iov = {s->data, MIN(req->max_data, NETD_DATA_MAX)};
	struct plat_msg m = {.iov = &iov,
	                     .iov_count = 1,
	                     .flags = req->flags,
	                     .control = s->control,
	                     .control_len = MIN(req->max_control, NETD_CONTROL_MAX)};
	int64_t r = 0;

	(void)in, (void)out;
	if (!sock)
		return -LX_EBADF;
	if (req->bulk_len > 0)
		r = payload(s, req->bulk_off, req->bulk_len, &iov);
	if (r == 0)
		r = plat_recvmsg(sock->fd, &m);
	if (r < 0)
		return r;
	/* The address goes behind the payload in the same scratch memory. */
	memcpy(s->data + NETD_DATA_MAX, m.addr, m.addr_len);
	rep->addr = (struct ipc_bytes){s->data + NETD_DATA_MAX, m.addr_len};
	rep->control = (struct ipc_bytes){s->control, m.control_len};
	if (req->bulk_len == 0)
		rep->data =
		    (struct ipc_bytes){s->data, (uint32_t)MIN((uint64_t)r, (uint64_t)iov.iov_len)};
	rep->msg_flags = m.flags;
	return r;
}

int64_t netd_do_ioctl_int(struct netd_session *s, const struct netd_ioctl_int_req *req,
                          struct netd_ioctl_int_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct netd_sock *sock = netd_sock_find(s, req->handle);
	int value = 0, r;

	(void)in, (void)out;
	if (!sock)
		return -LX_EBADF;
	r = plat_socket_ioctl(sock->fd, req->request, &value);
	rep->value = value;
	return r;
}

int64_t netd_do_interfaces(struct netd_session *s, const struct netd_interfaces_req *req,
                           struct netd_interfaces_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	int64_t r;

	(void)in, (void)out;
	switch (req->what) {
	case LX_RTM_GETLINK:
	case LX_RTM_GETADDR:
	case LX_RTM_GETROUTE:
	case LX_RTM_GETNEIGH:
	case LX_RTM_GETRULE:
		break;
	default:
		return -LX_EINVAL;
	}
	r = plat_net_dump(req->what, s->control, NETD_DUMP_MAX);
	if (r >= 0)
		rep->messages = (struct ipc_bytes){s->control, (uint32_t)r};
	return MIN(r, 0);
}
