/*
 * cache.c: memory for translated code, and the blocks in it.
 *
 * The cache is one memfd mapped twice, writable and executable.  Code is appended to the
 * current half; when that is full, all blocks of the guest are retired and the other half is
 * filled, if every running vCPU has come to a block boundary since that one was retired.  If
 * not, code is interpreted for a while.
 *
 * Removing a block makes it unreachable for new look-ups, turns the jumps that are linked to
 * it back to their stubs, and raises the code epoch, at which every vCPU empties its table of
 * targets.  Its code stays intact till its half is filled again, so a vCPU may finish it.
 */
#include "vcpu/soft/jit/aot.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define DEFAULT_SIZE (256ULL << 20)
#define MIN_SIZE     (1ULL << 20)
#define MAX_SIZE     (2048ULL << 20) /* displacements are 32 bits */

static int map_twice(struct jit *j)
{
	int fd = memfd_create("jit", MFD_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)j->size)) {
		err = -errno;
		goto out;
	}
	void *rw = mmap(NULL, j->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (rw == MAP_FAILED) {
		err = -errno;
		goto out;
	}
	void *rx = mmap(NULL, j->size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);

	if (rx == MAP_FAILED) {
		err = -errno;
		munmap(rw, j->size);
		goto out;
	}
	j->rw = rw;
	j->rx = rx;
out:
	close(fd);
	return err;
}

/* In a half; code for an access takes more than 32 bytes. */
static size_t max_sites(const struct jit *j)
{
	return j->size / 2 / 32;
}

