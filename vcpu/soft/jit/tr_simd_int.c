/*
 * tr_simd_int.c: integer SIMD lane by lane: three registers of the same type, two-register
 * miscellaneous, shifts by immediates (Arm ARM C4.1, "Advanced SIMD three same" and so on).
 *
 * The host computes on all 128 bits; what lies beyond the form is cut when it is stored.
 */
#include "vcpu/soft/jit/tr_simd.h"

static const unsigned op_add[] = {0x660FFC, 0x660FFD, 0x660FFE, 0x660FD4};
static const unsigned op_sub[] = {0x660FF8, 0x660FF9, 0x660FFA, 0x660FFB};
static const unsigned op_cmpeq[] = {0x660F74, 0x660F75, 0x660F76, 0x663829};
static const unsigned op_cmpgt[] = {0x660F64, 0x660F65, 0x660F66, 0x663837};
static const unsigned op_smax[] = {0x66383C, 0x660FEE, 0x66383D};
static const unsigned op_smin[] = {0x663838, 0x660FEA, 0x663839};
static const unsigned op_umax[] = {0x660FDE, 0x66383E, 0x66383F};
static const unsigned op_umin[] = {0x660FDA, 0x66383A, 0x66383B};

static bool put(struct jit_tr *t, const struct a64_op *op, unsigned x)
{
	simd_store_cut(t, x, a64_rd(op), simd_full(op));
	return true;
}

static void invert(struct jit_tr *t, unsigned x)
{
	simd_rr(t, S_PCMPEQD, XMM5, XMM5);
	simd_rr(t, S_PXOR, x, XMM5);
}

/* rd = rn op rm. */
static bool plain(struct jit_tr *t, const struct a64_op *op, unsigned opcode)
{
	unsigned n = simd_use(t, a64_rn(op), 16), m = simd_use(t, a64_rm(op), 16), d = simd_new(t);

	simd_op3(t, opcode, d, n, m);
	simd_set(t, a64_rd(op), d, simd_full(op) ? 16 : 8, 16);
	return true;
}

bool jit_tr_add_v(struct jit_tr *t, const struct a64_op *op)
{
	return plain(t, op, op_add[simd_size(op)]);
}

bool jit_tr_sub_v(struct jit_tr *t, const struct a64_op *op)
{
	return plain(t, op, op_sub[simd_size(op)]);
}

bool jit_tr_cmeq_v(struct jit_tr *t, const struct a64_op *op)
{
	return plain(t, op, op_cmpeq[simd_size(op)]);
}

bool jit_tr_cmgt_v(struct jit_tr *t, const struct a64_op *op)
{
	return plain(t, op, op_cmpgt[simd_size(op)]);
}

bool jit_tr_smax_v(struct jit_tr *t, const struct a64_op *op)
{
	return plain(t, op, op_smax[simd_size(op)]);
}

bool jit_tr_smin_v(struct jit_tr *t, const struct a64_op *op)
{
	return plain(t, op, op_smin[simd_size(op)]);
}

bool jit_tr_umax_v(struct jit_tr *t, const struct a64_op *op)
{
	return plain(t, op, op_umax[simd_size(op)]);
}

bool jit_tr_umin_v(struct jit_tr *t, const struct a64_op *op)
{
	return plain(t, op, op_umin[simd_size(op)]);
}

bool jit_tr_and_v(struct jit_tr *t, const struct a64_op *op)
{
	return plain(t, op, S_PAND);
}

bool jit_tr_orr_v(struct jit_tr *t, const struct a64_op *op)
{
	return plain(t, op, S_POR);
}

bool jit_tr_eor_v(struct jit_tr *t, const struct a64_op *op)
{
	return plain(t, op, S_PXOR);
}

bool jit_tr_bic_v(struct jit_tr *t, const struct a64_op *op)
{
	simd_load(t, XMM0, a64_rm(op));
	simd_rv(t, S_PANDN, XMM0, a64_rn(op));
	return put(t, op, XMM0);
}

