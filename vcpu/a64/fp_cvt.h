/*
 * fp_cvt.h: conversions of the handlers, scalar and vector: the host's where exactness is easy
 * to see, softfp for the rest.  Companion of fp.h.
 */
#ifndef VCPU_A64_FP_CVT_H
#define VCPU_A64_FP_CVT_H

#include "vcpu/a64/fp.h"

/* Widening is exact but for NaNs, and for denormals when they are flushed. */
static ALWAYS_INLINE uint64_t fp_32_to_64(struct a64_cpu *cpu, uint32_t a)
{
	if (LIKELY(!fp_is_nan32(a) && !(cpu->regs.fpcr & FPCR_FZ)))
		return fp_bits64((double)fp_float(a));
	return FP_SOFT(32_to_64, a);
}

static ALWAYS_INLINE uint32_t fp_64_to_32(struct a64_cpu *cpu, uint64_t a)
{
	if (LIKELY(fp_fast(cpu))) {
		uint32_t r = fp_bits32((float)fp_double(a));

		if (LIKELY(fp_plain32(r)))
			return r;
	}
	return FP_SOFT(64_to_32, a, softfp_rmode(cpu->regs.fpcr));
}

/* Truncation to a signed integer that is well within 64 bits; the rest is soft. */
static ALWAYS_INLINE uint64_t fp_to_fixed64(struct a64_cpu *cpu, uint64_t a, unsigned fbits,
                                            bool is_unsigned, unsigned width, enum softfp_round r)
{
	double v = fp_double(a);

	if (r == SOFTFP_ZERO && fbits == 0 && !(cpu->regs.fpcr & FPCR_FZ) &&
	    LIKELY(v > (is_unsigned   ? -1.0
	                : width == 64 ? -9.0e18
	                              : -2147483648.0) &&
	           v < (width == 64 ? 9.0e18 : 2147483647.0))) {
		int64_t whole = (int64_t)v;

		cpu->regs.fpsr |= (double)whole != v ? FPSR_IXC : 0;
		return width == 64 ? (uint64_t)whole : (uint32_t)whole;
	}
	return FP_SOFT(to_fixed64, a, fbits, is_unsigned, width, r);
}

static ALWAYS_INLINE uint64_t fp_to_fixed32(struct a64_cpu *cpu, uint32_t a, unsigned fbits,
                                            bool is_unsigned, unsigned width, enum softfp_round r)
{
	float v = fp_float(a);

	if (r == SOFTFP_ZERO && fbits == 0 && !(cpu->regs.fpcr & FPCR_FZ) &&
	    LIKELY(v > (is_unsigned   ? -1.0f
	                : width == 64 ? -9.0e18f
	                              : -2147483648.0f) &&
	           v < (width == 64 ? 9.0e18f : 2147483520.0f))) {
		int64_t whole = (int64_t)v;

		cpu->regs.fpsr |= (float)whole != v ? FPSR_IXC : 0;
		return width == 64 ? (uint64_t)whole : (uint32_t)whole;
	}
	return FP_SOFT(to_fixed32, a, fbits, is_unsigned, width, r);
}

/* Integers of up to 53 (24) bits are exact; others are rounded as the host does. */
static ALWAYS_INLINE uint64_t fp_from_fixed64(struct a64_cpu *cpu, uint64_t v, unsigned fbits,
                                              bool is_unsigned)
{
	const uint64_t limit = 1ULL << 53;

	if (LIKELY(fbits == 0 && ((is_unsigned ? v <= limit : v + limit <= 2 * limit) ||
	                          (fp_fast(cpu) && (!is_unsigned || !(v >> 63))))))
		return fp_bits64((double)(int64_t)v);
	return FP_SOFT(from_fixed64, v, fbits, is_unsigned);
}

static ALWAYS_INLINE uint32_t fp_from_fixed32(struct a64_cpu *cpu, uint64_t v, unsigned fbits,
                                              bool is_unsigned)
{
	const uint64_t limit = 1ULL << 24;

	if (LIKELY(fbits == 0 && ((is_unsigned ? v <= limit : v + limit <= 2 * limit) ||
	                          (fp_fast(cpu) && (!is_unsigned || !(v >> 63))))))
		return fp_bits32((float)(int64_t)v);
	return FP_SOFT(from_fixed32, v, fbits, is_unsigned);
}

static ALWAYS_INLINE uint32_t fp_rint32(struct a64_cpu *cpu, uint32_t a, enum softfp_round r,
                                        bool exact)
{
	return FP_SOFT(rint32, a, r, exact);
}

static ALWAYS_INLINE uint64_t fp_rint64(struct a64_cpu *cpu, uint64_t a, enum softfp_round r,
                                        bool exact)
{
	return FP_SOFT(rint64, a, r, exact);
}

#endif
