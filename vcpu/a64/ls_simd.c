/*
 * ls_simd.c: loads and stores of one or two SIMD&FP registers (Arm ARM C4.1, "Loads and
 * stores"): unsigned offset, unscaled, pre- and post-indexed, register offset, literal, pairs.
 *
 * Each width has its inline access; each addressing form wraps all five widths.  A load clears
 * the rest of its register.  Base and destinations are written after every access succeeded.
 */
#include "vcpu/a64/int.h"
#include "vcpu/a64/mem.h"

#define ACCESS(suffix, bits)                                                       \
	static ALWAYS_INLINE bool load_##suffix(struct a64_cpu *cpu, uint64_t va,  \
	                                        union a64_vreg *out)               \
	{                                                                          \
		uint##bits##_t v;                                                  \
                                                                                   \
		if (UNLIKELY(!a64_load##bits(cpu, va, &v)))                        \
			return false;                                              \
		out->d[0] = v;                                                     \
		out->d[1] = 0;                                                     \
		return true;                                                       \
	}                                                                          \
	static ALWAYS_INLINE bool store_##suffix(struct a64_cpu *cpu, uint64_t va, \
	                                         const union a64_vreg *in)         \
	{                                                                          \
		return a64_store##bits(cpu, va, (uint##bits##_t)in->d[0]);         \
	}
ACCESS(vb, 8)
ACCESS(vh, 16)
ACCESS(vs, 32)
ACCESS(vd, 64)

static NOINLINE bool load_vq_slowly(struct a64_cpu *cpu, uint64_t va, union a64_vreg *out)
{
	union a64_vreg v;

	if (!a64_load(cpu, va, 16, &v))
		return false;
	*out = v;
	return true;
}

static ALWAYS_INLINE bool load_vq(struct a64_cpu *cpu, uint64_t va, union a64_vreg *out)
{
	typedef uint64_t whole __attribute__((vector_size(16)));
	const uint8_t *host = a64_tlb_read(cpu, va, 16);
	whole v;

	if (UNLIKELY(!host))
		return load_vq_slowly(cpu, va, out);
	/* As one store: halves would not be forwarded to the next vector load. */
	v = (whole){a64_raw_load64(host), a64_raw_load64(host + 8)};
	memcpy(out, &v, sizeof(v));
	return true;
}

static ALWAYS_INLINE bool store_vq(struct a64_cpu *cpu, uint64_t va, const union a64_vreg *in)
{
	uint8_t *host = a64_tlb_write(cpu, va, 16);

	if (UNLIKELY(!host))
		return a64_store(cpu, va, 16, in);
	a64_raw_store64(host, in->d[0]);
	a64_raw_store64(host + 8, in->d[1]);
	return true;
}

#define KIND(suffix)                                                                            \
	static ALWAYS_INLINE bool do_ldr_##suffix(struct a64_cpu *cpu, const struct a64_op *op, \
	                                          uint64_t va)                                  \
	{                                                                                       \
		return load_##suffix(cpu, va, &cpu->regs.v[a64_rd(op)]);                        \
	}                                                                                       \
	static ALWAYS_INLINE bool do_str_##suffix(struct a64_cpu *cpu, const struct a64_op *op, \
	                                          uint64_t va)                                  \
	{                                                                                       \
		return store_##suffix(cpu, va, &cpu->regs.v[a64_rd(op)]);                       \
	}
KIND(vb)
KIND(vh)
KIND(vs)
KIND(vd)
KIND(vq)

static ALWAYS_INLINE uint64_t imm9(const struct a64_op *op)
{
	return (uint64_t)a64_sbits(op->word, 20, 12);
}

/* Rm, extended by option and shifted by the access size when S is set. */
static ALWAYS_INLINE uint64_t index_reg(const struct a64_cpu *cpu, const struct a64_op *op,
                                        unsigned log2_size)
{
	uint64_t m = a64_extend(a64_x(cpu, a64_rm(op)), a64_bits(op->word, 15, 13));

	return a64_bits(op->word, 12, 12) ? m << log2_size : m;
}

/* Addressing forms: offset is added to the base for the access; write is what the base is
 * advanced by afterwards (nothing for none). */
