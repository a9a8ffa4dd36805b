/*
 * tr_fp.c: scalar and vector floating point: arithmetic, comparisons, conversions (Arm ARM
 * C4.1, "Floating-point data-processing" and its neighbours).
 *
 * As vcpu/a64/fp.h has it: the host's result counts when FPCR asks for nothing but the default,
 * FPSR.IXC is set already, and the result is such that nothing but Inexact can have been raised.
 * Otherwise the handler is called, which begins again; nothing was written.  Sums, differences
 * and widened numbers are never tiny and inexact, so their zeros and denormals count as well.
 */
#include "vcpu/soft/jit/tr_simd.h"

#include "vcpu/a64/softfp.h"

enum fp_op {
	F_ADD = 0x0F58, /* + prefix: F3 single, F2 double, none and 66 vectors */
	F_MUL = 0x0F59,
	F_SUB = 0x0F5C,
	F_DIV = 0x0F5E,
	F_SQRT = 0x0F51,
	F_CVT_FLOAT = 0x0F5A, /* from single (F3) or double (F2) to the other */
	F_CVT_FROM = 0x0F2A,
	F_CVT_TRUNC = 0x0F2C,
	F_UCOMI = 0x0F2E, /* prefix none, 66 */
};

static unsigned scalar(const struct a64_op *op, unsigned opcode)
{
	return opcode | (simd_sz(op) ? 0xF20000u : 0xF30000u);
}

static unsigned packed(const struct a64_op *op, unsigned opcode)
{
	return opcode | (simd_sz(op) ? 0x660000u : 0);
}

/* FPCR's rounding mode and FZ clear, or the slow path. */
static void need_default(struct jit_tr *t, uint32_t fpcr_bits)
{
	em_rm(&t->e, 0xF7, X32, 0, RBP, JIT_AT(cpu.regs.fpcr)); /* test */
	em_u32(&t->e, fpcr_bits);
	jit_slow_if(t, CC_NE);
}

static void need_inexact(struct jit_tr *t)
{
	_Static_assert(FPSR_IXC < 0x100, "in the first byte");
	em_test_m8i(&t->e, RBP, JIT_AT(cpu.regs.fpsr), FPSR_IXC);
	jit_slow_if(t, CC_E);
}

/* The condition of fp_fast. */
static void need_fast(struct jit_tr *t)
{
	jit_clobber_flags(t);
	need_default(t, FPCR_RMODE | FPCR_FZ);
	need_inexact(t);
}

/* Lane 0 of an xmm is plain, by its upper 16 bits.  Uses rax. */
static void need_plain(struct jit_tr *t, unsigned x, bool is64)
{
	simd_rr_imm(t, S_PEXTRW, RAX, x, is64 ? 3 : 1);
	em_alu_ri(&t->e, ALU_AND, X32, RAX, is64 ? 0x7FF0 : 0x7F80);
	em_alu_ri(&t->e, ALU_SUB, X32, RAX, is64 ? 0x20 : 0x100);
	em_alu_ri(&t->e, ALU_CMP, X32, RAX, is64 ? 0x7FD0 : 0x7E80);
	jit_slow_if(t, CC_AE);
}

/* Lane 0 of an xmm is finite.  Uses rax. */
static void need_finite(struct jit_tr *t, unsigned x, bool is64)
{
	simd_rr_imm(t, S_PEXTRW, RAX, x, is64 ? 3 : 1);
	em_alu_ri(&t->e, ALU_AND, X32, RAX, is64 ? 0x7FF0 : 0x7F80);
	em_alu_ri(&t->e, ALU_CMP, X32, RAX, is64 ? 0x7FF0 : 0x7F80);
	jit_slow_if(t, CC_E);
}

static unsigned bytes_of(const struct a64_op *op)
{
	return simd_sz(op) ? 8 : 4;
}

/* op xmm, lane 0 of a guest register */
static void scalar_rv(struct jit_tr *t, const struct a64_op *op, unsigned opcode, unsigned x,
                      unsigned r)
{
	simd_rr(t, opcode, x, simd_use(t, r, bytes_of(op)));
}

/* xmm = lane 0 of a guest register. */
static void load_scalar(struct jit_tr *t, const struct a64_op *op, unsigned x, unsigned r)
{
	scalar_rv(t, op, S_MOVDQA, x, r);
}

