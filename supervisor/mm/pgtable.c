/*
 * pgtable.c: page tables of four levels in arena frames, in the format that arm64 hardware
 * reads (vcpu/pte.h), and the bulk operations on their entries.
 *
 * Entries are published with release stores, since CPUs and uaccess.c walk without locks.  What
 * is taken out of a table goes through a pt_gather: CPUs and copies in progress are told first,
 * frames are put after.
 */
#include "supervisor/mm/guest_copy.h"
#include "supervisor/mm/internal.h"

#define TABLE_ENTRIES 512u
#define TABLE_FLAGS   (PTE_VALID | PTE_TABLE)

uint64_t pte_make(uint64_t pa, uint32_t vm_flags, uint64_t own, bool writable)
{
	uint64_t pte = pa | own;

	if (!(vm_flags & VM_RWX))
		return pte | PTE_SW_NONE;
	pte |= PTE_VALID | PTE_TABLE | PTE_ATTR_WB | PTE_USER | PTE_SH_INNER | PTE_AF | PTE_NG |
	       PTE_PXN;
	if (!writable)
		pte |= PTE_RDONLY;
	if (!(vm_flags & VM_EXEC))
		pte |= PTE_UXN;
	return pte;
}

/* Gathering. */

void pt_gather_init(struct pt_gather *g, struct mm *mm)
{
	g->mm = mm;
	g->first_small.next = NULL;
	g->first_small.n = 0;
	g->chunks = &g->first_small;
	g->lo = UINT64_MAX;
	g->hi = 0;
}

void pt_gather_range(struct pt_gather *g, uint64_t va, uint64_t len)
{
	g->lo = MIN(g->lo, va);
	g->hi = MAX(g->hi, va + len);
}

void pt_gather_finish(struct pt_gather *g)
{
	struct gather_chunk *c, *next;

	if (g->hi > g->lo) {
		if (g->mm->space)
			vcpu_space_invalidate(g->mm->space, g->lo, g->hi - g->lo);
		uaccess_synchronize(g->mm);
	}
	for (c = g->chunks; c; c = next) {
		next = c->next;
		frames_put(g->mm->arena, c->pa, c->n);
		if (c != &g->first_small)
			free(c);
	}
	pt_gather_init(g, g->mm);
}

void pt_gather_frame(struct pt_gather *g, uint64_t pa)
{
	struct gather_chunk *c = g->chunks;

	if (c->n == GATHER_CHUNK) {
		c = malloc(sizeof(*c));
		if (c) {
			c->next = g->chunks;
			c->n = 0;
			g->chunks = c;
		} else {
			/* The range stays noted: more of it is to come. */
			uint64_t lo = g->lo, hi = g->hi;

			pt_gather_finish(g);
			pt_gather_range(g, lo, hi - lo);
			c = g->chunks;
		}
	}
	c->pa[c->n++] = pa;
}

/* Walking. */

static uint64_t *table_host(const struct mm *mm, uint64_t pa)
{
	return frame_host(mm->arena, pa);
}

uint64_t *pt_slot(struct mm *mm, uint64_t va)
{
	uint64_t *table = table_host(mm, mm->root);

	for (int level = 0; level < 3; level++) {
		uint64_t e = pte_load(&table[pte_index(va, level)]);

		if (!(e & PTE_VALID))
			return NULL;
		table = table_host(mm, pte_frame(e));
	}
	return &table[pte_index(va, 3)];
}

uint64_t *pt_slot_create(struct mm *mm, uint64_t va)
{
	uint64_t *table = table_host(mm, mm->root);

	for (int level = 0; level < 3; level++) {
		uint64_t *slot = &table[pte_index(va, level)];
		uint64_t e = pte_load(slot);

		if (!(e & PTE_VALID)) {
			uint64_t pa;

			if (frame_new(mm->arena, true, &pa) != 0)
				return NULL;
			mm->table_frames++;
			e = pa | TABLE_FLAGS;
			pte_store(slot, e);
		}
		table = table_host(mm, pte_frame(e));
	}
	return &table[pte_index(va, 3)];
}

