/*
 * code.c: decoded blocks by guest-physical page, their invalidation and reclamation.
 *
 * The engine's table code[] has one slot for each page of RAM; it is reserved address space,
 * touched only where code runs.  Look-ups take no lock.  Decoding and removing are done under
 * code_lock: a remover either finds the block in the page's list, or ran before the decoder
 * read the instructions, which then are the new ones.  A page that holds no code is passed
 * over without the lock; the two fences make sure that either the remover sees the page that
 * a decoder has just published or the decoder sees the changed bytes.
 *
 * Removed blocks and pages are stamped with the next code epoch.  A vCPU publishes the epoch
 * it has reached when it enters vcpu_run and at block boundaries when polled; memory is freed
 * when all vCPUs that run have reached its stamp.  To keep the vCPUs undisturbed, the epoch is
 * raised only for whole pages (their itlb entries must go) or when much waits to be freed.
 */
#include "vcpu/soft/soft.h"

#include "vcpu/a64/decode.h"
#include "vcpu/a64/mem.h"

#define RECLAIM_BYTES (1ULL << 20)

static size_t block_bytes(unsigned count)
{
	return sizeof(struct soft_block) + (count + 1) * sizeof(struct a64_op);
}

/* The pseudo-op behind a block whose last instruction did not branch: pc is already that of
 * the instruction behind the block. */
static enum a64_next end_of_block(struct a64_cpu *cpu, const struct a64_op *op)
{
	(void)cpu;
	(void)op;
	return A64_BRANCH;
}

struct soft_code_page *soft_code_page(struct vcpu_engine *e, uint64_t pa)
{
	struct soft_code_page **slot = &e->code[pa >> PAGE_SHIFT];
	struct soft_code_page *page = __atomic_load_n(slot, __ATOMIC_ACQUIRE);

	if (page)
		return page;
	pthread_mutex_lock(&e->code_lock);
	page = __atomic_load_n(slot, __ATOMIC_RELAXED);
	if (!page) {
		page = calloc(1, sizeof(*page));
		if (page) {
			page->pa = pa & PAGE_MASK;
			page->next = e->pages;
			e->pages = page;
			e->code_bytes += sizeof(*page);
			__atomic_store_n(slot, page, __ATOMIC_SEQ_CST);
		}
	}
	pthread_mutex_unlock(&e->code_lock);
	return page;
}

uint64_t soft_code_oldest_locked(struct vcpu_engine *e)
{
	uint64_t oldest = UINT64_MAX;
	struct vcpu *v;

	pthread_mutex_lock(&e->vcpus_lock);
	list_for_each_entry (v, &e->vcpus, in_engine) {
		uint64_t at = __atomic_load_n(&v->run_epoch, __ATOMIC_SEQ_CST);

		if (at != 0 && at < oldest)
			oldest = at;
	}
	pthread_mutex_unlock(&e->vcpus_lock);
	return oldest;
}

/* Frees what every running vCPU has passed.  With code_lock. */
static void reclaim_locked(struct vcpu_engine *e)
{
	uint64_t oldest = soft_code_oldest_locked(e);

	soft_jit_reclaim_locked(e, oldest);
	for (struct soft_block **b = &e->retired_blocks; *b;) {
		struct soft_block *dead = *b;

		if (dead->epoch > oldest) {
			b = &dead->next;
			continue;
		}
		*b = dead->next;
		e->retired_bytes -= block_bytes(dead->count);
		free(dead);
	}
	for (struct soft_code_page **p = &e->retired_pages; *p;) {
		struct soft_code_page *dead = *p;

		if (dead->epoch > oldest) {
			p = &dead->next;
			continue;
		}
		*p = dead->next;
		e->retired_bytes -= sizeof(*dead);
		free(dead);
	}
}

