/*
 * socket.h: the guest's sockets, whatever their family.
 *
 * A struct socket is the priv of one open file.  sys/socket.c copies arguments in and out and
 * calls the family through socket_ops; net/socket.c holds what families share.  AF_UNIX and
 * netlink live in the supervisor; AF_INET and AF_INET6 are netd's, behind descriptors that it
 * donates or, by policy, behind messages.
 */
#ifndef SUPERVISOR_NET_SOCKET_H
#define SUPERVISOR_NET_SOCKET_H

#include "common/lx/errno.h"
#include "common/lx/socket.h"
#include "supervisor/mm/uaccess.h"
#include "supervisor/task/wait.h"
#include "supervisor/vfs/vfs.h"

struct guest;
struct task;
struct socket;

/* A socket address as the guest writes it; len 0: none. */
struct sock_addr {
	union {
		uint16_t family;
		uint8_t bytes[LX_SOCKADDR_MAX];
	};
	uint32_t len;
};

/* One sendmsg or recvmsg. */
struct sock_msg {
	struct uio *u;
	uint32_t flags;        /* LX_MSG_*; LX_MSG_DONTWAIT is set for non-blocking files too */
	struct sock_addr name; /* send: to whom; receive: from whom */

	/* Sending: ancillary data, parsed.  The files belong to the message until taken (nfiles 0).
	 */
	struct file **files;
	unsigned nfiles;
	bool has_cred;
	struct lx_ucred cred;
	uint8_t *control; /* what is not SOL_SOCKET's, as it came; for inet */
	uint32_t control_len;

	/* Receiving: where ancillary data goes (net/cmsg.c), and what became of it. */
	struct guest_ptr control_to;
	uint64_t control_room, control_used;
	uint32_t out_flags; /* LX_MSG_TRUNC and kin */
};

/* A missing operation gives -LX_EOPNOTSUPP. */
struct socket_ops {
	int (*bind)(struct task *t, struct socket *s, const struct sock_addr *a);
	int (*connect)(struct task *t, struct socket *s, const struct sock_addr *a, bool nonblock);
	int (*listen)(struct task *t, struct socket *s, int backlog);
	/* A new connected socket; peer's address in *a. */
	int (*accept)(struct task *t, struct socket *s, bool nonblock, struct socket **out,
	              struct sock_addr *a);
	int (*getname)(struct task *t, struct socket *s, bool peer, struct sock_addr *a);
	int64_t (*sendmsg)(struct task *t, struct socket *s, struct sock_msg *m);
	int64_t (*recvmsg)(struct task *t, struct socket *s, struct sock_msg *m);
	int (*shutdown)(struct task *t, struct socket *s, int how);
	/* A family's own options, asked first: set returns 1, get -LX_ENOSYS, for those that
	 * net/sockopt.c keeps.  value has len bytes, or room for max; get returns the length. */
	int (*setsockopt)(struct task *t, struct socket *s, int level, int name, const void *value,
	                  uint32_t len);
	int (*getsockopt)(struct task *t, struct socket *s, int level, int name, void *value,
	                  uint32_t max);
	uint32_t (*poll)(struct socket *s, struct file *f, struct poll_table *pt);
	int64_t (*ioctl)(struct task *t, struct socket *s, uint32_t request, uint64_t arg);
	/* The file is gone; frees the socket. */
	void (*release)(struct socket *s);
};

struct socket {
	struct guest *guest;
	const struct socket_ops *ops;
	struct file *file; /* not a reference: the file owns the socket */
	int domain, type, protocol;
	uint64_t ino;
	uint32_t uid; /* who made it */
	/* Set by setsockopt, read without a lock. */
	int64_t send_timeout, recv_timeout; /* ns; 0: none */
	uint32_t sndbuf, rcvbuf;
	uint32_t rcvlowat;
	uint32_t bool_options; /* bit per SO_* below 32 that is just remembered */
	struct lx_linger linger;
	uint32_t priority, mark;
	bool passcred;
};

#define SOCK_BUF_DEFAULT 212992u

/* Makes a socket of a family.  -LX_EAFNOSUPPORT, -LX_ESOCKTNOSUPPORT, -LX_EPROTONOSUPPORT... */
int socket_new(struct task *t, int domain, int type, int protocol, struct socket **out) MUST_CHECK;
int unix_new(struct guest *g, int type, struct socket **out) MUST_CHECK;
int unix_pair(struct task *t, int type, struct socket *out[2]) MUST_CHECK;
int netlink_new(struct task *t, int type, int protocol, struct socket **out) MUST_CHECK;
int inet_new(struct task *t, int domain, int type, int protocol, struct socket **out) MUST_CHECK;

/* For families: fills in the common fields. */
void socket_init(struct socket *s, struct guest *g, const struct socket_ops *ops, int domain,
                 int type, int protocol);

/* Gives s its open file.  s belongs to the file on success and is released on failure. */
int socket_file(struct socket *s, uint32_t flags, struct file **out) MUST_CHECK;
/* The socket behind f, or NULL if it is no socket. */
struct socket *socket_of_file(const struct file *f);
/* Releases a socket that never got a file. */
void socket_drop(struct socket *s);

/* When an operation that starts now must give up: a deadline for WAIT_EVENT. */
int64_t socket_send_deadline(const struct socket *s);
int64_t socket_recv_deadline(const struct socket *s);
/* What a blocking operation that ended with `r` from WAIT_EVENT returns: -LX_EAGAIN for a
 * timeout; with a time limit, interruption is -LX_EINTR instead of a restart (signal(7)). */
int socket_wait_error(int r, int64_t timeout);
/* -LX_EPIPE, with a SIGPIPE unless the message forbids it. */
int64_t socket_broken_pipe(struct task *t, const struct sock_msg *m);

/* Options of SOL_SOCKET that all families share; then the family's (sockopt.c). */
int socket_setsockopt(struct task *t, struct socket *s, int level, int name, const void *value,
                      uint32_t len) MUST_CHECK;
int socket_getsockopt(struct task *t, struct socket *s, int level, int name, void *value,
                      uint32_t max) MUST_CHECK;

/* Ancillary data (cmsg.c).  Copies in and parses what the guest gave to sendmsg. */
int cmsg_parse(struct task *t, struct sock_msg *m, struct guest_ptr control,
               uint64_t len) MUST_CHECK;
/* Frees what cmsg_parse left in the message. */
void cmsg_release(struct sock_msg *m);
/* Appends one piece to what recvmsg gives back; cuts it, with LX_MSG_CTRUNC, when room ends. */
int cmsg_put(struct task *t, struct sock_msg *m, int level, int type, const void *data,
             uint64_t len) MUST_CHECK;
/* Installs received files as descriptors and tells their numbers; consumes the references. */
int cmsg_put_files(struct task *t, struct sock_msg *m, struct file **files, unsigned n) MUST_CHECK;

#endif
