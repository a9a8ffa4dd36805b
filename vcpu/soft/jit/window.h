/*
 * window.h: windows, in which guest memory is host memory at a fixed distance.
 *
 *   window.c        the window of one address space: host mappings, and the bound on their number
 *   window_fault.c  host faults of translated code
 *   window_heat.c   which spaces get a window, and when they lose it
 *
 * A window is a reservation of host address space for all guest addresses below WINDOW_LIMIT,
 * with a guard zone on either side.  It is a cache of the page tables: translated code accesses
 * it directly; where nothing is mapped, or nothing writable, the host raises SIGSEGV, whose
 * handler maps what the page tables permit and goes on, or lets the instruction take its slow
 * path.  vcpu_space_invalidate takes mappings away, once no vCPU can be filling in what it has
 * read in the page tables before.
 *
 * Locks: windows_lock (the engine's list of windows), then a window's lock.  Neither is held
 * while a vCPU is waited for.
 */
#ifndef VCPU_SOFT_JIT_WINDOW_H
#define VCPU_SOFT_JIT_WINDOW_H

#include "vcpu/soft/soft.h"

#define WINDOW_LIMIT SOFT_WINDOW_LIMIT
/* An index register of 32 bits, times 16, and then some. */
#define WINDOW_GUARD ((1ULL << 36) + (1ULL << 21))

#define WINDOW_CHUNK_SHIFT  16
#define WINDOW_REGION_SHIFT 28
#define WINDOW_REGIONS      ((unsigned)(WINDOW_LIMIT >> WINDOW_REGION_SHIFT))

struct soft_window {
	uint8_t *base; /* of guest address 0 */
	struct list_head in_engine;
	pthread_mutex_t lock; /* what follows */
	/* By chunk of 64 KiB: 0 when nothing is mapped there, else WINDOW_USED + how many host
	 * mappings may begin in it, as far as they count. */
	uint8_t *chunk;
	uint64_t regions[WINDOW_REGIONS / 64]; /* those of 256 MiB in which something is mapped */
	uint64_t maps;                         /* sum of the chunks' counts; atomic */
	uint64_t next;                         /* where the last fill ended */
	uint64_t ahead;                        /* how far the next one may go if it begins there */
};

/* NULL: no memory, no address space, or enough windows. */
struct soft_window *soft_window_new(struct vcpu_engine *e);
void soft_window_free(struct vcpu_engine *e, struct soft_window *w);
/* Takes away what is mapped in a range. */
void soft_window_drop(struct vcpu_engine *e, struct soft_window *w, uint64_t va, uint64_t len);

/* window_fault.c: when a vCPU begins to use a window; and before the thread runs translated code of
 * a vCPU, NULL after. */
void soft_window_catch_faults(void);
void soft_window_running(struct vcpu *v);

#endif
