/*
 * progress.h: the bar for long work of a service.  The service writes lines to a pipe:
 *   progress DONE TOTAL TEXT     bytes (TOTAL 0: unknown)
 *   error TEXT                   the sentence for the user if the work fails
 * Drawn only on a terminal.
 */
#ifndef SUPERVISOR_CLI_PROGRESS_H
#define SUPERVISOR_CLI_PROGRESS_H

#include <pthread.h>

#include "common/base.h"

struct progress {
	pthread_t thread;
	int fd;
	bool draw;
	char error[512]; /* valid after progress_finish */
};

/* *write_fd gets the pipe's end for the service; the caller closes it before progress_finish. */
bool progress_start(struct progress *p, bool quiet, int *write_fd) MUST_CHECK;
void progress_finish(struct progress *p);

#endif
