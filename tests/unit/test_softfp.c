/*
 * Tests softfp against the host's arithmetic (values and exception flags, four roundings) on
 * random and special operands, and against constants where Arm differs from the host: NaNs,
 * flushing, half precision, saturation, estimates, rounding to odd.
 */
#include "vcpu/a64/softfp.h"

#include <fenv.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define MANY 20000

static uint64_t rng = 1;

static uint64_t next_random(void)
{
	uint64_t z = rng += 0x9E3779B97F4A7C15u;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

/* Doubles of all kinds but NaNs: special ones, near one, near the ends of the range, any. */
static uint64_t operand64(void)
{
	static const uint64_t special[] = {
	    0,
	    1,
	    0x000FFFFFFFFFFFFF,
	    0x0010000000000000,
	    0x3FF0000000000000,
	    0x4000000000000000,
	    0x3FE0000000000000,
	    0x7FEFFFFFFFFFFFFF,
	    0x7FF0000000000000,
	    0x3FF0000000000001,
	    0x4330000000000000,
	    0x3CA0000000000000,
	    0x4008000000000000,
	};
	uint64_t r = next_random(), sign = r & 1ULL << 63;

	switch (r & 7) {
	case 0:
	case 1:
		return sign | special[r / 8 % ARRAY_LEN(special)];
	case 2:
	case 3:
		return sign | (0x3FC0000000000000 + (r >> 8 & 0x007FFFFFFFFFFFFF));
	case 4:
		return sign | (r >> 8 & 0x003FFFFFFFFFFFFF);
	case 5:
		return sign | (0x7FC0000000000000 + (r >> 8 & 0x002FFFFFFFFFFFFF));
	default:
		r ^= next_random() << 20;
		return (r << 1) > (2047ULL << 53) ? sign : r;
	}
}

static double as_double(uint64_t v)
{
	double f;

	memcpy(&f, &v, sizeof(f));
	return f;
}

static uint64_t as_bits(double f)
{
	uint64_t v;

	memcpy(&v, &f, sizeof(v));
	return v;
}

static const int host_rounding[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};

/* FPSR from the host's flags; Underflow apart, which hosts detect after rounding. */
static uint32_t host_flags(void)
{
	int e = fetestexcept(FE_ALL_EXCEPT);

	return (e & FE_INVALID ? FPSR_IOC : 0) | (e & FE_DIVBYZERO ? FPSR_DZC : 0) |
	       (e & FE_OVERFLOW ? FPSR_OFC : 0) | (e & FE_INEXACT ? FPSR_IXC : 0);
}

static void same(const char *what, uint64_t a, uint64_t b, unsigned mode, uint64_t soft,
                 uint32_t soft_flags, double host, uint32_t flags)
{
	bool nan = isnan(host);

	if ((nan ? soft == 0x7FF8000000000000 : soft == as_bits(host)) &&
	    (soft_flags & ~FPSR_UFC) == flags)
		return;
	fail_msg("%s(%016lx, %016lx) mode %u: %016lx flags %x, host %016lx flags %x", what, a, b,
	         mode, soft, soft_flags, as_bits(host), flags);
}

#define AGAINST_HOST(name, call, expression)                                       \
	static void test_##name##_against_host(void **state)                       \
	{                                                                          \
		(void)state;                                                       \
		for (unsigned i = 0; i < MANY; i++) {                              \
			uint64_t a = operand64(), b = operand64();                 \
			unsigned mode = i & 3;                                     \
			uint32_t fpsr = 0, fpcr = mode << FPCR_RMODE_SHIFT, flags; \
			uint64_t soft = call;                                      \
			volatile double x = as_double(a), y = as_double(b), r;     \
                                                                                   \
			(void)x;                                                   \
			(void)y;                                                   \
			fesetround(host_rounding[mode]);                           \
			feclearexcept(FE_ALL_EXCEPT);                              \
			r = (expression);                                          \
			flags = host_flags();                                      \
			fesetround(FE_TONEAREST);                                  \
			same(#name, a, b, mode, soft, fpsr, r, flags);             \
		}                                                                  \
	}
AGAINST_HOST(add, softfp_add64(a, b, fpcr, &fpsr), x + y)
AGAINST_HOST(sub, softfp_sub64(a, b, fpcr, &fpsr), x - y)
AGAINST_HOST(mul, softfp_mul64(a, b, fpcr, &fpsr), x *y)
AGAINST_HOST(div, softfp_div64(a, b, fpcr, &fpsr), x / y)
AGAINST_HOST(sqrt, softfp_sqrt64(a, fpcr, &fpsr), sqrt(x))

/* Narrowing and widening; the expected value is widened again for the comparison. */
AGAINST_HOST(narrow,
             softfp_32_to_64(softfp_64_to_32(a, softfp_rmode(fpcr), fpcr, &fpsr), fpcr,
                             &(uint32_t){0}),
             (double)(float)x)
AGAINST_HOST(from_signed, softfp_from_fixed64(a, 0, false, fpcr, &fpsr), (double)(int64_t)a)

/* Single precision through double: exact for these operations before the last rounding. */
static void test_single_against_double(void **state)
{
	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		uint32_t a = (uint32_t)(operand64() >> 32), b = (uint32_t)(operand64() >> 32);
		uint32_t fpsr = 0, narrowed = 0, ignored = 0;
		uint64_t wide;

		if ((a << 1) > 0xFF000000u || (b << 1) > 0xFF000000u)
			continue;
		wide = softfp_mul64(softfp_32_to_64(a, 0, &ignored),
		                    softfp_32_to_64(b, 0, &ignored), 0, &narrowed);
		assert_int_equal(softfp_mul32(a, b, 0, &fpsr),
		                 softfp_64_to_32(wide, SOFTFP_NEAREST_EVEN, 0, &narrowed));
		assert_int_equal(fpsr, narrowed);
	}
}

/* a * b + c: against the host's exact product of halves of the bits. */
static void test_fused_rounds_once(void **state)
{
	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		uint64_t a = operand64(), b = operand64(), c = operand64();
		uint32_t fpsr = 0;
		double host = fma(as_double(a), as_double(b), as_double(c));
		uint64_t soft = softfp_muladd64(c, a, b, 0, &fpsr);

		if (isnan(host))
			assert_int_equal(soft, 0x7FF8000000000000);
		else
			assert_int_equal(soft, as_bits(host));
	}
}

