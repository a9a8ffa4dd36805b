/*
 * softfp_impl.h: what the softfp_*.c files share: taking numbers apart, NaN rules, rounding.
 *
 * A format is given by its numbers of exponent and fraction bits, always constants, so that
 * each inlined copy is specialised.  A finite number taken apart is sig * 2^(exp - 63) with
 * bit 63 of sig set; arithmetic keeps bits below the result's precision and ORs what is
 * further below into bit 0 ("sticky"), which is enough to round correctly.
 */
#ifndef VCPU_A64_SOFTFP_IMPL_H
#define VCPU_A64_SOFTFP_IMPL_H

#include "vcpu/a64/softfp.h"

/* Exponent and fraction bits of the formats, as argument pairs. */
#define SF_HALF   5, 10
#define SF_SINGLE 8, 23
#define SF_DOUBLE 11, 52

/* In this order: everything from SF_QNAN on is a NaN. */
enum sf_class { SF_ZERO, SF_FINITE, SF_INF, SF_QNAN, SF_SNAN };

struct sf_num {
	enum sf_class cls;
	bool sign;
	int exp;      /* SF_FINITE only */
	uint64_t sig; /* SF_FINITE only */
};

static ALWAYS_INLINE int sf_bias(int eb)
{
	return (1 << (eb - 1)) - 1;
}

static ALWAYS_INLINE uint64_t sf_zero(bool sign, int eb, int fb)
{
	return (uint64_t)sign << (eb + fb);
}

static ALWAYS_INLINE uint64_t sf_inf(bool sign, int eb, int fb)
{
	return sf_zero(sign, eb, fb) | (((1ULL << eb) - 1) << fb);
}

static ALWAYS_INLINE uint64_t sf_default_nan(int eb, int fb)
{
	return sf_inf(false, eb, fb) | 1ULL << (fb - 1);
}

/* num * 2^exp for a power of two within the normal range. */
static ALWAYS_INLINE uint64_t sf_pow2(bool sign, int exp, int eb, int fb)
{
	return sf_zero(sign, eb, fb) | (uint64_t)(exp + sf_bias(eb)) << fb;
}

static ALWAYS_INLINE uint64_t sf_invalid(int eb, int fb, uint32_t *fpsr)
{
	*fpsr |= FPSR_IOC;
	return sf_default_nan(eb, fb);
}

/* FPUnpack.  FZ does not concern half precision; AHP concerns nothing else. */
static ALWAYS_INLINE struct sf_num sf_unpack(uint64_t a, int eb, int fb, uint32_t fpcr,
                                             uint32_t *fpsr)
{
	uint64_t frac = a & ((1ULL << fb) - 1);
	int e = (int)(a >> fb) & ((1 << eb) - 1);
	struct sf_num n = {SF_FINITE, (a >> (eb + fb)) & 1, e - sf_bias(eb),
	                   1ULL << 63 | frac << (63 - fb)};

	if (e == 0) {
		if (frac != 0 && (fpcr & FPCR_FZ) && fb != 10) {
			*fpsr |= FPSR_IDC;
			frac = 0;
		}
		if (frac == 0) {
			n.cls = SF_ZERO;
			return n;
		}
		int lead = __builtin_clzll(frac);

		n.sig = frac << lead;
		n.exp = 64 - lead - sf_bias(eb) - fb;
	} else if (e == (1 << eb) - 1 && !(fb == 10 && (fpcr & FPCR_AHP))) {
		if (frac == 0)
			n.cls = SF_INF;
		else
			n.cls = frac >> (fb - 1) ? SF_QNAN : SF_SNAN;
	}
	return n;
}

/* FPProcessNaN: the NaN a of class cls as a result. */
static ALWAYS_INLINE uint64_t sf_nan(uint64_t a, enum sf_class cls, int eb, int fb, uint32_t fpcr,
                                     uint32_t *fpsr)
{
	if (cls == SF_SNAN)
		*fpsr |= FPSR_IOC;
	if (fpcr & FPCR_DN)
		return sf_default_nan(eb, fb);
	return a | 1ULL << (fb - 1);
}

/* FPProcessNaNs, where at least one operand is a NaN. */
static ALWAYS_INLINE uint64_t sf_nans(uint64_t a, enum sf_class ca, uint64_t b, enum sf_class cb,
                                      int eb, int fb, uint32_t fpcr, uint32_t *fpsr)
{
	if (ca == SF_SNAN || (ca == SF_QNAN && cb != SF_SNAN))
		return sf_nan(a, ca, eb, fb, fpcr, fpsr);
	return sf_nan(b, cb, eb, fb, fpcr, fpsr);
}

/* v / 2^n with the lost bits sticky. */
static ALWAYS_INLINE uint64_t sf_shift_right(uint64_t v, int n)
{
	if (n == 0)
		return v;
	if (n > 63)
		return v != 0;
	return v >> n | ((v << (64 - n)) != 0);
}

