/*
 * fault.c: filling the page table on demand.
 *
 * A fault costs more than a page, so neighbours come along: an empty anonymous page brings the
 * empty pages of its 64 KiB window, from one run of frames; a page of a page cache brings those
 * of its window that are cached.  Private pages are shared read-only after a fork or with the
 * page cache, and copied at the first write; a page with one holder is written in place.  Pages
 * of files enter shared mappings read-only, so that the first write marks them dirty.
 *
 * Reading a file in happens without locks: the fault is tried again afterwards.
 */
#include "supervisor/mm/guest_copy.h"
#include "supervisor/mm/internal.h"
#include "supervisor/vfs/vfs.h"

/* One attempt.  When a page has to be read in first, need_cache and need_index say which. */
struct attempt {
	struct mm *mm;
	struct vma *v;
	uint64_t va; /* of the page */
	enum vcpu_access access;
	struct pagecache *need_cache; /* a reference */
	struct file *need_file;       /* a reference, or NULL */
	uint64_t need_index;
};

#define TRY_AGAIN ((enum mm_fault)(-1))

static bool allowed(uint32_t flags, enum vcpu_access access)
{
	switch (access) {
	case VCPU_WRITE:
		return flags & VM_WRITE;
	case VCPU_EXEC:
		return flags & VM_EXEC;
	default:
		/* Without EPAN, arm64 lets what may be written or executed be read. */
		return flags & VM_RWX;
	}
}

/* The part of the 64 KiB window around va that lies in the VMA. */
static void window(const struct vma *v, uint64_t va, uint64_t *lo, uint64_t *hi)
{
	uint64_t base = round_down_u64(va, CLUSTER_SIZE);

	*lo = MAX(base, v->start);
	*hi = MIN(base + CLUSTER_SIZE, v->end);
}

/* A window behind one that is in use is likely to be used from end to end. */
static bool sequential(const struct attempt *t)
{
	uint64_t before = round_down_u64(t->va, CLUSTER_SIZE) - PAGE_SIZE;
	const uint64_t *slot = before >= t->v->start ? pt_slot(t->mm, before) : NULL;

	return slot && pte_load(slot) != 0;
}

/* Fills the empty entries around slot with fresh pages. */
static enum mm_fault fill_anon(const struct attempt *t, uint64_t *slot)
{
	const struct vma *v = t->v;
	uint64_t lo, hi, first = t->va, end = t->va + PAGE_SIZE, pa;
	uint64_t *s = slot;
	bool writable = (v->flags & VM_WRITE) != 0;

	window(v, t->va, &lo, &hi);
	while (first > lo && pte_load(s - 1) == 0) {
		first -= PAGE_SIZE;
		s--;
	}
	while (end < hi && pte_load(slot + ((end - t->va) >> PAGE_SHIFT)) == 0)
		end += PAGE_SIZE;
	if (frames_new_run(t->mm->arena, cluster_slot(first),
	                   (unsigned)((end - first) >> PAGE_SHIFT),
	                   sequential(t) ? FRAMES_ZEROED | FRAMES_SOON : FRAMES_ZEROED, &pa) != 0) {
		first = t->va;
		end = t->va + PAGE_SIZE;
		s = slot;
		if (frame_new(t->mm->arena, true, &pa) != 0)
			return MM_FAULT_OOM;
	}
	mm_count_rss(t->mm, PTE_SW_ANON, (int64_t)((end - first) >> PAGE_SHIFT));
	for (; first < end; first += PAGE_SIZE, pa += PAGE_SIZE, s++)
		pte_store(s, pte_make(pa, v->flags, PTE_SW_ANON, writable));
	return MM_FAULT_OK;
}

/* A frame for a private copy at va, next to its neighbour's if that can be had. */
static int copy_frame(const struct attempt *t, const uint64_t *slot, uint64_t *pa)
{
	uint64_t want = cluster_slot(t->va) * PAGE_SIZE;

	if (cluster_slot(t->va) != 0) {
		uint64_t before = pte_load(slot - 1);

		if (before & PTE_SW_ANON)
			want = pte_frame(before) + PAGE_SIZE;
	}
	return frame_new_near(t->mm->arena, want, pa);
}

