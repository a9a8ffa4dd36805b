/*
 * Tests the cryptographic primitives against FIPS 197's example, in the portable form and in
 * the host's, which must agree with each other on random input.
 */
#define crypto_clmul             portable_clmul
#define crypto_aes_sub_shift     portable_sub_shift
#define crypto_aes_inv_sub_shift portable_inv_sub_shift
#define crypto_aes_mix           portable_mix
#define crypto_aes_inv_mix       portable_inv_mix
#define CRYPTO_PORTABLE
#include "vcpu/a64/crypto.c"
#undef crypto_clmul
#undef crypto_aes_sub_shift
#undef crypto_aes_inv_sub_shift
#undef crypto_aes_mix
#undef crypto_aes_inv_mix
#undef VCPU_A64_CRYPTO_H
#include "vcpu/a64/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* FIPS 197 appendix B: round 1 of the cipher. */
static const union a64_vreg start = {.b = {0x19, 0x3d, 0xe3, 0xbe, 0xa0, 0xf4, 0xe2, 0x2b, 0x9a,
                                           0xc6, 0x8d, 0x2a, 0xe9, 0xf8, 0x48, 0x08}};
static const union a64_vreg shifted = {.b = {0xd4, 0xbf, 0x5d, 0x30, 0xe0, 0xb4, 0x52, 0xae, 0xb8,
                                             0x41, 0x11, 0xf1, 0x1e, 0x27, 0x98, 0xe5}};
static const union a64_vreg mixed = {.b = {0x04, 0x66, 0x81, 0xe5, 0xe0, 0xcb, 0x19, 0x9a, 0x48,
                                           0xf8, 0xd3, 0x7a, 0x28, 0x06, 0x26, 0x4c}};
static const union a64_vreg zero;

static void test_fips_197_round(void **state)
{
	union a64_vreg v = start;

	(void)state;
	portable_sub_shift(&v, &zero);
	assert_memory_equal(&v, &shifted, 16);
	portable_mix(&v);
	assert_memory_equal(&v, &mixed, 16);
	portable_inv_mix(&v);
	assert_memory_equal(&v, &shifted, 16);
	portable_inv_sub_shift(&v, &zero);
	assert_memory_equal(&v, &start, 16);
}

/* The key is added before the substitution, in both directions. */
static void test_key_comes_first(void **state)
{
	union a64_vreg a = start, b = start;
	const union a64_vreg key = {.d = {0x0123456789ABCDEF, 0xFEDCBA9876543210}};

	(void)state;
	portable_sub_shift(&a, &key);
	b.d[0] ^= key.d[0];
	b.d[1] ^= key.d[1];
	portable_sub_shift(&b, &zero);
	assert_memory_equal(&a, &b, 16);
}

static void test_host_agrees(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		union a64_vreg a, b, key;
		uint64_t p[2], q[2];

		for (unsigned j = 0; j < 2; j++) {
			a.d[j] = seed = seed * 6364136223846793005u + 1442695040888963407u;
			key.d[j] = seed = seed * 6364136223846793005u + 1442695040888963407u;
		}
		b = a;
		portable_sub_shift(&a, &key);
		crypto_aes_sub_shift(&b, &key);
		assert_memory_equal(&a, &b, 16);
		portable_inv_mix(&a);
		crypto_aes_inv_mix(&b);
		assert_memory_equal(&a, &b, 16);
		portable_inv_sub_shift(&a, &key);
		crypto_aes_inv_sub_shift(&b, &key);
		assert_memory_equal(&a, &b, 16);
		portable_mix(&a);
		crypto_aes_mix(&b);
		assert_memory_equal(&a, &b, 16);
		portable_clmul(a.d[0], key.d[1], p);
		crypto_clmul(b.d[0], key.d[1], q);
		assert_memory_equal(p, q, 16);
	}
}

static void test_carryless_product(void **state)
{
	uint64_t r[2];

	(void)state;
	portable_clmul(UINT64_MAX, 3, r); /* (x+1) times all ones: the ends remain */
	assert_int_equal(r[0], 1);
	assert_int_equal(r[1], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fips_197_round),
	    cmocka_unit_test(test_key_comes_first),
	    cmocka_unit_test(test_host_agrees),
	    cmocka_unit_test(test_carryless_product),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
