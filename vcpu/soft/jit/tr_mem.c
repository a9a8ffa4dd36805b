/*
 * tr_mem.c: loads and stores of general registers, single and in pairs (Arm ARM C4.1.94), and
 * the software TLB's fast path for all.
 *
 * The fast path knows untagged addresses only, and accesses within a page.  Nothing is written
 * to a register before it has succeeded, so the slow path can be the handler from its beginning.
 */
#include "vcpu/soft/jit/tr.h"

#define TLB_SHIFT 5 /* log2 of an entry's size */

static void look_up(struct jit_tr *t, unsigned size, bool write, bool aligned)
{
	struct emit *e = &t->e;
	int32_t tlb = JIT_AT(cpu.tlb);

	_Static_assert(sizeof(struct a64_tlb_entry) == 1 << TLB_SHIFT, "size of a TLB entry");
	/* ecx = the entry's place by the first byte's page, rdx = the last byte's page. */
	em_rr(e, X_LOAD, X32, RCX, RAX);
	em_shift_ri(e, SH_SHR, X32, RCX, PAGE_SHIFT - TLB_SHIFT);
	em_alu_ri(e, ALU_AND, X32, RCX, (A64_TLB_ENTRIES - 1) << TLB_SHIFT);
	if (aligned) {
		/* Low bits that must not be set spoil the comparison. */
		em_rr(e, X_LOAD, X64, RDX, RAX);
		em_alu_ri(e, ALU_AND, X64, RDX, -(int32_t)PAGE_SIZE | ((int32_t)size - 1));
	} else {
		em_rm(e, X_LEA, X64, RDX, RAX, (int32_t)size - 1);
		em_alu_ri(e, ALU_AND, X64, RDX, -(int32_t)PAGE_SIZE);
	}
	em_rx(e, X_CMP, X64, RDX, RBP, RCX, 0,
	      tlb + (int32_t)(write ? offsetof(struct a64_tlb_entry, wtag)
	                            : offsetof(struct a64_tlb_entry, rtag)));
	jit_slow_if(t, CC_NE);
	em_rx(e, X_ADD, X64, RAX, RBP, RCX, 0,
	      tlb + (int32_t)offsetof(struct a64_tlb_entry, addend));
}

void jit_tlb(struct jit_tr *t, unsigned size, bool write)
{
	look_up(t, size, write, size == 1);
}

void jit_tlb_aligned(struct jit_tr *t, unsigned size, bool write)
{
	look_up(t, size, write, true);
}

/* A misaligned sp is refused by the handler; then it is known for the rest of the block. */
static void check_sp(struct jit_tr *t)
{
	if (t->sp_aligned)
		return;
	em_rr(&t->e, 0xF6, X8, 0, (unsigned)jit_pin[31]); /* test r15b, 15 */
	em_u8(&t->e, 15);
	jit_slow_if(t, CC_NE);
	t->sp_aligned = true;
}

void jit_address(struct jit_tr *t, unsigned rn, int64_t offset)
{
	unsigned n;

	if (rn == 31)
		check_sp(t);
	n = jit_src_sp(t, rn, RAX);
	if (offset)
		em_rm(&t->e, X_LEA, X64, RAX, n, (int32_t)offset);
	else if (n != RAX)
		em_rr(&t->e, X_LOAD, X64, RAX, n);
}

void jit_writeback(struct jit_tr *t, unsigned rn, int64_t offset)
{
	unsigned d = jit_dst_sp(t, rn, RCX);

	em_rm(&t->e, X_LEA, X64, d, jit_src_sp(t, rn, RCX), (int32_t)offset);
	jit_put_sp(t, rn, d);
	if (rn == 31)
		t->sp_aligned = offset % 16 == 0;
}

struct access {
	unsigned size;
	bool store;
	unsigned load; /* the host's instruction */
	enum x64_width w;
};

/* By size and opc, bits 31..30 and 23..22. */
static struct access access_of(uint32_t word)
{
	static const unsigned zero[] = {X_MOVZX8, X_MOVZX16, X_LOAD, X_LOAD};
	static const unsigned sign[] = {X_MOVSX8, X_MOVSX16, X_MOVSXD, X_LOAD};
	unsigned size = a64_bits(word, 31, 30), opc = a64_bits(word, 23, 22);
	struct access a = {.size = 1u << size, .store = opc == 0, .load = zero[size], .w = X32};

	if (opc >= 2) {
		a.load = sign[size];
		a.w = opc == 2 ? X64 : X32;
	} else if (size == 3) {
		a.w = X64;
	}
	return a;
}

/* With the address in rax. */
static void transfer(struct jit_tr *t, const struct access *a, unsigned rt)
{
	struct emit *e = &t->e;

	jit_tlb(t, a->size, a->store);
	if (!a->store) {
		unsigned d = jit_dst(t, rt, RAX);

		em_rm(e, a->load, a->w, d, RAX, 0);
		jit_put(t, rt, d);
		return;
	}
	unsigned s = jit_src(t, rt, RCX);

	switch (a->size) {
	case 1:
		em_rm(e, X_STORE8, X8, s, RAX, 0);
		break;
	case 2:
		em_rm(e, X_STORE16, X32, s, RAX, 0);
		break;
	default:
		em_rm(e, X_STORE, a->size == 8 ? X64 : X32, s, RAX, 0);
	}
}

