/*
 * simd_permute.c: Advanced SIMD permute, extract and table lookup: ZIP, UZP, TRN, EXT, TBL,
 * TBX (Arm ARM C4.1, "Advanced SIMD permute", "... extract", "... table lookup").
 */
#include "vcpu/a64/simd.h"

#define PERMUTE_BY_SIZE(loop, ...)          \
	switch (simd_size(op)) {            \
	case SIMD_B:                        \
		loop(b, __VA_ARGS__) break; \
	case SIMD_H:                        \
		loop(h, __VA_ARGS__) break; \
	case SIMD_S:                        \
		loop(s, __VA_ARGS__) break; \
	default:                            \
		loop(d, __VA_ARGS__) break; \
	}

/* ZIP: the lower (or upper) halves of n and m, lanes alternating. */
#define ZIP_LOOP(field, from)                                                  \
	for (unsigned i = 0; i < ARRAY_LEN(r.field) / 2; i++) {                \
		r.field[2 * i] = n.field[i + (from) / sizeof(r.field[0])];     \
		r.field[2 * i + 1] = m.field[i + (from) / sizeof(r.field[0])]; \
	}

enum a64_next a64_zip1(struct a64_cpu *cpu, const struct a64_op *op)
{
	const union a64_vreg n = *simd_v(cpu, a64_rn(op)), m = *simd_v(cpu, a64_rm(op));
	union a64_vreg r;

	PERMUTE_BY_SIZE(ZIP_LOOP, 0)
	simd_put_v(cpu, op, &r);
	return A64_OK;
}

/* In a 64-bit form the upper halves are bytes 4 to 7. */
enum a64_next a64_zip2(struct a64_cpu *cpu, const struct a64_op *op)
{
	union a64_vreg n = *simd_v(cpu, a64_rn(op)), m = *simd_v(cpu, a64_rm(op)), r;

	if (!simd_q(op)) {
		n.d[1] = n.d[0] >> 32;
		m.d[1] = m.d[0] >> 32;
	}
	PERMUTE_BY_SIZE(ZIP_LOOP, 8)
	simd_put_v(cpu, op, &r);
	return A64_OK;
}

/* UZP: every second lane of Vm:Vn, starting at lane `odd`. */
#define UZP_LOOP(field, odd)                                                     \
	for (unsigned i = 0; i < ARRAY_LEN(r.field); i++)                        \
		memcpy(&r.field[i], both + (2 * i + (odd)) * sizeof(r.field[0]), \
		       sizeof(r.field[0]));
#define UZP(name, odd)                                                         \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		uint8_t both[32] __attribute__((aligned(16)));                 \
		union a64_vreg r;                                              \
                                                                               \
		simd_join(cpu, op, both);                                      \
		PERMUTE_BY_SIZE(UZP_LOOP, odd)                                 \
		simd_put_v(cpu, op, &r);                                       \
		return A64_OK;                                                 \
	}
UZP(uzp1, 0)
UZP(uzp2, 1)

/* TRN: even (or odd) lanes of n and m, alternating. */
#define TRN_LOOP(field, odd)                                   \
	for (unsigned i = 0; i < ARRAY_LEN(r.field); i += 2) { \
		r.field[i] = n.field[i + (odd)];               \
		r.field[i + 1] = m.field[i + (odd)];           \
	}
#define TRN(name, odd)                                                         \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const union a64_vreg n = *simd_v(cpu, a64_rn(op));             \
		const union a64_vreg m = *simd_v(cpu, a64_rm(op));             \
		union a64_vreg r;                                              \
                                                                               \
		PERMUTE_BY_SIZE(TRN_LOOP, odd)                                 \
		simd_put_v(cpu, op, &r);                                       \
		return A64_OK;                                                 \
	}
TRN(trn1, 0)
TRN(trn2, 1)

/* EXT: bytes from Vm:Vn, starting at imm4. */
enum a64_next a64_ext_v(struct a64_cpu *cpu, const struct a64_op *op)
{
	const unsigned bytes = simd_bytes(op, 0), at = a64_bits(op->word, 14, 11);
	uint8_t both[32];
	union a64_vreg r;

	memcpy(both, simd_v(cpu, a64_rn(op)), bytes);
	memcpy(both + bytes, simd_v(cpu, a64_rm(op)), bytes);
	memset(both + 2 * bytes, 0, 32 - 2 * bytes);
	memcpy(&r, both + at, 16);
	simd_put_v(cpu, op, &r);
	return A64_OK;
}

/* Up to four registers as a table; indices beyond it give zero (TBL) or leave rd's byte. */
static ALWAYS_INLINE enum a64_next lookup(struct a64_cpu *cpu, const struct a64_op *op, bool keep)
{
	const unsigned regs = a64_bits(op->word, 14, 13) + 1;
	const union a64_vreg m = *simd_v(cpu, a64_rm(op));
	union a64_vreg table[4], r = {.d = {0, 0}};
	const uint8_t *bytes = table[0].b;

	for (unsigned i = 0; i < regs; i++)
		table[i] = cpu->regs.v[(a64_rn(op) + i) & 31];
	if (keep)
		r = *simd_v(cpu, a64_rd(op));
	for (unsigned i = 0; i < 16; i++)
		if (m.b[i] < 16 * regs)
			r.b[i] = bytes[m.b[i]];
	simd_put_v(cpu, op, &r);
	return A64_OK;
}

enum a64_next a64_tbl(struct a64_cpu *cpu, const struct a64_op *op)
{
	return lookup(cpu, op, false);
}

enum a64_next a64_tbx(struct a64_cpu *cpu, const struct a64_op *op)
{
	return lookup(cpu, op, true);
}
