/*
 * inet.h: AF_INET and AF_INET6, the inside.  The socket itself is netd's, known by a handle.
 *
 * Policy direct: netd donated the descriptor too (fd), and data, readiness and reading options go
 * there without a message.  Policy strict: everything is a message, payloads of 4 KiB and more
 * lie in the session's bulk region, and readiness is announced by the answer to wait_ready.
 */
#ifndef SUPERVISOR_NET_INET_H
#define SUPERVISOR_NET_INET_H

#include "common/list.h"
#include "ipc/netd.h"
#include "supervisor/net/socket.h"

struct inet_sock {
	struct socket s;
	uint32_t refs; /* atomic: the file's, and an announced wait's */
	struct list_head all_link; /* under the lock of inet.c's list */
	uint64_t handle;
	int fd; /* donated, or -1 */
	struct waitq wait;
	struct hostpoll *poll; /* with fd */

	/* Without fd: the wait_ready that is under way. */
	pthread_mutex_t lock;
	struct ipc_async async;
	bool waiting;
	uint32_t waiting_for; /* LX_POLL* */
	bool want_more;       /* somebody else waits for what it does not cover */
	bool edges;           /* atomic: somebody wants to hear of changes (epoll(7), EPOLLET) */
};

static inline struct inet_sock *inet_of(struct socket *s)
{
	return container_of(s, struct inet_sock, s);
}

void inet_put(struct inet_sock *i);
/* The guest's sockets of a domain and type; *out is malloc'ed, with a reference to each. */
int inet_list(int domain, int type, struct inet_sock ***out, unsigned *n) MUST_CHECK;

/* What a netd call's result is for the guest: a lost netd looks like a network that is down. */
int64_t inet_error(int64_t r);

/* inet_io.c */
int64_t inet_sendmsg(struct task *t, struct socket *s, struct sock_msg *m);
int64_t inet_recvmsg(struct task *t, struct socket *s, struct sock_msg *m);
/* What is ready now; if nothing of `events` is, the wait queue will be woken when some is. */
uint32_t inet_ready(struct inet_sock *i, uint32_t events);
/* The same, and every later change will wake the queue too, whatever is ready already. */
uint32_t inet_ready_edges(struct inet_sock *i, uint32_t events);
/* Waits for one of events; 0 or a negative errno. */
int inet_wait(struct task *t, struct inet_sock *i, uint32_t events, int64_t deadline) MUST_CHECK;

/* ifreq.c: the SIOCGIF* requests (netdevice(7)), answered from netd's rtnetlink messages. */
int64_t ifreq_ioctl(struct task *t, uint32_t request, uint64_t arg);

#endif
