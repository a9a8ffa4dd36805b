/*
 * softfp_cvt.c: conversions: between formats, to and from integers and fixed point, and
 * rounding to an integral value.
 */
#include "vcpu/a64/softfp_impl.h"

static ALWAYS_INLINE uint64_t rint_any(uint64_t a, enum softfp_round r, bool exact, int eb, int fb,
                                       uint32_t fpcr, uint32_t *fpsr)
{
	struct sf_num x = sf_unpack(a, eb, fb, fpcr, fpsr);
	bool inexact;
	uint64_t whole;
	int lead;

	if (x.cls >= SF_QNAN)
		return sf_nan(a, x.cls, eb, fb, fpcr, fpsr);
	if (x.cls == SF_ZERO)
		return sf_zero(x.sign, eb, fb);
	if (x.cls == SF_INF || x.exp >= fb)
		return a;
	whole = sf_round_shift(x.sig, 63 - x.exp, x.sign, r, &inexact);
	if (inexact && exact)
		*fpsr |= FPSR_IXC;
	if (whole == 0)
		return sf_zero(x.sign, eb, fb);
	lead = __builtin_clzll(whole);
	return sf_round(x.sign, 63 - lead, whole << lead, eb, fb, SOFTFP_ZERO, fpcr, fpsr);
}

uint32_t softfp_rint32(uint32_t a, enum softfp_round r, bool exact, uint32_t fpcr, uint32_t *fpsr)
{
	return (uint32_t)rint_any(a, r, exact, SF_SINGLE, fpcr, fpsr);
}

uint64_t softfp_rint64(uint64_t a, enum softfp_round r, bool exact, uint32_t fpcr, uint32_t *fpsr)
{
	return rint_any(a, r, exact, SF_DOUBLE, fpcr, fpsr);
}

/* The magnitude whole with its sign as an integer of that width, or the nearest bound. */
static uint64_t saturate(uint64_t whole, bool sign, bool too_big, bool is_unsigned, unsigned width,
                         bool inexact, uint32_t *fpsr)
{
	const uint64_t ones = UINT64_MAX >> (64 - width);
	uint64_t max = is_unsigned ? ones : ones >> 1;
	uint64_t limit = !sign ? max : is_unsigned ? 0 : max + 1;

	if (too_big || whole > limit) {
		*fpsr |= FPSR_IOC;
		return limit;
	}
	if (inexact)
		*fpsr |= FPSR_IXC;
	return (sign ? 0 - whole : whole) & ones;
}

static ALWAYS_INLINE uint64_t to_fixed(uint64_t a, unsigned fbits, bool is_unsigned, unsigned width,
                                       enum softfp_round r, int eb, int fb, uint32_t fpcr,
                                       uint32_t *fpsr)
{
	struct sf_num x = sf_unpack(a, eb, fb, fpcr, fpsr);
	bool inexact = false;
	uint64_t whole = x.sig;

	x.exp += (int)fbits;
	if (x.cls >= SF_QNAN) {
		*fpsr |= FPSR_IOC;
		return 0;
	}
	if (x.cls == SF_ZERO)
		return 0;
	if (x.cls == SF_FINITE && x.exp < 63)
		whole = sf_round_shift(x.sig, 63 - x.exp, x.sign, r, &inexact);
	return saturate(whole, x.sign, x.cls == SF_INF || x.exp > 63, is_unsigned, width, inexact,
	                fpsr);
}

uint64_t softfp_to_fixed32(uint32_t a, unsigned fbits, bool is_unsigned, unsigned width,
                           enum softfp_round r, uint32_t fpcr, uint32_t *fpsr)
{
	return to_fixed(a, fbits, is_unsigned, width, r, SF_SINGLE, fpcr, fpsr);
}

uint64_t softfp_to_fixed64(uint64_t a, unsigned fbits, bool is_unsigned, unsigned width,
                           enum softfp_round r, uint32_t fpcr, uint32_t *fpsr)
{
	return to_fixed(a, fbits, is_unsigned, width, r, SF_DOUBLE, fpcr, fpsr);
}

static ALWAYS_INLINE uint64_t from_fixed(uint64_t v, unsigned fbits, bool is_unsigned, int eb,
                                         int fb, uint32_t fpcr, uint32_t *fpsr)
{
	bool sign = !is_unsigned && v >> 63;
	int lead;

	if (v == 0)
		return 0;
	if (sign)
		v = 0 - v;
	lead = __builtin_clzll(v);
	return sf_round(sign, 63 - lead - (int)fbits, v << lead, eb, fb, softfp_rmode(fpcr), fpcr,
	                fpsr);
}

uint32_t softfp_from_fixed32(uint64_t v, unsigned fbits, bool is_unsigned, uint32_t fpcr,
                             uint32_t *fpsr)
{
	return (uint32_t)from_fixed(v, fbits, is_unsigned, SF_SINGLE, fpcr, fpsr);
}

