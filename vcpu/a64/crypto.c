/*
 * crypto.c: AES rounds and carry-less multiplication (crypto.h), portable and by the x86
 * host's AES-NI and PCLMULQDQ.
 *
 * The portable AES computes its S-box from its definition (inversion in GF(2^8), then an
 * affine map) once, at first use.  CRYPTO_PORTABLE leaves out the host's instructions, for
 * tests.
 */
#include "vcpu/a64/crypto.h"

#include <pthread.h>

static uint8_t sbox[256], inv_sbox[256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

/* a times x modulo x^8 + x^4 + x^3 + x + 1. */
static uint8_t times2(uint8_t a)
{
	return (uint8_t)(a << 1 ^ (a >> 7) * 0x1B);
}

/* The product of a and b in that field. */
static uint8_t field_mul(uint8_t a, uint8_t b)
{
	uint8_t r = 0;

	for (; b; b >>= 1, a = times2(a))
		r ^= b & 1 ? a : 0;
	return r;
}

static void make_tables(void)
{
	uint8_t p = 1, q = 1; /* p runs through the powers of 3, q is its inverse */

	do {
		uint8_t s;

		p ^= times2(p);
		q = field_mul(q, 0xF6); /* 0xF6 is the inverse of 3 */
		s = (uint8_t)(q ^ (q << 1 | q >> 7) ^ (q << 2 | q >> 6) ^ (q << 3 | q >> 5) ^
		              (q << 4 | q >> 4) ^ 0x63);
		sbox[p] = s;
		inv_sbox[s] = p;
	} while (p != 1);
	sbox[0] = 0x63;
	inv_sbox[0x63] = 0;
}

static void soft_sub_shift(union a64_vreg *s, const union a64_vreg *key)
{
	union a64_vreg in = {.q = s->q ^ key->q};

	(void)pthread_once(&tables_once, make_tables);
	for (unsigned i = 0; i < 16; i++)
		s->b[i] = sbox[in.b[(i + 4 * (i % 4)) % 16]];
}

static void soft_inv_sub_shift(union a64_vreg *s, const union a64_vreg *key)
{
	union a64_vreg in = {.q = s->q ^ key->q};

	(void)pthread_once(&tables_once, make_tables);
	for (unsigned i = 0; i < 16; i++)
		s->b[i] = inv_sbox[in.b[(i + 12 * (i % 4)) % 16]];
}

/* Each column times the circulant matrix of c0..c3. */
static void mix(union a64_vreg *s, uint8_t c0, uint8_t c1, uint8_t c2, uint8_t c3)
{
	union a64_vreg in = *s;

	for (unsigned i = 0; i < 16; i++) {
		const uint8_t *column = in.b + i / 4 * 4;

		s->b[i] = field_mul(column[i % 4], c0) ^ field_mul(column[(i + 1) % 4], c1) ^
		          field_mul(column[(i + 2) % 4], c2) ^ field_mul(column[(i + 3) % 4], c3);
	}
}

static void soft_mix(union a64_vreg *s)
{
	mix(s, 2, 3, 1, 1);
}

static void soft_inv_mix(union a64_vreg *s)
{
	mix(s, 14, 11, 13, 9);
}

static void soft_clmul(uint64_t a, uint64_t b, uint64_t out[2])
{
	unsigned __int128 r = 0;

	for (unsigned i = 0; i < 64; i++)
		r ^= (unsigned __int128)a << i & (0 - (unsigned __int128)(b >> i & 1));
	out[0] = (uint64_t)r;
	out[1] = (uint64_t)(r >> 64);
}

#if defined(__x86_64__) && !defined(CRYPTO_PORTABLE)
#include <immintrin.h>

#define HOST_AES __attribute__((target("aes,sse2")))

static bool have_aes(void)
{
	return __builtin_cpu_supports("aes");
}

static bool have_clmul(void)
{
	return __builtin_cpu_supports("pclmul");
}

/* AESENCLAST with a zero key is SubBytes and ShiftRows alone, AESDECLAST their inverses. */
HOST_AES static void host_sub_shift(union a64_vreg *s, const union a64_vreg *key)
{
	__m128i v =
	    _mm_xor_si128(_mm_load_si128((const __m128i *)s), _mm_load_si128((const __m128i *)key));

	_mm_store_si128((__m128i *)s, _mm_aesenclast_si128(v, _mm_setzero_si128()));
}

HOST_AES static void host_inv_sub_shift(union a64_vreg *s, const union a64_vreg *key)
{
	__m128i v =
	    _mm_xor_si128(_mm_load_si128((const __m128i *)s), _mm_load_si128((const __m128i *)key));

	_mm_store_si128((__m128i *)s, _mm_aesdeclast_si128(v, _mm_setzero_si128()));
}

HOST_AES static void host_mix(union a64_vreg *s)
{
	__m128i v = _mm_aesdeclast_si128(_mm_load_si128((const __m128i *)s), _mm_setzero_si128());

	_mm_store_si128((__m128i *)s, _mm_aesenc_si128(v, _mm_setzero_si128()));
}

HOST_AES static void host_inv_mix(union a64_vreg *s)
{
	__m128i v = _mm_load_si128((const __m128i *)s);

	_mm_store_si128((__m128i *)s, _mm_aesimc_si128(v));
}

__attribute__((target("pclmul,sse2"))) static void host_clmul(uint64_t a, uint64_t b,
                                                              uint64_t out[2])
{
	__m128i r =
	    _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)a), _mm_cvtsi64_si128((int64_t)b), 0);

	_mm_storeu_si128((__m128i *)(void *)out, r);
}

#else

static bool have_aes(void)
{
	return false;
}

static bool have_clmul(void)
{
	return false;
}

#define host_sub_shift     soft_sub_shift
#define host_inv_sub_shift soft_inv_sub_shift
#define host_mix           soft_mix
#define host_inv_mix       soft_inv_mix
#define host_clmul         soft_clmul

#endif

void crypto_clmul(uint64_t a, uint64_t b, uint64_t out[2])
{
	(have_clmul() ? host_clmul : soft_clmul)(a, b, out);
}

void crypto_aes_sub_shift(union a64_vreg *s, const union a64_vreg *key)
{
	(have_aes() ? host_sub_shift : soft_sub_shift)(s, key);
}

void crypto_aes_inv_sub_shift(union a64_vreg *s, const union a64_vreg *key)
{
	(have_aes() ? host_inv_sub_shift : soft_inv_sub_shift)(s, key);
}

void crypto_aes_mix(union a64_vreg *s)
{
	(have_aes() ? host_mix : soft_mix)(s);
}

void crypto_aes_inv_mix(union a64_vreg *s)
{
	(have_aes() ? host_inv_mix : soft_inv_mix)(s);
}
