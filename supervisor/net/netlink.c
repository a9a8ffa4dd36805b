/*
 * netlink.c: AF_NETLINK sockets (netlink(7), rtnetlink(7)): what getifaddrs(3), `ip` and Go ask
 * about interfaces, addresses and routes is answered with what netd tells; changes are refused.
 * Nothing is ever announced to multicast groups, as nothing changes.
 */
#include "common/list.h"
#include "common/lx/poll.h"
#include "common/plat/socket.h"
#include "supervisor/guest.h"
#include "supervisor/net/rtnl.h"
#include "supervisor/net/socket.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/poll.h"

#define NETLINK_ROUTE          0
#define NETLINK_KOBJECT_UEVENT 15

#define REQUEST_MAX  65536u
#define DATAGRAM_MAX 4096u    /* several messages of a dump in one datagram, as far as they fit */
#define QUEUE_MAX    1048576u /* bytes of answers nobody has read */

struct datagram {
	struct list_head link;
	uint32_t len, room;
	uint8_t data[];
};

struct nl_sock {
	struct socket s;
	pthread_mutex_t lock; /* all below */
	struct list_head queue;
	size_t queued;
	bool overrun; /* answers were lost: ENOBUFS once */
	uint32_t pid, groups;
	struct waitq wait;
};

static const struct socket_ops netlink_ops;

static struct nl_sock *nl_of(struct socket *s)
{
	return container_of(s, struct nl_sock, s);
}

int netlink_new(struct task *t, int type, int protocol, struct socket **out)
{
	struct nl_sock *n;

	if (type != LX_SOCK_RAW && type != LX_SOCK_DGRAM)
		return -LX_ESOCKTNOSUPPORT;
	if (protocol != NETLINK_ROUTE && protocol != NETLINK_KOBJECT_UEVENT)
		return -LX_EPROTONOSUPPORT;
	n = calloc(1, sizeof(*n));
	if (!n)
		return -LX_ENOMEM;
	socket_init(&n->s, t->guest, &netlink_ops, LX_AF_NETLINK, type, protocol);
	pthread_mutex_init(&n->lock, NULL);
	list_init(&n->queue);
	waitq_init(&n->wait);
	*out = &n->s;
	return 0;
}

