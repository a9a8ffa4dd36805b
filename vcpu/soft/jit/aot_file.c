/*
 * aot_file.c: reads files of translations.  A file is only made by ourselves, but may be
 * damaged: everything that leads somewhere is checked, the header and the entries when the file
 * is opened, a body when it is used.
 */
#include "vcpu/soft/jit/aot.h"

#include "vcpu/soft/jit/host.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* --- identity --- */

struct program {
	uint64_t base;
	uint64_t build; /* hash of the linker's build id; 0: there is none */
};

static void find_build_id(const struct dl_phdr_info *info, const ElfW(Phdr) * ph, struct program *p)
{
	const uint8_t *at = (const uint8_t *)(info->dlpi_addr + ph->p_vaddr),
	              *end = at + ph->p_memsz;

	while ((size_t)(end - at) >= sizeof(ElfW(Nhdr))) {
		const ElfW(Nhdr) *n = (const void *)at;
		const uint8_t *desc = at + sizeof(*n) + round_up_u64(n->n_namesz, 4);

		if (n->n_type == NT_GNU_BUILD_ID)
			p->build = aot_hash(desc, n->n_descsz);
		at = desc + round_up_u64(n->n_descsz, 4);
	}
}

/* The first one listed is the program. */
static int look_at_program(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct program *p = arg;

	(void)size;
	p->base = info->dlpi_addr;
	for (unsigned i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_NOTE)
			find_build_id(info, &info->dlpi_phdr[i], p);
	return 1;
}

uint64_t aot_program(void)
{
	struct program p = {0};

	(void)dl_iterate_phdr(look_at_program, &p);
	return p.base;
}

uint64_t aot_identity(const struct jit *j)
{
	struct program p = {0};
	uint64_t parts[4];

	(void)dl_iterate_phdr(look_at_program, &p);
	if (!p.build)
		return 0;
	parts[0] = p.build;
	parts[1] = aot_hash(jit_host(), sizeof(struct jit_host));
	parts[2] = j->consts;
	parts[3] = j->half[0].begin;
	return aot_hash(parts, sizeof(parts)) | 1;
}

/* Four lanes of multiplication and rotation; nobody's choice of bytes can do harm, for bytes are
 * compared in the end. */
uint64_t aot_hash(const void *data, size_t len)
{
	static const uint64_t k = 0x9E3779B97F4A7C15u;
	uint64_t lane[4] = {k, k << 1, k << 2, len}, word = 0, h = 0;
	const uint8_t *p = data;

	for (; len >= 32; p += 32, len -= 32)
		for (unsigned i = 0; i < 4; i++) {
			memcpy(&word, p + 8 * i, 8);
			lane[i] = (lane[i] ^ word) * k;
			lane[i] ^= lane[i] >> 29;
		}
	while (len) {
		size_t n = MIN(len, (size_t)8);

		word = 0;
		memcpy(&word, p, n);
		lane[0] = (lane[0] ^ word) * k;
		lane[0] ^= lane[0] >> 31;
		p += n;
		len -= n;
	}
	for (unsigned i = 0; i < 4; i++) {
		h = (h ^ lane[i]) * k;
		h ^= h >> 32;
	}
	return h;
}

static uint32_t sum_of(const void *data, size_t len)
{
	return (uint32_t)aot_hash(data, len);
}

/* --- the file --- */

static int check(const struct jit *j, struct aot_file *f)
{
	const struct aot_header *h = (const void *)f->map;
	uint64_t identity = aot_identity(j), entries;

	if (h->magic != AOT_MAGIC || h->bytes != f->bytes)
		return -EBADMSG;
	if (!identity || h->identity != identity)
		return -ESTALE;
	entries = h->entries * (uint64_t)sizeof(struct aot_entry);
	if (entries > f->bytes - sizeof(*h))
		return -EBADMSG;
	f->entry = (const void *)(h + 1);
	f->entries = h->entries;
	if (sum_of(f->entry, entries) != h->sum)
		return -EBADMSG;
	for (uint32_t i = 0; i < f->entries; i++)
		f->blocks += f->entry[i].blocks;
	return 0;
}