/* Guest register = lane 0 of an xmm. */
static void store_scalar(struct jit_tr *t, unsigned x, unsigned r, bool is64)
{
	unsigned d = simd_new(t);

	simd_rr(t, S_MOVDQA, d, x);
	simd_set(t, r, d, is64 ? 8 : 4, 16);
}

static bool two(struct jit_tr *t, const struct a64_op *op, unsigned opcode)
{
	need_fast(t);
	load_scalar(t, op, XMM0, a64_rn(op));
	scalar_rv(t, op, scalar(op, opcode), XMM0, a64_rm(op));
	if (opcode == F_ADD || opcode == F_SUB)
		need_finite(t, XMM0, simd_sz(op));
	else
		need_plain(t, XMM0, simd_sz(op));
	store_scalar(t, XMM0, a64_rd(op), simd_sz(op));
	jit_slow_end(t);
	return true;
}

bool jit_tr_fadd(struct jit_tr *t, const struct a64_op *op)
{
	return two(t, op, F_ADD);
}

bool jit_tr_fsub(struct jit_tr *t, const struct a64_op *op)
{
	return two(t, op, F_SUB);
}

bool jit_tr_fmul(struct jit_tr *t, const struct a64_op *op)
{
	return two(t, op, F_MUL);
}

bool jit_tr_fdiv(struct jit_tr *t, const struct a64_op *op)
{
	return two(t, op, F_DIV);
}

bool jit_tr_fnmul(struct jit_tr *t, const struct a64_op *op)
{
	bool is64 = simd_sz(op);
	enum x64_width w = is64 ? X64 : X32;

	need_fast(t);
	load_scalar(t, op, XMM0, a64_rn(op));
	scalar_rv(t, op, scalar(op, F_MUL), XMM0, a64_rm(op));
	need_plain(t, XMM0, is64);
	em_rr(&t->e, S_MOVD_ST, w, XMM0, RCX);
	em_rr(&t->e, 0x0FBA, w, 7, RCX); /* btc: the sign */
	em_u8(&t->e, is64 ? 63 : 31);
	simd_put_host(t, a64_rd(op), RCX, w);
	jit_slow_end(t);
	return true;
}

/* The host's default NaN for negative operands is not plain. */
bool jit_tr_fsqrt(struct jit_tr *t, const struct a64_op *op)
{
	need_fast(t);
	load_scalar(t, op, XMM0, a64_rn(op));
	simd_rr(t, scalar(op, F_SQRT), XMM0, XMM0);
	need_plain(t, XMM0, simd_sz(op));
	store_scalar(t, XMM0, a64_rd(op), simd_sz(op));
	jit_slow_end(t);
	return true;
}

/* d = +-d +- n * guest register, by one of the 231 forms. */
static void muladd(struct jit_tr *t, unsigned opcode, bool w, unsigned d, unsigned n, unsigned r)
{
	em_vrr(&t->e, 0x663800 | opcode, w ? X64 : X32, d, n, simd_use(t, r, 16));
}

/* FMADD, FMSUB, FNMADD, FNMSUB, by the 231 forms: +-xmm0 +- xmm1 * m. */
bool jit_tr_fmadd(struct jit_tr *t, const struct a64_op *op)
{
	/* By bits 21 and 15: a+nm, a-nm, -a-nm, -a+nm. */
	static const uint8_t opcodes[] = {0xB9, 0xBD, 0xBF, 0xBB};
	unsigned kind = a64_bits(op->word, 21, 21) * 2 + a64_bits(op->word, 15, 15);

	need_fast(t);
	load_scalar(t, op, XMM0, a64_ra(op));
	load_scalar(t, op, XMM1, a64_rn(op));
	muladd(t, opcodes[kind], simd_sz(op), XMM0, XMM1, a64_rm(op));
	need_plain(t, XMM0, simd_sz(op));
	store_scalar(t, XMM0, a64_rd(op), simd_sz(op));
	jit_slow_end(t);
	return true;
}