static void test_nan_priority(void **state)
{
	const uint64_t q1 = 0x7FF8000000000001, q2 = 0xFFF8000000000002, s = 0x7FF0000000000003;
	uint32_t f = 0;

	(void)state;
	assert_int_equal(softfp_add64(q1, q2, 0, &f), q1);
	assert_int_equal(f, 0);
	assert_int_equal(softfp_add64(q1, s, 0, &f), s | 1ULL << 51);
	assert_int_equal(f, FPSR_IOC);
	assert_int_equal(softfp_add64(q1, q2, FPCR_DN, &f), 0x7FF8000000000000);
	/* The addend's signalling NaN first; inf * 0 + quiet NaN is the default NaN. */
	assert_int_equal(softfp_muladd64(s, q1, q2, 0, &f), s | 1ULL << 51);
	f = 0;
	assert_int_equal(softfp_muladd64(q2, 0x7FF0000000000000, 0, 0, &f), 0x7FF8000000000000);
	assert_int_equal(f, FPSR_IOC);
	/* The number wins against a quiet NaN only in FMAXNM and FMINNM. */
	f = 0;
	assert_int_equal(softfp_maxnm64(q1, 0x3FF0000000000000, 0, &f), 0x3FF0000000000000);
	assert_int_equal(softfp_max64(q1, 0x3FF0000000000000, 0, &f), q1);
	assert_int_equal(softfp_min64(0, 1ULL << 63, 0, &f), 1ULL << 63);
	assert_int_equal(softfp_max64(1ULL << 63, 0, 0, &f), 0);
	assert_int_equal(f, 0);
}

