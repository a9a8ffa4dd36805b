/*
 * fp.h: FP operations of the handlers: the host's arithmetic where it is certain to agree with
 * the architecture, softfp for the rest.
 *
 * The host computes in its default mode: nearest even, no flushing, exceptions masked.  For
 * FPCR in the like mode a result that is normal, and not so small that it could have been
 * tiny before rounding, comes from operands that were no NaNs and no infinities, and the only
 * exception it can have raised is Inexact.  So when FPSR.IXC is already set, as it is after a
 * program's first few operations, such a result is complete.  Everything else, special
 * values, other modes and the first inexact result, takes the slow path.
 */
#ifndef VCPU_A64_FP_H
#define VCPU_A64_FP_H

#include "vcpu/a64/a64.h"
#include "vcpu/a64/softfp.h"

#define FP_SIGN32 0x80000000u
#define FP_SIGN64 0x8000000000000000u

static ALWAYS_INLINE float fp_float(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static ALWAYS_INLINE double fp_double(uint64_t bits)
{
	double f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static ALWAYS_INLINE uint32_t fp_bits32(float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(f));
	return bits;
}

static ALWAYS_INLINE uint64_t fp_bits64(double f)
{
	uint64_t bits;

	memcpy(&bits, &f, sizeof(f));
	return bits;
}

/* Do single-width operations round like the host, and is a further Inexact no news? */
static ALWAYS_INLINE bool fp_fast(const struct a64_cpu *cpu)
{
	return !((cpu->regs.fpcr & (FPCR_RMODE | FPCR_FZ)) | (~cpu->regs.fpsr & FPSR_IXC));
}

/* Is the result certain to have raised nothing but Inexact? */
static ALWAYS_INLINE bool fp_plain32(uint32_t r)
{
	return (r << 1) - (2u << 24) < (253u << 24);
}

static ALWAYS_INLINE bool fp_plain64(uint64_t r)
{
	return (r << 1) - (2ULL << 53) < (2045ULL << 53);
}

static ALWAYS_INLINE bool fp_is_nan32(uint32_t a)
{
	return (a << 1) > (255u << 24);
}

static ALWAYS_INLINE bool fp_is_nan64(uint64_t a)
{
	return (a << 1) > (2047ULL << 53);
}

/* Are the operands of a comparison such that the host's is right and raises nothing? */
static ALWAYS_INLINE bool fp_ordered32(const struct a64_cpu *cpu, uint32_t a, uint32_t b)
{
	return !(cpu->regs.fpcr & FPCR_FZ) && !fp_is_nan32(a) && !fp_is_nan32(b);
}

static ALWAYS_INLINE bool fp_ordered64(const struct a64_cpu *cpu, uint64_t a, uint64_t b)
{
	return !(cpu->regs.fpcr & FPCR_FZ) && !fp_is_nan64(a) && !fp_is_nan64(b);
}

/* The slow path, with the vCPU's control and status. */
#define FP_SOFT(call, ...) softfp_##call(__VA_ARGS__, cpu->regs.fpcr, &cpu->regs.fpsr)

/* fp_<name>32 and 64 for an operation that the host has as an operator. */
#define FP_OPERATOR(name, operator)                                                               \
	static ALWAYS_INLINE uint32_t fp_##name##32(struct a64_cpu * cpu, uint32_t a, uint32_t b) \
	{                                                                                         \
		if (LIKELY(fp_fast(cpu))) {                                                       \
			uint32_t r = fp_bits32(fp_float(a) operator fp_float(b));                 \
                                                                                                  \
			if (LIKELY(fp_plain32(r)))                                                \
				return r;                                                         \
		}                                                                                 \
		return FP_SOFT(name##32, a, b);                                                   \
	}                                                                                         \
	static ALWAYS_INLINE uint64_t fp_##name##64(struct a64_cpu * cpu, uint64_t a, uint64_t b) \
	{                                                                                         \
		if (LIKELY(fp_fast(cpu))) {                                                       \
			uint64_t r = fp_bits64(fp_double(a) operator fp_double(b));               \
                                                                                                  \
			if (LIKELY(fp_plain64(r)))                                                \
				return r;                                                         \
		}                                                                                 \
		return FP_SOFT(name##64, a, b);                                                   \
	}

FP_OPERATOR(add, +)
FP_OPERATOR(sub, -)
FP_OPERATOR(mul, *)
FP_OPERATOR(div, /)
#undef FP_OPERATOR

/* Plain numbers are multiplied by FMULX as by FMUL. */
static ALWAYS_INLINE uint32_t fp_mulx32(struct a64_cpu *cpu, uint32_t a, uint32_t b)
{
	return FP_SOFT(mulx32, a, b);
}

static ALWAYS_INLINE uint64_t fp_mulx64(struct a64_cpu *cpu, uint64_t a, uint64_t b)
{
	return FP_SOFT(mulx64, a, b);
}

/* fp_<name>32 and 64 for minimum and maximum: ordered operands, of which equal ones (zeros of
 * either sign) are left to the slow path. */
#define FP_EXTREME(name, operator)                                                                \
	static ALWAYS_INLINE uint32_t fp_##name##32(struct a64_cpu * cpu, uint32_t a, uint32_t b) \
	{                                                                                         \
		if (LIKELY(fp_ordered32(cpu, a, b) && fp_float(a) != fp_float(b)))                \
			return fp_float(a) operator fp_float(b) ? a : b;                          \
		return FP_SOFT(name##32, a, b);                                                   \
	}                                                                                         \
	static ALWAYS_INLINE uint64_t fp_##name##64(struct a64_cpu * cpu, uint64_t a, uint64_t b) \
	{                                                                                         \
		if (LIKELY(fp_ordered64(cpu, a, b) && fp_double(a) != fp_double(b)))              \
			return fp_double(a) operator fp_double(b) ? a : b;                        \
		return FP_SOFT(name##64, a, b);                                                   \
	}

FP_EXTREME(max, >)
FP_EXTREME(min, <)
FP_EXTREME(maxnm, >)
FP_EXTREME(minnm, <)
#undef FP_EXTREME

/* fp_<name>32 and 64: comparisons as the vector instructions make them.  holds: which NZCV
 * of softfp_cmp are true; signal: whether quiet NaNs are invalid. */
#define FP_RELATION(name, operator, signal, holds)                                            \
	static ALWAYS_INLINE bool fp_##name##32(struct a64_cpu * cpu, uint32_t a, uint32_t b) \
	{                                                                                     \
		if (LIKELY(fp_ordered32(cpu, a, b)))                                          \
			return fp_float(a) operator fp_float(b);                              \
		return holds(FP_SOFT(cmp32, a, b, signal));                                   \
	}                                                                                     \
	static ALWAYS_INLINE bool fp_##name##64(struct a64_cpu * cpu, uint64_t a, uint64_t b) \
	{                                                                                     \
		if (LIKELY(fp_ordered64(cpu, a, b)))                                          \
			return fp_double(a) operator fp_double(b);                            \
		return holds(FP_SOFT(cmp64, a, b, signal));                                   \
	}

#define FP_IS_EQ(nzcv) ((nzcv) >> 28 == 6)
#define FP_IS_GE(nzcv) ((nzcv) >> 28 == 6 || (nzcv) >> 28 == 2)
#define FP_IS_GT(nzcv) ((nzcv) >> 28 == 2)
FP_RELATION(cmeq, ==, false, FP_IS_EQ)
FP_RELATION(cmge, >=, true, FP_IS_GE)
FP_RELATION(cmgt, >, true, FP_IS_GT)
#undef FP_RELATION

/* NZCV as FCMP and FCMPE give it. */
static ALWAYS_INLINE uint32_t fp_nzcv32(struct a64_cpu *cpu, uint32_t a, uint32_t b, bool signal)
{
	if (LIKELY(fp_ordered32(cpu, a, b)))
		return fp_float(a) == fp_float(b)  ? 6u << 28
		       : fp_float(a) < fp_float(b) ? 8u << 28
		                                   : 2u << 28;
	return FP_SOFT(cmp32, a, b, signal);
}

static ALWAYS_INLINE uint32_t fp_nzcv64(struct a64_cpu *cpu, uint64_t a, uint64_t b, bool signal)
{
	if (LIKELY(fp_ordered64(cpu, a, b)))
		return fp_double(a) == fp_double(b)  ? 6u << 28
		       : fp_double(a) < fp_double(b) ? 8u << 28
		                                     : 2u << 28;
	return FP_SOFT(cmp64, a, b, signal);
}

/* Fused multiply-add and square root need host instructions of their own: fp_host.c. */
uint32_t fp_muladd32(struct a64_cpu *cpu, uint32_t addend, uint32_t a, uint32_t b);
uint64_t fp_muladd64(struct a64_cpu *cpu, uint64_t addend, uint64_t a, uint64_t b);
uint32_t fp_sqrt32(struct a64_cpu *cpu, uint32_t a);
uint64_t fp_sqrt64(struct a64_cpu *cpu, uint64_t a);

#endif
