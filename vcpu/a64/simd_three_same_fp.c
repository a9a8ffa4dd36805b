/*
 * simd_three_same_fp.c: Advanced SIMD three same, floating point, single and double by bit 22;
 * vector and scalar, lane-wise and pairwise.
 */
#include "vcpu/a64/fp.h"
#include "vcpu/a64/simd_fp.h"

/* Lane by lane: r = f(n, m). */
#define LANES_FP(name, expr32, expr64)                                         \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const union a64_vreg n = *simd_v(cpu, a64_rn(op));             \
		const union a64_vreg m = *simd_v(cpu, a64_rm(op));             \
		const union a64_vreg d UNUSED = *simd_v(cpu, a64_rd(op));      \
		union a64_vreg r = {.d = {0, 0}};                              \
		const unsigned lanes = simd_fp_lanes(op);                      \
                                                                               \
		if (simd_sz(op))                                               \
			for (unsigned i = 0; i < lanes; i++) {                 \
				const uint64_t a = n.d[i], b = m.d[i];         \
                                                                               \
				r.d[i] = (expr64);                             \
			}                                                      \
		else                                                           \
			for (unsigned i = 0; i < lanes; i++) {                 \
				const uint32_t a = n.s[i], b = m.s[i];         \
                                                                               \
				r.s[i] = (expr32);                             \
			}                                                      \
		cpu->regs.v[a64_rd(op)] = r;                                   \
		return A64_OK;                                                 \
	}

LANES_FP(fmulx_v, fp_mulx32(cpu, a, b), fp_mulx64(cpu, a, b))
LANES_FP(fmax_v, fp_max32(cpu, a, b), fp_max64(cpu, a, b))
LANES_FP(fmin_v, fp_min32(cpu, a, b), fp_min64(cpu, a, b))
LANES_FP(fmaxnm_v, fp_maxnm32(cpu, a, b), fp_maxnm64(cpu, a, b))
LANES_FP(fminnm_v, fp_minnm32(cpu, a, b), fp_minnm64(cpu, a, b))
LANES_FP(frecps_v, FP_SOFT(recps32, a, b), FP_SOFT(recps64, a, b))
LANES_FP(frsqrts_v, FP_SOFT(rsqrts32, a, b), FP_SOFT(rsqrts64, a, b))
LANES_FP(fabd_v, fp_sub32(cpu, a, b) & ~FP_SIGN32, fp_sub64(cpu, a, b) & ~FP_SIGN64)

LANES_FP(fcmeq_v, 0 - (uint32_t)fp_cmeq32(cpu, a, b), 0 - (uint64_t)fp_cmeq64(cpu, a, b))
LANES_FP(fcmge_v, 0 - (uint32_t)fp_cmge32(cpu, a, b), 0 - (uint64_t)fp_cmge64(cpu, a, b))
LANES_FP(fcmgt_v, 0 - (uint32_t)fp_cmgt32(cpu, a, b), 0 - (uint64_t)fp_cmgt64(cpu, a, b))
LANES_FP(facge_v, 0 - (uint32_t)fp_cmge32(cpu, a & ~FP_SIGN32, b & ~FP_SIGN32),
         0 - (uint64_t)fp_cmge64(cpu, a & ~FP_SIGN64, b & ~FP_SIGN64))
LANES_FP(facgt_v, 0 - (uint32_t)fp_cmgt32(cpu, a & ~FP_SIGN32, b & ~FP_SIGN32),
         0 - (uint64_t)fp_cmgt64(cpu, a & ~FP_SIGN64, b & ~FP_SIGN64))

typedef float v4f __attribute__((vector_size(16)));
typedef double v2d __attribute__((vector_size(16)));

/* r = n op m in the host's vector arithmetic. */
#define HOST_VECTOR(type, operator)                      \
	{                                                \
		type x, y;                               \
                                                         \
		memcpy(&x, simd_v(cpu, a64_rn(op)), 16); \
		memcpy(&y, simd_v(cpu, a64_rm(op)), 16); \
		x = x operator y;                        \
		memcpy(&r, &x, 16);                      \
	}

