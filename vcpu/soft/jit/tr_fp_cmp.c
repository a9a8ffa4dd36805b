/*
 * tr_fp_cmp.c: floating-point comparisons, minimum and maximum, pairs and whole vectors (Arm
 * ARM C4.1, "Floating-point compare", "... conditional compare", "Advanced SIMD three same",
 * "... across lanes", "... scalar pairwise").
 */
#include "vcpu/soft/jit/tr_fp.h"

/* EFLAGS of UCOMIS: below, equal, above; all three of CF, ZF, PF when unordered.  Makes them the
 * flags of 0 - 1, 0 - 0, 1 - 0, and of 0x80 - 1, which overflows, by SUB's rule. */
static void flags_by_sub(struct jit_tr *t)
{
	struct emit *e = &t->e;

	em_rr(e, X_SETCC + CC_A, X8, 0, RAX);
	em_rr(e, X_SETCC + CC_B, X8, 0, RCX);
	em_rr(e, X_SETCC + CC_P, X8, 0, RDX);
	em_rr(e, 0xD0, X8, SH_ROR, RDX); /* ror dl, 1 */
	em_rr(e, 0x0A, X8, RAX, RDX);    /* or al, dl */
	em_rr(e, 0x3A, X8, RAX, RCX);    /* cmp al, cl */
}

/* signal: quiet NaNs are invalid, too. */
static void compare(struct jit_tr *t, struct fp_form f, unsigned n, unsigned m, bool signal)
{
	simd_rr(t, fp_packed(f, signal ? F_COMI : F_UCOMI), n, m);
}

/* The condition that the instruction reads, or 14. */
static unsigned condition_of(uint32_t w)
{
	if ((w & 0xFF000010) == 0x54000000) /* B.cond */
		return w & 15;
	if ((w & 0x1FE00000) == 0x1A800000 /* CSEL and its like */ ||
	    (w & 0x1FE00000) == 0x1A400000 /* CCMP, CCMN */ ||
	    (w & 0xFF200C00) == 0x1E200C00 /* FCSEL */ ||
	    (w & 0xFF200C00) == 0x1E200400 /* FCCMP */)
		return w >> 12 & 15;
	return 14;
}

/* When the next instruction reads a condition that UCOMIS gives, its flags stay as they are. */
bool jit_tr_fcmp(struct jit_tr *t, const struct a64_op *op)
{
	struct fp_form f = fp_form(op);
	unsigned n = simd_use(t, a64_rn(op), fp_bytes(f)), m = XMM1;
	unsigned cond = t->at + 1 < t->count ? condition_of(t->ops[t->at + 1].word) : 14;
	bool signal = a64_bits(op->word, 4, 4);
	enum x64_cc cc;

	if (a64_bits(op->word, 3, 3))
		simd_rr(t, S_PXOR, XMM1, XMM1);
	else
		m = simd_use(t, a64_rm(op), fp_bytes(f));
	if (jit_fp_cond(cond, false, &cc)) {
		compare(t, f, n, m, signal);
		t->flags = JIT_FLAGS_FP;
	} else if (jit_fp_cond(cond, true, &cc)) {
		compare(t, f, m, n, signal);
		t->flags = JIT_FLAGS_FP_SWAPPED;
	} else {
		compare(t, f, n, m, signal);
		flags_by_sub(t);
		t->flags = JIT_FLAGS_SUB;
	}
	return true;
}

/* FCCMP, FCCMPE (bit 4): if the condition holds, else NZCV are bits 3..0. */
bool jit_tr_fccmp(struct jit_tr *t, const struct a64_op *op)
{
	struct fp_form f = fp_form(op);
	unsigned n = simd_use(t, a64_rn(op), fp_bytes(f)), m = simd_use(t, a64_rm(op), fp_bytes(f)),
	         cond = a64_bits(op->word, 15, 12);
	uint8_t *other = NULL, *end = NULL;

	if (cond < 14)
		other = em_jcc_later(&t->e, jit_cond(t, cond) ^ 1);
	compare(t, f, n, m, a64_bits(op->word, 4, 4));
	flags_by_sub(t);
	t->flags = JIT_FLAGS_SUB;
	jit_save_flags(t);
	if (other) {
		end = em_jmp_later(&t->e);
		em_here(&t->e, other);
		jit_set_flags(t, op->word & 15);
		em_here(&t->e, end);
	}
	return true;
}

