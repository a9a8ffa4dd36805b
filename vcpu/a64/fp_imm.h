/*
 * fp_imm.h: VFPExpandImm: the floating-point constants that fit eight bits (sign, three
 * exponent bits of which the first is inverted and repeated, four fraction bits).
 */
#ifndef VCPU_A64_FP_IMM_H
#define VCPU_A64_FP_IMM_H

#include "common/base.h"

static ALWAYS_INLINE uint32_t fp_expand_imm32(unsigned imm)
{
	return (imm & 0x80) << 24 | (imm & 0x40 ? 0x3E000000u : 0x40000000u) | (imm & 0x3F) << 19;
}

static ALWAYS_INLINE uint64_t fp_expand_imm64(unsigned imm)
{
	return (uint64_t)(imm & 0x80) << 56 |
	       (imm & 0x40 ? 0x3FC0000000000000u : 0x4000000000000000u) |
	       (uint64_t)(imm & 0x3F) << 48;
}

#endif
