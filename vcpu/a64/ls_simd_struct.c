/*
 * ls_simd_struct.c: LD1 to LD4 and ST1 to ST4, multiple structures, single structures and
 * replicating loads (Arm ARM C4.1, "Advanced SIMD load/store multiple structures", "... single
 * structure" and their post-indexed forms).
 *
 * All bytes are gathered before any register is written, and a store makes sure that its last
 * byte can be written before it writes the first.  Memory order is: structure by structure,
 * in a structure register by register (LD1 and ST1 of several registers: each register whole).
 */
#include "vcpu/a64/mem.h"
#include "vcpu/a64/simd.h"

/* len is at most 64 and a multiple of the element size. */
static bool fetch(struct a64_cpu *cpu, uint64_t va, unsigned len, unsigned element, uint8_t *buf)
{
	for (unsigned i = 0; i < len; i += element)
		if (!a64_load(cpu, va + i, element, buf + i))
			return false;
	return true;
}

static bool deposit(struct a64_cpu *cpu, uint64_t va, unsigned len, unsigned element,
                    const uint8_t *buf)
{
	if (!a64_probe_write(cpu, va, len))
		return false;
	for (unsigned i = 0; i < len; i += element)
		if (!a64_store(cpu, va + i, element, buf + i))
			return false;
	return true;
}

/* The post-indexed forms (bit 23) advance the base by Rm, or by the bytes accessed. */
static void advance(struct a64_cpu *cpu, const struct a64_op *op, uint64_t base, unsigned len)
{
	unsigned rm = a64_rm(op);

	if (op->word >> 23 & 1)
		a64_set_x_sp(cpu, a64_rn(op), base + (rm == 31 ? len : a64_x(cpu, rm)));
}

/* Register number i of the list, which wraps around. */
static union a64_vreg *list_reg(struct a64_cpu *cpu, const struct a64_op *op, unsigned i)
{
	return &cpu->regs.v[(a64_rd(op) + i) & 31];
}

/* Copies between `regs` registers and a buffer in which their lanes of 1 << log bytes
 * alternate; bytes: the width of each register. */
static ALWAYS_INLINE void interleave_lanes(struct a64_cpu *cpu, const struct a64_op *op,
                                           unsigned regs, unsigned bytes, unsigned element,
                                           uint8_t *buf, bool load)
{
	for (unsigned r = 0; r < regs; r++) {
		uint8_t *reg = list_reg(cpu, op, r)->b;

		for (unsigned at = 0; at < bytes; at += element) {
			uint8_t *lane = buf + at * regs + r * element;

			if (load)
				memcpy(reg + at, lane, element);
			else
				memcpy(lane, reg + at, element);
		}
	}
}

static void interleave(struct a64_cpu *cpu, const struct a64_op *op, unsigned regs, unsigned bytes,
                       unsigned log, uint8_t *buf, bool load)
{
	switch (log) {
	case 0:
		interleave_lanes(cpu, op, regs, bytes, 1, buf, load);
		break;
	case 1:
		interleave_lanes(cpu, op, regs, bytes, 2, buf, load);
		break;
	case 2:
		interleave_lanes(cpu, op, regs, bytes, 4, buf, load);
		break;
	default:
		interleave_lanes(cpu, op, regs, bytes, 8, buf, load);
		break;
	}
}

/* Multiple structures: structs of `per` registers; LD1 and ST1 (per 1) of `regs` registers. */
static ALWAYS_INLINE enum a64_next multiple(struct a64_cpu *cpu, const struct a64_op *op,
                                            unsigned regs, bool interleaved, bool load)
{
	const unsigned bytes = 8u << simd_q(op), len = regs * bytes;
	const unsigned log = a64_bits(op->word, 11, 10);
	uint8_t buf[64];
	uint64_t base;

	if (!a64_base(cpu, a64_rn(op), &base))
		return A64_STOP;
	if (load && !fetch(cpu, base, len, 8, buf))
		return A64_STOP;
	if (interleaved) {
		interleave(cpu, op, regs, bytes, log, buf, load);
	} else {
		for (unsigned r = 0; r < regs; r++) {
			if (load)
				memcpy(list_reg(cpu, op, r), buf + r * bytes, bytes);
			else
				memcpy(buf + r * bytes, list_reg(cpu, op, r), bytes);
		}
	}
	if (!load && !deposit(cpu, base, len, 8, buf))
		return A64_STOP;
	for (unsigned r = 0; load && bytes == 8 && r < regs; r++)
		list_reg(cpu, op, r)->d[1] = 0;
	advance(cpu, op, base, len);
	return A64_OK;
}

