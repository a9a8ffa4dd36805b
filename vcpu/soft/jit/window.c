/*
 * window.c: the window of one address space: what is mapped in it, and how much that costs.
 *
 * A fill maps a run of pages that are neighbours in the guest and in its RAM and have the same
 * permissions: those of the 64 KiB chunk around the fault, and, when one fill follows another,
 * more of them ahead.  The host joins mappings that continue each other, so a window needs few
 * of them as long as RAM is handed out in order.
 *
 * The host bounds the number of a process's mappings.  All windows together are kept below
 * that by a count that is never too low: a run adds two, its own and what is left behind it of
 * the one that it splits, and no chunk counts more than it can hold.  When the bound is near,
 * the window with the most mappings is emptied.
 */
#include "vcpu/soft/jit/window.h"

#include <errno.h>
#include <sys/mman.h>
#include <time.h>

#define CHUNK         (1ULL << WINDOW_CHUNK_SHIFT)
#define REGION        (1ULL << WINDOW_REGION_SHIFT)
#define REGION_CHUNKS (1u << (WINDOW_REGION_SHIFT - WINDOW_CHUNK_SHIFT))
#define CHUNKS        (WINDOW_LIMIT / CHUNK)
#define WINDOW_USED   0x80u
#define CHUNK_MAPS    34u /* 17 times 2: each page by itself */
#define AHEAD_MAX     (2ULL << 20)
#define WINDOWS_MAX   100u
#define MAPPED_BYTES  (WINDOW_GUARD + WINDOW_LIMIT + WINDOW_GUARD)

/* Host mappings that are left to everybody else, and the host's usual bound. */
#define MAPS_RESERVED 8192u
#define MAPS_DEFAULT  65530u
#define MAPS_MIN      1024u

/* Thread sanitizer's own use of the address space leaves no room for windows. */
#ifdef __SANITIZE_THREAD__
#define HAS_TSAN 1
#else
#define HAS_TSAN 0
#endif

static void *map_nothing(void *at, uint64_t len)
{
	return mmap(at, len, PROT_NONE,
	            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (at ? MAP_FIXED : 0), -1, 0);
}

struct soft_window *soft_window_new(struct vcpu_engine *e)
{
	struct soft_windows *all = &e->windows;
	struct soft_window *w = calloc(1, sizeof(*w));
	bool full;

