/*
 * worker.c: a guest's worker: gets its network, locks itself in, and serves the session on one
 * event loop until the guest is gone.
 */
#include "netd/session.h"

#include <signal.h>
#include <sys/resource.h>

#include "common/log.h"
#include "common/lx/errno.h"
#include "common/plat/socket.h"
#include "netd/confine.h"

#define IPC_SERVICE netd
#define IPC_SCHEMA  "ipc/ops_netd.def"
#define IPC_PEER    GUEST
#define IPC_SESSION struct netd_session
#include "ipc/gen_dispatch.inc"

static void session_closed(struct ipc_conn *conn, void *session)
{
	(void)conn;
	evloop_stop(((struct netd_session *)session)->loop);
}

/* Mode none is a network with nothing but a loopback, as `docker run --network none` gives. */
static void enter_network(struct netd_session *s)
{
	int r;

	if (s->config.mode != NETD_NONE)
		return;
	r = plat_private_network();
	if (r < 0) {
		log_debug("no network namespace (%s): nothing can be reached", lx_errno_text(r));
		s->unreachable = true;
	}
}

/* The guest's limit of handles is what counts. */
static void raise_file_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return;
	l.rlim_cur = l.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &l) < 0)
		log_debug("the limit of open files stays as it is");
}

static int serve(struct netd_session *s, int fd)
{
	struct ipc_conn_config cfg = {
	    .fd = fd, .handlers = &netd_GUEST_handlers, .session = s, .closed = session_closed};
	int r = evloop_new(&s->loop);

	if (r < 0)
		return r;
	cfg.loop = s->loop;
	r = ipc_conn_new(&cfg, &s->conn);
	if (r == 0) {
		r = evloop_run(s->loop);
		netd_sock_close_all(s);
		ipc_conn_free(s->conn);
	}
	evloop_free(s->loop);
	return r;
}

int netd_worker_main(int fd, void *config)
{
	struct netd_session s = {.config = *(const struct netd_session_config *)config};
	int r = -LX_ENOMEM;

	signal(SIGPIPE, SIG_IGN);
	s.data = malloc(NETD_DATA_MAX + LX_SOCKADDR_MAX);
	s.control = malloc(NETD_DUMP_MAX);
	if (s.data && s.control) {
		raise_file_limit();
		enter_network(&s);
		r = netd_confine_worker(s.config.require_sandbox);
	}
	if (r == 0)
		r = serve(&s, fd);
	free(s.data);
	free(s.control);
	if (r < 0)
		log_error("a worker ended: %s", lx_errno_text(r));
	return r < 0 ? 1 : 0;
}