uint64_t *pt_table(struct mm *mm, uint64_t va, uint64_t *next)
{
	uint64_t *table = table_host(mm, mm->root);

	for (int level = 0; level < 3; level++) {
		uint64_t span = 1ULL << (PAGE_SHIFT + 9 * (3 - level));
		uint64_t e = pte_load(&table[pte_index(va, level)]);

		*next = round_down_u64(va, span) + span;
		if (!(e & PTE_VALID))
			return NULL;
		table = table_host(mm, pte_frame(e));
	}
	return table;
}

int pt_init(struct mm *mm)
{
	int err = frame_new(mm->arena, true, &mm->root);

	if (!err)
		mm->table_frames = 1;
	return err;
}

/*
 * Visits the present entries of [start, end): the body sees va, slot and pte.  Holes are
 * skipped a table at a time.
 */
#define for_each_present(mm, lo, hi, va, slot, pte)                                               \
	for (uint64_t va = (lo), next_ = 0; va < (hi); va = next_)                                \
		for (uint64_t *table_ = pt_table((mm), va, &next_), *slot; table_; table_ = NULL) \
			for (uint64_t stop_ = MIN(next_, (hi)), pte; va < stop_; va += PAGE_SIZE) \
				if ((slot = &table_[pte_index(va, 3)],                            \
				     (pte = pte_load(slot)) == 0))                                \
					continue;                                                 \
				else