uint64_t softfp_from_fixed64(uint64_t v, unsigned fbits, bool is_unsigned, uint32_t fpcr,
                             uint32_t *fpsr)
{
	return from_fixed(v, fbits, is_unsigned, SF_DOUBLE, fpcr, fpsr);
}

uint32_t softfp_to_fixed_js(uint64_t a, bool *exact, uint32_t fpcr, uint32_t *fpsr)
{
	struct sf_num x = sf_unpack(a, SF_DOUBLE, fpcr, fpsr);
	uint64_t whole = 0;
	bool inexact = false;

	*exact = false;
	if (x.cls >= SF_INF) {
		*fpsr |= FPSR_IOC;
		return 0;
	}
	if (x.cls == SF_ZERO) {
		*exact = !x.sign && a == 0;
		return 0;
	}
	/* Significands have 53 bits: above 2^84 the low 32 bits of the integer are zero. */
	if (x.exp < 63)
		whole = sf_round_shift(x.sig, 63 - x.exp, x.sign, SOFTFP_ZERO, &inexact);
	else if (x.exp < 63 + 32)
		whole = x.sig << (x.exp - 63);
	if (x.exp >= 63 || whole > (uint64_t)INT32_MAX + x.sign)
		*fpsr |= FPSR_IOC;
	else if (inexact)
		*fpsr |= FPSR_IXC;
	else
		*exact = true;
	return (uint32_t)(x.sign ? 0 - whole : whole);
}

/* FPConvert.  FPCR.FZ flushes single and double precision only. */
static ALWAYS_INLINE uint64_t convert(uint64_t a, int eb, int fb, int to_eb, int to_fb,
                                      enum softfp_round r, uint32_t fpcr, uint32_t *fpsr)
{
	struct sf_num x = sf_unpack(a, eb, fb, fpcr, fpsr);
	bool to_alt = to_fb == 10 && (fpcr & FPCR_AHP);
	uint64_t payload;

	switch (x.cls) {
	case SF_ZERO:
		return sf_zero(x.sign, to_eb, to_fb);
	case SF_INF:
		if (to_alt) {
			*fpsr |= FPSR_IOC;
			return sf_zero(x.sign, to_eb, to_fb) | ((1ULL << (to_eb + to_fb)) - 1);
		}
		return sf_inf(x.sign, to_eb, to_fb);
	case SF_QNAN:
	case SF_SNAN:
		if (x.cls == SF_SNAN || to_alt)
			*fpsr |= FPSR_IOC;
		if (to_alt)
			return sf_zero(x.sign, to_eb, to_fb);
		if (fpcr & FPCR_DN)
			return sf_default_nan(to_eb, to_fb);
		payload = a & ((1ULL << (fb - 1)) - 1);
		payload = to_fb > fb ? payload << (to_fb - fb) : payload >> (fb - to_fb);
		return sf_default_nan(to_eb, to_fb) | sf_zero(x.sign, to_eb, to_fb) | payload;
	case SF_FINITE:
		break;
	}
	return sf_round(x.sign, x.exp, x.sig, to_eb, to_fb, r, fpcr, fpsr);
}

uint64_t softfp_16_to_64(uint16_t a, uint32_t fpcr, uint32_t *fpsr)
{
	return convert(a, SF_HALF, SF_DOUBLE, SOFTFP_ZERO, fpcr, fpsr);
}

uint32_t softfp_16_to_32(uint16_t a, uint32_t fpcr, uint32_t *fpsr)
{
	return (uint32_t)convert(a, SF_HALF, SF_SINGLE, SOFTFP_ZERO, fpcr, fpsr);
}

uint64_t softfp_32_to_64(uint32_t a, uint32_t fpcr, uint32_t *fpsr)
{
	return convert(a, SF_SINGLE, SF_DOUBLE, SOFTFP_ZERO, fpcr, fpsr);
}

uint16_t softfp_32_to_16(uint32_t a, uint32_t fpcr, uint32_t *fpsr)
{
	return (uint16_t)convert(a, SF_SINGLE, SF_HALF, softfp_rmode(fpcr), fpcr, fpsr);
}

uint16_t softfp_64_to_16(uint64_t a, uint32_t fpcr, uint32_t *fpsr)
{
	return (uint16_t)convert(a, SF_DOUBLE, SF_HALF, softfp_rmode(fpcr), fpcr, fpsr);
}

uint32_t softfp_64_to_32(uint64_t a, enum softfp_round r, uint32_t fpcr, uint32_t *fpsr)
{
	return (uint32_t)convert(a, SF_DOUBLE, SF_SINGLE, r, fpcr, fpsr);
}
