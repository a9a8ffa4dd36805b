/*
 * tr_simd_int.c: integer SIMD lane by lane: three registers of the same type, two-register
 * miscellaneous (Arm ARM C4.1, "Advanced SIMD three same" and so on), without what shifts,
 * saturates or changes the width.
 *
 * The host computes on all 128 bits; what lies beyond the form does not count.
 */
#include "vcpu/soft/jit/tr_simd.h"

const unsigned simd_op_add[4] = {0x660FFC, 0x660FFD, 0x660FFE, 0x660FD4};
const unsigned simd_op_sub[4] = {0x660FF8, 0x660FF9, 0x660FFA, 0x660FFB};
const unsigned simd_op_cmpeq[4] = {0x660F74, 0x660F75, 0x660F76, 0x663829};
const unsigned simd_op_cmpgt[4] = {0x660F64, 0x660F65, 0x660F66, 0x663837};
const unsigned simd_op_smax[3] = {0x66383C, 0x660FEE, 0x66383D};
const unsigned simd_op_smin[3] = {0x663838, 0x660FEA, 0x663839};
const unsigned simd_op_umax[3] = {0x660FDE, 0x66383E, 0x66383F};
const unsigned simd_op_umin[3] = {0x660FDA, 0x66383A, 0x66383B};

static bool is_unsigned(const struct a64_op *op)
{
	return a64_bits(op->word, 29, 29);
}

/* rd = rn op rm. */
static bool plain(struct jit_tr *t, const struct a64_op *op, unsigned opcode)
{
	unsigned n = simd_n(t, op), m = simd_m(t, op), d = simd_new(t);

	simd_op3(t, opcode, d, n, m);
	return simd_result(t, op, d);
}

bool jit_tr_add_v(struct jit_tr *t, const struct a64_op *op)
{
	return plain(t, op, simd_op_add[simd_size(op)]);
}

bool jit_tr_sub_v(struct jit_tr *t, const struct a64_op *op)
{
	return plain(t, op, simd_op_sub[simd_size(op)]);
}

bool jit_tr_cmeq_v(struct jit_tr *t, const struct a64_op *op)
{
	return plain(t, op, simd_op_cmpeq[simd_size(op)]);
}

bool jit_tr_cmgt_v(struct jit_tr *t, const struct a64_op *op)
{
	return plain(t, op, simd_op_cmpgt[simd_size(op)]);
}

/* SMAX, SMIN (bit 11), UMAX, UMIN. */
bool jit_tr_max_v(struct jit_tr *t, const struct a64_op *op)
{
	static const unsigned *const ops[] = {simd_op_smax, simd_op_smin, simd_op_umax,
	                                      simd_op_umin};

	return plain(t, op, ops[is_unsigned(op) * 2 + a64_bits(op->word, 11, 11)][simd_size(op)]);
}

bool jit_tr_and_v(struct jit_tr *t, const struct a64_op *op)
{
	return plain(t, op, S_PAND);
}

bool jit_tr_eor_v(struct jit_tr *t, const struct a64_op *op)
{
	return plain(t, op, S_PXOR);
}

/* A move when both operands are the same. */
bool jit_tr_orr_v(struct jit_tr *t, const struct a64_op *op)
{
	if (a64_rn(op) != a64_rm(op))
		return plain(t, op, S_POR);
	unsigned n = simd_n(t, op), d = simd_new(t);

	simd_rr(t, S_MOVDQA, d, n);
	return simd_result(t, op, d);
}

bool jit_tr_bic_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned n = simd_n(t, op), m = simd_m(t, op), d = simd_new(t);

	simd_op3(t, S_PANDN, d, m, n);
	return simd_result(t, op, d);
}

bool jit_tr_orn_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned n = simd_n(t, op), m = simd_m(t, op), d = simd_new(t);

	simd_rr(t, S_PCMPEQD, d, d);
	simd_rr(t, S_PXOR, d, m);
	simd_rr(t, S_POR, d, n);
	return simd_result(t, op, d);
}

