/*
 * tr_fp_cvt.c: floating-point conversions: between formats, from and to integers and fixed
 * point, scalar and vector (Arm ARM C4.1, "Conversion between floating-point and integer" and
 * "... fixed-point", FCVT, "Advanced SIMD two-register miscellaneous").
 *
 * A number that does not fit an integer is the host's least integer, which is the slow path.
 * Roundings other than truncation are made first, quietly; that they were inexact is noted when
 * the result is known to fit, by rounding once more.
 */
#include "vcpu/soft/jit/tr_fp.h"

#include "vcpu/a64/softfp.h"

/* --- between formats --- */

bool jit_tr_fcvt_d_s(struct jit_tr *t, const struct a64_op *op)
{
	struct fp_form to = {.is64 = true, .lanes = FP_SCALAR};
	unsigned n = simd_use(t, a64_rn(op), 4), d = simd_new(t);

	jit_clobber_flags(t);
	simd_op3(t, 0xF30000 | F_CVT_FLOAT, d, n, n);
	fp_slow_if_nan(t, to, d);
	fp_set(t, to, a64_rd(op), d, simd_zero_from(t, a64_rn(op)));
	jit_slow_end(t);
	return true;
}

bool jit_tr_fcvt_s_d(struct jit_tr *t, const struct a64_op *op)
{
	struct fp_form to = {.lanes = FP_SCALAR};
	unsigned n = simd_use(t, a64_rn(op), 8), d = simd_new(t);

	jit_clobber_flags(t);
	simd_op3(t, 0xF20000 | F_CVT_FLOAT, d, n, n);
	fp_slow_if_odd(t, to, d);
	fp_set(t, to, a64_rd(op), d, 16);
	jit_slow_end(t);
	return true;
}

static bool widen_singles(struct jit_tr *t, const struct a64_op *op)
{
	struct fp_form to = {.is64 = true, .lanes = FP_FULL};
	unsigned n = simd_use(t, a64_rn(op), simd_q(op) ? 16 : 8), d = simd_new(t);

	jit_clobber_flags(t);
	if (simd_q(op)) {
		simd_rr_imm(t, S_PSHUFD, XMM1, n, 0xEE);
		n = XMM1;
	}
	simd_rr(t, F_CVT_FLOAT, d, n);
	fp_slow_if_nan(t, to, d);
	fp_set(t, to, a64_rd(op), d, 16);
	jit_slow_end(t);
	return true;
}

static bool narrow_doubles(struct jit_tr *t, const struct a64_op *op)
{
	struct fp_form to = {.lanes = FP_HALF};
	unsigned n = simd_use(t, a64_rn(op), 16), d = simd_new(t);

	jit_clobber_flags(t);
	if (!simd_q(op)) {
		simd_rr(t, 0x660000 | F_CVT_FLOAT, d, n);
		fp_slow_if_odd(t, to, d);
		simd_set(t, a64_rd(op), d, 16, 8);
	} else {
		simd_rr(t, 0x660000 | F_CVT_FLOAT, XMM2, n);
		fp_slow_if_odd(t, to, XMM2);
		simd_op3(t, S_PUNPCKLQDQ, d, simd_use(t, a64_rd(op), 8), XMM2);
		simd_set(t, a64_rd(op), d, 16, 16);
	}
	jit_slow_end(t);
	return true;
}

/* --- half precision --- */

static void need_ieee_halves(struct jit_tr *t)
{
	jit_clobber_flags(t);
	em_rm(&t->e, 0xF7, X32, 0, RBP, JIT_AT(cpu.regs.fpcr)); /* test */
	em_u32(&t->e, FPCR_AHP);
	jit_slow_if(t, CC_NE);
}

enum { VCVTPH2PS = 0x663813, VCVTPS2PH = 0x663A1D };

