/*
 * worker.h: the process that serves one guest session.
 */
#ifndef FSD_WORKER_H
#define FSD_WORKER_H

#include "fsd/tree.h"

struct worker_job {
	struct fsd_session session;
	bool remove;          /* empty the upper when the guest is gone */
	bool require_sandbox; /* serve only with every layer of the sandbox */
};

/* service_worker.main: serves the session on fd until the guest is gone. */
int worker_main(int fd, void *job);

#endif
