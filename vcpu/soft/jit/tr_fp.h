/*
 * tr_fp.h: what the rules for floating point share.
 *
 * The host computes.  Translated code runs with all of the host's exceptions masked and the
 * guest's rounding mode in MXCSR, whose sticky bits are the guest's cumulative exceptions as
 * long as it runs: they join FPSR when it leaves or reads FPSR (run.c, tr_atomic.c).  The two
 * architectures agree on results and exceptions but for these, which take the slow path:
 *
 *   - a result that is a NaN: the default NaN has another sign, several NaN operands another
 *     order, and FPCR.DN may ask for the default;
 *   - a result that is the least normal number, when it may have been rounded: Arm finds out
 *     before rounding that it was tiny, x86 afterwards (sums are exact there);
 *   - what single instructions have of their own, and what would set a sticky bit that Arm
 *     leaves alone: such operands are sorted out before the host computes.
 *
 * With FPCR.FZ set, code comes from another translation, in which handlers do it (JIT_FP).
 */
#ifndef VCPU_SOFT_JIT_TR_FP_H
#define VCPU_SOFT_JIT_TR_FP_H

#include "vcpu/soft/jit/tr_simd.h"

/* Opcodes without the prefix that says the format. */
enum fp_op {
	F_AND = 0x0F54,
	F_OR = 0x0F56,
	F_XOR = 0x0F57,
	F_SQRT = 0x0F51,
	F_ADD = 0x0F58,
	F_MUL = 0x0F59,
	F_SUB = 0x0F5C,
	F_MIN = 0x0F5D,
	F_DIV = 0x0F5E,
	F_MAX = 0x0F5F,
	F_CMP = 0x0FC2, /* imm8: enum fp_predicate */
	F_CVT_FLOAT = 0x0F5A,
	F_CVT_FROM = 0x0F2A,
	F_CVT_TRUNC = 0x0F2C,
	F_UCOMI = 0x0F2E,
	F_COMI = 0x0F2F,
	F_MOVMSK = 0x0F50,
	F_MOVDDUP = 0xF20F12,
	F_MOVSHDUP = 0xF30F16,
};

enum fp_predicate { FP_EQ, FP_LT, FP_LE, FP_UNORD, FP_NLT = 5, FP_EQ_OR_UNORD = 8 /* VEX */ };

/* The format, and how many lanes count: one, the lower 64 bits, all. */
enum fp_lanes { FP_SCALAR, FP_HALF, FP_FULL };
struct fp_form {
	bool is64;
	enum fp_lanes lanes;
};

/* By bits 22 (double), 28 (scalar) and 30, which hold for all. */
static inline struct fp_form fp_form(const struct a64_op *op)
{
	return (struct fp_form){simd_sz(op), simd_is_scalar(op) ? FP_SCALAR
	                                     : simd_q(op)       ? FP_FULL
	                                                        : FP_HALF};
}

static inline unsigned fp_bytes(struct fp_form f)
{
	return f.is64 ? 8 : 4;
}

/* The opcode in its scalar or packed version / in its packed version. */
static inline unsigned fp_opcode(struct fp_form f, unsigned op)
{
	if (f.lanes == FP_SCALAR)
		return op | (f.is64 ? 0xF20000u : 0xF30000u);
	return op | (f.is64 ? 0x660000u : 0);
}

static inline unsigned fp_packed(struct fp_form f, unsigned op)
{
	return op | (f.is64 ? 0x660000u : 0);
}

/* A constant for all lanes of a format. */
static inline uint64_t fp_lanes_of(struct fp_form f, uint64_t v64, uint32_t v32)
{
	return f.is64 ? v64 : v32 * 0x100000001u;
}

static inline uint64_t fp_abs_mask(struct fp_form f)
{
	return fp_lanes_of(f, INT64_MAX, INT32_MAX);
}

static inline uint64_t fp_sign_mask(struct fp_form f)
{
	return ~fp_abs_mask(f);
}

/* 2^exp in the format. */
static inline uint64_t fp_pow2(struct fp_form f, int exp)
{
	return fp_lanes_of(f, (uint64_t)(exp + 1023) << 52, (uint32_t)(exp + 127) << 23);
}

/*
 * The host register with an operand.  What lies above a scalar is undefined, and above 64 bits
 * is the lower half once more, so that its exceptions are no others.
 */
unsigned fp_use(struct jit_tr *t, struct fp_form f, unsigned r);
/* The guest register is x, from simd_new; zero as in simd_set, if something is known of what
 * is above a scalar. */
void fp_set(struct jit_tr *t, struct fp_form f, unsigned r, unsigned x, unsigned zero);
/* d = n op m; d is not m. */
void fp_op3(struct jit_tr *t, struct fp_form f, unsigned op, unsigned d, unsigned n, unsigned m);
/* d = n op constant, packed in any case; may use xmm5. */
void fp_op3_const(struct jit_tr *t, unsigned op, unsigned d, unsigned n, uint64_t v);
/* As fp_op3, all ones where the relation holds. */
void fp_compare(struct jit_tr *t, struct fp_form f, enum fp_predicate p, unsigned d, unsigned n,
                unsigned m);

/* The slow path; the lanes that count are looked at, and EFLAGS and eax are overwritten... */
/* ... if the sign bit of a lane is set, */
void fp_slow_if_any(struct jit_tr *t, struct fp_form f, unsigned x);
/* ... if a lane is a NaN: uses xmm0, */
void fp_slow_if_nan(struct jit_tr *t, struct fp_form f, unsigned x);
/* ... if lanes of n and m are unordered: uses xmm0, */
void fp_slow_if_unordered(struct jit_tr *t, struct fp_form f, unsigned n, unsigned m);
/* ... if a lane is a NaN or the least normal number: uses xmm0, xmm1, */
void fp_slow_if_odd(struct jit_tr *t, struct fp_form f, unsigned x);
/* ... if a lane's magnitude is 2^exp or more, or it is a NaN: uses xmm0, xmm5. */
void fp_slow_if_large(struct jit_tr *t, struct fp_form f, unsigned x, int exp);

/* d = n rounded to integral values: ROUNDPS' operand, 0 to 4; FP_QUIET: Inexact is not noted. */
#define FP_QUIET 8u
#define FP_TRUNC 3u
void fp_round(struct jit_tr *t, struct fp_form f, unsigned d, unsigned n, unsigned how);
/* d = n, finite, rounded to nearest, ties away, quietly.  Uses xmm0 to xmm2. */
void fp_round_away(struct jit_tr *t, struct fp_form f, unsigned d, unsigned n);

#endif
