/*
 * aot_use.c: what a guest does with translations of earlier runs: takes a page's blocks from the
 * file when it first executes there, and notes at its end what the file lacked.
 */
#include "vcpu/soft/jit/aot.h"

#include <errno.h>
#include <unistd.h>

/* With fewer new blocks than this, or than this part of the file's, another file is not worth
 * its making. */
#define WISHES_MIN  64
#define WISHES_PART 32

int vcpu_aot_use(struct vcpu_engine *e, int fd)
{
	struct aot_file *f;
	int err;

	if (!e->jit)
		return -ENOTSUP;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	err = aot_open(e->jit, fd, f);
	if (err < 0) {
		free(f);
		return err;
	}
	e->jit->program = aot_program();
	e->jit->aot = f;
	return 0;
}

/* --- a block from the file --- */

/* Where a block is put: its copy, and what that depends on. */
struct place {
	struct jit *jit;
	uint8_t *rw;
	uint32_t start; /* offset in the cache */
	uint64_t va;    /* of the page */
	struct jit_block *block;
};

static uint32_t get32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static void put32(uint8_t *at, uint32_t v)
{
	memcpy(at, &v, sizeof(v));
}

static void add64(uint8_t *at, uint64_t v)
{
	uint64_t old;

	memcpy(&old, at, sizeof(old));
	v += old;
	memcpy(at, &v, sizeof(v));
}

static bool follow_const(const struct place *p, const struct aot_cursor *c, uint8_t *at,
                         uint32_t behind)
{
	uint32_t n = get32(at);
	uint64_t found = 0;

	if (n < c->block->nconsts)
		found = jit_const(p->jit, c->consts[n].low, c->consts[n].high);
	put32(at, (uint32_t)(found - (uint64_t)(uintptr_t)p->jit->rx) - behind);
	return found != 0;
}

static bool follow_link(const struct place *p, uint8_t *at)
{
	uint64_t n;

	memcpy(&n, at, sizeof(n));
	if (n >= p->block->nlinks)
		return false;
	n = (uint64_t)(uintptr_t)&p->block->links[n];
	memcpy(at, &n, sizeof(n));
	return true;
}

/* False: the note cannot be followed. */
static bool follow(const struct place *p, const struct aot_cursor *c, const struct aot_note *n)
{
	uint8_t *at = p->rw + n->at;
	uint32_t behind = p->start + n->at + 4;

	switch (n->kind) {
	case AOT_THUNK:
		if (get32(at) >= p->jit->half[0].begin)
			return false;
		put32(at, get32(at) - behind);
		return true;
	case AOT_CONST:
		return follow_const(p, c, at, behind);
	case AOT_GUEST:
		add64(at, p->va);
		return true;
	case AOT_PAGE_ID:
		put32(at, (uint32_t)jit_page_id_at(p->va + (uint64_t)(int32_t)get32(at)));
		return true;
	case AOT_CALL:
		add64(at + offsetof(struct jit_call, op.fn), p->jit->program);
		add64(at + offsetof(struct jit_call, real), p->jit->program);
		add64(at + offsetof(struct jit_call, pc), p->va);
		return true;
	case AOT_LINK:
		return follow_link(p, at);
	default:
		return false;
	}
}

static struct jit_block *new_block(const struct aot_cursor *c, struct jit_page *page,
                                   uint32_t start)
{
	const struct aot_block *from = c->block;
	struct jit_block *b = calloc(1, sizeof(*b) + from->nlinks * sizeof(b->links[0]));

	if (!b)
		return NULL;
	b->page = page;
	b->lines = from->lines;
	b->start = start;
	b->bytes = from->bytes;
	b->first = from->first;
	b->count = from->count;
	b->nlinks = from->nlinks;
	b->kept = true;
	for (unsigned i = 0; i < from->nlinks; i++) {
		const struct aot_link *l = &c->links[i];

		b->links[i] = (struct jit_link){
		    .from = b,
		    .target = page->va + l->target,
		    .field = start + l->field,
		    .stub = start + l->stub,
		    .guard = l->guard ? start + l->guard : 0,
		    .again = start + l->again,
		};
	}
	return b;
}

/* False: there is no room, or no memory. */
static bool add_block(struct vcpu_engine *e, const struct aot_cursor *c, struct jit_page *page)
{
	struct jit *j = e->jit;
	struct place p = {j, j->rw + j->used, j->used, page->va, NULL};

	if (page->entry[c->block->first])
		return true;
	if (!jit_has_room(j))
		return false;
	p.block = new_block(c, page, p.start);
	if (!p.block)
		return false;
	memcpy(p.rw, c->code, c->block->bytes);
	for (unsigned i = 0; i < c->block->nnotes; i++)
		if (!follow(&p, c, &c->notes[i])) {
			free(p.block);
			return false;
		}
	for (unsigned i = 0; i < c->block->nsites; i++)
		jit_add_site(j, p.start + c->sites[i].at, p.start + c->sites[i].slow);
	jit_publish_locked(j, p.block);
	j->stats.kept++;
	return true;
}

