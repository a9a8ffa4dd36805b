/*
 * tr_fp.c: floating-point arithmetic, scalar and vector: sums, products, quotients, roots,
 * fused multiply-add, minimum and maximum, rounding to integral values (Arm ARM C4.1,
 * "Floating-point data-processing", "Advanced SIMD three same", "... two-register
 * miscellaneous"); and what all rules for floating point share (tr_fp.h).
 */
#include "vcpu/soft/jit/tr_fp.h"

/* --- shared --- */

unsigned fp_use(struct jit_tr *t, struct fp_form f, unsigned r)
{
	unsigned d;

	if (f.lanes == FP_SCALAR)
		return simd_use(t, r, fp_bytes(f));
	if (f.lanes == FP_FULL)
		return simd_use(t, r, 16);
	d = simd_new(t);
	simd_rr(t, F_MOVDDUP, d, simd_use(t, r, 8));
	return d;
}

void fp_set(struct jit_tr *t, struct fp_form f, unsigned r, unsigned x, unsigned zero)
{
	unsigned bytes = f.lanes == FP_HALF ? 8 : fp_bytes(f);

	if (f.lanes == FP_FULL)
		simd_set(t, r, x, 16, 16);
	else if (f.lanes == FP_SCALAR && zero <= bytes)
		simd_set(t, r, x, 16, bytes);
	else
		simd_set(t, r, x, bytes, 16);
}

void fp_op3(struct jit_tr *t, struct fp_form f, unsigned op, unsigned d, unsigned n, unsigned m)
{
	simd_op3(t, fp_opcode(f, op), d, n, m);
}

void fp_op3_const(struct jit_tr *t, unsigned op, unsigned d, unsigned n, uint64_t v)
{
	uint64_t at = jit_const(t->jit, v, v);

	if (!at) {
		simd_const(t, XMM5, v);
		simd_op3(t, op, d, n, XMM5);
	} else if (jit_host()->avx) {
		em_vrip(&t->e, op, X32, d, n, at);
	} else {
		if (d != n)
			simd_rr(t, S_MOVDQA, d, n);
		em_rip(&t->e, op, X32, d, at);
	}
}

void fp_compare(struct jit_tr *t, struct fp_form f, enum fp_predicate p, unsigned d, unsigned n,
                unsigned m)
{
	fp_op3(t, f, F_CMP, d, n, m);
	em_u8(&t->e, p);
}

void fp_slow_if_any(struct jit_tr *t, struct fp_form f, unsigned x)
{
	simd_rr(t, fp_packed(f, F_MOVMSK), RAX, x);
	if (f.lanes == FP_SCALAR)
		em_test_ri(&t->e, X32, RAX, 1);
	else
		em_rr(&t->e, X_TEST, X32, RAX, RAX);
	jit_slow_if(t, CC_NE);
}

void fp_slow_if_unordered(struct jit_tr *t, struct fp_form f, unsigned n, unsigned m)
{
	if (f.lanes == FP_SCALAR) {
		simd_rr(t, fp_packed(f, F_UCOMI), n, m);
		jit_slow_if(t, CC_P);
		return;
	}
	fp_compare(t, f, FP_UNORD, XMM0, n, m);
	fp_slow_if_any(t, f, XMM0);
}

void fp_slow_if_nan(struct jit_tr *t, struct fp_form f, unsigned x)
{
	fp_slow_if_unordered(t, f, x, x);
}

