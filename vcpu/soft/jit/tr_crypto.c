/*
 * tr_crypto.c: AES, SHA-1, SHA-256 and carry-less multiplication on the host's instructions for
 * them (Arm ARM C4.1, "Cryptographic AES", "... SHA", PMULL; Intel SDM volume 2), and CRC-32.
 *
 * Where the two architectures cut the work differently: Arm's AESE is the host's last round
 * without its key (which comes first, by an xor), and AESE with the AESMC behind it a whole round.
 * The host's SHA-1 and SHA-256 state is in another order, and its SHA-1 rounds add the
 * constants that Arm's operand contains already.
 */
#include "vcpu/soft/jit/tr_simd.h"

/* The host register of a guest register; the forms here have bits as scalar ones elsewhere. */
static unsigned whole(struct jit_tr *t, unsigned r)
{
	return simd_use(t, r, 16);
}

/* Is the next instruction of the block `what` rd, rd, of rd as set by this one? */
static bool next_is(const struct jit_tr *t, const struct a64_op *op, uint32_t what)
{
	unsigned rd = a64_rd(op);

	return t->at + 1 < t->count && t->ops[t->at + 1].word == (what | rd << 5 | rd);
}

/* A round without the mixing of columns, or with the instruction behind it a whole one. */
static bool aes_round(struct jit_tr *t, const struct a64_op *op, unsigned last, unsigned complete,
                      uint32_t mix)
{
	bool fused = next_is(t, op, mix);
	unsigned old = whole(t, a64_rd(op)), n = whole(t, a64_rn(op)), d = simd_new(t);

	simd_op3(t, S_PXOR, d, old, n);
	simd_rr(t, S_PXOR, XMM1, XMM1);
	simd_rr(t, fused ? complete : last, d, XMM1);
	if (fused)
		t->done = t->at + 2;
	return simd_result_full(t, op, d);
}

bool jit_tr_aese(struct jit_tr *t, const struct a64_op *op)
{
	return aes_round(t, op, S_AESENCLAST, S_AESENC, 0x4E286800);
}

bool jit_tr_aesd(struct jit_tr *t, const struct a64_op *op)
{
	return aes_round(t, op, S_AESDECLAST, S_AESDEC, 0x4E287800);
}

/* The mixing alone: a last round backwards and a whole one forwards. */
bool jit_tr_aesmc(struct jit_tr *t, const struct a64_op *op)
{
	unsigned n = whole(t, a64_rn(op)), d = simd_new(t);

	simd_rr(t, S_PXOR, XMM1, XMM1);
	simd_op3(t, S_AESDECLAST, d, n, XMM1);
	simd_rr(t, S_AESENC, d, XMM1);
	return simd_result_full(t, op, d);
}

bool jit_tr_aesimc(struct jit_tr *t, const struct a64_op *op)
{
	unsigned n = whole(t, a64_rn(op)), d = simd_new(t);

	simd_rr(t, S_AESIMC, d, n);
	return simd_result_full(t, op, d);
}

/* PMULL and PMULL2 of doublewords. */
bool jit_tr_pmull_d(struct jit_tr *t, const struct a64_op *op)
{
	unsigned bytes = simd_q(op) ? 16 : 8;
	unsigned n = simd_use(t, a64_rn(op), bytes), m = simd_use(t, a64_rm(op), bytes),
	         d = simd_new(t);

	simd_op3(t, S_PCLMULQDQ, d, n, m);
	em_u8(&t->e, simd_q(op) ? 0x11 : 0);
	return simd_result_full(t, op, d);
}

/* xmm2 = xmm0 times xmm1 as polynomials, in halfwords: a multiplication by each single bit of
 * xmm1's lower bytes, summed without carries.  Uses xmm3, xmm4. */
static void multiply_bytes(struct jit_tr *t)
{
	simd_rr(t, S_PXOR, XMM2, XMM2);
	simd_const(t, XMM4, 0x0001000100010001u);
	for (unsigned bit = 0; bit < 8; bit++) {
		simd_rr(t, S_MOVDQA, XMM3, XMM1);
		simd_rr(t, S_PAND, XMM3, XMM4);
		simd_rr(t, S_PMULLW, XMM3, XMM0);
		simd_rr(t, S_PXOR, XMM2, XMM3);
		simd_rr(t, S_PADDB + 1, XMM4, XMM4);
	}
}

