/*
 * fp_cmp.c: scalar floating-point compare, conditional compare, conditional select and
 * immediate moves (Arm ARM C4.1, "Floating-point compare" and its neighbours).
 */
#include "vcpu/a64/fp.h"
#include "vcpu/a64/fp_imm.h"
#include "vcpu/a64/simd.h"

static ALWAYS_INLINE enum a64_next compare(struct a64_cpu *cpu, const struct a64_op *op,
                                           bool with_zero, bool signal)
{
	const union a64_vreg *n = simd_v(cpu, a64_rn(op));
	const union a64_vreg *m = simd_v(cpu, a64_rm(op));

	if (simd_sz(op))
		cpu->regs.nzcv = fp_nzcv64(cpu, n->d[0], with_zero ? 0 : m->d[0], signal);
	else
		cpu->regs.nzcv = fp_nzcv32(cpu, n->s[0], with_zero ? 0 : m->s[0], signal);
	return A64_OK;
}

enum a64_next a64_fcmp(struct a64_cpu *cpu, const struct a64_op *op)
{
	return compare(cpu, op, false, false);
}

enum a64_next a64_fcmpe(struct a64_cpu *cpu, const struct a64_op *op)
{
	return compare(cpu, op, false, true);
}

enum a64_next a64_fcmp_zero(struct a64_cpu *cpu, const struct a64_op *op)
{
	return compare(cpu, op, true, false);
}

enum a64_next a64_fcmpe_zero(struct a64_cpu *cpu, const struct a64_op *op)
{
	return compare(cpu, op, true, true);
}

/* FCCMP and FCCMPE: compare if the condition holds, else NZCV from bits 3..0. */
static ALWAYS_INLINE enum a64_next conditional_compare(struct a64_cpu *cpu, const struct a64_op *op,
                                                       bool signal)
{
	if (a64_cond(cpu, a64_bits(op->word, 15, 12)))
		return compare(cpu, op, false, signal);
	cpu->regs.nzcv = op->word << 28;
	return A64_OK;
}

enum a64_next a64_fccmp(struct a64_cpu *cpu, const struct a64_op *op)
{
	return conditional_compare(cpu, op, false);
}

enum a64_next a64_fccmpe(struct a64_cpu *cpu, const struct a64_op *op)
{
	return conditional_compare(cpu, op, true);
}

enum a64_next a64_fcsel(struct a64_cpu *cpu, const struct a64_op *op)
{
	bool holds = a64_cond(cpu, a64_bits(op->word, 15, 12));
	const union a64_vreg *v = simd_v(cpu, holds ? a64_rn(op) : a64_rm(op));

	simd_set_d(cpu, a64_rd(op), simd_sz(op) ? v->d[0] : v->s[0]);
	return A64_OK;
}

enum a64_next a64_fmov_imm(struct a64_cpu *cpu, const struct a64_op *op)
{
	unsigned imm = a64_bits(op->word, 20, 13);

	simd_set_d(cpu, a64_rd(op), simd_sz(op) ? fp_expand_imm64(imm) : fp_expand_imm32(imm));
	return A64_OK;
}
