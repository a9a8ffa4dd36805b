/*
 * tr_atomic.c: exclusives, acquire and release, LSE atomics, barriers (Arm ARM C4.1.93, 94).
 *
 * The host orders loads with loads, stores with stores, and loads before later stores by
 * itself: only a store-release, which no later load-acquire may overtake, and the full barriers
 * need a locked operation.  An unaligned address takes the slow path, where it is refused.
 */
#include "vcpu/soft/jit/tr.h"

#include "vcpu/a64/features.h"

static unsigned log2_bytes(const struct a64_op *op)
{
	return a64_bits(op->word, 31, 30);
}

/* A locked operation of an access's size on memory and a register: op8 is the byte form's opcode,
 * the next one that of the others. */
static void locked(struct jit_tr *t, unsigned op8, unsigned log2, unsigned reg,
                   const struct jit_mem *m)
{
	static const enum x64_width widths[] = {X8, X32, X32, X64};

	jit_mem_locked(t, (op8 + (log2 != 0)) | (log2 == 1 ? 0x660000u : 0), widths[log2], reg, m,
	               0);
}

static void load_zero_extended(struct jit_tr *t, unsigned log2, unsigned reg,
                               const struct jit_mem *m)
{
	static const unsigned ops[] = {X_MOVZX8, X_MOVZX16, X_LOAD, X_LOAD};

	jit_mem_op(t, ops[log2], log2 == 3 ? X64 : X32, reg, m, 0);
}

/* Host register = guest register, cut to the access's size. */
static void operand(struct jit_tr *t, unsigned log2, unsigned host, unsigned r)
{
	static const unsigned ops[] = {X_MOVZX8, X_MOVZX16, X_LOAD, X_LOAD};

	jit_op(t, ops[log2], log2 == 3 ? X64 : log2 == 0 ? X8 : X32, host, r);
}

static void store_byte(struct jit_tr *t, int32_t at, unsigned v)
{
	em_rm(&t->e, 0xC6, X32, 0, RBP, at);
	em_u8(&t->e, v);
}

static void compare_byte(struct jit_tr *t, int32_t at, unsigned v)
{
	em_rm(&t->e, 0x80, X32, 7, RBP, at);
	em_u8(&t->e, v);
}

/* The base register's target. */
static struct jit_mem begin(struct jit_tr *t, const struct a64_op *op, bool write)
{
	jit_clobber_flags(t);
	return jit_mem_base(t, a64_rn(op), 0, 1u << log2_bytes(op),
	                    JIT_ALIGNED | (write ? JIT_STORE : 0));
}

bool jit_tr_ldxr(struct jit_tr *t, const struct a64_op *op)
{
	struct emit *e = &t->e;

	struct jit_mem m = begin(t, op, false);

	load_zero_extended(t, log2_bytes(op), RDX, &m);
	em_rm(e, X_STORE, X64, RDX, RBP, JIT_AT(cpu.excl_data[0]));
	em_store_imm(e, RBP, JIT_AT(cpu.excl_data[1]), 0);
	em_rm(e, X_STORE, X64, jit_src_sp(t, a64_rn(op), RCX), RBP, JIT_AT(cpu.excl_addr));
	store_byte(t, JIT_AT(cpu.excl_size), 1u << log2_bytes(op));
	store_byte(t, JIT_AT(cpu.excl_valid), 1);
	jit_put(t, a64_rd(op), RDX);
	jit_slow_end(t);
	return true;
}

/* A monitor that has been lost is the handler's affair, which looks at the address as well. */
bool jit_tr_stxr(struct jit_tr *t, const struct a64_op *op)
{
	struct emit *e = &t->e;
	struct jit_mem m = begin(t, op, true);

	jit_mem_away(t, &m, RDX);
	compare_byte(t, JIT_AT(cpu.excl_valid), 1);
	jit_slow_if(t, CC_NE);
	compare_byte(t, JIT_AT(cpu.excl_size), 1u << log2_bytes(op));
	jit_slow_if(t, CC_NE);
	em_rm(e, X_CMP, X64, jit_src_sp(t, a64_rn(op), RCX), RBP, JIT_AT(cpu.excl_addr));
	jit_slow_if(t, CC_NE);
	em_rm(e, X_LOAD, X64, RAX, RBP, JIT_AT(cpu.excl_data[0]));
	jit_op(t, X_LOAD, X64, RCX, a64_rd(op));
	locked(t, 0x0FB0, log2_bytes(op), RCX, &m); /* cmpxchg */
	em_mov_imm(e, RCX, 0);
	em_rr(e, X_SETCC + CC_NE, X8, 0, RCX);
	store_byte(t, JIT_AT(cpu.excl_valid), 0);
	jit_put(t, a64_rm(op), RCX);
	jit_slow_end(t);
	return true;
}