/* Puts a private, writable copy of the frame at from into slot.  pt_lock is held. */
static enum mm_fault break_share(const struct attempt *t, uint64_t *slot, uint64_t from)
{
	struct mm *mm = t->mm;
	uint64_t old = pte_load(slot), pa;

	if (copy_frame(t, slot, &pa) != 0)
		return MM_FAULT_OOM;
	if (old != 0) {
		/* Nobody may read the old page once the new one can be written. */
		pte_store(slot, 0);
		if (mm->space)
			vcpu_space_invalidate(mm->space, t->va, PAGE_SIZE);
		uaccess_synchronize(mm);
	}
	guest_copy(frame_host(mm->arena, pa), frame_host(mm->arena, from), PAGE_SIZE);
	pte_store(slot, pte_make(pa, t->v->flags, PTE_SW_ANON, true));
	mm_count_rss(mm, PTE_SW_ANON, 1);
	if (old != 0) {
		mm_count_rss(mm, old, -1);
		frame_put(mm->arena, pte_frame(old));
	}
	return MM_FAULT_OK;
}

/* A write to a present private page that is the process's own, if shared after a fork. */
static enum mm_fault write_own(const struct attempt *t, uint64_t *slot, uint64_t pte)
{
	if (pte_writable(pte))
		return MM_FAULT_OK;
	if (frame_exclusive(t->mm->arena, pte_frame(pte))) {
		pte_store(slot, pte_make(pte_frame(pte), t->v->flags, PTE_SW_ANON, true));
		return MM_FAULT_OK;
	}
	return break_share(t, slot, pte_frame(pte));
}

static enum mm_fault fault_anon(const struct attempt *t)
{
	struct mm *mm = t->mm;
	enum mm_fault ret = MM_FAULT_OOM;
	uint64_t *slot, pte;

	pthread_mutex_lock(&mm->pt_lock);
	slot = pt_slot_create(mm, t->va);
	if (slot) {
		pte = pte_load(slot);
		if (pte == 0)
			ret = fill_anon(t, slot);
		else if (t->access == VCPU_WRITE)
			ret = write_own(t, slot, pte);
		else
			ret = MM_FAULT_OK;
	}
	pthread_mutex_unlock(&mm->pt_lock);
	return ret;
}

static uint64_t page_index(const struct vma *v, uint64_t va)
{
	return (v->offset + (va - v->start)) >> PAGE_SHIFT;
}

/* May a page of a shared mapping be entered writable without marking it first? */
static bool enter_writable(const struct vma *v, bool dirty)
{
	return v->flags & VM_SHARED && v->flags & VM_WRITE && (v->cache->memory_only || dirty);
}

/* Enters the cached page at va into its empty slot; cache and page table are locked. */
static void enter_page(const struct attempt *t, uint64_t va, uint64_t *slot)
{
	bool dirty = false;
	uint64_t pa = pagecache_peek_locked(t->v->cache, page_index(t->v, va), &dirty);

	if (pa == 0)
		return;
	frame_get(t->mm->arena, pa);
	mm_count_rss(t->mm, 0, 1);
	pte_store(slot, pte_make(pa, t->v->flags, 0, enter_writable(t->v, dirty)));
}

static enum mm_fault enter_around(const struct attempt *t, uint64_t *slot)
{
	uint64_t lo, hi;

	window(t->v, t->va, &lo, &hi);
	slot -= (t->va - lo) >> PAGE_SHIFT;
	for (uint64_t va = lo; va < hi; va += PAGE_SIZE, slot++) {
		if (pte_load(slot) == 0)
			enter_page(t, va, slot);
	}
	return MM_FAULT_OK;
}

/* A write to a page of a shared mapping that may not be written yet, or is not there. */
static enum mm_fault write_shared(const struct attempt *t, uint64_t *slot, uint64_t pte)
{
	struct pagecache *pc = t->v->cache;
	uint64_t pa;

	if (!pc->memory_only)
		pagecache_set_dirty_locked(pc, page_index(t->v, t->va));
	if (pte == 0)
		return enter_around(t, slot);
	pa = pte_frame(pte);
	pte_store(slot, pte_make(pa, t->v->flags, 0, true));
	return MM_FAULT_OK;
}