/* --- comparisons of vectors --- */

static bool relation(struct jit_tr *t, const struct a64_op *op, enum fp_predicate p, bool swapped,
                     bool absolute)
{
	struct fp_form f = fp_form(op);
	unsigned n, m, d;

	if (f.is64 && f.lanes == FP_HALF)
		return false;
	n = fp_use(t, f, a64_rn(op));
	m = fp_use(t, f, a64_rm(op));
	d = simd_new(t);
	if (absolute) {
		fp_op3_const(t, S_PAND, XMM0, n, fp_abs_mask(f));
		fp_op3_const(t, S_PAND, XMM1, m, fp_abs_mask(f));
		n = XMM0;
		m = XMM1;
	}
	fp_compare(t, f, p, d, swapped ? m : n, swapped ? n : m);
	fp_set(t, f, a64_rd(op), d, 16);
	return true;
}

bool jit_tr_fcmeq_v(struct jit_tr *t, const struct a64_op *op)
{
	return relation(t, op, FP_EQ, false, false);
}

bool jit_tr_fcmge_v(struct jit_tr *t, const struct a64_op *op)
{
	return relation(t, op, FP_LE, true, false);
}

bool jit_tr_fcmgt_v(struct jit_tr *t, const struct a64_op *op)
{
	return relation(t, op, FP_LT, true, false);
}

bool jit_tr_facge_v(struct jit_tr *t, const struct a64_op *op)
{
	return relation(t, op, FP_LE, true, true);
}

bool jit_tr_facgt_v(struct jit_tr *t, const struct a64_op *op)
{
	return relation(t, op, FP_LT, true, true);
}

static bool relation_to_zero(struct jit_tr *t, const struct a64_op *op, enum fp_predicate p,
                             bool swapped)
{
	struct fp_form f = fp_form(op);
	unsigned n, d;

	if (f.is64 && f.lanes == FP_HALF)
		return false;
	n = fp_use(t, f, a64_rn(op));
	d = simd_new(t);
	simd_rr(t, S_PXOR, XMM0, XMM0);
	fp_compare(t, f, p, d, swapped ? XMM0 : n, swapped ? n : XMM0);
	fp_set(t, f, a64_rd(op), d, 16);
	return true;
}

bool jit_tr_fcmeq_zero(struct jit_tr *t, const struct a64_op *op)
{
	return relation_to_zero(t, op, FP_EQ, false);
}

bool jit_tr_fcmge_zero(struct jit_tr *t, const struct a64_op *op)
{
	return relation_to_zero(t, op, FP_LE, true);
}

bool jit_tr_fcmgt_zero(struct jit_tr *t, const struct a64_op *op)
{
	return relation_to_zero(t, op, FP_LT, true);
}

bool jit_tr_fcmle_zero(struct jit_tr *t, const struct a64_op *op)
{
	return relation_to_zero(t, op, FP_LE, false);
}

bool jit_tr_fcmlt_zero(struct jit_tr *t, const struct a64_op *op)
{
	return relation_to_zero(t, op, FP_LT, false);
}

/* --- minimum and maximum --- */

/*
 * d = the greater (lesser) of n and m.  Of equal operands the host's instruction gives the
 * second; those that differ though equal are zeros, of which the greater is the AND and the
 * lesser the OR.  Uses xmm0; d is neither n nor m.
 */
static void extreme(struct jit_tr *t, struct fp_form f, bool greater, unsigned d, unsigned n,
                    unsigned m)
{
	unsigned opcode = greater ? F_MAX : F_MIN;

	fp_op3(t, f, opcode, XMM0, n, m);
	fp_op3(t, f, opcode, d, m, n);
	simd_rr(t, greater ? S_PAND : S_POR, d, XMM0);
}

static bool extreme_of_two(struct jit_tr *t, const struct a64_op *op, bool greater)
{
	struct fp_form f = fp_form(op);
	unsigned n, m, d;

	if (f.is64 && f.lanes == FP_HALF)
		return false;
	jit_clobber_flags(t);
	n = fp_use(t, f, a64_rn(op));
	m = fp_use(t, f, a64_rm(op));
	d = simd_new(t);
	fp_slow_if_unordered(t, f, n, m);
	extreme(t, f, greater, d, n, m);
	fp_set(t, f, a64_rd(op), d, 16);
	jit_slow_end(t);
	return true;
}