static void netlink_release(struct socket *s)
{
	struct nl_sock *n = nl_of(s);
	struct datagram *d, *next;

	list_for_each_entry_safe (d, next, &n->queue, link)
		free(d);
	waitq_release(&n->wait);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

/* ---- answers ---- */

/* Appends one message for the request to the queue; small ones share a datagram. */
static void answer(struct nl_sock *n, const struct lx_nlmsghdr *req, uint16_t type, uint32_t flags,
                   const void *body, size_t len, bool join)
{
	struct lx_nlmsghdr h = {(uint32_t)(sizeof(h) + len), type, (uint16_t)flags, req->seq, 0};
	size_t whole = LX_NLMSG_ALIGN((size_t)h.len);
	struct datagram *d = NULL;

	pthread_mutex_lock(&n->lock);
	h.pid = n->pid;
	if (join && !list_empty(&n->queue)) {
		d = list_entry(n->queue.prev, struct datagram, link);
		if (d->room - d->len < whole)
			d = NULL;
	}
	if (!d && n->queued + whole <= QUEUE_MAX) {
		size_t room = MAX(whole, (size_t)DATAGRAM_MAX);

		d = malloc(sizeof(*d) + room);
		if (d) {
			d->len = 0;
			d->room = (uint32_t)room;
			list_add_tail(&d->link, &n->queue);
		}
	}
	if (d) {
		memset(d->data + d->len, 0, whole);
		memcpy(d->data + d->len, &h, sizeof(h));
		memcpy(d->data + d->len + sizeof(h), body, len);
		d->len += (uint32_t)whole;
		n->queued += whole;
	} else {
		n->overrun = true;
	}
	pthread_mutex_unlock(&n->lock);
}

static void answer_error(struct nl_sock *n, const struct lx_nlmsghdr *req, int error)
{
	struct {
		int32_t error;
		struct lx_nlmsghdr req;
	} body = {error, *req};

	answer(n, req, LX_NLMSG_ERROR, 0, &body, sizeof(body), false);
}

/* What a dump answers with: RTM_NEW* is two below RTM_GET*. */
static bool is_asked_for(const struct rtnl_msg *m, const struct lx_nlmsghdr *req, uint8_t family)
{
	if (m->h.type != req->type - 2 || m->body_len == 0)
		return false;
	/* Links have no family of their own. */
	return family == LX_AF_UNSPEC || req->type == LX_RTM_GETLINK || m->body[0] == family;
}

static void dump(struct nl_sock *n, const struct rtnl_msg *req)
{
	uint8_t family = req->body_len > 0 ? req->body[0] : LX_AF_UNSPEC;
	int32_t zero = 0;
	struct rtnl_msg m;
	bool first = true;
	uint8_t *buf;
	size_t len, pos = 0;
	int r = rtnl_fetch(n->s.guest, req->h.type, &buf, &len);

	if (r < 0) {
		answer_error(n, &req->h, r);
		return;
	}
	while (rtnl_next(buf, len, &pos, &m))
		if (is_asked_for(&m, &req->h, family)) {
			answer(n, &req->h, m.h.type, LX_NLM_F_MULTI, m.body, m.body_len, !first);
			first = false;
		}
	answer(n, &req->h, LX_NLMSG_DONE, LX_NLM_F_MULTI, &zero, sizeof(zero), !first);
	free(buf);
}

static bool is_link(const struct rtnl_msg *m, int32_t index, const uint8_t *name, size_t name_len)
{
	struct lx_ifinfomsg info;
	const uint8_t *own;
	size_t len;

	if (m->h.type != LX_RTM_NEWLINK || m->body_len < sizeof(info))
		return false;
	memcpy(&info, m->body, sizeof(info));
	if (index > 0)
		return info.index == index;
	own = rtnl_attr(m, sizeof(info), LX_IFLA_IFNAME, &len);
	return own && name &&
	       strnlen((const char *)own, len) == strnlen((const char *)name, name_len) &&
	       memcmp(own, name, strnlen((const char *)name, name_len)) == 0;
}

/* One link, by index or name. */
static void get_link(struct nl_sock *n, const struct rtnl_msg *req)
{
	struct lx_ifinfomsg info;
	const uint8_t *name;
	struct rtnl_msg m;
	size_t len, name_len = 0, pos = 0;
	bool found = false;
	uint8_t *buf;
	int r;

	if (req->body_len < sizeof(info)) {
		answer_error(n, &req->h, -LX_EINVAL);
		return;
	}
	memcpy(&info, req->body, sizeof(info));
	name = rtnl_attr(req, sizeof(info), LX_IFLA_IFNAME, &name_len);
	r = rtnl_fetch(n->s.guest, LX_RTM_GETLINK, &buf, &len);
	while (r == 0 && !found && rtnl_next(buf, len, &pos, &m)) {
		found = is_link(&m, info.index, name, name_len);
		if (found)
			answer(n, &req->h, m.h.type, 0, m.body, m.body_len, false);
	}
	free(buf);
	if (!found)
		answer_error(n, &req->h, r < 0 ? r : -LX_ENODEV);
	else if (req->h.flags & LX_NLM_F_ACK)
		answer_error(n, &req->h, 0);
}

static void serve(struct nl_sock *n, const struct rtnl_msg *req)
{
	bool dumping = (req->h.flags & LX_NLM_F_DUMP) == LX_NLM_F_DUMP;

	/* Control messages (below 16) and what is no request are passed over. */
	if (!(req->h.flags & LX_NLM_F_REQUEST) || req->h.type < 16) {
		if (req->h.flags & LX_NLM_F_ACK)
			answer_error(n, &req->h, 0);
		return;
	}
	switch (req->h.type) {
	case LX_RTM_GETLINK:
		if (!dumping) {
			get_link(n, req);
			return;
		}
		dump(n, req);
		return;
	case LX_RTM_GETADDR:
	case LX_RTM_GETROUTE:
	case LX_RTM_GETNEIGH:
	case LX_RTM_GETRULE:
		if (dumping)
			dump(n, req);
		else
			answer_error(n, &req->h, -LX_EOPNOTSUPP);
		return;
	default:
		/* Kinds that change something are 0 and 1 modulo 4, kinds that ask are 2. */
		answer_error(n, &req->h, req->h.type % 4 == 2 ? -LX_EOPNOTSUPP : -LX_EPERM);
	}
}

/* ---- the socket's operations ---- */

/* A port: the process's id, as its first socket gets from Linux.  Nothing is routed by it. */
static void autobind(struct task *t, struct nl_sock *n)
{
	pthread_mutex_lock(&n->lock);
	if (n->pid == 0)
		n->pid = (uint32_t)t->group->tgid;
	pthread_mutex_unlock(&n->lock);
}

static int netlink_bind(struct task *t, struct socket *s, const struct sock_addr *a)
{
	struct nl_sock *n = nl_of(s);
	struct lx_sockaddr_nl nl;
	int r = 0;

	if (a->len < sizeof(nl))
		return -LX_EINVAL;
	memcpy(&nl, a->bytes, sizeof(nl));
	if (nl.family != LX_AF_NETLINK)
		return -LX_EINVAL;
	pthread_mutex_lock(&n->lock);
	if (n->pid != 0 && nl.pid != 0 && n->pid != nl.pid)
		r = -LX_EINVAL;
	else if (nl.pid != 0)
		n->pid = nl.pid;
	n->groups = nl.groups;
	pthread_mutex_unlock(&n->lock);
	if (r == 0)
		autobind(t, n);
	return r;
}

/* Only the kernel can be talked to. */
static int netlink_connect(struct task *t, struct socket *s, const struct sock_addr *a,
                           bool nonblock)
{
	struct lx_sockaddr_nl nl;

	(void)nonblock;
	if (a->len < sizeof(a->family))
		return -LX_EINVAL;
	if (a->family == LX_AF_UNSPEC)
		return 0;
	if (a->len < sizeof(nl) || a->family != LX_AF_NETLINK)
		return -LX_EINVAL;
	memcpy(&nl, a->bytes, sizeof(nl));
	if (nl.pid != 0)
		return -LX_ECONNREFUSED;
	autobind(t, nl_of(s));
	return 0;
}

static int netlink_getname(struct task *t, struct socket *s, bool peer, struct sock_addr *a)
{
	struct nl_sock *n = nl_of(s);
	struct lx_sockaddr_nl nl = {.family = LX_AF_NETLINK};

	(void)t;
	pthread_mutex_lock(&n->lock);
	if (!peer) {
		nl.pid = n->pid;
		nl.groups = n->groups;
	}
	pthread_mutex_unlock(&n->lock);
	memcpy(a->bytes, &nl, sizeof(nl));
	a->len = sizeof(nl);
	return 0;
}

static int64_t netlink_sendmsg(struct task *t, struct socket *s, struct sock_msg *m)
{
	struct nl_sock *n = nl_of(s);
	uint64_t total = m->u->left;
	struct lx_sockaddr_nl to = {0};
	struct rtnl_msg req;
	size_t pos = 0;
	uint8_t *buf;
	int64_t r;

	if (m->flags & LX_MSG_OOB)
		return -LX_EOPNOTSUPP;
	if (m->name.len > 0) {
		if (m->name.len < sizeof(to) || m->name.family != LX_AF_NETLINK)
			return -LX_EINVAL;
		memcpy(&to, m->name.bytes, sizeof(to));
		if (to.pid != 0)
			return -LX_ECONNREFUSED;
	}
	if (total > REQUEST_MAX)
		return -LX_EMSGSIZE;
	autobind(t, n);
	buf = malloc(total ? total : 1);
	if (!buf)
		return -LX_ENOBUFS;
	r = total > 0 ? uio_from(m->u, buf, total) : 0;
	if (r >= 0 && (uint64_t)r == total && s->protocol == NETLINK_ROUTE)
		while (rtnl_next(buf, total, &pos, &req))
			serve(n, &req);
	free(buf);
	waitq_wake(&n->wait, LX_POLL_READABLE);
	return r < 0 ? r : (int64_t)total;
}

/* The oldest datagram, taken off unless it is only looked at; then *copy is a duplicate. */
static int take(struct nl_sock *n, bool peek, struct datagram **out)
{
	struct datagram *d;
	int r = 0;

	pthread_mutex_lock(&n->lock);
	if (n->overrun) {
		n->overrun = false;
		r = -LX_ENOBUFS;
	} else if (list_empty(&n->queue)) {
		r = -LX_EAGAIN;
	} else {
		d = list_first_entry(&n->queue, struct datagram, link);
		if (peek) {
			*out = malloc(sizeof(*d) + d->len);
			if (*out)
				memcpy(*out, d, sizeof(*d) + d->len);
			else
				r = -LX_ENOBUFS;
		} else {
			list_del_init(&d->link);
			n->queued -= d->len;
			*out = d;
		}
	}
	pthread_mutex_unlock(&n->lock);
	return r;
}

static bool receive_would_return(struct nl_sock *n)
{
	bool r;

	pthread_mutex_lock(&n->lock);
	r = n->overrun || !list_empty(&n->queue);
	pthread_mutex_unlock(&n->lock);
	return r;
}

static int64_t netlink_recvmsg(struct task *t, struct socket *s, struct sock_msg *m)
{
	struct nl_sock *n = nl_of(s);
	struct lx_sockaddr_nl kernel = {.family = LX_AF_NETLINK};
	int64_t deadline = socket_recv_deadline(s), copied = 0;
	struct datagram *d;
	uint32_t len;
	int r;

	while ((r = take(n, m->flags & LX_MSG_PEEK, &d)) == -LX_EAGAIN &&
	       !(m->flags & LX_MSG_DONTWAIT)) {
		r = WAIT_EVENT(t, &n->wait, receive_would_return(n), deadline);
		if (r < 0)
			return socket_wait_error(r, s->recv_timeout);
	}
	if (r < 0)
		return r;
	len = d->len;
	if (m->u->left > 0)
		copied = uio_to(m->u, d->data, MIN((uint64_t)len, m->u->left));
	free(d);
	if (copied < 0)
		return copied;
	if ((uint64_t)copied < len)
		m->out_flags |= LX_MSG_TRUNC;
	memcpy(m->name.bytes, &kernel, sizeof(kernel));
	m->name.len = sizeof(kernel);
	return m->flags & LX_MSG_TRUNC ? (int64_t)len : copied;
}

static int netlink_setsockopt(struct task *t, struct socket *s, int level, int name,
                              const void *value, uint32_t len)
{
	(void)t, (void)s, (void)value, (void)len;
	if (level != LX_SOL_NETLINK)
		return 1;
	/* NETLINK_ADD_MEMBERSHIP to NETLINK_GET_STRICT_CHK: none changes what is answered. */
	return name >= 1 && name <= 12 ? 0 : -LX_ENOPROTOOPT;
}

static uint32_t netlink_poll(struct socket *s, struct file *f, struct poll_table *pt)
{
	struct nl_sock *n = nl_of(s);

	poll_wait(f, &n->wait, pt);
	return LX_POLL_WRITABLE | (receive_would_return(n) ? LX_POLL_READABLE : 0);
}

static const struct socket_ops netlink_ops = {
    .bind = netlink_bind,
    .connect = netlink_connect,
    .getname = netlink_getname,
    .sendmsg = netlink_sendmsg,
    .recvmsg = netlink_recvmsg,
    .setsockopt = netlink_setsockopt,
    .poll = netlink_poll,
    .release = netlink_release,
};
