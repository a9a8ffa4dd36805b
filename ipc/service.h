/*
 * service.h: what the parents of fsd and netd have in common.  carrick starts a service with a
 * listening Unix socket (--listen-fd=N).  The parent lets in connections of its own user, answers
 * the CLI operations on them on one event loop, forks a worker for each guest session, and ends
 * when it has had neither connection nor worker for a while.
 */
#ifndef IPC_SERVICE_H
#define IPC_SERVICE_H

#include <sys/types.h>

#include "ipc/server.h"

struct service;

/* One connection of the parent's socket: the session type of the CLI operations' handlers. */
struct service_client {
	struct service *service;
	struct ipc_conn *conn;
	void *data; /* service_config.data */
	pid_t pid;  /* the process at the other end, for messages */
	/* private */
	struct service_client *next;
};

struct service_config {
	const char *program;                 /* "carrick-fsd", for --version and messages */
	const struct ipc_handlers *handlers; /* the CLI operations; session struct service_client */
	void *data;
	/* Called before the loop runs, when everything that needs privileges is open: applies the
	 * parent's sandbox.  May be NULL.  0 or a negative errno, which ends the program. */
	int (*ready)(struct service *s, void *data);
};

/* The whole life of the parent; the program's exit status. */
int service_main(const struct service_config *config, int argc, char **argv) MUST_CHECK;

struct evloop *service_loop(struct service *s);

/* What a worker needs. */
struct service_worker {
	/* The child's main: serves fd, its session's socket, until the guest is gone.  Returns its
	 * exit status. */
	int (*main)(int fd, void *arg);
	/* In the parent, when the child has ended; status as waitpid(2) gives it.  May be NULL. */
	void (*ended)(void *arg, int status);
	void *arg;
	const int
	    *keep; /* descriptors of the parent that stay open in the child; all others close */
	unsigned keep_count;
};

/* Forks a worker.  *session is the other end of its socket, for the guest; it belongs to the
 * caller.  0, or a negative Linux errno (and then neither main nor ended is called). */
int service_fork(struct service *s, const struct service_worker *w, int *session) MUST_CHECK;

/* In a worker: serves conn with that many threads, this one included, until the guest is gone.
 * As ipc_conn_serve. */
int service_serve(struct ipc_conn *conn, unsigned threads) MUST_CHECK;

#endif
