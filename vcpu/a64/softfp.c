/*
 * softfp.c: addition, multiplication, division, square root, fused multiply-add and the two
 * "step" operations that are fused multiply-adds in disguise.
 */
#include "vcpu/a64/softfp_impl.h"

/* x + y for finite x and y: exponents and significands; true when the sum is exactly zero. */
static ALWAYS_INLINE bool sum(struct sf_num x, struct sf_num y, struct sf_num *out)
{
	if (x.exp < y.exp || (x.exp == y.exp && x.sig < y.sig)) {
		struct sf_num t = x;

		x = y;
		y = t;
	}
	y.sig = sf_shift_right(y.sig, x.exp - y.exp);
	if (x.sign != y.sign) {
		x.sig -= y.sig;
		if (x.sig == 0)
			return true;
		int lead = __builtin_clzll(x.sig);

		x.sig <<= lead;
		x.exp -= lead;
	} else if (add_overflows(x.sig, y.sig, &x.sig)) {
		x.sig = x.sig >> 1 | 1ULL << 63 | (x.sig & 1);
		x.exp++;
	}
	*out = x;
	return false;
}

static ALWAYS_INLINE uint64_t add_nums(uint64_t a, struct sf_num x, uint64_t b, struct sf_num y,
                                       int eb, int fb, uint32_t fpcr, uint32_t *fpsr)
{
	if (x.cls >= SF_QNAN || y.cls >= SF_QNAN)
		return sf_nans(a, x.cls, b, y.cls, eb, fb, fpcr, fpsr);
	if (x.cls == SF_INF && y.cls == SF_INF && x.sign != y.sign)
		return sf_invalid(eb, fb, fpsr);
	if (x.cls == SF_INF || y.cls == SF_INF)
		return sf_inf(x.cls == SF_INF ? x.sign : y.sign, eb, fb);
	if (x.cls == SF_ZERO && y.cls == SF_ZERO)
		return x.sign == y.sign ? sf_zero(x.sign, eb, fb) : sf_exact_zero(eb, fb, fpcr);
	if (x.cls == SF_ZERO)
		x = y;
	else if (y.cls != SF_ZERO && sum(x, y, &x))
		return sf_exact_zero(eb, fb, fpcr);
	return sf_round(x.sign, x.exp, x.sig, eb, fb, softfp_rmode(fpcr), fpcr, fpsr);
}

static ALWAYS_INLINE uint64_t sf_add(uint64_t a, uint64_t b, int eb, int fb, uint32_t fpcr,
                                     uint32_t *fpsr)
{
	struct sf_num x = sf_unpack(a, eb, fb, fpcr, fpsr);
	struct sf_num y = sf_unpack(b, eb, fb, fpcr, fpsr);

	return add_nums(a, x, b, y, eb, fb, fpcr, fpsr);
}

static ALWAYS_INLINE uint64_t sf_sub(uint64_t a, uint64_t b, int eb, int fb, uint32_t fpcr,
                                     uint32_t *fpsr)
{
	struct sf_num x = sf_unpack(a, eb, fb, fpcr, fpsr);
	struct sf_num y = sf_unpack(b, eb, fb, fpcr, fpsr);

	y.sign = !y.sign; /* a NaN is taken from b, whose sign stays */
	return add_nums(a, x, b, y, eb, fb, fpcr, fpsr);
}

/* extended: FMULX, where infinity times zero is two. */
static ALWAYS_INLINE uint64_t multiply(uint64_t a, uint64_t b, bool extended, int eb, int fb,
                                       uint32_t fpcr, uint32_t *fpsr)
{
	struct sf_num x = sf_unpack(a, eb, fb, fpcr, fpsr);
	struct sf_num y = sf_unpack(b, eb, fb, fpcr, fpsr);
	bool sign = x.sign != y.sign;
	unsigned __int128 p;
	int exp;

	if (x.cls >= SF_QNAN || y.cls >= SF_QNAN)
		return sf_nans(a, x.cls, b, y.cls, eb, fb, fpcr, fpsr);
	if ((x.cls == SF_INF && y.cls == SF_ZERO) || (x.cls == SF_ZERO && y.cls == SF_INF))
		return extended ? sf_pow2(sign, 1, eb, fb) : sf_invalid(eb, fb, fpsr);
	if (x.cls == SF_INF || y.cls == SF_INF)
		return sf_inf(sign, eb, fb);
	if (x.cls == SF_ZERO || y.cls == SF_ZERO)
		return sf_zero(sign, eb, fb);
	p = (unsigned __int128)x.sig * y.sig;
	exp = x.exp + y.exp;
	if (p >> 127)
		exp++;
	else
		p <<= 1;
	return sf_round(sign, exp, (uint64_t)(p >> 64) | ((uint64_t)p != 0), eb, fb,
	                softfp_rmode(fpcr), fpcr, fpsr);
}

