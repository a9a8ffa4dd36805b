/*
 * simd_copy.c: Advanced SIMD copy: DUP, INS, SMOV, UMOV (Arm ARM C4.1, "Advanced SIMD copy",
 * "Advanced SIMD scalar copy").  The lowest set bit of imm5 gives the lane size, the bits
 * above it the lane's number.
 */
#include "vcpu/a64/simd.h"

static ALWAYS_INLINE unsigned imm5(const struct a64_op *op)
{
	return a64_bits(op->word, 20, 16);
}

static ALWAYS_INLINE unsigned lane_size(const struct a64_op *op)
{
	return (unsigned)__builtin_ctz(imm5(op));
}

static ALWAYS_INLINE uint64_t lane_get(const union a64_vreg *v, unsigned size, unsigned i)
{
	switch (size) {
	case SIMD_B:
		return v->b[i];
	case SIMD_H:
		return v->h[i];
	case SIMD_S:
		return v->s[i];
	default:
		return v->d[i];
	}
}

static ALWAYS_INLINE void lane_set(union a64_vreg *v, unsigned size, unsigned i, uint64_t x)
{
	switch (size) {
	case SIMD_B:
		v->b[i] = (uint8_t)x;
		break;
	case SIMD_H:
		v->h[i] = (uint16_t)x;
		break;
	case SIMD_S:
		v->s[i] = (uint32_t)x;
		break;
	default:
		v->d[i] = x;
		break;
	}
}

/* x in all lanes. */
static ALWAYS_INLINE union a64_vreg broadcast(uint64_t x, unsigned size)
{
	union a64_vreg r;

	if (size == SIMD_B)
		x = (uint8_t)x * 0x0101010101010101u;
	else if (size == SIMD_H)
		x = (uint16_t)x * 0x0001000100010001u;
	else if (size == SIMD_S)
		x = (uint32_t)x * 0x0000000100000001u;
	r.d[0] = x;
	r.d[1] = x;
	return r;
}

enum a64_next a64_dup_elem_v(struct a64_cpu *cpu, const struct a64_op *op)
{
	unsigned size = lane_size(op);
	uint64_t x = lane_get(simd_v(cpu, a64_rn(op)), size, imm5(op) >> (size + 1));
	union a64_vreg r = broadcast(x, size);

	simd_put_v(cpu, op, &r);
	return A64_OK;
}

enum a64_next a64_dup_elem_scalar(struct a64_cpu *cpu, const struct a64_op *op)
{
	unsigned size = lane_size(op);

	simd_set_d(cpu, a64_rd(op),
	           lane_get(simd_v(cpu, a64_rn(op)), size, imm5(op) >> (size + 1)));
	return A64_OK;
}

enum a64_next a64_dup_gpr_v(struct a64_cpu *cpu, const struct a64_op *op)
{
	union a64_vreg r = broadcast(a64_x(cpu, a64_rn(op)), lane_size(op));

	simd_put_v(cpu, op, &r);
	return A64_OK;
}

enum a64_next a64_ins_gpr(struct a64_cpu *cpu, const struct a64_op *op)
{
	unsigned size = lane_size(op);

	lane_set(&cpu->regs.v[a64_rd(op)], size, imm5(op) >> (size + 1), a64_x(cpu, a64_rn(op)));
	return A64_OK;
}

/* The source lane's number is in imm4, scaled by the size. */
enum a64_next a64_ins_elem(struct a64_cpu *cpu, const struct a64_op *op)
{
	unsigned size = lane_size(op);
	uint64_t x = lane_get(simd_v(cpu, a64_rn(op)), size, a64_bits(op->word, 14, 11) >> size);

	lane_set(&cpu->regs.v[a64_rd(op)], size, imm5(op) >> (size + 1), x);
	return A64_OK;
}

enum a64_next a64_umov(struct a64_cpu *cpu, const struct a64_op *op)
{
	unsigned size = lane_size(op);

	a64_set_x(cpu, a64_rd(op), lane_get(simd_v(cpu, a64_rn(op)), size, imm5(op) >> (size + 1)));
	return A64_OK;
}

enum a64_next a64_smov(struct a64_cpu *cpu, const struct a64_op *op)
{
	unsigned size = lane_size(op), shift = 64 - (8u << size);
	uint64_t x = lane_get(simd_v(cpu, a64_rn(op)), size, imm5(op) >> (size + 1));

	x = (uint64_t)((int64_t)(x << shift) >> shift);
	a64_set_x(cpu, a64_rd(op), simd_q(op) ? x : (uint32_t)x);
	return A64_OK;
}
