/*
 * socket.c: the socket calls (socket(2) and its kin): arguments in, the family's operation,
 * results out.
 */
#include "supervisor/net/socket.h"

#include "common/lx/fcntl.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/task.h"

#define OPTION_MAX 4096u
#define MMSG_MAX   1024u /* UIO_MAXIOV */

/* The socket behind fd; *f holds the reference that keeps it. */
static int get_socket(struct task *t, int fd, struct file **f, struct socket **s)
{
	*f = fd_file(t, fd);
	if (!*f)
		return -LX_EBADF;
	*s = (*f)->flags & LX_O_PATH ? NULL : socket_of_file(*f);
	if (!*s) {
		int r = (*f)->flags & LX_O_PATH ? -LX_EBADF : -LX_ENOTSOCK;

		file_put(*f);
		return r;
	}
	return 0;
}

static bool nonblocking(const struct file *f)
{
	return __atomic_load_n(&f->flags, __ATOMIC_RELAXED) & LX_O_NONBLOCK;
}

static int addr_in(struct task *t, struct sock_addr *a, struct guest_ptr p, uint64_t len)
{
	memset(a, 0, sizeof(*a));
	if (len > LX_SOCKADDR_MAX)
		return -LX_EINVAL;
	a->len = (uint32_t)len;
	return len > 0 ? copy_from_user(t->mm, a->bytes, p, len) : 0;
}

/* Writes what fits of a at p and its whole length at lenp, which held the room. */
static int addr_out(struct task *t, const struct sock_addr *a, struct guest_ptr p,
                    struct guest_ptr lenp)
{
	uint32_t room;
	int r = get_user_u32(t->mm, &room, lenp);

	if (r < 0)
		return r;
	if ((int32_t)room < 0)
		return -LX_EINVAL;
	r = copy_to_user(t->mm, p, a->bytes, MIN(room, a->len));
	return r < 0 ? r : put_user_u32(t->mm, lenp, a->len);
}

