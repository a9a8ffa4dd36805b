/*
 * dp_logical.c: logical operations on immediates and shifted registers (Arm ARM C4.1.92,
 * C4.1.95).
 */
#include "vcpu/a64/int.h"

bool a64_bitmask(unsigned n, unsigned imms, unsigned immr, uint64_t *out)
{
	unsigned combined = n << 6 | (~imms & 63);
	unsigned len, size, ones, rot;
	uint64_t elem;

	if (combined < 2)
		return false;
	len = 31 - (unsigned)__builtin_clz(combined);
	size = 1u << len;
	ones = imms & (size - 1);
	rot = immr & (size - 1);
	if (ones == size - 1)
		return false;
	elem = (2ULL << ones) - 1;
	if (rot)
		elem = (elem >> rot | elem << (size - rot)) & (UINT64_MAX >> (64 - size));
	for (; size < 64; size *= 2)
		elem |= elem << size;
	*out = elem;
	return true;
}

static ALWAYS_INLINE bool immediate(struct a64_cpu *cpu, const struct a64_op *op, uint64_t *imm)
{
	if (LIKELY(a64_bitmask(a64_bits(op->word, 22, 22), a64_bits(op->word, 15, 10),
	                       a64_bits(op->word, 21, 16), imm)))
		return true;
	(void)a64_undefined(cpu, op);
	return false;
}

/* The flag-setting form has no sp as destination. */
#define LOGICAL_IMM(name, type, expr, flags)                                   \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		uint64_t imm;                                                  \
                                                                               \
		if (!immediate(cpu, op, &imm))                                 \
			return A64_STOP;                                       \
		type a = (type)a64_x(cpu, a64_rn(op)), b = (type)imm;          \
		type r = expr;                                                 \
		if (flags) {                                                   \
			a64_set_nz(cpu, op, r);                                \
			a64_set_x(cpu, a64_rd(op), r);                         \
		} else {                                                       \
			a64_set_x_sp(cpu, a64_rd(op), r);                      \
		}                                                              \
		return A64_OK;                                                 \
	}
LOGICAL_IMM(and_imm_w, uint32_t, a &b, false)
LOGICAL_IMM(and_imm_x, uint64_t, a &b, false)
LOGICAL_IMM(orr_imm_w, uint32_t, a | b, false)
LOGICAL_IMM(orr_imm_x, uint64_t, a | b, false)
LOGICAL_IMM(eor_imm_w, uint32_t, a ^ b, false)
LOGICAL_IMM(eor_imm_x, uint64_t, a ^ b, false)
LOGICAL_IMM(ands_imm_w, uint32_t, a &b, true)
LOGICAL_IMM(ands_imm_x, uint64_t, a &b, true)

#define LOGICAL_REG(name, bits, expr, flags)                                                 \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op)               \
	{                                                                                    \
		uint##bits##_t a = (uint##bits##_t)a64_x(cpu, a64_rn(op));                   \
		uint##bits##_t b =                                                           \
		    a64_shift##bits((uint##bits##_t)a64_x(cpu, a64_rm(op)),                  \
		                    a64_bits(op->word, 23, 22), a64_bits(op->word, 15, 10)); \
		uint##bits##_t r = expr;                                                     \
                                                                                             \
		if (flags)                                                                   \
			a64_set_nz(cpu, op, r);                                              \
		a64_set_x(cpu, a64_rd(op), r);                                               \
		return A64_OK;                                                               \
	}
LOGICAL_REG(and_reg_w, 32, a &b, false)
LOGICAL_REG(and_reg_x, 64, a &b, false)
LOGICAL_REG(bic_reg_w, 32, a & ~b, false)
LOGICAL_REG(bic_reg_x, 64, a & ~b, false)
LOGICAL_REG(orr_reg_w, 32, a | b, false)
LOGICAL_REG(orr_reg_x, 64, a | b, false)
LOGICAL_REG(orn_reg_w, 32, a | ~b, false)
LOGICAL_REG(orn_reg_x, 64, a | ~b, false)
LOGICAL_REG(eor_reg_w, 32, a ^ b, false)
LOGICAL_REG(eor_reg_x, 64, a ^ b, false)
LOGICAL_REG(eon_reg_w, 32, a ^ ~b, false)
LOGICAL_REG(eon_reg_x, 64, a ^ ~b, false)
LOGICAL_REG(ands_reg_w, 32, a &b, true)
LOGICAL_REG(ands_reg_x, 64, a &b, true)
LOGICAL_REG(bics_reg_w, 32, a & ~b, true)
LOGICAL_REG(bics_reg_x, 64, a & ~b, true)
