/*
 * dp_reg.c: conditional select, and data processing with one, two and three sources
 * (Arm ARM C4.1.95): bit reversal and counting, division, variable shifts, CRC32, multiply.
 */
#include "vcpu/a64/int.h"

/* Conditional select: Rn when the condition holds, else a variation of Rm. */
#define SELECT(name, otherwise)                                                \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		uint64_t m = a64_x(cpu, a64_rm(op));                           \
		bool yes = a64_cond(cpu, a64_bits(op->word, 15, 12));          \
		uint64_t r = yes ? a64_x(cpu, a64_rn(op)) : (otherwise);       \
                                                                               \
		a64_set_x(cpu, a64_rd(op), a64_trunc(op, r));                  \
		return A64_OK;                                                 \
	}
SELECT(csel, m)
SELECT(csinc, m + 1)
SELECT(csinv, ~m)
SELECT(csneg, 0 - m)

static uint64_t reverse_bits(uint64_t v)
{
	v = (v >> 1 & 0x5555555555555555ULL) | (v & 0x5555555555555555ULL) << 1;
	v = (v >> 2 & 0x3333333333333333ULL) | (v & 0x3333333333333333ULL) << 2;
	v = (v >> 4 & 0x0F0F0F0F0F0F0F0FULL) | (v & 0x0F0F0F0F0F0F0F0FULL) << 4;
	return __builtin_bswap64(v);
}

enum a64_next a64_rbit(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t r = reverse_bits(a64_x(cpu, a64_rn(op)));

	a64_set_x(cpu, a64_rd(op), a64_is64(op) ? r : r >> 32);
	return A64_OK;
}

enum a64_next a64_rev16(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t v = a64_x(cpu, a64_rn(op));
	uint64_t r = (v >> 8 & 0x00FF00FF00FF00FFULL) | (v & 0x00FF00FF00FF00FFULL) << 8;

	a64_set_x(cpu, a64_rd(op), a64_trunc(op, r));
	return A64_OK;
}

enum a64_next a64_rev_w(struct a64_cpu *cpu, const struct a64_op *op)
{
	a64_set_x(cpu, a64_rd(op), __builtin_bswap32(a64_w(cpu, a64_rn(op))));
	return A64_OK;
}

enum a64_next a64_rev32(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t r = __builtin_bswap64(a64_x(cpu, a64_rn(op)));

	a64_set_x(cpu, a64_rd(op), r >> 32 | r << 32);
	return A64_OK;
}

enum a64_next a64_rev_x(struct a64_cpu *cpu, const struct a64_op *op)
{
	a64_set_x(cpu, a64_rd(op), __builtin_bswap64(a64_x(cpu, a64_rn(op))));
	return A64_OK;
}

static ALWAYS_INLINE unsigned leading_zeros(const struct a64_op *op, uint64_t v)
{
	if (a64_is64(op))
		return v ? (unsigned)__builtin_clzll(v) : 64;
	return (uint32_t)v ? (unsigned)__builtin_clz((uint32_t)v) : 32;
}

enum a64_next a64_clz(struct a64_cpu *cpu, const struct a64_op *op)
{
	a64_set_x(cpu, a64_rd(op), leading_zeros(op, a64_x(cpu, a64_rn(op))));
	return A64_OK;
}

enum a64_next a64_cls(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t v = a64_x(cpu, a64_rn(op));

	if (!a64_is64(op))
		v = (uint64_t)(int32_t)v;
	/* Each bit that differs from the one above it. */
	a64_set_x(cpu, a64_rd(op), leading_zeros(op, a64_trunc(op, v ^ (v << 1)) | 1));
	return A64_OK;
}

/* Division by zero gives zero; the one overflow gives the dividend. */
enum a64_next a64_udiv(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t n = a64_trunc(op, a64_x(cpu, a64_rn(op)));
	uint64_t m = a64_trunc(op, a64_x(cpu, a64_rm(op)));

	a64_set_x(cpu, a64_rd(op), m ? n / m : 0);
	return A64_OK;
}

enum a64_next a64_sdiv(struct a64_cpu *cpu, const struct a64_op *op)
{
	int64_t n = (int64_t)a64_x(cpu, a64_rn(op)), m = (int64_t)a64_x(cpu, a64_rm(op));
	uint64_t r;

	if (!a64_is64(op)) {
		n = (int32_t)n;
		m = (int32_t)m;
	}
	if (m == 0)
		r = 0;
	else if (m == -1)
		r = 0 - (uint64_t)n;
	else
		r = (uint64_t)(n / m);
	a64_set_x(cpu, a64_rd(op), a64_trunc(op, r));
	return A64_OK;
}

