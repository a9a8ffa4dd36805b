/*
 * fast.c: specialised handlers for the forms that most executed instructions have.
 *
 * A row's own handler is the reference: it decides everything from the word each time.  Here
 * the decisions (width, shift, register 31, immediate) are made once, when the block is
 * decoded: the handler is chosen by them and op->aux holds the immediate.  Single-stepping
 * uses the rows' handlers only, and tests compare both with another implementation.
 */
#include "vcpu/a64/fast.h"

#include "vcpu/a64/int.h"
#include "vcpu/a64/mem.h"

/* In struct a64_regs sp stands behind x30, so that number 31 may index the array for the forms
 * in which 31 is sp. */
_Static_assert(offsetof(struct a64_regs, sp) == 31 * sizeof(uint64_t), "sp is not number 31");

static ALWAYS_INLINE uint64_t *reg(struct a64_cpu *cpu, unsigned r)
{
	return (uint64_t *)(void *)&cpu->regs + r;
}

static ALWAYS_INLINE uint64_t *rd(struct a64_cpu *cpu, const struct a64_op *op)
{
	return reg(cpu, a64_rd(op));
}

static ALWAYS_INLINE uint64_t rn(struct a64_cpu *cpu, const struct a64_op *op)
{
	return *reg(cpu, a64_rn(op));
}

static ALWAYS_INLINE uint64_t rm(struct a64_cpu *cpu, const struct a64_op *op)
{
	return *reg(cpu, a64_rm(op));
}

/* An operation that writes Rd; no register is the zero register. */
#define SIMPLE(name, expr)                                                      \
	static enum a64_next name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                       \
		*rd(cpu, op) = (expr);                                          \
		return A64_OK;                                                  \
	}
SIMPLE(add_imm_x, rn(cpu, op) + op->aux)
SIMPLE(sub_imm_x, rn(cpu, op) - op->aux)
SIMPLE(add_imm_w, (uint32_t)(rn(cpu, op) + op->aux))
SIMPLE(sub_imm_w, (uint32_t)(rn(cpu, op) - op->aux))
SIMPLE(add_x, rn(cpu, op) + rm(cpu, op))
SIMPLE(sub_x, rn(cpu, op) - rm(cpu, op))
SIMPLE(add_w, (uint32_t)(rn(cpu, op) + rm(cpu, op)))
SIMPLE(sub_w, (uint32_t)(rn(cpu, op) - rm(cpu, op)))
SIMPLE(add_lsl_x, rn(cpu, op) + (rm(cpu, op) << op->aux))
SIMPLE(mov_x, rm(cpu, op))
SIMPLE(mov_w, (uint32_t)rm(cpu, op))
SIMPLE(mov_imm, op->aux)
SIMPLE(and_x, rn(cpu, op) & rm(cpu, op))
SIMPLE(orr_x, rn(cpu, op) | rm(cpu, op))
SIMPLE(eor_x, rn(cpu, op) ^ rm(cpu, op))
SIMPLE(and_w, (uint32_t)(rn(cpu, op) & rm(cpu, op)))
SIMPLE(orr_w, (uint32_t)(rn(cpu, op) | rm(cpu, op)))
SIMPLE(eor_w, (uint32_t)(rn(cpu, op) ^ rm(cpu, op)))
SIMPLE(and_imm, rn(cpu, op) & op->aux)
SIMPLE(lsl_x, rn(cpu, op) << op->aux)
SIMPLE(lsr_x, rn(cpu, op) >> op->aux)
SIMPLE(asr_x, (uint64_t)((int64_t)rn(cpu, op) >> op->aux))
SIMPLE(lsl_w, (uint32_t)rn(cpu, op) << op->aux)
SIMPLE(lsr_w, (uint32_t)rn(cpu, op) >> op->aux)
SIMPLE(sxtw, (uint64_t)(int32_t)rn(cpu, op))
/* ADR and ADRP: the distance is signed. */
SIMPLE(adr, cpu->regs.pc + (uint64_t)(int64_t)(int32_t)op->aux)
SIMPLE(adrp, (cpu->regs.pc & ~0xFFFULL) + ((uint64_t)(int64_t)(int32_t)op->aux << 12))

/* Comparisons: SUBS and ADDS without a destination, ANDS likewise. */
#define COMPARE(name, expr)                                                     \
	static enum a64_next name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                       \
		(void)(expr);                                                   \
		return A64_OK;                                                  \
	}
COMPARE(cmp_imm_x, a64_addc64(cpu, rn(cpu, op), ~(uint64_t)op->aux, 1))
COMPARE(cmp_imm_w, a64_addc32(cpu, (uint32_t)rn(cpu, op), ~op->aux, 1))
COMPARE(cmp_x, a64_addc64(cpu, rn(cpu, op), ~rm(cpu, op), 1))
COMPARE(cmp_w, a64_addc32(cpu, (uint32_t)rn(cpu, op), ~(uint32_t)rm(cpu, op), 1))
SIMPLE(subs_imm_x, a64_addc64(cpu, rn(cpu, op), ~(uint64_t)op->aux, 1))
SIMPLE(subs_imm_w, a64_addc32(cpu, (uint32_t)rn(cpu, op), ~op->aux, 1))

