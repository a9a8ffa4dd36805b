/*
 * simd_two_misc_fp.c: Advanced SIMD two-register miscellaneous, floating point, vector and
 * scalar: rounding, conversions, comparisons with zero, estimates, square root.  Bit 22 is
 * the precision: of the wider side in conversions between precisions.
 */
#include "vcpu/a64/fp_cvt.h"
#include "vcpu/a64/simd.h"

/* Lane by lane, expr of a. */
#define TWO_MISC_FP(name, expr32, expr64)                                      \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const union a64_vreg n = *simd_v(cpu, a64_rn(op));             \
		const unsigned lanes = simd_fp_lanes(op);                      \
		union a64_vreg r = {.d = {0, 0}};                              \
                                                                               \
		if (simd_sz(op))                                               \
			for (unsigned i = 0; i < lanes; i++) {                 \
				const uint64_t a = n.d[i];                     \
                                                                               \
				r.d[i] = (expr64);                             \
			}                                                      \
		else                                                           \
			for (unsigned i = 0; i < lanes; i++) {                 \
				const uint32_t a = n.s[i];                     \
                                                                               \
				r.s[i] = (uint32_t)(expr32);                   \
			}                                                      \
		cpu->regs.v[a64_rd(op)] = r;                                   \
		return A64_OK;                                                 \
	}

TWO_MISC_FP(fabs_v, a & ~FP_SIGN32, a & ~FP_SIGN64)
TWO_MISC_FP(fneg_v, a ^ FP_SIGN32, a ^ FP_SIGN64)
TWO_MISC_FP(fsqrt_v, fp_sqrt32(cpu, a), fp_sqrt64(cpu, a))
TWO_MISC_FP(frecpe_v, FP_SOFT(recpe32, a), FP_SOFT(recpe64, a))
TWO_MISC_FP(frsqrte_v, FP_SOFT(rsqrte32, a), FP_SOFT(rsqrte64, a))
TWO_MISC_FP(frecpx, FP_SOFT(recpx32, a), FP_SOFT(recpx64, a))

#define RINT(name, rounding, exact) \
	TWO_MISC_FP(name, fp_rint32(cpu, a, rounding, exact), fp_rint64(cpu, a, rounding, exact))
RINT(frintn_v, SOFTFP_NEAREST_EVEN, false)
RINT(frintp_v, SOFTFP_PLUS_INF, false)
RINT(frintm_v, SOFTFP_MINUS_INF, false)
RINT(frintz_v, SOFTFP_ZERO, false)
RINT(frinta_v, SOFTFP_NEAREST_AWAY, false)
RINT(frintx_v, softfp_rmode(cpu->regs.fpcr), true)
RINT(frinti_v, softfp_rmode(cpu->regs.fpcr), false)

#define TO_INT(name, is_unsigned, rounding)                                    \
	TWO_MISC_FP(name, fp_to_fixed32(cpu, a, 0, is_unsigned, 32, rounding), \
	            fp_to_fixed64(cpu, a, 0, is_unsigned, 64, rounding))
TO_INT(fcvtns_v, false, SOFTFP_NEAREST_EVEN)
TO_INT(fcvtnu_v, true, SOFTFP_NEAREST_EVEN)
TO_INT(fcvtps_v, false, SOFTFP_PLUS_INF)
TO_INT(fcvtpu_v, true, SOFTFP_PLUS_INF)
TO_INT(fcvtms_v, false, SOFTFP_MINUS_INF)
TO_INT(fcvtmu_v, true, SOFTFP_MINUS_INF)
TO_INT(fcvtzs_v, false, SOFTFP_ZERO)
TO_INT(fcvtzu_v, true, SOFTFP_ZERO)
TO_INT(fcvtas_v, false, SOFTFP_NEAREST_AWAY)
TO_INT(fcvtau_v, true, SOFTFP_NEAREST_AWAY)

TWO_MISC_FP(scvtf_v, fp_from_fixed32(cpu, (uint64_t)(int32_t)a, 0, false),
            fp_from_fixed64(cpu, a, 0, false))
TWO_MISC_FP(ucvtf_v, fp_from_fixed32(cpu, a, 0, true), fp_from_fixed64(cpu, a, 0, true))

/* Comparisons with zero. */
#define COMPARE(name, holds32, holds64) \
	TWO_MISC_FP(name, 0 - (uint32_t)(holds32), 0 - (uint64_t)(holds64))
COMPARE(fcmeq_zero_v, fp_cmeq32(cpu, a, 0), fp_cmeq64(cpu, a, 0))
COMPARE(fcmge_zero_v, fp_cmge32(cpu, a, 0), fp_cmge64(cpu, a, 0))
COMPARE(fcmgt_zero_v, fp_cmgt32(cpu, a, 0), fp_cmgt64(cpu, a, 0))
COMPARE(fcmle_zero_v, fp_cmge32(cpu, 0, a), fp_cmge64(cpu, 0, a))
COMPARE(fcmlt_zero_v, fp_cmgt32(cpu, 0, a), fp_cmgt64(cpu, 0, a))

/* FCVTL: the lower half of Vn (the upper one when Q is set) in twice the width. */
enum a64_next a64_fcvtl(struct a64_cpu *cpu, const struct a64_op *op)
{
	union a64_vreg n = *simd_v(cpu, a64_rn(op)), r;

	n.d[0] = n.d[simd_q(op)];
	if (simd_sz(op))
		for (unsigned i = 0; i < 2; i++)
			r.d[i] = fp_32_to_64(cpu, n.s[i]);
	else
		for (unsigned i = 0; i < 4; i++)
			r.s[i] = FP_SOFT(16_to_32, n.h[i]);
	cpu->regs.v[a64_rd(op)] = r;
	return A64_OK;
}

/* FCVTN: into the lower half of rd, or the upper one when Q is set. */
enum a64_next a64_fcvtn(struct a64_cpu *cpu, const struct a64_op *op)
{
	const union a64_vreg n = *simd_v(cpu, a64_rn(op));
	union a64_vreg r;

	if (simd_sz(op))
		for (unsigned i = 0; i < 2; i++)
			r.s[i] = fp_64_to_32(cpu, n.d[i]);
	else
		for (unsigned i = 0; i < 4; i++)
			r.h[i] = FP_SOFT(32_to_16, n.s[i]);
	simd_put_narrow(cpu, op, &r);
	return A64_OK;
}

/* FCVTXN: double to single, rounded to odd, so that a second rounding does no harm. */
enum a64_next a64_fcvtxn(struct a64_cpu *cpu, const struct a64_op *op)
{
	const union a64_vreg n = *simd_v(cpu, a64_rn(op));
	union a64_vreg r = {.d = {0, 0}};

	for (unsigned i = 0; i < (simd_is_scalar(op) ? 1u : 2u); i++)
		r.s[i] = FP_SOFT(64_to_32, n.d[i], SOFTFP_ODD);
	simd_put_narrow(cpu, op, &r);
	return A64_OK;
}