/* From half to single, and to double (bit 15 of the word is clear, bit 16 set). */
static bool from_half(struct jit_tr *t, const struct a64_op *op, bool is64)
{
	struct fp_form single = {.lanes = FP_SCALAR}, to = {.is64 = is64, .lanes = FP_SCALAR};
	unsigned n = simd_use(t, a64_rn(op), 4), d = simd_new(t);

	need_ieee_halves(t);
	simd_rr_imm(t, S_PEXTRW, RCX, n, 0); /* alone: others' exceptions are no affair of ours */
	em_rr(&t->e, S_MOVD, X32, d, RCX);
	em_vrr(&t->e, VCVTPH2PS, X32, d, 0, d);
	fp_slow_if_nan(t, single, d);
	if (is64)
		simd_op3(t, 0xF30000 | F_CVT_FLOAT, d, d, d);
	fp_set(t, to, a64_rd(op), d, 8);
	jit_slow_end(t);
	return true;
}

bool jit_tr_fcvt_s_h(struct jit_tr *t, const struct a64_op *op)
{
	return from_half(t, op, false);
}

bool jit_tr_fcvt_d_h(struct jit_tr *t, const struct a64_op *op)
{
	return from_half(t, op, true);
}

/* NaNs and the least normal number among the halves in x: slow.  Uses xmm1, xmm2. */
static void slow_if_odd_half(struct jit_tr *t, unsigned x)
{
	fp_op3_const(t, S_PAND, XMM1, x, 0x7FFF7FFF7FFF7FFFu);
	fp_op3_const(t, S_PCMPEQB + 1, XMM2, XMM1, 0x0400040004000400u);
	fp_op3_const(t, 0x660F65 /* pcmpgtw */, XMM1, XMM1, 0x7C007C007C007C00u);
	simd_rr(t, S_POR, XMM1, XMM2);
	simd_rr(t, 0x660FD7, RAX, XMM1); /* pmovmskb */
	em_rr(&t->e, X_TEST, X32, RAX, RAX);
	jit_slow_if(t, CC_NE);
}

bool jit_tr_fcvt_h_s(struct jit_tr *t, const struct a64_op *op)
{
	unsigned n = simd_use(t, a64_rn(op), 4), d = simd_new(t);

	need_ieee_halves(t);
	simd_rr_imm(t, S_INSERTPS, d, n, 0x0E);
	em_vrr(&t->e, VCVTPS2PH, X32, d, 0, d);
	em_u8(&t->e, 4); /* MXCSR's rounding */
	slow_if_odd_half(t, d);
	simd_set(t, a64_rd(op), d, 16, 4);
	jit_slow_end(t);
	return true;
}

/* FCVTL, FCVTL2 (bit 30): the lower or upper half in twice the width; bit 22: to double. */
bool jit_tr_fcvtl(struct jit_tr *t, const struct a64_op *op)
{
	struct fp_form to = {.lanes = FP_FULL};
	unsigned n, d;

	if (simd_sz(op))
		return widen_singles(t, op);
	if (!jit_host()->f16c)
		return false;
	n = simd_use(t, a64_rn(op), simd_q(op) ? 16 : 8);
	d = simd_new(t);
	need_ieee_halves(t);
	if (simd_q(op)) {
		simd_rr_imm(t, S_PSHUFD, XMM1, n, 0xEE);
		n = XMM1;
	}
	em_vrr(&t->e, VCVTPH2PS, X32, d, 0, n);
	fp_slow_if_nan(t, to, d);
	fp_set(t, to, a64_rd(op), d, 16);
	jit_slow_end(t);
	return true;
}

/* FCVTN, FCVTN2 (bit 30): into the lower half of rd, or above what is there. */
bool jit_tr_fcvtn(struct jit_tr *t, const struct a64_op *op)
{
	unsigned n, d, old;

	if (simd_sz(op))
		return narrow_doubles(t, op);
	if (!jit_host()->f16c)
		return false;
	n = simd_use(t, a64_rn(op), 16);
	old = simd_q(op) ? simd_use(t, a64_rd(op), 8) : 0;
	d = simd_new(t);
	need_ieee_halves(t);
	em_vrr(&t->e, VCVTPS2PH, X32, n, 0, XMM0);
	em_u8(&t->e, 4);
	slow_if_odd_half(t, XMM0);
	if (simd_q(op))
		simd_op3(t, S_PUNPCKLQDQ, d, old, XMM0);
	else
		simd_rr(t, S_MOVDQA, d, XMM0);
	simd_set(t, a64_rd(op), d, 16, simd_q(op) ? 16 : 8);
	jit_slow_end(t);
	return true;
}

