/*
 * tr_branch.c: branches (Arm ARM C4.1.93), and instructions that do nothing here.
 */
#include "vcpu/soft/jit/tr.h"

bool jit_tr_nothing(struct jit_tr *t, const struct a64_op *op)
{
	(void)t;
	(void)op;
	return true;
}

bool jit_tr_b(struct jit_tr *t, const struct a64_op *op)
{
	uint64_t target = t->pc + (uint64_t)(a64_sbits(op->word, 25, 0) * 4);

	if (op->word >> 31)
		jit_call(t, target);
	else
		jit_goto(t, target);
	return true;
}

bool jit_tr_b_cond(struct jit_tr *t, const struct a64_op *op)
{
	uint64_t target = t->pc + (uint64_t)(a64_sbits(op->word, 23, 5) * 4);
	unsigned cond = a64_bits(op->word, 3, 0);

	if (cond >= 14)
		jit_goto(t, target);
	else
		jit_leave_if(t, jit_cond(t, cond), target);
	return true;
}

bool jit_tr_cbz(struct jit_tr *t, const struct a64_op *op)
{
	uint64_t target = t->pc + (uint64_t)(a64_sbits(op->word, 23, 5) * 4);
	unsigned r = a64_rd(op);
	enum x64_width w = jit_width(op);

	jit_clobber_flags(t);
	if (r != 31 && jit_pin[r] >= 0)
		em_rr(&t->e, X_TEST, w, (unsigned)jit_pin[r], (unsigned)jit_pin[r]);
	else
		em_alu_mi(&t->e, ALU_CMP, w, RBP,
		          r == 31 ? JIT_AT(zero) : (int32_t)(r * 8) - JIT_BIAS, 0);
	jit_leave_if(t, a64_bits(op->word, 24, 24) ? CC_NE : CC_E, target);
	return true;
}

bool jit_tr_tbz(struct jit_tr *t, const struct a64_op *op)
{
	uint64_t target = t->pc + (uint64_t)(a64_sbits(op->word, 18, 5) * 4);
	unsigned r = a64_rd(op), bit = (op->word >> 31) << 5 | a64_bits(op->word, 23, 19);
	bool set = a64_bits(op->word, 24, 24);

	jit_clobber_flags(t);
	if (r != 31 && jit_pin[r] >= 0) {
		em_bt_ri(&t->e, X64, (unsigned)jit_pin[r], bit);
		jit_leave_if(t, set ? CC_B : CC_AE, target);
		return true;
	}
	int32_t at = r == 31 ? JIT_AT(zero) : (int32_t)(r * 8) - JIT_BIAS;

	em_test_m8i(&t->e, RBP, at + (int32_t)(bit / 8), 1u << (bit % 8));
	jit_leave_if(t, set ? CC_NE : CC_E, target);
	return true;
}

/* BR, BLR, RET. */
bool jit_tr_br(struct jit_tr *t, const struct a64_op *op)
{
	switch (a64_bits(op->word, 22, 21)) {
	case 0:
		jit_goto_reg(t, a64_rn(op));
		break;
	case 1:
		jit_call_reg(t, a64_rn(op));
		break;
	default:
		jit_return(t, a64_rn(op));
	}
	return true;
}
