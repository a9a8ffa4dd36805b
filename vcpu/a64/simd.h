/*
 * simd.h: what the Advanced SIMD handlers share: registers by width, forms, lane loops.
 *
 * Vector forms have bit 28 of the word clear and Q in bit 30; the scalar forms of the same
 * operations have bit 28 set and work on lane 0 of the size.  So one handler serves both.
 * Lane loops run over all 128 bits with a constant count, so that the compiler turns them
 * into vector code; what lies beyond the form's width is cut off when the result is stored.
 */
#ifndef VCPU_A64_SIMD_H
#define VCPU_A64_SIMD_H

#include "vcpu/a64/a64.h"
#include "vcpu/a64/softfp.h"

#define SIMD_B 0
#define SIMD_H 1
#define SIMD_S 2
#define SIMD_D 3

static ALWAYS_INLINE bool simd_q(const struct a64_op *op)
{
	return (op->word >> 30) & 1;
}

static ALWAYS_INLINE bool simd_is_scalar(const struct a64_op *op)
{
	return (op->word >> 28) & 1;
}

/* The size field in bits 23..22. */
static ALWAYS_INLINE unsigned simd_size(const struct a64_op *op)
{
	return (op->word >> 22) & 3;
}

/* The "sz" bit of FP forms: double precision? */
static ALWAYS_INLINE bool simd_sz(const struct a64_op *op)
{
	return (op->word >> 22) & 1;
}

static ALWAYS_INLINE const union a64_vreg *simd_v(const struct a64_cpu *cpu, unsigned r)
{
	return &cpu->regs.v[r];
}

/* Lane 0 of a register; writing it clears the rest. */
static ALWAYS_INLINE void simd_set_s(struct a64_cpu *cpu, unsigned r, uint32_t v)
{
	cpu->regs.v[r].d[0] = v;
	cpu->regs.v[r].d[1] = 0;
}

static ALWAYS_INLINE void simd_set_d(struct a64_cpu *cpu, unsigned r, uint64_t v)
{
	cpu->regs.v[r].d[0] = v;
	cpu->regs.v[r].d[1] = 0;
}

/* How many bytes the form works on, with lanes of 1 << size bytes. */
static ALWAYS_INLINE unsigned simd_bytes(const struct a64_op *op, unsigned size)
{
	return simd_is_scalar(op) ? 1u << size : 8u << simd_q(op);
}

/* All but the lowest bytes (1, 2, 4, 8 or 16) cleared. */
static ALWAYS_INLINE void simd_cut(union a64_vreg *v, unsigned bytes)
{
	if (bytes == 16)
		return;
	v->d[1] = 0;
	v->d[0] &= UINT64_MAX >> (64 - 8 * bytes);
}

/* A source register, cleared beyond the form's width: for operations that report. */
static ALWAYS_INLINE union a64_vreg simd_get_cut(const struct a64_cpu *cpu, unsigned r,
                                                 unsigned bytes)
{
	union a64_vreg v = cpu->regs.v[r];

	simd_cut(&v, bytes);
	return v;
}

/* Writes rd. */
static ALWAYS_INLINE void simd_put(struct a64_cpu *cpu, const struct a64_op *op, union a64_vreg *r,
                                   unsigned size)
{
	simd_cut(r, simd_bytes(op, size));
	cpu->regs.v[a64_rd(op)] = *r;
}

/* Writes rd for vector-only forms. */
static ALWAYS_INLINE void simd_put_v(struct a64_cpu *cpu, const struct a64_op *op,
                                     union a64_vreg *r)
{
	/* As one store: halves would not be forwarded to the next vector load. */
	typedef uint64_t whole __attribute__((vector_size(16)));
	whole v;

	memcpy(&v, r, sizeof(v));
	v &= (whole){UINT64_MAX, 0 - (uint64_t)simd_q(op)};
	memcpy(&cpu->regs.v[a64_rd(op)], &v, sizeof(v));
}

/* Writes rd with the result of a narrowing form: its lower half (and clears the upper), the
 * upper half when Q is set, or lane 0 of a scalar form. */
static ALWAYS_INLINE void simd_put_narrow(struct a64_cpu *cpu, const struct a64_op *op,
                                          const union a64_vreg *r)
{
	union a64_vreg *d = &cpu->regs.v[a64_rd(op)];

	if (simd_q(op) && !simd_is_scalar(op)) {
		d->d[1] = r->d[0];
	} else {
		d->d[0] = r->d[0];
		d->d[1] = 0;
	}
}

static ALWAYS_INLINE void simd_saturated(struct a64_cpu *cpu, bool sat)
{
	cpu->regs.fpsr |= sat ? FPSR_QC : 0;
}