/* The page is in the cache at pa; cache and page table are locked. */
static enum mm_fault fault_cached(const struct attempt *t, uint64_t *slot, uint64_t pa)
{
	uint64_t pte = pte_load(slot);

	if (pte & PTE_SW_ANON)
		return t->access == VCPU_WRITE ? write_own(t, slot, pte) : MM_FAULT_OK;
	if (t->access == VCPU_WRITE) {
		if (t->v->flags & VM_SHARED)
			return write_shared(t, slot, pte);
		return break_share(t, slot, pa);
	}
	return pte == 0 ? enter_around(t, slot) : MM_FAULT_OK;
}

/* A private mapping's own copy of a page needs no cache.  False: there is no such copy. */
static bool fault_own(const struct attempt *t, enum mm_fault *ret)
{
	uint64_t *slot, pte;
	bool own;

	pthread_mutex_lock(&t->mm->pt_lock);
	slot = pt_slot(t->mm, t->va);
	pte = slot ? pte_load(slot) : 0;
	own = (pte & PTE_SW_ANON) != 0;
	if (own)
		*ret = t->access == VCPU_WRITE ? write_own(t, slot, pte) : MM_FAULT_OK;
	pthread_mutex_unlock(&t->mm->pt_lock);
	return own;
}

static enum mm_fault fault_cache(struct attempt *t)
{
	struct pagecache *pc = t->v->cache;
	uint64_t index = page_index(t->v, t->va), pa, *slot;
	enum mm_fault ret = MM_FAULT_OOM;
	bool dirty = false;

	pthread_mutex_lock(&pc->lock);
	pa = pagecache_peek_locked(pc, index, &dirty);
	if (pa == 0) {
		pthread_mutex_unlock(&pc->lock);
		t->need_cache = pagecache_get(pc);
		t->need_file = t->v->file ? file_get(t->v->file) : NULL;
		t->need_index = index;
		return TRY_AGAIN;
	}
	pthread_mutex_lock(&t->mm->pt_lock);
	slot = pt_slot_create(t->mm, t->va);
	if (slot)
		ret = fault_cached(t, slot, pa);
	pthread_mutex_unlock(&t->mm->pt_lock);
	pthread_mutex_unlock(&pc->lock);
	return ret;
}

int mm_expand_stack(struct mm_edit *e, struct vma *v, uint64_t addr)
{
	struct mm *mm = e->mm;
	struct vma *prev = vma_prev(&mm->vmas, v);
	uint64_t start = round_down_u64(addr, PAGE_SIZE);
	uint64_t limit = __atomic_load_n(&mm->limits.stack, __ATOMIC_RELAXED);

	if (v->end - start > limit || start < MM_MIN_ADDR)
		return -LX_ENOMEM;
	if (prev && (prev->end > start || (prev->flags & VM_RWX && !(prev->flags & VM_GROWSDOWN) &&
	                                   start - prev->end < MM_STACK_GUARD)))
		return -LX_ENOMEM;
	if (!mm_may_grow(mm, v->flags, (v->start - start) >> PAGE_SHIFT))
		return -LX_ENOMEM;
	mm_set_bounds(v, start, v->end, v->offset);
	return 0;
}

/* The address lies below the VMA found for it: perhaps a stack that grows. */
static bool grow_stack(struct mm *mm, uint64_t va)
{
	struct mm_edit e;
	struct vma *v;
	bool ok = false;

	mm_edit_begin(&e, mm);
	v = vma_find(&mm->vmas, va);
	if (v)
		ok = v->start <= va || (v->flags & VM_GROWSDOWN && mm_expand_stack(&e, v, va) == 0);
	mm_edit_end(&e);
	return ok;
}

static enum mm_fault attempt(struct attempt *t, bool *below_stack)
{
	enum mm_fault ret = MM_FAULT_MAPERR;

	pthread_rwlock_rdlock(&t->mm->lock);
	t->v = vma_find(&t->mm->vmas, t->va);
	if (!t->v || t->v->start > t->va) {
		*below_stack = t->v && t->v->flags & VM_GROWSDOWN;
	} else if (!allowed(t->v->flags, t->access)) {
		ret = MM_FAULT_ACCERR;
	} else if (!t->v->cache) {
		ret = fault_anon(t);
	} else if (t->v->flags & VM_SHARED || !fault_own(t, &ret)) {
		ret = fault_cache(t);
	}
	pthread_rwlock_unlock(&t->mm->lock);
	return ret;
}

