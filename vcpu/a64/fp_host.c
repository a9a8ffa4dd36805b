/*
 * fp_host.c: the FP operations for which the host may or may not have an instruction: fused
 * multiply-add (FMA on x86, found out at run time) and square root.
 */
#include "vcpu/a64/simd_fp.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define HOST_FMA __attribute__((target("fma,avx")))

static bool have_fma(void)
{
	return __builtin_cpu_supports("fma");
}

HOST_FMA static uint32_t host_muladd32(uint32_t addend, uint32_t a, uint32_t b)
{
	return fp_bits32(__builtin_fmaf(fp_float(a), fp_float(b), fp_float(addend)));
}

HOST_FMA static uint64_t host_muladd64(uint64_t addend, uint64_t a, uint64_t b)
{
	return fp_bits64(__builtin_fma(fp_double(a), fp_double(b), fp_double(addend)));
}

/* r = d + n * m, or d - n * m, in lanes of 64 or 32 bits. */
HOST_FMA static ALWAYS_INLINE void host_muladd_v(union a64_vreg *r, const union a64_vreg *d,
                                                 const union a64_vreg *n, const union a64_vreg *m,
                                                 bool is64, bool negate)
{
	if (is64) {
		__m128d vd = _mm_load_pd((const double *)d), vn = _mm_load_pd((const double *)n);
		__m128d vm = _mm_load_pd((const double *)m);

		vd = negate ? _mm_fnmadd_pd(vn, vm, vd) : _mm_fmadd_pd(vn, vm, vd);
		_mm_store_pd((double *)r, vd);
	} else {
		__m128 vd = _mm_load_ps((const float *)d), vn = _mm_load_ps((const float *)n);
		__m128 vm = _mm_load_ps((const float *)m);

		vd = negate ? _mm_fnmadd_ps(vn, vm, vd) : _mm_fmadd_ps(vn, vm, vd);
		_mm_store_ps((float *)r, vd);
	}
}

static uint32_t host_sqrt32(uint32_t a)
{
	__m128 v = _mm_set_ss(fp_float(a));

	return fp_bits32(_mm_cvtss_f32(_mm_sqrt_ss(v)));
}

static uint64_t host_sqrt64(uint64_t a)
{
	__m128d v = _mm_set_sd(fp_double(a));

	return fp_bits64(_mm_cvtsd_f64(_mm_sqrt_sd(v, v)));
}

#else /* every arm64 host has both */

static bool have_fma(void)
{
	return true;
}

static uint32_t host_muladd32(uint32_t addend, uint32_t a, uint32_t b)
{
	return fp_bits32(__builtin_fmaf(fp_float(a), fp_float(b), fp_float(addend)));
}

static uint64_t host_muladd64(uint64_t addend, uint64_t a, uint64_t b)
{
	return fp_bits64(__builtin_fma(fp_double(a), fp_double(b), fp_double(addend)));
}

#define HOST_FMA

static ALWAYS_INLINE void host_muladd_v(union a64_vreg *r, const union a64_vreg *d,
                                        const union a64_vreg *n, const union a64_vreg *m, bool is64,
                                        bool negate)
{
	const uint64_t sign64 = negate ? FP_SIGN64 : 0;
	const uint32_t sign32 = negate ? FP_SIGN32 : 0;

	for (unsigned i = 0; is64 && i < 2; i++)
		r->d[i] = host_muladd64(d->d[i], n->d[i] ^ sign64, m->d[i]);
	for (unsigned i = 0; !is64 && i < 4; i++)
		r->s[i] = host_muladd32(d->s[i], n->s[i] ^ sign32, m->s[i]);
}

static uint32_t host_sqrt32(uint32_t a)
{
	return fp_bits32(__builtin_sqrtf(fp_float(a)));
}

static uint64_t host_sqrt64(uint64_t a)
{
	return fp_bits64(__builtin_sqrt(fp_double(a)));
}

#endif

HOST_FMA static bool vector_muladd(struct a64_cpu *cpu, const struct a64_op *op,
                                   const union a64_vreg *m, bool negate)
{
	union a64_vreg r;

	host_muladd_v(&r, simd_v(cpu, a64_rd(op)), simd_v(cpu, a64_rn(op)), m, simd_sz(op), negate);
	if (UNLIKELY(!fp_all_plain(&r, op)))
		return false;
	simd_put_v(cpu, op, &r);
	return true;
}

bool fp_vector_muladd(struct a64_cpu *cpu, const struct a64_op *op, const union a64_vreg *m,
                      bool negate)
{
	return LIKELY(fp_fast(cpu) && have_fma()) && vector_muladd(cpu, op, m, negate);
}

uint32_t fp_muladd32(struct a64_cpu *cpu, uint32_t addend, uint32_t a, uint32_t b)
{
	if (LIKELY(fp_fast(cpu) && have_fma())) {
		uint32_t r = host_muladd32(addend, a, b);

		if (LIKELY(fp_plain32(r)))
			return r;
	}
	return FP_SOFT(muladd32, addend, a, b);
}

uint64_t fp_muladd64(struct a64_cpu *cpu, uint64_t addend, uint64_t a, uint64_t b)
{
	if (LIKELY(fp_fast(cpu) && have_fma())) {
		uint64_t r = host_muladd64(addend, a, b);

		if (LIKELY(fp_plain64(r)))
			return r;
	}
	return FP_SOFT(muladd64, addend, a, b);
}

/* Roots of numbers that are not negative: the host gives a NaN for others. */
uint32_t fp_sqrt32(struct a64_cpu *cpu, uint32_t a)
{
	if (LIKELY(fp_fast(cpu) && a < FP_SIGN32)) {
		uint32_t r = host_sqrt32(a);

		if (LIKELY(fp_plain32(r)))
			return r;
	}
	return FP_SOFT(sqrt32, a);
}

uint64_t fp_sqrt64(struct a64_cpu *cpu, uint64_t a)
{
	if (LIKELY(fp_fast(cpu) && a < FP_SIGN64)) {
		uint64_t r = host_sqrt64(a);

		if (LIKELY(fp_plain64(r)))
			return r;
	}
	return FP_SOFT(sqrt64, a);
}