bool jit_tr_orn_v(struct jit_tr *t, const struct a64_op *op)
{
	simd_load(t, XMM0, a64_rm(op));
	invert(t, XMM0);
	simd_rv(t, S_POR, XMM0, a64_rn(op));
	return put(t, op, XMM0);
}

/* a where the mask has ones, b elsewhere: b ^ ((a ^ b) & mask). */
static bool choose(struct jit_tr *t, const struct a64_op *op, unsigned a, unsigned b, unsigned mask)
{
	simd_load(t, XMM0, a);
	simd_load(t, XMM1, b);
	simd_rr(t, S_PXOR, XMM0, XMM1);
	simd_rv(t, S_PAND, XMM0, mask);
	simd_rr(t, S_PXOR, XMM0, XMM1);
	return put(t, op, XMM0);
}

bool jit_tr_bsl_v(struct jit_tr *t, const struct a64_op *op)
{
	return choose(t, op, a64_rn(op), a64_rm(op), a64_rd(op));
}

bool jit_tr_bit_v(struct jit_tr *t, const struct a64_op *op)
{
	return choose(t, op, a64_rn(op), a64_rd(op), a64_rm(op));
}

bool jit_tr_bif_v(struct jit_tr *t, const struct a64_op *op)
{
	return choose(t, op, a64_rd(op), a64_rn(op), a64_rm(op));
}

/* n >= m is not m > n. */
bool jit_tr_cmge_v(struct jit_tr *t, const struct a64_op *op)
{
	simd_load(t, XMM0, a64_rm(op));
	simd_rv(t, op_cmpgt[simd_size(op)], XMM0, a64_rn(op));
	invert(t, XMM0);
	return put(t, op, XMM0);
}

/* xmm0 = a >= b, unsigned: a is the greater of the two.  For 64-bit lanes: not b > a with the
 * signs inverted. */
static void unsigned_ge(struct jit_tr *t, unsigned size, unsigned a, unsigned b)
{
	if (size != SIMD_D) {
		simd_load(t, XMM0, a);
		simd_rr(t, S_MOVDQA, XMM1, XMM0);
		simd_rv(t, op_umax[size], XMM0, b);
		simd_rr(t, op_cmpeq[size], XMM0, XMM1);
		return;
	}
	simd_const(t, XMM2, 1ULL << 63);
	simd_load(t, XMM0, b);
	simd_load(t, XMM1, a);
	simd_rr(t, S_PXOR, XMM0, XMM2);
	simd_rr(t, S_PXOR, XMM1, XMM2);
	simd_rr(t, S_PCMPGTQ, XMM0, XMM1);
	invert(t, XMM0);
}

bool jit_tr_cmhs_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned_ge(t, simd_size(op), a64_rn(op), a64_rm(op));
	return put(t, op, XMM0);
}

bool jit_tr_cmhi_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned_ge(t, simd_size(op), a64_rm(op), a64_rn(op));
	invert(t, XMM0);
	return put(t, op, XMM0);
}

bool jit_tr_cmtst_v(struct jit_tr *t, const struct a64_op *op)
{
	simd_load(t, XMM0, a64_rn(op));
	simd_rv(t, S_PAND, XMM0, a64_rm(op));
	simd_rr(t, S_PXOR, XMM1, XMM1);
	simd_rr(t, op_cmpeq[simd_size(op)], XMM0, XMM1);
	invert(t, XMM0);
	return put(t, op, XMM0);
}