static ALWAYS_INLINE uint64_t sf_mul(uint64_t a, uint64_t b, int eb, int fb, uint32_t fpcr,
                                     uint32_t *fpsr)
{
	return multiply(a, b, false, eb, fb, fpcr, fpsr);
}

static ALWAYS_INLINE uint64_t sf_mulx(uint64_t a, uint64_t b, int eb, int fb, uint32_t fpcr,
                                      uint32_t *fpsr)
{
	return multiply(a, b, true, eb, fb, fpcr, fpsr);
}

static ALWAYS_INLINE uint64_t sf_div(uint64_t a, uint64_t b, int eb, int fb, uint32_t fpcr,
                                     uint32_t *fpsr)
{
	struct sf_num x = sf_unpack(a, eb, fb, fpcr, fpsr);
	struct sf_num y = sf_unpack(b, eb, fb, fpcr, fpsr);
	bool sign = x.sign != y.sign;
	unsigned __int128 dividend;
	uint64_t q;
	int exp;

	if (x.cls >= SF_QNAN || y.cls >= SF_QNAN)
		return sf_nans(a, x.cls, b, y.cls, eb, fb, fpcr, fpsr);
	if (x.cls == y.cls && x.cls != SF_FINITE)
		return sf_invalid(eb, fb, fpsr);
	if (x.cls == SF_INF)
		return sf_inf(sign, eb, fb);
	if (x.cls == SF_ZERO || y.cls == SF_INF)
		return sf_zero(sign, eb, fb);
	if (y.cls == SF_ZERO) {
		*fpsr |= FPSR_DZC;
		return sf_inf(sign, eb, fb);
	}
	exp = x.exp - y.exp;
	dividend = (unsigned __int128)x.sig << 63;
	if (x.sig < y.sig) {
		dividend <<= 1;
		exp--;
	}
	q = (uint64_t)(dividend / y.sig);
	q |= (unsigned __int128)q * y.sig != dividend;
	return sf_round(sign, exp, q, eb, fb, softfp_rmode(fpcr), fpcr, fpsr);
}

static uint64_t root64(uint64_t v)
{
	uint64_t root = 0;

	for (uint64_t bit = 1ULL << 31; bit; bit >>= 1)
		if ((root | bit) * (root | bit) <= v)
			root |= bit;
	return root;
}

/*
 * The integer square root of v, bit 126 or 127 of which is set, sticky.  The root of the upper
 * half and one division give the lower half of the root, one too large at most (Zimmermann,
 * "Karatsuba Square Root").
 */
static uint64_t root128(unsigned __int128 v)
{
	const uint64_t high = (uint64_t)(v >> 64), low = (uint64_t)v;
	const uint64_t s = root64(high);
	const unsigned __int128 rest = (unsigned __int128)(high - s * s) << 32 | low >> 32;
	unsigned __int128 root = ((unsigned __int128)s << 32) + rest / (2 * s);

	if (root * root > v)
		root--;
	return (uint64_t)root | (root * root != v);
}

static ALWAYS_INLINE uint64_t sqroot(uint64_t a, int eb, int fb, uint32_t fpcr, uint32_t *fpsr)
{
	struct sf_num x = sf_unpack(a, eb, fb, fpcr, fpsr);
	int odd = x.exp & 1;

	if (x.cls >= SF_QNAN)
		return sf_nan(a, x.cls, eb, fb, fpcr, fpsr);
	if (x.cls == SF_ZERO)
		return sf_zero(x.sign, eb, fb);
	if (x.sign)
		return sf_invalid(eb, fb, fpsr);
	if (x.cls == SF_INF)
		return sf_inf(false, eb, fb);
	return sf_round(false, (x.exp - odd) / 2, root128((unsigned __int128)x.sig << (63 + odd)),
	                eb, fb, softfp_rmode(fpcr), fpcr, fpsr);
}

