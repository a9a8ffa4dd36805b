/*
 * pagecache.h: the page cache as the rest of mm/ sees it; mm.h has what file systems use.
 *
 * A page cache knows every VMA that maps it, so that a page can be taken away from all of them.
 * Lock order: mm.lock, pagecache.lock, mm.pt_lock, and the list of caches (a leaf).
 */
#ifndef SUPERVISOR_MM_PAGECACHE_H
#define SUPERVISOR_MM_PAGECACHE_H

#include <pthread.h>

#include "common/base.h"
#include "common/list.h"
#include "supervisor/mm/mm.h"
#include "supervisor/mm/radix.h"

struct vma;

struct pagecache {
	uint32_t refs; /* atomic: the owner's and one for each VMA */
	bool memory_only;
	const struct pagecache_ops *ops; /* of the owner; changed with lock held, when it goes */
	void *owner;                     /* the cache itself for shared anonymous memory */
	struct arena *arena;
	uint64_t id;           /* never reused: identity of shared futexes */
	uint64_t anon_size;    /* of shared anonymous memory */
	struct list_head link; /* arena's list */

	pthread_mutex_t lock;   /* everything below */
	struct list_head maps;  /* vma.map_link */
	uint32_t writable_maps; /* shared mappings that may write */
	struct radix pages;     /* frame address, and PAGE_DIRTY */
	uint64_t npages;        /* atomic; written under lock */
	uint32_t visitors;      /* who call the owner without a reference to it */
	pthread_cond_t no_visitors;
	uint64_t reclaim_at; /* where the search for pages to drop goes on */
};

/* Shared anonymous memory of size bytes, with one reference. */
int pagecache_new_anon(struct arena *a, uint64_t size, struct pagecache **out) MUST_CHECK;
struct pagecache *pagecache_get(struct pagecache *pc);
void pagecache_put(struct pagecache *pc);

/* The owner and its operations now: pagecache_free exchanges them. */
const struct pagecache_ops *pagecache_ops_of(struct pagecache *pc, void **owner);

/* The object's size now; takes the owner's locks. */
uint64_t pagecache_size(struct pagecache *pc);

#define PAGE_DIRTY 1ULL /* in a word of pagecache.pages: the owner's storage is behind */

/* Takes the pages of [first, last] out; nobody maps them. */
void pagecache_drop_locked(struct pagecache *pc, uint64_t first, uint64_t last);

/*
 * The page at index if it is there: its frame, without a reference; with pc->lock held.
 * 0 when absent.  A dirty page has *dirty set.
 */
uint64_t pagecache_peek_locked(struct pagecache *pc, uint64_t index, bool *dirty);
void pagecache_set_dirty_locked(struct pagecache *pc, uint64_t index);

/* Takes pages [first, last] out of every page table; private copies stay. */
void pagecache_unmap_locked(struct pagecache *pc, uint64_t first, uint64_t last);

/* Adds and removes a mapping; the caller holds mm.lock exclusively.  Bounds, offset and flags of
 * a mapping change with pc->lock held. */
void pagecache_map_add(struct pagecache *pc, struct vma *v);
void pagecache_map_del(struct pagecache *pc, struct vma *v);

/* A shared mapping that could write has gone: writes back if it was the last one. */
void pagecache_unmapped(struct pagecache *pc);

/* The caches of an arena. */
struct arena_caches {
	pthread_mutex_t lock;
	struct list_head list;
};
void arena_caches_init(struct arena_caches *c);
void arena_caches_release(struct arena_caches *c);
/* Drops clean pages that nobody maps until n frames are free or there are no more; returns how
 * many frames were freed.  May be called with any lock of mm/ held. */
uint64_t arena_reclaim(struct arena *a, uint64_t n);
/* Does more: writes dirty pages back and takes pages from those who map them.  To be called with
 * no lock held, once, after -LX_ENOMEM; true if it was worth trying again. */
bool arena_relieve(struct arena *a);

#endif
