/*
 * socket.c: what sockets of all families share: their open files, waiting, and making them.
 */
#include "supervisor/net/socket.h"

#include <stdio.h>

#include "common/lx/fcntl.h"
#include "supervisor/net/inet.h"
#include "supervisor/task/task.h"
#include "supervisor/vfs/poll.h"

#define LX_SIGPIPE 13

static uint64_t next_ino = 20000; /* atomic */

void socket_init(struct socket *s, struct guest *g, const struct socket_ops *ops, int domain,
                 int type, int protocol)
{
	s->guest = g;
	s->ops = ops;
	s->domain = domain;
	s->type = type;
	s->protocol = protocol;
	s->ino = __atomic_fetch_add(&next_ino, 1, __ATOMIC_RELAXED);
	s->sndbuf = s->rcvbuf = SOCK_BUF_DEFAULT;
	s->rcvlowat = 1;
}

int socket_new(struct task *t, int domain, int type, int protocol, struct socket **out)
{
	switch (domain) {
	case LX_AF_UNIX:
		if (protocol != 0 && protocol != LX_AF_UNIX)
			return -LX_EPROTONOSUPPORT;
		return unix_new(t->guest, type, out);
	case LX_AF_INET:
	case LX_AF_INET6:
		return inet_new(t, domain, type, protocol, out);
	case LX_AF_NETLINK:
		return netlink_new(t, type, protocol, out);
	case LX_AF_PACKET:
		return -LX_EPERM;
	default:
		return -LX_EAFNOSUPPORT;
	}
}

void socket_drop(struct socket *s)
{
	s->ops->release(s);
}

static int64_t deadline(int64_t timeout)
{
	return timeout > 0 ? now_ns() + timeout : WAIT_FOREVER;
}

int64_t socket_send_deadline(const struct socket *s)
{
	return deadline(s->send_timeout);
}

int64_t socket_recv_deadline(const struct socket *s)
{
	return deadline(s->recv_timeout);
}

int socket_wait_error(int r, int64_t timeout)
{
	if (r == -LX_ETIMEDOUT)
		return -LX_EAGAIN;
	return r == -LX_ERESTARTSYS && timeout > 0 ? -LX_EINTR : r;
}

int64_t socket_broken_pipe(struct task *t, const struct sock_msg *m)
{
	/* Nothing can be done about a signal that is lost for lack of memory. */
	if (!(m->flags & LX_MSG_NOSIGNAL) && t && signal_send_task(t, LX_SIGPIPE, NULL) < 0)
		return -LX_EPIPE;
	return -LX_EPIPE;
}

static uint32_t file_nonblock(const struct file *f)
{
	return __atomic_load_n(&f->flags, __ATOMIC_RELAXED) & LX_O_NONBLOCK ? LX_MSG_DONTWAIT : 0;
}

static int64_t socket_read(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	struct socket *s = f->priv;
	struct sock_msg m = {.u = u, .flags = file_nonblock(f)};

	(void)pos;
	return s->ops->recvmsg(t, s, &m);
}

static int64_t socket_write(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	struct socket *s = f->priv;
	struct sock_msg m = {.u = u, .flags = file_nonblock(f)};

	(void)pos;
	return s->ops->sendmsg(t, s, &m);
}

static uint32_t socket_poll(struct file *f, struct poll_table *pt)
{
	struct socket *s = f->priv;

	return s->ops->poll(s, f, pt);
}

static int64_t socket_ioctl(struct task *t, struct file *f, uint32_t request, uint64_t arg)
{
	struct socket *s = f->priv;
	int64_t r = s->ops->ioctl ? s->ops->ioctl(t, s, request, arg) : -LX_ENOTTY;

	/* Sockets of all families answer questions about interfaces. */
	return r == -LX_ENOTTY ? ifreq_ioctl(t, request, arg) : r;
}

static void socket_release(struct file *f)
{
	struct socket *s = f->priv;

	s->ops->release(s);
}

static const struct file_ops socket_fops = {
    .read = socket_read,
    .write = socket_write,
    .poll = socket_poll,
    .ioctl = socket_ioctl,
    .release = socket_release,
    .seekless = true,
};

struct socket *socket_of_file(const struct file *f)
{
	return f->ops == &socket_fops ? f->priv : NULL;
}

int socket_file(struct socket *s, uint32_t flags, struct file **out)
{
	char label[40];
	int r;

	snprintf(label, sizeof(label), "socket:[%llu]", (unsigned long long)s->ino);
	r = file_new_anon(s->guest, &socket_fops, s, LX_O_RDWR | flags, LX_S_IFSOCK | 0777, label,
	                  out);
	if (r < 0) {
		socket_drop(s);
		return r;
	}
	(*out)->inode->ino = s->ino;
	s->file = *out;
	return 0;
}
