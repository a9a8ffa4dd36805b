/*
 * crash.h: what a supervisor leaves behind when it dies: the last system calls of its guest, and
 * where it died.
 *
 * The monitor gives the supervisor a piece of shared memory of this shape (descriptor
 * CRASH_FD); the supervisor writes into it all the while, and never reads it.  When the supervisor
 * has died of something, the monitor has carrick-fsd keep a copy in the store, which `carrick debug
 * crash` reads.  A reader trusts nothing in it: the guest may have owned the writer.
 */
#ifndef COMMON_CRASH_H
#define COMMON_CRASH_H

#include "common/base.h"

#define CRASH_FD     4
#define CRASH_MAGIC  "carrick crash 1\n"
#define CRASH_EVENTS 8192u
#define CRASH_NAMES  512u
#define CRASH_LIMIT  (1u << 20) /* bytes of a kept report */

/* A system call of the guest, written when it begins and completed when it ends. */
struct crash_event {
	uint64_t order; /* larger is later; 0: an empty slot */
	int32_t pid, tid;
	uint32_t nr;
	uint32_t done; /* 1: result is there */
	uint64_t args[3];
	int64_t result;
	uint64_t pc; /* of the guest */
};

struct crash_ring {
	char magic[16];
	char version[32];
	uint64_t next; /* atomic; slots handed out so far */
	/* Where the supervisor died, if it could still tell: signo 0 if not. */
	uint32_t signo, host_tid;
	uint64_t address, pc, base; /* base: where the program lies, so that pc - base is in its file */
	/* Filled in when the report is made. */
	char container[64];
	char reason[256];
	uint64_t when;             /* seconds since 1970 */
	char names[CRASH_NAMES][24]; /* system calls by number */
	struct crash_event event[CRASH_EVENTS];
};
_Static_assert(sizeof(struct crash_ring) <= CRASH_LIMIT, "a report fits");

#endif