/* --- from integers --- */

/* d = the number in a general register, of 64 bits if unsigned; d is 0.  Uses rcx, rdx. */
static void from_host(struct jit_tr *t, struct fp_form f, unsigned d, unsigned n, enum x64_width w,
                      bool is_unsigned)
{
	struct emit *e = &t->e;
	unsigned convert = fp_opcode(f, F_CVT_FROM);
	uint8_t *large = NULL, *end;

	if (is_unsigned) {
		em_rr(e, X_TEST, X64, n, n);
		large = em_jcc_later(e, CC_S);
	}
	em_rr(e, convert, w, d, n);
	if (!is_unsigned)
		return;
	/* Half of it, the bit that falls off kept for the rounding, twice. */
	end = em_jmp_later(e);
	em_here(e, large);
	em_rr(e, X_LOAD, X64, RDX, n);
	em_rr(e, X_LOAD, X64, RCX, n);
	em_shift_ri(e, SH_SHR, X64, RDX, 1);
	em_alu_ri(e, ALU_AND, X32, RCX, 1);
	em_rr(e, X_OR, X64, RDX, RCX);
	em_rr(e, convert, X64, d, RDX);
	simd_rr(t, fp_opcode(f, F_ADD), d, d);
	em_here(e, end);
}

/* d *= 2^-fbits: exact, for an integer that is not 0 is large enough. */
static void scale_down(struct jit_tr *t, struct fp_form f, unsigned d, unsigned fbits)
{
	if (!fbits)
		return;
	simd_const(t, XMM0, fp_pow2(f, -(int)fbits));
	fp_op3(t, f, F_MUL, d, d, XMM0);
}

static bool from_general(struct jit_tr *t, const struct a64_op *op, unsigned fbits)
{
	bool is_unsigned = a64_bits(op->word, 16, 16);
	struct fp_form f = fp_form(op);
	enum x64_width w = jit_width(op);
	unsigned n, d = simd_new(t);

	jit_clobber_flags(t);
	simd_rr(t, S_PXOR, d, d);
	if (w == X32 && is_unsigned) {
		jit_op(t, X_LOAD, X32, RCX, a64_rn(op));
		from_host(t, f, d, RCX, X64, false);
	} else {
		n = jit_src(t, a64_rn(op), RAX);
		from_host(t, f, d, n, w, is_unsigned);
	}
	scale_down(t, f, d, fbits);
	fp_set(t, f, a64_rd(op), d, fp_bytes(f));
	return true;
}

/* SCVTF and UCVTF (bit 16) from a general register. */
bool jit_tr_cvtf(struct jit_tr *t, const struct a64_op *op)
{
	return from_general(t, op, 0);
}

bool jit_tr_cvtf_fix(struct jit_tr *t, const struct a64_op *op)
{
	return from_general(t, op, 64 - a64_bits(op->word, 15, 10));
}

/* d = the lanes of n as integers of 32 bits.  Unsigned ones: the upper halves of the lanes
 * times 2^16, and the lower ones, both exact, summed.  Uses xmm0. */
static void from_words(struct jit_tr *t, unsigned d, unsigned n, bool is_unsigned)
{
	struct fp_form f = {.lanes = FP_FULL};
	const unsigned convert = 0x0F5B; /* cvtdq2ps */

	if (!is_unsigned) {
		simd_rr(t, convert, d, n);
		return;
	}
	simd_rr(t, S_MOVDQA, d, n);
	simd_shift(t, SHIFT_RIGHT, d, SIMD_S, 16);
	fp_op3_const(t, S_PAND, XMM0, n, 0x0000FFFF0000FFFFu);
	simd_rr(t, convert, d, d);
	simd_rr(t, convert, XMM0, XMM0);
	fp_op3_const(t, F_MUL, d, d, fp_pow2(f, 16));
	simd_rr(t, F_ADD, d, XMM0);
}