/* Memory that is there when it is touched. */
static int map_sites(struct jit *j)
{
	size_t bytes = max_sites(j) * sizeof(struct jit_site);
	struct jit_site *p = mmap(NULL, 2 * bytes, PROT_READ | PROT_WRITE,
	                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	j->sites[0] = p;
	j->sites[1] = p + max_sites(j);
	return 0;
}

static void unmap_all(struct jit *j)
{
	munmap(j->rw, j->size);
	munmap(j->rx, j->size);
}

int soft_jit_new(struct vcpu_engine *e, uint64_t size)
{
	struct jit *j;

	if (!jit_host()->sse42)
		return -ENOTSUP;
	j = calloc(1, sizeof(*j));
	if (!j)
		return -ENOMEM;
	size = size ? size : DEFAULT_SIZE;
	j->size = round_down_u64(MIN(MAX(size, MIN_SIZE), MAX_SIZE), 2 * PAGE_SIZE);
	if (map_twice(j)) {
		free(j);
		return -ENOTSUP; /* hosts may forbid executable memory */
	}
	if (map_sites(j)) {
		unmap_all(j);
		free(j);
		return -ENOMEM;
	}
	jit_rules_init();
	jit_calls_init();
	jit_make_thunks(j);
	j->consts = j->used;
	j->used += JIT_CONSTS * 16;
	j->half[0] = (struct jit_half){j->used, (uint32_t)(j->size / 2), 0};
	j->half[1] = (struct jit_half){(uint32_t)(j->size / 2), (uint32_t)j->size, 0};
	e->jit = j;
	return 0;
}

void soft_jit_free(struct vcpu_engine *e)
{
	struct jit *j = e->jit;

	if (!j)
		return;
	munmap(j->sites[0], 2 * max_sites(j) * sizeof(struct jit_site));
	unmap_all(j);
	if (j->aot)
		aot_close(j->aot);
	free(j->aot);
	free(j);
	e->jit = NULL;
}

/* Unused places hold 0, 0, which nobody asks for here. */
uint64_t jit_const(struct jit *j, uint64_t lo, uint64_t hi)
{
	uint64_t hash = (lo ^ (hi << 17 | hi >> 47)) * 0x9E3779B97F4A7C15u;
	unsigned at = (unsigned)(hash >> 40) % JIT_CONSTS;

	if (!lo && !hi)
		return 0;
	for (unsigned tries = 0; tries < 16; tries++, at = (at + 1) % JIT_CONSTS) {
		uint64_t *slot = (uint64_t *)(void *)(j->rw + j->consts + at * 16);

		if (!slot[0] && !slot[1]) {
			slot[0] = lo;
			slot[1] = hi;
		}
		if (slot[0] == lo && slot[1] == hi)
			return (uint64_t)(uintptr_t)j->rx + j->consts + at * 16;
	}
	return 0;
}

struct jit_page *jit_page_of(struct vcpu_engine *e, struct soft_code_page *page, uint64_t va,
                             unsigned mode)
{
	struct jit_page *p = __atomic_load_n(&page->jit, __ATOMIC_ACQUIRE);

	for (; p; p = p->next)
		if (p->va == va && p->mode == mode)
			return p;
	pthread_mutex_lock(&e->code_lock);
	for (p = page->jit; p; p = p->next)
		if (p->va == va && p->mode == mode)
			break;
	if (!p && __atomic_load_n(&e->code[page->pa >> PAGE_SHIFT], __ATOMIC_RELAXED) == page) {
		p = calloc(1, sizeof(*p));
		if (p) {
			p->va = va;
			if (e->jit->last_page_id < UINT32_MAX - 1)
				p->id = ++e->jit->last_page_id;
			p->mode = mode;
			p->next = page->jit;
			__atomic_store_n(&page->jit, p, __ATOMIC_RELEASE);
			e->code_bytes += sizeof(*p);
			if (e->jit->aot)
				aot_fill_page(e, page, p);
		}
	}
	pthread_mutex_unlock(&e->code_lock);
	return p;
}

/* Points a jump elsewhere: one aligned store, so a vCPU sees the old target or the new one. */
static void patch(struct jit *j, uint32_t field, uint32_t target)
{
	__atomic_store_n((uint32_t *)(void *)(j->rw + field), target - (field + 4),
	                 __ATOMIC_RELEASE);
}

/* Makes a link's stub go to a thunk. */
static void patch_stub(struct jit *j, const struct jit_link *link, uint64_t thunk)
{
	patch(j, link->again, (uint32_t)(thunk - (uint64_t)(uintptr_t)j->rx));
}

void jit_connect_locked(struct jit *j, struct jit_link *link, struct jit_page *page)
{
	struct jit_block *to;

	if ((link->target & PAGE_MASK) != page->va)
		return;
	/* Where the guard does not hold, because another process has another page there or the
	 * slot of page_id is another page's, the table of targets is asked first. */
	if (link->page_id && link->page_id != page->id)
		patch_stub(j, link, j->lookup_link);
	to = page->entry[(link->target >> 2) % PAGE_INSNS];
	if (link->to || !to || (link->guard && !page->id) ||
	    (link->page_id && link->page_id != page->id))
		return;
	link->to = to;
	link->next = to->incoming;
	to->incoming = link;
	patch(j, link->field, to->start);
	if (link->guard) {
		link->page_id = page->id;
		__atomic_store_n((uint32_t *)(void *)(j->rw + link->guard), page->id,
		                 __ATOMIC_RELEASE);
		patch_stub(j, link, j->lookup_link);
	}
	j->stats.links++;
}

void jit_connect(struct vcpu_engine *e, struct jit_link *link, struct jit_page *page)
{
	pthread_mutex_lock(&e->code_lock);
	if (!link->from->dead)
		jit_connect_locked(e->jit, link, page);
	pthread_mutex_unlock(&e->code_lock);
}

void jit_publish_locked(struct jit *j, struct jit_block *b)
{
	struct jit_page *page = b->page;

	b->next = page->blocks;
	page->blocks = b;
	page->lines |= b->lines;
	__atomic_store_n(&page->entry[b->first], b, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < b->nlinks; i++)
		jit_connect_locked(j, &b->links[i], page);
	j->used = (uint32_t)round_up_u64(b->start + b->bytes, 16);
	j->stats.live++;
	j->stats.bytes += b->bytes;
}

static void unlink_from(struct jit_link *link)
{
	struct jit_link **p = &link->to->incoming;

	while (*p != link)
		p = &(*p)->next;
	*p = link->next;
	link->to = NULL;
}

/* Takes the block, which is no longer in its page's list, out of all other places. */
static void retire_block(struct vcpu_engine *e, struct jit_block *b)
{
	struct jit *j = e->jit;
	struct jit_link *l;

	__atomic_store_n(&b->page->entry[b->first], NULL, __ATOMIC_RELEASE);
	while ((l = b->incoming) != NULL) {
		b->incoming = l->next;
		l->to = NULL;
		patch(j, l->field, l->stub);
		patch_stub(j, l, j->exit_link);
	}
	for (unsigned i = 0; i < b->nlinks; i++)
		if (b->links[i].to)
			unlink_from(&b->links[i]);
	b->dead = true;
	b->epoch = e->code_epoch + 1;
	b->next = j->retired_blocks;
	j->retired_blocks = b;
	e->retired_bytes += sizeof(*b);
	j->stats.live--;
}

bool soft_jit_drop_locked(struct vcpu_engine *e, struct soft_code_page *page, uint64_t lines)
{
	bool any = false;

	for (struct jit_page *jp = page->jit; jp; jp = jp->next) {
		uint64_t left = 0;

		if (!(jp->lines & lines))
			continue;
		for (struct jit_block **p = &jp->blocks; *p;) {
			struct jit_block *b = *p;

			if (!(b->lines & lines)) {
				left |= b->lines;
				p = &b->next;
				continue;
			}
			*p = b->next;
			retire_block(e, b);
			any = true;
		}
		jp->lines = left;
	}
	return any;
}

void soft_jit_retire_page_locked(struct vcpu_engine *e, struct soft_code_page *page)
{
	struct jit_page *jp;

	while ((jp = page->jit) != NULL) {
		struct jit_block *b;

		while ((b = jp->blocks) != NULL) {
			jp->blocks = b->next;
			retire_block(e, b);
		}
		/* A vCPU may be walking the list: next stays until the page is freed, but then
		 * leads into the retired pages, which are none of this page's addresses. */
		__atomic_store_n(&page->jit, jp->next, __ATOMIC_RELEASE);
		jp->epoch = e->code_epoch + 1;
		jp->va = A64_TLB_EMPTY;
		__atomic_store_n(&jp->next, e->jit->retired_pages, __ATOMIC_RELEASE);
		e->jit->retired_pages = jp;
		e->code_bytes -= sizeof(*jp);
		e->retired_bytes += sizeof(*jp);
	}
}

void soft_jit_reclaim_locked(struct vcpu_engine *e, uint64_t oldest)
{
	struct jit *j = e->jit;

	if (!j)
		return;
	for (struct jit_block **b = &j->retired_blocks; *b;) {
		struct jit_block *dead = *b;

		if (dead->epoch > oldest) {
			b = &dead->next;
			continue;
		}
		*b = dead->next;
		e->retired_bytes -= sizeof(*dead);
		free(dead);
	}
	for (struct jit_page **p = &j->retired_pages; *p;) {
		struct jit_page *dead = *p;

		if (dead->epoch > oldest) {
			p = &dead->next;
			continue;
		}
		*p = dead->next;
		e->retired_bytes -= sizeof(*dead);
		free(dead);
	}
}

void jit_add_site(struct jit *j, uint32_t at, uint32_t slow)
{
	size_t n = j->nsites[j->current];

	j->sites[j->current][n] = (struct jit_site){at, slow};
	__atomic_store_n(&j->nsites[j->current], n + 1, __ATOMIC_RELEASE);
}

bool jit_has_room(const struct jit *j)
{
	return j->half[j->current].end - j->used >= JIT_MAX_BYTES &&
	       max_sites(j) - j->nsites[j->current] >= JIT_MAX_SITES;
}

bool jit_room_locked(struct vcpu_engine *e)
{
	struct jit *j = e->jit;
	struct jit_half *other = &j->half[!j->current];

	if (jit_has_room(j))
		return true;
	if (soft_code_oldest_locked(e) < other->epoch) {
		soft_code_advance_locked(e);
		return false;
	}
	soft_code_flush_locked(e);
	j->half[j->current].epoch = e->code_epoch;
	j->current = !j->current;
	j->used = other->begin;
	__atomic_store_n(&j->nsites[j->current], 0, __ATOMIC_RELEASE);
	j->stats.flushes++;
	return true;
}

/* What has been written of the cache: a half stays filled when the other one is begun. */
static uint64_t code_memory(const struct jit *j)
{
	const struct jit_half *now = &j->half[j->current], *other = &j->half[!j->current];

	return j->used - now->begin + (other->epoch ? other->end - other->begin : 0);
}

void vcpu_jit_stats(struct vcpu_engine *e, struct vcpu_jit_stats *out)
{
	memset(out, 0, sizeof(*out));
	if (!e->jit)
		return;
	pthread_mutex_lock(&e->code_lock);
	*out = e->jit->stats;
	out->misses = __atomic_load_n(&e->jit->misses, __ATOMIC_RELAXED);
	out->code_memory = code_memory(e->jit);
	out->block_memory = e->code_bytes + e->retired_bytes;
	pthread_mutex_unlock(&e->code_lock);
	out->windows = __atomic_load_n(&e->windows.created, __ATOMIC_RELAXED);
	out->window_fills = __atomic_load_n(&e->windows.fills, __ATOMIC_RELAXED);
	out->window_faults = __atomic_load_n(&e->windows.faults, __ATOMIC_RELAXED);
	out->window_empties = __atomic_load_n(&e->windows.empties, __ATOMIC_RELAXED);
}

void vcpu_jit_each(struct vcpu_engine *e,
                   void (*fn)(void *opaque, const struct vcpu_jit_block *block), void *opaque)
{
	if (!e->jit)
		return;
	pthread_mutex_lock(&e->code_lock);
	for (struct soft_code_page *p = e->pages; p; p = p->next)
		for (struct jit_page *jp = p->jit; jp; jp = jp->next)
			for (struct jit_block *b = jp->blocks; b; b = b->next) {
				uint64_t at = b->first * 4ULL;
				struct vcpu_jit_block out = {
				    .va = jp->va + at,
				    .pa = p->pa + at,
				    .insns = b->count,
				    .guest = e->ram.base + p->pa + at,
				    .code = e->jit->rx + b->start,
				    .bytes = b->bytes,
				};

				fn(opaque, &out);
			}
	pthread_mutex_unlock(&e->code_lock);
}