/* PMULL and PMULL2 of bytes. */
bool jit_tr_pmull_b(struct jit_tr *t, const struct a64_op *op)
{
	simd_load(t, XMM0, a64_rn(op));
	simd_load(t, XMM1, a64_rm(op));
	simd_rr(t, S_PXOR, XMM2, XMM2);
	simd_rr(t, simd_q(op) ? S_PUNPCKHBW : S_PUNPCKLBW, XMM0, XMM2);
	simd_rr(t, simd_q(op) ? S_PUNPCKHBW : S_PUNPCKLBW, XMM1, XMM2);
	multiply_bytes(t);
	simd_store(t, XMM2, a64_rd(op));
	return true;
}

/* The lower bytes of the products: even ones, then odd ones, whose other factor may stay where
 * it is, for what it adds is above. */
bool jit_tr_pmul_v(struct jit_tr *t, const struct a64_op *op)
{
	simd_load(t, XMM0, a64_rn(op));
	simd_load(t, XMM1, a64_rm(op));
	multiply_bytes(t);
	simd_const(t, XMM5, 0x00FF00FF00FF00FFu);
	simd_rr(t, S_PAND, XMM5, XMM2);
	simd_shift(t, SHIFT_RIGHT, XMM0, SIMD_H, 8);
	simd_shift(t, SHIFT_RIGHT, XMM1, SIMD_H, 8);
	multiply_bytes(t);
	simd_shift(t, SHIFT_LEFT, XMM2, SIMD_H, 8);
	simd_rr(t, S_POR, XMM2, XMM5);
	simd_store_cut(t, XMM2, a64_rd(op), simd_q(op));
	return true;
}

/* --- SHA-1: a to d are in lanes 3 to 0 for the host --- */

#define REVERSED 0x1Bu

bool jit_tr_sha1_rounds(struct jit_tr *t, const struct a64_op *op)
{
	/* By bits 13..12: SHA1C, SHA1P, SHA1M, and the constants that the host adds. */
	static const uint32_t constants[] = {0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC};
	unsigned function = a64_bits(op->word, 13, 12);
	uint64_t k = constants[function] * 0x100000001u;

	unsigned old = whole(t, a64_rd(op)), n = simd_use(t, a64_rn(op), 4),
	         m = whole(t, a64_rm(op)), d = simd_new(t);

	/* What is in n's other lanes is left out by the mask of INSERTPS. */
	simd_rr_imm(t, S_INSERTPS, XMM1, n, 0x0E);
	simd_op3_const(t, simd_op_sub[SIMD_S], XMM1, XMM1, k);
	simd_rr(t, simd_op_add[SIMD_S], XMM1, m);
	simd_rr_imm(t, S_PSHUFD, XMM1, XMM1, REVERSED);
	simd_rr_imm(t, S_PSHUFD, d, old, REVERSED);
	simd_rr_imm(t, S_SHA1RNDS4, d, XMM1, function);
	simd_rr_imm(t, S_PSHUFD, d, d, REVERSED);
	return simd_result_full(t, op, d);
}

/* A rotation of lane 0 by 30. */
bool jit_tr_sha1h(struct jit_tr *t, const struct a64_op *op)
{
	unsigned n = simd_use(t, a64_rn(op), 4), d = simd_new(t);

	simd_shift3(t, SHIFT_LEFT, XMM0, n, SIMD_S, 30);
	simd_shift3(t, SHIFT_RIGHT, d, n, SIMD_S, 2);
	simd_rr(t, S_POR, d, XMM0);
	simd_set(t, a64_rd(op), d, 4, 16);
	return true;
}

/* rd, rm, and the upper half of rd below the lower one of rn, together. */
bool jit_tr_sha1su0(struct jit_tr *t, const struct a64_op *op)
{
	unsigned old = whole(t, a64_rd(op)), n = whole(t, a64_rn(op)), m = whole(t, a64_rm(op)),
	         d = simd_new(t);

	simd_rr(t, S_MOVDQA, d, n);
	simd_rr_imm(t, S_PALIGNR, d, old, 8);
	simd_rr(t, S_PXOR, d, old);
	simd_rr(t, S_PXOR, d, m);
	return simd_result_full(t, op, d);
}

bool jit_tr_sha1su1(struct jit_tr *t, const struct a64_op *op)
{
	unsigned old = whole(t, a64_rd(op)), n = whole(t, a64_rn(op)), d = simd_new(t);

	simd_rr_imm(t, S_PSHUFD, d, old, REVERSED);
	simd_rr_imm(t, S_PSHUFD, XMM1, n, REVERSED);
	simd_rr(t, S_SHA1MSG2, d, XMM1);
	simd_rr_imm(t, S_PSHUFD, d, d, REVERSED);
	return simd_result_full(t, op, d);
}