/* xmm0 = xmm0 * xmm1.  Bytes: even and odd ones as halfwords.  Uses xmm2, xmm3. */
static void multiply(struct jit_tr *t, unsigned size)
{
	if (size == SIMD_H) {
		simd_rr(t, S_PMULLW, XMM0, XMM1);
	} else if (size == SIMD_S) {
		simd_rr(t, S_PMULLD, XMM0, XMM1);
	} else {
		simd_rr(t, S_MOVDQA, XMM2, XMM0);
		simd_rr(t, S_MOVDQA, XMM3, XMM1);
		simd_shift(t, SHIFT_RIGHT, XMM2, SIMD_H, 8);
		simd_shift(t, SHIFT_RIGHT, XMM3, SIMD_H, 8);
		simd_rr(t, S_PMULLW, XMM2, XMM3);
		simd_shift(t, SHIFT_LEFT, XMM2, SIMD_H, 8);
		simd_rr(t, S_PMULLW, XMM0, XMM1);
		simd_shift(t, SHIFT_LEFT, XMM0, SIMD_H, 8);
		simd_shift(t, SHIFT_RIGHT, XMM0, SIMD_H, 8);
		simd_rr(t, S_POR, XMM0, XMM2);
	}
}

/* MUL, MLA, MLS: bits 15..11 are 10011, or 10010 with bit 29 for minus. */
bool jit_tr_mul_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = simd_size(op);

	simd_load(t, XMM0, a64_rn(op));
	simd_load(t, XMM1, a64_rm(op));
	multiply(t, size);
	if (a64_bits(op->word, 11, 11))
		return put(t, op, XMM0);
	simd_load(t, XMM1, a64_rd(op));
	simd_rr(t, a64_bits(op->word, 29, 29) ? op_sub[size] : op_add[size], XMM1, XMM0);
	return put(t, op, XMM1);
}

/* --- two registers --- */

/* Comparisons with zero: bit 29 and bits 13..12 tell which. */
bool jit_tr_cm_zero_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = simd_size(op),
	         kind = a64_bits(op->word, 29, 29) * 4 + a64_bits(op->word, 13, 12);

	if (kind == 0 || kind == 5) { /* n > 0, n <= 0 */
		simd_load(t, XMM0, a64_rn(op));
		simd_rr(t, S_PXOR, XMM1, XMM1);
		simd_rr(t, op_cmpgt[size], XMM0, XMM1);
	} else { /* n == 0; 0 > n, n >= 0 */
		simd_rr(t, S_PXOR, XMM0, XMM0);
		simd_rv(t, kind == 1 ? op_cmpeq[size] : op_cmpgt[size], XMM0, a64_rn(op));
	}
	if (kind >= 4)
		invert(t, XMM0);
	return put(t, op, XMM0);
}

bool jit_tr_neg_v(struct jit_tr *t, const struct a64_op *op)
{
	simd_rr(t, S_PXOR, XMM0, XMM0);
	simd_rv(t, op_sub[simd_size(op)], XMM0, a64_rn(op));
	return put(t, op, XMM0);
}

bool jit_tr_abs_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = simd_size(op);

	if (size != SIMD_D) {
		simd_rv(t, 0x66381C + size, XMM0, a64_rn(op)); /* pabsb, w, d */
		return put(t, op, XMM0);
	}
	simd_load(t, XMM0, a64_rn(op));
	simd_rr(t, S_PXOR, XMM1, XMM1);
	simd_rr(t, S_PCMPGTQ, XMM1, XMM0);
	simd_rr(t, S_PXOR, XMM0, XMM1);
	simd_rr(t, op_sub[SIMD_D], XMM0, XMM1);
	return put(t, op, XMM0);
}

bool jit_tr_not_v(struct jit_tr *t, const struct a64_op *op)
{
	simd_load(t, XMM0, a64_rn(op));
	invert(t, XMM0);
	return put(t, op, XMM0);
}

/* By a table of 16 for each half of a byte. */
bool jit_tr_cnt_v(struct jit_tr *t, const struct a64_op *op)
{
	simd_const2(t, XMM2, 0x0302020102010100u, 0x0403030203020201u);
	simd_rr(t, S_MOVDQA, XMM3, XMM2);
	simd_const(t, XMM4, 0x0F0F0F0F0F0F0F0Fu);
	simd_load(t, XMM0, a64_rn(op));
	simd_rr(t, S_MOVDQA, XMM1, XMM0);
	simd_shift(t, SHIFT_RIGHT, XMM1, SIMD_H, 4);
	simd_rr(t, S_PAND, XMM0, XMM4);
	simd_rr(t, S_PAND, XMM1, XMM4);
	simd_rr(t, S_PSHUFB, XMM2, XMM0);
	simd_rr(t, S_PSHUFB, XMM3, XMM1);
	simd_rr(t, op_add[SIMD_B], XMM2, XMM3);
	return put(t, op, XMM2);
}

