/*
 * tr_simd_shift.c: SIMD shifts by immediates and by registers, of lanes that keep their width
 * (Arm ARM C4.1, "Advanced SIMD shift by immediate", "... three same").
 */
#include "vcpu/soft/jit/tr_simd.h"

void simd_shift3(struct jit_tr *t, enum simd_shift kind, unsigned d, unsigned n, unsigned size,
                 unsigned by)
{
	if (jit_host()->avx) {
		em_vrr(&t->e, 0x660F70 + size, X32, kind, d, n);
		em_u8(&t->e, by);
		return;
	}
	if (d != n)
		simd_rr(t, S_MOVDQA, d, n);
	simd_shift(t, kind, d, size, by);
}

void simd_right(struct jit_tr *t, unsigned d, unsigned n, unsigned size, unsigned by, bool sign)
{
	if (size == SIMD_D && sign) {
		if (jit_host()->avx512) {
			em_err(&t->e, 0x660F72, X64, SHIFT_ARITH, d, n);
			em_u8(&t->e, by);
			return;
		}
		simd_rr(t, S_PXOR, XMM4, XMM4);
		simd_rr(t, S_PCMPGTQ, XMM4, n);
		simd_shift(t, SHIFT_LEFT, XMM4, SIMD_D, 64 - by);
		simd_shift3(t, SHIFT_RIGHT, d, n, SIMD_D, by);
		simd_rr(t, S_POR, d, XMM4);
	} else if (size != SIMD_B) {
		simd_shift3(t, sign ? SHIFT_ARITH : SHIFT_RIGHT, d, n, size, by);
	} else {
		/* By 8 a sign is what it is by 7.  It goes on top by (x ^ s) - s, with s where
		 * the sign bit has gone. */
		by = sign && by == 8 ? 7 : by;
		simd_shift3(t, SHIFT_RIGHT, d, n, SIMD_H, by);
		simd_op3_const(t, S_PAND, d, d, simd_repeat(SIMD_B, 0xFFu >> by));
		if (sign) {
			simd_const(t, XMM5, simd_repeat(SIMD_B, 0x80u >> by));
			simd_rr(t, S_PXOR, d, XMM5);
			simd_rr(t, simd_op_sub[SIMD_B], d, XMM5);
		}
	}
}

void simd_right_rounded(struct jit_tr *t, unsigned d, unsigned n, unsigned size, unsigned by,
                        bool sign)
{
	simd_right(t, d, n, size, by, sign);
	if (size == SIMD_B) {
		simd_shift3(t, SHIFT_RIGHT, XMM4, n, SIMD_H, by - 1);
		simd_op3_const(t, S_PAND, XMM4, XMM4, simd_repeat(SIMD_B, 1));
	} else {
		simd_shift3(t, SHIFT_LEFT, XMM4, n, size, (8u << size) - by);
		simd_shift(t, SHIFT_RIGHT, XMM4, size, (8u << size) - 1);
	}
	simd_rr(t, simd_op_add[size], d, XMM4);
}

void simd_left(struct jit_tr *t, unsigned d, unsigned n, unsigned size, unsigned by)
{
	if (size != SIMD_B) {
		simd_shift3(t, SHIFT_LEFT, d, n, size, by);
		return;
	}
	simd_shift3(t, SHIFT_LEFT, d, n, SIMD_H, by);
	simd_op3_const(t, S_PAND, d, d, simd_repeat(SIMD_B, 0xFFu << by));
}

/* --- by immediates: immh:immb, whose highest one gives the size --- */

static unsigned immhb(const struct a64_op *op)
{
	return a64_bits(op->word, 22, 16);
}

static unsigned size_of(const struct a64_op *op)
{
	return 28 - (unsigned)__builtin_clz(immhb(op));
}

static unsigned bits_of(const struct a64_op *op)
{
	return 8u << size_of(op);
}

/* The word of the next instruction, 0 if the block ends before. */
static uint32_t next_word(const struct jit_tr *t)
{
	return t->at + 1 < t->count ? t->ops[t->at + 1].word : 0;
}

/*
 * A shift of rn one way to rd, and the next instruction (of word `other`) inserts rn shifted the
 * other way, by what is left of the width: together a rotation to the left by `by`.
 */
static bool rotate(struct jit_tr *t, const struct a64_op *op, uint32_t other, unsigned by)
{
	unsigned size = size_of(op), bits = bits_of(op), n, d;

	if (next_word(t) != other || a64_rn(op) == a64_rd(op) || size < SIMD_H || !by || by == bits)
		return false;
	n = simd_n(t, op);
	d = simd_new(t);
	if (jit_host()->avx512 && size >= SIMD_S) {
		em_err(&t->e, 0x660F72, size == SIMD_D ? X64 : X32, 1, d, n); /* vprold, vprolq */
		em_u8(&t->e, by);
	} else {
		simd_shift3(t, SHIFT_LEFT, XMM0, n, size, by);
		simd_shift3(t, SHIFT_RIGHT, d, n, size, bits - by);
		simd_rr(t, S_POR, d, XMM0);
	}
	t->done = t->at + 2;
	return simd_result(t, op, d);
}

