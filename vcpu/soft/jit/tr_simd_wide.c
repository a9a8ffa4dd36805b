/*
 * tr_simd_wide.c: SIMD from narrow lanes to wide ones and back (Arm ARM C4.1, "Advanced SIMD
 * three different", "... shift by immediate", "... two-register miscellaneous", "... across
 * lanes", "... vector x indexed element").
 *
 * Forms with Q take their narrow lanes from the upper half of a register, or put them there.
 */
#include "vcpu/soft/jit/tr_simd.h"

static bool is_unsigned(const struct a64_op *op)
{
	return a64_bits(op->word, 29, 29);
}

static unsigned immhb(const struct a64_op *op)
{
	return a64_bits(op->word, 22, 16);
}

static unsigned size_of(const struct a64_op *op)
{
	return 28 - (unsigned)__builtin_clz(immhb(op));
}

/* --- narrowing --- */

/* rd = 64 bits of xmm0 in its lower half, or in the upper one above what is there. */
static bool put_half(struct jit_tr *t, const struct a64_op *op)
{
	unsigned rd = a64_rd(op), d;

	if (simd_full(op)) {
		unsigned old = simd_use(t, rd, 8);

		d = simd_new(t);
		simd_op3(t, S_PUNPCKLQDQ, d, old, XMM0);
		return simd_result_full(t, op, d);
	}
	d = simd_new(t);
	simd_rr(t, S_MOVDQA, d, XMM0);
	simd_set(t, rd, d, 8, 16);
	return true;
}

/* The lower halves of x's lanes, of twice the size, to rd. */
static bool narrow(struct jit_tr *t, const struct a64_op *op, unsigned size, unsigned x)
{
	static const uint64_t low[] = {0x0E0C0A0806040200u, 0x0D0C090805040100u};

	if (size == SIMD_S)
		simd_rr_imm(t, S_PSHUFD, XMM0, x, 0x08);
	else
		simd_op3_const(t, S_PSHUFB, XMM0, x, low[size]);
	return put_half(t, op);
}

bool jit_tr_xtn(struct jit_tr *t, const struct a64_op *op)
{
	return narrow(t, op, simd_size(op), simd_use(t, a64_rn(op), 16));
}

/* SHRN, RSHRN (bit 11). */
bool jit_tr_shrn(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = size_of(op), by = (16u << size) - immhb(op);
	unsigned n = simd_use(t, a64_rn(op), 16);

	if (a64_bits(op->word, 11, 11)) {
		simd_const(t, XMM1, simd_repeat(size + 1, 1ULL << (by - 1)));
		simd_rr(t, simd_op_add[size + 1], XMM1, n);
		n = XMM1;
	}
	simd_shift3(t, SHIFT_RIGHT, XMM1, n, size + 1, by);
	return narrow(t, op, size, XMM1);
}

/* ADDHN, SUBHN (bit 13), and rounded (bit 29): the upper halves of sums. */
bool jit_tr_addhn(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = simd_size(op), bits = 8u << size;
	const unsigned *opcode = a64_bits(op->word, 13, 13) ? simd_op_sub : simd_op_add;
	unsigned n = simd_use(t, a64_rn(op), 16), m = simd_use(t, a64_rm(op), 16);

	simd_op3(t, opcode[size + 1], XMM1, n, m);
	if (is_unsigned(op)) {
		simd_const(t, XMM2, simd_repeat(size + 1, 1ULL << (bits - 1)));
		simd_rr(t, simd_op_add[size + 1], XMM1, XMM2);
	}
	simd_shift(t, SHIFT_RIGHT, XMM1, size + 1, bits);
	return narrow(t, op, size, XMM1);
}

/* From what to what a saturating narrowing goes. */
enum saturation { SIGNED, UNSIGNED, TO_UNSIGNED };

/* xmm1's lanes of twice the size limited to what the narrow ones hold; of those beyond, xmm2's are
 * not 0. */