/* FCMP and FCMPE, with a register or zero (bit 3).  Unordered operands are the handler's. */
bool jit_tr_fcmp(struct jit_tr *t, const struct a64_op *op)
{
	struct emit *e = &t->e;

	t->flags = JIT_FLAGS_MEM; /* the old ones are dead */
	need_default(t, FPCR_FZ);
	load_scalar(t, op, XMM0, a64_rn(op));
	if (a64_bits(op->word, 3, 3)) {
		simd_rr(t, S_PXOR, XMM1, XMM1);
		simd_rr(t, packed(op, F_UCOMI), XMM0, XMM1);
	} else {
		scalar_rv(t, op, packed(op, F_UCOMI), XMM0, a64_rm(op));
	}
	jit_slow_if(t, CC_P);
	/* Less, equal, greater as the flags of 0 - 1, 0 - 0, 1 - 0. */
	em_rr(e, X_SETCC + CC_A, X8, 0, RAX);
	em_rr(e, X_SETCC + CC_B, X8, 0, RCX);
	em_rr(e, 0x3A, X8, RAX, RCX); /* cmp al, cl */
	t->flags = JIT_FLAGS_SUB;
	jit_slow_end(t);
	return true;
}

/* --- conversions --- */

bool jit_tr_fcvt_d_s(struct jit_tr *t, const struct a64_op *op)
{
	jit_clobber_flags(t);
	need_default(t, FPCR_FZ);
	simd_rr(t, S_MOVDQA, XMM0, simd_use(t, a64_rn(op), 4));
	simd_rr(t, 0xF30000 | F_CVT_FLOAT, XMM0, XMM0);
	need_finite(t, XMM0, true);
	store_scalar(t, XMM0, a64_rd(op), true);
	jit_slow_end(t);
	return true;
}

bool jit_tr_fcvt_s_d(struct jit_tr *t, const struct a64_op *op)
{
	need_fast(t);
	simd_rr(t, S_MOVDQA, XMM0, simd_use(t, a64_rn(op), 8));
	simd_rr(t, S_PXOR, XMM1, XMM1);
	simd_rr(t, 0xF20000 | F_CVT_FLOAT, XMM1, XMM0);
	need_plain(t, XMM1, false);
	store_scalar(t, XMM1, a64_rd(op), false);
	jit_slow_end(t);
	return true;
}

/* SCVTF and UCVTF (bit 16) from a general register.  32 bits to double are exact. */
bool jit_tr_cvtf(struct jit_tr *t, const struct a64_op *op)
{
	bool is_unsigned = a64_bits(op->word, 16, 16), exact = jit_width(op) == X32 && simd_sz(op);
	enum x64_width w = jit_width(op);
	unsigned n;

	if (!exact)
		need_fast(t);
	if (w == X32 && is_unsigned) {
		jit_op(t, X_LOAD, X32, RCX, a64_rn(op));
		n = RCX;
		w = X64;
	} else {
		n = jit_src(t, a64_rn(op), RCX);
		if (is_unsigned) {
			em_rr(&t->e, X_TEST, X64, n, n);
			jit_slow_if(t, CC_S);
		}
	}
	simd_rr(t, S_PXOR, XMM0, XMM0);
	em_rr(&t->e, scalar(op, F_CVT_FROM), w, XMM0, n);
	store_scalar(t, XMM0, a64_rd(op), simd_sz(op));
	if (!exact)
		jit_slow_end(t);
	return true;
}

/* FCVTZS and FCVTZU (bit 16).  What does not fit is the host's least integer. */
bool jit_tr_fcvtz(struct jit_tr *t, const struct a64_op *op)
{
	bool is_unsigned = a64_bits(op->word, 16, 16);
	enum x64_width w = jit_width(op);
	struct emit *e = &t->e;

	need_fast(t);
	em_rr(e, scalar(op, F_CVT_TRUNC), is_unsigned ? X64 : w, RAX,
	      simd_use(t, a64_rn(op), bytes_of(op)));
	if (!is_unsigned) {
		em_alu_ri(e, ALU_CMP, w, RAX, 1);
		jit_slow_if(t, CC_O);
	} else if (w == X64) {
		em_rr(e, X_TEST, X64, RAX, RAX);
		jit_slow_if(t, CC_S);
	} else {
		em_rr(e, X_LOAD, X32, RCX, RAX);
		em_rr(e, X_CMP, X64, RCX, RAX);
		jit_slow_if(t, CC_NE);
	}
	jit_put(t, a64_rd(op), RAX);
	jit_slow_end(t);
	return true;
}

/* --- vectors --- */