/* SSHR, USHR, SSRA, USRA; SRSHR and so on with bit 13: bit 29 unsigned, bit 12 accumulating. */
bool jit_tr_shr(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = size_of(op), by = 2 * bits_of(op) - immhb(op), old = 0;
	bool sign = !a64_bits(op->word, 29, 29), add = a64_bits(op->word, 12, 12);
	bool round = a64_bits(op->word, 13, 13);

	/* USHR before SLI: bits 15..11 are 00000 and 01010, the immediate is the same. */
	if (!sign && !add && !round && rotate(t, op, op->word | 0x5000, bits_of(op) - by))
		return true;
	unsigned n = simd_n(t, op);

	if (add)
		old = simd_old(t, op);
	unsigned d = simd_new(t);

	if (round)
		simd_right_rounded(t, d, n, size, by, sign);
	else
		simd_right(t, d, n, size, by, sign);
	if (add)
		simd_rr(t, simd_op_add[size], d, old);
	return simd_result(t, op, d);
}

bool jit_tr_shl_imm(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = size_of(op), by = immhb(op) - bits_of(op);

	/* SHL before SRI: bit 29, and 01000 in bits 15..11 instead of 01010. */
	if (rotate(t, op, (op->word & ~0x1000u) | 0x20000000, by))
		return true;
	unsigned n = simd_n(t, op), d = simd_new(t);

	simd_left(t, d, n, size, by);
	return simd_result(t, op, d);
}

/* rd = x, with those of its bits in the mask that it had. */
static bool insert(struct jit_tr *t, const struct a64_op *op, unsigned x, uint64_t mask)
{
	unsigned old = simd_old(t, op), d = simd_new(t);

	simd_op3_const(t, S_PAND, d, old, simd_repeat(size_of(op), mask));
	simd_rr(t, S_POR, d, x);
	return simd_result(t, op, d);
}

bool jit_tr_sli(struct jit_tr *t, const struct a64_op *op)
{
	unsigned by = immhb(op) - bits_of(op), n = simd_n(t, op);

	simd_left(t, XMM0, n, size_of(op), by);
	return insert(t, op, XMM0, (1ULL << by) - 1);
}

bool jit_tr_sri(struct jit_tr *t, const struct a64_op *op)
{
	unsigned bits = bits_of(op), by = 2 * bits - immhb(op), n = simd_n(t, op);

	simd_right(t, XMM0, n, size_of(op), by, false);
	return insert(t, op, XMM0, by == bits ? UINT64_MAX : ~(UINT64_MAX >> (64 - bits) >> by));
}

/* --- by registers --- */

/* USHL and SSHL of lanes for which the host has shifts by lanes: to the left by the lowest byte of
 * rm's lane if that is positive, else to the right. */
bool jit_tr_shl_reg(struct jit_tr *t, const struct a64_op *op)
{
	/* vpsllv*, vpsrlv* of S and D; of H by EVEX.  What shifts all out gives zeros. */
	static const unsigned left[] = {0, 0x663812, 0x663847, 0x663847};
	static const unsigned right[] = {0, 0x663810, 0x663845, 0x663845};
	unsigned size = simd_size(op), bits = 8u << size;
	bool evex = size == SIMD_H, sign = !a64_bits(op->word, 29, 29);
	enum x64_width w = size == SIMD_S ? X32 : X64;
	struct emit *e = &t->e;

	if (size == SIMD_B || !jit_host()->avx2 || (evex && !jit_host()->avx512))
		return false;
	unsigned n = simd_n(t, op), m = simd_m(t, op), d = simd_new(t);

	/* xmm0 = the count, xmm1 = its negative; xmm2 = the signs, by which a right shift that
	 * fills with ones is one between two xors. */
	simd_shift3(t, SHIFT_LEFT, XMM0, m, size, bits - 8);
	simd_right(t, XMM3, XMM0, size, bits - 8, true);
	simd_rr(t, S_PXOR, XMM1, XMM1);
	simd_rr(t, simd_op_sub[size], XMM1, XMM3);
	simd_rr(t, S_PXOR, XMM2, XMM2);
	if (sign)
		simd_rr(t, simd_op_cmpgt[size], XMM2, n);
	simd_op3(t, S_PXOR, XMM0, n, XMM2);
	(evex ? em_err : em_vrr)(e, right[size], w, XMM0, XMM0, XMM1);
	simd_rr(t, S_PXOR, XMM0, XMM2);
	/* By a negative count the left shift gives 0, but the other one counts only there. */
	(evex ? em_err : em_vrr)(e, left[size], w, d, n, XMM3);
	simd_rr(t, S_PXOR, XMM2, XMM2);
	simd_rr(t, simd_op_cmpgt[size], XMM2, XMM3);
	simd_rr(t, S_PAND, XMM0, XMM2);
	simd_rr(t, S_POR, d, XMM0);
	return simd_result(t, op, d);
}
