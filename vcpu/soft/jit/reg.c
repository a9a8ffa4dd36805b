/*
 * reg.c: guest general registers as operands of host instructions.
 *
 * A pinned register is a host register, any other is memory at rbp; the zero register reads a
 * word of the vCPU that is always 0.  None of these touches EFLAGS.
 */
#include "vcpu/soft/jit/jit.h"

const int8_t jit_pin[32] = {
    [0] = RBX, [1] = RSI, [2] = RDI, [3] = R8,   [4] = R9,   [5] = -1,   [6] = -1,  [7] = -1,
    [8] = R11, [9] = -1,  [10] = -1, [11] = -1,  [12] = -1,  [13] = -1,  [14] = -1, [15] = -1,
    [16] = -1, [17] = -1, [18] = -1, [19] = R12, [20] = R13, [21] = R14, [22] = -1, [23] = -1,
    [24] = -1, [25] = -1, [26] = -1, [27] = -1,  [28] = -1,  [29] = -1,  [30] = -1, [31] = R15,
};

static int32_t slot(unsigned r)
{
	return (int32_t)(r * 8) - JIT_BIAS;
}

void jit_op_sp(struct jit_tr *t, unsigned op, enum x64_width w, unsigned host, unsigned r)
{
	if (jit_pin[r] >= 0)
		em_rr(&t->e, op, w, host, (unsigned)jit_pin[r]);
	else
		em_rm(&t->e, op, w, host, RBP, slot(r));
}

void jit_op(struct jit_tr *t, unsigned op, enum x64_width w, unsigned host, unsigned r)
{
	if (r == 31)
		em_rm(&t->e, op, w, host, RBP, JIT_AT(zero));
	else
		jit_op_sp(t, op, w, host, r);
}

unsigned jit_src_sp(struct jit_tr *t, unsigned r, unsigned tmp)
{
	if (jit_pin[r] >= 0)
		return (unsigned)jit_pin[r];
	em_rm(&t->e, X_LOAD, X64, tmp, RBP, slot(r));
	return tmp;
}

unsigned jit_src(struct jit_tr *t, unsigned r, unsigned tmp)
{
	if (r != 31)
		return jit_src_sp(t, r, tmp);
	em_mov_imm(&t->e, tmp, 0);
	return tmp;
}

unsigned jit_dst_sp(struct jit_tr *t, unsigned r, unsigned tmp)
{
	(void)t;
	return jit_pin[r] >= 0 ? (unsigned)jit_pin[r] : tmp;
}

unsigned jit_dst(struct jit_tr *t, unsigned r, unsigned tmp)
{
	return r == 31 ? tmp : jit_dst_sp(t, r, tmp);
}

void jit_put_sp(struct jit_tr *t, unsigned r, unsigned host)
{
	if (jit_pin[r] < 0)
		em_rm(&t->e, X_STORE, X64, host, RBP, slot(r));
	else if ((unsigned)jit_pin[r] != host)
		em_rr(&t->e, X_LOAD, X64, (unsigned)jit_pin[r], host);
}

void jit_put(struct jit_tr *t, unsigned r, unsigned host)
{
	if (r != 31)
		jit_put_sp(t, r, host);
}
