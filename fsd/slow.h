/*
 * slow.h: host calls that may take long (syncing, allocating, copying) run on helper threads, so
 * that they hold up nobody else's request; the reply goes out when they are done.  They work on
 * descriptors of their own and touch nothing of the session.
 */
#ifndef FSD_SLOW_H
#define FSD_SLOW_H

#include "fsd/tree.h"

struct slow_job {
	enum { SLOW_FSYNC, SLOW_FALLOCATE, SLOW_COPY } kind;
	int fd, to;     /* borrowed; to: SLOW_COPY only */
	bool data_only; /* SLOW_FSYNC */
	int mode;       /* SLOW_FALLOCATE */
	uint64_t off, to_off, len;
};

/* Runs the job later if the session has a connection, else at once.  Returns what the handler has
 * to return. */
int64_t slow_run(struct fsd_session *s, const struct slow_job *job);

#endif
