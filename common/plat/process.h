/* process.h: host calls about processes and their descriptors that differ between systems. */
#ifndef COMMON_PLAT_PROCESS_H
#define COMMON_PLAT_PROCESS_H

#include <sys/types.h>

#include "common/base.h"

/* User and process at the other end of a connected Unix socket.  0 or a negative Linux errno. */
int plat_peer(int fd, uid_t *uid, pid_t *pid) MUST_CHECK;

/* Closes every descriptor from `from` up, except those in keep (in any order, repeats allowed). */
void plat_close_all_but(int from, const int *keep, unsigned count);

#endif
