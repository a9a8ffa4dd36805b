/*
 * simd_modimm.c: Advanced SIMD modified immediate: MOVI, MVNI, ORR, BIC, FMOV (Arm ARM C4.1,
 * "Advanced SIMD modified immediate").
 */
#include "vcpu/a64/fp_imm.h"
#include "vcpu/a64/simd.h"

uint64_t simd_expand_imm(uint32_t word)
{
	const unsigned cmode = a64_bits(word, 15, 12);
	const bool op = a64_bits(word, 29, 29);
	uint64_t imm = a64_bits(word, 18, 16) << 5 | a64_bits(word, 9, 5), r = 0;

	switch (cmode >> 1) {
	case 0:
	case 1:
	case 2:
	case 3: /* words, shifted by bytes */
		return (imm << (cmode >> 1) * 8) * 0x0000000100000001u;
	case 4:
	case 5: /* halfwords, shifted by bytes */
		return (imm << (cmode >> 1 & 1) * 8) * 0x0001000100010001u;
	case 6: /* words, shifted by bytes with ones coming in */
		imm = cmode & 1 ? imm << 16 | 0xFFFF : imm << 8 | 0xFF;
		return imm * 0x0000000100000001u;
	}
	if (cmode == 15)
		return op ? fp_expand_imm64((unsigned)imm)
		          : fp_expand_imm32((unsigned)imm) * 0x0000000100000001u;
	if (!op)
		return imm * 0x0101010101010101u;
	for (unsigned i = 0; i < 8; i++) /* each bit a byte */
		r |= (imm >> i & 1) * (0xFFULL << 8 * i);
	return r;
}

/* Each half of rd becomes expr of imm and o, what it was. */
#define MODIMM(name, expr)                                                     \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		const uint64_t imm = simd_expand_imm(op->word);                         \
		union a64_vreg r = *simd_v(cpu, a64_rd(op));                   \
                                                                               \
		for (unsigned i = 0; i < 2; i++) {                             \
			const uint64_t o = r.d[i];                             \
                                                                               \
			(void)o;                                               \
			r.d[i] = (expr);                                       \
		}                                                              \
		simd_put_v(cpu, op, &r);                                       \
		return A64_OK;                                                 \
	}
MODIMM(movi, imm)
MODIMM(mvni, ~imm)
MODIMM(orr_imm_v, o | imm)
MODIMM(bic_imm_v, o & ~imm)