/* SCVTF and UCVTF (bit 29) of vectors and lanes. */
static bool from_lanes(struct jit_tr *t, const struct a64_op *op, struct fp_form f, unsigned fbits)
{
	bool is_unsigned = a64_bits(op->word, 29, 29);
	unsigned n, d = simd_new(t);

	if (f.is64 && f.lanes == FP_HALF)
		return false;
	jit_clobber_flags(t);
	if (f.lanes != FP_SCALAR && !f.is64) {
		n = fp_use(t, f, a64_rn(op));
		from_words(t, d, n, is_unsigned);
		if (fbits)
			fp_op3_const(t, F_MUL, d, d, fp_pow2(f, -(int)fbits));
		fp_set(t, f, a64_rd(op), d, 16);
		return true;
	}
	struct fp_form lane = {.is64 = f.is64, .lanes = FP_SCALAR};
	enum x64_width w = f.is64 || is_unsigned ? X64 : X32;

	n = simd_use(t, a64_rn(op), f.lanes == FP_FULL ? 16 : fp_bytes(f));
	simd_rr(t, S_PXOR, d, d);
	em_rr(&t->e, S_MOVD_ST, f.is64 ? X64 : X32, n, RAX);
	from_host(t, lane, d, RAX, w, is_unsigned && f.is64);
	scale_down(t, lane, d, fbits);
	if (f.lanes == FP_FULL) {
		simd_rr(t, S_PXOR, XMM1, XMM1);
		em_rr(&t->e, S_PEXTRD, X64, n, RAX);
		em_u8(&t->e, 1);
		from_host(t, lane, XMM1, RAX, X64, is_unsigned);
		scale_down(t, lane, XMM1, fbits);
		simd_rr(t, S_PUNPCKLQDQ, d, XMM1);
	}
	fp_set(t, f, a64_rd(op), d, fp_bytes(f));
	return true;
}

bool jit_tr_cvtf_v(struct jit_tr *t, const struct a64_op *op)
{
	return from_lanes(t, op, fp_form(op), 0);
}

/* Fixed point of vectors: bits 22..16 are twice the width less the fraction bits. */
bool jit_tr_cvtf_fix_v(struct jit_tr *t, const struct a64_op *op)
{
	struct fp_form f = fp_form(op);
	unsigned immhb = a64_bits(op->word, 22, 16);

	f.is64 = immhb >= 64;
	return from_lanes(t, op, f, (f.is64 ? 128 : 64) - immhb);
}

/* --- to integers --- */

/* How a conversion rounds: ROUNDPS' operand, or away from zero. */
#define AWAY 0x10u

/* A number of 64 or 32 bits, of which so many are fraction. */
struct integer {
	enum x64_width w;
	bool is_unsigned;
	unsigned fbits, how;
};

static unsigned bits_of(const struct integer *to)
{
	return to->w == X64 ? 64 : 32;
}

/* x = n times 2^fbits, if that is small enough to be exact. */
static unsigned scale_up(struct jit_tr *t, struct fp_form f, unsigned n, const struct integer *to)
{
	if (!to->fbits)
		return n;
	fp_slow_if_large(t, f, n, (int)(bits_of(to) - to->fbits));
	simd_const(t, XMM3, fp_pow2(f, (int)to->fbits));
	fp_op3(t, f, F_MUL, XMM3, XMM3, n);
	return XMM3;
}

/* xmm4 = n rounded, unless truncation will do. */
static unsigned round_first(struct jit_tr *t, struct fp_form f, unsigned n, unsigned how)
{
	if (how == FP_TRUNC)
		return n;
	if (how == AWAY) {
		fp_slow_if_large(t, f, n, f.is64 ? 1024 : 128);
		fp_round_away(t, f, XMM4, n);
	} else {
		fp_round(t, f, XMM4, n, how | FP_QUIET);
	}
	return XMM4;
}

