/*
 * tr_simd_perm.c: SIMD across and between lanes: ZIP, UZP, TRN, EXT, TBL, pairwise operations
 * and reductions (Arm ARM C4.1, "Advanced SIMD permute", "... extract", "... table lookup",
 * "... across lanes").
 */
#include "vcpu/soft/jit/tr_simd.h"

static bool put(struct jit_tr *t, const struct a64_op *op, unsigned x)
{
	simd_store_cut(t, x, a64_rd(op), simd_full(op));
	return true;
}

/* ZIP1 and ZIP2 (bit 14).  The upper halves of 64-bit forms are in the middle. */
bool jit_tr_zip(struct jit_tr *t, const struct a64_op *op)
{
	static const unsigned low[] = {0x660F60, 0x660F61, 0x660F62, 0x660F6C};
	static const unsigned high[] = {0x660F68, 0x660F69, 0x660F6A, 0x660F6D};
	unsigned size = simd_size(op);
	bool second = a64_bits(op->word, 14, 14);

	simd_load(t, XMM0, a64_rn(op));
	simd_rv(t, second && simd_q(op) ? high[size] : low[size], XMM0, a64_rm(op));
	if (second && !simd_q(op))
		simd_shift_bytes(t, false, XMM0, 8);
	return put(t, op, XMM0);
}

/* xmm0 and xmm1 = rn and rm; of a 64-bit form both = rn below rm. */
static void join(struct jit_tr *t, const struct a64_op *op)
{
	if (simd_q(op)) {
		simd_load(t, XMM0, a64_rn(op));
		simd_load(t, XMM1, a64_rm(op));
	} else {
		simd_rv(t, S_MOVQ, XMM0, a64_rn(op));
		simd_rv(t, S_MOVQ, XMM1, a64_rm(op));
		simd_rr(t, S_PUNPCKLQDQ, XMM0, XMM1);
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
	join(t, op);
	unzip(t, simd_size(op), a64_bits(op->word, 14, 14), XMM0, XMM1);
	return put(t, op, XMM0);
}

bool jit_tr_trn(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = simd_size(op), bits = 8u << size;
	bool odd = a64_bits(op->word, 14, 14);

	simd_load(t, XMM0, a64_rn(op));
	if (size == SIMD_D) {
		simd_rv(t, odd ? S_PUNPCKHQDQ : S_PUNPCKLQDQ, XMM0, a64_rm(op));
		return put(t, op, XMM0);
	}
	simd_load(t, XMM1, a64_rm(op));
	if (odd)
		simd_shift(t, SHIFT_RIGHT, XMM1, size + 1, bits);
	else
		simd_shift(t, SHIFT_LEFT, XMM0, size + 1, bits);
	simd_shift(t, SHIFT_RIGHT, XMM0, size + 1, bits);
	simd_shift(t, SHIFT_LEFT, XMM1, size + 1, bits);
	simd_rr(t, S_POR, XMM0, XMM1);
	return put(t, op, XMM0);
}

bool jit_tr_ext_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned from = a64_bits(op->word, 14, 11);

	join(t, op);
	if (!simd_q(op)) {
		simd_shift_bytes(t, false, XMM0, from);
		return put(t, op, XMM0);
	}
	simd_rr_imm(t, S_PALIGNR, XMM1, XMM0, from);
	return put(t, op, XMM1);
}

/* TBL of one to four registers: an index less 16 per register, raised by 0x70 so that all
 * beyond the register have bit 7, for which PSHUFB gives 0. */
bool jit_tr_tbl(struct jit_tr *t, const struct a64_op *op)
{
	unsigned regs = 1 + a64_bits(op->word, 14, 13);

	simd_load(t, XMM1, a64_rm(op));
	simd_const(t, XMM2, 0x7070707070707070u);
	if (regs > 1)
		simd_const(t, XMM3, 0x1010101010101010u);
	for (unsigned i = 0; i < regs; i++) {
		unsigned x = i ? XMM4 : XMM0;

		simd_rr(t, S_MOVDQA, XMM5, XMM1);
		simd_rr(t, S_PADDUSB, XMM5, XMM2);
		simd_load(t, x, (a64_rn(op) + i) & 31);
		simd_rr(t, S_PSHUFB, x, XMM5);
		if (i)
			simd_rr(t, S_POR, XMM0, XMM4);
		if (i + 1 < regs)
			simd_rr(t, S_PSUBB, XMM1, XMM3);
	}
	return put(t, op, XMM0);
}

