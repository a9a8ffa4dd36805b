/*
 * crypto_sha.c: SHA-1 and SHA-256 instructions (Arm ARM C4.1, "Cryptographic two-register
 * SHA", "... three-register SHA"); the functions are those of FIPS 180-4.
 */
#include "vcpu/a64/simd.h"

static ALWAYS_INLINE uint32_t rol(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

static ALWAYS_INLINE uint32_t ror(uint32_t v, unsigned n)
{
	return v >> n | v << (32 - n);
}

static ALWAYS_INLINE uint32_t choose(uint32_t x, uint32_t y, uint32_t z)
{
	return ((y ^ z) & x) ^ z;
}

static ALWAYS_INLINE uint32_t parity(uint32_t x, uint32_t y, uint32_t z)
{
	return x ^ y ^ z;
}

static ALWAYS_INLINE uint32_t majority(uint32_t x, uint32_t y, uint32_t z)
{
	return (x & y) | ((x | y) & z);
}

/* Four rounds of SHA-1: a to d in rd, e in lane 0 of rn, schedule plus constant in rm. */
#define SHA1_ROUNDS(name, function)                                                      \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op)           \
	{                                                                                \
		const union a64_vreg w = *simd_v(cpu, a64_rm(op));                       \
		uint32_t e = simd_v(cpu, a64_rn(op))->s[0];                              \
		union a64_vreg r = *simd_v(cpu, a64_rd(op));                             \
                                                                                         \
		for (unsigned i = 0; i < 4; i++) {                                       \
			e += rol(r.s[0], 5) + function(r.s[1], r.s[2], r.s[3]) + w.s[i]; \
			uint32_t next = e;                                               \
                                                                                         \
			e = r.s[3];                                                      \
			r.s[3] = r.s[2];                                                 \
			r.s[2] = rol(r.s[1], 30);                                        \
			r.s[1] = r.s[0];                                                 \
			r.s[0] = next;                                                   \
		}                                                                        \
		cpu->regs.v[a64_rd(op)] = r;                                             \
		return A64_OK;                                                           \
	}
SHA1_ROUNDS(sha1c, choose)
SHA1_ROUNDS(sha1p, parity)
SHA1_ROUNDS(sha1m, majority)

enum a64_next a64_sha1h(struct a64_cpu *cpu, const struct a64_op *op)
{
	simd_set_s(cpu, a64_rd(op), rol(simd_v(cpu, a64_rn(op))->s[0], 30));
	return A64_OK;
}

/* Schedule update: rd, the upper half of rd with the lower half of rn, and rm. */
enum a64_next a64_sha1su0(struct a64_cpu *cpu, const struct a64_op *op)
{
	const union a64_vreg n = *simd_v(cpu, a64_rn(op)), m = *simd_v(cpu, a64_rm(op));
	union a64_vreg r = *simd_v(cpu, a64_rd(op));

	r.d[0] ^= r.d[1] ^ m.d[0];
	r.d[1] ^= n.d[0] ^ m.d[1];
	cpu->regs.v[a64_rd(op)] = r;
	return A64_OK;
}

enum a64_next a64_sha1su1(struct a64_cpu *cpu, const struct a64_op *op)
{
	const union a64_vreg n = *simd_v(cpu, a64_rn(op));
	union a64_vreg r = *simd_v(cpu, a64_rd(op));

	for (unsigned i = 0; i < 3; i++)
		r.s[i] = rol(r.s[i] ^ n.s[i + 1], 1);
	r.s[3] = rol(r.s[3], 1) ^ rol(r.s[0], 1);
	cpu->regs.v[a64_rd(op)] = r;
	return A64_OK;
}

/* Four rounds of SHA-256 on x (a to d) and y (e to h). */
static ALWAYS_INLINE void sha256_rounds(union a64_vreg *x, union a64_vreg *y,
                                        const union a64_vreg *w)
{
	for (unsigned i = 0; i < 4; i++) {
		uint32_t sum1 = ror(y->s[0], 6) ^ ror(y->s[0], 11) ^ ror(y->s[0], 25);
		uint32_t sum0 = ror(x->s[0], 2) ^ ror(x->s[0], 13) ^ ror(x->s[0], 22);
		uint32_t t1 = y->s[3] + sum1 + choose(y->s[0], y->s[1], y->s[2]) + w->s[i];
		uint32_t t2 = sum0 + majority(x->s[0], x->s[1], x->s[2]);
		uint32_t d = x->s[3];

		x->s[3] = x->s[2];
		x->s[2] = x->s[1];
		x->s[1] = x->s[0];
		x->s[0] = t1 + t2;
		y->s[3] = y->s[2];
		y->s[2] = y->s[1];
		y->s[1] = y->s[0];
		y->s[0] = d + t1;
	}
}

enum a64_next a64_sha256h(struct a64_cpu *cpu, const struct a64_op *op)
{
	const union a64_vreg w = *simd_v(cpu, a64_rm(op));
	union a64_vreg x = *simd_v(cpu, a64_rd(op)), y = *simd_v(cpu, a64_rn(op));

	sha256_rounds(&x, &y, &w);
	cpu->regs.v[a64_rd(op)] = x;
	return A64_OK;
}

/* Here rd holds e to h and rn a to d. */
enum a64_next a64_sha256h2(struct a64_cpu *cpu, const struct a64_op *op)
{
	const union a64_vreg w = *simd_v(cpu, a64_rm(op));
	union a64_vreg x = *simd_v(cpu, a64_rn(op)), y = *simd_v(cpu, a64_rd(op));

	sha256_rounds(&x, &y, &w);
	cpu->regs.v[a64_rd(op)] = y;
	return A64_OK;
}

enum a64_next a64_sha256su0(struct a64_cpu *cpu, const struct a64_op *op)
{
	const uint32_t first_of_n = simd_v(cpu, a64_rn(op))->s[0];
	union a64_vreg r = *simd_v(cpu, a64_rd(op));

	for (unsigned i = 0; i < 4; i++) {
		uint32_t v = i < 3 ? r.s[i + 1] : first_of_n;

		r.s[i] += ror(v, 7) ^ ror(v, 18) ^ v >> 3;
	}
	cpu->regs.v[a64_rd(op)] = r;
	return A64_OK;
}

enum a64_next a64_sha256su1(struct a64_cpu *cpu, const struct a64_op *op)
{
	const union a64_vreg n = *simd_v(cpu, a64_rn(op)), m = *simd_v(cpu, a64_rm(op));
	union a64_vreg r = *simd_v(cpu, a64_rd(op));

	for (unsigned i = 0; i < 4; i++) {
		uint32_t v = i < 2 ? m.s[i + 2] : r.s[i - 2];

		r.s[i] += (i < 3 ? n.s[i + 1] : m.s[0]) + (ror(v, 17) ^ ror(v, 19) ^ v >> 10);
	}
	cpu->regs.v[a64_rd(op)] = r;
	return A64_OK;
}