static void limit(struct jit_tr *t, unsigned size, enum saturation kind)
{
	unsigned wide = size + 1, bits = 8u << size;
	uint64_t max =
	    simd_repeat(wide, kind == SIGNED ? (1ULL << (bits - 1)) - 1 : (1ULL << bits) - 1);
	uint64_t min = kind == SIGNED ? simd_repeat(wide, 0 - (1ULL << (bits - 1))) : 0;

	simd_rr(t, S_MOVDQA, XMM2, XMM1);
	if (wide == SIMD_D) {
		/* x > max, and signed, min > x: there is no minimum of 64 bits. */
		simd_const(t, XMM3, max);
		if (kind == UNSIGNED) {
			simd_shift3(t, SHIFT_RIGHT, XMM0, XMM1, SIMD_D, 32);
			simd_rr(t, S_PXOR, XMM4, XMM4);
			simd_rr(t, simd_op_cmpeq[SIMD_D], XMM0, XMM4);
			simd_invert(t, XMM0);
		} else {
			simd_rr(t, S_MOVDQA, XMM0, XMM1);
			simd_rr(t, S_PCMPGTQ, XMM0, XMM3);
		}
		simd_rr(t, 0x663815, XMM1, XMM3); /* blendvpd by xmm0 */
		if (kind != UNSIGNED) {
			simd_const(t, XMM3, min);
			simd_rr(t, S_MOVDQA, XMM0, XMM3);
			simd_rr(t, S_PCMPGTQ, XMM0, XMM1);
			simd_rr(t, 0x663815, XMM1, XMM3);
		}
	} else {
		simd_const(t, XMM3, max);
		simd_rr(t, kind == UNSIGNED ? simd_op_umin[wide] : simd_op_smin[wide], XMM1, XMM3);
		if (kind != UNSIGNED) {
			simd_const(t, XMM3, min);
			simd_rr(t, simd_op_smax[wide], XMM1, XMM3);
		}
	}
	simd_rr(t, S_PXOR, XMM2, XMM1);
}

/* rd = xmm1 narrowed; a scalar is lane 0, all else 0. */
static bool narrow_limited(struct jit_tr *t, const struct a64_op *op, unsigned size,
                           enum saturation kind)
{
	unsigned lane = 1u << size;

	if (simd_is_scalar(op)) {
		simd_shift_bytes(t, true, XMM1, 16 - 2 * lane);
		simd_shift_bytes(t, false, XMM1, 16 - 2 * lane);
	}
	limit(t, size, kind);
	simd_saturates(t, XMM2);
	if (simd_is_scalar(op)) {
		simd_shift_bytes(t, true, XMM1, 16 - lane);
		unsigned d = simd_new(t);

		simd_rr(t, S_MOVDQA, d, XMM1);
		simd_shift_bytes(t, false, d, 16 - lane);
		return simd_result_full(t, op, d);
	}
	return narrow(t, op, size, XMM1);
}

/* SQXTN, UQXTN (bit 29), SQXTUN (bit 29, and bit 14 clear). */
bool jit_tr_sqxtn(struct jit_tr *t, const struct a64_op *op)
{
	enum saturation kind = !is_unsigned(op)             ? SIGNED
	                       : a64_bits(op->word, 14, 14) ? UNSIGNED
	                                                    : TO_UNSIGNED;

	simd_load(t, XMM1, a64_rn(op));
	return narrow_limited(t, op, simd_size(op), kind);
}

/* SQSHRN, UQSHRN (bit 29), SQSHRUN (bit 29, and bit 12 clear), and rounded (bit 11). */
bool jit_tr_sqshrn(struct jit_tr *t, const struct a64_op *op)
{
	enum saturation kind = !is_unsigned(op)             ? SIGNED
	                       : a64_bits(op->word, 12, 12) ? UNSIGNED
	                                                    : TO_UNSIGNED;
	unsigned size = size_of(op), by = (16u << size) - immhb(op);
	unsigned n = simd_use(t, a64_rn(op), 16);

	(a64_bits(op->word, 11, 11) ? simd_right_rounded : simd_right)(t, XMM1, n, size + 1, by,
	                                                               kind != UNSIGNED);
	return narrow_limited(t, op, size, kind);
}

/* --- widening --- */

/* xmm = narrow lanes of a register with their widths doubled. */
static void widen(struct jit_tr *t, const struct a64_op *op, unsigned x, unsigned r, unsigned size,
                  bool sign)
{
	/* pmovsx and pmovzx bw, wd, dq */
	static const unsigned by_sign[] = {0x663820, 0x663823, 0x663825};
	static const unsigned by_zero[] = {0x663830, 0x663833, 0x663835};
	unsigned n = simd_use(t, r, simd_q(op) ? 16 : 8);

	if (simd_q(op)) {
		simd_rr_imm(t, S_PSHUFD, x, n, 0xEE);
		n = x;
	}
	simd_rr(t, sign ? by_sign[size] : by_zero[size], x, n);
}