#define FORM(name, kind, offset, write)                                        \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		uint64_t base;                                                 \
                                                                               \
		if (UNLIKELY(!a64_base(cpu, a64_rn(op), &base)) ||             \
		    UNLIKELY(!do_##kind(cpu, op, base + (offset))))            \
			return A64_STOP;                                       \
		write;                                                         \
		return A64_OK;                                                 \
	}
#define ADVANCE a64_set_x_sp(cpu, a64_rn(op), base + imm9(op))

#define FORMS(kind, log2_size)                                                       \
	FORM(kind##_uimm, kind, (uint64_t)a64_bits(op->word, 21, 10) << log2_size, ) \
	FORM(kind##_unscaled, kind, imm9(op), )                                      \
	FORM(kind##_post, kind, 0, ADVANCE)                                          \
	FORM(kind##_pre, kind, imm9(op), ADVANCE)                                    \
	FORM(kind##_reg, kind, index_reg(cpu, op, log2_size), )
FORMS(str_vb, 0)
FORMS(ldr_vb, 0)
FORMS(str_vh, 1)
FORMS(ldr_vh, 1)
FORMS(str_vs, 2)
FORMS(ldr_vs, 2)
FORMS(str_vd, 3)
FORMS(ldr_vd, 3)
FORMS(str_vq, 4)
FORMS(ldr_vq, 4)

#define LITERAL(name, kind)                                                              \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op)           \
	{                                                                                \
		uint64_t va = cpu->regs.pc + (uint64_t)(a64_sbits(op->word, 23, 5) * 4); \
                                                                                         \
		return do_##kind(cpu, op, va) ? A64_OK : A64_STOP;                       \
	}
LITERAL(ldr_lit_vs, ldr_vs)
LITERAL(ldr_lit_vd, ldr_vd)
LITERAL(ldr_lit_vq, ldr_vq)

/* Pairs. */
static ALWAYS_INLINE unsigned rt2(const struct a64_op *op)
{
	return a64_ra(op);
}

#define PAIR(suffix, bytes)                                                                     \
	static ALWAYS_INLINE bool do_ldp_##suffix(struct a64_cpu *cpu, const struct a64_op *op, \
	                                          uint64_t va)                                  \
	{                                                                                       \
		union a64_vreg a, b;                                                            \
                                                                                                \
		if (UNLIKELY(!load_##suffix(cpu, va, &a) ||                                     \
		             !load_##suffix(cpu, va + (bytes), &b)))                            \
			return false;                                                           \
		cpu->regs.v[a64_rd(op)] = a;                                                    \
		cpu->regs.v[rt2(op)] = b;                                                       \
		return true;                                                                    \
	}                                                                                       \
	static ALWAYS_INLINE bool do_stp_##suffix(struct a64_cpu *cpu, const struct a64_op *op, \
	                                          uint64_t va)                                  \
	{                                                                                       \
		/* A miss: make sure that the second half cannot fail after the first. */       \
		if (UNLIKELY(!a64_tlb_write(cpu, va, 2 * (bytes)) &&                            \
		             !a64_probe_write(cpu, va, 2 * (bytes))))                           \
			return false;                                                           \
		return store_##suffix(cpu, va, &cpu->regs.v[a64_rd(op)]) &&                     \
		       store_##suffix(cpu, va + (bytes), &cpu->regs.v[rt2(op)]);                \
	}
PAIR(vs, 4)
PAIR(vd, 8)
PAIR(vq, 16)

#define IMM7(bytes)         ((uint64_t)(a64_sbits(op->word, 21, 15) * (bytes)))
#define PAIR_ADVANCE(bytes) a64_set_x_sp(cpu, a64_rn(op), base + IMM7(bytes))
/* The offset form also serves the non-temporal pairs. */
#define PAIR_FORMS(kind, bytes)                         \
	FORM(kind##_post, kind, 0, PAIR_ADVANCE(bytes)) \
	FORM(kind##_off, kind, IMM7(bytes), )           \
	FORM(kind##_pre, kind, IMM7(bytes), PAIR_ADVANCE(bytes))
PAIR_FORMS(stp_vs, 4)
PAIR_FORMS(ldp_vs, 4)
PAIR_FORMS(stp_vd, 8)
PAIR_FORMS(ldp_vd, 8)
PAIR_FORMS(stp_vq, 16)
PAIR_FORMS(ldp_vq, 16)
