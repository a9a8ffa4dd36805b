/*
 * tr_simd_lane.c: loads and stores of one lane, LD1 and ST1, and LD1R (Arm ARM C4.1, "Advanced
 * SIMD load/store single structure").
 *
 * As in tr_mem.c nothing is written before the access has succeeded.
 */
#include "vcpu/soft/jit/tr_simd.h"

static bool is_load(const struct a64_op *op)
{
	return a64_bits(op->word, 22, 22);
}

/* The post-indexed forms of the structure accesses (bit 23). */
static void advance(struct jit_tr *t, const struct a64_op *op, unsigned len)
{
	unsigned rn = a64_rn(op);

	if (!a64_bits(op->word, 23, 23))
		return;
	if (a64_rm(op) == 31) {
		jit_writeback(t, rn, len);
		return;
	}
	jit_writeback_reg(t, rn, a64_rm(op));
}

/* LD1 of one lane (ST1 likewise). */
bool jit_tr_vls_lane(struct jit_tr *t, const struct a64_op *op)
{
	static const unsigned insert[] = {S_PINSRB, S_PINSRW, S_PINSRD, S_PINSRD};
	unsigned log = a64_bits(op->word, 15, 14), rd = a64_rd(op);
	unsigned index = (unsigned)simd_q(op) << 3 | a64_bits(op->word, 12, 10);

	if (a64_bits(op->word, 21, 21) || a64_bits(op->word, 13, 13))
		return false; /* several registers */
	if (log == 2 && a64_bits(op->word, 10, 10))
		log = 3;
	jit_clobber_flags(t);
	struct jit_mem m = jit_mem_base(t, a64_rn(op), 0, 1u << log, is_load(op) ? 0 : JIT_STORE);

	if (is_load(op)) {
		simd_load(t, XMM0, rd);
		jit_mem_op(t, insert[log], log == 3 ? X64 : X32, XMM0, &m, 0);
		em_u8(&t->e, index >> log);
		simd_store(t, XMM0, rd);
	} else {
		simd_get_lane(t, RCX, rd, log, index >> log);
		if (log == 0)
			jit_mem_op(t, X_STORE8, X8, RCX, &m, 0);
		else if (log == 1)
			jit_mem_op(t, X_STORE16, X32, RCX, &m, 0);
		else
			jit_mem_op(t, X_STORE, log == 3 ? X64 : X32, RCX, &m, 0);
	}
	advance(t, op, 1u << log);
	jit_slow_end(t);
	return true;
}

/* LD1R. */
bool jit_tr_vls_replicate(struct jit_tr *t, const struct a64_op *op)
{
	unsigned log = a64_bits(op->word, 11, 10);

	if (a64_bits(op->word, 21, 21) || a64_bits(op->word, 13, 13))
		return false;
	struct jit_mem m = jit_mem_base(t, a64_rn(op), 0, 1u << log, 0);

	if (log == 0 || log == 1)
		jit_mem_op(t, log ? X_MOVZX16 : X_MOVZX8, X32, RCX, &m, 0);
	else
		jit_mem_op(t, X_LOAD, log == 3 ? X64 : X32, RCX, &m, 0);
	em_rr(&t->e, S_MOVD, X64, XMM0, RCX);
	simd_broadcast(t, XMM0, log);
	simd_store_cut(t, XMM0, a64_rd(op), simd_q(op));
	advance(t, op, 1u << log);
	jit_slow_end(t);
	return true;
}
