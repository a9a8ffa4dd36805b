/*
 * simd_by_elem.c: Advanced SIMD vector x indexed element, integer and floating point, vector
 * and scalar (Arm ARM C4.1, "Advanced SIMD vector x indexed element").
 *
 * The element of Vm is copied to all lanes of m; then each operation is what it is among the
 * "three same" and "three different".
 */
#include "vcpu/a64/simd_fp.h"
#include "vcpu/a64/simd_sat.h"

/* H:L:M for halfwords (of v0 to v15), H:L for words, H for doublewords. */
static ALWAYS_INLINE union a64_vreg element(const struct a64_cpu *cpu, const struct a64_op *op,
                                            unsigned size)
{
	const unsigned h = a64_bits(op->word, 11, 11), l = a64_bits(op->word, 21, 21);
	const union a64_vreg *v = simd_v(cpu, a64_rm(op));
	uint64_t x;
	union a64_vreg r;

	if (size == SIMD_H) {
		v = simd_v(cpu, a64_rm(op) & 15);
		x = v->h[h << 2 | l << 1 | a64_bits(op->word, 20, 20)] * 0x0001000100010001u;
	} else if (size == SIMD_S) {
		x = v->s[h << 1 | l] * 0x0000000100000001u;
	} else {
		x = v->d[h];
	}
	r.d[0] = x;
	r.d[1] = x;
	return r;
}

/* Lanes of one width; sources cut to the form, so that what lies beyond never saturates. */
#define BY_ELEMENT(name, sign, expr)                                           \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const unsigned bytes = simd_bytes(op, simd_size(op));          \
		const union a64_vreg n = simd_get_cut(cpu, a64_rn(op), bytes); \
		const union a64_vreg m = element(cpu, op, simd_size(op));      \
		const union a64_vreg d = simd_get_cut(cpu, a64_rd(op), bytes); \
		union a64_vreg r;                                              \
		bool sat = false;                                              \
                                                                               \
		if (simd_size(op) == SIMD_H)                                   \
			SIMD_LOOP3(h, sign##16_t, expr)                        \
		else                                                           \
			SIMD_LOOP3(s, sign##32_t, expr)                        \
		cpu->regs.v[a64_rd(op)] = r;                                   \
		simd_saturated(cpu, sat);                                      \
		return A64_OK;                                                 \
	}

#define PRODUCT ((int64_t)a * b)
BY_ELEMENT(mul_elem, uint, (lane)((uint64_t)a *b))
BY_ELEMENT(mla_elem, uint, (lane)(o + (uint64_t)a * b))
BY_ELEMENT(mls_elem, uint, (lane)(o - (uint64_t)a * b))
BY_ELEMENT(sqdmulh_elem, int, (lane)sat_mul_high(0, PRODUCT, false, bits, &sat))
BY_ELEMENT(sqrdmulh_elem, int, (lane)sat_mul_high(0, PRODUCT, true, bits, &sat))
BY_ELEMENT(sqrdmlah_elem, int, (lane)sat_mul_high(o, PRODUCT, true, bits, &sat))
BY_ELEMENT(sqrdmlsh_elem, int, (lane)sat_mul_high(o, -PRODUCT, true, bits, &sat))

/* Widening; size is the narrow width.  The scalar forms use and write lane 0. */
#define LONG_BY_ELEMENT(name, sign, expr)                                                        \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op)                   \
	{                                                                                        \
		const bool scalar = simd_is_scalar(op);                                          \
		const unsigned bytes = 1u << simd_size(op);                                      \
		union a64_vreg n = simd_get_cut(cpu, a64_rn(op), scalar ? bytes : 16);           \
		const union a64_vreg m = element(cpu, op, simd_size(op));                        \
		const union a64_vreg d = simd_get_cut(cpu, a64_rd(op), scalar ? 2 * bytes : 16); \
		union a64_vreg r;                                                                \
		bool sat = false;                                                                \
                                                                                                 \
		if (!scalar)                                                                     \
			n.d[0] = n.d[simd_q(op)];                                                \
		if (simd_size(op) == SIMD_H)                                                     \
			SIMD_LOOP_WIDEN(s, h, 32, 16, sign, expr)                                \
		else                                                                             \
			SIMD_LOOP_WIDEN(d, s, 64, 32, sign, expr)                                \
		cpu->regs.v[a64_rd(op)] = r;                                                     \
		simd_saturated(cpu, sat);                                                        \
		return A64_OK;                                                                   \
	}

#define WIDE_PRODUCT (a * b) /* always fits */
LONG_BY_ELEMENT(smull_elem, int, (lane)WIDE_PRODUCT)
LONG_BY_ELEMENT(umull_elem, uint, (lane)WIDE_PRODUCT)
LONG_BY_ELEMENT(smlal_elem, int, (lane)(SIMD_WRAP(o) + SIMD_WRAP((lane)WIDE_PRODUCT)))
LONG_BY_ELEMENT(umlal_elem, uint, (lane)(o + WIDE_PRODUCT))
LONG_BY_ELEMENT(smlsl_elem, int, (lane)(SIMD_WRAP(o) - SIMD_WRAP((lane)WIDE_PRODUCT)))
LONG_BY_ELEMENT(umlsl_elem, uint, (lane)(o - WIDE_PRODUCT))
LONG_BY_ELEMENT(sqdmull_elem, int, (lane)sat_double_product(a, b, 2 * bits, &sat))
LONG_BY_ELEMENT(sqdmlal_elem, int,
                (lane)sat_add(o, sat_double_product(a, b, 2 * bits, &sat), 2 * bits, &sat))
LONG_BY_ELEMENT(sqdmlsl_elem, int,
                (lane)sat_sub(o, sat_double_product(a, b, 2 * bits, &sat), 2 * bits, &sat))

/* Floating point: expr of a, b and o, in each width. */
#define FP_BY_ELEMENT(name, expr32, expr64)                                    \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const union a64_vreg n = *simd_v(cpu, a64_rn(op));             \
		const union a64_vreg d UNUSED = *simd_v(cpu, a64_rd(op));      \
		const unsigned lanes = simd_fp_lanes(op);                      \
		union a64_vreg r = {.d = {0, 0}};                              \
                                                                               \
		if (simd_sz(op)) {                                             \
			const uint64_t b = element(cpu, op, SIMD_D).d[0];      \
                                                                               \
			for (unsigned i = 0; i < lanes; i++) {                 \
				const uint64_t a = n.d[i];                     \
                                                                               \
				r.d[i] = (expr64);                             \
			}                                                      \
		} else {                                                       \
			const uint32_t b = element(cpu, op, SIMD_S).s[0];      \
                                                                               \
			for (unsigned i = 0; i < lanes; i++) {                 \
				const uint32_t a = n.s[i];                     \
                                                                               \
				r.s[i] = (expr32);                             \
			}                                                      \
		}                                                              \
		cpu->regs.v[a64_rd(op)] = r;                                   \
		return A64_OK;                                                 \
	}

