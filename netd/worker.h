/*
 * worker.h: a guest's network session: its sockets and what it may do with them.
 */
#ifndef NETD_WORKER_H
#define NETD_WORKER_H

#include <pthread.h>

#include "ipc/ipc.h"
#include "ipc/netd.h"

#define NETD_MODE_NONE 0u /* a network of its own with nothing but a loopback */
#define NETD_MODE_HOST 1u /* the host's */

#define NETD_FLAG_STRICT 2u /* donate no descriptors */

struct netd_socket {
	int fd; /* -1: free */
	uint32_t generation;
};

struct netd_waits;

struct netd_session {
	uint32_t mode;
	bool strict;
	bool offline; /* mode none on a host that permits no network namespace: no sockets at all */
	struct ipc_conn *conn;
	struct ipc_bulk *bulk;
	struct netd_waits *waits;
	char *interfaces; /* JSON, as it was when the session began */

	pthread_mutex_t lock; /* protects what follows */
	struct netd_socket *sockets;
	uint32_t count; /* elements */
	uint32_t limit; /* most sockets */
};

/* Prepares a session before the fork.  0 or a negative Linux errno. */
int netd_session_init(struct netd_session *s, const struct netd_session_create_req *req, int *bulk_fd) MUST_CHECK;
void netd_session_release(struct netd_session *s);

/* The worker process (service_worker.main): arg is its struct netd_session. */
int netd_worker_main(int fd, void *arg);

/* The sockets' table.  A handle is index and generation; handles that were closed stay invalid. */
int64_t netd_socket_add(struct netd_session *s, int fd, uint64_t *handle) MUST_CHECK; /* takes fd on success */
/* A duplicate of the socket's descriptor, which stays valid whatever becomes of the handle; -LX_EBADF. */
int netd_socket_dup(struct netd_session *s, uint64_t handle) MUST_CHECK;
int64_t netd_socket_close(struct netd_session *s, uint64_t handle) MUST_CHECK;

/* Waiting for readiness without holding a serving thread. */
int netd_waits_new(struct netd_waits **out) MUST_CHECK;
/* Answers call when one of events (POLL* bits) holds for fd, which becomes the wait's. */
int64_t netd_wait_ready(struct netd_session *s, int fd, uint32_t events) MUST_CHECK;

/* All interfaces with their addresses, as JSON (malloc); NULL on failure. */
char *netd_interfaces(void);

/* True if a guest may use this option; *get tells reading from setting. */
bool netd_option_permitted(uint32_t level, uint32_t name, bool get);

#endif