bool jit_tr_ldar(struct jit_tr *t, const struct a64_op *op)
{
	struct jit_mem m = begin(t, op, false);

	load_zero_extended(t, log2_bytes(op), RCX, &m);
	jit_put(t, a64_rd(op), RCX);
	jit_slow_end(t);
	return true;
}

bool jit_tr_stlr(struct jit_tr *t, const struct a64_op *op)
{
	struct jit_mem m = begin(t, op, true);

	jit_op(t, X_LOAD, X64, RCX, a64_rd(op));
	locked(t, 0x86, log2_bytes(op), RCX, &m); /* xchg */
	jit_slow_end(t);
	return true;
}

bool jit_tr_cas(struct jit_tr *t, const struct a64_op *op)
{
	struct jit_mem m = begin(t, op, true);

	jit_mem_away(t, &m, RDX);
	operand(t, log2_bytes(op), RAX, a64_rm(op));
	jit_op(t, X_LOAD, X64, RCX, a64_rd(op));
	locked(t, 0x0FB0, log2_bytes(op), RCX, &m); /* cmpxchg */
	jit_put(t, a64_rm(op), RAX);
	jit_slow_end(t);
	return true;
}

/* LDADD and SWP: one instruction gives the old value. */
bool jit_tr_ldadd_swp(struct jit_tr *t, const struct a64_op *op)
{
	unsigned log2 = log2_bytes(op);
	struct jit_mem m = begin(t, op, true);

	operand(t, log2, RCX, a64_rm(op));
	locked(t, a64_bits(op->word, 15, 15) ? 0x86 : 0x0FC0, log2, RCX, &m); /* xchg, xadd */
	jit_put(t, a64_rd(op), RCX);
	jit_slow_end(t);
	return true;
}

/* LDCLR, LDEOR, LDSET: a locked operation when the old value is unused, else a loop. */
bool jit_tr_ldlogic(struct jit_tr *t, const struct a64_op *op)
{
	static const unsigned direct[] = {0, 0x20, 0x30, 0x08}; /* and, xor, or */
	static const unsigned apply[] = {0, X_AND, X_XOR, X_OR};
	unsigned log2 = log2_bytes(op), what = a64_bits(op->word, 14, 12);
	struct emit *e = &t->e;
	struct jit_mem m = begin(t, op, true);

	if (a64_rd(op) == 31) {
		operand(t, log2, RCX, a64_rm(op));
		if (what == 1)
			em_unary(e, 2, X64, RCX);
		locked(t, direct[what], log2, RCX, &m);
		jit_slow_end(t);
		return true;
	}
	jit_mem_away(t, &m, RDX);
	load_zero_extended(t, log2, RAX, &m);
	uint64_t again = em_pc(e);

	operand(t, log2, RCX, a64_rm(op));
	if (what == 1)
		em_unary(e, 2, X64, RCX);
	em_rr(e, apply[what], X64, RCX, RAX);
	locked(t, 0x0FB0, log2, RCX, &m); /* cmpxchg */
	em_jcc(e, CC_NE, again);
	jit_put(t, a64_rd(op), RAX);
	jit_slow_end(t);
	return true;
}

/* LDSMAX, LDSMIN, LDUMAX, LDUMIN: a loop. */
bool jit_tr_ldextreme(struct jit_tr *t, const struct a64_op *op)
{
	/* cmp of the access's size; in which case the old value stays, by bits 13..12. */
	static const unsigned compare[] = {0x3A, 0x66003B, X_CMP, X_CMP};
	static const enum x64_cc stays[] = {CC_G, CC_L, CC_A, CC_B};
	unsigned log2 = log2_bytes(op), what = a64_bits(op->word, 13, 12);
	static const enum x64_width widths[] = {X8, X32, X32, X64};
	struct emit *e = &t->e;
	struct jit_mem m = begin(t, op, true);

	jit_mem_away(t, &m, RDX);
	load_zero_extended(t, log2, RAX, &m);
	uint64_t again = em_pc(e);

	operand(t, log2, RCX, a64_rm(op));
	em_rr(e, compare[log2], widths[log2], RAX, RCX);
	em_rr(e, X_CMOV + stays[what], X64, RCX, RAX);
	locked(t, 0x0FB0, log2, RCX, &m); /* cmpxchg */
	em_jcc(e, CC_NE, again);
	jit_put(t, a64_rd(op), RAX);
	jit_slow_end(t);
	return true;
}