/* Shifts by a register, modulo the width. */
static ALWAYS_INLINE enum a64_next shift_v(struct a64_cpu *cpu, const struct a64_op *op,
                                           unsigned kind)
{
	uint64_t v = a64_x(cpu, a64_rn(op)), by = a64_x(cpu, a64_rm(op));

	a64_set_x(cpu, a64_rd(op),
	          a64_is64(op) ? a64_shift64(v, kind, by & 63)
	                       : a64_shift32((uint32_t)v, kind, by & 31));
	return A64_OK;
}

enum a64_next a64_lslv(struct a64_cpu *cpu, const struct a64_op *op)
{
	return shift_v(cpu, op, 0);
}

enum a64_next a64_lsrv(struct a64_cpu *cpu, const struct a64_op *op)
{
	return shift_v(cpu, op, 1);
}

enum a64_next a64_asrv(struct a64_cpu *cpu, const struct a64_op *op)
{
	return shift_v(cpu, op, 2);
}

enum a64_next a64_rorv(struct a64_cpu *cpu, const struct a64_op *op)
{
	return shift_v(cpu, op, 3);
}

/* CRC32 with reflected polynomials, a byte at a time. */
#define CRC32_POLY  0xEDB88320u
#define CRC32C_POLY 0x82F63B78u

static uint32_t crc_bytes(uint32_t crc, uint64_t data, unsigned bytes, uint32_t poly)
{
	for (; bytes; bytes--, data >>= 8) {
		crc ^= (uint8_t)data;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (poly & (0 - (crc & 1)));
	}
	return crc;
}

#define CRC(name, bytes, poly)                                                                     \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op)                     \
	{                                                                                          \
		a64_set_x(cpu, a64_rd(op),                                                         \
		          crc_bytes(a64_w(cpu, a64_rn(op)), a64_x(cpu, a64_rm(op)), bytes, poly)); \
		return A64_OK;                                                                     \
	}
CRC(crc32b, 1, CRC32_POLY)
CRC(crc32h, 2, CRC32_POLY)
CRC(crc32w, 4, CRC32_POLY)
CRC(crc32x, 8, CRC32_POLY)
CRC(crc32cb, 1, CRC32C_POLY)
CRC(crc32ch, 2, CRC32C_POLY)
CRC(crc32cw, 4, CRC32C_POLY)
CRC(crc32cx, 8, CRC32C_POLY)

enum a64_next a64_madd(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t r = a64_x(cpu, a64_ra(op)) + a64_x(cpu, a64_rn(op)) * a64_x(cpu, a64_rm(op));

	a64_set_x(cpu, a64_rd(op), a64_trunc(op, r));
	return A64_OK;
}

enum a64_next a64_msub(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t r = a64_x(cpu, a64_ra(op)) - a64_x(cpu, a64_rn(op)) * a64_x(cpu, a64_rm(op));

	a64_set_x(cpu, a64_rd(op), a64_trunc(op, r));
	return A64_OK;
}

#define MUL_LONG(name, type, sign)                                             \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		uint64_t n = (uint64_t)(type)a64_x(cpu, a64_rn(op));           \
		uint64_t m = (uint64_t)(type)a64_x(cpu, a64_rm(op));           \
                                                                               \
		a64_set_x(cpu, a64_rd(op), a64_x(cpu, a64_ra(op)) sign n *m);  \
		return A64_OK;                                                 \
	}
MUL_LONG(smaddl, int32_t, +)
MUL_LONG(smsubl, int32_t, -)
MUL_LONG(umaddl, uint32_t, +)
MUL_LONG(umsubl, uint32_t, -)

enum a64_next a64_smulh(struct a64_cpu *cpu, const struct a64_op *op)
{
	__int128 n = (int64_t)a64_x(cpu, a64_rn(op)), m = (int64_t)a64_x(cpu, a64_rm(op));

	a64_set_x(cpu, a64_rd(op), (uint64_t)((n * m) >> 64));
	return A64_OK;
}

enum a64_next a64_umulh(struct a64_cpu *cpu, const struct a64_op *op)
{
	unsigned __int128 n = a64_x(cpu, a64_rn(op)), m = a64_x(cpu, a64_rm(op));

	a64_set_x(cpu, a64_rd(op), (uint64_t)((n * m) >> 64));
	return A64_OK;
}