/* Gives a fresh socket a file and a descriptor. */
static int64_t install(struct task *t, struct socket *s, uint32_t flags)
{
	struct file *f;
	int64_t fd = socket_file(s, flags & LX_SOCK_NONBLOCK ? LX_O_NONBLOCK : 0, &f);

	if (fd < 0)
		return fd;
	fd = fd_install(t, f, 0, flags & LX_SOCK_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

static int split_type(uint32_t type, uint32_t *flags)
{
	*flags = type & ~LX_SOCK_TYPE_MASK;
	if (*flags & ~(LX_SOCK_NONBLOCK | LX_SOCK_CLOEXEC))
		return -LX_EINVAL;
	return (int)(type & LX_SOCK_TYPE_MASK);
}

int64_t sys_socket(struct task *t, const struct sys_args *a)
{
	struct socket *s;
	uint32_t flags;
	int r, type = split_type(arg_u32(a, 1), &flags);

	if (type < 0)
		return type;
	r = socket_new(t, arg_int(a, 0), type, arg_int(a, 2), &s);
	return r < 0 ? r : install(t, s, flags);
}

int64_t sys_socketpair(struct task *t, const struct sys_args *a)
{
	struct socket *pair[2];
	int64_t fd[2];
	int32_t out[2];
	uint32_t flags;
	int domain = arg_int(a, 0), r, type = split_type(arg_u32(a, 1), &flags);

	if (type < 0)
		return type;
	if (domain == LX_AF_INET || domain == LX_AF_INET6)
		return -LX_EOPNOTSUPP;
	if (domain != LX_AF_UNIX)
		return -LX_EAFNOSUPPORT;
	if (arg_int(a, 2) != 0 && arg_int(a, 2) != LX_AF_UNIX)
		return -LX_EPROTONOSUPPORT;
	r = unix_pair(t, type, pair);
	if (r < 0)
		return r;
	fd[0] = install(t, pair[0], flags);
	if (fd[0] < 0) {
		socket_drop(pair[1]);
		return fd[0];
	}
	fd[1] = install(t, pair[1], flags);
	if (fd[1] < 0) {
		fd_close(t, (int)fd[0]);
		return fd[1];
	}
	out[0] = (int32_t)fd[0];
	out[1] = (int32_t)fd[1];
	r = copy_to_user(t->mm, arg_ptr(a, 3), out, sizeof(out));
	if (r < 0) {
		fd_close(t, out[0]);
		fd_close(t, out[1]);
	}
	return r;
}

/* A call on the socket that a descriptor, the first argument, leads to. */
typedef int64_t socket_fn(struct task *t, struct file *f, struct socket *s,
                          const struct sys_args *a);

static int64_t on_socket(struct task *t, const struct sys_args *a, socket_fn *fn)
{
	struct socket *s;
	struct file *f;
	int64_t r = get_socket(t, arg_int(a, 0), &f, &s);

	if (r < 0)
		return r;
	r = fn(t, f, s, a);
	file_put(f);
	return r;
}

static int64_t do_bind(struct task *t, struct file *f, struct socket *s, const struct sys_args *a)
{
	struct sock_addr addr;
	int r = addr_in(t, &addr, arg_ptr(a, 1), arg_u32(a, 2));

	(void)f;
	if (r == 0)
		r = s->ops->bind ? s->ops->bind(t, s, &addr) : -LX_EOPNOTSUPP;
	return r;
}

int64_t sys_bind(struct task *t, const struct sys_args *a)
{
	return on_socket(t, a, do_bind);
}

static int64_t do_connect(struct task *t, struct file *f, struct socket *s,
                          const struct sys_args *a)
{
	struct sock_addr addr;
	int r = addr_in(t, &addr, arg_ptr(a, 1), arg_u32(a, 2));

	if (r == 0)
		r = s->ops->connect ? s->ops->connect(t, s, &addr, nonblocking(f)) : -LX_EOPNOTSUPP;
	return r;
}

int64_t sys_connect(struct task *t, const struct sys_args *a)
{
	return on_socket(t, a, do_connect);
}

static int64_t do_listen(struct task *t, struct file *f, struct socket *s, const struct sys_args *a)
{
	int r = s->ops->listen ? s->ops->listen(t, s, arg_int(a, 1)) : -LX_EOPNOTSUPP;

	(void)f;
	return r;
}

int64_t sys_listen(struct task *t, const struct sys_args *a)
{
	return on_socket(t, a, do_listen);
}

static int64_t do_accept(struct task *t, int fd, struct guest_ptr addr, struct guest_ptr len,
                         uint32_t flags)
{
	struct sock_addr peer = {.len = 0};
	struct socket *s, *n;
	struct file *f, *nf;
	int64_t r;

	if (flags & ~(LX_SOCK_NONBLOCK | LX_SOCK_CLOEXEC))
		return -LX_EINVAL;
	r = get_socket(t, fd, &f, &s);
	if (r < 0)
		return r;
	r = s->ops->accept ? s->ops->accept(t, s, nonblocking(f), &n, &peer) : -LX_EOPNOTSUPP;
	file_put(f);
	if (r < 0)
		return r;
	r = socket_file(n, flags & LX_SOCK_NONBLOCK ? LX_O_NONBLOCK : 0, &nf);
	if (r < 0)
		return r;
	if (!guest_ptr_null(addr))
		r = addr_out(t, &peer, addr, len);
	if (r >= 0)
		r = fd_install(t, nf, 0, flags & LX_SOCK_CLOEXEC);
	if (r < 0)
		file_put(nf);
	return r;
}

int64_t sys_accept(struct task *t, const struct sys_args *a)
{
	return do_accept(t, arg_int(a, 0), arg_ptr(a, 1), arg_ptr(a, 2), 0);
}

int64_t sys_accept4(struct task *t, const struct sys_args *a)
{
	return do_accept(t, arg_int(a, 0), arg_ptr(a, 1), arg_ptr(a, 2), arg_u32(a, 3));
}

static int64_t do_getname(struct task *t, const struct sys_args *a, bool peer)
{
	struct sock_addr addr = {.len = 0};
	struct socket *s;
	struct file *f;
	int r = get_socket(t, arg_int(a, 0), &f, &s);

	if (r < 0)
		return r;
	r = s->ops->getname(t, s, peer, &addr);
	if (r == 0)
		r = addr_out(t, &addr, arg_ptr(a, 1), arg_ptr(a, 2));
	file_put(f);
	return r;
}

int64_t sys_getsockname(struct task *t, const struct sys_args *a)
{
	return do_getname(t, a, false);
}

int64_t sys_getpeername(struct task *t, const struct sys_args *a)
{
	return do_getname(t, a, true);
}

static int64_t do_shutdown(struct task *t, struct file *f, struct socket *s,
                           const struct sys_args *a)
{
	int how = arg_int(a, 1), r;

	(void)f;
	if (how < LX_SHUT_RD || how > LX_SHUT_RDWR)
		r = -LX_EINVAL;
	else
		r = s->ops->shutdown ? s->ops->shutdown(t, s, how) : -LX_EOPNOTSUPP;
	return r;
}

int64_t sys_shutdown(struct task *t, const struct sys_args *a)
{
	return on_socket(t, a, do_shutdown);
}

static int64_t do_setsockopt(struct task *t, struct file *f, struct socket *s,
                             const struct sys_args *a)
{
	_Alignas(8) uint8_t value[OPTION_MAX];
	int32_t len = arg_int(a, 4);
	int r;

	(void)f;
	if (len < 0 || len > (int32_t)sizeof(value))
		r = -LX_EINVAL;
	else
		r = copy_from_user(t->mm, value, arg_ptr(a, 3), (size_t)len);
	if (r == 0)
		r = socket_setsockopt(t, s, arg_int(a, 1), arg_int(a, 2), value, (uint32_t)len);
	return r;
}

int64_t sys_setsockopt(struct task *t, const struct sys_args *a)
{
	return on_socket(t, a, do_setsockopt);
}

static int64_t do_getsockopt(struct task *t, struct file *f, struct socket *s,
                             const struct sys_args *a)
{
	_Alignas(8) uint8_t value[OPTION_MAX];
	uint32_t room = 0;
	int r = get_user_u32(t->mm, &room, arg_ptr(a, 4));

	(void)f;
	if (r == 0 && (int32_t)room < 0)
		r = -LX_EINVAL;
	if (r == 0)
		r = socket_getsockopt(t, s, arg_int(a, 1), arg_int(a, 2), value,
		                      MIN(room, OPTION_MAX));
	if (r >= 0) {
		uint32_t len = (uint32_t)r;

		r = copy_to_user(t->mm, arg_ptr(a, 3), value, len);
		if (r == 0)
			r = put_user_u32(t->mm, arg_ptr(a, 4), len);
	}
	return r;
}

int64_t sys_getsockopt(struct task *t, const struct sys_args *a)
{
	return on_socket(t, a, do_getsockopt);
}

static int64_t do_sendto(struct task *t, struct file *f, struct socket *s, const struct sys_args *a)
{
	struct sock_msg m = {.flags = arg_u32(a, 3)};
	struct uio u;
	int64_t r = 0;

	uio_init_user(&u, t->mm, arg_ptr(a, 1), a->v[2]);
	m.u = &u;
	if (nonblocking(f))
		m.flags |= LX_MSG_DONTWAIT;
	if (!guest_ptr_null(arg_ptr(a, 4)))
		r = addr_in(t, &m.name, arg_ptr(a, 4), arg_u32(a, 5));
	if (r == 0)
		r = s->ops->sendmsg(t, s, &m);
	uio_release(&u);
	return r;
}

int64_t sys_sendto(struct task *t, const struct sys_args *a)
{
	return on_socket(t, a, do_sendto);
}

static int64_t do_recvfrom(struct task *t, struct file *f, struct socket *s,
                           const struct sys_args *a)
{
	struct sock_msg m = {.flags = arg_u32(a, 3)};
	struct uio u;
	int64_t r;

	uio_init_user(&u, t->mm, arg_ptr(a, 1), a->v[2]);
	m.u = &u;
	if (nonblocking(f))
		m.flags |= LX_MSG_DONTWAIT;
	r = s->ops->recvmsg(t, s, &m);
	if (r >= 0 && !guest_ptr_null(arg_ptr(a, 4))) {
		int e = addr_out(t, &m.name, arg_ptr(a, 4), arg_ptr(a, 5));

		r = e < 0 ? e : r;
	}
	uio_release(&u);
	return r;
}

int64_t sys_recvfrom(struct task *t, const struct sys_args *a)
{
	return on_socket(t, a, do_recvfrom);
}

static int header_in(struct task *t, struct lx_msghdr *h, struct guest_ptr p, struct uio *u)
{
	int r = copy_from_user(t->mm, h, p, sizeof(*h));

	if (r == 0 && (int32_t)h->namelen < 0)
		r = -LX_EINVAL;
	if (r == 0 && h->iovlen > 1024)
		r = -LX_EMSGSIZE;
	return r < 0 ? r : uio_init_iovec(u, t->mm, guest_ptr(h->iov), h->iovlen);
}

static int64_t send_one(struct task *t, struct file *f, struct socket *s, struct guest_ptr p,
                        uint32_t flags)
{
	struct sock_msg m = {.flags = flags | (nonblocking(f) ? LX_MSG_DONTWAIT : 0)};
	struct lx_msghdr h;
	struct uio u;
	int64_t r = header_in(t, &h, p, &u);

	if (r < 0)
		return r;
	m.u = &u;
	if (h.name && h.namelen > 0)
		r = addr_in(t, &m.name, guest_ptr(h.name), MIN(h.namelen, LX_SOCKADDR_MAX));
	if (r == 0 && h.control)
		r = cmsg_parse(t, &m, guest_ptr(h.control), h.controllen);
	if (r == 0)
		r = s->ops->sendmsg(t, s, &m);
	cmsg_release(&m);
	uio_release(&u);
	return r;
}

static int64_t receive_one(struct task *t, struct file *f, struct socket *s, struct guest_ptr p,
                           uint32_t flags)
{
	struct sock_msg m = {.flags = flags | (nonblocking(f) ? LX_MSG_DONTWAIT : 0)};
	struct lx_msghdr h;
	struct uio u;
	int64_t r = header_in(t, &h, p, &u);

	if (r < 0)
		return r;
	m.u = &u;
	m.control_to = guest_ptr(h.control);
	m.control_room = h.control ? h.controllen : 0;
	r = s->ops->recvmsg(t, s, &m);
	uio_release(&u);
	if (r < 0)
		return r;
	if (h.name) {
		int e = copy_to_user(t->mm, guest_ptr(h.name), m.name.bytes,
		                     MIN(h.namelen, m.name.len));

		if (e == 0)
			e = put_user_u32(t->mm,
			                 guest_ptr_add(p, offsetof(struct lx_msghdr, namelen)),
			                 m.name.len);
		if (e < 0)
			return e;
	}
	if (put_user_u64(t->mm, guest_ptr_add(p, offsetof(struct lx_msghdr, controllen)),
	                 m.control_used) < 0 ||
	    put_user_u32(t->mm, guest_ptr_add(p, offsetof(struct lx_msghdr, flags)),
	                 m.out_flags | (flags & LX_MSG_CMSG_CLOEXEC)) < 0)
		return -LX_EFAULT;
	return r;
}

int64_t sys_sendmsg(struct task *t, const struct sys_args *a)
{
	struct socket *s;
	struct file *f;
	int64_t r = get_socket(t, arg_int(a, 0), &f, &s);

	if (r < 0)
		return r;
	r = send_one(t, f, s, arg_ptr(a, 1), arg_u32(a, 2));
	file_put(f);
	return r;
}

int64_t sys_recvmsg(struct task *t, const struct sys_args *a)
{
	struct socket *s;
	struct file *f;
	int64_t r = get_socket(t, arg_int(a, 0), &f, &s);

	if (r < 0)
		return r;
	r = receive_one(t, f, s, arg_ptr(a, 1), arg_u32(a, 2));
	file_put(f);
	return r;
}

int64_t sys_sendmmsg(struct task *t, const struct sys_args *a)
{
	uint32_t n = MIN(arg_u32(a, 2), MMSG_MAX), done = 0;
	struct socket *s;
	struct file *f;
	int64_t r = get_socket(t, arg_int(a, 0), &f, &s);

	if (r < 0)
		return r;
	for (; done < n; done++) {
		struct guest_ptr p = guest_ptr_add(arg_ptr(a, 1), done * sizeof(struct lx_mmsghdr));

		r = send_one(t, f, s, p, arg_u32(a, 3));
		if (r >= 0)
			r = put_user_u32(t->mm, guest_ptr_add(p, offsetof(struct lx_mmsghdr, len)),
			                 (uint32_t)r);
		if (r < 0)
			break;
	}
	file_put(f);
	return done > 0 ? done : r;
}

/* The deadline of recvmmsg; WAIT_FOREVER without one. */
static int mmsg_deadline(struct task *t, struct guest_ptr p, int64_t *deadline)
{
	int64_t ts[2], ns;
	int r;

	*deadline = WAIT_FOREVER;
	if (guest_ptr_null(p))
		return 0;
	r = copy_from_user(t->mm, ts, p, sizeof(ts));
	if (r < 0)
		return r;
	if (ts[0] < 0 || ts[1] < 0 || ts[1] >= 1000000000)
		return -LX_EINVAL;
	if (!mul_overflows(ts[0], 1000000000, &ns) && !add_overflows(ns, ts[1], &ns) &&
	    !add_overflows(ns, now_ns(), &ns))
		*deadline = ns;
	return 0;
}

/* As on Linux, the timeout is only looked at when a message has come. */
int64_t sys_recvmmsg(struct task *t, const struct sys_args *a)
{
	uint32_t n = MIN(arg_u32(a, 2), MMSG_MAX), done = 0, flags = arg_u32(a, 3);
	int64_t deadline, r = mmsg_deadline(t, arg_ptr(a, 4), &deadline);
	struct socket *s;
	struct file *f;

	if (r == 0)
		r = get_socket(t, arg_int(a, 0), &f, &s);
	if (r < 0)
		return r;
	while (done < n) {
		struct guest_ptr p = guest_ptr_add(arg_ptr(a, 1), done * sizeof(struct lx_mmsghdr));

		r = receive_one(t, f, s, p, flags & ~LX_MSG_WAITFORONE);
		if (r >= 0)
			r = put_user_u32(t->mm, guest_ptr_add(p, offsetof(struct lx_mmsghdr, len)),
			                 (uint32_t)r);
		if (r < 0)
			break;
		done++;
		if (flags & LX_MSG_WAITFORONE)
			flags |= LX_MSG_DONTWAIT;
		if (now_ns() >= deadline)
			break;
	}
	file_put(f);
	return done > 0 ? done : r;
}
