/*
 * tr_mem_simd.c: loads and stores of SIMD&FP registers: single, pairs, and the contiguous
 * structures LD1 and ST1 (Arm ARM C4.1.94).
 */
#include "vcpu/soft/jit/tr_simd.h"

/* Bytes of the register: size in bits 31..30, and bit 23 for 16. */
static unsigned register_bytes(uint32_t word)
{
	return a64_bits(word, 23, 23) ? 16 : 1u << a64_bits(word, 31, 30);
}

/* xmm = bytes at the operand, the rest 0. */
static void load(struct jit_tr *t, unsigned xmm, unsigned bytes, const struct jit_mem *m,
                 int32_t disp)
{
	switch (bytes) {
	case 16:
		jit_mem_op(t, X_MOVUPS_LOAD, X32, xmm, m, disp);
		break;
	case 8:
		jit_mem_op(t, X_MOVQ_LOAD, X32, xmm, m, disp);
		break;
	case 4:
		jit_mem_op(t, X_MOVD_LOAD, X32, xmm, m, disp);
		break;
	default:
		jit_mem_op(t, bytes == 2 ? X_MOVZX16 : X_MOVZX8, X32, RCX, m, disp);
		em_rr(&t->e, X_MOVD_LOAD, X32, xmm, RCX);
	}
}

/* The operand = bytes of an xmm. */
static void store(struct jit_tr *t, unsigned xmm, unsigned bytes, const struct jit_mem *m,
                  int32_t disp)
{
	static const unsigned opcodes[] = {X_STORE8, X_STORE16, S_MOVD_ST, S_MOVQ_ST,
	                                   X_MOVUPS_STORE};

	if (bytes <= 2) {
		em_rr(&t->e, S_MOVD_ST, X32, xmm, RCX);
		xmm = RCX;
	}
	jit_mem_op(t, opcodes[__builtin_ctz(bytes)], X32, xmm, m, disp);
}

/* n registers of so many bytes each. */
static void transfer(struct jit_tr *t, const unsigned *regs, unsigned n, unsigned bytes,
                     bool is_load, const struct jit_mem *m)
{
	unsigned x[4];

	for (unsigned i = 0; i < n; i++)
		x[i] = is_load ? simd_new(t) : simd_use(t, regs[i], bytes > 4 ? bytes : 4);
	for (unsigned i = 0; is_load && i < n; i++)
		load(t, x[i], bytes, m, (int32_t)(i * bytes));
	for (unsigned i = 0; !is_load && i < n; i++)
		store(t, x[i], bytes, m, (int32_t)(i * bytes));
	for (unsigned i = 0; is_load && i < n; i++)
		simd_set(t, regs[i], x[i], 16, bytes > 4 ? bytes : 4);
}

static bool is_load(const struct a64_op *op)
{
	return a64_bits(op->word, 22, 22);
}

static unsigned how(const struct a64_op *op)
{
	return is_load(op) ? 0 : JIT_STORE;
}

static unsigned how_several(const struct a64_op *op)
{
	return is_load(op) ? 0 : JIT_STORE | JIT_SEVERAL;
}

bool jit_tr_lsv_uimm(struct jit_tr *t, const struct a64_op *op)
{
	unsigned bytes = register_bytes(op->word), rt = a64_rd(op);

	struct jit_mem m = jit_mem_base(t, a64_rn(op), (int64_t)a64_bits(op->word, 21, 10) * bytes,
	                                bytes, how(op));

	transfer(t, &rt, 1, bytes, is_load(op), &m);
	jit_slow_end(t);
	return true;
}

bool jit_tr_lsv_imm9(struct jit_tr *t, const struct a64_op *op)
{
	unsigned bytes = register_bytes(op->word), rt = a64_rd(op),
	         form = a64_bits(op->word, 11, 10);
	int64_t imm = a64_sbits(op->word, 20, 12);

	struct jit_mem m = jit_mem_base(t, a64_rn(op), form == 1 ? 0 : imm, bytes, how(op));

	transfer(t, &rt, 1, bytes, is_load(op), &m);
	if (form & 1)
		jit_writeback(t, a64_rn(op), imm);
	jit_slow_end(t);
	return true;
}

bool jit_tr_lsv_reg(struct jit_tr *t, const struct a64_op *op)
{
	unsigned bytes = register_bytes(op->word), rt = a64_rd(op), scale = 0;

	if (a64_bits(op->word, 12, 12))
		scale = (unsigned)__builtin_ctz(bytes);
	struct jit_mem m = jit_mem_index(t, op, scale, bytes, how(op));

	transfer(t, &rt, 1, bytes, is_load(op), &m);
	jit_slow_end(t);
	return true;
}

bool jit_tr_lsv_lit(struct jit_tr *t, const struct a64_op *op)
{
	unsigned bytes = 4u << a64_bits(op->word, 31, 30), rt = a64_rd(op);

	struct jit_mem m =
	    jit_mem_const(t, t->pc + (uint64_t)(a64_sbits(op->word, 23, 5) * 4), bytes, 0);

	transfer(t, &rt, 1, bytes, true, &m);
	jit_slow_end(t);
	return true;
}

bool jit_tr_lsv_pair(struct jit_tr *t, const struct a64_op *op)
{
	unsigned bytes = 4u << a64_bits(op->word, 31, 30), form = a64_bits(op->word, 24, 23);
	unsigned regs[] = {a64_rd(op), a64_ra(op)};
	int64_t imm = a64_sbits(op->word, 21, 15) * bytes;

	if (is_load(op) && regs[0] == regs[1])
		return false;
	struct jit_mem m =
	    jit_mem_base(t, a64_rn(op), form == 1 ? 0 : imm, 2 * bytes, how_several(op));

	transfer(t, regs, 2, bytes, is_load(op), &m);
	if (form & 1)
		jit_writeback(t, a64_rn(op), imm);
	jit_slow_end(t);
	return true;
}

/* LD1 and ST1 of one to four whole registers; the offset is the size or a register. */
bool jit_tr_lsv_contiguous(struct jit_tr *t, const struct a64_op *op)
{
	unsigned bytes = a64_bits(op->word, 30, 30) ? 16 : 8, rm = a64_rm(op), n;
	unsigned regs[4];

	switch (a64_bits(op->word, 15, 12)) {
	case 7:
		n = 1;
		break;
	case 10:
		n = 2;
		break;
	case 6:
		n = 3;
		break;
	default:
		n = 4;
	}
	bool post = a64_bits(op->word, 23, 23);

	for (unsigned i = 0; i < n; i++)
		regs[i] = (a64_rd(op) + i) % 32;
	struct jit_mem m =
	    jit_mem_base(t, a64_rn(op), 0, n * bytes, n > 1 ? how_several(op) : how(op));

	transfer(t, regs, n, bytes, is_load(op), &m);
	if (post && rm == 31)
		jit_writeback(t, a64_rn(op), (int64_t)n * bytes);
	else if (post)
		jit_writeback_reg(t, a64_rn(op), rm);
	jit_slow_end(t);
	return true;
}