void soft_code_advance_locked(struct vcpu_engine *e)
{
	struct vcpu *v;

	__atomic_add_fetch(&e->code_epoch, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_lock(&e->vcpus_lock);
	list_for_each_entry (v, &e->vcpus, in_engine)
		__atomic_fetch_or(&v->cpu.poll, SOFT_POLL_CODE, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&e->vcpus_lock);
}

static void retire_block_locked(struct vcpu_engine *e, struct soft_block *b)
{
	b->epoch = e->code_epoch + 1;
	b->next = e->retired_blocks;
	e->retired_blocks = b;
	e->code_bytes -= block_bytes(b->count);
	e->retired_bytes += block_bytes(b->count);
}

void soft_code_flush_locked(struct vcpu_engine *e)
{
	struct soft_code_page *page;

	while ((page = e->pages) != NULL) {
		struct soft_block *b;

		e->pages = page->next;
		while ((b = page->blocks) != NULL) {
			page->blocks = b->next;
			__atomic_store_n(&page->entry[b->first], NULL, __ATOMIC_RELEASE);
			retire_block_locked(e, b);
		}
		__atomic_store_n(&e->code[page->pa >> PAGE_SHIFT], NULL, __ATOMIC_RELEASE);
		soft_jit_retire_page_locked(e, page);
		page->epoch = e->code_epoch + 1;
		page->next = e->retired_pages;
		e->retired_pages = page;
		e->code_bytes -= sizeof(*page);
		e->retired_bytes += sizeof(*page);
	}
	soft_code_advance_locked(e);
}

/* Reads and decodes up to BLOCK_MAX_OPS instructions; ops has room for one more. */
static unsigned decode_run(const struct vcpu_engine *e, const struct soft_code_page *page,
                           unsigned insn, struct a64_op *ops)
{
	const uint8_t *host = e->ram.base + page->pa;
	unsigned n = 0;

	while (n < BLOCK_MAX_OPS && insn + n < PAGE_INSNS) {
		uint32_t word = a64_raw_load32(host + (insn + n) * 4);

		a64_predecode(word, e->specialise, &ops[n]);
		n++;
		if (a64_ends_block(word))
			break;
	}
	ops[n] = (struct a64_op){.fn = end_of_block};
	return n;
}

static uint64_t lines_of(unsigned first, unsigned count)
{
	unsigned from = first * 4 / ICACHE_LINE;
	unsigned to = ((first + count) * 4 - 1) / ICACHE_LINE;

	return (UINT64_MAX << from) & (UINT64_MAX >> (63 - to));
}

static struct soft_block *build_locked(struct vcpu_engine *e, struct soft_code_page *page,
                                       unsigned insn)
{
	struct a64_op ops[BLOCK_MAX_OPS + 1];
	struct soft_block *b;
	unsigned count;

	a64_fence();
	count = decode_run(e, page, insn, ops);
	b = malloc(block_bytes(count));
	if (!b)
		return NULL;
	b->first = (uint16_t)insn;
	b->count = (uint16_t)count;
	b->epoch = 0;
	b->heat = 0;
	memcpy(b->ops, ops, (count + 1) * sizeof(ops[0]));
	b->next = page->blocks;
	page->blocks = b;
	page->lines |= lines_of(insn, count);
	e->code_bytes += block_bytes(count);
	__atomic_store_n(&page->entry[insn], b, __ATOMIC_RELEASE);
	return b;
}

/* Runs nothing and comes back to the block boundary, where the poll word says that the page
 * was retired. */
static struct soft_block stale_block = {.ops = {{.fn = end_of_block}}};

struct soft_block *soft_code_block(struct vcpu_engine *e, struct soft_code_page *page,
                                   unsigned insn)
{
	struct soft_block *b;

	pthread_mutex_lock(&e->code_lock);
	if (__atomic_load_n(&e->code[page->pa >> PAGE_SHIFT], __ATOMIC_RELAXED) != page) {
		pthread_mutex_unlock(&e->code_lock);
		return &stale_block;
	}
	b = __atomic_load_n(&page->entry[insn], __ATOMIC_RELAXED);
	if (!b)
		b = build_locked(e, page, insn);
	/* The new block stays usable until this vCPU's next block boundary, even if it goes. */
	if (e->code_bytes > CODE_CACHE_MAX)
		soft_code_flush_locked(e);
	if (e->retired_bytes)
		reclaim_locked(e);
	pthread_mutex_unlock(&e->code_lock);
	return b;
}

/* Removes the page's blocks that overlap instructions first..last. */
static void drop_locked(struct vcpu_engine *e, struct soft_code_page *page, unsigned first,
                        unsigned last)
{
	uint64_t lines = 0, changed = lines_of(first, last - first + 1);

	if (soft_jit_drop_locked(e, page, changed))
		soft_code_advance_locked(e);
	if (!(page->lines & changed))
		return;
	for (struct soft_block **p = &page->blocks; *p;) {
		struct soft_block *b = *p;

		if (b->first > last || b->first + b->count <= first) {
			lines |= lines_of(b->first, b->count);
			p = &b->next;
			continue;
		}
		*p = b->next;
		__atomic_store_n(&page->entry[b->first], NULL, __ATOMIC_RELEASE);
		retire_block_locked(e, b);
	}
	page->lines = lines;
}

void vcpu_ram_changed(struct vcpu_engine *e, uint64_t pa, uint64_t len)
{
	uint64_t end;

	if (pa >= e->ram.size || len == 0)
		return;
	end = len > e->ram.size - pa ? e->ram.size : pa + len;
	a64_fence();
	for (uint64_t at = pa; at < end; at = (at & PAGE_MASK) + PAGE_SIZE) {
		struct soft_code_page **slot = &e->code[at >> PAGE_SHIFT];

		if (LIKELY(!__atomic_load_n(slot, __ATOMIC_SEQ_CST)))
			continue;
		pthread_mutex_lock(&e->code_lock);
		struct soft_code_page *page = __atomic_load_n(slot, __ATOMIC_RELAXED);
		uint64_t page_end = (at & PAGE_MASK) + PAGE_SIZE;

		if (page)
			drop_locked(e, page, (unsigned)(at & (PAGE_SIZE - 1)) / 4,
			            (unsigned)((MIN(page_end, end) - 1) & (PAGE_SIZE - 1)) / 4);
		if (e->retired_bytes > RECLAIM_BYTES) {
			reclaim_locked(e);
			if (e->retired_bytes > RECLAIM_BYTES)
				soft_code_advance_locked(e);
		}
		pthread_mutex_unlock(&e->code_lock);
	}
}

void soft_code_sync(struct vcpu *v)
{
	uint64_t epoch = __atomic_load_n(&v->engine->code_epoch, __ATOMIC_SEQ_CST);

	for (;;) {
		if (v->itlb_epoch != epoch) {
			for (unsigned i = 0; i < ITLB_ENTRIES; i++)
				v->itlb[i].va = A64_TLB_EMPTY;
			soft_jit_forget_targets(v);
			v->itlb_epoch = epoch;
		}
		__atomic_store_n(&v->run_epoch, epoch, __ATOMIC_SEQ_CST);
		uint64_t again = __atomic_load_n(&v->engine->code_epoch, __ATOMIC_SEQ_CST);

		if (again == epoch)
			return;
		epoch = again;
	}
}

void soft_code_release(struct vcpu_engine *e)
{
	pthread_mutex_lock(&e->code_lock);
	soft_code_flush_locked(e);
	reclaim_locked(e);
	pthread_mutex_unlock(&e->code_lock);
}
