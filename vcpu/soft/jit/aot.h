/*
 * aot.h: translations in files, and what of a block depends on where it is (vcpu/aot.h says what
 * the files are for).
 *
 * A file begins with a header, which names the build of carrick, the host's instructions and
 * the layout of the code cache's beginning, for a block is only good for the same ones.  Behind
 * it stand the entries, one for each page and mode, sorted by the hash of the page's bytes; an
 * entry leads to its body: the page's bytes, by which the page is known for certain, and its
 * blocks.
 *
 * A block is struct aot_block, its notes, its links, its sites, its constants, and its code, each
 * padded to 8 bytes.  Code is position-independent but for the places that the notes name; while
 * translating for a file, they are taken down by the emitter and the translator (struct
 * emit_notes).
 */
#ifndef VCPU_SOFT_JIT_AOT_H
#define VCPU_SOFT_JIT_AOT_H

#include "vcpu/aot.h"
#include "vcpu/soft/jit/jit.h"

#define AOT_MAGIC        0x31746f616b726163ull /* "carkaot1" */
#define AOT_WISHES_MAGIC 0x3168736977726163ull /* "carwish1" */

struct aot_header {
	uint64_t magic, identity;
	uint64_t bytes; /* of the whole file */
	uint32_t entries;
	uint32_t sum; /* of the entries */
};

struct aot_entry {
	uint64_t hash; /* of the page's bytes */
	uint64_t offset;
	uint32_t bytes, sum; /* of the body */
	uint32_t mode;       /* of struct jit_page */
	uint32_t blocks;
};

struct aot_block {
	uint64_t lines;
	uint32_t bytes;
	uint16_t first, count, nnotes, nlinks, nsites, nconsts;
};

/* What stands at a noted place of the code as it is in a file. */
enum aot_kind {
	AOT_THUNK,   /* 4 bytes: a place in the cache's beginning, displacement later */
	AOT_CONST,   /* 4 bytes: number of one of the block's constants, displacement later */
	AOT_GUEST,   /* 8 bytes: a guest address less the page's */
	AOT_PAGE_ID, /* 4 bytes: such an address, displacement of the slot for its page later */
	AOT_CALL,    /* struct jit_call: functions less the program's address, pc less the page's */
	AOT_LINK,    /* 8 bytes: number of a link, its address later */
};

struct aot_note {
	uint16_t at; /* offset in the block */
	uint8_t kind, unused;
};

struct aot_const {
	uint64_t low, high;
};

struct aot_link {
	uint64_t target;                    /* from the page's address */
	uint32_t field, stub, guard, again; /* offsets in the block; guard: 0 or one */
};

/* A guest's notes: the header, then pages, each with its insns[]. */
struct aot_wishes {
	uint64_t magic;
	uint64_t pages;
};
struct aot_wish {
	uint8_t bytes[PAGE_SIZE];
	uint32_t mode, count;
	uint16_t insns[]; /* where blocks begin; padded to 8 bytes */
};

/* The file in use, mapped. */
struct aot_file {
	const uint8_t *map;
	uint64_t bytes;
	const struct aot_entry *entry;
	uint32_t entries;
	uint64_t blocks;
};

/* The identity that a file must have to be of use here; 0: files cannot be used. */
uint64_t aot_identity(const struct jit *j);
/* The program's own address. */
uint64_t aot_program(void);
uint64_t aot_hash(const void *data, size_t len);
/* Maps and checks a file; 0, -ESTALE, -EBADMSG or another negative host errno. */
int aot_open(const struct jit *j, int fd, struct aot_file *out) MUST_CHECK;
void aot_close(struct aot_file *f);
/* The entry for a page's bytes and mode whose body is whole, or NULL. */
const struct aot_entry *aot_find(const struct aot_file *f, const uint8_t *page, uint32_t mode);
/* Goes through the blocks of a body; false at its end, or where it is damaged. */
struct aot_cursor {
	const uint8_t *at, *end;
	const struct aot_block *block;
	const struct aot_note *notes;
	const struct aot_link *links;
	const struct jit_site *sites; /* offsets in the block */
	const struct aot_const *consts;
	const uint8_t *code;
};
void aot_first(const struct aot_file *f, const struct aot_entry *entry, struct aot_cursor *c);
bool aot_next(struct aot_cursor *c);

/* With code_lock: fills a new page with what the file has for it. */
void aot_fill_page(struct vcpu_engine *e, const struct soft_code_page *source,
                   struct jit_page *page);

/* While a file is made (jit.maker).  Before a block is translated: where the emitter notes what
 * depends on its place.  Behind it, before it is linked: takes it down. */
struct aot_maker;
struct emit_notes *aot_begin_block(struct aot_maker *m, uint64_t start);
void aot_record(struct aot_maker *m, const struct jit_block *b, const struct jit_site *sites,
                size_t nsites);

#endif
