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

/* The part of a software vCPU that instruction handlers see; vcpu/soft embeds it. */
struct a64_cpu {
	struct a64_regs regs; /* regs.pc is the current instruction's address in a handler */
	struct vcpu_exit exit;
	/* Local exclusive monitor. */
	bool excl_valid;
	uint8_t excl_size; /* bytes */
	uint64_t excl_addr;
	uint64_t excl_data[2];
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

static ALWAYS_INLINE unsigned a64_rd(const struct a64_op *op) { return op->word & 31; }
static ALWAYS_INLINE unsigned a64_rn(const struct a64_op *op) { return (op->word >> 5) & 31; }
static ALWAYS_INLINE unsigned a64_rm(const struct a64_op *op) { return (op->word >> 16) & 31; }
static ALWAYS_INLINE unsigned a64_ra(const struct a64_op *op) { return (op->word >> 10) & 31; }

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

/*
 * Data access by a handler, size 1, 2, 4, 8 or 16 bytes, any alignment, little endian;
 * top address byte ignored.  False: the access was refused, cpu->exit is filled, return
 * A64_STOP without having committed anything.  Single-copy atomic when naturally aligned
 * (16 bytes: as two 8-byte halves).
 */
bool a64_load(struct a64_cpu *cpu, uint64_t va, unsigned size, void *out) MUST_CHECK;
bool a64_store(struct a64_cpu *cpu, uint64_t va, unsigned size, const void *in) MUST_CHECK;
/* Checks that [va, va+size) may be written, so that several stores then cannot fail half-way. */
bool a64_probe_write(struct a64_cpu *cpu, uint64_t va, unsigned size) MUST_CHECK;
/* Host pointer to naturally aligned guest memory of that size, for host atomics; NULL: refused
 * (unaligned gives VCPU_EXIT_ALIGNMENT).  Valid until the handler returns. */
void *a64_atomic_ptr(struct a64_cpu *cpu, uint64_t va, unsigned size, enum vcpu_access access)
	MUST_CHECK;

#define A64_INSN(name, mask, value) a64_fn a64_##name;
#include "vcpu/a64/insn.def"
#undef A64_INSN

#endif