/* (x + y * z) * 2^scale rounded once; y and z finite, x finite or zero. */
static ALWAYS_INLINE uint64_t fused(struct sf_num x, struct sf_num y, struct sf_num z, int scale,
                                    int eb, int fb, uint32_t fpcr, uint32_t *fpsr)
{
	/* Both terms as sig * 2^(exp - 127), bit 126 or 127 set in sig. */
	unsigned __int128 p = (unsigned __int128)y.sig * z.sig;
	unsigned __int128 s = (unsigned __int128)x.sig << 63;
	bool sign = y.sign != z.sign;
	int exp = y.exp + z.exp + 1;

	if (x.cls == SF_ZERO) {
		s = 0;
	} else if (x.exp + 1 > exp) {
		p = sf_shift_right128(p, x.exp + 1 - exp);
		exp = x.exp + 1;
	} else {
		s = sf_shift_right128(s, exp - x.exp - 1);
	}
	if (sign == x.sign) {
		if (add_overflows(p, s, &p)) {
			p = p >> 1 | (unsigned __int128)1 << 127 | (p & 1);
			exp++;
		}
	} else if (p >= s) {
		p -= s;
	} else {
		p = s - p;
		sign = x.sign;
	}
	if (p == 0)
		return sf_exact_zero(eb, fb, fpcr);
	while (!(p >> 64)) {
		p <<= 64;
		exp -= 64;
	}
	int lead = __builtin_clzll((uint64_t)(p >> 64));

	p <<= lead;
	exp -= lead;
	return sf_round(sign, exp + scale, (uint64_t)(p >> 64) | ((uint64_t)p != 0), eb, fb,
	                softfp_rmode(fpcr), fpcr, fpsr);
}

/* FPProcessNaNs3 for operands of which at least one is a NaN. */
static ALWAYS_INLINE uint64_t nans3(uint64_t a, enum sf_class ca, uint64_t b, enum sf_class cb,
                                    uint64_t c, enum sf_class cc, int eb, int fb, uint32_t fpcr,
                                    uint32_t *fpsr)
{
	if (ca == SF_SNAN)
		return sf_nan(a, ca, eb, fb, fpcr, fpsr);
	if (cb == SF_SNAN)
		return sf_nan(b, cb, eb, fb, fpcr, fpsr);
	if (cc == SF_SNAN)
		return sf_nan(c, cc, eb, fb, fpcr, fpsr);
	if (ca == SF_QNAN)
		return sf_nan(a, ca, eb, fb, fpcr, fpsr);
	if (cb == SF_QNAN)
		return sf_nan(b, cb, eb, fb, fpcr, fpsr);
	return sf_nan(c, cc, eb, fb, fpcr, fpsr);
}

static ALWAYS_INLINE uint64_t muladd(uint64_t addend, uint64_t a, uint64_t b, int eb, int fb,
                                     uint32_t fpcr, uint32_t *fpsr)
{
	struct sf_num x = sf_unpack(addend, eb, fb, fpcr, fpsr);
	struct sf_num y = sf_unpack(a, eb, fb, fpcr, fpsr);
	struct sf_num z = sf_unpack(b, eb, fb, fpcr, fpsr);
	bool sign = y.sign != z.sign;
	bool inf_times_zero =
	    (y.cls == SF_INF && z.cls == SF_ZERO) || (y.cls == SF_ZERO && z.cls == SF_INF);

	if (inf_times_zero && x.cls == SF_QNAN)
		return sf_invalid(eb, fb, fpsr);
	if (x.cls >= SF_QNAN || y.cls >= SF_QNAN || z.cls >= SF_QNAN)
		return nans3(addend, x.cls, a, y.cls, b, z.cls, eb, fb, fpcr, fpsr);
	if (inf_times_zero)
		return sf_invalid(eb, fb, fpsr);
	if (y.cls == SF_INF || z.cls == SF_INF) {
		if (x.cls == SF_INF && x.sign != sign)
			return sf_invalid(eb, fb, fpsr);
		return sf_inf(sign, eb, fb);
	}
	if (x.cls == SF_INF)
		return sf_inf(x.sign, eb, fb);
	if (y.cls == SF_ZERO || z.cls == SF_ZERO) {
		if (x.cls == SF_ZERO)
			return x.sign == sign ? sf_zero(sign, eb, fb) : sf_exact_zero(eb, fb, fpcr);
		return sf_round(x.sign, x.exp, x.sig, eb, fb, softfp_rmode(fpcr), fpcr, fpsr);
	}
	return fused(x, y, z, 0, eb, fb, fpcr, fpsr);
}

