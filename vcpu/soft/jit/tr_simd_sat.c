/*
 * tr_simd_sat.c: SIMD that saturates, lanes keeping their width (Arm ARM C4.1, "Advanced SIMD
 * three same", "... two-register miscellaneous", "... vector x indexed element").
 *
 * FPSR.QC is not computed: what differs from the result without saturation is or-ed to the
 * vCPU's qc, from which the bit is made when somebody looks (soft_jit_fpsr).
 */
#include "vcpu/soft/jit/tr_simd.h"

#define BLENDVPS 0x663814 /* by the signs of xmm0's lanes */
#define BLENDVPD 0x663815

static bool is_unsigned(const struct a64_op *op)
{
	return a64_bits(op->word, 29, 29);
}

/* Bytes of the form that count: a scalar's lane may be shorter than the others' 8. */
static unsigned bytes_of(const struct a64_op *op)
{
	return simd_is_scalar(op) ? 1u << simd_size(op) : simd_len(op);
}

void simd_saturates(struct jit_tr *t, unsigned x)
{
	em_rm(&t->e, S_POR, X32, x, RBP, JIT_AT(qc));
	em_rm(&t->e, S_MOVDQA_ST, X32, x, RBP, JIT_AT(qc));
}

/* rd = x, which simd_new gave; lanes of which xmm2's are not 0 were saturated. */
static bool result(struct jit_tr *t, const struct a64_op *op, unsigned x)
{
	unsigned bytes = bytes_of(op);

	if (bytes < 16)
		simd_shift_bytes(t, true, XMM2, 16 - bytes);
	simd_saturates(t, XMM2);
	if (bytes < 8) {
		simd_shift_bytes(t, true, x, 16 - bytes);
		simd_shift_bytes(t, false, x, 16 - bytes);
	}
	return simd_result(t, op, x);
}

/* d = n +- m, signed, of words or doublewords: where the result's sign cannot be, the greatest or
 * least number by the sign of n. */
static void signed_long(struct jit_tr *t, unsigned size, bool sub, unsigned d, unsigned n,
                        unsigned m)
{
	simd_op3(t, (sub ? simd_op_sub : simd_op_add)[size], d, n, m);
	/* Overflow: n's sign is not the result's, and in a sum m's neither, in a difference
	 * m's is not n's. */
	simd_op3(t, S_PXOR, XMM0, n, d);
	simd_op3(t, S_PXOR, XMM2, m, sub ? n : d);
	simd_rr(t, S_PAND, XMM0, XMM2);
	simd_right(t, XMM1, n, size, (8u << size) - 1, true);
	simd_op3_const(t, S_PXOR, XMM1, XMM1, simd_repeat(size, (1ULL << ((8u << size) - 1)) - 1));
	simd_rr(t, size == SIMD_D ? BLENDVPD : BLENDVPS, d, XMM1);
	simd_shift3(t, SHIFT_RIGHT, XMM2, XMM0, size, (8u << size) - 1);
}

/* The same unsigned: a sum n + min(m, ~n), a difference max(n, m) - m. */
static void unsigned_long(struct jit_tr *t, unsigned size, bool sub, unsigned d, unsigned n,
                          unsigned m)
{
	if (size == SIMD_S && sub) {
		simd_op3(t, simd_op_umax[SIMD_S], XMM2, n, m);
		simd_op3(t, simd_op_sub[SIMD_S], d, XMM2, m);
		simd_rr(t, S_PXOR, XMM2, n);
	} else if (size == SIMD_S) {
		simd_rr(t, S_PCMPEQD, XMM2, XMM2);
		simd_rr(t, S_PXOR, XMM2, n);
		simd_rr(t, simd_op_umin[SIMD_S], XMM2, m);
		simd_op3(t, simd_op_add[SIMD_S], d, n, XMM2);
		simd_rr(t, S_PXOR, XMM2, m);
	} else {
		/* A sum below n, or a difference above it, as signed comparisons. */
		simd_op3(t, (sub ? simd_op_sub : simd_op_add)[SIMD_D], d, n, m);
		simd_const(t, XMM5, 1ULL << 63);
		simd_op3(t, S_PXOR, XMM0, n, XMM5);
		simd_op3(t, S_PXOR, XMM1, d, XMM5);
		simd_op3(t, S_PCMPGTQ, XMM2, sub ? XMM1 : XMM0, sub ? XMM0 : XMM1);
		if (sub) {
			simd_op3(t, S_PANDN, XMM0, XMM2, d);
			simd_rr(t, S_MOVDQA, d, XMM0);
		} else {
			simd_rr(t, S_POR, d, XMM2);
		}
	}
}