void fp_slow_if_odd(struct jit_tr *t, struct fp_form f, unsigned x)
{
	uint64_t least = fp_lanes_of(f, 1ULL << 52, 1U << 23), at = jit_const(t->jit, least, least);

	fp_op3_const(t, S_PAND, XMM0, x, fp_abs_mask(f));
	if (f.lanes == FP_SCALAR) {
		if (at) {
			em_rip(&t->e, fp_packed(f, F_UCOMI), X32, XMM0, at);
		} else {
			simd_const(t, XMM1, least);
			simd_rr(t, fp_packed(f, F_UCOMI), XMM0, XMM1);
		}
		jit_slow_if(t, CC_E); /* equal or unordered */
		return;
	}
	if (jit_host()->avx) {
		simd_const(t, XMM1, least);
		fp_compare(t, f, FP_EQ_OR_UNORD, XMM0, XMM0, XMM1);
	} else {
		fp_op3_const(t, f.is64 ? 0x663829 /* pcmpeqq */ : S_PCMPEQD, XMM0, XMM0, least);
		fp_compare(t, f, FP_UNORD, XMM1, x, x);
		simd_rr(t, S_POR, XMM0, XMM1);
	}
	fp_slow_if_any(t, f, XMM0);
}

/* As integers, so that nothing is noted. */
void fp_slow_if_large(struct jit_tr *t, struct fp_form f, unsigned x, int exp)
{
	fp_op3_const(t, S_PAND, XMM0, x, fp_abs_mask(f));
	fp_op3_const(t, f.is64 ? S_PCMPGTQ : 0x660F66 /* pcmpgtd */, XMM0, XMM0,
	             fp_pow2(f, exp) - fp_lanes_of(f, 1, 1));
	fp_slow_if_any(t, f, XMM0);
}

void fp_round(struct jit_tr *t, struct fp_form f, unsigned d, unsigned n, unsigned how)
{
	if (f.lanes == FP_SCALAR)
		simd_op3(t, f.is64 ? 0x663A0B : 0x663A0A, d, n, n);
	else
		simd_rr(t, f.is64 ? 0x663A09 : 0x663A08, d, n);
	em_u8(&t->e, how);
}

/* What truncation leaves is exact, and so is adding one with the operand's sign to it, for
 * numbers with a fraction are small. */
void fp_round_away(struct jit_tr *t, struct fp_form f, unsigned d, unsigned n)
{
	simd_const(t, XMM2, fp_pow2(f, -1));
	fp_round(t, f, XMM0, n, FP_TRUNC | FP_QUIET);
	fp_op3(t, f, F_SUB, XMM1, n, XMM0);
	fp_op3_const(t, S_PAND, XMM1, XMM1, fp_abs_mask(f));
	fp_compare(t, f, FP_LE, XMM2, XMM2, XMM1);
	fp_op3_const(t, S_PAND, XMM2, XMM2, fp_pow2(f, 0));
	fp_op3_const(t, S_PAND, XMM1, n, fp_sign_mask(f));
	simd_rr(t, S_POR, XMM1, XMM2);
	fp_op3(t, f, F_ADD, d, XMM0, XMM1);
}

/* --- sums, products, quotients, roots --- */

/* Is the form one that exists? */
static bool exists(struct fp_form f)
{
	return !(f.is64 && f.lanes == FP_HALF);
}

/* What is above a scalar in the result is what is above the first operand. */
static unsigned zero_above(struct jit_tr *t, struct fp_form f, unsigned r)
{
	return f.lanes == FP_SCALAR ? simd_zero_from(t, r) : 16;
}

static bool two(struct jit_tr *t, const struct a64_op *op, unsigned opcode, bool exact_if_tiny)
{
	struct fp_form f = fp_form(op);
	unsigned n, m, d;

	if (!exists(f))
		return false;
	jit_clobber_flags(t);
	n = fp_use(t, f, a64_rn(op));
	m = fp_use(t, f, a64_rm(op));
	d = simd_new(t);
	fp_op3(t, f, opcode, d, n, m);
	if (exact_if_tiny)
		fp_slow_if_nan(t, f, d);
	else
		fp_slow_if_odd(t, f, d);
	fp_set(t, f, a64_rd(op), d, zero_above(t, f, a64_rn(op)));
	jit_slow_end(t);
	return true;
}

bool jit_tr_fadd(struct jit_tr *t, const struct a64_op *op)
{
	return two(t, op, F_ADD, true);
}

bool jit_tr_fsub(struct jit_tr *t, const struct a64_op *op)
{
	return two(t, op, F_SUB, true);
}

