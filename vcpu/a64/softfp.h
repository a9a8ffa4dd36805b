/*
 * softfp.h: Arm floating point in integer arithmetic, bit by bit.
 *
 * The reference for everything the FP and Advanced SIMD handlers compute: each function has
 * the meaning of the like-named function of the Arm manual's shared pseudocode (Arm ARM
 * J1.3, "shared/functions/float").  Operands and results are bit patterns; fpcr is the
 * control register (AHP, DN, FZ, RMode are obeyed; no trap is ever enabled), and exception
 * bits are added to *fpsr, never cleared.
 *
 * Functions ending in 32 and 64 work on single and double precision.
 */
#ifndef VCPU_A64_SOFTFP_H
#define VCPU_A64_SOFTFP_H

#include "common/base.h"

/* FPCR. */
#define FPCR_AHP         (1u << 26)
#define FPCR_DN          (1u << 25)
#define FPCR_FZ          (1u << 24)
#define FPCR_RMODE_SHIFT 22
#define FPCR_RMODE       (3u << FPCR_RMODE_SHIFT)

/* FPSR. */
#define FPSR_IOC (1u << 0)
#define FPSR_DZC (1u << 1)
#define FPSR_OFC (1u << 2)
#define FPSR_UFC (1u << 3)
#define FPSR_IXC (1u << 4)
#define FPSR_IDC (1u << 7)
#define FPSR_QC  (1u << 27)

/* Roundings; the first four are FPCR.RMode's codes. */
enum softfp_round {
	SOFTFP_NEAREST_EVEN,
	SOFTFP_PLUS_INF,
	SOFTFP_MINUS_INF,
	SOFTFP_ZERO,
	SOFTFP_NEAREST_AWAY,
	SOFTFP_ODD,
};

static ALWAYS_INLINE enum softfp_round softfp_rmode(uint32_t fpcr)
{
	return (enum softfp_round)((fpcr & FPCR_RMODE) >> FPCR_RMODE_SHIFT);
}

#define SOFTFP_UNARY(name)                                                      \
	uint32_t softfp_##name##32(uint32_t a, uint32_t fpcr, uint32_t * fpsr); \
	uint64_t softfp_##name##64(uint64_t a, uint32_t fpcr, uint32_t * fpsr);
#define SOFTFP_BINARY(name)                                                                 \
	uint32_t softfp_##name##32(uint32_t a, uint32_t b, uint32_t fpcr, uint32_t * fpsr); \
	uint64_t softfp_##name##64(uint64_t a, uint64_t b, uint32_t fpcr, uint32_t * fpsr);

SOFTFP_BINARY(add)
SOFTFP_BINARY(sub)
SOFTFP_BINARY(mul)
SOFTFP_BINARY(mulx)
SOFTFP_BINARY(div)
SOFTFP_BINARY(max)
SOFTFP_BINARY(min)
SOFTFP_BINARY(maxnm)
SOFTFP_BINARY(minnm)
SOFTFP_BINARY(recps)  /* FPRecipStepFused: 2 - a*b */
SOFTFP_BINARY(rsqrts) /* FPRSqrtStepFused: (3 - a*b) / 2 */
SOFTFP_UNARY(sqrt)
SOFTFP_UNARY(recpe)
SOFTFP_UNARY(rsqrte)
SOFTFP_UNARY(recpx)

#undef SOFTFP_UNARY
#undef SOFTFP_BINARY

/* addend + a*b with one rounding. */
uint32_t softfp_muladd32(uint32_t addend, uint32_t a, uint32_t b, uint32_t fpcr, uint32_t *fpsr);
uint64_t softfp_muladd64(uint64_t addend, uint64_t a, uint64_t b, uint32_t fpcr, uint32_t *fpsr);

/* NZCV in bits 31..28, as FCMP (signal_all false) and FCMPE set it. */
uint32_t softfp_cmp32(uint32_t a, uint32_t b, bool signal_all, uint32_t fpcr, uint32_t *fpsr);
uint32_t softfp_cmp64(uint64_t a, uint64_t b, bool signal_all, uint32_t fpcr, uint32_t *fpsr);

/* Rounds to an integral value of the same format; exact: inexactness is reported (FRINTX). */
uint32_t softfp_rint32(uint32_t a, enum softfp_round r, bool exact, uint32_t fpcr, uint32_t *fpsr);
uint64_t softfp_rint64(uint64_t a, enum softfp_round r, bool exact, uint32_t fpcr, uint32_t *fpsr);

/*
 * To an integer of width 32 or 64 bits with fbits fraction bits, saturating.  The result is
 * zero-extended to 64 bits.
 */
uint64_t softfp_to_fixed32(uint32_t a, unsigned fbits, bool is_unsigned, unsigned width,
                           enum softfp_round r, uint32_t fpcr, uint32_t *fpsr);
uint64_t softfp_to_fixed64(uint64_t a, unsigned fbits, bool is_unsigned, unsigned width,
                           enum softfp_round r, uint32_t fpcr, uint32_t *fpsr);
/* From a signed or unsigned 64-bit integer (narrower ones extended) with fbits fraction bits. */
uint32_t softfp_from_fixed32(uint64_t v, unsigned fbits, bool is_unsigned, uint32_t fpcr,
                             uint32_t *fpsr);
uint64_t softfp_from_fixed64(uint64_t v, unsigned fbits, bool is_unsigned, uint32_t fpcr,
                             uint32_t *fpsr);
/* FPToFixedJS: to a signed 32-bit integer modulo 2^32; *exact is PSTATE.Z. */
uint32_t softfp_to_fixed_js(uint64_t a, bool *exact, uint32_t fpcr, uint32_t *fpsr);

/* FPConvert between formats; those with half precision obey FPCR.AHP. */
uint64_t softfp_16_to_64(uint16_t a, uint32_t fpcr, uint32_t *fpsr);
uint32_t softfp_16_to_32(uint16_t a, uint32_t fpcr, uint32_t *fpsr);
uint64_t softfp_32_to_64(uint32_t a, uint32_t fpcr, uint32_t *fpsr);
uint16_t softfp_32_to_16(uint32_t a, uint32_t fpcr, uint32_t *fpsr);
uint16_t softfp_64_to_16(uint64_t a, uint32_t fpcr, uint32_t *fpsr);
uint32_t softfp_64_to_32(uint64_t a, enum softfp_round r, uint32_t fpcr, uint32_t *fpsr);

/* UnsignedRecipEstimate and UnsignedRSqrtEstimate. */
uint32_t softfp_urecpe(uint32_t a);
uint32_t softfp_ursqrte(uint32_t a);

#endif
