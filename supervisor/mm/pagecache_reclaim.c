/*
 * pagecache_reclaim.c: giving the pages of files back when frames run out.
 *
 * There are two steps.  An allocation that fails, wherever it is, drops pages that are clean and
 * that nobody maps; it may hold any lock of mm/, so it only ever tries locks.  If that was not
 * enough, the error travels up to a caller that holds no lock, and arena_relieve writes dirty
 * pages back and takes pages away from those who map them; then the caller tries once more.
 */
#include "supervisor/mm/internal.h"

/* Frames that arena_relieve tries to win, and how many it unmaps at once. */
#define RELIEF  2048u
#define STRETCH 256u

void arena_caches_init(struct arena_caches *c)
{
	pthread_mutex_init(&c->lock, NULL);
	list_init(&c->list);
}

void arena_caches_release(struct arena_caches *c)
{
	pthread_mutex_destroy(&c->lock);
}

/* Drops up to n pages that are clean and that nobody else holds. */
static uint64_t reclaim_one(struct pagecache *pc, uint64_t n)
{
	uint64_t dropped = 0, index = pc->reclaim_at, *word;
	uint64_t scan = n * 16;

	while (dropped < n && scan-- > 0) {
		uint64_t pa;

		if (!radix_next(&pc->pages, &index, UINT64_MAX, &word)) {
			index = 0;
			break;
		}
		pa = *word & PTE_ADDR_MASK;
		if (!(*word & PAGE_DIRTY) && frame_refs(pc->arena, pa) == 1) {
			*word = 0;
			__atomic_fetch_sub(&pc->npages, 1, __ATOMIC_RELAXED);
			arena_count_cache(pc->arena, -1);
			frame_put(pc->arena, pa);
			dropped++;
		}
		index++;
	}
	pc->reclaim_at = index;
	return dropped;
}

uint64_t arena_reclaim(struct arena *a, uint64_t n)
{
	struct arena_caches *all = arena_caches(a);
	struct pagecache *pc;
	uint64_t dropped = 0;

	/* The caller may hold the lock of any cache, so nothing here may wait. */
	if (pthread_mutex_trylock(&all->lock) != 0)
		return 0;
	list_for_each_entry (pc, &all->list, link) {
		if (dropped >= n)
			break;
		if (pthread_mutex_trylock(&pc->lock) != 0)
			continue;
		dropped += reclaim_one(pc, n - dropped);
		pthread_mutex_unlock(&pc->lock);
	}
	pthread_mutex_unlock(&all->lock);
	return dropped;
}

/* Unmaps and drops the clean pages of one cache, a stretch at a time, until n are dropped. */
static uint64_t shrink(struct pagecache *pc, uint64_t n)
{
	uint64_t index = 0, dropped = 0, *word;

	pthread_mutex_lock(&pc->lock);
	while (dropped < n && radix_next(&pc->pages, &index, UINT64_MAX, &word)) {
		uint64_t last = index + STRETCH - 1;

		pagecache_unmap_locked(pc, index, last);
		pc->reclaim_at = index;
		dropped += reclaim_one(pc, MIN(n - dropped, (uint64_t)STRETCH));
		index = last + 1;
	}
	pthread_mutex_unlock(&pc->lock);
	return dropped;
}

static bool get_unless_gone(struct pagecache *pc)
{
	uint32_t refs = __atomic_load_n(&pc->refs, __ATOMIC_RELAXED);

	while (refs != 0) {
		if (__atomic_compare_exchange_n(&pc->refs, &refs, refs + 1, true, __ATOMIC_ACQ_REL,
		                                __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

/* The cache behind prev in the list, with a reference; prev's is dropped.  NULL: the end, or prev
 * has left the list. */
static struct pagecache *next_cache(struct arena_caches *all, struct pagecache *prev)
{
	struct pagecache *found = NULL;
	struct list_head *at;

	pthread_mutex_lock(&all->lock);
	at = prev ? prev->link.next : all->list.next;
	if (prev && at == &prev->link)
		at = &all->list;
	for (; !found && at != &all->list; at = at->next) {
		struct pagecache *pc = list_entry(at, struct pagecache, link);

		if (get_unless_gone(pc))
			found = pc;
	}
	pthread_mutex_unlock(&all->lock);
	if (prev)
		pagecache_put(prev);
	return found;
}

/* Writes back although no reference to the owner is held: pagecache_free waits meanwhile. */
static int visit_and_sync(struct pagecache *pc)
{
	int err;

	pthread_mutex_lock(&pc->lock);
	if (pc->owner == pc) {
		pthread_mutex_unlock(&pc->lock);
		return 0;
	}
	pc->visitors++;
	pthread_mutex_unlock(&pc->lock);
	err = pagecache_sync(pc, 0, UINT64_MAX);
	pthread_mutex_lock(&pc->lock);
	if (--pc->visitors == 0)
		pthread_cond_broadcast(&pc->no_visitors);
	pthread_mutex_unlock(&pc->lock);
	return err;
}

bool arena_relieve(struct arena *a)
{
	struct arena_caches *all = arena_caches(a);
	struct pagecache *pc = NULL;
	uint64_t dropped = 0;

	while (dropped < RELIEF && (pc = next_cache(all, pc)) != NULL) {
		/* A page that cannot be written back stays. */
		if (visit_and_sync(pc) != 0)
			continue;
		dropped += shrink(pc, RELIEF - dropped);
	}
	if (pc)
		pagecache_put(pc);
	return dropped > 0;
}
