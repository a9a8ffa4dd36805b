/*
 * aot_make.c: makes a file of translations: an engine without vCPUs, whose RAM is one page, is
 * given one page after the other and translates the blocks that were wished for.
 *
 * The wishes may be forged and may change while they are read (vcpu/aot.h): a page is copied
 * before it is looked at, and translated as any guest's code is.
 */
#include "vcpu/soft/jit/aot.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where pages are translated for; any address would do. */
#define PAGE_VA 0x5500000000u

#define MAX_ENTRIES (1u << 14)
/* Bodies begin behind room for all entries. */
#define BODIES_AT (sizeof(struct aot_header) + MAX_ENTRIES * sizeof(struct aot_entry))
#define BODY_MAX  (4u << 20)

struct aot_maker {
	struct vcpu_engine *engine;
	uint8_t *page; /* the engine's RAM */
	struct aot_file old;
	bool *old_replaced; /* by number of entry */
	int out;

	struct aot_entry *entry;
	uint32_t entries;
	uint64_t written;

	/* The body of the current page. */
	uint8_t *body;
	size_t used, room;
	uint32_t blocks;

	/* The current block: as the emitter noted it, and as it is in the file. */
	struct emit_notes notes;
	struct aot_note file_notes[EM_MAX_NOTES];
	struct aot_const consts[256];
	unsigned nnotes, nconsts;
	uint8_t code[JIT_MAX_BYTES];
};

/* --- one block --- */

static bool append(struct aot_maker *m, const void *data, size_t len)
{
	size_t padded = round_up_u64(len, 8);

	if (padded > m->room - m->used)
		return false;
	memcpy(m->body + m->used, data, len);
	memset(m->body + m->used + len, 0, padded - len);
	m->used += padded;
	return true;
}

static void put32(uint8_t *at, uint32_t v)
{
	memcpy(at, &v, sizeof(v));
}

static void sub64(uint8_t *at, uint64_t v)
{
	uint64_t old;

	memcpy(&old, at, sizeof(old));
	v = old - v;
	memcpy(at, &v, sizeof(v));
}

/* A displacement that leads out of its block: to a thunk, or a constant. */
static bool make_outward(struct aot_maker *m, uint64_t target, uint8_t *at, struct aot_note *n)
{
	const struct jit *j = m->engine->jit;
	uint64_t place = target - (uint64_t)(uintptr_t)j->rx;

	if (place >= j->consts && place < j->consts + JIT_CONSTS * 16) {
		if (m->nconsts == ARRAY_LEN(m->consts))
			return false;
		memcpy(&m->consts[m->nconsts], j->rw + place, sizeof(m->consts[0]));
		n->kind = AOT_CONST;
		put32(at, m->nconsts++);
		return true;
	}
	n->kind = AOT_THUNK;
	put32(at, (uint32_t)place);
	return place < j->half[0].begin;
}

/* Makes the block's code, at copy, as it is in a file, and the note to go with it. */
static bool make_note(struct aot_maker *m, const struct emit_note *from, uint8_t *copy, uint64_t va)
{
	struct aot_note n = {.at = (uint16_t)from->at};
	uint8_t *at = copy + from->at;

	switch (from->kind) {
	case EM_OUTWARD:
		if (!make_outward(m, from->value, at, &n))
			return false;
		break;
	case EM_GUEST:
		n.kind = AOT_GUEST;
		sub64(at, va);
		break;
	case EM_PAGE_ID:
		n.kind = AOT_PAGE_ID;
		if ((int64_t)(from->value - va) != (int32_t)(from->value - va))
			return false;
		put32(at, (uint32_t)(from->value - va));
		break;
	case EM_CALL:
		n.kind = AOT_CALL;
		sub64(at + offsetof(struct jit_call, op.fn), m->engine->jit->program);
		sub64(at + offsetof(struct jit_call, real), m->engine->jit->program);
		sub64(at + offsetof(struct jit_call, pc), va);
		break;
	case EM_LINK:
		n.kind = AOT_LINK;
		memcpy(at, &from->value, sizeof(from->value));
		break;
	}
	m->file_notes[m->nnotes++] = n;
	return true;
}

static bool make_notes(struct aot_maker *m, const struct jit_block *b)
{
	_Static_assert(JIT_MAX_BYTES <= 65536, "offsets in a block are 16 bits");
	m->nnotes = m->nconsts = 0;
	memcpy(m->code, m->engine->jit->rw + b->start, b->bytes);
	for (unsigned i = 0; i < m->notes.count; i++)
		if (m->notes.note[i].at >= b->bytes ||
		    !make_note(m, &m->notes.note[i], m->code, b->page->va))
			return false;
	return !m->notes.full;
}