/* (addend - a*b) * 2^scale; special: the bits of the result for infinity times zero. */
static ALWAYS_INLINE uint64_t step(uint64_t a, uint64_t b, struct sf_num addend, uint64_t special,
                                   int scale, int eb, int fb, uint32_t fpcr, uint32_t *fpsr)
{
	a ^= sf_zero(true, eb, fb); /* a NaN operand changes its sign as well */
	struct sf_num y = sf_unpack(a, eb, fb, fpcr, fpsr);
	struct sf_num z = sf_unpack(b, eb, fb, fpcr, fpsr);

	if (y.cls >= SF_QNAN || z.cls >= SF_QNAN)
		return sf_nans(a, y.cls, b, z.cls, eb, fb, fpcr, fpsr);
	if ((y.cls == SF_INF && z.cls == SF_ZERO) || (y.cls == SF_ZERO && z.cls == SF_INF))
		return special;
	if (y.cls == SF_INF || z.cls == SF_INF)
		return sf_inf(y.sign != z.sign, eb, fb);
	if (y.cls == SF_ZERO || z.cls == SF_ZERO)
		return special;
	return fused(addend, y, z, scale, eb, fb, fpcr, fpsr);
}

static ALWAYS_INLINE uint64_t sf_recps(uint64_t a, uint64_t b, int eb, int fb, uint32_t fpcr,
                                       uint32_t *fpsr)
{
	const struct sf_num two = {SF_FINITE, false, 1, 1ULL << 63};

	return step(a, b, two, sf_pow2(false, 1, eb, fb), 0, eb, fb, fpcr, fpsr);
}

static ALWAYS_INLINE uint64_t sf_rsqrts(uint64_t a, uint64_t b, int eb, int fb, uint32_t fpcr,
                                        uint32_t *fpsr)
{
	const struct sf_num three = {SF_FINITE, false, 1, 3ULL << 62};
	uint64_t one_and_half = sf_pow2(false, 0, eb, fb) | 1ULL << (fb - 1);

	return step(a, b, three, one_and_half, -1, eb, fb, fpcr, fpsr);
}

SF_DEFINE_BINARY(add)
SF_DEFINE_BINARY(sub)
SF_DEFINE_BINARY(mul)
SF_DEFINE_BINARY(mulx)
SF_DEFINE_BINARY(div)
SF_DEFINE_BINARY(recps)
SF_DEFINE_BINARY(rsqrts)

uint32_t softfp_sqrt32(uint32_t a, uint32_t fpcr, uint32_t *fpsr)
{
	return (uint32_t)sqroot(a, SF_SINGLE, fpcr, fpsr);
}

uint64_t softfp_sqrt64(uint64_t a, uint32_t fpcr, uint32_t *fpsr)
{
	return sqroot(a, SF_DOUBLE, fpcr, fpsr);
}

uint32_t softfp_muladd32(uint32_t addend, uint32_t a, uint32_t b, uint32_t fpcr, uint32_t *fpsr)
{
	return (uint32_t)muladd(addend, a, b, SF_SINGLE, fpcr, fpsr);
}

uint64_t softfp_muladd64(uint64_t addend, uint64_t a, uint64_t b, uint32_t fpcr, uint32_t *fpsr)
{
	return muladd(addend, a, b, SF_DOUBLE, fpcr, fpsr);
}