static void test_flushing(void **state)
{
	uint32_t f = 0;

	(void)state;
	assert_int_equal(softfp_add32(0x00000001, 0x3F800000, FPCR_FZ, &f), 0x3F800000);
	assert_int_equal(f, FPSR_IDC);
	f = 0;
	assert_int_equal(softfp_mul32(0x00800000, 0x3F000000, FPCR_FZ, &f), 0);
	assert_int_equal(f, FPSR_UFC);
	f = 0; /* tiny before rounding: flushed though it would round to the smallest normal */
	assert_int_equal(softfp_mul32(0x3F7FFFFF, 0x00800000, FPCR_FZ, &f), 0);
	assert_int_equal(f, FPSR_UFC);
	f = 0;
	assert_int_equal(softfp_mul32(0x00800000, 0x3F7FFFFF, 0, &f), 0x00800000);
	assert_int_equal(f, FPSR_UFC | FPSR_IXC);
	f = 0; /* half precision is never flushed */
	assert_int_equal(softfp_16_to_32(0x0001, FPCR_FZ, &f), 0x33800000);
	assert_int_equal(softfp_32_to_16(0x33800000, FPCR_FZ, &f), 0x0001);
	assert_int_equal(f, 0);
}

static void test_half_precision(void **state)
{
	uint32_t f = 0, scratch = 0;

	(void)state;
	for (uint32_t h = 0; h < 0x10000; h++) /* all but NaNs go there and back */
		if ((h & 0x7FFF) <= 0x7C00)
			assert_int_equal(
			    softfp_64_to_16(softfp_16_to_64((uint16_t)h, 0, &f), 0, &f), h);
	assert_int_equal(f, 0);
	assert_int_equal(softfp_32_to_16(0x477FF000, 0, &f), 0x7C00);
	assert_int_equal(f, FPSR_OFC | FPSR_IXC);
	/* The alternative format has numbers where infinities and NaNs were. */
	f = 0;
	assert_int_equal(softfp_32_to_16(0x47800000, FPCR_AHP, &f), 0x7C00);
	assert_int_equal(softfp_16_to_32(0x7FFF, FPCR_AHP, &f), 0x47FFE000);
	assert_int_equal(f, 0);
	assert_int_equal(softfp_32_to_16(0xFF800000, FPCR_AHP, &f), 0xFFFF);
	assert_int_equal(f, FPSR_IOC);
	assert_int_equal(softfp_32_to_16(0xFFC00001, FPCR_AHP, &scratch), 0x8000);
}

static void test_integers_saturate(void **state)
{
	uint32_t f = 0;
	bool exact;

	(void)state;
	assert_int_equal(softfp_to_fixed64(0x41E0000000000000, 0, false, 32, SOFTFP_ZERO, 0, &f),
	                 0x7FFFFFFF);
	assert_int_equal(f, FPSR_IOC);
	f = 0;
	assert_int_equal(softfp_to_fixed64(0xC1E0000000000000, 0, false, 32, SOFTFP_ZERO, 0, &f),
	                 0x80000000);
	assert_int_equal(f, 0);
	assert_int_equal(
	    softfp_to_fixed64(0x4004000000000000, 0, true, 64, SOFTFP_NEAREST_EVEN, 0, &f), 2);
	assert_int_equal(
	    softfp_to_fixed64(0x4004000000000000, 0, true, 64, SOFTFP_NEAREST_AWAY, 0, &f), 3);
	assert_int_equal(f, FPSR_IXC);
	f = 0;
	assert_int_equal(softfp_to_fixed32(0xBF800000, 0, true, 32, SOFTFP_ZERO, 0, &f), 0);
	assert_int_equal(f, FPSR_IOC);
	/* 2^32 + 5 modulo 2^32. */
	f = 0;
	assert_int_equal(softfp_to_fixed_js(0x41F0000000500000, &exact, 0, &f), 5);
	assert_false(exact);
	assert_int_equal(f, FPSR_IOC);
	assert_int_equal(softfp_to_fixed_js(0xC014000000000000, &exact, 0, &f), (uint32_t)-5);
	assert_true(exact);
	assert_int_equal(softfp_to_fixed_js(1ULL << 63, &exact, 0, &f), 0);
	assert_false(exact); /* -0 */
}