/* --- pairs of neighbours, and whole vectors --- */

/* By bits 15..11 and 29 of pairwise forms: ADDP, SMAXP, SMINP, UMAXP, UMINP. */
static unsigned pair_op(const struct a64_op *op)
{
	static const unsigned add[] = {0x660FFC, 0x660FFD, 0x660FFE, 0x660FD4};
	static const unsigned extreme[4][3] = {{0x66383C, 0x660FEE, 0x66383D},
	                                       {0x663838, 0x660FEA, 0x663839},
	                                       {0x660FDE, 0x66383E, 0x66383F},
	                                       {0x660FDA, 0x66383A, 0x66383B}};
	unsigned size = simd_size(op);

	if (a64_bits(op->word, 12, 12))
		return add[size];
	return extreme[a64_bits(op->word, 29, 29) * 2 + a64_bits(op->word, 11, 11)][size];
}

bool jit_tr_pairwise(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = simd_size(op);

	join(t, op);
	simd_rr(t, S_MOVDQA, XMM2, XMM0);
	simd_rr(t, S_MOVDQA, XMM3, XMM1);
	unzip(t, size, false, XMM0, XMM1);
	unzip(t, size, true, XMM2, XMM3);
	simd_rr(t, pair_op(op), XMM0, XMM2);
	return put(t, op, XMM0);
}

bool jit_tr_addp_scalar(struct jit_tr *t, const struct a64_op *op)
{
	simd_load(t, XMM0, a64_rn(op));
	simd_rr_imm(t, S_PSHUFD, XMM1, XMM0, 0xEE);
	simd_rr(t, S_PADDQ, XMM0, XMM1);
	return put(t, op, XMM0);
}

/* xmm0's lane 0 = all lanes of the form combined.  Zeros are shifted in where lanes do not
 * count any more. */
static void fold(struct jit_tr *t, const struct a64_op *op, unsigned opcode)
{
	unsigned lane = 1u << simd_size(op);

	for (unsigned by = simd_q(op) ? 8 : 4; by >= lane; by /= 2) {
		simd_rr(t, S_MOVDQA, XMM1, XMM0);
		simd_shift_bytes(t, false, XMM1, by);
		simd_rr(t, opcode, XMM0, XMM1);
	}
	simd_shift_bytes(t, true, XMM0, 16 - lane);
	simd_shift_bytes(t, false, XMM0, 16 - lane);
}

bool jit_tr_addv(struct jit_tr *t, const struct a64_op *op)
{
	static const unsigned add[] = {0x660FFC, 0x660FFD, 0x660FFE};

	simd_load(t, XMM0, a64_rn(op));
	fold(t, op, add[simd_size(op)]);
	simd_store(t, XMM0, a64_rd(op));
	return true;
}

/* SMAXV, SMINV (bit 16), UMAXV, UMINV (bit 29). */
bool jit_tr_extremev(struct jit_tr *t, const struct a64_op *op)
{
	static const unsigned ops[4][3] = {{0x66383C, 0x660FEE, 0x66383D},
	                                   {0x663838, 0x660FEA, 0x663839},
	                                   {0x660FDE, 0x66383E, 0x66383F},
	                                   {0x660FDA, 0x66383A, 0x66383B}};
	unsigned kind = a64_bits(op->word, 29, 29) * 2 + a64_bits(op->word, 16, 16);

	simd_load(t, XMM0, a64_rn(op));
	fold(t, op, ops[kind][simd_size(op)]);
	simd_store(t, XMM0, a64_rd(op));
	return true;
}
