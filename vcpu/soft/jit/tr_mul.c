/*
 * tr_mul.c: data processing with one, two and three sources (Arm ARM C4.1.95).
 */
#include "vcpu/soft/jit/tr_simd.h"

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

/* d = leading zeros of a host register; the width, if there is no one. */
static void count_zeros(struct jit_tr *t, enum x64_width w, unsigned d, unsigned n)
{
	struct emit *e = &t->e;

	if (jit_host()->lzcnt) {
		em_rr(e, X_LZCNT, w, d, n);
		return;
	}
	/* The number of the highest one; none is -1 here, as 31 or 63 minus it is all the same
	 * as an xor. */
	em_mov_imm(e, RCX, w == X64 ? 127 : 63);
	em_rr(e, X_BSR, w, d, n);
	em_rr(e, X_CMOV + CC_E, w, d, RCX);
	em_alu_ri(e, ALU_XOR, w, d, w == X64 ? 63 : 31);
}

bool jit_tr_clz(struct jit_tr *t, const struct a64_op *op)
{
	unsigned d = jit_dst(t, a64_rd(op), RAX);
	enum x64_width w = jit_width(op);

	jit_clobber_flags(t);
	count_zeros(t, w, d, jit_src(t, a64_rn(op), RDX));
	jit_put(t, a64_rd(op), d);
	return true;
}

/* Bits that equal the one below the sign: zeros of the number xor itself shifted, but one. */
bool jit_tr_cls(struct jit_tr *t, const struct a64_op *op)
{
	enum x64_width w = jit_width(op);
	struct emit *e = &t->e;

	jit_clobber_flags(t);
	jit_op(t, X_LOAD, w, RDX, a64_rn(op));
	em_rr(e, X_LOAD, w, RAX, RDX);
	em_shift_ri(e, SH_SAR, w, RDX, 1);
	em_rr(e, X_XOR, w, RDX, RAX);
	count_zeros(t, w, RAX, RDX);
	em_alu_ri(e, ALU_SUB, w, RAX, 1);
	jit_put(t, a64_rd(op), RAX);
	return true;
}

/* RBIT: bytes are turned round by bswap, each half of a byte by a table.  With a CLZ of the same
 * register behind it, it counts trailing zeros. */
bool jit_tr_rbit(struct jit_tr *t, const struct a64_op *op)
{
	unsigned rd = a64_rd(op), d = jit_dst(t, rd, RAX);
	enum x64_width w = jit_width(op);
	uint32_t clz = (w == X64 ? 0xDAC01000u : 0x5AC01000u) | rd << 5 | rd;

	if (jit_host()->bmi1 && rd != 31 && t->at + 1 < t->count && t->ops[t->at + 1].word == clz) {
		t->done = t->at + 2;
		jit_clobber_flags(t);
		jit_op(t, X_TZCNT, w, d, a64_rn(op));
		jit_put(t, rd, d);
		return true;
	}
	em_rr(&t->e, S_MOVD, w, XMM0, jit_src(t, a64_rn(op), RAX));
	simd_rr(t, S_MOVDQA, XMM1, XMM0);
	simd_shift(t, SHIFT_RIGHT, XMM1, SIMD_H, 4);
	simd_const(t, XMM2, 0x0F0F0F0F0F0F0F0Fu);
	simd_rr(t, S_PAND, XMM0, XMM2);
	simd_rr(t, S_PAND, XMM1, XMM2);
	simd_const2(t, XMM2, 0xE060A020C0408000u, 0xF070B030D0509010u);
	simd_const2(t, XMM3, 0x0E060A020C040800u, 0x0F070B030D050901u);
	simd_rr(t, S_PSHUFB, XMM2, XMM0);
	simd_rr(t, S_PSHUFB, XMM3, XMM1);
	simd_rr(t, S_POR, XMM2, XMM3);
	em_rr(&t->e, S_MOVD_ST, w, XMM2, d);
	em_bswap(&t->e, w, d);
	jit_put(t, rd, d);
	return true;
}

bool jit_tr_rev16(struct jit_tr *t, const struct a64_op *op)
{
	unsigned d = jit_dst(t, a64_rd(op), RAX);
	enum x64_width w = jit_width(op);

	em_rr(&t->e, S_MOVD, w, XMM0, jit_src(t, a64_rn(op), RAX));
	simd_rr(t, S_MOVDQA, XMM1, XMM0);
	simd_shift(t, SHIFT_LEFT, XMM0, SIMD_H, 8);
	simd_shift(t, SHIFT_RIGHT, XMM1, SIMD_H, 8);
	simd_rr(t, S_POR, XMM0, XMM1);
	em_rr(&t->e, S_MOVD_ST, w, XMM0, d);
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

/* hi, rcx = upper and lower half of rn times rm, unsigned, without touching EFLAGS. */
static void multiply_wide(struct jit_tr *t, const struct a64_op *op, unsigned hi)
{
	unsigned m = jit_src(t, a64_rm(op), RCX);

	jit_op(t, X_LOAD, X64, RDX, a64_rn(op));
	em_vrr(&t->e, X_MULX, X64, hi, RCX, m);
}

/* A product (without a sum) where the flags are needed behind it, and are in EFLAGS: chains of
 * long multiplications keep the carry there. */
static bool flags_in_the_way(const struct jit_tr *t)
{
	return t->flags_live && t->flags != JIT_FLAGS_MEM && jit_host()->bmi2;
}

bool jit_tr_madd(struct jit_tr *t, const struct a64_op *op)
{
	bool sub = a64_bits(op->word, 15, 15);
	enum x64_width w = jit_width(op);

	if (w == X64 && a64_ra(op) % 32 == 31 && !sub && flags_in_the_way(t)) {
		multiply_wide(t, op, RAX);
		jit_put(t, a64_rd(op), RCX);
		return true;
	}
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

	if (uns && jit_host()->bmi2) {
		unsigned d = jit_dst(t, a64_rd(op), RAX);

		multiply_wide(t, op, d);
		jit_put(t, a64_rd(op), d);
		return true;
	}
	jit_clobber_flags(t);
	jit_op(t, X_LOAD, X64, RAX, a64_rn(op));
	jit_op(t, X_LOAD, X64, RCX, a64_rm(op));
	em_unary(&t->e, uns ? 4 : 5, X64, RCX);
	jit_put(t, a64_rd(op), RDX);
	return true;
}
