/*
 * worker.c: see worker.h.  The session was put together before the fork; what is left here is to
 * give up everything else and to serve.
 */
#include "fsd/worker.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include "common/log.h"
#include "common/lx/errno.h"
#include "fsd/confine.h"
#include "fsd/ops.h"
#include "fsd/path.h"
#include "ipc/server.h"

/* Guests have many open files, each with a descriptor here. */
static void raise_file_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &l) < 0)
			log_warn("cannot raise the limit of open files");
	}
}

/* What the container wrote goes with it.  The rest of its directory is the parent's to remove. */
static void empty_container(struct fsd_session *s)
{
	struct mount *root = &s->mounts[0];

	if (path_remove_contents(root->layer[0].fd) < 0 ||
	    path_remove_contents(root->work.links) < 0)
		log_warn("cannot remove all files of the container");
}

int worker_main(int fd, void *arg)
{
	struct worker_job *job = arg;
	struct ipc_conn_config config = {
	    .fd = fd,
	    .handlers = &ops_guest_handlers,
	    .session = &job->session,
	};
	struct ipc_conn *conn;
	int r;

	raise_file_limit();
	umask(0);
	r = confine_worker(&job->session, job->require_sandbox);
	if (r == 0)
		r = ipc_conn_new(&config, &conn);
	if (r < 0) {
		log_error("cannot serve a guest: %s", lx_errno_text(r));
		return 1;
	}
	job->session.conn = conn;
	r = ipc_conn_serve(conn);
	ipc_conn_free(conn);
	if (job->remove)
		empty_container(&job->session);
	session_release(&job->session);
	return r < 0 ? 1 : 0;
}