/* An operation of the host: all lanes at once, and one by one when a lane is special. */
#define HOST_FP(name, base, operator)                                                   \
	static LANES_FP(                                                                \
	    base##_lanes, fp_##base##32(cpu, a, b),                                     \
	    fp_##base##64(cpu, a, b)) enum a64_next a64_##name(struct a64_cpu *cpu,     \
	                                                       const struct a64_op *op) \
	{                                                                               \
		union a64_vreg r;                                                       \
                                                                                        \
		if (LIKELY(fp_fast(cpu))) {                                             \
			if (simd_sz(op))                                                \
				HOST_VECTOR(v2d, operator)                              \
			else                                                            \
				HOST_VECTOR(v4f, operator)                              \
			if (LIKELY(fp_all_plain(&r, op))) {                             \
				simd_put_v(cpu, op, &r);                                \
				return A64_OK;                                          \
			}                                                               \
		}                                                                       \
		return a64_##base##_lanes(cpu, op);                                     \
	}

HOST_FP(fadd_v, add, +)
HOST_FP(fsub_v, sub, -)
HOST_FP(fmul_v, mul, *)
HOST_FP(fdiv_v, div, /)

/* FMLA and FMLS: d + n*m, n negated for FMLS. */
static LANES_FP(mla_lanes, fp_muladd32(cpu, d.s[i], a, b),
                fp_muladd64(cpu, d.d[i], a,
                            b)) static LANES_FP(mls_lanes,
                                                fp_muladd32(cpu, d.s[i], a ^ FP_SIGN32, b),
                                                fp_muladd64(cpu, d.d[i], a ^ FP_SIGN64, b))

    enum a64_next a64_fmla_v(struct a64_cpu *cpu, const struct a64_op *op)
{
	return LIKELY(fp_vector_muladd(cpu, op, simd_v(cpu, a64_rm(op)), false))
	           ? A64_OK
	           : a64_mla_lanes(cpu, op);
}

enum a64_next a64_fmls_v(struct a64_cpu *cpu, const struct a64_op *op)
{
	return LIKELY(fp_vector_muladd(cpu, op, simd_v(cpu, a64_rm(op)), true))
	           ? A64_OK
	           : a64_mls_lanes(cpu, op);
}

/*
 * Pairwise: lane i of the result is f of lanes 2i and 2i + 1 of Vm:Vn; the scalar form
 * reduces the lowest two lanes of Vn.
 */
#define PAIRS_FP(name, base)                                                       \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op)     \
	{                                                                          \
		const union a64_vreg n = *simd_v(cpu, a64_rn(op));                 \
		const union a64_vreg m = *simd_v(cpu, a64_rm(op));                 \
		union a64_vreg r = {.d = {0, 0}};                                  \
		const unsigned lanes = simd_fp_lanes(op), half = (lanes + 1) / 2;  \
                                                                                   \
		for (unsigned i = 0; i < lanes; i++) {                             \
			const union a64_vreg *v = i < half ? &n : &m;              \
			const unsigned j = 2 * (i % half);                         \
                                                                                   \
			if (simd_sz(op))                                           \
				r.d[i] = fp_##base##64(cpu, v->d[j], v->d[j + 1]); \
			else                                                       \
				r.s[i] = fp_##base##32(cpu, v->s[j], v->s[j + 1]); \
		}                                                                  \
		cpu->regs.v[a64_rd(op)] = r;                                       \
		return A64_OK;                                                     \
	}

PAIRS_FP(faddp_v, add)
PAIRS_FP(fmaxp_v, max)
PAIRS_FP(fminp_v, min)
PAIRS_FP(fmaxnmp_v, maxnm)
PAIRS_FP(fminnmp_v, minnm)
