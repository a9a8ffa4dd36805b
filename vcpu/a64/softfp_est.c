/*
 * softfp_est.c: comparisons, minimum and maximum, and the reciprocal and reciprocal square
 * root estimates, whose values the architecture fixes to the last bit.
 */
#include "vcpu/a64/softfp_impl.h"

#define NZCV_LESS      (8u << 28)
#define NZCV_EQUAL     (6u << 28)
#define NZCV_GREATER   (2u << 28)
#define NZCV_UNORDERED (3u << 28)

/* -1, 0 or 1 for numbers that are not NaNs. */
static ALWAYS_INLINE int order(const struct sf_num *x, const struct sf_num *y)
{
	int bigger;

	if (x->cls == SF_ZERO && y->cls == SF_ZERO)
		return 0;
	if (x->cls == SF_ZERO)
		return y->sign ? 1 : -1;
	if (y->cls == SF_ZERO || x->sign != y->sign)
		return x->sign ? -1 : 1;
	if (x->cls != y->cls)
		bigger = x->cls == SF_INF ? 1 : -1;
	else if (x->cls == SF_INF)
		return 0;
	else if (x->exp != y->exp)
		bigger = x->exp > y->exp ? 1 : -1;
	else
		bigger = (x->sig > y->sig) - (x->sig < y->sig);
	return x->sign ? -bigger : bigger;
}

static ALWAYS_INLINE uint32_t compare(uint64_t a, uint64_t b, bool signal_all, int eb, int fb,
                                      uint32_t fpcr, uint32_t *fpsr)
{
	struct sf_num x = sf_unpack(a, eb, fb, fpcr, fpsr);
	struct sf_num y = sf_unpack(b, eb, fb, fpcr, fpsr);
	int o;

	if (x.cls >= SF_QNAN || y.cls >= SF_QNAN) {
		if (signal_all || x.cls == SF_SNAN || y.cls == SF_SNAN)
			*fpsr |= FPSR_IOC;
		return NZCV_UNORDERED;
	}
	o = order(&x, &y);
	return o < 0 ? NZCV_LESS : o > 0 ? NZCV_GREATER : NZCV_EQUAL;
}

uint32_t softfp_cmp32(uint32_t a, uint32_t b, bool signal_all, uint32_t fpcr, uint32_t *fpsr)
{
	return compare(a, b, signal_all, SF_SINGLE, fpcr, fpsr);
}

uint32_t softfp_cmp64(uint64_t a, uint64_t b, bool signal_all, uint32_t fpcr, uint32_t *fpsr)
{
	return compare(a, b, signal_all, SF_DOUBLE, fpcr, fpsr);
}

/* FPMax (greater) and FPMin; number: FPMaxNum and FPMinNum. */
static ALWAYS_INLINE uint64_t extreme(uint64_t a, uint64_t b, bool greater, bool number, int eb,
                                      int fb, uint32_t fpcr, uint32_t *fpsr)
{
	struct sf_num x = sf_unpack(a, eb, fb, fpcr, fpsr);
	struct sf_num y = sf_unpack(b, eb, fb, fpcr, fpsr);
	bool first;

	if (number && x.cls == SF_QNAN && y.cls != SF_QNAN)
		x = (struct sf_num){.cls = SF_INF, .sign = greater};
	else if (number && y.cls == SF_QNAN && x.cls != SF_QNAN)
		y = (struct sf_num){.cls = SF_INF, .sign = greater};
	if (x.cls >= SF_QNAN || y.cls >= SF_QNAN)
		return sf_nans(a, x.cls, b, y.cls, eb, fb, fpcr, fpsr);
	if (x.cls == SF_ZERO && y.cls == SF_ZERO)
		return sf_zero(greater ? x.sign && y.sign : x.sign || y.sign, eb, fb);
	first = greater ? order(&x, &y) > 0 : order(&x, &y) < 0;
	if (!first) {
		x = y;
		a = b;
	}
	/* A denormal flushed on input is zero; anything else is the operand itself. */
	if (x.cls == SF_ZERO)
		return sf_zero(x.sign, eb, fb);
	return x.cls == SF_INF ? sf_inf(x.sign, eb, fb) : a;
}

static ALWAYS_INLINE uint64_t sf_max(uint64_t a, uint64_t b, int eb, int fb, uint32_t fpcr,
                                     uint32_t *fpsr)
{
	return extreme(a, b, true, false, eb, fb, fpcr, fpsr);
}

static ALWAYS_INLINE uint64_t sf_min(uint64_t a, uint64_t b, int eb, int fb, uint32_t fpcr,
                                     uint32_t *fpsr)
{
	return extreme(a, b, false, false, eb, fb, fpcr, fpsr);
}

static ALWAYS_INLINE uint64_t sf_maxnm(uint64_t a, uint64_t b, int eb, int fb, uint32_t fpcr,
                                       uint32_t *fpsr)
{
	return extreme(a, b, true, true, eb, fb, fpcr, fpsr);
}