static ALWAYS_INLINE unsigned __int128 sf_shift_right128(unsigned __int128 v, int n)
{
	if (n == 0)
		return v;
	if (n > 127)
		return v != 0;
	return v >> n | ((v << (128 - n)) != 0);
}

/* sig / 2^shift, shift >= 1, sig normalised, rounded to an integer. */
static ALWAYS_INLINE uint64_t sf_round_shift(uint64_t sig, int shift, bool sign,
                                             enum softfp_round r, bool *inexact)
{
	const uint64_t half = 1ULL << 63;
	uint64_t whole = 0, rest = 1; /* the fraction in units of 2^-64 */

	if (shift < 64) {
		whole = sig >> shift;
		rest = sig << (64 - shift);
	} else if (shift == 64) {
		rest = sig;
	}
	*inexact = rest != 0;
	switch (r) {
	case SOFTFP_NEAREST_EVEN:
		return whole + (rest > half || (rest == half && (whole & 1)));
	case SOFTFP_PLUS_INF:
		return whole + (!sign && rest != 0);
	case SOFTFP_MINUS_INF:
		return whole + (sign && rest != 0);
	case SOFTFP_NEAREST_AWAY:
		return whole + (rest >= half);
	case SOFTFP_ODD:
		return whole | (rest != 0);
	case SOFTFP_ZERO:
		break;
	}
	return whole;
}

/* The result of an overflow, as the rounding has it. */
static ALWAYS_INLINE uint64_t sf_overflow(bool sign, int eb, int fb, enum softfp_round r,
                                          uint32_t *fpsr)
{
	bool to_inf = r == SOFTFP_NEAREST_EVEN || r == SOFTFP_NEAREST_AWAY ||
	              (r == SOFTFP_PLUS_INF && !sign) || (r == SOFTFP_MINUS_INF && sign);

	*fpsr |= FPSR_OFC | FPSR_IXC;
	return sf_inf(sign, eb, fb) - !to_inf;
}

/* FPRound: the finite number sig * 2^(exp - 63), bit 63 of sig set, in the format. */
static ALWAYS_INLINE uint64_t sf_round(bool sign, int exp, uint64_t sig, int eb, int fb,
                                       enum softfp_round r, uint32_t fpcr, uint32_t *fpsr)
{
	const bool alt = fb == 10 && (fpcr & FPCR_AHP);
	int biased = exp + sf_bias(eb);
	int shift = 63 - fb;
	bool inexact;
	uint64_t bits;

	if (biased < 1) {
		if ((fpcr & FPCR_FZ) && fb != 10) {
			*fpsr |= FPSR_UFC;
			return sf_zero(sign, eb, fb);
		}
		shift += 1 - biased;
		bits = sf_round_shift(sig, shift, sign, r, &inexact);
		if (inexact)
			*fpsr |= FPSR_UFC;
	} else {
		if (biased > (1 << eb))
			biased = 1 << eb;
		/* The significand's leading one adds one to the exponent, as does a carry. */
		bits =
		    ((uint64_t)(biased - 1) << fb) + sf_round_shift(sig, shift, sign, r, &inexact);
	}
	if (alt && bits >= 1ULL << (eb + fb)) {
		*fpsr |= FPSR_IOC;
		return (1ULL << (eb + fb)) - 1 + sf_zero(sign, eb, fb);
	}
	if (!alt && bits >= sf_inf(false, eb, fb))
		return sf_overflow(sign, eb, fb, r, fpsr);
	if (inexact)
		*fpsr |= FPSR_IXC;
	return bits | sf_zero(sign, eb, fb);
}

/* A sum or difference that is exactly zero. */
static ALWAYS_INLINE uint64_t sf_exact_zero(int eb, int fb, uint32_t fpcr)
{
	return sf_zero(softfp_rmode(fpcr) == SOFTFP_MINUS_INF, eb, fb);
}

/* Defines softfp_<name>32 and 64 from a static inline sf_<name> over (eb, fb). */
#define SF_DEFINE_UNARY(name)                                                  \
	uint32_t softfp_##name##32(uint32_t a, uint32_t fpcr, uint32_t *fpsr) \
	{                                                                      \
		return (uint32_t)sf_##name(a, SF_SINGLE, fpcr, fpsr);          \
	}                                                                      \
	uint64_t softfp_##name##64(uint64_t a, uint32_t fpcr, uint32_t *fpsr) \
	{                                                                      \
		return sf_##name(a, SF_DOUBLE, fpcr, fpsr);                    \
	}
#define SF_DEFINE_BINARY(name)                                                             \
	uint32_t softfp_##name##32(uint32_t a, uint32_t b, uint32_t fpcr, uint32_t *fpsr) \
	{                                                                                  \
		return (uint32_t)sf_##name(a, b, SF_SINGLE, fpcr, fpsr);                   \
	}                                                                                  \
	uint64_t softfp_##name##64(uint64_t a, uint64_t b, uint32_t fpcr, uint32_t *fpsr) \
	{                                                                                  \
		return sf_##name(a, b, SF_DOUBLE, fpcr, fpsr);                             \
	}

#endif
