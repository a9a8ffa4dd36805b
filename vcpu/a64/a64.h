/*
 * a64.h: the frame in which the interpreter's instruction classes are written.
 *
 * Each encoding is one row A64_INSN(name, mask, value) in insn_base.def or
 * insn_simd.def; a row `name` is implemented by
 *
 *     enum a64_next a64_name(struct a64_cpu *cpu, const struct a64_op *op);
 *
 * in the file of its class of the Arm manual.  The decoder picks the first row whose
 * (word & mask) == value; so a more special row stands before a more general one, and
 * encodings that are unallocated inside a row are refused by the handler itself with
 * a64_undefined (or, better, by narrower masks).
 *
 * A name may stand in several rows, when no single mask describes its encodings (so no
 * expansion may define something per name); and A64_INSN(undefined, mask, value), which
 * names the refusal below, cuts an unallocated hole out of the rows after it.
 */
#ifndef VCPU_A64_A64_H
#define VCPU_A64_A64_H

#include "common/base.h"
#include "vcpu/vcpu.h"

/* What a handler reports.  A64_STOP: cpu->exit is filled and nothing was committed
 * (or pc already moved on, for SVC).  A64_BRANCH: cpu->regs.pc was written. */
enum a64_next { A64_OK, A64_BRANCH, A64_STOP };

struct a64_cpu;
struct a64_op;
typedef enum a64_next a64_fn(struct a64_cpu *cpu, const struct a64_op *op);

/* A pre-decoded instruction. */
struct a64_op {
	a64_fn *fn;
	uint32_t word; /* the instruction */
	uint32_t aux;  /* free for a handler's own pre-decoding */
};

/*
 * One entry of the software TLB: the guest page whose accesses need no walk.  A tag is the
 * page's address with the top byte cleared, or A64_TLB_EMPTY; the direct-mapped index is the
 * page number's low bits.
 */
struct a64_tlb_entry {
	uint64_t rtag; /* reads are permitted */
	uint64_t wtag; /* writes are permitted */
	uint8_t *host; /* host address of the page */
	uint64_t addend; /* host address less the tag */
};
#define A64_TLB_ENTRIES 1024u
#define A64_TLB_EMPTY   0x801ULL /* no page address, not even one with its lowest bits kept */
#define A64_PAGE_TAG    0x00FFFFFFFFFFF000ULL /* EL0 addresses ignore their top byte */
#define A64_VA_MASK     0x00FFFFFFFFFFFFFFULL

/* The address that Linux shows for a fault: without its tag where it is the lower half's. */
static inline uint64_t a64_untagged(uint64_t va)
{
	return va >> 55 & 1 ? va : va & A64_VA_MASK;
}

/* The part of a software vCPU that instruction handlers see; vcpu/soft embeds it. */
struct a64_cpu {
	struct a64_regs regs; /* regs.pc is the current instruction's address in a handler */
	struct vcpu_exit exit;
	/*
	 * Local exclusive monitor: the address, size and value of the last load-exclusive.
	 * A store-exclusive is a compare-and-swap against the value, so that a store by another
	 * vCPU which puts the same value back goes unnoticed (ABA); the architecture would fail
	 * it, but no lock or lock-free structure written for CAS machines can tell.
	 */
	bool excl_valid;
	uint8_t excl_size; /* bytes */
	uint64_t excl_addr;
	uint64_t excl_data[2];
	uint32_t poll; /* atomic; not 0: something to do at the next block boundary */
	struct a64_tlb_entry tlb[A64_TLB_ENTRIES];
};

/* Bits hi..lo of a word, unsigned and sign-extended. */
static ALWAYS_INLINE uint32_t a64_bits(uint32_t w, int hi, int lo)
{
	return (w >> lo) & (uint32_t)((1ULL << (hi - lo + 1)) - 1);
}

static ALWAYS_INLINE int64_t a64_sbits(uint32_t w, int hi, int lo)
{
	return (int64_t)((uint64_t)w << (63 - hi)) >> (63 - hi + lo);
}

