/*
 * fp_dp.c: scalar floating-point data processing with one, two and three sources (Arm ARM
 * C4.1, "Floating-point data-processing"), single and double precision by bit 22.
 */
#include "vcpu/a64/fp_cvt.h"
#include "vcpu/a64/simd.h"

/* Handlers from expressions over a (rn), b (rm) and c (ra). */
#define FP_ONE(name, expr32, expr64)                                           \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const union a64_vreg *n = simd_v(cpu, a64_rn(op));             \
                                                                               \
		if (simd_sz(op)) {                                             \
			const uint64_t a = n->d[0];                            \
                                                                               \
			simd_set_d(cpu, a64_rd(op), expr64);                   \
		} else {                                                       \
			const uint32_t a = n->s[0];                            \
                                                                               \
			simd_set_s(cpu, a64_rd(op), expr32);                   \
		}                                                              \
		return A64_OK;                                                 \
	}
#define FP_TWO(name, expr32, expr64)                                           \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const union a64_vreg *n = simd_v(cpu, a64_rn(op));             \
		const union a64_vreg *m = simd_v(cpu, a64_rm(op));             \
                                                                               \
		if (simd_sz(op)) {                                             \
			const uint64_t a = n->d[0], b = m->d[0];               \
                                                                               \
			simd_set_d(cpu, a64_rd(op), expr64);                   \
		} else {                                                       \
			const uint32_t a = n->s[0], b = m->s[0];               \
                                                                               \
			simd_set_s(cpu, a64_rd(op), expr32);                   \
		}                                                              \
		return A64_OK;                                                 \
	}
#define FP_THREE(name, expr32, expr64)                                          \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op)  \
	{                                                                       \
		const union a64_vreg *n = simd_v(cpu, a64_rn(op));              \
		const union a64_vreg *m = simd_v(cpu, a64_rm(op));              \
		const union a64_vreg *c = simd_v(cpu, a64_ra(op));              \
                                                                                \
		if (simd_sz(op)) {                                              \
			const uint64_t a = n->d[0], b = m->d[0], add = c->d[0]; \
                                                                                \
			simd_set_d(cpu, a64_rd(op), expr64);                    \
		} else {                                                        \
			const uint32_t a = n->s[0], b = m->s[0], add = c->s[0]; \
                                                                                \
			simd_set_s(cpu, a64_rd(op), expr32);                    \
		}                                                               \
		return A64_OK;                                                  \
	}

FP_ONE(fmov, a, a)
FP_ONE(fabs, a & ~FP_SIGN32, a & ~FP_SIGN64)
FP_ONE(fneg, a ^ FP_SIGN32, a ^ FP_SIGN64)
FP_ONE(fsqrt, fp_sqrt32(cpu, a), fp_sqrt64(cpu, a))

#define RINT(name, rounding, exact) \
	FP_ONE(name, fp_rint32(cpu, a, rounding, exact), fp_rint64(cpu, a, rounding, exact))
RINT(frintn, SOFTFP_NEAREST_EVEN, false)
RINT(frintp, SOFTFP_PLUS_INF, false)
RINT(frintm, SOFTFP_MINUS_INF, false)
RINT(frintz, SOFTFP_ZERO, false)
RINT(frinta, SOFTFP_NEAREST_AWAY, false)
RINT(frintx, softfp_rmode(cpu->regs.fpcr), true)
RINT(frinti, softfp_rmode(cpu->regs.fpcr), false)

FP_TWO(fadd, fp_add32(cpu, a, b), fp_add64(cpu, a, b))
FP_TWO(fsub, fp_sub32(cpu, a, b), fp_sub64(cpu, a, b))
FP_TWO(fmul, fp_mul32(cpu, a, b), fp_mul64(cpu, a, b))
FP_TWO(fdiv, fp_div32(cpu, a, b), fp_div64(cpu, a, b))
FP_TWO(fnmul, fp_mul32(cpu, a, b) ^ FP_SIGN32, fp_mul64(cpu, a, b) ^ FP_SIGN64)
FP_TWO(fmax, fp_max32(cpu, a, b), fp_max64(cpu, a, b))
FP_TWO(fmin, fp_min32(cpu, a, b), fp_min64(cpu, a, b))
FP_TWO(fmaxnm, fp_maxnm32(cpu, a, b), fp_maxnm64(cpu, a, b))
FP_TWO(fminnm, fp_minnm32(cpu, a, b), fp_minnm64(cpu, a, b))

/* Negated operands, as the manual has it: their NaNs change sign too. */
FP_THREE(fmadd, fp_muladd32(cpu, add, a, b), fp_muladd64(cpu, add, a, b))
FP_THREE(fmsub, fp_muladd32(cpu, add, a ^ FP_SIGN32, b), fp_muladd64(cpu, add, a ^ FP_SIGN64, b))
FP_THREE(fnmadd, fp_muladd32(cpu, add ^ FP_SIGN32, a ^ FP_SIGN32, b),
         fp_muladd64(cpu, add ^ FP_SIGN64, a ^ FP_SIGN64, b))
FP_THREE(fnmsub, fp_muladd32(cpu, add ^ FP_SIGN32, a, b), fp_muladd64(cpu, add ^ FP_SIGN64, a, b))

/* FCVT between scalar formats: source in bits 23..22, destination in bits 16..15. */
enum a64_next a64_fcvt_s_d(struct a64_cpu *cpu, const struct a64_op *op)
{
	simd_set_s(cpu, a64_rd(op), fp_64_to_32(cpu, simd_v(cpu, a64_rn(op))->d[0]));
	return A64_OK;
}

enum a64_next a64_fcvt_d_s(struct a64_cpu *cpu, const struct a64_op *op)
{
	simd_set_d(cpu, a64_rd(op), fp_32_to_64(cpu, simd_v(cpu, a64_rn(op))->s[0]));
	return A64_OK;
}

enum a64_next a64_fcvt_h_s(struct a64_cpu *cpu, const struct a64_op *op)
{
	simd_set_s(cpu, a64_rd(op), FP_SOFT(32_to_16, simd_v(cpu, a64_rn(op))->s[0]));
	return A64_OK;
}

enum a64_next a64_fcvt_h_d(struct a64_cpu *cpu, const struct a64_op *op)
{
	simd_set_s(cpu, a64_rd(op), FP_SOFT(64_to_16, simd_v(cpu, a64_rn(op))->d[0]));
	return A64_OK;
}

enum a64_next a64_fcvt_s_h(struct a64_cpu *cpu, const struct a64_op *op)
{
	simd_set_s(cpu, a64_rd(op), FP_SOFT(16_to_32, simd_v(cpu, a64_rn(op))->h[0]));
	return A64_OK;
}

enum a64_next a64_fcvt_d_h(struct a64_cpu *cpu, const struct a64_op *op)
{
	simd_set_d(cpu, a64_rd(op), FP_SOFT(16_to_64, simd_v(cpu, a64_rn(op))->h[0]));
	return A64_OK;
}
