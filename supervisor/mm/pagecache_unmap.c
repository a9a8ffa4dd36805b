/*
 * pagecache_unmap.c: what a page cache does to those who map it: truncation and punching take
 * pages out of every address space, writing back makes them read-only first, so that the next
 * write is noticed.
 *
 * pc->lock keeps the list of mappings, and with it their address spaces, in place.
 */
#include "common/log.h"
#include "supervisor/mm/guest_copy.h"
#include "supervisor/mm/internal.h"

#define SYNC_BATCH 32u

void pagecache_map_add(struct pagecache *pc, struct vma *v)
{
	pthread_mutex_lock(&pc->lock);
	list_add_tail(&v->map_link, &pc->maps);
	if (v->flags & VM_SHARED && v->flags & VM_MAYWRITE)
		pc->writable_maps++;
	pthread_mutex_unlock(&pc->lock);
}

void pagecache_map_del(struct pagecache *pc, struct vma *v)
{
	pthread_mutex_lock(&pc->lock);
	list_del_init(&v->map_link);
	if (v->flags & VM_SHARED && v->flags & VM_MAYWRITE)
		pc->writable_maps--;
	pthread_mutex_unlock(&pc->lock);
}

/* The part of v that shows pages [first, last] of its cache; false: none. */
static bool shown(const struct vma *v, uint64_t first, uint64_t last, uint64_t *lo, uint64_t *hi)
{
	uint64_t v_first = v->offset >> PAGE_SHIFT;
	uint64_t v_last = v_first + ((v->end - v->start) >> PAGE_SHIFT) - 1;

	if (first > v_last || last < v_first)
		return false;
	*lo = v->start + ((MAX(first, v_first) - v_first) << PAGE_SHIFT);
	*hi = v->start + ((MIN(last, v_last) - v_first + 1) << PAGE_SHIFT);
	return true;
}

/* Takes pages [first, last] from everyone who maps them; keep: entries that stay. */
static void unmap_all(struct pagecache *pc, uint64_t first, uint64_t last, uint64_t keep)
{
	struct pt_gather g;
	struct vma *v;
	uint64_t lo, hi;

	list_for_each_entry (v, &pc->maps, map_link) {
		if (!shown(v, first, last, &lo, &hi))
			continue;
		pt_gather_init(&g, v->mm);
		pt_unmap(v->mm, lo, hi, keep, &g);
		pt_gather_finish(&g);
	}
}

static void protect_all(struct pagecache *pc, uint64_t first, uint64_t last)
{
	struct pt_gather g;
	struct vma *v;
	uint64_t lo, hi;

	list_for_each_entry (v, &pc->maps, map_link) {
		if (!(v->flags & VM_SHARED) || !shown(v, first, last, &lo, &hi))
			continue;
		pt_gather_init(&g, v->mm);
		pt_write_protect(v->mm, lo, hi, &g);
		pt_gather_finish(&g);
	}
}

void pagecache_unmap_locked(struct pagecache *pc, uint64_t first, uint64_t last)
{
	unmap_all(pc, first, last, PTE_SW_ANON);
}

/* Zeroes part of a page that may be there. */
static void zero_part_locked(struct pagecache *pc, uint64_t offset, uint64_t n)
{
	struct vcpu_engine *engine = arena_engine(pc->arena);
	bool dirty;
	uint64_t pa = pagecache_peek_locked(pc, offset >> PAGE_SHIFT, &dirty);

	if (pa == 0 || n == 0)
		return;
	guest_zero((uint8_t *)frame_host(pc->arena, pa) + (offset & ~PAGE_MASK), n);
	if (engine)
		vcpu_ram_changed(engine, pa, PAGE_SIZE);
}

void pagecache_truncate(struct pagecache *pc, uint64_t size)
{
	uint64_t first = size >> PAGE_SHIFT;

	pthread_mutex_lock(&pc->lock);
	if (size & ~PAGE_MASK) {
		zero_part_locked(pc, size, PAGE_SIZE - (size & ~PAGE_MASK));
		first++;
	}
	/* Private copies beyond the end go too: mmap(2), SIGBUS. */
	unmap_all(pc, first, UINT64_MAX >> PAGE_SHIFT, 0);
	pagecache_drop_locked(pc, first, UINT64_MAX);
	pthread_mutex_unlock(&pc->lock);
}