bool jit_tr_ls_uimm(struct jit_tr *t, const struct a64_op *op)
{
	struct access a = access_of(op->word);

	jit_clobber_flags(t);
	jit_address(t, a64_rn(op), (int64_t)a64_bits(op->word, 21, 10) * a.size);
	transfer(t, &a, a64_rd(op));
	jit_slow_end(t);
	return true;
}

/* Unscaled, unprivileged, pre- and post-indexed. */
bool jit_tr_ls_imm9(struct jit_tr *t, const struct a64_op *op)
{
	struct access a = access_of(op->word);
	int64_t imm = a64_sbits(op->word, 20, 12);
	unsigned form = a64_bits(op->word, 11, 10);
	bool writeback = form & 1;

	if (writeback && a64_rn(op) == a64_rd(op))
		return false;
	jit_clobber_flags(t);
	jit_address(t, a64_rn(op), form == 1 ? 0 : imm);
	transfer(t, &a, a64_rd(op));
	if (writeback)
		jit_writeback(t, a64_rn(op), imm);
	jit_slow_end(t);
	return true;
}

void jit_address_index(struct jit_tr *t, const struct a64_op *op, unsigned scale)
{
	unsigned option = a64_bits(op->word, 15, 13), n, m = RCX;

	if (a64_rn(op) == 31)
		check_sp(t);
	n = jit_src_sp(t, a64_rn(op), RAX);
	if (option & 1) /* 64 bits of it */
		m = jit_src(t, a64_rm(op), RCX);
	else
		jit_extend(t, option, RCX, a64_rm(op));
	if (scale <= 3) {
		em_rx(&t->e, X_LEA, X64, RAX, n, m, scale, 0);
		return;
	}
	if (m != RCX)
		em_rr(&t->e, X_LOAD, X64, RCX, m);
	em_shift_ri(&t->e, SH_SHL, X64, RCX, scale);
	em_rx(&t->e, X_LEA, X64, RAX, n, RCX, 0, 0);
}

bool jit_tr_ls_reg(struct jit_tr *t, const struct a64_op *op)
{
	struct access a = access_of(op->word);

	jit_clobber_flags(t);
	jit_address_index(t, op, a64_bits(op->word, 12, 12) ? a64_bits(op->word, 31, 30) : 0);
	transfer(t, &a, a64_rd(op));
	jit_slow_end(t);
	return true;
}

bool jit_tr_ls_lit(struct jit_tr *t, const struct a64_op *op)
{
	static const struct access kinds[] = {
	    {4, false, X_LOAD, X32}, {8, false, X_LOAD, X64}, {4, false, X_MOVSXD, X64}};

	jit_clobber_flags(t);
	em_mov_imm(&t->e, RAX, t->pc + (uint64_t)(a64_sbits(op->word, 23, 5) * 4));
	transfer(t, &kinds[a64_bits(op->word, 31, 30)], a64_rd(op));
	jit_slow_end(t);
	return true;
}

bool jit_tr_ls_pair(struct jit_tr *t, const struct a64_op *op)
{
	unsigned rt = a64_rd(op), rt2 = a64_ra(op), rn = a64_rn(op);
	unsigned opc = a64_bits(op->word, 31, 30), form = a64_bits(op->word, 24, 23);
	unsigned size = opc == 2 ? 8 : 4;
	enum x64_width w = opc == 0 ? X32 : X64;
	bool load = a64_bits(op->word, 22, 22), writeback = form & 1;
	int64_t imm = a64_sbits(op->word, 21, 15) * size;
	struct emit *e = &t->e;

	if ((writeback && (rn == rt || rn == rt2)) || (load && rt == rt2))
		return false;
	jit_clobber_flags(t);
	jit_address(t, rn, form == 1 ? 0 : imm);
	jit_tlb(t, 2 * size, !load);
	if (load) {
		unsigned x = opc == 1 ? X_MOVSXD : X_LOAD;
		unsigned a = jit_dst(t, rt, RCX), b = jit_dst(t, rt2, RDX);

		em_rm(e, x, w, a, RAX, 0);
		em_rm(e, x, w, b, RAX, (int32_t)size);
		jit_put(t, rt, a);
		jit_put(t, rt2, b);
	} else {
		unsigned a = jit_src(t, rt, RCX), b = jit_src(t, rt2, RDX);

		em_rm(e, X_STORE, w, a, RAX, 0);
		em_rm(e, X_STORE, w, b, RAX, (int32_t)size);
	}
	if (writeback)
		jit_writeback(t, rn, imm);
	jit_slow_end(t);
	return true;
}