int64_t mm_rss(struct mm *mm)
{
	int64_t rss = __atomic_load_n(&mm->rss_anon, __ATOMIC_RELAXED) +
	              __atomic_load_n(&mm->rss_file, __ATOMIC_RELAXED);
	int64_t peak = __atomic_load_n(&mm->peak_rss, __ATOMIC_RELAXED);

	while (rss > peak && !__atomic_compare_exchange_n(&mm->peak_rss, &peak, rss, true,
	                                                  __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	return rss;
}

void pt_unmap(struct mm *mm, uint64_t start, uint64_t end, uint64_t keep, struct pt_gather *g)
{
	(void)mm_rss(mm);
	pthread_mutex_lock(&mm->pt_lock);
	for_each_present(mm, start, end, va, slot, pte)
	{
		if (pte & keep)
			continue;
		__atomic_store_n(slot, 0, __ATOMIC_RELAXED);
		mm_count_rss(mm, pte, -1);
		pt_gather_range(g, va, PAGE_SIZE);
		pt_gather_frame(g, pte_frame(pte));
	}
	pthread_mutex_unlock(&mm->pt_lock);
}

void pt_write_protect(struct mm *mm, uint64_t start, uint64_t end, struct pt_gather *g)
{
	pthread_mutex_lock(&mm->pt_lock);
	for_each_present(mm, start, end, va, slot, pte)
	{
		if (!pte_writable(pte))
			continue;
		__atomic_store_n(slot, pte | PTE_RDONLY, __ATOMIC_RELAXED);
		pt_gather_range(g, va, PAGE_SIZE);
	}
	pthread_mutex_unlock(&mm->pt_lock);
}

/* A page of a file counts its cache among its users. */
static void tally_page(const struct arena *arena, const struct vma *v, uint64_t pte, struct mm_pages *out)
{
	uint32_t refs = frame_refs(arena, pte_frame(pte));
	bool own = pte & PTE_SW_ANON, dirty = v->flags & VM_SHARED && pte_writable(pte);
	uint32_t users = MAX(own ? refs : refs - 1, 1u);

	out->resident += PAGE_SIZE;
	out->proportional += PAGE_SIZE / users;
	if (own) {
		out->anonymous += PAGE_SIZE;
		out->anonymous_shared += users > 1 ? PAGE_SIZE : 0;
	} else if (users > 1) {
		*(dirty ? &out->dirty_shared : &out->clean_shared) += PAGE_SIZE;
	} else {
		*(dirty ? &out->dirty_private : &out->clean_private) += PAGE_SIZE;
	}
}

void pt_tally(struct vma *v, uint64_t start, uint64_t end, struct mm_pages *out)
{
	struct mm *mm = v->mm;

	*out = (struct mm_pages){0};
	pthread_mutex_lock(&mm->pt_lock);
	for_each_present(mm, start, end, va, slot, pte)
	{
		tally_page(mm->arena, v, pte, out);
	}
	pthread_mutex_unlock(&mm->pt_lock);
}

/* Does the new entry forbid what the old one allowed? */
static bool restricts(uint64_t old, uint64_t new)
{
	if (!(old & PTE_VALID))
		return false;
	return !(new &PTE_VALID) || (pte_writable(old) && !pte_writable(new)) ||
	       (!(old & PTE_UXN) && new &PTE_UXN);
}

void pt_protect(struct vma *v, uint64_t start, uint64_t end, struct pt_gather *g)
{
	struct mm *mm = v->mm;
	struct vcpu_engine *engine = arena_engine(mm->arena);

	pthread_mutex_lock(&mm->pt_lock);
	for_each_present(mm, start, end, va, slot, pte)
	{
		uint64_t pa = pte_frame(pte), own = pte & PTE_SW_ANON, changed;
		bool writable = false;

		if (v->flags & VM_WRITE) {
			if (own && !(v->flags & VM_SHARED))
				writable = frame_exclusive(mm->arena, pa);
			else
				writable = pte_writable(pte) ||
				           (v->flags & VM_SHARED && v->cache->memory_only);
		}
		changed = pte_make(pa, v->flags, own, writable);
		if (changed == pte)
			continue;
		if (restricts(pte, changed))
			pt_gather_range(g, va, PAGE_SIZE);
		/* Bytes stored before the page became executable were not announced as code. */
		if (engine && own && (v->flags & VM_EXEC) && (pte & PTE_UXN || !(pte & PTE_VALID)))
			vcpu_ram_changed(engine, pa, PAGE_SIZE);
		pte_store(slot, changed);
	}
	pthread_mutex_unlock(&mm->pt_lock);
}

int pt_move(struct mm *mm, uint64_t from, uint64_t to, uint64_t len, struct pt_gather *g)
{
	int err = 0;

	pthread_mutex_lock(&mm->pt_lock);
	for_each_present(mm, from, from + len, va, slot, pte)
	{
		uint64_t *target = pt_slot_create(mm, va - from + to);

		if (!target) {
			err = -LX_ENOMEM;
			goto out;
		}
		__atomic_store_n(slot, 0, __ATOMIC_RELAXED);
		pte_store(target, pte);
		pt_gather_range(g, va, PAGE_SIZE);
	}
out:
	pthread_mutex_unlock(&mm->pt_lock);
	return err;
}

/* The child's last-level table for va, kept in *table while va stays inside it. */
static uint64_t *fork_slot(struct mm *child, uint64_t va, uint64_t **table, uint64_t *span)
{
	uint64_t base = round_down_u64(va, MM_TABLE_SPAN);

	if (!*table || *span != base) {
		*table = pt_slot_create(child, base);
		*span = base;
	}
	return *table ? &(*table)[pte_index(va, 3)] : NULL;
}

/* The child's own copy of a page that a transfer is writing into. */
static int fork_pinned(struct mm *child, struct vma *v, uint64_t va, uint64_t pa, uint64_t *slot)
{
	uint64_t copy;
	int err = frame_new_near(child->arena, cluster_slot(va) * PAGE_SIZE, &copy);

	if (err)
		return err;
	guest_copy(frame_host(child->arena, copy), frame_host(child->arena, pa), PAGE_SIZE);
	pte_store(slot, pte_make(copy, v->flags, PTE_SW_ANON, (v->flags & VM_WRITE) != 0));
	return 0;
}

int pt_fork(struct mm *child, struct vma *v, struct pt_gather *g)
{
	struct mm *mm = v->mm;
	uint64_t *table = NULL, span = 0;
	int64_t anon = 0, other = 0;
	int err = 0;

	pthread_mutex_lock(&mm->pt_lock);
	pthread_mutex_lock(&child->pt_lock); /* nobody else has both */
	for_each_present(mm, v->start, v->end, va, slot, pte)
	{
		uint64_t pa = pte_frame(pte);
		uint64_t *target = fork_slot(child, va, &table, &span);

		if (!target) {
			err = -LX_ENOMEM;
			goto out;
		}
		if (pte & PTE_SW_ANON)
			anon++;
		else
			other++;
		if (pte & PTE_SW_ANON && frame_pins(mm->arena, pa) != 0) {
			err = fork_pinned(child, v, va, pa, target);
			if (err)
				goto out;
			continue;
		}
		if (!(v->flags & VM_SHARED) && pte_writable(pte)) {
			pte |= PTE_RDONLY;
			__atomic_store_n(slot, pte, __ATOMIC_RELAXED);
			pt_gather_range(g, va, PAGE_SIZE);
		}
		frame_get(mm->arena, pa);
		__atomic_store_n(target, pte, __ATOMIC_RELAXED);
	}
out:
	pthread_mutex_unlock(&child->pt_lock);
	pthread_mutex_unlock(&mm->pt_lock);
	__atomic_fetch_add(&child->rss_anon, anon, __ATOMIC_RELAXED);
	__atomic_fetch_add(&child->rss_file, other, __ATOMIC_RELAXED);
	return err;
}

/* What pt_free_tables is about: tables that reach into [start, end) and not out of
 * [floor, ceiling). */
struct table_range {
	uint64_t start, end, floor, ceiling;
	struct pt_gather *gather;
};

static void free_level(struct mm *mm, uint64_t *table, int level, uint64_t base,
                       const struct table_range *r)
{
	uint64_t span = 1ULL << (PAGE_SHIFT + 9 * (3 - level));
	uint64_t lo = MAX(base, round_down_u64(r->start, span));
	uint64_t hi = MIN(base + span * TABLE_ENTRIES, r->end);

	for (uint64_t va = lo; va < hi; va += span) {
		uint64_t *slot = &table[pte_index(va, level)];
		uint64_t e = pte_load(slot);

		if (!(e & PTE_VALID))
			continue;
		if (level < 2)
			free_level(mm, table_host(mm, pte_frame(e)), level + 1, va, r);
		if (va < r->floor || va + span > r->ceiling)
			continue;
		__atomic_store_n(slot, 0, __ATOMIC_RELAXED);
		mm->table_frames--;
		pt_gather_range(r->gather, va, span);
		pt_gather_frame(r->gather, pte_frame(e));
	}
}

void pt_free_tables(struct mm *mm, uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling,
                    struct pt_gather *g)
{
	const struct table_range r = {start, end, floor, ceiling, g};

	if (round_up_u64(floor, MM_TABLE_SPAN) >= round_down_u64(ceiling, MM_TABLE_SPAN))
		return;
	pthread_mutex_lock(&mm->pt_lock);
	free_level(mm, table_host(mm, mm->root), 0, 0, &r);
	pthread_mutex_unlock(&mm->pt_lock);
}

struct put_batch {
	struct arena *arena;
	size_t n;
	uint64_t pa[256];
};

static void batch_put(struct put_batch *b, uint64_t pa)
{
	if (b->n == ARRAY_LEN(b->pa)) {
		frames_put(b->arena, b->pa, b->n);
		b->n = 0;
	}
	b->pa[b->n++] = pa;
}

static void release_level(struct mm *mm, uint64_t table_pa, int level, struct put_batch *b)
{
	uint64_t *table = table_host(mm, table_pa);

	for (unsigned i = 0; i < TABLE_ENTRIES; i++) {
		uint64_t e = pte_load(&table[i]);

		if (e == 0)
			continue;
		if (level < 3)
			release_level(mm, pte_frame(e), level + 1, b);
		else
			batch_put(b, pte_frame(e));
	}
	batch_put(b, table_pa);
}

void pt_release(struct mm *mm)
{
	struct put_batch b = {.arena = mm->arena, .n = 0};

	if (mm->root)
		release_level(mm, mm->root, 0, &b);
	frames_put(mm->arena, b.pa, b.n);
	mm->root = 0;
}
