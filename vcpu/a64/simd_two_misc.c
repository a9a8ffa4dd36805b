/*
 * simd_two_misc.c: Advanced SIMD two-register miscellaneous, integer, vector and scalar (Arm
 * ARM C4.1, "Advanced SIMD two-register miscellaneous", "Advanced SIMD scalar two-register
 * miscellaneous").
 */
#include "vcpu/a64/simd.h"
#include "vcpu/a64/simd_sat.h"

/* Lane by lane, without reporting. */
#define TWO_MISC(name, sign, expr)                                             \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const union a64_vreg n = *simd_v(cpu, a64_rn(op));             \
		union a64_vreg r;                                              \
                                                                               \
		SIMD_BY_SIZE(SIMD_LOOP2, simd_size(op), sign, expr)            \
		simd_put(cpu, op, &r, simd_size(op));                          \
		return A64_OK;                                                 \
	}

static ALWAYS_INLINE uint64_t count_zeros(uint64_t a, unsigned bits)
{
	return a ? (unsigned)__builtin_clzll(a) - (64 - bits) : bits;
}

/* Leading bits equal to the sign, the sign itself not counted. */
static ALWAYS_INLINE uint64_t count_sign(int64_t a, unsigned bits)
{
	return count_zeros((uint64_t)(a < 0 ? ~a : a), bits) - 1;
}

TWO_MISC(cls_v, int, (lane)count_sign(a, bits))
TWO_MISC(clz_v, uint, (lane)count_zeros(a, bits))
TWO_MISC(abs_v, int, (lane)(a < 0 ? 0 - (uint64_t)a : (uint64_t)a))
TWO_MISC(neg_v, uint, (lane)(0 - (uint64_t)a))
TWO_MISC(cmgt_zero_v, int, -(lane)(a > 0))
TWO_MISC(cmge_zero_v, int, -(lane)(a >= 0))
TWO_MISC(cmeq_zero_v, int, -(lane)(a == 0))
TWO_MISC(cmle_zero_v, int, -(lane)(a <= 0))
TWO_MISC(cmlt_zero_v, int, -(lane)(a < 0))

/* Saturating, with the old destination o; everything is cut to the form's width. */
#define TWO_MISC_SAT(name, sign, expr)                                         \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const unsigned bytes = simd_bytes(op, simd_size(op));          \
		const union a64_vreg n = simd_get_cut(cpu, a64_rn(op), bytes); \
		const union a64_vreg d = simd_get_cut(cpu, a64_rd(op), bytes); \
		const union a64_vreg m = n;                                    \
		union a64_vreg r;                                              \
		bool sat = false;                                              \
                                                                               \
		SIMD_BY_SIZE(SIMD_LOOP3, simd_size(op), sign, expr)            \
		cpu->regs.v[a64_rd(op)] = r;                                   \
		simd_saturated(cpu, sat);                                      \
		return A64_OK;                                                 \
	}

/* Signed o plus unsigned a, saturated as signed. */
static ALWAYS_INLINE int64_t add_unsigned(int64_t o, uint64_t a, unsigned bits, bool *sat)
{
	int64_t r;

	if (add_overflows(o, a, &r)) {
		*sat = true;
		return sat_max(bits);
	}
	return sat_signed(r, bits, sat);
}

/* Unsigned o plus signed a, saturated as unsigned. */
static ALWAYS_INLINE uint64_t add_signed(uint64_t o, int64_t a, unsigned bits, bool *sat)
{
	uint64_t r;

	if (add_overflows(o, a, &r)) {
		*sat = true;
		return a < 0 ? 0 : sat_umax(bits);
	}
	return sat_from_unsigned(r, bits, sat);
}

#define UNSIGNED_A ((uint64_t)a & sat_umax(bits))
#define UNSIGNED_O ((uint64_t)o & sat_umax(bits))
TWO_MISC_SAT(suqadd, int, (lane)add_unsigned(o, UNSIGNED_A, bits, &sat))
TWO_MISC_SAT(usqadd, int, (lane)add_signed(UNSIGNED_O, a, bits, &sat))
TWO_MISC_SAT(sqneg_v, int, (lane)sat_sub(0, a, bits, &sat))
TWO_MISC_SAT(sqabs_v, int, (lane)(a < 0 ? sat_sub(0, a, bits, &sat) : a))

/* Bytes only. */
#define TWO_MISC_B(name, expr)                                                 \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const union a64_vreg n = *simd_v(cpu, a64_rn(op));             \
		union a64_vreg r;                                              \
                                                                               \
		SIMD_LOOP2(b, uint8_t, expr)                                   \
		simd_put_v(cpu, op, &r);                                       \
		return A64_OK;                                                 \
	}

static ALWAYS_INLINE unsigned popcount8(unsigned v)
{
	v -= v >> 1 & 0x55;
	v = (v & 0x33) + (v >> 2 & 0x33);
	return (v + (v >> 4)) & 0x0F;
}

static ALWAYS_INLINE unsigned reverse8(unsigned v)
{
	v = (v >> 1 & 0x55) | (v & 0x55) << 1;
	v = (v >> 2 & 0x33) | (v & 0x33) << 2;
	return v >> 4 | (v & 0x0F) << 4;
}