/* SSHLL, USHLL. */
bool jit_tr_shll(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = size_of(op), by = immhb(op) - (8u << size), rn = a64_rn(op), d;

	(void)simd_use(t, rn, simd_q(op) ? 16 : 8);
	d = simd_new(t);
	widen(t, op, d, rn, size, !is_unsigned(op));
	if (by)
		simd_shift(t, SHIFT_LEFT, d, size + 1, by);
	return simd_result_full(t, op, d);
}

/* SHLL by the width. */
bool jit_tr_shll_width(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = simd_size(op), rn = a64_rn(op), d;

	(void)simd_use(t, rn, simd_q(op) ? 16 : 8);
	d = simd_new(t);
	widen(t, op, d, rn, size, false);
	simd_shift(t, SHIFT_LEFT, d, size + 1, 8u << size);
	return simd_result_full(t, op, d);
}

/* SADDL, UADDL, SADDW, UADDW; SSUBL and so on with bit 13; bit 12: rn is wide already. */
bool jit_tr_addl(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = simd_size(op), n = XMM0, d;
	const unsigned *opcode = a64_bits(op->word, 13, 13) ? simd_op_sub : simd_op_add;

	widen(t, op, XMM1, a64_rm(op), size, !is_unsigned(op));
	if (a64_bits(op->word, 12, 12))
		n = simd_use(t, a64_rn(op), 16);
	else
		widen(t, op, XMM0, a64_rn(op), size, !is_unsigned(op));
	d = simd_new(t);
	simd_op3(t, opcode[size + 1], d, n, XMM1);
	return simd_result_full(t, op, d);
}

/* SABDL, UABDL; SABAL, UABAL (bit 13 clear) add it to rd.  A distance is unsigned. */
bool jit_tr_abdl(struct jit_tr *t, const struct a64_op *op)
{
	static const unsigned by_zero[] = {0x663830, 0x663833, 0x663835};
	unsigned size = simd_size(op), bytes = simd_q(op) ? 16 : 8, old = 0, d;
	bool add = !a64_bits(op->word, 13, 13);
	unsigned n = simd_use(t, a64_rn(op), bytes), m = simd_use(t, a64_rm(op), bytes);

	if (add)
		old = simd_use(t, a64_rd(op), 16);
	d = simd_new(t);
	simd_distance(t, size, !is_unsigned(op), XMM0, n, m);
	if (simd_q(op))
		simd_rr_imm(t, S_PSHUFD, XMM0, XMM0, 0xEE);
	simd_rr(t, by_zero[size], d, XMM0);
	if (add)
		simd_rr(t, simd_op_add[size + 1], d, old);
	return simd_result_full(t, op, d);
}

/*
 * xmm0 = products of the narrow lanes of rn with those of xmm1, which has them where rn's are.
 * Halfwords: the lower and upper halves of all eight, put together.  Words: brought to the even
 * places.  Uses xmm2.
 */
static void products(struct jit_tr *t, const struct a64_op *op, unsigned size, bool sign)
{
	unsigned n = simd_use(t, a64_rn(op), simd_q(op) ? 16 : 8);

	if (size == SIMD_H) {
		simd_op3(t, sign ? 0x660FE5 : 0x660FE4, XMM2, n, XMM1); /* pmulhw, pmulhuw */
		simd_op3(t, S_PMULLW, XMM0, n, XMM1);
		simd_rr(t, simd_q(op) ? 0x660F69 : 0x660F61, XMM0, XMM2); /* punpck?wd */
	} else if (size == SIMD_S) {
		simd_rr_imm(t, S_PSHUFD, XMM0, n, simd_q(op) ? 0x32 : 0x10);
		simd_rr_imm(t, S_PSHUFD, XMM1, XMM1, simd_q(op) ? 0x32 : 0x10);
		simd_rr(t, sign ? S_PMULDQ : S_PMULUDQ, XMM0, XMM1);
	} else {
		widen(t, op, XMM0, a64_rn(op), size, sign);
		if (simd_q(op))
			simd_rr_imm(t, S_PSHUFD, XMM1, XMM1, 0xEE);
		simd_rr(t, sign ? 0x663820 : 0x663830, XMM1, XMM1);
		simd_rr(t, S_PMULLW, XMM0, XMM1);
	}
}

