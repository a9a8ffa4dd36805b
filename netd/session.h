/*
 * session.h: one guest's session in a worker of netd: its handles and its policy.
 */
#ifndef NETD_SESSION_H
#define NETD_SESSION_H

#include "common/evloop.h"
#include "common/list.h"
#include "ipc/bulk.h"
#include "ipc/netd.h"

struct netd_session;

#define IPC_SERVICE netd
#define IPC_SCHEMA  "ipc/ops_netd.def"
#define IPC_PEER    GUEST
#define IPC_SESSION struct netd_session
#include "ipc/gen_handlers.inc"

/* session_create's mode and flags. */
enum netd_mode { NETD_NONE, NETD_HOST };
#define NETD_STRICT          2u
#define NETD_REQUIRE_SANDBOX 4u

#define NETD_HANDLES_MAX 1048576u

/* What the parent tells a worker. */
struct netd_session_config {
	enum netd_mode mode;
	bool strict;          /* donate no descriptors */
	bool require_sandbox; /* serve only with every layer of the sandbox */
	uint32_t max_handles; /* 0: the default */
	struct ipc_bulk *bulk;
};

/* A wait_ready that has not been answered. */
struct netd_wait {
	struct list_head link; /* in netd_sock.waits */
	struct netd_sock *sock;
	struct ipc_call *call;
	uint32_t events; /* LX_POLL* */
};

/* One socket of the guest; its handle is generation << 32 | index + 1, so that the handle of a
 * closed socket is never another's. */
struct netd_sock {
	int fd; /* -1: free */
	uint32_t generation;
	uint32_t next_free;
	struct evwatch watch; /* active while somebody waits */
	struct list_head waits;
};

struct netd_session {
	struct netd_session_config config;
	bool unreachable; /* mode none without a network of its own: nothing may be named */
	struct evloop *loop;
	struct ipc_conn *conn;
	struct netd_sock **socks;                 /* by index; pointers, as watches must not move */
	uint32_t sock_count, sock_cap, free_head; /* free_head: index + 1, 0 none */
	uint32_t open_count;
	uint8_t *data;    /* a reply's payload: 64 KiB */
	uint8_t *control; /* a reply's ancillary data: 4 KiB; or a dump: NETD_DUMP_MAX */
};

#define NETD_DATA_MAX    4096u
#define NETD_CONTROL_MAX 4096u
#define NETD_DUMP_MAX    262144u

/* A worker's whole life: serves fd until the guest is gone.  Its exit status. */
int netd_worker_main(int fd, void *config);

/* sock.c: the handle table.  The socket behind a handle, or NULL. */
struct netd_sock *netd_sock_find(struct netd_session *s, uint64_t handle);
/* Enters fd, which belongs to the table from here on and is closed on failure. */
int netd_sock_add(struct netd_session *s, int fd, uint64_t *handle) MUST_CHECK;
void netd_sock_close_all(struct netd_session *s);

/* wait.c: answers what waits at the socket, because it closes. */
void netd_waits_cancel(struct netd_sock *sock);

#endif
