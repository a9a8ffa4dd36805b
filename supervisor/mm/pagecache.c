/*
 * pagecache.c: the pages of one mappable object, in arena frames: finding, filling, reading,
 * writing.  pagecache_unmap.c takes pages away from those who map them, pagecache_reclaim.c gives
 * them back under memory pressure.
 *
 * A page is present or absent; a present one always has its contents, so nobody waits for a
 * page.  Two threads may read the same page in at once: the second finds the first one's.  The
 * lock is never held across a call to the owner.
 */
#include "common/log.h"
#include "supervisor/mm/guest_copy.h"
#include "supervisor/mm/internal.h"

static uint64_t next_id;

/* Shared anonymous memory, and what an object's pages become when the object has gone. */

static uint64_t anon_size(void *owner)
{
	const struct pagecache *pc = owner;

	return pc->anon_size;
}

static const struct pagecache_ops anon_ops = {.size = anon_size};

const struct pagecache_ops *pagecache_ops_of(struct pagecache *pc, void **owner)
{
	const struct pagecache_ops *ops;

	pthread_mutex_lock(&pc->lock);
	ops = pc->ops;
	*owner = pc->owner;
	pthread_mutex_unlock(&pc->lock);
	return ops;
}

uint64_t pagecache_size(struct pagecache *pc)
{
	void *owner;
	const struct pagecache_ops *ops = pagecache_ops_of(pc, &owner);

	return ops->size(owner);
}

int pagecache_new(struct arena *a, const struct pagecache_ops *ops, void *owner, bool memory_only,
                  struct pagecache **out)
{
	struct pagecache *pc = calloc(1, sizeof(*pc));
	struct arena_caches *all = arena_caches(a);

	if (!pc)
		return -LX_ENOMEM;
	pc->refs = 1;
	pc->memory_only = memory_only;
	pc->ops = ops;
	pc->owner = owner;
	pc->arena = a;
	pc->id = __atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED);
	pthread_mutex_init(&pc->lock, NULL);
	pthread_cond_init(&pc->no_visitors, NULL);
	list_init(&pc->maps);
	list_init(&pc->link);
	if (!memory_only) {
		pthread_mutex_lock(&all->lock);
		list_add_tail(&pc->link, &all->list);
		pthread_mutex_unlock(&all->lock);
	}
	*out = pc;
	return 0;
}

int pagecache_new_anon(struct arena *a, uint64_t size, struct pagecache **out)
{
	int err = pagecache_new(a, &anon_ops, NULL, true, out);

	if (!err) {
		(*out)->owner = *out;
		(*out)->anon_size = size;
	}
	return err;
}

struct pagecache *pagecache_get(struct pagecache *pc)
{
	__atomic_fetch_add(&pc->refs, 1, __ATOMIC_RELAXED);
	return pc;
}

/* Takes all pages of [first, last] out; nobody maps them (any more). */
void pagecache_drop_locked(struct pagecache *pc, uint64_t first, uint64_t last)
{
	uint64_t dead[64], *word;
	size_t n = 0;

	for (; radix_next(&pc->pages, &first, last, &word); first++) {
		if (n == ARRAY_LEN(dead)) {
			frames_put(pc->arena, dead, n);
			n = 0;
		}
		dead[n++] = *word & PTE_ADDR_MASK;
		*word = 0;
		__atomic_fetch_sub(&pc->npages, 1, __ATOMIC_RELAXED);
		arena_count_cache(pc->arena, -1);
		if (first == last)
			break;
	}
	frames_put(pc->arena, dead, n);
}