/* With NaNs out of the way, FMAXNM is FMAX. */
bool jit_tr_fmax(struct jit_tr *t, const struct a64_op *op)
{
	return extreme_of_two(t, op, true);
}

bool jit_tr_fmin(struct jit_tr *t, const struct a64_op *op)
{
	return extreme_of_two(t, op, false);
}

/* --- pairs --- */

/* The even and the odd lanes of rm:rn, or the two lanes of rn of the scalar form. */
static void pairs(struct jit_tr *t, const struct a64_op *op, struct fp_form f, unsigned *even,
                  unsigned *odd)
{
	unsigned n = simd_use(t, a64_rn(op), 16), m;

	*odd = simd_new(t);
	if (f.lanes == FP_SCALAR) {
		*even = n;
		simd_rr_imm(t, S_PSHUFD, *odd, n, f.is64 ? 0xEE : 0x55);
		return;
	}
	m = simd_use(t, a64_rm(op), 16);
	*even = simd_new(t);
	if (f.is64) {
		simd_op3(t, S_PUNPCKLQDQ, *even, n, m);
		simd_op3(t, S_PUNPCKHQDQ, *odd, n, m);
		return;
	}
	if (f.lanes == FP_HALF) {
		simd_op3(t, S_PUNPCKLQDQ, XMM0, n, m);
		n = m = XMM0;
	}
	simd_op3(t, S_SHUFPS, *even, n, m);
	em_u8(&t->e, 0x88);
	simd_op3(t, S_SHUFPS, *odd, n, m);
	em_u8(&t->e, 0xDD);
}

bool jit_tr_faddp(struct jit_tr *t, const struct a64_op *op)
{
	struct fp_form f = fp_form(op);
	unsigned even, odd, d;

	if (f.is64 && f.lanes == FP_HALF)
		return false;
	jit_clobber_flags(t);
	pairs(t, op, f, &even, &odd);
	d = simd_new(t);
	fp_op3(t, f, F_ADD, d, even, odd);
	fp_slow_if_nan(t, f, d);
	fp_set(t, f, a64_rd(op), d, 16);
	jit_slow_end(t);
	return true;
}

static bool extreme_of_pairs(struct jit_tr *t, const struct a64_op *op, bool greater)
{
	struct fp_form f = fp_form(op);
	unsigned even, odd, d;

	if (f.is64 && f.lanes == FP_HALF)
		return false;
	jit_clobber_flags(t);
	pairs(t, op, f, &even, &odd);
	d = simd_new(t);
	fp_slow_if_unordered(t, f, even, odd);
	extreme(t, f, greater, d, even, odd);
	fp_set(t, f, a64_rd(op), d, 16);
	jit_slow_end(t);
	return true;
}

bool jit_tr_fmaxp(struct jit_tr *t, const struct a64_op *op)
{
	return extreme_of_pairs(t, op, true);
}

bool jit_tr_fminp(struct jit_tr *t, const struct a64_op *op)
{
	return extreme_of_pairs(t, op, false);
}

/* FMAXV, FMAXNMV, FMINV, FMINNMV (bit 23) of four single-precision lanes. */
bool jit_tr_fextremev(struct jit_tr *t, const struct a64_op *op)
{
	struct fp_form f = {.lanes = FP_FULL}, scalar = {.lanes = FP_SCALAR};
	unsigned n = simd_use(t, a64_rn(op), 16), odd = simd_new(t), x = simd_new(t),
	         d = simd_new(t);
	bool greater = !a64_bits(op->word, 23, 23);

	jit_clobber_flags(t);
	fp_slow_if_nan(t, f, n);
	simd_rr(t, F_MOVSHDUP, odd, n);
	extreme(t, f, greater, x, n, odd);
	simd_rr_imm(t, S_PSHUFD, odd, x, 0xEE);
	extreme(t, scalar, greater, d, x, odd);
	fp_set(t, scalar, a64_rd(op), d, 16);
	jit_slow_end(t);
	return true;
}