/* Notes that n was not integral. */
static void note_inexact(struct jit_tr *t, struct fp_form f, unsigned n, unsigned how)
{
	if (how != FP_TRUNC)
		fp_round(t, f, XMM0, n, FP_TRUNC);
}

/* host = x, integral or to be truncated, if that is in range.  Uses xmm1. */
static void to_host(struct jit_tr *t, struct fp_form f, unsigned host, unsigned x,
                    const struct integer *to)
{
	unsigned convert = fp_opcode(f, F_CVT_TRUNC), ucomi = fp_packed(f, F_UCOMI);
	struct emit *e = &t->e;

	if (!to->is_unsigned) {
		em_rr(e, convert, to->w, host, x);
		em_alu_ri(e, ALU_CMP, to->w, host, 1);
		jit_slow_if(t, CC_O);
		return;
	}
	/* What is converted below -1 or beyond the range would be noted as inexact. */
	simd_const(t, XMM1, fp_pow2(f, to->w == X64 ? 63 : 32));
	simd_rr(t, ucomi, x, XMM1);
	jit_slow_if(t, CC_AE);
	simd_const(t, XMM1, fp_pow2(f, 0) | fp_sign_mask(f));
	simd_rr(t, ucomi, x, XMM1);
	jit_slow_if(t, CC_BE);
	em_rr(e, convert, X64, host, x);
}

static bool to_general(struct jit_tr *t, const struct a64_op *op, struct integer to)
{
	struct fp_form f = fp_form(op);
	unsigned n = simd_use(t, a64_rn(op), fp_bytes(f)), x;

	jit_clobber_flags(t);
	n = scale_up(t, f, n, &to);
	x = round_first(t, f, n, to.how);
	to_host(t, f, RAX, x, &to);
	note_inexact(t, f, n, to.how);
	if (to.w == X32 && to.is_unsigned)
		em_rr(&t->e, X_LOAD, X32, RAX, RAX);
	jit_put(t, a64_rd(op), RAX);
	jit_slow_end(t);
	return true;
}

/* The vector forms that go lane by lane: doubles, and scalars. */
static bool to_lanes_one_by_one(struct jit_tr *t, const struct a64_op *op, struct fp_form f,
                                struct integer to)
{
	struct fp_form lane = {.is64 = f.is64, .lanes = FP_SCALAR};
	unsigned n = fp_use(t, f, a64_rn(op)), d = simd_new(t), x;

	n = scale_up(t, f, n, &to);
	x = round_first(t, f, n, to.how);
	to_host(t, lane, RCX, x, &to);
	if (f.lanes == FP_FULL) {
		simd_rr_imm(t, S_PSHUFD, XMM2, x, 0xEE);
		to_host(t, lane, RDX, XMM2, &to);
		em_rr(&t->e, S_MOVD, X64, XMM2, RDX);
	}
	note_inexact(t, f, n, to.how);
	em_rr(&t->e, S_MOVD, to.w, d, RCX);
	if (f.lanes == FP_FULL)
		simd_rr(t, S_PUNPCKLQDQ, d, XMM2);
	fp_set(t, f, a64_rd(op), d, fp_bytes(f));
	jit_slow_end(t);
	return true;
}

/* All lanes of 32 bits.  Unsigned: as signed ones, if all are below 2^31. */
static bool to_words(struct jit_tr *t, const struct a64_op *op, struct fp_form f, struct integer to)
{
	unsigned n = fp_use(t, f, a64_rn(op)), d = simd_new(t), x;

	n = scale_up(t, f, n, &to);
	x = round_first(t, f, n, to.how);
	if (to.is_unsigned) {
		simd_const(t, XMM1, fp_pow2(f, 31));
		fp_compare(t, f, FP_NLT, XMM0, x, XMM1);
		simd_const(t, XMM1, fp_pow2(f, 0) | fp_sign_mask(f));
		fp_compare(t, f, FP_LE, XMM2, x, XMM1);
		simd_rr(t, S_POR, XMM0, XMM2);
		fp_slow_if_any(t, f, XMM0);
	}
	simd_rr(t, 0xF30F5B /* cvttps2dq */, d, x);
	if (!to.is_unsigned) {
		fp_op3_const(t, S_PCMPEQD, XMM0, d, 0x8000000080000000u);
		fp_slow_if_any(t, f, XMM0);
	}
	note_inexact(t, f, n, to.how);
	fp_set(t, f, a64_rd(op), d, 16);
	jit_slow_end(t);
	return true;
}