/*
 * SHA256H and SHA256H2 (bit 12).  With x = a..d and y = e..h from lane 0 on, the host has
 * f e b a and h g d c, and makes two rounds at a time, whose result is the
 * former and whose old operand the latter of the next two.
 */
bool jit_tr_sha256_rounds(struct jit_tr *t, const struct a64_op *op)
{
	bool second = a64_bits(op->word, 12, 12);
	unsigned x = second ? a64_rn(op) : a64_rd(op), y = second ? a64_rd(op) : a64_rn(op);

	unsigned abcd = whole(t, x), efgh = whole(t, y), m = whole(t, a64_rm(op)), d = simd_new(t);

	simd_op3(t, S_SHUFPS, d, efgh, abcd);
	em_u8(&t->e, 0x11);
	simd_op3(t, S_SHUFPS, XMM1, efgh, abcd);
	em_u8(&t->e, 0xBB);
	simd_rr(t, S_MOVDQA, XMM0, m);
	simd_rr(t, S_SHA256RNDS2, XMM1, d);
	simd_rr_imm(t, S_PSHUFD, XMM0, m, 0x0E);
	simd_rr(t, S_SHA256RNDS2, d, XMM1);
	simd_rr_imm(t, S_SHUFPS, d, XMM1, second ? 0x11 : 0xBB);
	return simd_result_full(t, op, d);
}

bool jit_tr_sha256su0(struct jit_tr *t, const struct a64_op *op)
{
	unsigned old = whole(t, a64_rd(op)), n = whole(t, a64_rn(op)), d = simd_new(t);

	simd_rr(t, S_MOVDQA, d, old);
	simd_rr(t, S_SHA256MSG1, d, n);
	return simd_result_full(t, op, d);
}

bool jit_tr_sha256su1(struct jit_tr *t, const struct a64_op *op)
{
	unsigned old = whole(t, a64_rd(op)), n = whole(t, a64_rn(op)), m = whole(t, a64_rm(op)),
	         d = simd_new(t);

	simd_rr(t, S_MOVDQA, d, m);
	simd_rr_imm(t, S_PALIGNR, d, n, 4);
	simd_rr(t, simd_op_add[SIMD_S], d, old);
	simd_rr(t, S_SHA256MSG2, d, m);
	return simd_result_full(t, op, d);
}

/* --- CRC-32 --- */

/* CRC32CB to CRC32CX: the host's instruction. */
bool jit_tr_crc32c(struct jit_tr *t, const struct a64_op *op)
{
	unsigned log2 = a64_bits(op->word, 11, 10);
	static const enum x64_width widths[] = {X8, X32, X32, X64};

	jit_op(t, X_LOAD, X32, RAX, a64_rn(op));
	jit_op(t, X_LOAD, X64, RCX, a64_rm(op));
	if (log2 == 1)
		em_u8(&t->e, 0x66);
	em_rr(&t->e, log2 ? 0xF238F1 : 0xF238F0, widths[log2], RAX, RCX);
	jit_put(t, a64_rd(op), RAX);
	return true;
}

/*
 * CRC32B to CRC32X: Barrett's reduction of V x^32 modulo P = 0x104C11DB7, for V of up to 64
 * bits: the quotient is V times floor(x^96 / P), its upper half, and the rest the lower half of
 * that times P.  As bits are reflected here, halves change places, and both constants have moved
 * by the one bit by which a product of reflected numbers is short.
 */
bool jit_tr_crc32(struct jit_tr *t, const struct a64_op *op)
{
	unsigned bits = 8u << a64_bits(op->word, 11, 10);
	struct emit *e = &t->e;

	jit_clobber_flags(t);
	jit_op(t, X_LOAD, X32, RCX, a64_rn(op));
	em_rr(e, X_LOAD, X64, RAX, RCX);
	jit_op(t, X_XOR, X64, RAX, a64_rm(op));
	if (bits < 64)
		em_shift_ri(e, SH_SHL, X64, RAX, 64 - bits);
	em_rr(e, S_MOVD, X64, XMM0, RAX);
	simd_const2(t, XMM1, 0xB4E5B025F7011641u, 0x1DB710641u);
	simd_rr_imm(t, S_PCLMULQDQ, XMM0, XMM1, 0x00);
	simd_rr_imm(t, S_PCLMULQDQ, XMM0, XMM1, 0x10);
	em_rr(e, S_PEXTRD, X32, XMM0, RAX);
	em_u8(e, 2);
	if (bits < 32) { /* what was not yet divided */
		em_shift_ri(e, SH_SHR, X32, RCX, bits);
		em_rr(e, X_XOR, X32, RAX, RCX);
	}
	jit_put(t, a64_rd(op), RAX);
	return true;
}