void aot_fill_page(struct vcpu_engine *e, const struct soft_code_page *source,
                   struct jit_page *page)
{
	const struct aot_file *f = e->jit->aot;
	const uint8_t *bytes = e->ram.base + source->pa;
	const struct aot_entry *entry = aot_find(f, bytes, page->mode);
	struct aot_cursor c;

	if (!entry)
		return;
	aot_first(f, entry, &c);
	while (aot_next(&c))
		if (!add_block(e, &c, page))
			return;
	/* A guest that changes code asks for its invalidation only behind the change: what was
	 * compared must still be there once the blocks can be invalidated. */
	if (memcmp(bytes, f->map + entry->offset, PAGE_SIZE) != 0)
		soft_jit_drop_locked(e, (struct soft_code_page *)(uintptr_t)source, UINT64_MAX);
}

/* --- wishes --- */

static unsigned new_blocks(const struct jit_page *page)
{
	unsigned n = 0;

	for (const struct jit_block *b = page->blocks; b; b = b->next)
		n += !b->kept;
	return n;
}

static int write_all(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		p += MAX(n, 0);
		len -= (size_t)MAX(n, 0);
	}
	return 0;
}

/* Room for a page all of whose instructions begin blocks. */
union wish_room {
	struct aot_wish wish;
	uint8_t bytes[sizeof(struct aot_wish) + PAGE_INSNS * sizeof(uint16_t)];
};

static int write_page(const struct vcpu_engine *e, const struct soft_code_page *source,
                      const struct jit_page *page, union wish_room *room, int fd)
{
	struct aot_wish *w = &room->wish;

	memset(room, 0, sizeof(*room));
	memcpy(w->bytes, e->ram.base + source->pa, PAGE_SIZE);
	w->mode = page->mode;
	for (const struct jit_block *b = page->blocks; b && w->count < PAGE_INSNS; b = b->next)
		if (!b->kept)
			w->insns[w->count++] = b->first;
	return write_all(fd, w, round_up_u64(sizeof(*w) + w->count * sizeof(w->insns[0]), 8));
}

/* What visit does with a page that has new blocks. */
typedef int visit_fn(const struct vcpu_engine *e, const struct soft_code_page *source,
                     const struct jit_page *page, void *arg);

static int visit_new(const struct vcpu_engine *e, visit_fn *fn, void *arg)
{
	for (const struct soft_code_page *p = e->pages; p; p = p->next)
		for (const struct jit_page *jp = p->jit; jp; jp = jp->next) {
			int err = new_blocks(jp) ? fn(e, p, jp, arg) : 0;

			if (err < 0)
				return err;
		}
	return 0;
}

struct wishing {
	struct aot_wishes head;
	uint64_t blocks, bytes;
	union wish_room room;
	int fd;
};

static int count_page(const struct vcpu_engine *e, const struct soft_code_page *source,
                      const struct jit_page *page, void *arg)
{
	struct wishing *w = arg;

	(void)e;
	(void)source;
	w->blocks += new_blocks(page);
	w->head.pages++;
	return 0;
}

static int wish_page(const struct vcpu_engine *e, const struct soft_code_page *source,
                     const struct jit_page *page, void *arg)
{
	struct wishing *w = arg;

	return write_page(e, source, page, &w->room, w->fd);
}

static bool worth_it(const struct jit *j, uint64_t fresh)
{
	uint64_t have = j->aot ? j->aot->blocks : 0;

	return fresh >= WISHES_MIN && fresh >= have / WISHES_PART && aot_identity(j) != 0;
}

int64_t vcpu_aot_wish(struct vcpu_engine *e, int fd)
{
	struct wishing *w = calloc(1, sizeof(*w));
	int64_t ret = 0;

	if (!w)
		return -ENOMEM;
	w->fd = fd;
	w->head.magic = AOT_WISHES_MAGIC;
	if (e->jit) {
		pthread_mutex_lock(&e->code_lock);
		(void)visit_new(e, count_page, w);
		if (worth_it(e->jit, w->blocks)) {
			ret = write_all(fd, &w->head, sizeof(w->head));
			if (ret == 0)
				ret = visit_new(e, wish_page, w);
		}
		pthread_mutex_unlock(&e->code_lock);
		ret = ret < 0 ? ret : (int64_t)w->blocks;
	}
	free(w);
	return ret;
}