bool jit_tr_fmul(struct jit_tr *t, const struct a64_op *op)
{
	return two(t, op, F_MUL, false);
}

bool jit_tr_fdiv(struct jit_tr *t, const struct a64_op *op)
{
	return two(t, op, F_DIV, false);
}

/* FNMUL, and FABD: the sign is changed, or cleared, at the end. */
static bool two_and_sign(struct jit_tr *t, const struct a64_op *op, unsigned opcode,
                         unsigned sign_op)
{
	struct fp_form f = fp_form(op);
	unsigned n, m, d;

	if (!exists(f))
		return false;
	jit_clobber_flags(t);
	n = fp_use(t, f, a64_rn(op));
	m = fp_use(t, f, a64_rm(op));
	d = simd_new(t);
	fp_op3(t, f, opcode, d, n, m);
	fp_slow_if_odd(t, f, d);
	fp_op3_const(t, sign_op, d, d, sign_op == S_PAND ? fp_abs_mask(f) : fp_sign_mask(f));
	fp_set(t, f, a64_rd(op), d, 16);
	jit_slow_end(t);
	return true;
}

bool jit_tr_fnmul(struct jit_tr *t, const struct a64_op *op)
{
	return two_and_sign(t, op, F_MUL, S_PXOR);
}

bool jit_tr_fabd(struct jit_tr *t, const struct a64_op *op)
{
	return two_and_sign(t, op, F_SUB, S_PAND);
}

bool jit_tr_fsqrt(struct jit_tr *t, const struct a64_op *op)
{
	struct fp_form f = fp_form(op);
	unsigned n, d;

	if (!exists(f))
		return false;
	jit_clobber_flags(t);
	n = fp_use(t, f, a64_rn(op));
	d = simd_new(t);
	if (f.lanes == FP_SCALAR)
		fp_op3(t, f, F_SQRT, d, n, n);
	else
		simd_rr(t, fp_opcode(f, F_SQRT), d, n);
	fp_slow_if_nan(t, f, d);
	fp_set(t, f, a64_rd(op), d, zero_above(t, f, a64_rn(op)));
	jit_slow_end(t);
	return true;
}

/* FNEG and FABS of vectors. */
static bool change_sign(struct jit_tr *t, const struct a64_op *op, unsigned opcode, uint64_t mask)
{
	unsigned n = simd_use(t, a64_rn(op), simd_q(op) ? 16 : 8), d = simd_new(t);

	fp_op3_const(t, opcode, d, n, mask);
	simd_set(t, a64_rd(op), d, simd_q(op) ? 16 : 8, 16);
	return true;
}

bool jit_tr_fneg_v(struct jit_tr *t, const struct a64_op *op)
{
	return change_sign(t, op, S_PXOR, fp_sign_mask(fp_form(op)));
}

bool jit_tr_fabs_v(struct jit_tr *t, const struct a64_op *op)
{
	return change_sign(t, op, S_PAND, fp_abs_mask(fp_form(op)));
}

/* --- multiply-add --- */

/* d = +-a +- n * m, d holding a; by the 231 forms: opcode is that of the packed one. */
static void muladd(struct jit_tr *t, struct fp_form f, unsigned opcode, unsigned d, unsigned n,
                   unsigned m)
{
	em_vrr(&t->e, 0x663800 | (opcode + (f.lanes == FP_SCALAR)), f.is64 ? X64 : X32, d, n, m);
}

enum { FMADD231 = 0xB8, FMSUB231 = 0xBA, FNMADD231 = 0xBC, FNMSUB231 = 0xBE };

static bool fused(struct jit_tr *t, const struct a64_op *op, unsigned opcode, unsigned a,
                  unsigned n, unsigned m)
{
	struct fp_form f = fp_form(op);
	unsigned sum = fp_use(t, f, a), d = simd_new(t);

	simd_rr(t, S_MOVDQA, d, sum);
	muladd(t, f, opcode, d, n, m);
	fp_slow_if_odd(t, f, d);
	fp_set(t, f, a64_rd(op), d, zero_above(t, f, a));
	jit_slow_end(t);
	return true;
}

