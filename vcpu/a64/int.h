/*
 * int.h: what the integer instruction classes share: widths, flags, shifts, extensions.
 */
#ifndef VCPU_A64_INT_H
#define VCPU_A64_INT_H

#include "vcpu/a64/a64.h"

#define A64_N (1u << 31)
#define A64_Z (1u << 30)
#define A64_C (1u << 29)
#define A64_V (1u << 28)

/* Bit 31 of most integer instructions: the 64-bit form. */
static ALWAYS_INLINE bool a64_is64(const struct a64_op *op)
{
	return op->word >> 31;
}

/* A result in the instruction's width. */
static ALWAYS_INLINE uint64_t a64_trunc(const struct a64_op *op, uint64_t v)
{
	return a64_is64(op) ? v : (uint32_t)v;
}

/* a + b + carry with the flags set (AddWithCarry, Arm ARM J1.3.3). */
#define A64_ADDC(bits)                                                                            \
	static ALWAYS_INLINE uint##bits##_t a64_addc##bits(struct a64_cpu *cpu, uint##bits##_t a, \
	                                                   uint##bits##_t b, unsigned carry)      \
	{                                                                                         \
		uint##bits##_t t, r;                                                              \
		bool c1 = add_overflows(a, b, &t);                                                \
		bool c2 = add_overflows(t, (uint##bits##_t)carry, &r);                            \
		uint32_t v = (uint32_t)(((a ^ r) & (b ^ r)) >> (bits - 1));                       \
                                                                                                  \
		cpu->regs.nzcv = (uint32_t)(r >> (bits - 1)) << 31 | (uint32_t)(r == 0) << 30 |   \
		                 (uint32_t)(c1 | c2) << 29 | v << 28;                             \
		return r;                                                                         \
	}
A64_ADDC(32)
A64_ADDC(64)
#undef A64_ADDC

/* The same in the instruction's width. */
static ALWAYS_INLINE uint64_t a64_addc(struct a64_cpu *cpu, const struct a64_op *op, uint64_t a,
                                       uint64_t b, unsigned carry)
{
	if (a64_is64(op))
		return a64_addc64(cpu, a, b, carry);
	return a64_addc32(cpu, (uint32_t)a, (uint32_t)b, carry);
}

/* N and Z of a result, C and V clear. */
static ALWAYS_INLINE void a64_set_nz(struct a64_cpu *cpu, const struct a64_op *op, uint64_t r)
{
	bool n = a64_is64(op) ? r >> 63 : (uint32_t)r >> 31;

	cpu->regs.nzcv = (uint32_t)n << 31 | (uint32_t)(r == 0) << 30;
}

/* LSL, LSR, ASR, ROR (kinds 0..3) by less than the width. */
static ALWAYS_INLINE uint64_t a64_shift64(uint64_t v, unsigned kind, unsigned by)
{
	switch (kind) {
	case 0:
		return v << by;
	case 1:
		return v >> by;
	case 2:
		return (uint64_t)((int64_t)v >> by);
	default:
		return v >> by | v << (-by & 63);
	}
}

static ALWAYS_INLINE uint32_t a64_shift32(uint32_t v, unsigned kind, unsigned by)
{
	switch (kind) {
	case 0:
		return v << by;
	case 1:
		return v >> by;
	case 2:
		return (uint32_t)((int32_t)v >> by);
	default:
		return v >> by | v << (-by & 31);
	}
}

/* UXTB, UXTH, UXTW, UXTX, SXTB, SXTH, SXTW, SXTX (options 0..7). */
static ALWAYS_INLINE uint64_t a64_extend(uint64_t v, unsigned option)
{
	switch (option) {
	case 0:
		return (uint8_t)v;
	case 1:
		return (uint16_t)v;
	case 2:
		return (uint32_t)v;
	case 4:
		return (uint64_t)(int8_t)v;
	case 5:
		return (uint64_t)(int16_t)v;
	case 6:
		return (uint64_t)(int32_t)v;
	default:
		return v;
	}
}

/*
 * The mask of a logical immediate, or of a bitfield (DecodeBitMasks, Arm ARM J1.3.3): an
 * element of 2..64 bits, holding imms+1 ones rotated right by immr, repeated.  False: reserved.
 */
bool a64_bitmask(unsigned n, unsigned imms, unsigned immr, uint64_t *out) MUST_CHECK;

#endif
