/*
 * fp_cvt.c: scalar conversions between floating point and general registers: integers, fixed
 * point, plain moves and FJCVTZS (Arm ARM C4.1, "Conversion between floating-point and
 * integer" and "... and fixed-point").  Bit 31: 64-bit general register; bit 22: double.
 */
#include "vcpu/a64/fp_cvt.h"
#include "vcpu/a64/simd.h"

static ALWAYS_INLINE unsigned int_width(const struct a64_op *op)
{
	return op->word >> 31 ? 64 : 32;
}

/* The number of fraction bits of the fixed-point forms. */
static ALWAYS_INLINE unsigned fraction_bits(const struct a64_op *op)
{
	return 64 - a64_bits(op->word, 15, 10);
}

static ALWAYS_INLINE enum a64_next to_int(struct a64_cpu *cpu, const struct a64_op *op,
                                          unsigned fbits, bool is_unsigned, enum softfp_round r)
{
	const union a64_vreg *n = simd_v(cpu, a64_rn(op));
	uint64_t v = simd_sz(op)
	                 ? fp_to_fixed64(cpu, n->d[0], fbits, is_unsigned, int_width(op), r)
	                 : fp_to_fixed32(cpu, n->s[0], fbits, is_unsigned, int_width(op), r);

	a64_set_x(cpu, a64_rd(op), v);
	return A64_OK;
}

#define TO_INT(name, is_unsigned, rounding)                                    \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		return to_int(cpu, op, 0, is_unsigned, rounding);              \
	}
TO_INT(fcvtns, false, SOFTFP_NEAREST_EVEN)
TO_INT(fcvtnu, true, SOFTFP_NEAREST_EVEN)
TO_INT(fcvtps, false, SOFTFP_PLUS_INF)
TO_INT(fcvtpu, true, SOFTFP_PLUS_INF)
TO_INT(fcvtms, false, SOFTFP_MINUS_INF)
TO_INT(fcvtmu, true, SOFTFP_MINUS_INF)
TO_INT(fcvtzs, false, SOFTFP_ZERO)
TO_INT(fcvtzu, true, SOFTFP_ZERO)
TO_INT(fcvtas, false, SOFTFP_NEAREST_AWAY)
TO_INT(fcvtau, true, SOFTFP_NEAREST_AWAY)

enum a64_next a64_fcvtzs_fix(struct a64_cpu *cpu, const struct a64_op *op)
{
	return to_int(cpu, op, fraction_bits(op), false, SOFTFP_ZERO);
}

enum a64_next a64_fcvtzu_fix(struct a64_cpu *cpu, const struct a64_op *op)
{
	return to_int(cpu, op, fraction_bits(op), true, SOFTFP_ZERO);
}

static ALWAYS_INLINE enum a64_next from_int(struct a64_cpu *cpu, const struct a64_op *op,
                                            unsigned fbits, bool is_unsigned)
{
	uint64_t v = a64_x(cpu, a64_rn(op));

	if (int_width(op) == 32)
		v = is_unsigned ? (uint32_t)v : (uint64_t)(int32_t)v;
	if (simd_sz(op))
		simd_set_d(cpu, a64_rd(op), fp_from_fixed64(cpu, v, fbits, is_unsigned));
	else
		simd_set_s(cpu, a64_rd(op), fp_from_fixed32(cpu, v, fbits, is_unsigned));
	return A64_OK;
}

enum a64_next a64_scvtf(struct a64_cpu *cpu, const struct a64_op *op)
{
	return from_int(cpu, op, 0, false);
}

enum a64_next a64_ucvtf(struct a64_cpu *cpu, const struct a64_op *op)
{
	return from_int(cpu, op, 0, true);
}

enum a64_next a64_scvtf_fix(struct a64_cpu *cpu, const struct a64_op *op)
{
	return from_int(cpu, op, fraction_bits(op), false);
}

enum a64_next a64_ucvtf_fix(struct a64_cpu *cpu, const struct a64_op *op)
{
	return from_int(cpu, op, fraction_bits(op), true);
}

/* FMOV Wd, Sn and Xd, Dn. */
enum a64_next a64_fmov_to_gpr(struct a64_cpu *cpu, const struct a64_op *op)
{
	const union a64_vreg *n = simd_v(cpu, a64_rn(op));

	a64_set_x(cpu, a64_rd(op), simd_sz(op) ? n->d[0] : n->s[0]);
	return A64_OK;
}

/* FMOV Sd, Wn and Dd, Xn. */
enum a64_next a64_fmov_from_gpr(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t v = a64_x(cpu, a64_rn(op));

	simd_set_d(cpu, a64_rd(op), simd_sz(op) ? v : (uint32_t)v);
	return A64_OK;
}

/* FMOV Xd, Vn.D[1] and FMOV Vd.D[1], Xn. */
enum a64_next a64_fmov_to_gpr_high(struct a64_cpu *cpu, const struct a64_op *op)
{
	a64_set_x(cpu, a64_rd(op), simd_v(cpu, a64_rn(op))->d[1]);
	return A64_OK;
}

enum a64_next a64_fmov_from_gpr_high(struct a64_cpu *cpu, const struct a64_op *op)
{
	cpu->regs.v[a64_rd(op)].d[1] = a64_x(cpu, a64_rn(op));
	return A64_OK;
}

enum a64_next a64_fjcvtzs(struct a64_cpu *cpu, const struct a64_op *op)
{
	bool exact;
	uint32_t v = softfp_to_fixed_js(simd_v(cpu, a64_rn(op))->d[0], &exact, cpu->regs.fpcr,
	                                &cpu->regs.fpsr);

	a64_set_x(cpu, a64_rd(op), v);
	cpu->regs.nzcv = (uint32_t)exact << 30;
	return A64_OK;
}
