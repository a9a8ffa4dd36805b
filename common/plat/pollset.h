/*
 * pollset.h: waiting for the readiness of many descriptors, one report per request.
 */
#ifndef COMMON_PLAT_POLLSET_H
#define COMMON_PLAT_POLLSET_H

#include <poll.h>

#include "common/base.h"

struct pollset;

struct pollset_event {
	uint64_t cookie;
	uint32_t events; /* POLL* bits */
};

/* Returns 0 or a negative host errno. */
int pollset_new(struct pollset **out) MUST_CHECK;
void pollset_free(struct pollset *ps);
/* Watches fd, silent until armed.  0, or a negative host errno: -EPERM for descriptors that
 * are always ready (regular files), -EEXIST when watched already. */
int pollset_add(struct pollset *ps, int fd, uint64_t cookie) MUST_CHECK;
/* Asks for one report of any of events (POLL* bits); errors and hangups are always reported. */
int pollset_arm(struct pollset *ps, int fd, uint64_t cookie, uint32_t events) MUST_CHECK;
/* Asks for a report of every change to one of events, until the descriptor is armed or removed. */
int pollset_watch(struct pollset *ps, int fd, uint64_t cookie, uint32_t events) MUST_CHECK;
void pollset_remove(struct pollset *ps, int fd);
/* Blocks; the number of events filled in (0 when interrupted), or a negative host errno. */
int pollset_wait(struct pollset *ps, struct pollset_event *ev, unsigned max) MUST_CHECK;

#endif