/* Vn and Vm laid side by side, each of the form's width; zeros behind a 64-bit form. */
static ALWAYS_INLINE void simd_join(const struct a64_cpu *cpu, const struct a64_op *op,
                                    uint8_t both[32])
{
	const uint8_t *n = simd_v(cpu, a64_rn(op))->b, *m = simd_v(cpu, a64_rm(op))->b;

	if (simd_q(op)) {
		memcpy(both, n, 16);
		memcpy(both + 16, m, 16);
	} else {
		memcpy(both, n, 8);
		memcpy(both + 8, m, 8);
		memset(both + 16, 0, 16);
	}
}

/* Lanes of FP forms. */
static ALWAYS_INLINE unsigned simd_fp_lanes(const struct a64_op *op)
{
	return simd_is_scalar(op) ? 1 : (simd_q(op) ? 4 : 2) >> simd_sz(op);
}

/* A signed lane as the unsigned type of its width, whose arithmetic wraps. */
#define SIMD_WRAP(x)                      \
	_Generic((x), int8_t              \
	         : (uint8_t)(x), int16_t  \
	         : (uint16_t)(x), int32_t \
	         : (uint32_t)(x), int64_t \
	         : (uint64_t)(x), default \
	         : (x))

/*
 * Lane loops: r.<field>[i] = expr, where a, b and o are lane i of n, m and d taken as `type`;
 * n, m, d and r are variables of the caller.
 */
#define SIMD_LOOP3(field, type, expr)                          \
	for (unsigned i = 0; i < ARRAY_LEN(r.field); i++) {    \
		typedef type lane;                             \
		const lane a = (lane)n.field[i];               \
		const lane b = (lane)m.field[i];               \
		const lane o = (lane)d.field[i];               \
		const unsigned bits UNUSED = 8 * sizeof(lane); \
                                                               \
		(void)a;                                       \
		(void)b;                                       \
		(void)o;                                       \
		r.field[i] = (expr);                           \
	}
#define SIMD_LOOP2(field, type, expr)                          \
	for (unsigned i = 0; i < ARRAY_LEN(r.field); i++) {    \
		typedef type lane;                             \
		const lane a = (lane)n.field[i];               \
		const unsigned bits UNUSED = 8 * sizeof(lane); \
                                                               \
		r.field[i] = (expr);                           \
	}

/*
 * Narrowing: lane i of the lower half of r, of type sign<dst>_t, from lane a, of twice the
 * width, of n.  Widening: lane i of r from a of n and b of m, lanes of half the width in their
 * d[0], and o of the old d.  bits is the narrow width.
 */
#define SIMD_LOOP_NARROW(to, from, dst, src, sign, expr)   \
	for (unsigned i = 0; i < ARRAY_LEN(r.from); i++) { \
		typedef sign##src##_t lane;                \
		const lane a = (lane)n.from[i];            \
		const unsigned bits UNUSED = dst;          \
                                                           \
		r.to[i] = (expr);                          \
	}
#define SIMD_LOOP_WIDEN(to, from, dst, src, sign, expr)  \
	for (unsigned i = 0; i < ARRAY_LEN(r.to); i++) { \
		typedef sign##dst##_t lane;              \
		const lane a = (sign##src##_t)n.from[i]; \
		const lane b = (sign##src##_t)m.from[i]; \
		const lane o = (lane)d.to[i];            \
		const unsigned bits UNUSED = src;        \
                                                         \
		(void)a;                                 \
		(void)b;                                 \
		(void)o;                                 \
		r.to[i] = (expr);                        \
	}
/* By the narrow size. */
#define SIMD_NARROW_BY_SIZE(size, sign, expr)                     \
	switch (size) {                                           \
	case SIMD_B:                                              \
		SIMD_LOOP_NARROW(b, h, 8, 16, sign, expr) break;  \
	case SIMD_H:                                              \
		SIMD_LOOP_NARROW(h, s, 16, 32, sign, expr) break; \
	default:                                                  \
		SIMD_LOOP_NARROW(s, d, 32, 64, sign, expr) break; \
	}
#define SIMD_WIDEN_BY_SIZE(size, sign, expr)                     \
	switch (size) {                                          \
	case SIMD_B:                                             \
		SIMD_LOOP_WIDEN(h, b, 16, 8, sign, expr) break;  \
	case SIMD_H:                                             \
		SIMD_LOOP_WIDEN(s, h, 32, 16, sign, expr) break; \
	default:                                                 \
		SIMD_LOOP_WIDEN(d, s, 64, 32, sign, expr) break; \
	}

/* The same by size; sign is "int" or "uint". */
#define SIMD_BY_SIZE(loop, size, sign, expr)     \
	switch (size) {                          \
	case SIMD_B:                             \
		loop(b, sign##8_t, expr) break;  \
	case SIMD_H:                             \
		loop(h, sign##16_t, expr) break; \
	case SIMD_S:                             \
		loop(s, sign##32_t, expr) break; \
	default:                                 \
		loop(d, sign##64_t, expr) break; \
	}

/* AdvSIMDExpandImm: 64 bits from op (bit 29), cmode and eight bits (simd_modimm.c). */
uint64_t simd_expand_imm(uint32_t word);

#endif