/* Loads and stores at base + aux; the base is not sp, the target not the zero register. */
#define LOAD_AUX(name, bits, conv)                                              \
	static enum a64_next name(struct a64_cpu *cpu, const struct a64_op *op) \
	{                                                                       \
		uint##bits##_t v;                                               \
                                                                                \
		if (UNLIKELY(!a64_load##bits(cpu, rn(cpu, op) + op->aux, &v)))  \
			return A64_STOP;                                        \
		*rd(cpu, op) = (conv);                                          \
		return A64_OK;                                                  \
	}
#define STORE_AUX(name, bits)                                                                      \
	static enum a64_next name(struct a64_cpu *cpu, const struct a64_op *op)                    \
	{                                                                                          \
		return a64_store##bits(cpu, rn(cpu, op) + op->aux, (uint##bits##_t) * rd(cpu, op)) \
		           ? A64_OK                                                                \
		           : A64_STOP;                                                             \
	}
LOAD_AUX(ldr_x, 64, v)
LOAD_AUX(ldr_w, 32, v)
LOAD_AUX(ldrsw, 32, (uint64_t)(int32_t)v)
LOAD_AUX(ldrh, 16, v)
LOAD_AUX(ldrb, 8, v)
STORE_AUX(str_x, 64)
STORE_AUX(str_w, 32)
STORE_AUX(strh, 16)
STORE_AUX(strb, 8)

/* LDR Xt, [Xn, Xm, LSL #aux]. */
static enum a64_next ldr_x_lsl(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint64_t v;

	if (UNLIKELY(!a64_load64(cpu, rn(cpu, op) + (rm(cpu, op) << op->aux), &v)))
		return A64_STOP;
	*rd(cpu, op) = v;
	return A64_OK;
}

static enum a64_next ldrb_reg(struct a64_cpu *cpu, const struct a64_op *op)
{
	uint8_t v;

	if (UNLIKELY(!a64_load8(cpu, rn(cpu, op) + rm(cpu, op), &v)))
		return A64_STOP;
	*rd(cpu, op) = v;
	return A64_OK;
}

/* B.EQ and B.NE with the distance in aux. */
static enum a64_next b_eq(struct a64_cpu *cpu, const struct a64_op *op)
{
	cpu->regs.pc += cpu->regs.nzcv & A64_Z ? (uint64_t)(int64_t)(int32_t)op->aux : 4;
	return A64_BRANCH;
}

static enum a64_next b_ne(struct a64_cpu *cpu, const struct a64_op *op)
{
	cpu->regs.pc += cpu->regs.nzcv & A64_Z ? 4 : (uint64_t)(int64_t)(int32_t)op->aux;
	return A64_BRANCH;
}

static void use(struct a64_op *op, a64_fn *fn, uint32_t aux)
{
	op->fn = fn;
	op->aux = aux;
}

/* Is one of the registers number 31? */
static bool d31(const struct a64_op *op)
{
	return a64_rd(op) == 31;
}

static bool n31(const struct a64_op *op)
{
	return a64_rn(op) == 31;
}

static bool m31(const struct a64_op *op)
{
	return a64_rm(op) == 31;
}

static void addsub_imm(struct a64_op *op)
{
	uint32_t imm = a64_bits(op->word, 21, 10) << (a64_bits(op->word, 22, 22) ? 12 : 0);
	bool x = a64_is64(op);

	switch (a64_bits(op->word, 30, 29)) {
	case 0: /* 31 is sp throughout */
		use(op, x ? add_imm_x : add_imm_w, imm);
		break;
	case 2:
		use(op, x ? sub_imm_x : sub_imm_w, imm);
		break;
	case 3:
		if (d31(op))
			use(op, x ? cmp_imm_x : cmp_imm_w, imm);
		else
			use(op, x ? subs_imm_x : subs_imm_w, imm);
		break;
	default:
		break;
	}
}

static void addsub_reg(struct a64_op *op)
{
	unsigned shift = a64_bits(op->word, 15, 10);
	bool x = a64_is64(op), lsl = a64_bits(op->word, 23, 22) == 0;

	if (!lsl || n31(op) || m31(op))
		return;
	switch (a64_bits(op->word, 30, 29)) {
	case 0:
		if (!d31(op) && shift == 0)
			use(op, x ? add_x : add_w, 0);
		else if (!d31(op) && x)
			use(op, add_lsl_x, shift);
		break;
	case 2:
		if (!d31(op) && shift == 0)
			use(op, x ? sub_x : sub_w, 0);
		break;
	case 3:
		if (d31(op) && shift == 0)
			use(op, x ? cmp_x : cmp_w, 0);
		break;
	default:
		break;
	}
}

static void logical_reg(struct a64_op *op)
{
	static a64_fn *const wide[] = {and_x, orr_x, eor_x}, *const narrow[] = {and_w, orr_w,
	                                                                        eor_w};
	unsigned opc = a64_bits(op->word, 30, 29);
	bool x = a64_is64(op), plain = (op->word & 0x00E0FC00) == 0; /* LSL #0, not inverted */

	if (!plain || opc == 3 || d31(op) || m31(op))
		return;
	if (!n31(op))
		use(op, x ? wide[opc] : narrow[opc], 0);
	else if (opc == 1)
		use(op, x ? mov_x : mov_w, 0);
}

static void logical_imm(struct a64_op *op)
{
	uint64_t mask;

	/* AND whose mask fits; the destination may be sp. */
	if (a64_bits(op->word, 30, 29) != 0 || n31(op) ||
	    !a64_bitmask(a64_bits(op->word, 22, 22), a64_bits(op->word, 15, 10),
	                 a64_bits(op->word, 21, 16), &mask))
		return;
	if (!a64_is64(op))
		mask = (uint32_t)mask;
	if (mask <= UINT32_MAX)
		use(op, and_imm, (uint32_t)mask);
}

static void bitfield(struct a64_op *op)
{
	unsigned r = a64_bits(op->word, 21, 16), s = a64_bits(op->word, 15, 10);
	bool x = a64_is64(op);
	unsigned top = x ? 63 : 31;

	if (d31(op) || n31(op))
		return;
	switch (a64_bits(op->word, 30, 29)) {
	case 2: /* UBFM */
		if (s == top)
			use(op, x ? lsr_x : lsr_w, r);
		else if (s + 1 == r)
			use(op, x ? lsl_x : lsl_w, top - s);
		else if (r == 0 && s < 32)
			use(op, and_imm, UINT32_MAX >> (31 - s));
		break;
	case 0: /* SBFM */
		if (x && s == top)
			use(op, asr_x, r);
		else if (x && r == 0 && s == 31)
			use(op, sxtw, 0);
		break;
	default:
		break;
	}
}

static void move_wide(struct a64_op *op)
{
	unsigned shift = a64_bits(op->word, 22, 21) * 16;

	if (a64_bits(op->word, 30, 29) == 2 && shift < 32 && !d31(op)) /* MOVZ */
		use(op, mov_imm, a64_bits(op->word, 20, 5) << shift);
}

static void pc_relative(struct a64_op *op)
{
	int32_t imm =
	    (int32_t)(a64_sbits(op->word, 23, 5) * 4) | (int32_t)a64_bits(op->word, 30, 29);

	if (!d31(op))
		use(op, op->word >> 31 ? adrp : adr, (uint32_t)imm);
}

static void load_store_uimm(struct a64_op *op)
{
	static a64_fn *const fns[4][4] = {/* by size, opc */
	                                  {strb, ldrb, NULL, NULL},
	                                  {strh, ldrh, NULL, NULL},
	                                  {str_w, ldr_w, ldrsw, NULL},
	                                  {str_x, ldr_x, NULL, NULL}};
	unsigned size = a64_bits(op->word, 31, 30);
	a64_fn *fn = fns[size][a64_bits(op->word, 23, 22)];

	if (fn && !d31(op) && !n31(op))
		use(op, fn, a64_bits(op->word, 21, 10) << size);
}

static void load_reg(struct a64_op *op)
{
	bool uxtx = a64_bits(op->word, 15, 13) == 3, scaled = a64_bits(op->word, 12, 12);

	if (!uxtx || d31(op) || n31(op) || m31(op))
		return;
	if ((op->word >> 21) == 0x7C3) /* LDR X */
		use(op, ldr_x_lsl, scaled ? 3 : 0);
	else if ((op->word >> 21) == 0x1C3) /* LDRB */
		use(op, ldrb_reg, 0);
}

static void cond_branch(struct a64_op *op)
{
	unsigned cond = a64_bits(op->word, 3, 0);

	if (cond <= 1)
		use(op, cond ? b_ne : b_eq, (uint32_t)(a64_sbits(op->word, 23, 5) * 4));
}

void a64_specialise(struct a64_op *op)
{
	uint32_t w = op->word;

	if (op->fn == a64_undefined)
		return;
	if ((w & 0x1F800000) == 0x11000000)
		addsub_imm(op);
	else if ((w & 0x1F200000) == 0x0B000000)
		addsub_reg(op);
	else if ((w & 0x1F000000) == 0x0A000000)
		logical_reg(op);
	else if ((w & 0x1F800000) == 0x12000000)
		logical_imm(op);
	else if ((w & 0x1F800000) == 0x13000000)
		bitfield(op);
	else if ((w & 0x1F800000) == 0x12800000)
		move_wide(op);
	else if ((w & 0x1F000000) == 0x10000000)
		pc_relative(op);
	else if ((w & 0x3F000000) == 0x39000000)
		load_store_uimm(op);
	else if ((w & 0x3F200C00) == 0x38200800)
		load_reg(op);
	else if ((w & 0xFF000010) == 0x54000000)
		cond_branch(op);
}