int aot_open(const struct jit *j, int fd, struct aot_file *out)
{
	struct stat st;
	void *map;
	int err;

	if (fstat(fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size < sizeof(struct aot_header) ||
	    (uint64_t)st.st_size > VCPU_AOT_FILE_MAX)
		return -EBADMSG;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	*out = (struct aot_file){.map = map, .bytes = (uint64_t)st.st_size};
	err = check(j, out);
	if (err < 0)
		aot_close(out);
	return err;
}

void aot_close(struct aot_file *f)
{
	if (f->map)
		munmap((void *)(uintptr_t)f->map, f->bytes);
	*f = (struct aot_file){0};
}

static bool is_page(const struct aot_file *f, const struct aot_entry *e, const uint8_t *page)
{
	if (e->offset % 8 || e->offset > f->bytes || e->bytes > f->bytes - e->offset ||
	    e->bytes < PAGE_SIZE)
		return false;
	return memcmp(f->map + e->offset, page, PAGE_SIZE) == 0 &&
	       sum_of(f->map + e->offset, e->bytes) == e->sum;
}

const struct aot_entry *aot_find(const struct aot_file *f, const uint8_t *page, uint32_t mode)
{
	uint64_t hash = aot_hash(page, PAGE_SIZE);
	uint32_t low = 0, high = f->entries;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (f->entry[mid].hash < hash)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < f->entries && f->entry[low].hash == hash; low++)
		if (f->entry[low].mode == mode && is_page(f, &f->entry[low], page))
			return &f->entry[low];
	return NULL;
}

/* --- the blocks of a body --- */

void aot_first(const struct aot_file *f, const struct aot_entry *e, struct aot_cursor *c)
{
	*c = (struct aot_cursor){.at = f->map + e->offset + PAGE_SIZE,
	                         .end = f->map + e->offset + e->bytes};
}

/* Takes bytes from the body; NULL: there are not so many. */
static const void *take(struct aot_cursor *c, uint64_t bytes)
{
	const void *p = c->at;

	bytes = round_up_u64(bytes, 8);
	if (bytes > (uint64_t)(c->end - c->at))
		return NULL;
	c->at += bytes;
	return p;
}

static bool fits(const struct aot_block *b, uint64_t at, unsigned size)
{
	return at <= b->bytes && size <= b->bytes - at;
}

static unsigned size_of_noted(unsigned kind)
{
	switch (kind) {
	case AOT_CALL:
		return sizeof(struct jit_call);
	case AOT_GUEST:
	case AOT_LINK:
		return 8;
	default:
		return 4;
	}
}

static bool whole(const struct aot_cursor *c)
{
	const struct aot_block *b = c->block;

	if (b->bytes == 0 || b->bytes > JIT_MAX_BYTES || b->count == 0 || b->first >= PAGE_INSNS ||
	    b->first + b->count > PAGE_INSNS)
		return false;
	for (unsigned i = 0; i < b->nnotes; i++)
		if (!fits(b, c->notes[i].at, size_of_noted(c->notes[i].kind)))
			return false;
	for (unsigned i = 0; i < b->nlinks; i++) {
		const struct aot_link *l = &c->links[i];

		if (!fits(b, l->field, 4) || !fits(b, l->stub, 1) || !fits(b, l->guard, 4) ||
		    !fits(b, l->again, 4))
			return false;
	}
	for (unsigned i = 0; i < b->nsites; i++)
		if (!fits(b, c->sites[i].at, 1) || !fits(b, c->sites[i].slow, 1) ||
		    (i && c->sites[i].at <= c->sites[i - 1].at))
			return false;
	return true;
}

bool aot_next(struct aot_cursor *c)
{
	c->block = take(c, sizeof(*c->block));
	if (!c->block)
		return false;
	c->notes = take(c, c->block->nnotes * sizeof(*c->notes));
	c->links = take(c, c->block->nlinks * sizeof(*c->links));
	c->sites = take(c, c->block->nsites * sizeof(*c->sites));
	c->consts = take(c, c->block->nconsts * sizeof(*c->consts));
	c->code = take(c, c->block->bytes);
	return c->notes && c->links && c->sites && c->consts && c->code && whole(c);
}
