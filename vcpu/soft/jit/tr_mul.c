/*
 * tr_mul.c: data processing with one, two and three sources (Arm ARM C4.1.95).
 */
#include <cpuid.h>

#include "vcpu/soft/jit/tr.h"

#include "vcpu/a64/int.h"

bool jit_tr_rev(struct jit_tr *t, const struct a64_op *op)
{
	unsigned d = jit_dst(t, a64_rd(op), RAX), opc = a64_bits(op->word, 11, 10);
	enum x64_width w = jit_width(op);

	if (w == X64 && opc == 2)
		jit_clobber_flags(t);
	jit_op(t, X_LOAD, w, d, a64_rn(op));
	em_bswap(&t->e, w, d);
	if (w == X64 && opc == 2) /* REV32: each half */
		em_shift_ri(&t->e, SH_ROR, X64, d, 32);
	jit_put(t, a64_rd(op), d);
	return true;
}

/* LZCNT: CPUID 80000001h, ECX bit 5.  Not every compiler's __builtin_cpu_supports knows it, and
 * CPUID is slow in a virtual machine, so it is asked once. */
static bool has_lzcnt(void)
{
	static int known; /* atomic; 0: not asked, 1: no, 2: yes */
	unsigned a, b, c = 0, d;
	int k = __atomic_load_n(&known, __ATOMIC_RELAXED);

	if (k == 0) {
		k = __get_cpuid(0x80000001u, &a, &b, &c, &d) && c & 1u << 5 ? 2 : 1;
		__atomic_store_n(&known, k, __ATOMIC_RELAXED);
	}
	return k == 2;
}

bool jit_tr_clz(struct jit_tr *t, const struct a64_op *op)
{
	unsigned d = jit_dst(t, a64_rd(op), RAX);

	if (!has_lzcnt())
		return false;
	jit_clobber_flags(t);
	jit_op(t, X_LZCNT, jit_width(op), d, a64_rn(op));
	jit_put(t, a64_rd(op), d);
	return true;
}

bool jit_tr_div(struct jit_tr *t, const struct a64_op *op)
{
	bool sign = a64_bits(op->word, 10, 10);
	enum x64_width w = jit_width(op);
	struct emit *e = &t->e;
	uint8_t *zero, *minus = NULL, *end;

	jit_clobber_flags(t);
	jit_op(t, X_LOAD, w, RCX, a64_rm(op));
	em_mov_imm(e, RAX, 0);
	em_rr(e, X_TEST, w, RCX, RCX);
	zero = em_jcc_later(e, CC_E);
	jit_op(t, X_LOAD, w, RAX, a64_rn(op));
	if (sign) {
		em_alu_ri(e, ALU_CMP, w, RCX, -1);
		minus = em_jcc_later(e, CC_E);
		if (w == X64)
			em_u8(e, 0x48);
		em_u8(e, 0x99); /* cdq, cqo */
		em_unary(e, 7, w, RCX);
	} else {
		em_mov_imm(e, RDX, 0);
		em_unary(e, 6, w, RCX);
	}
	end = em_jmp_later(e);
	if (minus) {
		/* The one overflow gives the dividend. */
		em_here(e, minus);
		em_unary(e, 3, w, RAX);
	}
	em_here(e, end);
	em_here(e, zero);
	jit_put(t, a64_rd(op), RAX);
	return true;
}

bool jit_tr_shiftv(struct jit_tr *t, const struct a64_op *op)
{
	static const enum x64_shift shifts[] = {SH_SHL, SH_SHR, SH_SAR, SH_ROR};
	unsigned rd = a64_rd(op), rn = a64_rn(op);
	unsigned d = jit_dst(t, rd, RAX);
	enum x64_width w = jit_width(op);

	jit_clobber_flags(t);
	/* The host counts modulo the width, too. */
	jit_op(t, X_LOAD, X32, RCX, a64_rm(op));
	if (rn == 31)
		em_mov_imm(&t->e, d, 0);
	else if (jit_pin[rn] != (int)d)
		jit_op(t, X_LOAD, w, d, rn);
	em_shift_cl(&t->e, shifts[a64_bits(op->word, 11, 10)], w, d);
	/* A shift by 0 does not clear the upper half. */
	if (w == X32)
		em_rr(&t->e, X_LOAD, X32, d, d);
	jit_put(t, rd, d);
	return true;
}

bool jit_tr_madd(struct jit_tr *t, const struct a64_op *op)
{
	bool sub = a64_bits(op->word, 15, 15);
	enum x64_width w = jit_width(op);

	jit_clobber_flags(t);
	jit_op(t, X_LOAD, w, RCX, a64_rn(op));
	jit_op(t, X_IMUL, w, RCX, a64_rm(op));
	if (a64_ra(op) % 32 == 31 && !sub) {
		jit_put(t, a64_rd(op), RCX);
		return true;
	}
	jit_op(t, X_LOAD, w, RAX, a64_ra(op) % 32);
	em_rr(&t->e, sub ? X_SUB : X_ADD, w, RAX, RCX);
	jit_put(t, a64_rd(op), RAX);
	return true;
}

bool jit_tr_maddl(struct jit_tr *t, const struct a64_op *op)
{
	bool sub = a64_bits(op->word, 15, 15), uns = a64_bits(op->word, 23, 23);

	jit_clobber_flags(t);
	jit_op(t, uns ? X_LOAD : X_MOVSXD, uns ? X32 : X64, RCX, a64_rn(op));
	jit_op(t, uns ? X_LOAD : X_MOVSXD, uns ? X32 : X64, RAX, a64_rm(op));
	em_rr(&t->e, X_IMUL, X64, RCX, RAX);
	jit_op(t, X_LOAD, X64, RAX, a64_ra(op) % 32);
	em_rr(&t->e, sub ? X_SUB : X_ADD, X64, RAX, RCX);
	jit_put(t, a64_rd(op), RAX);
	return true;
}

bool jit_tr_mulh(struct jit_tr *t, const struct a64_op *op)
{
	bool uns = a64_bits(op->word, 23, 23);

	jit_clobber_flags(t);
	jit_op(t, X_LOAD, X64, RAX, a64_rn(op));
	jit_op(t, X_LOAD, X64, RCX, a64_rm(op));
	em_unary(&t->e, uns ? 4 : 5, X64, RCX);
	jit_put(t, a64_rd(op), RDX);
	return true;
}