/* host = two words, of guest registers r and r+1. */
static void join_words(struct jit_tr *t, unsigned host, unsigned r, unsigned tmp)
{
	jit_op(t, X_LOAD, X32, host, r + 1);
	jit_op(t, X_LOAD, X32, tmp, r);
	em_shift_ri(&t->e, SH_SHL, X64, host, 32);
	em_rr(&t->e, X_OR, X64, host, tmp);
}

/*
 * CASP of two words.  That of doublewords is the handler's: CMPXCHG16B takes four registers
 * besides the address, of which one has a guest register in it that a refused access would lose.
 */
bool jit_tr_casp(struct jit_tr *t, const struct a64_op *op)
{
	unsigned s = a64_rm(op), d = a64_rd(op);
	struct emit *e = &t->e;

	if (a64_bits(op->word, 30, 30) || ((s | d) & 1))
		return false;
	struct jit_mem m = jit_mem_base(t, a64_rn(op), 0, 8, JIT_ALIGNED | JIT_STORE);

	jit_mem_away(t, &m, RDX);
	join_words(t, RAX, s, RCX);
	em_rr(e, 0x660F6E, X64, 0, RAX); /* movq xmm0, rax */
	join_words(t, RCX, d, RAX);
	em_rr(e, 0x660F7E, X64, 0, RAX); /* movq rax, xmm0 */
	locked(t, 0x0FB0, 3, RCX, &m);   /* cmpxchg */
	em_rr(e, X_LOAD, X32, RCX, RAX);
	jit_put(t, s, RCX);
	em_shift_ri(e, SH_SHR, X64, RAX, 32);
	jit_put(t, s + 1, RAX);
	jit_slow_end(t);
	return true;
}

/* DC ZVA: 64 bytes. */
bool jit_tr_dc_zva(struct jit_tr *t, const struct a64_op *op)
{
	struct jit_mem m = jit_mem_line(t, a64_rd(op), 64, JIT_STORE);

	em_rr(&t->e, 0x660FEF, X32, 0, 0); /* pxor xmm0, xmm0 */
	for (int32_t at = 0; at < 64; at += 16)
		jit_mem_op(t, X_MOVUPS_STORE, X32, 0, &m, at);
	jit_slow_end(t);
	return true;
}

bool jit_tr_clrex(struct jit_tr *t, const struct a64_op *op)
{
	(void)op;
	store_byte(t, JIT_AT(cpu.excl_valid), 0);
	return true;
}

/* DMB and DSB; those for loads or stores only are what the host does anyway. */
bool jit_tr_barrier(struct jit_tr *t, const struct a64_op *op)
{
	static const uint8_t fence[] = {0xF0, 0x83, 0x0C, 0x24, 0x00}; /* lock or dword [rsp], 0 */
	unsigned type = a64_bits(op->word, 9, 8);

	if (type == 1 || type == 2)
		return true;
	jit_clobber_flags(t);
	em_bytes(&t->e, fence, sizeof(fence));
	return true;
}

/* The system registers that programs read often. */
bool jit_tr_mrs(struct jit_tr *t, const struct a64_op *op)
{
	unsigned rt = a64_rd(op), d = jit_dst(t, rt, RCX);

	switch (op->word >> 5) {
	case 0xD53BD040 >> 5: /* TPIDR_EL0 */
		em_rm(&t->e, X_LOAD, X64, d, RBP, JIT_AT(cpu.regs.tpidr_el0));
		break;
	case 0xD53B00E0 >> 5: /* DCZID_EL0 */
		em_mov_imm(&t->e, d, A64_DCZID);
		break;
	case 0xD53B4400 >> 5: /* FPCR */
		em_rm(&t->e, X_LOAD, X32, d, RBP, JIT_AT(cpu.regs.fpcr));
		break;
	default:
		return false;
	}
	jit_put(t, rt, d);
	return true;
}