static bool append_links(struct aot_maker *m, const struct jit_block *b)
{
	for (unsigned i = 0; i < b->nlinks; i++) {
		const struct jit_link *l = &b->links[i];
		struct aot_link to = {
		    .target = l->target - b->page->va,
		    .field = l->field - b->start,
		    .stub = l->stub - b->start,
		    .guard = l->guard ? l->guard - b->start : 0,
		    .again = l->again - b->start,
		};

		if (!append(m, &to, sizeof(to)))
			return false;
	}
	return true;
}

static bool append_sites(struct aot_maker *m, const struct jit_site *sites, size_t n,
                         uint32_t start)
{
	size_t begin = m->used;

	for (size_t i = 0; i < n; i++) {
		struct jit_site s = {sites[i].at - start, sites[i].slow - start};

		if (!append(m, &s, sizeof(s)))
			return false;
	}
	return m->used - begin == n * sizeof(*sites);
}

void aot_record(struct aot_maker *m, const struct jit_block *b, const struct jit_site *sites,
                size_t nsites)
{
	size_t begin = m->used;
	bool made = make_notes(m, b);
	struct aot_block head = {
	    .lines = b->lines,
	    .bytes = b->bytes,
	    .first = b->first,
	    .count = b->count,
	    .nnotes = (uint16_t)m->nnotes,
	    .nlinks = (uint16_t)b->nlinks,
	    .nsites = (uint16_t)nsites,
	    .nconsts = (uint16_t)m->nconsts,
	};

	if (made && append(m, &head, sizeof(head)) &&
	    append(m, m->file_notes, m->nnotes * sizeof(m->file_notes[0])) && append_links(m, b) &&
	    append_sites(m, sites, nsites, b->start) &&
	    append(m, m->consts, m->nconsts * sizeof(m->consts[0])) && append(m, m->code, b->bytes))
		m->blocks++;
	else
		m->used = begin;
}

struct emit_notes *aot_begin_block(struct aot_maker *m, uint64_t start)
{
	m->notes.start = start;
	m->notes.count = 0;
	m->notes.full = false;
	return &m->notes;
}

/* --- pages --- */

static int write_all(int fd, const void *data, size_t len, uint64_t at)
{
	const uint8_t *p = data;

	while (len) {
		ssize_t n = pwrite(fd, p, len, (off_t)at);

		if (n < 0 && errno != EINTR)
			return -errno;
		p += MAX(n, 0);
		at += (uint64_t)MAX(n, 0);
		len -= (size_t)MAX(n, 0);
	}
	return 0;
}

/* -EFBIG: the file is full; what follows is left out. */
static int add_entry(struct aot_maker *m, struct aot_entry entry, const void *body)
{
	int err;

	if (m->entries == MAX_ENTRIES || m->written + entry.bytes > VCPU_AOT_FILE_MAX)
		return -EFBIG;
	err = write_all(m->out, body, entry.bytes, m->written);
	if (err < 0)
		return err;
	entry.offset = m->written;
	m->written += entry.bytes;
	m->entry[m->entries++] = entry;
	return 0;
}

static void translate_one(struct aot_maker *m, struct soft_code_page *source, struct jit_page *page,
                          unsigned insn)
{
	if (insn < PAGE_INSNS && !page->entry[insn])
		(void)jit_translate(m->engine, source, page, insn);
}

/* The blocks that the old file has for the page are made again with the new ones. */
static void translate_old(struct aot_maker *m, struct soft_code_page *source, struct jit_page *page,
                          uint32_t mode)
{
	const struct aot_entry *old = m->old.map ? aot_find(&m->old, m->page, mode) : NULL;
	struct aot_cursor c;

	if (!old)
		return;
	m->old_replaced[old - m->old.entry] = true;
	aot_first(&m->old, old, &c);
	while (aot_next(&c))
		translate_one(m, source, page, c.block->first);
}

/* With the page's bytes in place. */
static int make_page(struct aot_maker *m, uint32_t mode, const uint16_t *insns, unsigned count)
{
	struct aot_entry entry = {.hash = aot_hash(m->page, PAGE_SIZE), .mode = mode};
	struct soft_code_page *source = soft_code_page(m->engine, 0);
	struct jit_page *page = source ? jit_page_of(m->engine, source, PAGE_VA, mode) : NULL;
	int err = 0;

	if (!page)
		return -ENOMEM;
	m->used = PAGE_SIZE;
	m->blocks = 0;
	memcpy(m->body, m->page, PAGE_SIZE);
	translate_old(m, source, page, mode);
	for (unsigned i = 0; i < count; i++)
		translate_one(m, source, page, insns[i]);
	if (m->blocks) {
		entry.blocks = m->blocks;
		entry.bytes = (uint32_t)m->used;
		entry.sum = (uint32_t)aot_hash(m->body, m->used);
		err = add_entry(m, entry, m->body);
	}
	vcpu_ram_changed(m->engine, 0, PAGE_SIZE);
	return err;
}