/* Brings the page that an attempt asked for into its cache.  The frame is held until the next
 * attempt is over, so that it cannot be dropped in between. */
static enum mm_fault read_in(struct attempt *t, uint64_t *held)
{
	int err = pagecache_get_page(t->need_cache, t->need_index, held);

	pagecache_put(t->need_cache);
	if (t->need_file)
		file_put(t->need_file);
	if (err == 0)
		return MM_FAULT_OK;
	*held = 0;
	return err == -LX_ENOMEM ? MM_FAULT_OOM : MM_FAULT_BUS;
}

/* Attempts, with what has to happen between them, until the fault is decided. */
static enum mm_fault fault(struct mm *mm, uint64_t va, enum vcpu_access access)
{
	struct attempt t = {.mm = mm, .access = access, .va = va & PAGE_MASK};
	uint64_t held = 0;
	enum mm_fault ret;

	for (;;) {
		bool below_stack = false;

		ret = attempt(&t, &below_stack);
		if (held) {
			frame_put(mm->arena, held);
			held = 0;
		}
		if (ret == TRY_AGAIN) {
			ret = read_in(&t, &held);
			if (ret != MM_FAULT_OK)
				return ret;
		} else if (!below_stack || !grow_stack(mm, va)) {
			return ret;
		}
	}
}

enum mm_fault mm_fault(struct mm *mm, uint64_t va, enum vcpu_access access)
{
	enum mm_fault ret;

	va &= (1ULL << 56) - 1; /* the top byte of an address is a tag */
	if (va >= mm->task_size)
		return MM_FAULT_MAPERR;
	ret = fault(mm, va, access);
	/* Other threads may be as short of memory: what was won can be gone again. */
	for (int i = 0; ret == MM_FAULT_OOM && i < 3 && arena_relieve(mm->arena); i++)
		ret = fault(mm, va, access);
	return ret;
}

/* Where the mapping of va ends, or the next one starts if there is none. */
static uint64_t skip_from(struct mm *mm, uint64_t va)
{
	const struct vma *v;
	uint64_t to = UINT64_MAX;

	pthread_rwlock_rdlock(&mm->lock);
	v = vma_find(&mm->vmas, va);
	if (v)
		to = v->start > va ? v->start : v->end;
	pthread_rwlock_unlock(&mm->lock);
	return to;
}

enum mm_fault mm_populate(struct mm *mm, uint64_t start, uint64_t end, bool write)
{
	enum mm_fault first = MM_FAULT_OK;
	uint64_t va = start;

	while (va < end && first != MM_FAULT_OOM) {
		enum mm_fault r = mm_fault(mm, va, write ? VCPU_WRITE : VCPU_READ);

		if (r == MM_FAULT_OK) {
			va += PAGE_SIZE;
			continue;
		}
		if (first == MM_FAULT_OK || r == MM_FAULT_OOM)
			first = r;
		/* What cannot be had here cannot be had in the rest of the mapping either, which
		 * may be a very large one. */
		va = skip_from(mm, va);
	}
	return first;
}

/* The first locked mapping from addr on whose pages are wanted at once; false: none. */
static bool next_locked(struct mm *mm, uint64_t addr, uint64_t *start, uint64_t *end)
{
	const struct vma *v;

	pthread_rwlock_rdlock(&mm->lock);
	v = vma_find(&mm->vmas, addr);
	while (v && (v->flags & (VM_LOCKED | VM_LOCKONFLT)) != VM_LOCKED)
		v = vma_next(&mm->vmas, v);
	if (v) {
		*start = MAX(v->start, addr);
		*end = v->end;
	}
	pthread_rwlock_unlock(&mm->lock);
	return v != NULL;
}

void mm_populate_locked(struct mm *mm)
{
	uint64_t start, end = 0;

	while (next_locked(mm, end, &start, &end))
		mm_populate(mm, start, end, false);
}
