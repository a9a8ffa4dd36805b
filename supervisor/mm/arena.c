/*
 * arena.c: guest-physical memory.  One sparse shared-memory file, mapped once, whose host pages
 * appear when they are touched; 4 KiB frames with reference counts in a table beside it.
 *
 * A cluster is 16 frames.  It is in one of four states: never used (index >= grown), entirely
 * free (list FULL_DIRTY, or FULL_ZERO if its host pages were given back), partly free (PARTIAL),
 * or entirely used (no list).  Free frames known to read as zero are marked, so that they are not
 * cleared again.  Recycled clusters are preferred to fresh ones: clearing 4 KiB costs a tenth of
 * the host's page fault.
 *
 * Locks: arena.lock protects clusters, lists and counters.  Reference counts are atomic.
 */
#include <pthread.h>
#include <unistd.h>

#include "common/list.h"
#include "common/lx/errno.h"
#include "common/plat/mem.h"
#include "supervisor/mm/frames.h"
#include "supervisor/mm/guest_copy.h"
#include "supervisor/mm/pagecache.h"
#include "supervisor/mm/vdso.h"

enum list_kind { FULL_DIRTY, FULL_ZERO, PARTIAL, LISTS };

#define NIL      UINT32_MAX
#define ALL_FREE 0xffffu
/* A wish that names no frame. */
#define ANY_FRAME UINT64_MAX
#define MIN_SIZE  (16 * CLUSTER_SIZE)

/* Free memory beyond a quarter of the limit, within these bounds (in clusters), goes back to the
 * host, a batch at a time. */
#define DIRTY_MIN  1024u
#define DIRTY_MAX  8192u
#define TRIM_BATCH 512u

/* Frames to take from page caches when there is no free one. */
#define RECLAIM_BATCH 256u

struct cluster {
	uint16_t free; /* bit i: frame i is free */
	uint16_t zero; /* subset of free: reads as zero */
	uint32_t next, prev;
};

struct frame {
	uint32_t refs; /* atomic */
	uint32_t pins; /* atomic; at most refs */
};

struct arena {
	uint8_t *base;
	uint64_t size;
	int memfd;
	uint32_t nclusters;
	struct cluster *clusters;
	struct frame *frames;
	struct vcpu_engine *engine; /* atomic; NULL before the first vCPU */

	pthread_mutex_t lock;
	uint32_t grown; /* clusters ever used: [0, grown) */
	uint32_t head[LISTS];
	uint32_t count[LISTS];
	uint64_t used; /* frames, of limit */
	uint64_t limit;
	uint32_t dirty_max; /* clusters; UINT32_MAX once the host refuses to take them */
	bool trimming;

	int64_t cached; /* atomic */
	struct arena_caches caches;
	struct vdso *vdso;
};

static uint64_t table_size(uint64_t n, uint64_t item)
{
	return round_up_u64(n * item, PAGE_SIZE);
}

