/*
 * dp_imm.c: PC-relative addresses, wide moves, bitfields and extract (Arm ARM C4.1.92).
 */
#include "vcpu/a64/int.h"

static ALWAYS_INLINE uint64_t adr_imm(const struct a64_op *op)
{
	return (uint64_t)(a64_sbits(op->word, 23, 5) * 4) | a64_bits(op->word, 30, 29);
}

enum a64_next a64_adr(struct a64_cpu *cpu, const struct a64_op *op)
{
	a64_set_x(cpu, a64_rd(op), cpu->regs.pc + adr_imm(op));
	return A64_OK;
}

enum a64_next a64_adrp(struct a64_cpu *cpu, const struct a64_op *op)
{
	a64_set_x(cpu, a64_rd(op), (cpu->regs.pc & ~0xFFFULL) + (adr_imm(op) << 12));
	return A64_OK;
}

static ALWAYS_INLINE unsigned hw_shift(const struct a64_op *op)
{
	return a64_bits(op->word, 22, 21) * 16;
}

static ALWAYS_INLINE uint64_t imm16(const struct a64_op *op)
{
	return (uint64_t)a64_bits(op->word, 20, 5) << hw_shift(op);
}

enum a64_next a64_movn_w(struct a64_cpu *cpu, const struct a64_op *op)
{
	a64_set_x(cpu, a64_rd(op), (uint32_t)~imm16(op));
	return A64_OK;
}

enum a64_next a64_movn_x(struct a64_cpu *cpu, const struct a64_op *op)
{
	a64_set_x(cpu, a64_rd(op), ~imm16(op));
	return A64_OK;
}

enum a64_next a64_movz_w(struct a64_cpu *cpu, const struct a64_op *op)
{
	a64_set_x(cpu, a64_rd(op), imm16(op));
	return A64_OK;
}

enum a64_next a64_movz_x(struct a64_cpu *cpu, const struct a64_op *op)
{
	a64_set_x(cpu, a64_rd(op), imm16(op));
	return A64_OK;
}

enum a64_next a64_movk_w(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t keep = ~(0xFFFFULL << hw_shift(op));

	a64_set_x(cpu, a64_rd(op), (uint32_t)((a64_x(cpu, a64_rd(op)) & keep) | imm16(op)));
	return A64_OK;
}

enum a64_next a64_movk_x(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t keep = ~(0xFFFFULL << hw_shift(op));

	a64_set_x(cpu, a64_rd(op), (a64_x(cpu, a64_rd(op)) & keep) | imm16(op));
	return A64_OK;
}

/*
 * Bitfield moves.  imms >= immr takes imms-immr+1 bits from bit immr to bit 0; otherwise
 * the low imms+1 bits go to bit width-immr.
 */
struct field {
	unsigned from, to, len;
};

static ALWAYS_INLINE struct field bitfield(const struct a64_op *op, unsigned width)
{
	unsigned r = a64_bits(op->word, 21, 16), s = a64_bits(op->word, 15, 10);

	if (s >= r)
		return (struct field){.from = r, .to = 0, .len = s - r + 1};
	return (struct field){.from = 0, .to = width - r, .len = s + 1};
}

static ALWAYS_INLINE uint64_t ones(unsigned len)
{
	return UINT64_MAX >> (64 - len);
}

static ALWAYS_INLINE uint64_t sbfm(uint64_t v, struct field f)
{
	return (uint64_t)((int64_t)(v << (64 - f.from - f.len)) >> (64 - f.len)) << f.to;
}

static ALWAYS_INLINE uint64_t ubfm(uint64_t v, struct field f)
{
	return (v >> f.from & ones(f.len)) << f.to;
}

static ALWAYS_INLINE uint64_t bfm(uint64_t old, uint64_t v, struct field f)
{
	return (old & ~(ones(f.len) << f.to)) | ubfm(v, f);
}

#define BITFIELD(name, type, width, expr)                                      \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		uint64_t v = a64_x(cpu, a64_rn(op));                           \
		struct field f = bitfield(op, width);                          \
                                                                               \
		a64_set_x(cpu, a64_rd(op), (type)(expr));                      \
		return A64_OK;                                                 \
	}
BITFIELD(sbfm_w, uint32_t, 32, sbfm(v, f))
BITFIELD(sbfm_x, uint64_t, 64, sbfm(v, f))
BITFIELD(ubfm_w, uint32_t, 32, ubfm(v, f))
BITFIELD(ubfm_x, uint64_t, 64, ubfm(v, f))
BITFIELD(bfm_w, uint32_t, 32, bfm(a64_x(cpu, a64_rd(op)), v, f))
BITFIELD(bfm_x, uint64_t, 64, bfm(a64_x(cpu, a64_rd(op)), v, f))

enum a64_next a64_extr_w(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t pair = (uint64_t)a64_w(cpu, a64_rn(op)) << 32 | a64_w(cpu, a64_rm(op));

	a64_set_x(cpu, a64_rd(op), (uint32_t)(pair >> a64_bits(op->word, 15, 10)));
	return A64_OK;
}

enum a64_next a64_extr_x(struct a64_cpu *cpu, const struct a64_op *op)
{
	unsigned by = a64_bits(op->word, 15, 10);
	uint64_t hi = a64_x(cpu, a64_rn(op)), lo = a64_x(cpu, a64_rm(op));

	a64_set_x(cpu, a64_rd(op), by ? lo >> by | hi << (64 - by) : lo);
	return A64_OK;
}