TWO_MISC_B(cnt_v, (lane)popcount8(a))
TWO_MISC_B(rbit_v, (lane)reverse8(a))
TWO_MISC_B(not_v, (lane)~a)

/* Lanes in reverse order within each doubleword, word or halfword. */
#define ROTATE_HALF(v, bits) ((v) << (bits) / 2 | (v) >> (bits) / 2)
#define SWAP_HALVES(v)       (((v) << 16 & 0xFFFF0000FFFF0000u) | ((v) >> 16 & 0x0000FFFF0000FFFFu))
#define REVERSE(name, field, by_byte, by_half, by_word)                        \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const union a64_vreg n = *simd_v(cpu, a64_rn(op));             \
		const unsigned size = simd_size(op);                           \
		union a64_vreg r;                                              \
                                                                               \
		for (unsigned i = 0; i < ARRAY_LEN(r.field); i++) {            \
			__typeof__(r.field[0]) a = n.field[i];                 \
                                                                               \
			r.field[i] = size == SIMD_B   ? (by_byte)              \
			             : size == SIMD_H ? (by_half)              \
			                              : (by_word);             \
		}                                                              \
		simd_put_v(cpu, op, &r);                                       \
		return A64_OK;                                                 \
	}
REVERSE(rev64_v, d, __builtin_bswap64(a), SWAP_HALVES(ROTATE_HALF(a, 64)), ROTATE_HALF(a, 64))
REVERSE(rev32_v, s, __builtin_bswap32(a), ROTATE_HALF(a, 32), a)
REVERSE(rev16_v, h, (uint16_t)(a << 8 | a >> 8), a, a)

/* Sums of neighbours in lanes of twice the width; accumulate: onto rd. */
#define PAIR_SUM(to, from, wide, narrow)               \
	for (unsigned i = 0; i < ARRAY_LEN(r.to); i++) \
		r.to[i] += (wide)(narrow)n.from[2 * i] + (wide)(narrow)n.from[2 * i + 1];
#define PAIR_LONG(name, accumulate, sign)                                      \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const union a64_vreg n = *simd_v(cpu, a64_rn(op));             \
		union a64_vreg r = {.d = {0, 0}};                              \
                                                                               \
		if (accumulate)                                                \
			r = *simd_v(cpu, a64_rd(op));                          \
		switch (simd_size(op)) {                                       \
		case SIMD_B:                                                   \
			PAIR_SUM(h, b, uint16_t, sign##8_t) break;             \
		case SIMD_H:                                                   \
			PAIR_SUM(s, h, uint32_t, sign##16_t) break;            \
		default:                                                       \
			PAIR_SUM(d, s, uint64_t, sign##32_t) break;            \
		}                                                              \
		simd_put_v(cpu, op, &r);                                       \
		return A64_OK;                                                 \
	}
PAIR_LONG(saddlp, false, int)
PAIR_LONG(uaddlp, false, uint)
PAIR_LONG(sadalp, true, int)
PAIR_LONG(uadalp, true, uint)

/* Narrowing; a scalar form's source is cut to its lane. */
#define NARROW(name, sign, expr)                                                                  \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op)                    \
	{                                                                                         \
		const union a64_vreg n =                                                          \
		    simd_get_cut(cpu, a64_rn(op), simd_is_scalar(op) ? 2u << simd_size(op) : 16); \
		union a64_vreg r = {.d = {0, 0}};                                                 \
		bool sat = false;                                                                 \
                                                                                                  \
		SIMD_NARROW_BY_SIZE(simd_size(op), sign, expr)                                    \
		simd_put_narrow(cpu, op, &r);                                                     \
		simd_saturated(cpu, sat);                                                         \
		return A64_OK;                                                                    \
	}
NARROW(xtn, uint, a)
NARROW(sqxtn, int, sat_signed(a, bits, &sat))
NARROW(sqxtun, int, sat_unsigned(a, bits, &sat))
NARROW(uqxtn, uint, sat_from_unsigned(a, bits, &sat))

/* SHLL: widening shift by the lane's own width. */
enum a64_next a64_shll(struct a64_cpu *cpu, const struct a64_op *op)
{
	union a64_vreg n = *simd_v(cpu, a64_rn(op)), m, d, r;

	n.d[0] = n.d[simd_q(op)];
	m = d = n;
	SIMD_WIDEN_BY_SIZE(simd_size(op), uint, (lane)(a << bits))
	cpu->regs.v[a64_rd(op)] = r;
	return A64_OK;
}

/* Integer reciprocal estimates, words only. */
#define ESTIMATE(name, function)                                               \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const union a64_vreg n = *simd_v(cpu, a64_rn(op));             \
		union a64_vreg r;                                              \
                                                                               \
		SIMD_LOOP2(s, uint32_t, function(a))                           \
		simd_put_v(cpu, op, &r);                                       \
		return A64_OK;                                                 \
	}
ESTIMATE(urecpe, softfp_urecpe)
ESTIMATE(ursqrte, softfp_ursqrte)