int arena_new(uint64_t limit_bytes, struct arena **out)
{
	struct arena *a = calloc(1, sizeof(*a));
	uint64_t ram = plat_ram_size();
	int err;

	if (!a)
		return -LX_ENOMEM;
	if (limit_bytes == 0 || limit_bytes > ram)
		limit_bytes = ram;
	limit_bytes = MAX(limit_bytes, MIN_SIZE);
	a->limit = limit_bytes >> PAGE_SHIFT;
	a->dirty_max = (uint32_t)MIN(MAX(limit_bytes / 4 / CLUSTER_SIZE, (uint64_t)DIRTY_MIN),
	                             (uint64_t)DIRTY_MAX);
	/* Partly used clusters waste room, not memory: address space for a quarter more. */
	a->size = round_up_u64(limit_bytes + limit_bytes / 4, CLUSTER_SIZE);
	a->nclusters = (uint32_t)(a->size / CLUSTER_SIZE);
	for (int i = 0; i < LISTS; i++)
		a->head[i] = NIL;
	err = plat_shm_new("carrick-ram", a->size, &a->memfd);
	if (err)
		goto fail;
	err = plat_map_shm(a->memfd, a->size, (void **)&a->base);
	if (err)
		goto fail_fd;
	err =
	    plat_map_lazy(table_size(a->nclusters, sizeof(struct cluster)), (void **)&a->clusters);
	if (err)
		goto fail_map;
	err = plat_map_lazy(table_size(a->nclusters, CLUSTER_FRAMES * sizeof(struct frame)),
	                    (void **)&a->frames);
	if (err)
		goto fail_clusters;
	pthread_mutex_init(&a->lock, NULL);
	arena_caches_init(&a->caches);
	/* Frame 0 is never handed out, so that no valid frame has address 0. */
	a->grown = 1;
	a->clusters[0] = (struct cluster){.free = ALL_FREE & ~1u, .zero = ALL_FREE & ~1u};
	a->clusters[0].next = a->clusters[0].prev = NIL;
	a->head[PARTIAL] = 0;
	a->count[PARTIAL] = 1;
	*out = a;
	return 0;
fail_clusters:
	plat_unmap(a->clusters, table_size(a->nclusters, sizeof(struct cluster)));
fail_map:
	plat_unmap(a->base, a->size);
fail_fd:
	close(a->memfd);
fail:
	free(a);
	return err;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	vdso_free(a->vdso);
	arena_caches_release(&a->caches);
	plat_unmap(a->frames, table_size(a->nclusters, CLUSTER_FRAMES * sizeof(struct frame)));
	plat_unmap(a->clusters, table_size(a->nclusters, sizeof(struct cluster)));
	plat_unmap(a->base, a->size);
	close(a->memfd);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

void arena_ram(const struct arena *a, struct vcpu_ram *out)
{
	*out = (struct vcpu_ram){.base = a->base, .size = a->size, .memfd = a->memfd};
}

void arena_set_engine(struct arena *a, struct vcpu_engine *engine)
{
	__atomic_store_n(&a->engine, engine, __ATOMIC_RELEASE);
}

struct vcpu_engine *arena_engine(const struct arena *a)
{
	return __atomic_load_n(&a->engine, __ATOMIC_ACQUIRE);
}

struct arena_caches *arena_caches(struct arena *a)
{
	return &a->caches;
}

struct vdso **arena_vdso(struct arena *a)
{
	return &a->vdso;
}

void arena_count_cache(struct arena *a, int64_t frames)
{
	__atomic_fetch_add(&a->cached, frames, __ATOMIC_RELAXED);
}

void arena_get_stats(struct arena *a, struct arena_stats *out)
{
	int64_t cached = __atomic_load_n(&a->cached, __ATOMIC_RELAXED);

	pthread_mutex_lock(&a->lock);
	out->frames_total = a->limit;
	out->frames_used = a->used;
	out->frames_cache = cached > 0 ? (uint64_t)cached : 0;
	pthread_mutex_unlock(&a->lock);
}

void *frame_host(const struct arena *a, uint64_t pa)
{
	return a->base + pa;
}

static struct frame *frame_of(const struct arena *a, uint64_t pa)
{
	return &a->frames[pa >> PAGE_SHIFT];
}

uint32_t frame_refs(const struct arena *a, uint64_t pa)
{
	return __atomic_load_n(&frame_of(a, pa)->refs, __ATOMIC_ACQUIRE);
}

uint32_t frame_pins(const struct arena *a, uint64_t pa)
{
	return __atomic_load_n(&frame_of(a, pa)->pins, __ATOMIC_ACQUIRE);
}

bool frame_exclusive(const struct arena *a, uint64_t pa)
{
	return frame_refs(a, pa) - frame_pins(a, pa) == 1;
}

void frame_get(struct arena *a, uint64_t pa)
{
	__atomic_fetch_add(&frame_of(a, pa)->refs, 1, __ATOMIC_RELAXED);
}

void frame_pin(struct arena *a, uint64_t pa)
{
	frame_get(a, pa);
	__atomic_fetch_add(&frame_of(a, pa)->pins, 1, __ATOMIC_ACQ_REL);
}

void frame_unpin(struct arena *a, uint64_t pa)
{
	__atomic_fetch_sub(&frame_of(a, pa)->pins, 1, __ATOMIC_ACQ_REL);
	frame_put(a, pa);
}

/* Lists of clusters, linked by index. */

static enum list_kind list_of(const struct cluster *c)
{
	if (c->free != ALL_FREE)
		return PARTIAL;
	return c->zero == ALL_FREE ? FULL_ZERO : FULL_DIRTY;
}

static void list_push(struct arena *a, uint32_t ci, enum list_kind kind)
{
	struct cluster *c = &a->clusters[ci];

	c->prev = NIL;
	c->next = a->head[kind];
	if (c->next != NIL)
		a->clusters[c->next].prev = ci;
	a->head[kind] = ci;
	a->count[kind]++;
}

static void list_take(struct arena *a, uint32_t ci, enum list_kind kind)
{
	struct cluster *c = &a->clusters[ci];

	if (c->prev != NIL)
		a->clusters[c->prev].next = c->next;
	else
		a->head[kind] = c->next;
	if (c->next != NIL)
		a->clusters[c->next].prev = c->prev;
	a->count[kind]--;
}

/* Takes the frames of mask, all free, out of cluster ci; returns which of them are zero. */
static uint16_t cluster_take(struct arena *a, uint32_t ci, uint16_t mask)
{
	struct cluster *c = &a->clusters[ci];
	uint16_t zero = c->zero & mask;
	enum list_kind before = list_of(c);

	c->free &= (uint16_t)~mask;
	c->zero &= (uint16_t)~mask;
	if (before != PARTIAL || c->free == 0) {
		list_take(a, ci, before);
		if (c->free != 0)
			list_push(a, ci, PARTIAL);
	}
	a->used += (unsigned)__builtin_popcount(mask);
	return zero;
}

/* A cluster that is entirely free; NIL when there is none left. */
static uint32_t cluster_whole(struct arena *a)
{
	if (a->head[FULL_DIRTY] != NIL)
		return a->head[FULL_DIRTY];
	if (a->head[FULL_ZERO] != NIL)
		return a->head[FULL_ZERO];
	if (a->grown < a->nclusters) {
		uint32_t ci = a->grown++;

		a->clusters[ci] = (struct cluster){.free = ALL_FREE, .zero = ALL_FREE};
		list_push(a, ci, FULL_ZERO);
		return ci;
	}
	return NIL;
}

/* A cluster with the frames of mask free: a few partly used ones are tried first. */
static uint32_t cluster_find(struct arena *a, uint16_t mask, unsigned tries)
{
	uint32_t ci = a->head[PARTIAL];

	for (; ci != NIL && tries > 0; ci = a->clusters[ci].next, tries--) {
		if ((a->clusters[ci].free & mask) == mask)
			return ci;
	}
	return cluster_whole(a);
}

static void frames_init(struct arena *a, uint64_t pa, unsigned count)
{
	struct frame *f = frame_of(a, pa);

	for (unsigned i = 0; i < count; i++)
		__atomic_store_n(&f[i].refs, 1, __ATOMIC_RELAXED);
}

/* Clears the frames of [pa, pa+count pages) that are not known to be zero. */
static void frames_clear(struct arena *a, uint64_t pa, unsigned count, uint16_t zero)
{
	unsigned slot = cluster_slot(pa);

	for (unsigned i = 0; i < count; i++) {
		if (!(zero >> (slot + i) & 1))
			guest_zero(a->base + pa + i * PAGE_SIZE, PAGE_SIZE);
	}
}

/* Room for count more frames under the limit?  With the lock held. */
static bool has_room(const struct arena *a, unsigned count)
{
	return a->used + count <= a->limit;
}

static int take_run(struct arena *a, unsigned slot, unsigned count, uint64_t *pa, uint16_t *zero)
{
	uint16_t mask = (uint16_t)(((1u << count) - 1) << slot);
	uint32_t ci;
	int err = -LX_ENOMEM;

	pthread_mutex_lock(&a->lock);
	if (!has_room(a, count))
		goto out;
	ci = cluster_find(a, mask, count == CLUSTER_FRAMES ? 0 : 4);
	if (ci == NIL)
		goto out;
	*zero = cluster_take(a, ci, mask);
	*pa = (uint64_t)ci * CLUSTER_SIZE + slot * PAGE_SIZE;
	frames_init(a, *pa, count);
	err = 0;
out:
	pthread_mutex_unlock(&a->lock);
	return err;
}

int frames_new_run(struct arena *a, unsigned slot, unsigned count, unsigned how, uint64_t *pa)
{
	uint16_t mask = (uint16_t)(((1u << count) - 1) << slot), zero;

	if (take_run(a, slot, count, pa, &zero) != 0) {
		if (arena_reclaim(a, RECLAIM_BATCH) == 0)
			return -LX_ENOMEM;
		if (take_run(a, slot, count, pa, &zero) != 0)
			return -LX_ENOMEM;
	}
	if (how & FRAMES_ZEROED)
		frames_clear(a, *pa, count, zero);
	/* Frames of zeroes have no host pages yet. */
	if (how & FRAMES_SOON && zero == mask)
		plat_populate(a->base + *pa, count * PAGE_SIZE);
	return 0;
}

/* The frame at want if it is free, else one at the same place of a cluster, else any. */
static int take_one(struct arena *a, uint64_t want, uint64_t *pa, uint16_t *zero)
{
	uint64_t ci = want / CLUSTER_SIZE;
	unsigned slot = cluster_slot(want);
	int err = -LX_ENOMEM;

	pthread_mutex_lock(&a->lock);
	if (!has_room(a, 1))
		goto out;
	if (want != ANY_FRAME && (ci >= a->grown || !(a->clusters[ci].free >> slot & 1)))
		ci = cluster_find(a, (uint16_t)(1u << slot), 4);
	if (want == ANY_FRAME || ci == NIL) {
		ci = a->head[PARTIAL] != NIL ? a->head[PARTIAL] : cluster_whole(a);
		if (ci == NIL)
			goto out;
		slot = (unsigned)__builtin_ctz(a->clusters[ci].free);
	}
	*zero = cluster_take(a, (uint32_t)ci, (uint16_t)(1u << slot));
	*pa = ci * CLUSTER_SIZE + slot * PAGE_SIZE;
	frames_init(a, *pa, 1);
	err = 0;
out:
	pthread_mutex_unlock(&a->lock);
	return err;
}

static int frame_alloc(struct arena *a, uint64_t want, uint64_t *pa, uint16_t *zero)
{
	if (take_one(a, want, pa, zero) == 0)
		return 0;
	if (arena_reclaim(a, RECLAIM_BATCH) == 0)
		return -LX_ENOMEM;
	return take_one(a, want, pa, zero);
}

int frame_new_near(struct arena *a, uint64_t pa, uint64_t *out)
{
	uint16_t zero;

	return frame_alloc(a, pa, out, &zero);
}

int frame_new(struct arena *a, bool zeroed, uint64_t *pa)
{
	uint16_t zero;
	int err = frame_alloc(a, ANY_FRAME, pa, &zero);

	if (!err && zeroed)
		frames_clear(a, *pa, 1, zero);
	return err;
}

static int compare_index(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	return a < b ? -1 : a > b;
}

/*
 * Gives the host pages of some free clusters back.  The clusters are off every list and look
 * used meanwhile, so the lock need not be held over the host's calls.
 */
static void trim(struct arena *a)
{
	uint32_t batch[TRIM_BATCH];
	unsigned n = 0;

	pthread_mutex_lock(&a->lock);
	if (a->trimming || a->count[FULL_DIRTY] <= a->dirty_max) {
		pthread_mutex_unlock(&a->lock);
		return;
	}
	a->trimming = true;
	for (; n < TRIM_BATCH; n++) {
		batch[n] = a->head[FULL_DIRTY];
		list_take(a, batch[n], FULL_DIRTY);
		a->clusters[batch[n]].free = 0;
	}
	pthread_mutex_unlock(&a->lock);

	qsort(batch, n, sizeof(batch[0]), compare_index);
	for (unsigned i = 0, j; i < n; i = j) {
		bool zero;

		for (j = i + 1; j < n && batch[j] == batch[j - 1] + 1;)
			j++;
		zero = plat_shm_punch(a->memfd, (uint64_t)batch[i] * CLUSTER_SIZE,
		                      (uint64_t)(j - i) * CLUSTER_SIZE) == 0;
		pthread_mutex_lock(&a->lock);
		if (!zero)
			a->dirty_max = UINT32_MAX;
		for (unsigned k = i; k < j; k++) {
			a->clusters[batch[k]].free = ALL_FREE;
			a->clusters[batch[k]].zero = zero ? ALL_FREE : 0;
			list_push(a, batch[k], zero ? FULL_ZERO : FULL_DIRTY);
		}
		pthread_mutex_unlock(&a->lock);
	}
	pthread_mutex_lock(&a->lock);
	a->trimming = false;
	pthread_mutex_unlock(&a->lock);
}

/* Puts one frame back; with the lock held. */
static void release_frame(struct arena *a, uint64_t pa)
{
	uint32_t ci = (uint32_t)(pa / CLUSTER_SIZE);
	struct cluster *c = &a->clusters[ci];
	bool was_listed = c->free != 0;

	c->free |= (uint16_t)(1u << cluster_slot(pa));
	a->used--;
	if (c->free == ALL_FREE) {
		if (was_listed)
			list_take(a, ci, PARTIAL);
		list_push(a, ci, list_of(c));
	} else if (!was_listed) {
		list_push(a, ci, PARTIAL);
	}
}

void frames_put(struct arena *a, const uint64_t *pa, size_t n)
{
	struct vcpu_engine *engine = arena_engine(a);
	uint64_t dead[64];
	bool over = false;

	while (n > 0) {
		size_t ndead = 0;

		for (; n > 0 && ndead < ARRAY_LEN(dead); n--, pa++) {
			if (__atomic_fetch_sub(&frame_of(a, *pa)->refs, 1, __ATOMIC_ACQ_REL) == 1)
				dead[ndead++] = *pa;
		}
		if (ndead == 0)
			continue;
		if (engine) {
			for (size_t i = 0; i < ndead; i++)
				vcpu_ram_changed(engine, dead[i], PAGE_SIZE);
		}
		pthread_mutex_lock(&a->lock);
		for (size_t i = 0; i < ndead; i++)
			release_frame(a, dead[i]);
		over = a->count[FULL_DIRTY] > TRIM_BATCH &&
		       a->count[FULL_DIRTY] - TRIM_BATCH > a->dirty_max;
		pthread_mutex_unlock(&a->lock);
	}
	if (over)
		trim(a);
}

void frame_put(struct arena *a, uint64_t pa)
{
	frames_put(a, &pa, 1);
}