void pagecache_punch(struct pagecache *pc, uint64_t offset, uint64_t len)
{
	uint64_t end, first, last;

	if (len == 0 || add_overflows(offset, len, &end))
		return;
	first = (offset + PAGE_SIZE - 1) >> PAGE_SHIFT;
	last = end >> PAGE_SHIFT;
	pthread_mutex_lock(&pc->lock);
	if (offset >> PAGE_SHIFT == end >> PAGE_SHIFT) {
		zero_part_locked(pc, offset, len);
	} else {
		if (offset & ~PAGE_MASK)
			zero_part_locked(pc, offset, PAGE_SIZE - (offset & ~PAGE_MASK));
		zero_part_locked(pc, end & PAGE_MASK, end & ~PAGE_MASK);
	}
	if (last > first) {
		unmap_all(pc, first, last - 1, PTE_SW_ANON);
		pagecache_drop_locked(pc, first, last - 1);
	}
	pthread_mutex_unlock(&pc->lock);
}

/* Some dirty pages on their way to the owner. */
struct write_batch {
	unsigned n;
	uint64_t index[SYNC_BATCH];
	uint64_t pa[SYNC_BATCH];
};

/* Takes the next dirty pages of [*from, last] and marks them clean; *from moves along. */
static void collect(struct pagecache *pc, uint64_t *from, uint64_t last, struct write_batch *b)
{
	uint64_t *word;

	b->n = 0;
	pthread_mutex_lock(&pc->lock);
	while (b->n < SYNC_BATCH && radix_next(&pc->pages, from, last, &word)) {
		uint64_t pa = *word & PTE_ADDR_MASK;

		if (*word & PAGE_DIRTY) {
			/* A transfer that is writing into the page is not noticed: it stays dirty.
			 */
			if (frame_pins(pc->arena, pa) == 0)
				*word &= ~PAGE_DIRTY;
			frame_get(pc->arena, pa);
			b->index[b->n] = *from;
			b->pa[b->n++] = pa;
		}
		++*from;
	}
	if (b->n > 0)
		protect_all(pc, b->index[0], b->index[b->n - 1]);
	pthread_mutex_unlock(&pc->lock);
}

static int write_batch(struct pagecache *pc, const struct pagecache_ops *ops, void *owner,
                       const struct write_batch *b)
{
	int ret = 0;

	for (unsigned i = 0; i < b->n; i++) {
		uint64_t size = ops->size(owner), at = b->index[i] << PAGE_SHIFT;
		int64_t r = 0;

		if (at < size && ops->write_page)
			r = ops->write_page(owner, at, frame_host(pc->arena, b->pa[i]),
			                    MIN(size - at, PAGE_SIZE));
		if (r < 0) {
			ret = (int)r;
			pthread_mutex_lock(&pc->lock);
			pagecache_set_dirty_locked(pc, b->index[i]);
			pthread_mutex_unlock(&pc->lock);
		}
	}
	frames_put(pc->arena, b->pa, b->n);
	return ret;
}

int pagecache_sync_locked(struct pagecache *pc, uint64_t offset, uint64_t len)
{
	uint64_t end, from = offset >> PAGE_SHIFT, last;
	const struct pagecache_ops *ops;
	struct write_batch b;
	void *owner;
	int ret = 0;

	if (pc->memory_only || len == 0)
		return 0;
	last = add_overflows(offset, len - 1, &end) ? UINT64_MAX >> PAGE_SHIFT : end >> PAGE_SHIFT;
	ops = pagecache_ops_of(pc, &owner);
	do {
		collect(pc, &from, last, &b);
		ret = write_batch(pc, ops, owner, &b);
	} while (b.n > 0 && ret == 0);
	return ret;
}

int pagecache_sync(struct pagecache *pc, uint64_t offset, uint64_t len)
{
	const struct pagecache_ops *ops;
	void *owner;
	int ret;

	ops = pagecache_ops_of(pc, &owner);
	if (ops->lock)
		ops->lock(owner);
	ret = pagecache_sync_locked(pc, offset, len);
	if (ops->unlock)
		ops->unlock(owner);
	return ret;
}

void pagecache_unmapped(struct pagecache *pc)
{
	bool last;

	pthread_mutex_lock(&pc->lock);
	last = pc->writable_maps == 0 && pc->npages != 0 && !pc->memory_only;
	pthread_mutex_unlock(&pc->lock);
	/* An error stays with the pages, which are dirty still, for a later fsync to report. */
	if (last && pagecache_sync(pc, 0, UINT64_MAX) != 0)
		log_debug("a mapping's changes could not be written back yet");
}