static bool to_lanes(struct jit_tr *t, const struct a64_op *op, struct fp_form f, unsigned fbits,
                     unsigned how)
{
	struct integer to = {f.is64 ? X64 : X32, a64_bits(op->word, 29, 29), fbits, how};

	if (f.is64 && f.lanes == FP_HALF)
		return false;
	jit_clobber_flags(t);
	if (f.is64 || f.lanes == FP_SCALAR)
		return to_lanes_one_by_one(t, op, f, to);
	return to_words(t, op, f, to);
}

/* Bit 16 of the scalar forms, bit 29 of the vector forms: unsigned. */
#define TO_INTEGER(name, how)                                                                   \
	bool jit_tr_##name(struct jit_tr *t, const struct a64_op *op)                           \
	{                                                                                       \
		bool is_unsigned = a64_bits(op->word, 16, 16);                                  \
                                                                                                \
		return to_general(t, op, (struct integer){jit_width(op), is_unsigned, 0, how}); \
	}                                                                                       \
	bool jit_tr_##name##_v(struct jit_tr *t, const struct a64_op *op)                       \
	{                                                                                       \
		return to_lanes(t, op, fp_form(op), 0, how);                                    \
	}
TO_INTEGER(fcvtn_int, 0)
TO_INTEGER(fcvtm_int, 1)
TO_INTEGER(fcvtp_int, 2)
TO_INTEGER(fcvtz_int, FP_TRUNC)
TO_INTEGER(fcvta_int, AWAY)

bool jit_tr_fcvtz_fix(struct jit_tr *t, const struct a64_op *op)
{
	struct integer to = {jit_width(op), a64_bits(op->word, 16, 16),
	                     64 - a64_bits(op->word, 15, 10), FP_TRUNC};

	return to_general(t, op, to);
}

bool jit_tr_fcvtz_fix_v(struct jit_tr *t, const struct a64_op *op)
{
	struct fp_form f = fp_form(op);
	unsigned immhb = a64_bits(op->word, 22, 16);

	f.is64 = immhb >= 64;
	return to_lanes(t, op, f, (f.is64 ? 128 : 64) - immhb, FP_TRUNC);
}

/* FJCVTZS of what fits; Z tells whether it was exact, and not -0. */
bool jit_tr_fjcvtzs(struct jit_tr *t, const struct a64_op *op)
{
	struct fp_form f = {.is64 = true, .lanes = FP_SCALAR};
	unsigned n = simd_use(t, a64_rn(op), 8);
	struct emit *e = &t->e;

	t->flags = JIT_FLAGS_MEM; /* the old ones are dead */
	em_rr(e, fp_opcode(f, F_CVT_TRUNC), X32, RAX, n);
	em_alu_ri(e, ALU_CMP, X32, RAX, 1);
	jit_slow_if(t, CC_O);
	simd_rr(t, S_PXOR, XMM0, XMM0);
	em_rr(e, fp_opcode(f, F_CVT_FROM), X32, XMM0, RAX);
	em_rr(e, S_MOVD_ST, X64, XMM0, RCX);
	em_rr(e, S_MOVD_ST, X64, n, RDX);
	jit_put(t, a64_rd(op), RAX);
	em_rr(e, X_CMP, X64, RCX, RDX);
	em_rr(e, X_SETCC + CC_E, X8, 0, RAX);
	em_rr(e, X_MOVZX8, X32, RAX, RAX);
	em_shift_ri(e, SH_SHL, X32, RAX, 14); /* ZF's place in what lahf gives */
	em_rm(e, X_STORE16, X32, RAX, RBP, JIT_AT(hflags));
	jit_slow_end(t);
	return true;
}