	if (!w)
		return NULL;
	pthread_mutex_lock(&all->lock);
	full = all->count == WINDOWS_MAX;
	all->count += !full;
	pthread_mutex_unlock(&all->lock);
	if (full)
		goto fail;
	w->chunk = mmap(NULL, CHUNKS, PROT_READ | PROT_WRITE,
	                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (w->chunk == MAP_FAILED)
		goto fail_count;
	void *p = map_nothing(NULL, MAPPED_BYTES);

	if (p == MAP_FAILED)
		goto fail_chunk;
	w->base = (uint8_t *)p + WINDOW_GUARD;
	pthread_mutex_init(&w->lock, NULL);
	pthread_mutex_lock(&all->lock);
	list_add_tail(&w->in_engine, &all->list);
	pthread_mutex_unlock(&all->lock);
	__atomic_fetch_add(&all->created, 1, __ATOMIC_RELAXED);
	return w;
fail_chunk:
	munmap(w->chunk, CHUNKS);
fail_count:
	pthread_mutex_lock(&all->lock);
	all->count--;
	pthread_mutex_unlock(&all->lock);
fail:
	free(w);
	return NULL;
}

void soft_window_free(struct vcpu_engine *e, struct soft_window *w)
{
	struct soft_windows *all = &e->windows;

	if (!w)
		return;
	pthread_mutex_lock(&all->lock);
	list_del_init(&w->in_engine);
	all->count--;
	pthread_mutex_unlock(&all->lock);
	__atomic_fetch_sub(&all->maps, w->maps, __ATOMIC_RELAXED);
	munmap(w->base - WINDOW_GUARD, MAPPED_BYTES);
	munmap(w->chunk, CHUNKS);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

/* With w->lock, as all below: adds to, or takes from, what the chunk counts. */
static void count(struct vcpu_engine *e, struct soft_window *w, uint64_t n, int delta)
{
	unsigned now = w->chunk[n] & ~WINDOW_USED;
	unsigned then = delta < 0 ? 0 : MIN(now + (unsigned)delta, CHUNK_MAPS);

	w->chunk[n] = delta < 0 ? 0 : (uint8_t)(WINDOW_USED | then);
	__atomic_fetch_add(&w->maps, (uint64_t)then - now, __ATOMIC_RELAXED);
	__atomic_fetch_add(&e->windows.maps, (uint64_t)then - now, __ATOMIC_RELAXED);
}

/* Notes that [lo, hi) is mapped by one run. */
static void note(struct vcpu_engine *e, struct soft_window *w, uint64_t lo, uint64_t hi)
{
	for (uint64_t n = lo / CHUNK; n <= (hi - 1) / CHUNK; n++) {
		unsigned region = (unsigned)(n / REGION_CHUNKS);

		count(e, w, n, n == lo / CHUNK ? 2 : 0);
		w->regions[region / 64] |= 1ULL << (region % 64);
	}
}

/*
 * The guest must not keep what it lost.  Taking a part of a mapping away may fail for want of
 * another one, which the count prevents, or of the host's memory; taking the whole window away
 * needs neither, once others give way.
 */
static void unmap(struct soft_window *w, uint64_t lo, uint64_t hi)
{
	struct timespec pause = {.tv_nsec = 1000000};

	if (map_nothing(w->base + lo, hi - lo) != MAP_FAILED)
		return;
	while (map_nothing(w->base - WINDOW_GUARD, MAPPED_BYTES) == MAP_FAILED)
		nanosleep(&pause, NULL);
}

/* Empties [lo, hi) of one region. */
static void drop_in_region(struct vcpu_engine *e, struct soft_window *w, uint64_t lo, uint64_t hi)
{
	uint64_t first = UINT64_MAX, last = 0;

	for (uint64_t n = lo / CHUNK; n <= (hi - 1) / CHUNK; n++) {
		if (!w->chunk[n])
			continue;
		first = MIN(first, n);
		last = n;
		if (n * CHUNK >= lo && (n + 1) * CHUNK <= hi)
			count(e, w, n, -1);
		else
			count(e, w, n, 2);
	}
	if (first > last)
		return;
	lo = MAX(lo, first * CHUNK);
	hi = MIN(hi, (last + 1) * CHUNK);
	/* What is left of a run that went on behind the range begins there now. */
	if (hi % CHUNK == 0 && hi < WINDOW_LIMIT && w->chunk[hi / CHUNK])
		count(e, w, hi / CHUNK, 2);
	unmap(w, lo, hi);
}

static void drop_locked(struct vcpu_engine *e, struct soft_window *w, uint64_t lo, uint64_t hi)
{
	for (uint64_t r = lo / REGION; r <= (hi - 1) / REGION; r++) {
		uint64_t bit = 1ULL << (r % 64);

		if (!(w->regions[r / 64] & bit))
			continue;
		drop_in_region(e, w, MAX(lo, r * REGION), MIN(hi, (r + 1) * REGION));
		if (r * REGION >= lo && (r + 1) * REGION <= hi)
			w->regions[r / 64] &= ~bit;
	}
}

void soft_window_drop(struct vcpu_engine *e, struct soft_window *w, uint64_t va, uint64_t len)
{
	uint64_t lo = va & PAGE_MASK, hi;

	if (len == 0 || lo >= WINDOW_LIMIT)
		return;
	hi = len > WINDOW_LIMIT - va ? WINDOW_LIMIT : round_up_u64(va + len, PAGE_SIZE);
	pthread_mutex_lock(&w->lock);
	drop_locked(e, w, lo, hi);
	pthread_mutex_unlock(&w->lock);
}

/* Empties the window with the most mappings when all together come near the bound. */
static void keep_budget(struct vcpu_engine *e)
{
	struct soft_windows *all = &e->windows;
	struct soft_window *w, *most = NULL;

	if (LIKELY(__atomic_load_n(&all->maps, __ATOMIC_RELAXED) < all->budget))
		return;
	pthread_mutex_lock(&all->lock);
	list_for_each_entry (w, &all->list, in_engine) {
		if (!most || __atomic_load_n(&w->maps, __ATOMIC_RELAXED) >
		                 __atomic_load_n(&most->maps, __ATOMIC_RELAXED))
			most = w;
	}
	if (most) {
		pthread_mutex_lock(&most->lock);
		drop_locked(e, most, 0, WINDOW_LIMIT);
		pthread_mutex_unlock(&most->lock);
		__atomic_fetch_add(&all->empties, 1, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&all->lock);
}

/* A run of pages, as found so far. */
struct run {
	const struct vcpu_space *space;
	uint64_t lo, hi, pa; /* pa: of lo */
	bool write;
};

static bool continues(const struct run *r, uint64_t va, uint64_t pa)
{
	struct soft_pte pte;

	return soft_walk(r->space, va, &pte) && pte.read && pte.write == r->write && pte.pa == pa;
}

/* As far as floor and top, and the page tables, let it grow. */
static void grow(struct run *r, uint64_t floor, uint64_t top)
{
	while (r->lo > floor && r->pa >= PAGE_SIZE &&
	       continues(r, r->lo - PAGE_SIZE, r->pa - PAGE_SIZE)) {
		r->lo -= PAGE_SIZE;
		r->pa -= PAGE_SIZE;
	}
	while (r->hi < top && continues(r, r->hi, r->pa + (r->hi - r->lo)))
		r->hi += PAGE_SIZE;
}

/* Where a fill at va may end: behind its chunk, and further while fills follow each other and
 * find nothing there. */
static uint64_t top_of(struct soft_window *w, uint64_t va)
{
	uint64_t chunk = va / CHUNK * CHUNK, top = chunk + CHUNK;

	if (chunk == w->next && w->ahead < AHEAD_MAX)
		w->ahead = w->ahead ? 2 * w->ahead : CHUNK;
	else if (chunk != w->next)
		w->ahead = 0;
	for (uint64_t end = MIN(top + w->ahead, WINDOW_LIMIT); top < end; top += CHUNK)
		if (w->chunk[top / CHUNK])
			break;
	return top;
}

static bool fill_locked(struct vcpu *v, struct soft_window *w, struct run *r)
{
	struct vcpu_engine *e = v->engine;
	uint64_t va = r->lo;

	grow(r, va / CHUNK * CHUNK, top_of(w, va));
	if (mmap(w->base + r->lo, r->hi - r->lo, r->write ? PROT_READ | PROT_WRITE : PROT_READ,
	         MAP_SHARED | MAP_FIXED | MAP_POPULATE, e->ram.memfd, (off_t)r->pa) == MAP_FAILED)
		return false;
	w->next = round_up_u64(r->hi, CHUNK);
	note(e, w, r->lo, r->hi);
	return true;
}

bool soft_window_fill(struct vcpu *v, uint64_t va, enum vcpu_access access)
{
	struct soft_window *w = v->window;
	struct soft_pte pte;
	bool ok;

	va &= PAGE_MASK;
	if (!w || va >= WINDOW_LIMIT || !soft_walk(v->space, va, &pte) || !pte.read ||
	    (access == VCPU_WRITE && !pte.write))
		return false;
	keep_budget(v->engine);
	struct run r = {v->space, va, va + PAGE_SIZE, pte.pa, pte.write};

	pthread_mutex_lock(&w->lock);
	ok = fill_locked(v, w, &r);
	pthread_mutex_unlock(&w->lock);
	if (ok)
		__atomic_fetch_add(&v->engine->windows.fills, 1, __ATOMIC_RELAXED);
	return ok;
}

void soft_windows_init(struct vcpu_engine *e, const struct vcpu_options *opts)
{
	struct soft_windows *all = &e->windows;
	uint64_t bound = opts->host_mappings ? opts->host_mappings : MAPS_DEFAULT;

	pthread_mutex_init(&all->lock, NULL);
	pthread_mutex_init(&all->heat_lock, NULL);
	pthread_cond_init(&all->heat, NULL);
	list_init(&all->list);
	if (opts->kind != VCPU_ENGINE_SOFT || opts->no_window || HAS_TSAN ||
	    bound < MAPS_RESERVED + MAPS_MIN)
		return;
	all->budget = bound - MAPS_RESERVED;
	all->enabled = true;
	all->eager = opts->window_eager;
	all->asleep = !all->eager;
}

void soft_windows_release(struct vcpu_engine *e)
{
	struct soft_windows *all = &e->windows;

	soft_windows_cool(e);
	pthread_cond_destroy(&all->heat);
	pthread_mutex_destroy(&all->heat_lock);
	pthread_mutex_destroy(&all->lock);
}
