/*
 * unix.h: AF_UNIX, the inside (unix(7)).
 *
 * A socket's queue holds what was sent to it; the sender appends, and waits for room by its own
 * SO_SNDBUF.  Connected stream and seqpacket sockets keep a reference to each other for life,
 * even when one is closed; a datagram socket's peer may change.
 *
 * Locks, outermost first:
 *   recv_lock       readers of one socket take turns; guest memory is touched with it held
 *   unix_topology   names, who is connected to whom, listeners' pending connections, in-flight
 *                   descriptors; one for all sockets: taken only by what is rare
 *   lock            the queue and the flags of one socket; two only under unix_topology
 */
#ifndef SUPERVISOR_NET_UNIX_H
#define SUPERVISOR_NET_UNIX_H

#include "common/list.h"
#include "supervisor/net/socket.h"

/* One write, or a piece of one. */
struct unix_msg {
	struct list_head link;
	uint32_t off, len; /* data[off..len) is still to be read */
	uint32_t charge;   /* what it counts for in the queue */
	struct lx_ucred cred;
	struct unix_addr *from; /* sender's name, or NULL */
	struct file **files;    /* SCM_RIGHTS */
	unsigned nfiles;
	uint8_t data[];
};

/* A bound name; immutable, reference counted. */
struct unix_addr {
	uint32_t refs; /* atomic */
	struct sock_addr addr;
};

enum unix_state { UNIX_FRESH, UNIX_LISTENING, UNIX_CONNECTED };

struct unix_sock {
	struct socket s;
	uint32_t refs; /* atomic: the file's, the peer's, in passing */

	/* Under unix_topology, and read under lock too. */
	struct unix_addr *addr;
	struct path path;           /* bound to a name in the file system: keeps its inode */
	struct list_head name_link; /* abstract names */
	struct list_head all_link;  /* every socket: for collecting garbage */
	struct list_head senders;   /* datagram sockets connected to this one */
	struct list_head sender_link;
	struct list_head pending; /* a listener's connections that wait for accept: pending_link */
	struct list_head pending_link;
	unsigned npending, backlog;
	unsigned inflight; /* messages that carry this socket's file */
	bool reachable;    /* while collecting */

	pthread_mutex_t recv_lock;

	pthread_mutex_t lock; /* everything below */
	enum unix_state state;
	struct unix_sock *peer; /* a reference */
	struct list_head queue;
	uint32_t queued; /* sum of charges */
	unsigned queue_len;
	bool rd_closed, wr_closed; /* nothing more comes; nothing more may be sent */
	bool dead;                 /* its file is gone */
	int error;                 /* SO_ERROR: a positive errno */
	struct lx_ucred peercred;

	struct waitq read_wait;  /* data, connections, end of stream */
	struct waitq write_wait; /* room at the peer, its end; a listener's: room for connections */
};

extern pthread_mutex_t unix_topology;

static inline struct unix_sock *unix_of(struct socket *s)
{
	return container_of(s, struct unix_sock, s);
}

struct unix_sock *unix_get(struct unix_sock *u);
void unix_put(struct unix_sock *u);
struct unix_addr *unix_addr_get(struct unix_addr *a);
void unix_addr_put(struct unix_addr *a);

/* unix_name.c: finding sockets by name.  With a reference; a negative errno. */
int unix_find(struct task *t, const struct sock_addr *a, int type,
              struct unix_sock **out) MUST_CHECK;
int unix_bind(struct task *t, struct socket *s, const struct sock_addr *a);
int unix_getname(struct task *t, struct socket *s, bool peer, struct sock_addr *a);
bool unix_is_named(struct unix_sock *u);
/* Gives a socket without a name an abstract one. */
int unix_autobind(struct unix_sock *u) MUST_CHECK;
/* Before the first socket is named.  Under unix_topology. */
void unix_names_init_locked(void);

/* unix.c */
/* Dissolves a datagram socket's connection. */
void unix_disconnect_locked(struct unix_sock *u);
struct lx_ucred unix_cred(struct task *t);

/* unix_io.c */
int64_t unix_sendmsg(struct task *t, struct socket *s, struct sock_msg *m);
int64_t unix_recvmsg(struct task *t, struct socket *s, struct sock_msg *m);
/* True if u may send now without waiting. */
bool unix_writable(struct unix_sock *u);
/* Frees everything queued.  Descriptors in it are put, which can run other sockets' release: no
 * lock may be held. */
void unix_purge(struct unix_sock *u);

/* unix_rights.c: messages with descriptors in flight. */
struct unix_msg *unix_msg_new(uint32_t len);
void unix_msg_free(struct unix_msg *msg);
/* Moves m's files into msg, which is about to be queued. */
int unix_rights_attach(struct sock_msg *m, struct unix_msg *msg) MUST_CHECK;
/* Takes the files out of a message: their references are the caller's.  With keep, the message
 * keeps its own too (MSG_PEEK).  *files is malloc'ed. */
int unix_rights_take(struct unix_msg *msg, bool keep, struct file ***files, unsigned *n) MUST_CHECK;
/* Visits every socket under unix_topology: visit may take its lock, and nothing else. */
void unix_for_each(void (*visit)(struct unix_sock *u, void *opaque), void *opaque);
/* Enters a new socket into the list of all.  Under unix_topology. */
void unix_track_locked(struct unix_sock *u);
/* Sockets that only messages refer to, in a circle, are emptied.  Called when a socket closes. */
void unix_collect_garbage(void);
/* True if there is no socket and nothing in flight, for tests. */
bool unix_nothing_left(void);

#endif
