/*
 * ls_single.c: loads and stores of one general register (Arm ARM C4.1.94): unsigned offset,
 * unscaled, pre- and post-indexed, unprivileged (at EL0 an ordinary unscaled access), register
 * offset, literals, prefetches.
 *
 * Each kind of access is an inline function of address and target register; each addressing
 * form wraps all thirteen kinds.  The base register is written after the access succeeded.
 */
#include "vcpu/a64/int.h"
#include "vcpu/a64/mem.h"

#define LOAD(name, bits, conv)                                                       \
	static ALWAYS_INLINE bool name(struct a64_cpu *cpu, uint64_t va, unsigned t) \
	{                                                                            \
		uint##bits##_t v;                                                    \
                                                                                     \
		if (UNLIKELY(!a64_load##bits(cpu, va, &v)))                          \
			return false;                                                \
		a64_set_x(cpu, t, conv);                                             \
		return true;                                                         \
	}
#define STORE(name, bits)                                                            \
	static ALWAYS_INLINE bool name(struct a64_cpu *cpu, uint64_t va, unsigned t) \
	{                                                                            \
		return a64_store##bits(cpu, va, (uint##bits##_t)a64_x(cpu, t));      \
	}
STORE(do_strb, 8)
LOAD(do_ldrb, 8, v)
LOAD(do_ldrsb_x, 8, (uint64_t)(int8_t)v)
LOAD(do_ldrsb_w, 8, (uint32_t)(int8_t)v)
STORE(do_strh, 16)
LOAD(do_ldrh, 16, v)
LOAD(do_ldrsh_x, 16, (uint64_t)(int16_t)v)
LOAD(do_ldrsh_w, 16, (uint32_t)(int16_t)v)
STORE(do_str_w, 32)
LOAD(do_ldr_w, 32, v)
LOAD(do_ldrsw, 32, (uint64_t)(int32_t)v)
STORE(do_str_x, 64)
LOAD(do_ldr_x, 64, v)

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
 * advanced by afterwards (0 for none). */
#define FORM(name, kind, offset, write)                                        \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		uint64_t base;                                                 \
                                                                               \
		if (UNLIKELY(!a64_base(cpu, a64_rn(op), &base)) ||             \
		    UNLIKELY(!do_##kind(cpu, base + (offset), a64_rd(op))))    \
			return A64_STOP;                                       \
		write;                                                         \
		return A64_OK;                                                 \
	}
#define ADVANCE a64_set_x_sp(cpu, a64_rn(op), base + imm9(op))

#define FORMS(kind, log2_size)                                                       \
	FORM(kind##_uimm, kind, (uint64_t)a64_bits(op->word, 21, 10) << log2_size, ) \
	FORM(kind##_unscaled, kind, imm9(op), )                                      \
	FORM(kind##_unpriv, kind, imm9(op), )                                        \
	FORM(kind##_post, kind, 0, ADVANCE)                                          \
	FORM(kind##_pre, kind, imm9(op), ADVANCE)                                    \
	FORM(kind##_reg, kind, index_reg(cpu, op, log2_size), )
FORMS(strb, 0)
FORMS(ldrb, 0)
FORMS(ldrsb_x, 0)
FORMS(ldrsb_w, 0)
FORMS(strh, 1)
FORMS(ldrh, 1)
FORMS(ldrsh_x, 1)
FORMS(ldrsh_w, 1)
FORMS(str_w, 2)
FORMS(ldr_w, 2)
FORMS(ldrsw, 2)
FORMS(str_x, 3)
FORMS(ldr_x, 3)

static ALWAYS_INLINE uint64_t literal(const struct a64_cpu *cpu, const struct a64_op *op)
{
	return cpu->regs.pc + (uint64_t)(a64_sbits(op->word, 23, 5) * 4);
}

enum a64_next a64_ldr_lit_w(struct a64_cpu *cpu, const struct a64_op *op)
{
	return do_ldr_w(cpu, literal(cpu, op), a64_rd(op)) ? A64_OK : A64_STOP;
}

enum a64_next a64_ldr_lit_x(struct a64_cpu *cpu, const struct a64_op *op)
{
	return do_ldr_x(cpu, literal(cpu, op), a64_rd(op)) ? A64_OK : A64_STOP;
}

enum a64_next a64_ldrsw_lit(struct a64_cpu *cpu, const struct a64_op *op)
{
	return do_ldrsw(cpu, literal(cpu, op), a64_rd(op)) ? A64_OK : A64_STOP;
}

/* Prefetches never fault and have no effect here. */
enum a64_next a64_prfm_lit(struct a64_cpu *cpu, const struct a64_op *op)
{
	return a64_hint(cpu, op);
}

enum a64_next a64_prfm_uimm(struct a64_cpu *cpu, const struct a64_op *op)
{
	return a64_hint(cpu, op);
}

enum a64_next a64_prfum(struct a64_cpu *cpu, const struct a64_op *op)
{
	return a64_hint(cpu, op);
}

enum a64_next a64_prfm_reg(struct a64_cpu *cpu, const struct a64_op *op)
{
	return a64_hint(cpu, op);
}
