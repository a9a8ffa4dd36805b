/*
 * simd_permute.c: Advanced SIMD permute, extract and table lookup: ZIP, UZP, TRN, EXT, TBL,
 * TBX (Arm ARM C4.1, "Advanced SIMD permute", "... extract", "... table lookup").
 */
#include "vcpu/a64/simd.h"

/*
 * Lane i of the result is the `from`th lane of Vn and Vm laid side by side, of `lanes` each:
 * lanes of Vm have numbers from `lanes` up.
 */
#define PERMUTE_LOOP(field, from)                                                    \
	{                                                                            \
		const unsigned lanes = simd_bytes(op, 0) / sizeof(r.field[0]);       \
                                                                                     \
		for (unsigned i = 0; i < lanes; i++) {                               \
			const unsigned at = (from);                                  \
                                                                                     \
			r.field[i] = at < lanes ? n.field[at] : m.field[at - lanes]; \
		}                                                                    \
	}
#define PERMUTE(name, from)                                                    \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const union a64_vreg n = *simd_v(cpu, a64_rn(op));             \
		const union a64_vreg m = *simd_v(cpu, a64_rm(op));             \
		union a64_vreg r = {.d = {0, 0}};                              \
                                                                               \
		switch (simd_size(op)) {                                       \
		case SIMD_B:                                                   \
			PERMUTE_LOOP(b, from) break;                           \
		case SIMD_H:                                                   \
			PERMUTE_LOOP(h, from) break;                           \
		case SIMD_S:                                                   \
			PERMUTE_LOOP(s, from) break;                           \
		default:                                                       \
			PERMUTE_LOOP(d, from) break;                           \
		}                                                              \
		cpu->regs.v[a64_rd(op)] = r;                                   \
		return A64_OK;                                                 \
	}

PERMUTE(zip1, i / 2 + (i & 1) * lanes)
PERMUTE(zip2, i / 2 + lanes / 2 + (i & 1) * lanes)
PERMUTE(uzp1, 2 * i)
PERMUTE(uzp2, 2 * i + 1)
PERMUTE(trn1, (i & ~1u) + (i & 1) * lanes)
PERMUTE(trn2, (i | 1) + (i & 1) * lanes)

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