/* SQADD, UQADD, SQSUB, UQSUB (bit 13). */
bool jit_tr_sqadd_v(struct jit_tr *t, const struct a64_op *op)
{
	/* By bits 13 and 29: paddsb, paddusb, psubsb, psubusb; the next ones for halfwords. */
	static const unsigned ops[] = {0x660FEC, 0x660FDC, 0x660FE8, 0x660FD8};
	unsigned size = simd_size(op);
	bool sub = a64_bits(op->word, 13, 13);
	unsigned n = simd_n(t, op), m = simd_m(t, op), d = simd_new(t);

	if (size <= SIMD_H) {
		simd_op3(t, ops[sub * 2u + is_unsigned(op)] + size, d, n, m);
		simd_op3(t, (sub ? simd_op_sub : simd_op_add)[size], XMM2, n, m);
		simd_rr(t, S_PXOR, XMM2, d);
	} else {
		(is_unsigned(op) ? unsigned_long : signed_long)(t, size, sub, d, n, m);
	}
	return result(t, op, d);
}

/* SQNEG (bit 29), SQABS: of the least number, which stays what it is, the greatest. */
bool jit_tr_sqneg_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = simd_size(op), bits = 8u << size;
	unsigned n = simd_n(t, op), d = simd_new(t);

	simd_rr(t, S_PXOR, XMM1, XMM1);
	if (is_unsigned(op)) {
		simd_op3(t, simd_op_sub[size], d, XMM1, n);
	} else if (size == SIMD_D) {
		simd_rr(t, S_PCMPGTQ, XMM1, n);
		simd_op3(t, S_PXOR, d, n, XMM1);
		simd_rr(t, simd_op_sub[SIMD_D], d, XMM1);
	} else {
		simd_rr(t, 0x66381C + size, d, n); /* pabsb, w, d */
	}
	simd_const(t, XMM2, simd_repeat(size, 1ULL << (bits - 1)));
	simd_rr(t, simd_op_cmpeq[size], XMM2, n);
	simd_rr(t, S_PXOR, d, XMM2);
	return result(t, op, d);
}

/* d = the upper half of 2 n m, rounded or not, before saturation.  Uses xmm0, xmm2, xmm3. */
static void doubling_high(struct jit_tr *t, unsigned size, bool round, unsigned d, unsigned n,
                          unsigned m)
{
	if (size == SIMD_H && round) {
		simd_op3(t, 0x66380B, d, n, m); /* pmulhrsw */
	} else if (size == SIMD_H) {
		simd_op3(t, 0x660FE5, d, n, m); /* pmulhw */
		simd_op3(t, S_PMULLW, XMM0, n, m);
		simd_shift(t, SHIFT_RIGHT, XMM0, SIMD_H, 15);
		simd_rr(t, simd_op_add[SIMD_H], d, d);
		simd_rr(t, S_POR, d, XMM0);
	} else {
		/* Even words, then odd ones: their products' bits 62..31. */
		simd_shift3(t, SHIFT_RIGHT, XMM2, n, SIMD_D, 32);
		simd_shift3(t, SHIFT_RIGHT, XMM3, m, SIMD_D, 32);
		simd_rr(t, S_PMULDQ, XMM2, XMM3);
		simd_op3(t, S_PMULDQ, d, n, m);
		if (round) {
			simd_const(t, XMM0, 1ULL << 30);
			simd_rr(t, S_PADDQ, XMM2, XMM0);
			simd_rr(t, S_PADDQ, d, XMM0);
		}
		simd_shift(t, SHIFT_RIGHT, d, SIMD_D, 31);
		simd_rr(t, S_PADDQ, XMM2, XMM2);
		simd_rr_imm(t, 0x663A0E, d, XMM2, 0xCC); /* pblendw */
	}
}

/* SQDMULH, SQRDMULH of n and m.  The one product that does not fit is that of the two least
 * numbers, and gives the least. */
static bool doubling(struct jit_tr *t, const struct a64_op *op, bool round, unsigned n, unsigned m)
{
	unsigned size = simd_size(op), bits = 8u << size, d = simd_new(t);

	doubling_high(t, size, round, d, n, m);
	simd_const(t, XMM2, simd_repeat(size, 1ULL << (bits - 1)));
	simd_rr(t, simd_op_cmpeq[size], XMM2, d);
	simd_rr(t, S_PXOR, d, XMM2);
	return result(t, op, d);
}

/* Bit 29: rounding. */
bool jit_tr_sqdmulh_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned n = simd_n(t, op), m = simd_m(t, op);

	return doubling(t, op, is_unsigned(op), n, m);
}

/* Bit 12: rounding. */
bool jit_tr_sqdmulh_elem(struct jit_tr *t, const struct a64_op *op)
{
	unsigned n = simd_n(t, op);

	simd_element(t, op, XMM1);
	return doubling(t, op, a64_bits(op->word, 12, 12), n, XMM1);
}

/*
 * SQDMULL, and SQDMLAL, SQDMLSL (bit 13), which add the product or subtract it, saturating a
 * second time: halfwords' products are made of both halves, words' are in the even places.
 */