FP_BY_ELEMENT(fmul_elem, fp_mul32(cpu, a, b), fp_mul64(cpu, a, b))
FP_BY_ELEMENT(fmulx_elem, fp_mulx32(cpu, a, b), fp_mulx64(cpu, a, b))
static FP_BY_ELEMENT(
    mla_lanes, fp_muladd32(cpu, d.s[i], a, b),
    fp_muladd64(cpu, d.d[i], a, b)) static FP_BY_ELEMENT(mls_lanes,
                                                         fp_muladd32(cpu, d.s[i], a ^ FP_SIGN32, b),
                                                         fp_muladd64(cpu, d.d[i], a ^ FP_SIGN64, b))

    /* Vector forms all lanes at once if possible. */
    static ALWAYS_INLINE bool whole(struct a64_cpu *cpu, const struct a64_op *op, bool negate)
{
	union a64_vreg m;

	if (simd_is_scalar(op))
		return false;
	m = element(cpu, op, simd_sz(op) ? SIMD_D : SIMD_S);
	return fp_vector_muladd(cpu, op, &m, negate);
}

enum a64_next a64_fmla_elem(struct a64_cpu *cpu, const struct a64_op *op)
{
	return LIKELY(whole(cpu, op, false)) ? A64_OK : a64_mla_lanes(cpu, op);
}

enum a64_next a64_fmls_elem(struct a64_cpu *cpu, const struct a64_op *op)
{
	return LIKELY(whole(cpu, op, true)) ? A64_OK : a64_mls_lanes(cpu, op);
}
