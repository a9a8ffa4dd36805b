/*
 * simd_three_same.c: Advanced SIMD three same, integer: Vd.T = Vn.T op Vm.T, vector and scalar
 * (Arm ARM C4.1, "Advanced SIMD three same" and "scalar three same"); here those that do not
 * saturate.
 */
#include "vcpu/a64/simd.h"
#include "vcpu/a64/simd_sat.h"

/* A handler whose lane i of the result is expr of lanes a, b and o (the old destination). */
#define THREE_SAME(name, sign, expr)                                           \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const union a64_vreg n = *simd_v(cpu, a64_rn(op));             \
		const union a64_vreg m = *simd_v(cpu, a64_rm(op));             \
		const union a64_vreg d = *simd_v(cpu, a64_rd(op));             \
		union a64_vreg r;                                              \
                                                                               \
		SIMD_BY_SIZE(SIMD_LOOP3, simd_size(op), sign, expr)            \
		simd_put(cpu, op, &r, simd_size(op));                          \
		return A64_OK;                                                 \
	}

THREE_SAME(add_v, uint, a + b)
THREE_SAME(sub_v, uint, a - b)
THREE_SAME(mul_v, uint, (lane)((uint64_t)a *b))
THREE_SAME(mla_v, uint, (lane)(o + (uint64_t)a * b))
THREE_SAME(mls_v, uint, (lane)(o - (uint64_t)a * b))

THREE_SAME(cmeq_v, uint, -(lane)(a == b))
THREE_SAME(cmtst_v, uint, -(lane)((a & b) != 0))
THREE_SAME(cmgt_v, int, -(lane)(a > b))
THREE_SAME(cmge_v, int, -(lane)(a >= b))
THREE_SAME(cmhi_v, uint, -(lane)(a > b))
THREE_SAME(cmhs_v, uint, -(lane)(a >= b))

/* Halving without a wider lane. */
THREE_SAME(shadd_v, int, (a & b) + ((a ^ b) >> 1))
THREE_SAME(uhadd_v, uint, (a & b) + ((a ^ b) >> 1))
THREE_SAME(srhadd_v, int, (a | b) - ((a ^ b) >> 1))
THREE_SAME(urhadd_v, uint, (a | b) - ((a ^ b) >> 1))
THREE_SAME(shsub_v, int, (a >> 1) - (b >> 1) - (~a & b & 1))
THREE_SAME(uhsub_v, uint, (a >> 1) - (b >> 1) - (~a & b & 1))

THREE_SAME(smax_v, int, a > b ? a : b)
THREE_SAME(umax_v, uint, a > b ? a : b)
THREE_SAME(smin_v, int, a < b ? a : b)
THREE_SAME(umin_v, uint, a < b ? a : b)

#define ABS_DIFF (a > b ? SIMD_WRAP(a) - SIMD_WRAP(b) : SIMD_WRAP(b) - SIMD_WRAP(a))
THREE_SAME(sabd_v, int, (lane)ABS_DIFF)
THREE_SAME(uabd_v, uint, (lane)ABS_DIFF)
THREE_SAME(saba_v, int, (lane)(SIMD_WRAP(o) + ABS_DIFF))
THREE_SAME(uaba_v, uint, (lane)(SIMD_WRAP(o) + ABS_DIFF))

THREE_SAME(sshl_v, int, (lane)shift_signed(a, (int8_t)b, bits, false))
THREE_SAME(ushl_v, uint, (lane)shift_unsigned(a, (int8_t)b, bits, false))
THREE_SAME(srshl_v, int, (lane)shift_signed(a, (int8_t)b, bits, true))
THREE_SAME(urshl_v, uint, (lane)shift_unsigned(a, (int8_t)b, bits, true))

/* Bitwise operations, over the whole register in two halves. */
#define THREE_SAME_BITS(name, expr)                                            \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const union a64_vreg n = *simd_v(cpu, a64_rn(op));             \
		const union a64_vreg m = *simd_v(cpu, a64_rm(op));             \
		const union a64_vreg d = *simd_v(cpu, a64_rd(op));             \
		union a64_vreg r;                                              \
                                                                               \
		SIMD_LOOP3(d, uint64_t, expr)                                  \
		simd_put_v(cpu, op, &r);                                       \
		return A64_OK;                                                 \
	}

THREE_SAME_BITS(and_v, a &b)
THREE_SAME_BITS(bic_v, a & ~b)
THREE_SAME_BITS(orr_v, a | b)
THREE_SAME_BITS(orn_v, a | ~b)
THREE_SAME_BITS(eor_v, a ^ b)
THREE_SAME_BITS(bsl_v, (a & o) | (b & ~o))
THREE_SAME_BITS(bit_v, (a & b) | (o & ~b))
THREE_SAME_BITS(bif_v, (a & ~b) | (o & b))

/*
 * Pairwise: lane i of the result is expr of lanes 2i (a) and 2i + 1 (b) of Vm:Vn, of which
 * only the form's width counts.
 */
#define PAIR_LOOP(field, type, expr)                                         \
	for (unsigned i = 0; i < ARRAY_LEN(r.field); i++) {                  \
		typedef type lane;                                           \
		lane a, b;                                                   \
                                                                             \
		memcpy(&a, both + 2 * i * sizeof(lane), sizeof(lane));       \
		memcpy(&b, both + (2 * i + 1) * sizeof(lane), sizeof(lane)); \
		r.field[i] = (expr);                                         \
	}
#define PAIRWISE(name, sign, expr)                                             \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		uint8_t both[32] __attribute__((aligned(16)));                 \
		union a64_vreg r;                                              \
                                                                               \
		simd_join(cpu, op, both);                                      \
		SIMD_BY_SIZE(PAIR_LOOP, simd_size(op), sign, expr)             \
		simd_put_v(cpu, op, &r);                                       \
		return A64_OK;                                                 \
	}

PAIRWISE(addp_v, uint, a + b)
PAIRWISE(smaxp_v, int, a > b ? a : b)
PAIRWISE(umaxp_v, uint, a > b ? a : b)
PAIRWISE(sminp_v, int, a < b ? a : b)
PAIRWISE(uminp_v, uint, a < b ? a : b)

/* PMUL: polynomial product over {0,1} of bytes, its low eight bits. */
enum a64_next a64_pmul_v(struct a64_cpu *cpu, const struct a64_op *op)
{
	const union a64_vreg n = *simd_v(cpu, a64_rn(op));
	const union a64_vreg m = *simd_v(cpu, a64_rm(op));
	union a64_vreg r = {.d = {0, 0}};

	for (unsigned bit = 0; bit < 8; bit++)
		for (unsigned i = 0; i < 16; i++)
			r.b[i] ^= (uint8_t)(n.b[i] << bit) & -((m.b[i] >> bit) & 1);
	simd_put_v(cpu, op, &r);
	return A64_OK;
}