/* a where the mask has ones, b elsewhere: b ^ ((a ^ b) & mask). */
static bool choose(struct jit_tr *t, const struct a64_op *op, unsigned a, unsigned b, unsigned mask)
{
	unsigned d = simd_new(t);

	if (jit_host()->avx512) {
		simd_rr(t, S_MOVDQA, d, mask);
		em_err(&t->e, 0x663A25, X32, d, a, b); /* vpternlogd: d ? a : b */
		em_u8(&t->e, 0xCA);
		return simd_result(t, op, d);
	}
	simd_op3(t, S_PXOR, d, a, b);
	simd_rr(t, S_PAND, d, mask);
	simd_rr(t, S_PXOR, d, b);
	return simd_result(t, op, d);
}

bool jit_tr_bsl_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned n = simd_n(t, op), m = simd_m(t, op), d = simd_old(t, op);

	return choose(t, op, n, m, d);
}

bool jit_tr_bit_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned n = simd_n(t, op), m = simd_m(t, op), d = simd_old(t, op);

	return choose(t, op, n, d, m);
}

bool jit_tr_bif_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned n = simd_n(t, op), m = simd_m(t, op), d = simd_old(t, op);

	return choose(t, op, d, n, m);
}

/* n >= m: n is the greater of the two; for 64-bit lanes, not m > n. */
bool jit_tr_cmge_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = simd_size(op);
	unsigned n = simd_n(t, op), m = simd_m(t, op), d = simd_new(t);

	if (size == SIMD_D) {
		simd_op3(t, S_PCMPGTQ, d, m, n);
		simd_invert(t, d);
	} else {
		simd_op3(t, simd_op_smax[size], d, n, m);
		simd_rr(t, simd_op_cmpeq[size], d, n);
	}
	return simd_result(t, op, d);
}

/* d = a >= b, unsigned; or for 64-bit lanes, with the signs inverted, its contrary b > a. */
static void unsigned_compare(struct jit_tr *t, unsigned size, unsigned d, unsigned a, unsigned b)
{
	if (size != SIMD_D) {
		simd_op3(t, simd_op_umax[size], d, a, b);
		simd_rr(t, simd_op_cmpeq[size], d, a);
		return;
	}
	simd_const(t, XMM5, 1ULL << 63);
	simd_op3(t, S_PXOR, XMM0, a, XMM5);
	simd_op3(t, S_PXOR, d, b, XMM5);
	simd_rr(t, S_PCMPGTQ, d, XMM0);
}

bool jit_tr_cmhs_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned n = simd_n(t, op), m = simd_m(t, op), d = simd_new(t);

	unsigned_compare(t, simd_size(op), d, n, m);
	if (simd_size(op) == SIMD_D)
		simd_invert(t, d);
	return simd_result(t, op, d);
}

bool jit_tr_cmhi_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned n = simd_n(t, op), m = simd_m(t, op), d = simd_new(t);

	unsigned_compare(t, simd_size(op), d, m, n);
	if (simd_size(op) != SIMD_D)
		simd_invert(t, d);
	return simd_result(t, op, d);
}

bool jit_tr_cmtst_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned n = simd_n(t, op), m = simd_m(t, op), d = simd_new(t);

	simd_op3(t, S_PAND, d, n, m);
	simd_rr(t, S_PXOR, XMM0, XMM0);
	simd_rr(t, simd_op_cmpeq[simd_size(op)], d, XMM0);
	simd_invert(t, d);
	return simd_result(t, op, d);
}

