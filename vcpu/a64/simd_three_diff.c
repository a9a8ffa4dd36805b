/*
 * simd_three_diff.c: Advanced SIMD three different: operations whose result and operands
 * differ in lane width; vector, and scalar for the saturating ones (Arm ARM C4.1, "Advanced
 * SIMD three different").  size is the narrow width.
 */
#include "vcpu/a64/crypto.h"
#include "vcpu/a64/simd.h"
#include "vcpu/a64/simd_sat.h"

/* The half of a source from which a vector form widens: the upper one when Q is set. */
static ALWAYS_INLINE union a64_vreg half_of(const struct a64_cpu *cpu, const struct a64_op *op,
                                            unsigned r)
{
	return (union a64_vreg){.d = {simd_v(cpu, r)->d[simd_q(op)], 0}};
}

/* Narrow a and b, wide result and o.  What two narrow lanes give always fits a wide one. */
#define LONG(name, sign, expr)                                                 \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const union a64_vreg n = half_of(cpu, op, a64_rn(op));         \
		const union a64_vreg m = half_of(cpu, op, a64_rm(op));         \
		const union a64_vreg d = *simd_v(cpu, a64_rd(op));             \
		union a64_vreg r;                                              \
                                                                               \
		SIMD_WIDEN_BY_SIZE(simd_size(op), sign, expr)                  \
		cpu->regs.v[a64_rd(op)] = r;                                   \
		return A64_OK;                                                 \
	}

#define ABS_DIFF (a > b ? a - b : b - a)
#define PRODUCT  (a * b)
LONG(saddl, int, a + b)
LONG(uaddl, uint, a + b)
LONG(ssubl, int, a - b)
LONG(usubl, uint, a - b)
LONG(sabdl, int, ABS_DIFF)
LONG(uabdl, uint, ABS_DIFF)
LONG(sabal, int, (lane)(SIMD_WRAP(o) + SIMD_WRAP((lane)ABS_DIFF)))
LONG(uabal, uint, (lane)(o + ABS_DIFF))
LONG(smull_v, int, (lane)PRODUCT)
LONG(umull_v, uint, (lane)PRODUCT)
LONG(smlal_v, int, (lane)(SIMD_WRAP(o) + SIMD_WRAP((lane)PRODUCT)))
LONG(umlal_v, uint, (lane)(o + PRODUCT))
LONG(smlsl_v, int, (lane)(SIMD_WRAP(o) - SIMD_WRAP((lane)PRODUCT)))
LONG(umlsl_v, uint, (lane)(o - PRODUCT))

/* Wide Vn (w) and narrow Vm. */
#define WIDE(name, sign, expr)                                                 \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const union a64_vreg d = *simd_v(cpu, a64_rn(op));             \
		const union a64_vreg m = half_of(cpu, op, a64_rm(op));         \
		const union a64_vreg n = m;                                    \
		union a64_vreg r;                                              \
                                                                               \
		SIMD_WIDEN_BY_SIZE(simd_size(op), sign, expr)                  \
		cpu->regs.v[a64_rd(op)] = r;                                   \
		return A64_OK;                                                 \
	}

WIDE(saddw, int, (lane)(SIMD_WRAP(o) + SIMD_WRAP(b)))
WIDE(uaddw, uint, o + b)
WIDE(ssubw, int, (lane)(SIMD_WRAP(o) - SIMD_WRAP(b)))
WIDE(usubw, uint, o - b)

/* Wide operands; the high half of each lane of n + m or n - m. */
#define HIGH_NARROW(name, operator, round)                                                    \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op)                \
	{                                                                                     \
		const union a64_vreg v = *simd_v(cpu, a64_rn(op));                            \
		const union a64_vreg w = *simd_v(cpu, a64_rm(op));                            \
		union a64_vreg n, r = {.d = {0, 0}};                                          \
                                                                                              \
		switch (simd_size(op)) {                                                      \
		case SIMD_B:                                                                  \
			for (unsigned i = 0; i < 8; i++)                                      \
				n.h[i] = (uint16_t)(v.h[i] operator w.h[i] +(round) * 0x80u); \
			break;                                                                \
		case SIMD_H:                                                                  \
			for (unsigned i = 0; i < 4; i++)                                      \
				n.s[i] = v.s[i] operator w.s[i] +(round) * 0x8000u;           \
			break;                                                                \
		default:                                                                      \
			for (unsigned i = 0; i < 2; i++)                                      \
				n.d[i] = v.d[i] operator w.d[i] +(round) * 0x80000000u;       \
			break;                                                                \
		}                                                                             \
		SIMD_NARROW_BY_SIZE(simd_size(op), uint, a >> bits)                           \
		simd_put_narrow(cpu, op, &r);                                                 \
		return A64_OK;                                                                \
	}

HIGH_NARROW(addhn, +, 0)
HIGH_NARROW(raddhn, +, 1)
HIGH_NARROW(subhn, -, 0)
HIGH_NARROW(rsubhn, -, 1)

/* Saturating doubling: vector and scalar, halfwords and words.  A scalar form's other lanes
 * are zero and never saturate. */
#define DOUBLING(name, expr)                                                                      \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op)                    \
	{                                                                                         \
		const bool scalar = simd_is_scalar(op);                                           \
		const unsigned bytes = 1u << simd_size(op);                                       \
		union a64_vreg n, m, d, r;                                                        \
		bool sat = false;                                                                 \
                                                                                                  \
		n = scalar ? simd_get_cut(cpu, a64_rn(op), bytes) : half_of(cpu, op, a64_rn(op)); \
		m = scalar ? simd_get_cut(cpu, a64_rm(op), bytes) : half_of(cpu, op, a64_rm(op)); \
		d = simd_get_cut(cpu, a64_rd(op), scalar ? 2 * bytes : 16);                       \
		if (simd_size(op) == SIMD_H)                                                      \
			SIMD_LOOP_WIDEN(s, h, 32, 16, int, expr)                                  \
		else                                                                              \
			SIMD_LOOP_WIDEN(d, s, 64, 32, int, expr)                                  \
		cpu->regs.v[a64_rd(op)] = r;                                                      \
		simd_saturated(cpu, sat);                                                         \
		return A64_OK;                                                                    \
	}

DOUBLING(sqdmull_v, (lane)sat_double_product(a, b, 2 * bits, &sat))
DOUBLING(sqdmlal_v, (lane)sat_add(o, sat_double_product(a, b, 2 * bits, &sat), 2 * bits, &sat))
DOUBLING(sqdmlsl_v, (lane)sat_sub(o, sat_double_product(a, b, 2 * bits, &sat), 2 * bits, &sat))

/* PMULL of bytes, and of one doubleword (FEAT_PMULL). */
enum a64_next a64_pmull_b(struct a64_cpu *cpu, const struct a64_op *op)
{
	const union a64_vreg n = half_of(cpu, op, a64_rn(op));
	const union a64_vreg m = half_of(cpu, op, a64_rm(op));
	union a64_vreg r = {.d = {0, 0}};

	for (unsigned bit = 0; bit < 8; bit++)
		for (unsigned i = 0; i < 8; i++)
			r.h[i] ^= (uint16_t)(n.b[i] << bit) & -((m.b[i] >> bit) & 1);
	cpu->regs.v[a64_rd(op)] = r;
	return A64_OK;
}

enum a64_next a64_pmull_d(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t a = simd_v(cpu, a64_rn(op))->d[simd_q(op)];
	uint64_t b = simd_v(cpu, a64_rm(op))->d[simd_q(op)];

	crypto_clmul(a, b, cpu->regs.v[a64_rd(op)].d);
	return A64_OK;
}
