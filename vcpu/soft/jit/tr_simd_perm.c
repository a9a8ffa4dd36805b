/*
 * tr_simd_perm.c: SIMD across and between lanes: ZIP, UZP, TRN, EXT, TBL, pairwise operations
 * and reductions (Arm ARM C4.1, "Advanced SIMD permute", "... extract", "... table lookup",
 * "... across lanes").
 */
#include "vcpu/soft/jit/tr_simd.h"

/* ZIP1 and ZIP2 (bit 14).  The upper halves of 64-bit forms are in the middle. */
bool jit_tr_zip(struct jit_tr *t, const struct a64_op *op)
{
	static const unsigned low[] = {0x660F60, 0x660F61, 0x660F62, 0x660F6C};
	static const unsigned high[] = {0x660F68, 0x660F69, 0x660F6A, 0x660F6D};
	unsigned size = simd_size(op);
	bool second = a64_bits(op->word, 14, 14);
	unsigned n = simd_n(t, op), m = simd_m(t, op), d = simd_new(t);

	simd_op3(t, second && simd_q(op) ? high[size] : low[size], d, n, m);
	if (second && !simd_q(op))
		simd_rr_imm(t, S_PSHUFD, d, d, 0xEE);
	return simd_result(t, op, d);
}

/* xmm0 and xmm1 = rn and rm; of a 64-bit form both = rn below rm. */
static void join(struct jit_tr *t, const struct a64_op *op)
{
	unsigned n = simd_n(t, op), m = simd_m(t, op);

	if (simd_q(op)) {
		simd_rr(t, S_MOVDQA, XMM0, n);
		simd_rr(t, S_MOVDQA, XMM1, m);
	} else {
		simd_op3(t, S_PUNPCKLQDQ, XMM0, n, m);
		simd_rr(t, S_MOVDQA, XMM1, XMM0);
	}
}

/* x = the even (odd) lanes of x, then those of y.  Destroys y. */
static void unzip(struct jit_tr *t, unsigned size, bool odd, unsigned x, unsigned y)
{
	unsigned both[] = {x, y};

	if (size == SIMD_D) {
		simd_rr(t, odd ? S_PUNPCKHQDQ : S_PUNPCKLQDQ, x, y);
		return;
	}
	if (size == SIMD_S) {
		simd_rr_imm(t, S_SHUFPS, x, y, odd ? 0xDD : 0x88);
		return;
	}
	for (unsigned i = 0; i < 2; i++) {
		if (!odd)
			simd_shift(t, SHIFT_LEFT, both[i], size + 1, 8u << size);
		simd_shift(t, SHIFT_RIGHT, both[i], size + 1, 8u << size);
	}
	simd_rr(t, size == SIMD_B ? S_PACKUSWB : S_PACKUSDW, x, y);
}

bool jit_tr_uzp(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = simd_size(op), n = simd_n(t, op), m = simd_m(t, op), d = simd_new(t);
	bool odd = a64_bits(op->word, 14, 14);

	if (simd_q(op) && size == SIMD_D) {
		simd_op3(t, odd ? S_PUNPCKHQDQ : S_PUNPCKLQDQ, d, n, m);
		return simd_result(t, op, d);
	}
	if (simd_q(op) && size == SIMD_S) {
		simd_op3(t, S_SHUFPS, d, n, m);
		em_u8(&t->e, odd ? 0xDD : 0x88);
		return simd_result(t, op, d);
	}
	join(t, op);
	unzip(t, size, odd, XMM0, XMM1);
	simd_rr(t, S_MOVDQA, d, XMM0);
	return simd_result(t, op, d);
}

bool jit_tr_trn(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = simd_size(op), bits = 8u << size;
	bool odd = a64_bits(op->word, 14, 14);
	unsigned n = simd_n(t, op), m = simd_m(t, op), d = simd_new(t);

	if (size == SIMD_D) {
		simd_op3(t, odd ? S_PUNPCKHQDQ : S_PUNPCKLQDQ, d, n, m);
		return simd_result(t, op, d);
	}
	/* n's lane goes to the lower place, m's to the upper one. */
	if (odd) {
		simd_shift3(t, SHIFT_RIGHT, d, n, size + 1, bits);
		simd_shift3(t, SHIFT_RIGHT, XMM1, m, size + 1, bits);
		simd_shift(t, SHIFT_LEFT, XMM1, size + 1, bits);
	} else {
		simd_shift3(t, SHIFT_LEFT, d, n, size + 1, bits);
		simd_shift(t, SHIFT_RIGHT, d, size + 1, bits);
		simd_shift3(t, SHIFT_LEFT, XMM1, m, size + 1, bits);
	}
	simd_rr(t, S_POR, d, XMM1);
	return simd_result(t, op, d);
}

bool jit_tr_ext_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned from = a64_bits(op->word, 14, 11);
	unsigned n = simd_n(t, op), m = simd_m(t, op), d = simd_new(t);

	if (!simd_q(op)) {
		simd_op3(t, S_PUNPCKLQDQ, d, n, m);
		simd_shift_bytes(t, false, d, from);
	} else if (n == m && from % 4 == 0) {
		/* A rotation of words. */
		simd_rr_imm(t, S_PSHUFD, d, n, (0xE4E4u >> from / 2) & 0xFF);
	} else {
		simd_op3(t, S_PALIGNR, d, m, n);
		em_u8(&t->e, from);
	}
	return simd_result(t, op, d);
}