/* d = n * m.  Bytes: even and odd ones as halfwords.  Uses xmm2, xmm3. */
static void multiply(struct jit_tr *t, unsigned size, unsigned d, unsigned n, unsigned m)
{
	if (size != SIMD_B) {
		simd_op3(t, size == SIMD_H ? S_PMULLW : S_PMULLD, d, n, m);
		return;
	}
	simd_shift3(t, SHIFT_RIGHT, XMM2, n, SIMD_H, 8);
	simd_shift3(t, SHIFT_RIGHT, XMM3, m, SIMD_H, 8);
	simd_rr(t, S_PMULLW, XMM2, XMM3);
	simd_shift(t, SHIFT_LEFT, XMM2, SIMD_H, 8);
	simd_op3(t, S_PMULLW, d, n, m);
	simd_shift(t, SHIFT_LEFT, d, SIMD_H, 8);
	simd_shift(t, SHIFT_RIGHT, d, SIMD_H, 8);
	simd_rr(t, S_POR, d, XMM2);
}

/* rd = rd +- n * m, or the product alone. */
static bool multiply_add(struct jit_tr *t, const struct a64_op *op, unsigned n, unsigned m,
                         bool alone, bool minus)
{
	unsigned size = simd_size(op), d;

	if (alone) {
		d = simd_new(t);
		multiply(t, size, d, n, m);
		return simd_result(t, op, d);
	}
	unsigned old = simd_old(t, op);

	d = simd_new(t);
	multiply(t, size, XMM0, n, m);
	simd_op3(t, minus ? simd_op_sub[size] : simd_op_add[size], d, old, XMM0);
	return simd_result(t, op, d);
}

/* MUL, MLA, MLS: bits 15..11 are 10011, or 10010 with bit 29 for minus. */
bool jit_tr_mul_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned n = simd_n(t, op), m = simd_m(t, op);

	return multiply_add(t, op, n, m, a64_bits(op->word, 11, 11), is_unsigned(op));
}

/* By element: MUL (bits 15..12 are 1000), MLA (0000), MLS (0100). */
bool jit_tr_mul_elem(struct jit_tr *t, const struct a64_op *op)
{
	unsigned n = simd_n(t, op);

	simd_element(t, op, XMM1);
	return multiply_add(t, op, n, XMM1, a64_bits(op->word, 15, 15), a64_bits(op->word, 14, 14));
}

void simd_element(struct jit_tr *t, const struct a64_op *op, unsigned x)
{
	unsigned h = a64_bits(op->word, 11, 11), l = a64_bits(op->word, 21, 21),
	         m = a64_bits(op->word, 20, 20);

	if (simd_size(op) != SIMD_H) {
		simd_rr_imm(t, S_PSHUFD, x, simd_use(t, a64_rm(op), 16), (h * 2 + l) * 0x55);
		return;
	}
	simd_rr_imm(t, h ? S_PSHUFHW : S_PSHUFLW, x, simd_use(t, a64_rm(op) & 15, 16),
	            (l * 2 + m) * 0x55);
	simd_rr_imm(t, S_PSHUFD, x, x, h ? 0xFF : 0);
}

/*
 * Halving: (n + m) >> 1 is (n & m) + ((n ^ m) >> 1), rounded up (n | m) - ((n ^ m) >> 1), and the
 * halved difference ((n ^ m) >> 1) - (~n & m).
 */
bool jit_tr_halving(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = simd_size(op), what = a64_bits(op->word, 13, 12);
	unsigned n = simd_n(t, op), m = simd_m(t, op), d = simd_new(t);

	if (what == 1 && is_unsigned(op) && size <= SIMD_H) {
		simd_op3(t, size == SIMD_B ? 0x660FE0 : 0x660FE3, d, n, m); /* pavgb, pavgw */
		return simd_result(t, op, d);
	}
	simd_op3(t, S_PXOR, XMM0, n, m);
	simd_right(t, XMM1, XMM0, size, 1, !is_unsigned(op));
	if (what == 2) {
		simd_op3(t, S_PANDN, XMM0, n, m);
		simd_op3(t, simd_op_sub[size], d, XMM1, XMM0);
	} else {
		simd_op3(t, what ? S_POR : S_PAND, d, n, m);
		simd_rr(t, what ? simd_op_sub[size] : simd_op_add[size], d, XMM1);
	}
	return simd_result(t, op, d);
}