/* rd = xmm0, or it is added or subtracted. */
static bool accumulate(struct jit_tr *t, const struct a64_op *op, unsigned size, bool alone,
                       bool minus)
{
	unsigned old = alone ? 0 : simd_use(t, a64_rd(op), 16), d = simd_new(t);

	if (alone)
		simd_rr(t, S_MOVDQA, d, XMM0);
	else
		simd_op3(t, minus ? simd_op_sub[size + 1] : simd_op_add[size + 1], d, old, XMM0);
	return simd_result_full(t, op, d);
}

/* SMULL, UMULL (bits 15..14 are 11), and accumulating, bit 13 minus. */
bool jit_tr_mull(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = simd_size(op);

	simd_rr(t, S_MOVDQA, XMM1, simd_use(t, a64_rm(op), simd_q(op) ? 16 : 8));
	products(t, op, size, !is_unsigned(op));
	return accumulate(t, op, size, a64_bits(op->word, 14, 14), a64_bits(op->word, 13, 13));
}

/* The same by element: bits 15..12 are 1010, 0010 accumulating, 0110 minus. */
bool jit_tr_mull_elem(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = simd_size(op);

	simd_element(t, op, XMM1);
	products(t, op, size, !is_unsigned(op));
	return accumulate(t, op, size, a64_bits(op->word, 15, 15), a64_bits(op->word, 14, 14));
}

/* --- sums of neighbours --- */

/* xmm0 = sums of pairs of lanes of n.  Uses xmm1, xmm2. */
static void add_pairs(struct jit_tr *t, unsigned size, bool sign, unsigned n)
{
	if (size == SIMD_B) {
		/* pmaddubsw multiplies unsigned bytes by signed ones. */
		simd_const(t, XMM1, simd_repeat(SIMD_B, 1));
		simd_op3(t, 0x663804, XMM0, sign ? XMM1 : n, sign ? n : XMM1);
	} else if (size == SIMD_H && sign) {
		simd_const(t, XMM1, simd_repeat(SIMD_H, 1));
		simd_op3(t, 0x660FF5, XMM0, n, XMM1); /* pmaddwd */
	} else {
		unsigned bits = 8u << size;

		simd_shift3(t, SHIFT_LEFT, XMM1, n, size + 1, bits);
		simd_right(t, XMM2, XMM1, size + 1, bits, sign);
		simd_right(t, XMM0, n, size + 1, bits, sign);
		simd_rr(t, simd_op_add[size + 1], XMM0, XMM2);
	}
}

/* SADDLP, UADDLP; SADALP, UADALP (bit 14) add them to rd. */
bool jit_tr_addlp(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = simd_size(op), n = simd_n(t, op), old = 0, d;
	bool add = a64_bits(op->word, 14, 14);

	if (add)
		old = simd_old(t, op);
	d = simd_new(t);
	add_pairs(t, size, !is_unsigned(op), n);
	if (add)
		simd_op3(t, simd_op_add[size + 1], d, old, XMM0);
	else
		simd_rr(t, S_MOVDQA, d, XMM0);
	return simd_result(t, op, d);
}

/* SADDLV, UADDLV: pairs, then whole halves on each other. */
bool jit_tr_addlv(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = simd_size(op), lane = 2u << size;
	bool sign = !is_unsigned(op);
	unsigned n = simd_use(t, a64_rn(op), simd_q(op) ? 16 : 8), d = simd_new(t);

	add_pairs(t, size, sign, n);
	for (unsigned by = simd_q(op) ? 8 : 4; by >= lane; by /= 2) {
		simd_rr(t, S_MOVDQA, XMM1, XMM0);
		simd_shift_bytes(t, false, XMM1, by);
		simd_rr(t, simd_op_add[size + 1], XMM0, XMM1);
	}
	simd_shift_bytes(t, true, XMM0, 16 - lane);
	simd_rr(t, S_MOVDQA, d, XMM0);
	simd_shift_bytes(t, false, d, 16 - lane);
	return simd_result_full(t, op, d);
}