/*
 * All lanes of xmm0 that the form has are plain, or finite, by their exponents.  A double's
 * exponent is compared in the lower half of its lane, where nothing matches the upper.  Uses
 * rax, xmm1 to xmm3.
 */
static void need_all_plain(struct jit_tr *t, const struct a64_op *op, bool finite)
{
	bool is64 = simd_sz(op);
	unsigned lane = is64 ? SIMD_D : SIMD_S;

	simd_rr(t, S_MOVDQA, XMM1, XMM0);
	simd_shift(t, SHIFT_LEFT, XMM1, lane, 1);
	simd_shift(t, SHIFT_RIGHT, XMM1, lane, is64 ? 53 : 24);
	simd_const(t, XMM2, is64 ? 0xFFFFFFFF000007FFu : 0x000000FF000000FFu);
	simd_rr(t, S_PCMPEQD, XMM2, XMM1);
	if (!finite) {
		simd_const(t, XMM3, is64 ? 2 : 0x0000000200000002u);
		simd_rr(t, 0x660F66, XMM3, XMM1); /* pcmpgtd */
		simd_rr(t, S_POR, XMM2, XMM3);
	}
	if (!simd_q(op))
		simd_rr(t, S_MOVQ, XMM2, XMM2);
	simd_rr(t, 0x660FD7, RAX, XMM2); /* pmovmskb */
	em_rr(&t->e, X_TEST, X32, RAX, RAX);
	jit_slow_if(t, CC_NE);
}

static bool vector_two(struct jit_tr *t, const struct a64_op *op, unsigned opcode)
{
	need_fast(t);
	simd_load(t, XMM0, a64_rn(op));
	simd_rv(t, packed(op, opcode), XMM0, a64_rm(op));
	need_all_plain(t, op, opcode == F_ADD || opcode == F_SUB);
	simd_store_cut(t, XMM0, a64_rd(op), simd_q(op));
	jit_slow_end(t);
	return true;
}

bool jit_tr_fadd_v(struct jit_tr *t, const struct a64_op *op)
{
	return vector_two(t, op, F_ADD);
}

bool jit_tr_fsub_v(struct jit_tr *t, const struct a64_op *op)
{
	return vector_two(t, op, F_SUB);
}

bool jit_tr_fmul_v(struct jit_tr *t, const struct a64_op *op)
{
	return vector_two(t, op, F_MUL);
}

bool jit_tr_fdiv_v(struct jit_tr *t, const struct a64_op *op)
{
	return vector_two(t, op, F_DIV);
}

/* FMLA, FMLS (bit 23). */
bool jit_tr_fmla_v(struct jit_tr *t, const struct a64_op *op)
{
	need_fast(t);
	simd_load(t, XMM0, a64_rd(op));
	simd_load(t, XMM1, a64_rn(op));
	muladd(t, a64_bits(op->word, 23, 23) ? 0xBC : 0xB8, simd_sz(op), XMM0, XMM1, a64_rm(op));
	need_all_plain(t, op, false);
	simd_store_cut(t, XMM0, a64_rd(op), simd_q(op));
	jit_slow_end(t);
	return true;
}

/* FMUL, FMLA, FMLS by an element, vector forms. */
bool jit_tr_fmul_elem(struct jit_tr *t, const struct a64_op *op)
{
	bool is64 = simd_sz(op), is_mul = a64_bits(op->word, 15, 15);
	unsigned h = a64_bits(op->word, 11, 11), l = a64_bits(op->word, 21, 21);

	if (simd_is_scalar(op))
		return false;
	need_fast(t);
	simd_load(t, XMM1, a64_rm(op)); /* M is the number's top bit */
	simd_rr_imm(t, S_PSHUFD, XMM1, XMM1, is64 ? (h ? 0xEE : 0x44) : (h * 2 + l) * 0x55);
	if (is_mul) {
		simd_load(t, XMM0, a64_rn(op));
		simd_rr(t, packed(op, F_MUL), XMM0, XMM1);
	} else {
		simd_load(t, XMM0, a64_rd(op));
		muladd(t, a64_bits(op->word, 14, 14) ? 0xBC : 0xB8, is64, XMM0, XMM1, a64_rn(op));
	}
	need_all_plain(t, op, false);
	simd_store_cut(t, XMM0, a64_rd(op), simd_q(op));
	jit_slow_end(t);
	return true;
}