void simd_distance(struct jit_tr *t, unsigned size, bool sign, unsigned d, unsigned n, unsigned m)
{
	simd_op3(t, sign ? simd_op_smax[size] : simd_op_umax[size], d, n, m);
	simd_op3(t, sign ? simd_op_smin[size] : simd_op_umin[size], XMM1, n, m);
	simd_rr(t, simd_op_sub[size], d, XMM1);
}

/* SABD, UABD; SABA, UABA (bit 11) add it to rd. */
bool jit_tr_abd_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = simd_size(op);
	bool add = a64_bits(op->word, 11, 11);
	unsigned n = simd_n(t, op), m = simd_m(t, op), old = add ? simd_old(t, op) : 0;
	unsigned d = simd_new(t);

	simd_distance(t, size, !is_unsigned(op), d, n, m);
	if (add)
		simd_rr(t, simd_op_add[size], d, old);
	return simd_result(t, op, d);
}

/* --- two registers --- */

/* Comparisons with zero: bit 29 and bits 13..12 tell which. */
bool jit_tr_cm_zero_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = simd_size(op),
	         kind = a64_bits(op->word, 29, 29) * 4 + a64_bits(op->word, 13, 12);
	unsigned n = simd_n(t, op), d = simd_new(t);

	if (kind == 0 || kind == 5) { /* n > 0, n <= 0 */
		simd_rr(t, S_PXOR, XMM0, XMM0);
		simd_op3(t, simd_op_cmpgt[size], d, n, XMM0);
	} else { /* n == 0; 0 > n, n >= 0 */
		simd_rr(t, S_PXOR, d, d);
		simd_rr(t, kind == 1 ? simd_op_cmpeq[size] : simd_op_cmpgt[size], d, n);
	}
	if (kind >= 4)
		simd_invert(t, d);
	return simd_result(t, op, d);
}

bool jit_tr_neg_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned n = simd_n(t, op), d = simd_new(t);

	simd_rr(t, S_PXOR, d, d);
	simd_rr(t, simd_op_sub[simd_size(op)], d, n);
	return simd_result(t, op, d);
}

bool jit_tr_abs_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = simd_size(op);
	unsigned n = simd_n(t, op), d = simd_new(t);

	if (size != SIMD_D) {
		simd_rr(t, 0x66381C + size, d, n); /* pabsb, w, d */
		return simd_result(t, op, d);
	}
	simd_rr(t, S_PXOR, XMM1, XMM1);
	simd_rr(t, S_PCMPGTQ, XMM1, n);
	simd_op3(t, S_PXOR, d, n, XMM1);
	simd_rr(t, simd_op_sub[SIMD_D], d, XMM1);
	return simd_result(t, op, d);
}

bool jit_tr_not_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned n = simd_n(t, op), d = simd_new(t);

	simd_rr(t, S_PCMPEQD, d, d);
	simd_rr(t, S_PXOR, d, n);
	return simd_result(t, op, d);
}

/* lo, hi = a table of 16 bytes looked up by the lower, upper half of each byte of n; a table's
 * own bytes come as two times 64 bits.  lo and hi are xmm0 to xmm3. */
static void by_halves(struct jit_tr *t, unsigned n, unsigned lo, const uint64_t low[2], unsigned hi,
                      const uint64_t high[2])
{
	simd_const(t, XMM5, 0x0F0F0F0F0F0F0F0Fu);
	simd_shift3(t, SHIFT_RIGHT, XMM4, n, SIMD_H, 4);
	simd_rr(t, S_PAND, XMM4, XMM5);
	simd_rr(t, S_PAND, XMM5, n);
	simd_const2(t, lo, low[0], low[1]);
	simd_const2(t, hi, high[0], high[1]);
	simd_rr(t, S_PSHUFB, lo, XMM5);
	simd_rr(t, S_PSHUFB, hi, XMM4);
}

