/*
 * branch.c: branches (Arm ARM C4.1.93).  A conditional branch that is not taken also ends its
 * block: it reports a branch to the next instruction.
 */
#include "vcpu/a64/int.h"

/* Bit n is set when the condition holds for NZCV == n. */
const uint16_t a64_cond_table[16] = {
    0xF0F0, 0x0F0F, /* EQ NE: Z */
    0xCCCC, 0x3333, /* CS CC: C */
    0xFF00, 0x00FF, /* MI PL: N */
    0xAAAA, 0x5555, /* VS VC: V */
    0x0C0C, 0xF3F3, /* HI LS: C and not Z */
    0xAA55, 0x55AA, /* GE LT: N == V */
    0x0A05, 0xF5FA, /* GT LE: not Z and N == V */
    0xFFFF, 0xFFFF, /* AL, and its twin */
};

static ALWAYS_INLINE enum a64_next go(struct a64_cpu *cpu, int64_t offset)
{
	cpu->regs.pc += (uint64_t)offset;
	return A64_BRANCH;
}

enum a64_next a64_b(struct a64_cpu *cpu, const struct a64_op *op)
{
	return go(cpu, a64_sbits(op->word, 25, 0) * 4);
}

enum a64_next a64_bl(struct a64_cpu *cpu, const struct a64_op *op)
{
	cpu->regs.x[30] = cpu->regs.pc + 4;
	return go(cpu, a64_sbits(op->word, 25, 0) * 4);
}

enum a64_next a64_b_cond(struct a64_cpu *cpu, const struct a64_op *op)
{
	bool yes = a64_cond(cpu, a64_bits(op->word, 3, 0));

	return go(cpu, yes ? a64_sbits(op->word, 23, 5) * 4 : 4);
}

enum a64_next a64_cbz(struct a64_cpu *cpu, const struct a64_op *op)
{
	bool zero = a64_trunc(op, a64_x(cpu, a64_rd(op))) == 0;

	return go(cpu, zero ? a64_sbits(op->word, 23, 5) * 4 : 4);
}

enum a64_next a64_cbnz(struct a64_cpu *cpu, const struct a64_op *op)
{
	bool zero = a64_trunc(op, a64_x(cpu, a64_rd(op))) == 0;

	return go(cpu, zero ? 4 : a64_sbits(op->word, 23, 5) * 4);
}

static ALWAYS_INLINE bool tested_bit(const struct a64_cpu *cpu, const struct a64_op *op)
{
	unsigned bit = (op->word >> 31) << 5 | a64_bits(op->word, 23, 19);

	return a64_x(cpu, a64_rd(op)) >> bit & 1;
}

enum a64_next a64_tbz(struct a64_cpu *cpu, const struct a64_op *op)
{
	return go(cpu, tested_bit(cpu, op) ? 4 : a64_sbits(op->word, 18, 5) * 4);
}

enum a64_next a64_tbnz(struct a64_cpu *cpu, const struct a64_op *op)
{
	return go(cpu, tested_bit(cpu, op) ? a64_sbits(op->word, 18, 5) * 4 : 4);
}

enum a64_next a64_br(struct a64_cpu *cpu, const struct a64_op *op)
{
	cpu->regs.pc = a64_x(cpu, a64_rn(op));
	return A64_BRANCH;
}

enum a64_next a64_blr(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t target = a64_x(cpu, a64_rn(op));

	cpu->regs.x[30] = cpu->regs.pc + 4;
	cpu->regs.pc = target;
	return A64_BRANCH;
}

enum a64_next a64_ret(struct a64_cpu *cpu, const struct a64_op *op)
{
	cpu->regs.pc = a64_x(cpu, a64_rn(op));
	return A64_BRANCH;
}