#define MULTIPLE(name, regs, interleaved, load)                                \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		return multiple(cpu, op, regs, interleaved, load);             \
	}
MULTIPLE(ld1_1, 1, false, true)
MULTIPLE(ld1_2, 2, false, true)
MULTIPLE(ld1_3, 3, false, true)
MULTIPLE(ld1_4, 4, false, true)
MULTIPLE(ld2, 2, true, true)
MULTIPLE(ld3, 3, true, true)
MULTIPLE(ld4, 4, true, true)
MULTIPLE(st1_1, 1, false, false)
MULTIPLE(st1_2, 2, false, false)
MULTIPLE(st1_3, 3, false, false)
MULTIPLE(st1_4, 4, false, false)
MULTIPLE(st2, 2, true, false)
MULTIPLE(st3, 3, true, false)
MULTIPLE(st4, 4, true, false)

/* How many registers a single-structure form has: R in bit 21, opcode<0> in bit 13. */
static unsigned single_regs(const struct a64_op *op)
{
	return 1 + a64_bits(op->word, 21, 21) + 2 * a64_bits(op->word, 13, 13);
}

/* One lane of each register; the lane's number is in Q:S:size, as far as the size needs it. */
static ALWAYS_INLINE enum a64_next single(struct a64_cpu *cpu, const struct a64_op *op,
                                          unsigned log, bool load)
{
	const unsigned regs = single_regs(op), element = 1u << log, len = regs * element;
	unsigned index = (unsigned)simd_q(op) << 3 | a64_bits(op->word, 12, 10);
	unsigned at = index >> log << log;
	uint8_t buf[32];
	uint64_t base;

	if (!a64_base(cpu, a64_rn(op), &base))
		return A64_STOP;
	if (load && !fetch(cpu, base, len, element, buf))
		return A64_STOP;
	for (unsigned r = 0; r < regs; r++) {
		uint8_t *lane = list_reg(cpu, op, r)->b + at;

		if (load)
			memcpy(lane, buf + r * element, element);
		else
			memcpy(buf + r * element, lane, element);
	}
	if (!load && !deposit(cpu, base, len, element, buf))
		return A64_STOP;
	advance(cpu, op, base, len);
	return A64_OK;
}

#define SINGLE(name, log, load)                                                \
	enum a64_next a64_##name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                      \
		return single(cpu, op, log, load);                             \
	}
SINGLE(ld_single_b, 0, true)
SINGLE(ld_single_h, 1, true)
SINGLE(ld_single_s, 2, true)
SINGLE(ld_single_d, 3, true)
SINGLE(st_single_b, 0, false)
SINGLE(st_single_h, 1, false)
SINGLE(st_single_s, 2, false)
SINGLE(st_single_d, 3, false)

/* LD1R to LD4R. */
enum a64_next a64_ld_replicate(struct a64_cpu *cpu, const struct a64_op *op)
{
	const unsigned regs = single_regs(op), log = a64_bits(op->word, 11, 10);
	const unsigned element = 1u << log, len = regs * element, bytes = 8u << simd_q(op);
	uint8_t buf[32];
	uint64_t base;

	if (!a64_base(cpu, a64_rn(op), &base) || !fetch(cpu, base, len, element, buf))
		return A64_STOP;
	for (unsigned r = 0; r < regs; r++) {
		union a64_vreg v = {.d = {0, 0}};

		for (unsigned at = 0; at < bytes; at += element)
			memcpy(v.b + at, buf + r * element, element);
		*list_reg(cpu, op, r) = v;
	}
	advance(cpu, op, base, len);
	return A64_OK;
}
