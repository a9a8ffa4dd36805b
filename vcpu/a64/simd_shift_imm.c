/*
 * simd_shift_imm.c: Advanced SIMD shift by immediate, vector and scalar, with narrowing and
 * widening forms and the fixed-point conversions (Arm ARM C4.1, "Advanced SIMD shift by
 * immediate").  The highest set bit of immh gives the lane size; right shifts count down from
 * twice the width, left shifts up from it.
 */
#include "vcpu/a64/fp_cvt.h"
#include "vcpu/a64/simd.h"
#include "vcpu/a64/simd_sat.h"

static ALWAYS_INLINE unsigned immhb(const struct a64_op *op)
{
	return a64_bits(op->word, 22, 16);
}

static ALWAYS_INLINE unsigned shift_size(const struct a64_op *op)
{
	return 28 - (unsigned)__builtin_clz(immhb(op));
}

static ALWAYS_INLINE unsigned left_by(const struct a64_op *op)
{
	return immhb(op) - (8u << shift_size(op));
}

static ALWAYS_INLINE unsigned right_by(const struct a64_op *op)
{
	return (16u << shift_size(op)) - immhb(op);
}

/* Lane by lane: a of Vn, o of the old rd, shift by sh. */
#define SHIFT(name, amount, sign, expr)                                        \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const unsigned size = shift_size(op), sh = amount(op);         \
		const union a64_vreg n = *simd_v(cpu, a64_rn(op)), m = n;      \
		const union a64_vreg d = *simd_v(cpu, a64_rd(op));             \
		union a64_vreg r;                                              \
                                                                               \
		SIMD_BY_SIZE(SIMD_LOOP3, size, sign, expr)                     \
		simd_put(cpu, op, &r, size);                                   \
		return A64_OK;                                                 \
	}

/* In two steps, since the amount may be the whole width. */
#define RIGHT         (a >> (sh - 1) >> 1)
#define RIGHT_ROUNDED (RIGHT + (a >> (sh - 1) & 1))
SHIFT(sshr, right_by, int, RIGHT)
SHIFT(ushr, right_by, uint, RIGHT)
SHIFT(ssra, right_by, int, (lane)((uint64_t)o + (uint64_t)RIGHT))
SHIFT(usra, right_by, uint, (lane)(o + RIGHT))
SHIFT(srshr, right_by, int, RIGHT_ROUNDED)
SHIFT(urshr, right_by, uint, RIGHT_ROUNDED)
SHIFT(srsra, right_by, int, (lane)((uint64_t)o + (uint64_t)RIGHT_ROUNDED))
SHIFT(ursra, right_by, uint, (lane)(o + RIGHT_ROUNDED))
SHIFT(sri, right_by, uint, (lane)((o & ~((lane)-1 >> (sh - 1) >> 1)) | RIGHT))
SHIFT(shl_imm, left_by, uint, (lane)((uint64_t)a << sh))
SHIFT(sli, left_by, uint, (lane)((o & ((1ULL << sh) - 1)) | (uint64_t)a << sh))

#define SHIFT_SAT(name, sign, expr)                                                           \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op)                \
	{                                                                                     \
		const unsigned size = shift_size(op);                                         \
		const int sh = (int)left_by(op);                                              \
		const union a64_vreg n = simd_get_cut(cpu, a64_rn(op), simd_bytes(op, size)); \
		union a64_vreg r;                                                             \
		bool sat = false;                                                             \
                                                                                              \
		SIMD_BY_SIZE(SIMD_LOOP2, size, sign, expr)                                    \
		cpu->regs.v[a64_rd(op)] = r;                                                  \
		simd_saturated(cpu, sat);                                                     \
		return A64_OK;                                                                \
	}
SHIFT_SAT(sqshl_imm, int, (lane)sat_shift(a, sh, bits, false, &sat))
SHIFT_SAT(uqshl_imm, uint, (lane)sat_ushift(a, sh, bits, false, &sat))
SHIFT_SAT(sqshlu_imm, int, (lane)sat_shift_to_unsigned(a, sh, bits, &sat))

