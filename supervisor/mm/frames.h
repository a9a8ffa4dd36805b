/*
 * frames.h: the frame allocator as the rest of mm/ sees it.
 *
 * Frames are handed out from clusters of 16 (64 KiB, aligned), so that neighbouring pages of a
 * mapping lie side by side in guest-physical memory and can be mapped by the host as one run.
 */
#ifndef SUPERVISOR_MM_FRAMES_H
#define SUPERVISOR_MM_FRAMES_H

#include "common/base.h"
#include "supervisor/mm/mm.h"
#include "vcpu/pte.h"

#define CLUSTER_FRAMES 16u
#define CLUSTER_SIZE   (CLUSTER_FRAMES * PAGE_SIZE)

/* Place of an address (virtual or physical) in its 64 KiB cluster, 0..15. */
static inline unsigned cluster_slot(uint64_t addr)
{
	return (unsigned)(addr >> PAGE_SHIFT) & (CLUSTER_FRAMES - 1);
}

/* count frames side by side, the first at place slot of its cluster (slot+count <= 16), each
 * with one reference.  how: FRAMES_*.  0 or -LX_ENOMEM. */
#define FRAMES_ZEROED 1u
#define FRAMES_SOON   2u /* all of them will be touched: the host may bring them in at once */
int frames_new_run(struct arena *a, unsigned slot, unsigned count, unsigned how,
                   uint64_t *pa) MUST_CHECK;

/* One frame, not zeroed: the one at pa if that is free, else one at the same place of its
 * cluster if that is easy.  pa may be any number. */
int frame_new_near(struct arena *a, uint64_t pa, uint64_t *out) MUST_CHECK;

/* Drops one reference of each frame. */
void frames_put(struct arena *a, const uint64_t *pa, size_t n);

/* References to a frame, and whether one holder, pins aside, has it alone. */
uint32_t frame_refs(const struct arena *a, uint64_t pa);

bool frame_exclusive(const struct arena *a, uint64_t pa);

/* Pins: references of transfers that write into the frame by host address.  A pinned frame is
 * copied for the child at fork instead of being shared.  Each pin is also a reference. */
void frame_pin(struct arena *a, uint64_t pa);
void frame_unpin(struct arena *a, uint64_t pa);
uint32_t frame_pins(const struct arena *a, uint64_t pa);

/* The arena's list of page caches, for giving memory back under pressure (pagecache.c), and its
 * count of frames held by them. */
struct list_head;
struct arena_caches *arena_caches(struct arena *a);
void arena_count_cache(struct arena *a, int64_t frames);

/* The pages that every process shares for its clock calls (vdso.c); NULL until first asked for. */
struct vdso **arena_vdso(struct arena *a);

struct vcpu_engine *arena_engine(const struct arena *a);

#endif