bool jit_tr_cnt_v(struct jit_tr *t, const struct a64_op *op)
{
	static const uint64_t ones[] = {0x0302020102010100u, 0x0403030203020201u};
	unsigned n = simd_n(t, op), d = simd_new(t);

	by_halves(t, n, XMM0, ones, XMM1, ones);
	simd_op3(t, simd_op_add[SIMD_B], d, XMM0, XMM1);
	return simd_result(t, op, d);
}

bool jit_tr_rbit_v(struct jit_tr *t, const struct a64_op *op)
{
	static const uint64_t up[] = {0xE060A020C0408000u, 0xF070B030D0509010u};
	static const uint64_t down[] = {0x0E060A020C040800u, 0x0F070B030D050901u};
	unsigned n = simd_n(t, op), d = simd_new(t);

	by_halves(t, n, XMM0, up, XMM1, down);
	simd_op3(t, S_POR, d, XMM0, XMM1);
	return simd_result(t, op, d);
}

/* xmm0 = leading zeros of the lanes of n: of halves of bytes, then of units twice as long, whose
 * lower half counts when the upper one has none. */
static void leading_zeros(struct jit_tr *t, unsigned size, unsigned n)
{
	static const uint64_t low[] = {0x0101010102020304u, 0};
	static const uint64_t high[] = {0x0101010102020304u, 0};

	by_halves(t, n, XMM1, low, XMM0, high);
	simd_const(t, XMM5, 0x0404040404040404u);
	simd_rr(t, S_PCMPEQB, XMM5, XMM0);
	simd_rr(t, S_PAND, XMM5, XMM1);
	simd_rr(t, simd_op_add[SIMD_B], XMM0, XMM5);
	for (unsigned s = SIMD_B; s < size; s++) {
		unsigned bits = 8u << s;

		simd_shift3(t, SHIFT_LEFT, XMM1, XMM0, s + 1, bits);
		simd_shift(t, SHIFT_RIGHT, XMM1, s + 1, bits);
		simd_shift(t, SHIFT_RIGHT, XMM0, s + 1, bits);
		simd_const(t, XMM5, simd_repeat(s + 1, bits));
		simd_rr(t, simd_op_cmpeq[s + 1], XMM5, XMM0);
		simd_rr(t, S_PAND, XMM5, XMM1);
		simd_rr(t, simd_op_add[s + 1], XMM0, XMM5);
	}
}

/* CLZ (bit 29), and CLS: zeros of the number xor itself shifted, but one. */
bool jit_tr_clz_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = simd_size(op);
	unsigned n = simd_n(t, op), d = simd_new(t);

	if (is_unsigned(op)) {
		leading_zeros(t, size, n);
		simd_rr(t, S_MOVDQA, d, XMM0);
		return simd_result(t, op, d);
	}
	simd_right(t, XMM2, n, size, 1, true);
	simd_rr(t, S_PXOR, XMM2, n);
	leading_zeros(t, size, XMM2);
	simd_rr(t, S_PCMPEQD, d, d);
	simd_rr(t, simd_op_add[size], d, XMM0);
	return simd_result(t, op, d);
}

/* REV64, REV32, REV16 (bits 12, 29) of lanes by size: a shuffle of bytes. */
bool jit_tr_rev_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned group = a64_bits(op->word, 12, 12) ? 2 : a64_bits(op->word, 29, 29) ? 4 : 8;
	unsigned lane = 1u << simd_size(op);
	unsigned n = simd_n(t, op), d = simd_new(t);
	uint64_t half[2] = {0, 0};

	for (unsigned i = 0; i < 16; i++) {
		unsigned from =
		    i / group * group + (group - lane - i % group / lane * lane) + i % lane;

		half[i / 8] |= (uint64_t)from << (i % 8 * 8);
	}
	simd_op3_const2(t, S_PSHUFB, d, n, half[0], half[1]);
	return simd_result(t, op, d);
}