static ALWAYS_INLINE uint64_t sf_minnm(uint64_t a, uint64_t b, int eb, int fb, uint32_t fpcr,
                                       uint32_t *fpsr)
{
	return extreme(a, b, false, true, eb, fb, fpcr, fpsr);
}

SF_DEFINE_BINARY(max)
SF_DEFINE_BINARY(min)
SF_DEFINE_BINARY(maxnm)
SF_DEFINE_BINARY(minnm)

/* RecipEstimate: 256 <= a < 512, a/512 in; 256/r out. */
static unsigned recip_estimate(unsigned a)
{
	return ((1u << 19) / (a * 2 + 1) + 1) / 2;
}

/* RecipSqrtEstimate: 128 <= a < 512. */
static unsigned rsqrt_estimate(unsigned a)
{
	unsigned square, b = 0;

	a = a < 256 ? a * 2 + 1 : (a / 2 * 2 + 1) * 2;
	/* The largest b with a * b * b < 2^28. */
	square = ((1u << 28) - 1) / a;
	for (unsigned bit = 1024; bit; bit >>= 1)
		if ((b | bit) * (b | bit) <= square)
			b |= bit;
	return (b + 1) / 2;
}

static ALWAYS_INLINE uint64_t sf_recpe(uint64_t a, int eb, int fb, uint32_t fpcr, uint32_t *fpsr)
{
	struct sf_num x = sf_unpack(a, eb, fb, fpcr, fpsr);
	uint64_t frac;
	int biased;

	if (x.cls >= SF_QNAN)
		return sf_nan(a, x.cls, eb, fb, fpcr, fpsr);
	if (x.cls == SF_INF)
		return sf_zero(x.sign, eb, fb);
	if (x.cls == SF_ZERO) {
		*fpsr |= FPSR_DZC;
		return sf_inf(x.sign, eb, fb);
	}
	if (x.exp < -sf_bias(eb) - 1)
		return sf_overflow(x.sign, eb, fb, softfp_rmode(fpcr), fpsr);
	if ((fpcr & FPCR_FZ) && x.exp >= sf_bias(eb) - 1) {
		*fpsr |= FPSR_UFC;
		return sf_zero(x.sign, eb, fb);
	}
	/* 1/x is r/256 * 2^(-exp - 1), r in 256..511. */
	frac = (uint64_t)(recip_estimate((unsigned)(x.sig >> 55)) & 255) << (fb - 8);
	biased = sf_bias(eb) - x.exp - 1;
	if (biased <= 0) {
		frac = (frac >> 1 | 1ULL << (fb - 1)) >> -biased;
		biased = 0;
	}
	return sf_zero(x.sign, eb, fb) | (uint64_t)biased << fb | frac;
}

static ALWAYS_INLINE uint64_t sf_rsqrte(uint64_t a, int eb, int fb, uint32_t fpcr, uint32_t *fpsr)
{
	struct sf_num x = sf_unpack(a, eb, fb, fpcr, fpsr);
	unsigned r;

	if (x.cls >= SF_QNAN)
		return sf_nan(a, x.cls, eb, fb, fpcr, fpsr);
	if (x.cls == SF_ZERO) {
		*fpsr |= FPSR_DZC;
		return sf_inf(x.sign, eb, fb);
	}
	if (x.sign)
		return sf_invalid(eb, fb, fpsr);
	if (x.cls == SF_INF)
		return sf_zero(false, eb, fb);
	/* The operand scaled into [0.25, 1.0) by an even power of two. */
	r = rsqrt_estimate((unsigned)(x.exp & 1 ? x.sig >> 55 : x.sig >> 56));
	return (uint64_t)((2 * sf_bias(eb) - 1 - x.exp) / 2) << fb | (uint64_t)(r & 255)
	                                                                 << (fb - 8);
}

static ALWAYS_INLINE uint64_t sf_recpx(uint64_t a, int eb, int fb, uint32_t fpcr, uint32_t *fpsr)
{
	struct sf_num x = sf_unpack(a, eb, fb, fpcr, fpsr);
	uint64_t exp_ones = (1ULL << eb) - 1;
	uint64_t exp = a >> fb & exp_ones;

	if (x.cls >= SF_QNAN)
		return sf_nan(a, x.cls, eb, fb, fpcr, fpsr);
	exp = exp == 0 ? exp_ones - 1 : exp ^ exp_ones;
	return sf_zero(x.sign, eb, fb) | exp << fb;
}

SF_DEFINE_UNARY(recpe)
SF_DEFINE_UNARY(rsqrte)
SF_DEFINE_UNARY(recpx)

uint32_t softfp_urecpe(uint32_t a)
{
	if (!(a >> 31))
		return UINT32_MAX;
	return recip_estimate(a >> 23) << 23;
}

uint32_t softfp_ursqrte(uint32_t a)
{
	if (!(a >> 30))
		return UINT32_MAX;
	return rsqrt_estimate(a >> 23) << 23;
}
