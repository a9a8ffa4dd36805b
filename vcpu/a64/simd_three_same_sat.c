/*
 * simd_three_same_sat.c: Advanced SIMD three same, the saturating integer operations, which
 * report clipping in FPSR.QC; vector and scalar, and the rounding doubling multiply-accumulate
 * of FEAT_RDM ("three same extra").
 */
#include "vcpu/a64/simd.h"
#include "vcpu/a64/simd_sat.h"

/* Sources are cut to the form's width: lanes beyond it are zero and never saturate. */
#define SATURATING(name, sign, expr)                                           \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const unsigned bytes = simd_bytes(op, simd_size(op));          \
		const union a64_vreg n = simd_get_cut(cpu, a64_rn(op), bytes); \
		const union a64_vreg m = simd_get_cut(cpu, a64_rm(op), bytes); \
		const union a64_vreg d = simd_get_cut(cpu, a64_rd(op), bytes); \
		union a64_vreg r;                                              \
		bool sat = false;                                              \
                                                                               \
		SIMD_BY_SIZE(SIMD_LOOP3, simd_size(op), sign, expr)            \
		cpu->regs.v[a64_rd(op)] = r;                                   \
		simd_saturated(cpu, sat);                                      \
		return A64_OK;                                                 \
	}

SATURATING(sqadd_v, int, (lane)sat_add(a, b, bits, &sat))
SATURATING(uqadd_v, uint, (lane)sat_uadd(a, b, bits, &sat))
SATURATING(sqsub_v, int, (lane)sat_sub(a, b, bits, &sat))
SATURATING(uqsub_v, uint, (lane)sat_usub(a, b, &sat))
SATURATING(sqshl_v, int, (lane)sat_shift(a, (int8_t)b, bits, false, &sat))
SATURATING(uqshl_v, uint, (lane)sat_ushift(a, (int8_t)b, bits, false, &sat))
SATURATING(sqrshl_v, int, (lane)sat_shift(a, (int8_t)b, bits, true, &sat))
SATURATING(uqrshl_v, uint, (lane)sat_ushift(a, (int8_t)b, bits, true, &sat))

/* Halfword and word lanes only. */
#define SATURATING_HS(name, expr)                                              \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const unsigned bytes = simd_bytes(op, simd_size(op));          \
		const union a64_vreg n = simd_get_cut(cpu, a64_rn(op), bytes); \
		const union a64_vreg m = simd_get_cut(cpu, a64_rm(op), bytes); \
		const union a64_vreg d = simd_get_cut(cpu, a64_rd(op), bytes); \
		union a64_vreg r;                                              \
		bool sat = false;                                              \
                                                                               \
		if (simd_size(op) == SIMD_H)                                   \
			SIMD_LOOP3(h, int16_t, expr)                           \
		else                                                           \
			SIMD_LOOP3(s, int32_t, expr)                           \
		cpu->regs.v[a64_rd(op)] = r;                                   \
		simd_saturated(cpu, sat);                                      \
		return A64_OK;                                                 \
	}

#define PRODUCT ((int64_t)a * b)
SATURATING_HS(sqdmulh_v, (lane)sat_mul_high(0, PRODUCT, false, bits, &sat))
SATURATING_HS(sqrdmulh_v, (lane)sat_mul_high(0, PRODUCT, true, bits, &sat))
SATURATING_HS(sqrdmlah_v, (lane)sat_mul_high(o, PRODUCT, true, bits, &sat))
SATURATING_HS(sqrdmlsh_v, (lane)sat_mul_high(o, -PRODUCT, true, bits, &sat))