static int make_wishes(struct aot_maker *m, const uint8_t *at, uint64_t len)
{
	struct aot_wishes head;
	int err = 0;

	if (len < sizeof(head))
		return -EINVAL;
	memcpy(&head, at, sizeof(head));
	if (head.magic != AOT_WISHES_MAGIC)
		return -EINVAL;
	at += sizeof(head);
	len -= sizeof(head);
	for (uint64_t i = 0; i < head.pages && err == 0; i++) {
		uint16_t insns[PAGE_INSNS];
		struct aot_wish w;
		uint64_t bytes;

		if (len < sizeof(w))
			return -EINVAL;
		memcpy(&w, at, sizeof(w));
		bytes = round_up_u64(sizeof(w) + w.count * sizeof(insns[0]), 8);
		if (w.count > PAGE_INSNS || len < bytes || w.mode >= JIT_PAGE_MODES)
			return -EINVAL;
		memcpy(insns, at + sizeof(w), w.count * sizeof(insns[0]));
		memcpy(m->page, w.bytes, PAGE_SIZE);
		err = make_page(m, w.mode, insns, w.count);
		at += bytes;
		len -= bytes;
	}
	return err == -EFBIG ? 0 : err;
}

/* What the old file has of other pages. */
static int keep_old(struct aot_maker *m)
{
	int err = 0;

	for (uint32_t i = 0; i < m->old.entries && err == 0; i++) {
		const struct aot_entry *e = &m->old.entry[i];

		/* Its sum is checked by those who use it. */
		if (!m->old_replaced[i] && e->offset <= m->old.bytes &&
		    e->bytes <= m->old.bytes - e->offset)
			err = add_entry(m, *e, m->old.map + e->offset);
	}
	return err == -EFBIG ? 0 : err;
}

static int by_hash(const void *a, const void *b)
{
	const struct aot_entry *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return (x->mode > y->mode) - (x->mode < y->mode);
}

static int write_head(struct aot_maker *m)
{
	size_t bytes = m->entries * sizeof(*m->entry);
	struct aot_header h = {
	    .magic = AOT_MAGIC,
	    .identity = aot_identity(m->engine->jit),
	    .bytes = m->written,
	    .entries = m->entries,
	};
	int err;

	qsort(m->entry, m->entries, sizeof(*m->entry), by_hash);
	h.sum = (uint32_t)aot_hash(m->entry, bytes);
	err = write_all(m->out, m->entry, bytes, sizeof(h));
	return err < 0 ? err : write_all(m->out, &h, sizeof(h), 0);
}

/* --- the whole --- */

static int start(struct aot_maker *m, int old)
{
	const struct vcpu_options options = {.kind = VCPU_ENGINE_SOFT, .no_window = true};
	struct vcpu_ram ram = {.size = PAGE_SIZE, .memfd = -1};
	void *page =
	    mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int err;

	if (page == MAP_FAILED)
		return -errno;
	m->page = ram.base = page;
	err = vcpu_engine_new(&options, &ram, &m->engine);
	if (err < 0)
		return err;
	m->engine->jit->maker = m;
	m->engine->jit->program = aot_program();
	m->written = BODIES_AT;
	m->room = BODY_MAX;
	m->body = malloc(m->room);
	m->entry = calloc(MAX_ENTRIES, sizeof(*m->entry));
	if (!m->body || !m->entry)
		return -ENOMEM;
	if (old < 0 || aot_open(m->engine->jit, old, &m->old) < 0)
		return 0;
	m->old_replaced = calloc(m->old.entries + 1u, sizeof(*m->old_replaced));
	return m->old_replaced ? 0 : -ENOMEM;
}

static void finish(struct aot_maker *m)
{
	aot_close(&m->old);
	if (m->engine)
		vcpu_engine_free(m->engine);
	if (m->page)
		munmap(m->page, PAGE_SIZE);
	free(m->old_replaced);
	free(m->entry);
	free(m->body);
	free(m);
}

int vcpu_aot_make(int wishes, int old, int out)
{
	struct aot_maker *m = calloc(1, sizeof(*m));
	struct stat st;
	void *map;
	int err;

	if (!m)
		return -ENOMEM;
	m->out = out;
	err = start(m, old);
	if (err == 0 && fstat(wishes, &st) < 0)
		err = -errno;
	if (err == 0 && (st.st_size <= 0 || (uint64_t)st.st_size > VCPU_AOT_WISHES_MAX))
		err = -EINVAL;
	if (err < 0) {
		finish(m);
		return err;
	}
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, wishes, 0);
	err = map == MAP_FAILED ? -errno : make_wishes(m, map, (uint64_t)st.st_size);
	if (err == 0)
		err = keep_old(m);
	if (err == 0)
		err = write_head(m);
	if (map != MAP_FAILED)
		munmap(map, (size_t)st.st_size);
	finish(m);
	return err;
}