static void test_integral_rounding(void **state)
{
	const uint64_t half = 0xBFE0000000000000; /* -0.5 */
	uint32_t f = 0;

	(void)state;
	assert_int_equal(softfp_rint64(half, SOFTFP_NEAREST_EVEN, false, 0, &f), 1ULL << 63);
	assert_int_equal(softfp_rint64(half, SOFTFP_NEAREST_AWAY, false, 0, &f),
	                 0xBFF0000000000000);
	assert_int_equal(softfp_rint64(half, SOFTFP_MINUS_INF, false, 0, &f), 0xBFF0000000000000);
	assert_int_equal(f, 0);
	assert_int_equal(softfp_rint64(half, SOFTFP_PLUS_INF, true, 0, &f), 1ULL << 63);
	assert_int_equal(f, FPSR_IXC);
	/* To odd: the last bit is set when anything was lost. */
	assert_int_equal(softfp_64_to_32(0x3FF0000000000001, SOFTFP_ODD, 0, &f), 0x3F800001);
	assert_int_equal(softfp_64_to_32(0x7FE0000000000000, SOFTFP_ODD, 0, &f), 0x7F7FFFFF);
}

static void test_estimates(void **state)
{
	uint32_t f = 0;

	(void)state;
	assert_int_equal(softfp_recpe32(0x3F800000, 0, &f), 0x3F7F8000);
	assert_int_equal(softfp_rsqrte32(0x3F800000, 0, &f), 0x3F7F8000);
	assert_int_equal(softfp_rsqrte32(0x40800000, 0, &f), 0x3EFF8000);
	assert_int_equal(softfp_recpe64(0x4000000000000000, 0, &f), 0x3FDFF00000000000);
	assert_int_equal(softfp_urecpe(0x80000000), 0xFF800000);
	assert_int_equal(softfp_urecpe(0x7FFFFFFF), 0xFFFFFFFF);
	assert_int_equal(softfp_ursqrte(0x40000000), 0xFF800000);
	assert_int_equal(f, 0);
	assert_int_equal(softfp_recpe32(0x80000000, 0, &f), 0xFF800000);
	assert_int_equal(f, FPSR_DZC);
	f = 0; /* the steps' special cases */
	assert_int_equal(softfp_recps32(0, 0x7F800000, 0, &f), 0x40000000);
	assert_int_equal(softfp_rsqrts32(0, 0x7F800000, 0, &f), 0x3FC00000);
	assert_int_equal(softfp_mulx32(0x80000000, 0x7F800000, 0, &f), 0xC0000000);
	assert_int_equal(f, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_add_against_host),
	    cmocka_unit_test(test_sub_against_host),
	    cmocka_unit_test(test_mul_against_host),
	    cmocka_unit_test(test_div_against_host),
	    cmocka_unit_test(test_sqrt_against_host),
	    cmocka_unit_test(test_narrow_against_host),
	    cmocka_unit_test(test_from_signed_against_host),
	    cmocka_unit_test(test_single_against_double),
	    cmocka_unit_test(test_fused_rounds_once),
	    cmocka_unit_test(test_nan_priority),
	    cmocka_unit_test(test_flushing),
	    cmocka_unit_test(test_half_precision),
	    cmocka_unit_test(test_integers_saturate),
	    cmocka_unit_test(test_integral_rounding),
	    cmocka_unit_test(test_estimates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