/* REV64, REV32, REV16 (bits 12, 29) of lanes by size: a shuffle of bytes. */
bool jit_tr_rev_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned group = a64_bits(op->word, 12, 12) ? 2 : a64_bits(op->word, 29, 29) ? 4 : 8;
	unsigned lane = 1u << simd_size(op);
	uint64_t half[2] = {0, 0};

	for (unsigned i = 0; i < 16; i++) {
		unsigned from =
		    i / group * group + (group - lane - i % group / lane * lane) + i % lane;

		half[i / 8] |= (uint64_t)from << (i % 8 * 8);
	}
	simd_const2(t, XMM1, half[0], half[1]);
	simd_load(t, XMM0, a64_rn(op));
	simd_rr(t, S_PSHUFB, XMM0, XMM1);
	return put(t, op, XMM0);
}

/* XTN, XTN2: the lower halves of lanes, to the lower half of rd, or above what is there. */
static bool narrow(struct jit_tr *t, const struct a64_op *op, unsigned size)
{
	static const uint64_t low[] = {0x0E0C0A0806040200u, 0x0D0C090805040100u,
	                               0x0B0A090803020100u};

	simd_const(t, XMM1, low[size]);
	simd_rr(t, S_PSHUFB, XMM0, XMM1);
	if (!simd_q(op))
		return put(t, op, XMM0);
	simd_rv(t, S_MOVQ, XMM1, a64_rd(op));
	simd_rr(t, S_PUNPCKLQDQ, XMM1, XMM0);
	return put(t, op, XMM1);
}

bool jit_tr_xtn(struct jit_tr *t, const struct a64_op *op)
{
	simd_load(t, XMM0, a64_rn(op));
	return narrow(t, op, simd_size(op));
}

/* --- shifts by immediates --- */

static unsigned immhb(const struct a64_op *op)
{
	return a64_bits(op->word, 22, 16);
}

static unsigned shift_size(const struct a64_op *op)
{
	return 28 - (unsigned)__builtin_clz(immhb(op));
}

/* xmm0 >>= by in lanes, by at least 1 and up to the width; sign: arithmetically.  Uses xmm1,
 * rax. */
static void shift_right(struct jit_tr *t, unsigned size, unsigned by, bool sign)
{
	if (size == SIMD_D && sign) {
		simd_rr(t, S_PXOR, XMM1, XMM1);
		simd_rr(t, S_PCMPGTQ, XMM1, XMM0);
		simd_shift(t, SHIFT_LEFT, XMM1, SIMD_D, 64 - by);
		simd_shift(t, SHIFT_RIGHT, XMM0, SIMD_D, by);
		simd_rr(t, S_POR, XMM0, XMM1);
	} else if (size != SIMD_B) {
		simd_shift(t, sign ? SHIFT_ARITH : SHIFT_RIGHT, XMM0, size, by);
	} else {
		/* The sign goes on top by (x ^ s) - s, with s where the sign bit has gone. */
		simd_shift(t, SHIFT_RIGHT, XMM0, SIMD_H, by);
		simd_const(t, XMM1, (0xFFu >> by) * 0x0101010101010101u);
		simd_rr(t, S_PAND, XMM0, XMM1);
		if (sign) {
			simd_const(t, XMM1, (0x80u >> by) * 0x0101010101010101u);
			simd_rr(t, S_PXOR, XMM0, XMM1);
			simd_rr(t, op_sub[SIMD_B], XMM0, XMM1);
		}
	}
}

