/*
 * dp_addsub.c: addition and subtraction (Arm ARM C4.1.92, C4.1.95): immediate, shifted
 * register, extended register, with carry; conditional compare.
 */
#include "vcpu/a64/int.h"

/* Immediate: 12 bits, optionally shifted by 12.  Register 31 is sp, except as the
 * destination of the flag-setting forms. */
static ALWAYS_INLINE uint64_t imm12(const struct a64_op *op)
{
	uint64_t imm = a64_bits(op->word, 21, 10);

	return a64_bits(op->word, 22, 22) ? imm << 12 : imm;
}

enum a64_next a64_add_imm(struct a64_cpu *cpu, const struct a64_op *op)
{
	a64_set_x_sp(cpu, a64_rd(op), a64_trunc(op, a64_x_sp(cpu, a64_rn(op)) + imm12(op)));
	return A64_OK;
}

enum a64_next a64_sub_imm(struct a64_cpu *cpu, const struct a64_op *op)
{
	a64_set_x_sp(cpu, a64_rd(op), a64_trunc(op, a64_x_sp(cpu, a64_rn(op)) - imm12(op)));
	return A64_OK;
}

enum a64_next a64_adds_imm(struct a64_cpu *cpu, const struct a64_op *op)
{
	a64_set_x(cpu, a64_rd(op), a64_addc(cpu, op, a64_x_sp(cpu, a64_rn(op)), imm12(op), 0));
	return A64_OK;
}

enum a64_next a64_subs_imm(struct a64_cpu *cpu, const struct a64_op *op)
{
	a64_set_x(cpu, a64_rd(op), a64_addc(cpu, op, a64_x_sp(cpu, a64_rn(op)), ~imm12(op), 1));
	return A64_OK;
}

/* Shifted register: LSL, LSR or ASR; the fourth kind is unallocated. */
#define SHIFTED(name, bits, flags, subtract)                                                     \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op)                   \
	{                                                                                        \
		unsigned kind = a64_bits(op->word, 23, 22);                                      \
                                                                                                 \
		if (UNLIKELY(kind == 3))                                                         \
			return a64_undefined(cpu, op);                                           \
		uint##bits##_t a = (uint##bits##_t)a64_x(cpu, a64_rn(op));                       \
		uint##bits##_t b = a64_shift##bits((uint##bits##_t)a64_x(cpu, a64_rm(op)), kind, \
		                                   a64_bits(op->word, 15, 10));                  \
		uint##bits##_t r;                                                                \
		if (flags)                                                                       \
			r = a64_addc##bits(cpu, a, subtract ? ~b : b, subtract);                 \
		else                                                                             \
			r = subtract ? a - b : a + b;                                            \
		a64_set_x(cpu, a64_rd(op), r);                                                   \
		return A64_OK;                                                                   \
	}
SHIFTED(add_reg_w, 32, false, false)
SHIFTED(add_reg_x, 64, false, false)
SHIFTED(adds_reg_w, 32, true, false)
SHIFTED(adds_reg_x, 64, true, false)
SHIFTED(sub_reg_w, 32, false, true)
SHIFTED(sub_reg_x, 64, false, true)
SHIFTED(subs_reg_w, 32, true, true)
SHIFTED(subs_reg_x, 64, true, true)

/* Extended register: 8 to 64 bits of Rm, extended, shifted left by up to 4. */
static ALWAYS_INLINE bool extended(struct a64_cpu *cpu, const struct a64_op *op, uint64_t *out)
{
	unsigned shift = a64_bits(op->word, 12, 10);

	if (shift > 4) {
		(void)a64_undefined(cpu, op);
		return false;
	}
	*out = a64_extend(a64_x(cpu, a64_rm(op)), a64_bits(op->word, 15, 13)) << shift;
	return true;
}

enum a64_next a64_add_ext(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t b;

	if (!extended(cpu, op, &b))
		return A64_STOP;
	a64_set_x_sp(cpu, a64_rd(op), a64_trunc(op, a64_x_sp(cpu, a64_rn(op)) + b));
	return A64_OK;
}

enum a64_next a64_sub_ext(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t b;

	if (!extended(cpu, op, &b))
		return A64_STOP;
	a64_set_x_sp(cpu, a64_rd(op), a64_trunc(op, a64_x_sp(cpu, a64_rn(op)) - b));
	return A64_OK;
}

enum a64_next a64_adds_ext(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t b;

	if (!extended(cpu, op, &b))
		return A64_STOP;
	a64_set_x(cpu, a64_rd(op), a64_addc(cpu, op, a64_x_sp(cpu, a64_rn(op)), b, 0));
	return A64_OK;
}

enum a64_next a64_subs_ext(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t b;

	if (!extended(cpu, op, &b))
		return A64_STOP;
	a64_set_x(cpu, a64_rd(op), a64_addc(cpu, op, a64_x_sp(cpu, a64_rn(op)), ~b, 1));
	return A64_OK;
}

/* With carry. */
static ALWAYS_INLINE unsigned carry(const struct a64_cpu *cpu)
{
	return (cpu->regs.nzcv >> 29) & 1;
}

enum a64_next a64_adc(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t r = a64_x(cpu, a64_rn(op)) + a64_x(cpu, a64_rm(op)) + carry(cpu);

	a64_set_x(cpu, a64_rd(op), a64_trunc(op, r));
	return A64_OK;
}

enum a64_next a64_sbc(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t r = a64_x(cpu, a64_rn(op)) + ~a64_x(cpu, a64_rm(op)) + carry(cpu);

	a64_set_x(cpu, a64_rd(op), a64_trunc(op, r));
	return A64_OK;
}

enum a64_next a64_adcs(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t a = a64_x(cpu, a64_rn(op)), b = a64_x(cpu, a64_rm(op));

	a64_set_x(cpu, a64_rd(op), a64_addc(cpu, op, a, b, carry(cpu)));
	return A64_OK;
}

enum a64_next a64_sbcs(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t a = a64_x(cpu, a64_rn(op)), b = a64_x(cpu, a64_rm(op));

	a64_set_x(cpu, a64_rd(op), a64_addc(cpu, op, a, ~b, carry(cpu)));
	return A64_OK;
}

/* Conditional compare: the flags of a comparison, or the instruction's own four bits. */
static ALWAYS_INLINE enum a64_next cond_compare(struct a64_cpu *cpu, const struct a64_op *op,
                                                uint64_t b, bool subtract)
{
	if (a64_cond(cpu, a64_bits(op->word, 15, 12)))
		(void)a64_addc(cpu, op, a64_x(cpu, a64_rn(op)), subtract ? ~b : b, subtract);
	else
		cpu->regs.nzcv = a64_bits(op->word, 3, 0) << 28;
	return A64_OK;
}

enum a64_next a64_ccmn_reg(struct a64_cpu *cpu, const struct a64_op *op)
{
	return cond_compare(cpu, op, a64_x(cpu, a64_rm(op)), false);
}

enum a64_next a64_ccmp_reg(struct a64_cpu *cpu, const struct a64_op *op)
{
	return cond_compare(cpu, op, a64_x(cpu, a64_rm(op)), true);
}

enum a64_next a64_ccmn_imm(struct a64_cpu *cpu, const struct a64_op *op)
{
	return cond_compare(cpu, op, a64_rm(op), false);
}

enum a64_next a64_ccmp_imm(struct a64_cpu *cpu, const struct a64_op *op)
{
	return cond_compare(cpu, op, a64_rm(op), true);
}