/* Narrowing: a is twice as wide as the result. */
#define SHIFT_NARROW(name, sign, expr)                                                   \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op)           \
	{                                                                                \
		const unsigned size = shift_size(op), sh = right_by(op);                 \
		const union a64_vreg n =                                                 \
		    simd_get_cut(cpu, a64_rn(op), simd_is_scalar(op) ? 2u << size : 16); \
		union a64_vreg r = {.d = {0, 0}};                                        \
		bool sat = false;                                                        \
                                                                                         \
		SIMD_NARROW_BY_SIZE(size, sign, expr)                                    \
		simd_put_narrow(cpu, op, &r);                                            \
		simd_saturated(cpu, sat);                                                \
		return A64_OK;                                                           \
	}
SHIFT_NARROW(shrn, uint, RIGHT)
SHIFT_NARROW(rshrn, uint, RIGHT_ROUNDED)
SHIFT_NARROW(sqshrn, int, sat_signed(RIGHT, bits, &sat))
SHIFT_NARROW(sqrshrn, int, sat_signed(RIGHT_ROUNDED, bits, &sat))
SHIFT_NARROW(sqshrun, int, sat_unsigned(RIGHT, bits, &sat))
SHIFT_NARROW(sqrshrun, int, sat_unsigned(RIGHT_ROUNDED, bits, &sat))
SHIFT_NARROW(uqshrn, uint, sat_from_unsigned(RIGHT, bits, &sat))
SHIFT_NARROW(uqrshrn, uint, sat_from_unsigned(RIGHT_ROUNDED, bits, &sat))

#define SHIFT_LONG(name, sign)                                                       \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op)       \
	{                                                                            \
		const unsigned sh = left_by(op);                                     \
		union a64_vreg n = *simd_v(cpu, a64_rn(op)), m, d, r;                \
                                                                                     \
		n.d[0] = n.d[simd_q(op)];                                            \
		m = d = n;                                                           \
		SIMD_WIDEN_BY_SIZE(shift_size(op), sign, (lane)(SIMD_WRAP(a) << sh)) \
		cpu->regs.v[a64_rd(op)] = r;                                         \
		return A64_OK;                                                       \
	}
SHIFT_LONG(sshll, int)
SHIFT_LONG(ushll, uint)

/* Conversions to and from fixed point with sh fraction bits. */
#define FIXED(name, expr32, expr64)                                            \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const unsigned size = shift_size(op), sh = right_by(op);       \
		const unsigned lanes = simd_bytes(op, size) >> size;           \
		const union a64_vreg n = *simd_v(cpu, a64_rn(op));             \
		union a64_vreg r = {.d = {0, 0}};                              \
                                                                               \
		for (unsigned i = 0; i < lanes; i++) {                         \
			if (size == SIMD_D) {                                  \
				const uint64_t a = n.d[i];                     \
                                                                               \
				r.d[i] = (expr64);                             \
			} else {                                               \
				const uint32_t a = n.s[i];                     \
                                                                               \
				r.s[i] = (uint32_t)(expr32);                   \
			}                                                      \
		}                                                              \
		cpu->regs.v[a64_rd(op)] = r;                                   \
		return A64_OK;                                                 \
	}
FIXED(scvtf_fix_v, fp_from_fixed32(cpu, (uint64_t)(int32_t)a, sh, false),
      fp_from_fixed64(cpu, a, sh, false))
FIXED(ucvtf_fix_v, fp_from_fixed32(cpu, a, sh, true), fp_from_fixed64(cpu, a, sh, true))
FIXED(fcvtzs_fix_v, fp_to_fixed32(cpu, a, sh, false, 32, SOFTFP_ZERO),
      fp_to_fixed64(cpu, a, sh, false, 64, SOFTFP_ZERO))
FIXED(fcvtzu_fix_v, fp_to_fixed32(cpu, a, sh, true, 32, SOFTFP_ZERO),
      fp_to_fixed64(cpu, a, sh, true, 64, SOFTFP_ZERO))