/*
 * TBL and TBX (bit 12) of one to four registers: an index less 16 per register, raised by 0x70 so
 * that all beyond the register have bit 7, for which PSHUFB gives 0.  For TBX, those beyond the
 * last one keep what rd has there.
 */
bool jit_tr_tbl(struct jit_tr *t, const struct a64_op *op)
{
	unsigned regs = 1 + a64_bits(op->word, 14, 13), old = 0, d;
	bool keep = a64_bits(op->word, 12, 12);
	unsigned m = simd_m(t, op), index = m, table[4];

	for (unsigned i = 0; i < regs; i++)
		table[i] = simd_use(t, (a64_rn(op) + i) & 31, 16);
	if (keep)
		old = simd_old(t, op);
	d = simd_new(t);
	simd_const(t, XMM2, simd_repeat(SIMD_B, 0x70));
	if (regs > 1)
		simd_const(t, XMM3, simd_repeat(SIMD_B, 0x10));
	for (unsigned i = 0; i < regs; i++) {
		unsigned x = i ? XMM4 : d;

		simd_op3(t, S_PADDUSB, XMM0, index, XMM2);
		simd_op3(t, S_PSHUFB, x, table[i], XMM0);
		if (i)
			simd_rr(t, S_POR, d, XMM4);
		if (i + 1 < regs) {
			simd_op3(t, S_PSUBB, XMM1, index, XMM3);
			index = XMM1;
		}
	}
	if (keep) {
		/* m > the last index, unsigned: where a saturating difference is not 0. */
		simd_op3_const(t, 0x660FD8, XMM0, m, simd_repeat(SIMD_B, regs * 16 - 1));
		simd_rr(t, S_PXOR, XMM1, XMM1);
		simd_rr(t, S_PCMPEQB, XMM0, XMM1);
		simd_rr(t, S_PANDN, XMM0, old);
		simd_rr(t, S_POR, d, XMM0);
	}
	return simd_result(t, op, d);
}

/* --- pairs of neighbours, and whole vectors --- */

/* By bits 15..11 and 29 of pairwise forms: ADDP, SMAXP, SMINP, UMAXP, UMINP. */
static unsigned pair_op(const struct a64_op *op)
{
	static const unsigned *const extreme[] = {simd_op_smax, simd_op_smin, simd_op_umax,
	                                          simd_op_umin};
	unsigned size = simd_size(op);

	if (a64_bits(op->word, 12, 12))
		return simd_op_add[size];
	return extreme[a64_bits(op->word, 29, 29) * 2 + a64_bits(op->word, 11, 11)][size];
}

bool jit_tr_pairwise(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = simd_size(op), n = simd_n(t, op), m = simd_m(t, op), d = simd_new(t);
	bool add = a64_bits(op->word, 12, 12);

	if (add && simd_q(op) && (size == SIMD_H || size == SIMD_S)) {
		simd_op3(t, size == SIMD_H ? 0x663801 : 0x663802, d, n, m); /* phaddw, phaddd */
		return simd_result(t, op, d);
	}
	join(t, op);
	simd_rr(t, S_MOVDQA, XMM2, XMM0);
	simd_rr(t, S_MOVDQA, XMM3, XMM1);
	unzip(t, size, false, XMM0, XMM1);
	unzip(t, size, true, XMM2, XMM3);
	simd_op3(t, pair_op(op), d, XMM0, XMM2);
	return simd_result(t, op, d);
}

bool jit_tr_addp_scalar(struct jit_tr *t, const struct a64_op *op)
{
	unsigned n = simd_use(t, a64_rn(op), 16), d = simd_new(t);

	simd_rr_imm(t, S_PSHUFD, d, n, 0xEE);
	simd_rr(t, S_PADDQ, d, n);
	return simd_result(t, op, d);
}

/* rd = lane 0 of all lanes of rn combined.  What does not count moves down last. */
static bool fold(struct jit_tr *t, const struct a64_op *op, unsigned opcode)
{
	unsigned lane = 1u << simd_size(op), n = simd_n(t, op), d = simd_new(t), from = n;

	for (unsigned by = simd_q(op) ? 8 : 4; by >= lane; by /= 2) {
		unsigned to = by == lane ? d : XMM0;

		if (by >= 4) {
			simd_rr_imm(t, S_PSHUFD, XMM1, from, by == 8 ? 0xEE : 0x55);
		} else {
			simd_rr(t, S_MOVDQA, XMM1, from);
			simd_shift_bytes(t, false, XMM1, by);
		}
		simd_op3(t, opcode, to, from, XMM1);
		from = to;
	}
	if (lane < 4) {
		simd_shift_bytes(t, true, d, 16 - lane);
		simd_shift_bytes(t, false, d, 16 - lane);
		return simd_result_full(t, op, d);
	}
	simd_set(t, a64_rd(op), d, lane, 16);
	return true;
}

bool jit_tr_addv(struct jit_tr *t, const struct a64_op *op)
{
	return fold(t, op, simd_op_add[simd_size(op)]);
}

/* SMAXV, SMINV (bit 16), UMAXV, UMINV (bit 29). */
bool jit_tr_extremev(struct jit_tr *t, const struct a64_op *op)
{
	static const unsigned *const ops[] = {simd_op_smax, simd_op_smin, simd_op_umax,
	                                      simd_op_umin};
	unsigned kind = a64_bits(op->word, 29, 29) * 2 + a64_bits(op->word, 16, 16);

	return fold(t, op, ops[kind][simd_size(op)]);
}