static bool doubling_long(struct jit_tr *t, const struct a64_op *op, bool alone, bool minus)
{
	unsigned size = simd_size(op), wide = size + 1, bits = 8u << wide;
	bool upper = simd_full(op);
	unsigned n = simd_use(t, a64_rn(op), upper ? 16 : 8),
	         old = alone ? 0 : simd_use(t, a64_rd(op), 16), d = simd_new(t), p = simd_new(t);

	if (size == SIMD_H) {
		simd_op3(t, 0x660FE5, XMM2, n, XMM1); /* pmulhw */
		simd_op3(t, S_PMULLW, p, n, XMM1);
		simd_rr(t, upper ? 0x660F69 : 0x660F61, p, XMM2); /* punpck?wd */
	} else {
		simd_rr_imm(t, S_PSHUFD, p, n, upper ? 0x32 : 0x10);
		simd_rr_imm(t, S_PSHUFD, XMM1, XMM1, upper ? 0x32 : 0x10);
		simd_rr(t, S_PMULDQ, p, XMM1);
	}
	simd_rr(t, simd_op_add[wide], p, p);
	simd_const(t, XMM2, simd_repeat(wide, 1ULL << (bits - 1)));
	simd_rr(t, simd_op_cmpeq[wide], XMM2, p);
	simd_rr(t, S_PXOR, p, XMM2);
	unsigned lane = simd_is_scalar(op) ? 1u << wide : 16;

	if (lane < 16)
		simd_shift_bytes(t, true, XMM2, 16 - lane);
	simd_saturates(t, XMM2);
	if (alone) {
		simd_rr(t, S_MOVDQA, d, p);
	} else {
		signed_long(t, wide, minus, d, old, p);
		if (lane < 16)
			simd_shift_bytes(t, true, XMM2, 16 - lane);
		simd_saturates(t, XMM2);
	}
	if (lane < 16) {
		simd_shift_bytes(t, true, d, 16 - lane);
		simd_shift_bytes(t, false, d, 16 - lane);
	}
	return simd_result_full(t, op, d);
}

/* Bits 15..12: 1101 SQDMULL, 1001 SQDMLAL, 1011 SQDMLSL. */
bool jit_tr_sqdmull(struct jit_tr *t, const struct a64_op *op)
{
	simd_rr(t, S_MOVDQA, XMM1, simd_use(t, a64_rm(op), simd_full(op) ? 16 : 8));
	return doubling_long(t, op, a64_bits(op->word, 14, 14), a64_bits(op->word, 13, 13));
}

/* By element, bits 15..12: 1011 SQDMULL, 0011 SQDMLAL, 0111 SQDMLSL. */
bool jit_tr_sqdmull_elem(struct jit_tr *t, const struct a64_op *op)
{
	simd_element(t, op, XMM1);
	return doubling_long(t, op, a64_bits(op->word, 15, 15), a64_bits(op->word, 14, 14));
}

/* --- shifts to the left by immediates --- */

/* SQSHL (bit 29: UQSHL), SQSHLU (bit 29, and bit 12 clear): what is not the same when shifted back
 * is replaced; by the greatest number, the least if it is negative, or 0. */
bool jit_tr_sqshl_imm(struct jit_tr *t, const struct a64_op *op)
{
	unsigned imm = a64_bits(op->word, 22, 16), size = 28 - (unsigned)__builtin_clz(imm);
	unsigned bits = 8u << size, by = imm - bits;
	bool to_unsigned = is_unsigned(op) && !a64_bits(op->word, 12, 12), sign = !is_unsigned(op);
	unsigned n = simd_n(t, op), d = simd_new(t);
	unsigned bytes = simd_is_scalar(op) ? 1u << size : simd_len(op);

	/* xmm2 = where it fits. */
	simd_left(t, d, n, size, by);
	if (by)
		simd_right(t, XMM2, d, size, by, sign);
	else
		simd_rr(t, S_MOVDQA, XMM2, d);
	simd_rr(t, simd_op_cmpeq[size], XMM2, n);
	/* xmm1 = the replacement: ones, or for a signed one the sign and the others inverted. */
	simd_right(t, XMM1, n, size, bits - 1, true);
	if (sign) {
		simd_op3_const(t, S_PXOR, XMM1, XMM1, simd_repeat(size, (1ULL << (bits - 1)) - 1));
	} else if (to_unsigned) {
		/* Negative numbers never fit, and give 0. */
		simd_op3(t, S_PANDN, XMM0, XMM1, XMM2);
		simd_rr(t, S_MOVDQA, XMM2, XMM0);
		simd_invert(t, XMM1);
	} else {
		simd_rr(t, S_PCMPEQD, XMM1, XMM1);
	}
	simd_rr(t, S_PAND, d, XMM2);
	simd_op3(t, S_PANDN, XMM0, XMM2, XMM1);
	simd_rr(t, S_POR, d, XMM0);
	simd_invert(t, XMM2);
	if (bytes < 16)
		simd_shift_bytes(t, true, XMM2, 16 - bytes);
	simd_saturates(t, XMM2);
	if (bytes < 8) {
		simd_shift_bytes(t, true, d, 16 - bytes);
		simd_shift_bytes(t, false, d, 16 - bytes);
	}
	return simd_result(t, op, d);
}