static ALWAYS_INLINE unsigned a64_rd(const struct a64_op *op)
{
	return op->word & 31;
}
static ALWAYS_INLINE unsigned a64_rn(const struct a64_op *op)
{
	return (op->word >> 5) & 31;
}
static ALWAYS_INLINE unsigned a64_rm(const struct a64_op *op)
{
	return (op->word >> 16) & 31;
}
static ALWAYS_INLINE unsigned a64_ra(const struct a64_op *op)
{
	return (op->word >> 10) & 31;
}

/* General registers: number 31 is zero, or sp in the _sp forms. */
static ALWAYS_INLINE uint64_t a64_x(const struct a64_cpu *c, unsigned r)
{
	return r == 31 ? 0 : c->regs.x[r];
}
static ALWAYS_INLINE uint32_t a64_w(const struct a64_cpu *c, unsigned r)
{
	return (uint32_t)a64_x(c, r);
}
static ALWAYS_INLINE void a64_set_x(struct a64_cpu *c, unsigned r, uint64_t v)
{
	if (r != 31)
		c->regs.x[r] = v;
}
static ALWAYS_INLINE uint64_t a64_x_sp(const struct a64_cpu *c, unsigned r)
{
	return r == 31 ? c->regs.sp : c->regs.x[r];
}
static ALWAYS_INLINE void a64_set_x_sp(struct a64_cpu *c, unsigned r, uint64_t v)
{
	if (r == 31)
		c->regs.sp = v;
	else
		c->regs.x[r] = v;
}

/* Refuses the instruction: fills cpu->exit with VCPU_EXIT_UNDEFINED. */
enum a64_next a64_undefined(struct a64_cpu *cpu, const struct a64_op *op);

/* Refuses an address: fills cpu->exit with VCPU_EXIT_ALIGNMENT; always A64_STOP. */
enum a64_next a64_misaligned(struct a64_cpu *cpu, uint64_t va);

/*
 * Data access by a handler, size 1, 2, 4, 8 or 16 bytes, any alignment, little endian;
 * top address byte ignored.  False: the access was refused, cpu->exit is filled, return
 * A64_STOP without having committed anything.  Single-copy atomic when naturally aligned
 * (16 bytes: as two 8-byte halves).  mem.h has inline forms for one size.
 */
bool a64_load(struct a64_cpu *cpu, uint64_t va, unsigned size, void *out) MUST_CHECK;
bool a64_store(struct a64_cpu *cpu, uint64_t va, unsigned size, const void *in) MUST_CHECK;
/* Checks that [va, va+size), at most 4096 bytes, may be written: stores there by the same
 * handler then cannot fail. */
bool a64_probe_write(struct a64_cpu *cpu, uint64_t va, unsigned size) MUST_CHECK;
/* Host pointer to naturally aligned guest memory of that size, for host atomics; NULL: refused
 * (unaligned gives VCPU_EXIT_ALIGNMENT).  Access: of enum vcpu_access; where both are needed, a
 * fault is one of reading if that alone is refused (Arm ARM, ESR_EL1.WnR).  Valid until the
 * handler returns or makes another access. */
void *a64_atomic_ptr(struct a64_cpu *cpu, uint64_t va, unsigned size, unsigned access) MUST_CHECK;
/* IC IVAU: forgets code decoded from the cache line (64 bytes) of va.  False as above. */
bool a64_icache_line(struct a64_cpu *cpu, uint64_t va) MUST_CHECK;

/* The base register of a load or store: false (exit filled) when it is a misaligned sp. */
static ALWAYS_INLINE bool a64_base(struct a64_cpu *cpu, unsigned rn, uint64_t *va)
{
	*va = a64_x_sp(cpu, rn);
	if (UNLIKELY(rn == 31 && (*va & 15))) {
		(void)a64_misaligned(cpu, *va);
		return false;
	}
	return true;
}

/* Condition codes (Arm ARM C1.2.4): does cond hold for these flags? */
extern const uint16_t a64_cond_table[16];
static ALWAYS_INLINE bool a64_cond(const struct a64_cpu *cpu, unsigned cond)
{
	return (a64_cond_table[cond] >> (cpu->regs.nzcv >> 28)) & 1;
}

#define A64_INSN(name, mask, value) a64_fn a64_##name;
#include "vcpu/a64/insn.def"
#undef A64_INSN

#endif