void pagecache_put(struct pagecache *pc)
{
	struct arena_caches *all = arena_caches(pc->arena);

	if (__atomic_fetch_sub(&pc->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	pthread_mutex_lock(&all->lock);
	list_del_init(&pc->link);
	pthread_mutex_unlock(&all->lock);
	pthread_mutex_lock(&pc->lock);
	pagecache_drop_locked(pc, 0, UINT64_MAX);
	radix_release(&pc->pages);
	pthread_mutex_unlock(&pc->lock);
	pthread_cond_destroy(&pc->no_visitors);
	pthread_mutex_destroy(&pc->lock);
	free(pc);
}

void pagecache_free(struct pagecache *pc)
{
	uint64_t size;

	if (!pc)
		return;
	size = pagecache_size(pc);
	/* The owner goes: there is nobody left to tell about an error. */
	if (!pc->memory_only && pagecache_sync(pc, 0, UINT64_MAX) != 0)
		log_warn("changes to a mapped file could not be written back");
	pthread_mutex_lock(&pc->lock);
	while (pc->visitors > 0)
		pthread_cond_wait(&pc->no_visitors, &pc->lock);
	pc->ops = &anon_ops;
	pc->owner = pc;
	pc->anon_size = size;
	pthread_mutex_unlock(&pc->lock);
	pagecache_put(pc);
}

uint32_t pagecache_writable_maps(struct pagecache *pc)
{
	uint32_t n;

	pthread_mutex_lock(&pc->lock);
	n = pc->writable_maps;
	pthread_mutex_unlock(&pc->lock);
	return n;
}

bool pagecache_active(const struct pagecache *pc)
{
	return pagecache_pages(pc) != 0;
}

uint64_t pagecache_pages(const struct pagecache *pc)
{
	return __atomic_load_n(&pc->npages, __ATOMIC_ACQUIRE);
}

uint64_t pagecache_next_page(struct pagecache *pc, uint64_t index)
{
	uint64_t *word;
	bool found;

	pthread_mutex_lock(&pc->lock);
	found = radix_next(&pc->pages, &index, UINT64_MAX, &word);
	pthread_mutex_unlock(&pc->lock);
	return found ? index : UINT64_MAX;
}

uint64_t pagecache_peek_locked(struct pagecache *pc, uint64_t index, bool *dirty)
{
	const uint64_t *word = radix_find(&pc->pages, index);

	if (!word || *word == 0)
		return 0;
	*dirty = (*word & PAGE_DIRTY) != 0;
	return *word & PTE_ADDR_MASK;
}

void pagecache_set_dirty_locked(struct pagecache *pc, uint64_t index)
{
	uint64_t *word = radix_find(&pc->pages, index);

	if (word && *word != 0)
		*word |= PAGE_DIRTY;
}

/* Gives the frame a place, with the caller's reference, unless the page is there by now. */
static int insert_locked(struct pagecache *pc, uint64_t index, uint64_t pa)
{
	uint64_t *word = radix_create(&pc->pages, index);

	if (!word)
		return -LX_ENOMEM;
	if (*word != 0)
		return -LX_EEXIST;
	*word = pa;
	__atomic_fetch_add(&pc->npages, 1, __ATOMIC_RELEASE);
	arena_count_cache(pc->arena, 1);
	return 0;
}

/* The page's frame with a reference, or 0. */
static uint64_t lookup(struct pagecache *pc, uint64_t index)
{
	bool dirty;
	uint64_t pa;

	pthread_mutex_lock(&pc->lock);
	pa = pagecache_peek_locked(pc, index, &dirty);
	if (pa)
		frame_get(pc->arena, pa);
	pthread_mutex_unlock(&pc->lock);
	return pa;
}

/* How many absent pages to read at once: the aligned 64 KiB window's, as far as they reach. */
static unsigned run_length(struct pagecache *pc, uint64_t *first, uint64_t index, uint64_t size)
{
	uint64_t base = round_down_u64(index, CLUSTER_FRAMES);
	uint64_t pages = (size + PAGE_SIZE - 1) >> PAGE_SHIFT;
	uint64_t lo = index, hi = index + 1, *word;

	pthread_mutex_lock(&pc->lock);
	while (lo > base && (!(word = radix_find(&pc->pages, lo - 1)) || *word == 0))
		lo--;
	while (hi < MIN(base + CLUSTER_FRAMES, pages) &&
	       (!(word = radix_find(&pc->pages, hi)) || *word == 0))
		hi++;
	pthread_mutex_unlock(&pc->lock);
	*first = lo;
	return (unsigned)(hi - lo);
}

/* Puts a run of frames in as pages from first on; those that lost a race are put. */
static int insert_run(struct pagecache *pc, uint64_t first, uint64_t pa, unsigned count)
{
	int err = 0;

	pthread_mutex_lock(&pc->lock);
	for (unsigned i = 0; i < count; i++, pa += PAGE_SIZE) {
		int r = insert_locked(pc, first + i, pa);

		if (r != 0)
			frame_put(pc->arena, pa);
		if (r == -LX_ENOMEM)
			err = r;
	}
	pthread_mutex_unlock(&pc->lock);
	return err;
}

/* Fills [pa, pa+count pages) from the owner. */
static int read_run(const struct pagecache_ops *ops, void *owner, struct pagecache *pc,
                    uint64_t first, uint64_t pa, unsigned count)
{
	uint8_t *host = frame_host(pc->arena, pa);
	uint64_t offset = first << PAGE_SHIFT, n = count * PAGE_SIZE;
	int64_t got;

	if (count > 1)
		got = ops->read_run(owner, offset, host, n);
	else
		got = ops->read_page(owner, offset, host);
	if (got < 0)
		return (int)got;
	if ((uint64_t)got < n)
		guest_zero(host + got, n - (uint64_t)got);
	return 0;
}

/*
 * Makes the page present: reads it (and its neighbours) in, or adds a page of zeroes to an
 * object that lives in memory only.  With the owner's lock held, if it has one.
 */
static int fill(struct pagecache *pc, const struct pagecache_ops *ops, void *owner, uint64_t index)
{
	uint64_t size = ops->size(owner), first = index, pa;
	unsigned count = 1;
	int err;

	if (index >= (size + PAGE_SIZE - 1) >> PAGE_SHIFT)
		return -LX_ENXIO;
	if (ops->read_run && ops->read_page && !pc->memory_only)
		count = run_length(pc, &first, index, size);
	err = frames_new_run(pc->arena, (unsigned)(first % CLUSTER_FRAMES), count,
	                     ops->read_page ? FRAMES_SOON : FRAMES_ZEROED, &pa);
	if (err && count > 1) {
		first = index;
		count = 1;
		err = frame_new(pc->arena, false, &pa);
	}
	if (err)
		return err;
	if (ops->read_page) {
		err = read_run(ops, owner, pc, first, pa, count);
		if (err) {
			for (unsigned i = 0; i < count; i++)
				frame_put(pc->arena, pa + i * PAGE_SIZE);
			return err;
		}
	}
	return insert_run(pc, first, pa, count);
}

/* Fills until the page can be held: it can be dropped again as soon as it is in. */
static int get_page(struct pagecache *pc, uint64_t index, uint64_t *pa)
{
	void *owner;
	const struct pagecache_ops *ops = pagecache_ops_of(pc, &owner);
	int err = 0;

	if (ops->lock)
		ops->lock(owner);
	while (err == 0 && (*pa = lookup(pc, index)) == 0)
		err = fill(pc, ops, owner, index);
	if (ops->unlock)
		ops->unlock(owner);
	return err;
}

int pagecache_get_page(struct pagecache *pc, uint64_t index, uint64_t *pa)
{
	int err;

	*pa = lookup(pc, index);
	if (*pa)
		return 0;
	err = get_page(pc, index, pa);
	if (err == -LX_ENOMEM && arena_relieve(pc->arena))
		err = get_page(pc, index, pa);
	return err;
}

int64_t pagecache_read(struct pagecache *pc, uint64_t offset, struct uio *u, uint64_t n)
{
	uint64_t size = pagecache_size(pc), done = 0;

	n = MIN(n, u->left);
	n = offset < size ? MIN(n, size - offset) : 0;
	while (done < n) {
		uint64_t at = offset + done, in = at & ~PAGE_MASK, pa;
		uint64_t piece = MIN(n - done, PAGE_SIZE - in);
		int64_t r;

		pa = lookup(pc, at >> PAGE_SHIFT);
		if (pa == 0 && !pc->memory_only) {
			r = pagecache_get_page(pc, at >> PAGE_SHIFT, &pa);
			if (r == -LX_ENXIO)
				break;
			if (r < 0)
				return done ? (int64_t)done : r;
		}
		if (pa) {
			r = uio_to(u, (uint8_t *)frame_host(pc->arena, pa) + in, piece);
			frame_put(pc->arena, pa);
		} else {
			r = uio_zero(u, piece);
		}
		if (r < 0)
			return done ? (int64_t)done : r;
		done += (uint64_t)r;
		if ((uint64_t)r < piece)
			break;
	}
	return (int64_t)done;
}

/* The page to write into, with a reference; whole: all of it will be overwritten. */
static int page_for_write(struct pagecache *pc, uint64_t index, bool whole, uint64_t *pa)
{
	void *owner;
	const struct pagecache_ops *ops;
	int err;

	*pa = lookup(pc, index);
	if (*pa)
		return 0;
	ops = pagecache_ops_of(pc, &owner);
	if (!whole && !pc->memory_only) {
		do {
			err = fill(pc, ops, owner, index);
			*pa = err == 0 ? lookup(pc, index) : 0;
		} while (err == 0 && *pa == 0);
		if (err != -LX_ENXIO)
			return err;
	}
	/* Beyond the end, or nothing of the old contents will stay. */
	err = frame_new_near(pc->arena, (index % CLUSTER_FRAMES) * PAGE_SIZE, pa);
	if (err)
		return err;
	guest_zero(frame_host(pc->arena, *pa), PAGE_SIZE);
	frame_get(pc->arena, *pa);
	err = insert_run(pc, index, *pa, 1);
	if (err)
		frame_put(pc->arena, *pa);
	return err;
}

/* Copies one piece, within a page, into the cache and through to the owner. */
static int64_t write_piece(struct pagecache *pc, uint64_t at, struct uio *u, uint64_t n)
{
	uint64_t index = at >> PAGE_SHIFT, in = at & ~PAGE_MASK, pa;
	struct vcpu_engine *engine = arena_engine(pc->arena);
	uint8_t *host;
	int64_t r, w = 0;
	int err = page_for_write(pc, index, n == PAGE_SIZE, &pa);

	if (err)
		return err;
	host = frame_host(pc->arena, pa);
	r = uio_from(u, host + in, n);
	if (r > 0 && engine)
		vcpu_ram_changed(engine, pa, PAGE_SIZE);
	if (r > 0 && !pc->memory_only) {
		void *owner;
		const struct pagecache_ops *ops = pagecache_ops_of(pc, &owner);

		w = ops->write_page ? ops->write_page(owner, at, host + in, (uint64_t)r) : 0;
	}
	frame_put(pc->arena, pa);
	return w < 0 ? w : r;
}

int64_t pagecache_write(struct pagecache *pc, uint64_t offset, struct uio *u, uint64_t n)
{
	bool nofault = u->nofault;
	uint64_t done = 0;
	int64_t r = 0;

	n = MIN(n, u->left);
	u->nofault = true;
	while (done < n) {
		uint64_t at = offset + done;
		uint64_t piece = MIN(n - done, PAGE_SIZE - (at & ~PAGE_MASK));

		r = write_piece(pc, at, u, piece);
		if (r <= 0)
			break;
		done += (uint64_t)r;
		if ((uint64_t)r < piece)
			break;
	}
	u->nofault = nofault;
	return done > 0 ? (int64_t)done : r;
}