/* FMADD, FMSUB, FNMADD, FNMSUB. */
bool jit_tr_fmadd(struct jit_tr *t, const struct a64_op *op)
{
	/* By bits 21 and 15: a+nm, a-nm, -a-nm, -a+nm. */
	static const uint8_t opcodes[] = {FMADD231, FNMADD231, FNMSUB231, FMSUB231};
	unsigned kind = a64_bits(op->word, 21, 21) * 2 + a64_bits(op->word, 15, 15);
	struct fp_form f = fp_form(op);
	unsigned n, m;

	jit_clobber_flags(t);
	n = fp_use(t, f, a64_rn(op));
	m = fp_use(t, f, a64_rm(op));
	return fused(t, op, opcodes[kind], a64_ra(op), n, m);
}

/* FMLA, FMLS (bit 23). */
bool jit_tr_fmla_v(struct jit_tr *t, const struct a64_op *op)
{
	struct fp_form f = fp_form(op);
	unsigned n, m;

	if (!exists(f))
		return false;
	jit_clobber_flags(t);
	n = fp_use(t, f, a64_rn(op));
	m = fp_use(t, f, a64_rm(op));
	return fused(t, op, a64_bits(op->word, 23, 23) ? FNMADD231 : FMADD231, a64_rd(op), n, m);
}

/* The element by which a vector, or a scalar, is multiplied, in all lanes that count. */
static unsigned element(struct jit_tr *t, const struct a64_op *op, struct fp_form f)
{
	unsigned h = a64_bits(op->word, 11, 11), l = a64_bits(op->word, 21, 21);
	unsigned i = f.is64 ? h : h * 2 + l, d;

	if (f.lanes == FP_SCALAR && i == 0)
		return simd_use(t, a64_rm(op), fp_bytes(f));
	d = simd_new(t);
	simd_rr_imm(t, S_PSHUFD, d, simd_use(t, a64_rm(op), 16),
	            f.is64 ? (h ? 0xEE : 0x44) : i * 0x55);
	return d;
}

bool jit_tr_fmul_elem(struct jit_tr *t, const struct a64_op *op)
{
	struct fp_form f = fp_form(op);
	unsigned n, m, d;

	if (!exists(f))
		return false;
	jit_clobber_flags(t);
	m = element(t, op, f);
	n = fp_use(t, f, a64_rn(op));
	d = simd_new(t);
	fp_op3(t, f, F_MUL, d, n, m);
	fp_slow_if_odd(t, f, d);
	fp_set(t, f, a64_rd(op), d, zero_above(t, f, a64_rn(op)));
	jit_slow_end(t);
	return true;
}

/* FMLA, FMLS (bit 14) by an element. */
bool jit_tr_fmla_elem(struct jit_tr *t, const struct a64_op *op)
{
	struct fp_form f = fp_form(op);
	unsigned n, m;

	if (!exists(f))
		return false;
	jit_clobber_flags(t);
	m = element(t, op, f);
	n = fp_use(t, f, a64_rn(op));
	return fused(t, op, a64_bits(op->word, 14, 14) ? FNMADD231 : FMADD231, a64_rd(op), n, m);
}

/* --- products of their own kind --- */

/* FMULX: infinity times zero is two, and not invalid. */
static bool fmulx(struct jit_tr *t, const struct a64_op *op, unsigned n, unsigned m)
{
	struct fp_form f = fp_form(op);
	int infinity = f.is64 ? 1024 : 128;
	unsigned d = simd_new(t);

	fp_slow_if_large(t, f, n, infinity);
	fp_slow_if_large(t, f, m, infinity);
	fp_op3(t, f, F_MUL, d, n, m);
	fp_slow_if_odd(t, f, d);
	fp_set(t, f, a64_rd(op), d, zero_above(t, f, a64_rn(op)));
	jit_slow_end(t);
	return true;
}

