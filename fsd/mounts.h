/*
 * mounts.h: putting a container's mounts together: the root file system, binds and volumes.
 */
#ifndef FSD_MOUNTS_H
#define FSD_MOUNTS_H

#include <jansson.h>

#include "fsd/container.h"
#include "fsd/tree.h"

struct mounts_request {
	const struct container *container;
	const struct image *image; /* NULL: root_fd is the layer */
	int root_fd;               /* a host directory, or -1; borrowed */
	bool read_only;
	const char *binds; /* JSON: [{"target","readonly","volume"?}] */
	size_t binds_len;
	const int *bind_fds; /* for the binds that are no volumes, in order; borrowed */
	unsigned bind_count;
};

/* Opens everything and fills in the session, which is complete but for its bulk region.  *json is
 * what the CLI is told: [{"target","readonly","node"}] for each bind. */
int mounts_open(struct store *s, const struct mounts_request *req, struct fsd_session *session,
                json_t **json, struct fail *f) MUST_CHECK;

/* All descriptors that the session holds, for the worker to keep; their number. */
unsigned mounts_fds(const struct fsd_session *session, int *fds, unsigned max);

#endif
