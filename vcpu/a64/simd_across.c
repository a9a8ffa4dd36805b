/*
 * simd_across.c: Advanced SIMD across lanes: sums, minima and maxima of a whole vector, and
 * the scalar pairwise ADDP (Arm ARM C4.1, "Advanced SIMD across lanes", "Advanced SIMD scalar
 * pairwise").
 */
#include "vcpu/a64/fp.h"
#include "vcpu/a64/simd.h"

/* acc starts as lane 0 and takes in lane a by expr.  Behind a 64-bit form stands its copy,
 * or zero for sums, so that all lanes can be taken in whatever the width. */
#define ACROSS_LOOP(field, lane_type, wide, expr)                   \
	{                                                           \
		wide acc = (lane_type)n.field[0];                   \
                                                                    \
		for (unsigned i = 1; i < ARRAY_LEN(n.field); i++) { \
			const wide a = (lane_type)n.field[i];       \
                                                                    \
			acc = (wide)(expr);                         \
		}                                                   \
		result = sizeof(wide) == 1   ? (uint8_t)acc         \
		         : sizeof(wide) == 2 ? (uint16_t)acc        \
		         : sizeof(wide) == 4 ? (uint32_t)acc        \
		                             : (uint64_t)acc;       \
	}
#define ACROSS(name, sign, wide_b, wide_h, wide_s, is_sum, expr)               \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		union a64_vreg n = *simd_v(cpu, a64_rn(op));                   \
		uint64_t result;                                               \
                                                                               \
		if (!simd_q(op))                                               \
			n.d[1] = (is_sum) ? 0 : n.d[0];                        \
		switch (simd_size(op)) {                                       \
		case SIMD_B:                                                   \
			ACROSS_LOOP(b, sign##8_t, wide_b, expr) break;         \
		case SIMD_H:                                                   \
			ACROSS_LOOP(h, sign##16_t, wide_h, expr) break;        \
		default:                                                       \
			ACROSS_LOOP(s, sign##32_t, wide_s, expr) break;        \
		}                                                              \
		simd_set_d(cpu, a64_rd(op), result);                           \
		return A64_OK;                                                 \
	}

ACROSS(addv, uint, uint8_t, uint16_t, uint32_t, true, acc + a)
ACROSS(saddlv, int, int16_t, int32_t, int64_t, true, acc + a)
ACROSS(uaddlv, uint, uint16_t, uint32_t, uint64_t, true, acc + a)
ACROSS(smaxv, int, int8_t, int16_t, int32_t, false, acc > a ? acc : a)
ACROSS(umaxv, uint, uint8_t, uint16_t, uint32_t, false, acc > a ? acc : a)
ACROSS(sminv, int, int8_t, int16_t, int32_t, false, acc < a ? acc : a)
ACROSS(uminv, uint, uint8_t, uint16_t, uint32_t, false, acc < a ? acc : a)

/* Four single-precision lanes, reduced in pairs: the order decides which NaN comes out. */
#define ACROSS_FP(name, operation)                                             \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const union a64_vreg n = *simd_v(cpu, a64_rn(op));             \
		uint32_t low = operation(cpu, n.s[0], n.s[1]);                 \
		uint32_t high = operation(cpu, n.s[2], n.s[3]);                \
                                                                               \
		simd_set_s(cpu, a64_rd(op), operation(cpu, low, high));        \
		return A64_OK;                                                 \
	}
ACROSS_FP(fmaxv, fp_max32)
ACROSS_FP(fminv, fp_min32)
ACROSS_FP(fmaxnmv, fp_maxnm32)
ACROSS_FP(fminnmv, fp_minnm32)

enum a64_next a64_addp_scalar(struct a64_cpu *cpu, const struct a64_op *op)
{
	const union a64_vreg *n = simd_v(cpu, a64_rn(op));

	simd_set_d(cpu, a64_rd(op), n->d[0] + n->d[1]);
	return A64_OK;
}