/* SSHR, USHR, SSRA, USRA: bit 29 unsigned, bit 12 accumulating. */
bool jit_tr_shr(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = shift_size(op), by = (16u << size) - immhb(op);
	bool sign = !a64_bits(op->word, 29, 29);

	if (size == SIMD_B && sign && by == 8)
		by = 7; /* the same; the bit of the sign is in its place then */
	simd_load(t, XMM0, a64_rn(op));
	shift_right(t, size, by, sign);
	if (a64_bits(op->word, 12, 12))
		simd_rv(t, op_add[size], XMM0, a64_rd(op));
	return put(t, op, XMM0);
}

bool jit_tr_shl_imm(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = shift_size(op), by = immhb(op) - (8u << size);

	simd_load(t, XMM0, a64_rn(op));
	if (size != SIMD_B) {
		simd_shift(t, SHIFT_LEFT, XMM0, size, by);
	} else {
		simd_shift(t, SHIFT_LEFT, XMM0, SIMD_H, by);
		simd_const(t, XMM1, (uint8_t)(0xFFu << by) * 0x0101010101010101u);
		simd_rr(t, S_PAND, XMM0, XMM1);
	}
	return put(t, op, XMM0);
}

bool jit_tr_shrn(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = shift_size(op), by = (16u << size) - immhb(op);

	simd_load(t, XMM0, a64_rn(op));
	simd_shift(t, SHIFT_RIGHT, XMM0, size + 1, by);
	return narrow(t, op, size);
}

/* --- widening --- */

/* xmm = the lower (Q: upper) half of a register with its lanes widened. */
static void widen(struct jit_tr *t, const struct a64_op *op, unsigned x, unsigned r, unsigned size)
{
	simd_load(t, x, r);
	if (simd_q(op))
		simd_rr_imm(t, S_PSHUFD, x, x, 0xEE);
	/* pmovsx and pmovzx bw, wd, dq */
	static const unsigned sign[] = {0x663820, 0x663823, 0x663825};
	static const unsigned zero[] = {0x663830, 0x663833, 0x663835};

	simd_rr(t, a64_bits(op->word, 29, 29) ? zero[size] : sign[size], x, x);
}

bool jit_tr_shll(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = shift_size(op), by = immhb(op) - (8u << size);

	widen(t, op, XMM0, a64_rn(op), size);
	if (by)
		simd_shift(t, SHIFT_LEFT, XMM0, size + 1, by);
	simd_store(t, XMM0, a64_rd(op));
	return true;
}

/* SADDL, UADDL, SADDW, UADDW; SSUBL and so on with bit 13; bit 12: rn is wide already. */
bool jit_tr_addl(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = simd_size(op);
	const unsigned *opcode = a64_bits(op->word, 13, 13) ? op_sub : op_add;

	if (a64_bits(op->word, 12, 12))
		simd_load(t, XMM0, a64_rn(op));
	else
		widen(t, op, XMM0, a64_rn(op), size);
	widen(t, op, XMM1, a64_rm(op), size);
	simd_rr(t, opcode[size + 1], XMM0, XMM1);
	simd_store(t, XMM0, a64_rd(op));
	return true;
}

/* SMULL, UMULL (bits 15..14 are 11), and accumulating, bit 13 minus. */
bool jit_tr_mull(struct jit_tr *t, const struct a64_op *op)
{
	static const unsigned mul[] = {S_PMULLW, S_PMULLD};
	unsigned size = simd_size(op);

	widen(t, op, XMM0, a64_rn(op), size);
	widen(t, op, XMM1, a64_rm(op), size);
	if (size == SIMD_S)
		simd_rr(t, a64_bits(op->word, 29, 29) ? S_PMULUDQ : S_PMULDQ, XMM0, XMM1);
	else
		simd_rr(t, mul[size], XMM0, XMM1);
	if (!a64_bits(op->word, 14, 14)) {
		simd_load(t, XMM1, a64_rd(op));
		simd_rr(t, a64_bits(op->word, 13, 13) ? op_sub[size + 1] : op_add[size + 1], XMM1,
		        XMM0);
		simd_store(t, XMM1, a64_rd(op));
		return true;
	}
	simd_store(t, XMM0, a64_rd(op));
	return true;
}