bool jit_tr_fmulx_v(struct jit_tr *t, const struct a64_op *op)
{
	struct fp_form f = fp_form(op);
	unsigned n;

	if (!exists(f))
		return false;
	jit_clobber_flags(t);
	n = fp_use(t, f, a64_rn(op));
	return fmulx(t, op, n, fp_use(t, f, a64_rm(op)));
}

bool jit_tr_fmulx_elem(struct jit_tr *t, const struct a64_op *op)
{
	struct fp_form f = fp_form(op);
	unsigned m;

	if (!exists(f))
		return false;
	jit_clobber_flags(t);
	m = element(t, op, f);
	return fmulx(t, op, fp_use(t, f, a64_rn(op)), m);
}

/*
 * FRECPS: 2 - n * m; FRSQRTS (bit 23): (3 - n * m) / 2, where halving is exact: operands of
 * these sizes neither overflow nor leave anything tiny.
 */
bool jit_tr_frecps(struct jit_tr *t, const struct a64_op *op)
{
	struct fp_form f = fp_form(op);
	bool root = a64_bits(op->word, 23, 23);
	int limit = f.is64 ? 500 : 60;
	unsigned n, m, d;

	if (!exists(f))
		return false;
	jit_clobber_flags(t);
	n = fp_use(t, f, a64_rn(op));
	m = fp_use(t, f, a64_rm(op));
	d = simd_new(t);
	fp_slow_if_large(t, f, n, limit);
	fp_slow_if_large(t, f, m, limit);
	simd_const(t, d, root ? fp_lanes_of(f, 0x4008000000000000u, 0x40400000) : fp_pow2(f, 1));
	muladd(t, f, FNMADD231, d, n, m);
	if (root) {
		simd_const(t, XMM0, fp_pow2(f, -1));
		fp_op3(t, f, F_MUL, d, d, XMM0);
	}
	fp_set(t, f, a64_rd(op), d, 16);
	jit_slow_end(t);
	return true;
}

/* --- rounding to integral values --- */

static bool rint_by(struct jit_tr *t, const struct a64_op *op, unsigned how)
{
	struct fp_form f = fp_form(op);
	unsigned n, d;

	if (!exists(f))
		return false;
	jit_clobber_flags(t);
	n = fp_use(t, f, a64_rn(op));
	d = simd_new(t);
	fp_round(t, f, d, n, how);
	fp_slow_if_nan(t, f, d);
	fp_set(t, f, a64_rd(op), d, zero_above(t, f, a64_rn(op)));
	jit_slow_end(t);
	return true;
}

bool jit_tr_frintn(struct jit_tr *t, const struct a64_op *op)
{
	return rint_by(t, op, 0 | FP_QUIET);
}

bool jit_tr_frintm(struct jit_tr *t, const struct a64_op *op)
{
	return rint_by(t, op, 1 | FP_QUIET);
}

bool jit_tr_frintp(struct jit_tr *t, const struct a64_op *op)
{
	return rint_by(t, op, 2 | FP_QUIET);
}

bool jit_tr_frintz(struct jit_tr *t, const struct a64_op *op)
{
	return rint_by(t, op, FP_TRUNC | FP_QUIET);
}

/* MXCSR's mode. */
bool jit_tr_frinti(struct jit_tr *t, const struct a64_op *op)
{
	return rint_by(t, op, 4 | FP_QUIET);
}

bool jit_tr_frintx(struct jit_tr *t, const struct a64_op *op)
{
	return rint_by(t, op, 4);
}

bool jit_tr_frinta(struct jit_tr *t, const struct a64_op *op)
{
	struct fp_form f = fp_form(op);
	unsigned n, d;

	if (!exists(f))
		return false;
	jit_clobber_flags(t);
	n = fp_use(t, f, a64_rn(op));
	d = simd_new(t);
	fp_slow_if_large(t, f, n, f.is64 ? 1024 : 128);
	fp_round_away(t, f, d, n);
	fp_set(t, f, a64_rd(op), d, 16);
	jit_slow_end(t);
	return true;
}
