/*
 * tr_mem.c: loads and stores of general registers, single and in pairs (Arm ARM C4.1.94).
 *
 * Nothing is written to a register before all accesses have succeeded, so the slow path can be
 * the handler from its beginning.
 */
#include "vcpu/soft/jit/tr.h"

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

static void transfer(struct jit_tr *t, const struct access *a, unsigned rt, const struct jit_mem *m)
{
	if (!a->store) {
		unsigned d = jit_dst(t, rt, RAX);

		jit_mem_op(t, a->load, a->w, d, m, 0);
		jit_put(t, rt, d);
		return;
	}
	unsigned s = jit_src(t, rt, RCX);

	switch (a->size) {
	case 1:
		jit_mem_op(t, X_STORE8, X8, s, m, 0);
		break;
	case 2:
		jit_mem_op(t, X_STORE16, X32, s, m, 0);
		break;
	default:
		jit_mem_op(t, X_STORE, a->size == 8 ? X64 : X32, s, m, 0);
	}
}

bool jit_tr_ls_uimm(struct jit_tr *t, const struct a64_op *op)
{
	struct access a = access_of(op->word);
	int64_t offset = (int64_t)a64_bits(op->word, 21, 10) * a.size;
	struct jit_mem m = jit_mem_base(t, a64_rn(op), offset, a.size, a.store);

	transfer(t, &a, a64_rd(op), &m);
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
	struct jit_mem m = jit_mem_base(t, a64_rn(op), form == 1 ? 0 : imm, a.size, a.store);

	transfer(t, &a, a64_rd(op), &m);
	if (writeback)
		jit_writeback(t, a64_rn(op), imm);
	jit_slow_end(t);
	return true;
}

bool jit_tr_ls_reg(struct jit_tr *t, const struct a64_op *op)
{
	struct access a = access_of(op->word);
	unsigned scale = a64_bits(op->word, 12, 12) ? a64_bits(op->word, 31, 30) : 0;
	struct jit_mem m = jit_mem_index(t, op, scale, a.size, a.store);

	transfer(t, &a, a64_rd(op), &m);
	jit_slow_end(t);
	return true;
}

bool jit_tr_ls_lit(struct jit_tr *t, const struct a64_op *op)
{
	static const struct access kinds[] = {
	    {4, false, X_LOAD, X32}, {8, false, X_LOAD, X64}, {4, false, X_MOVSXD, X64}};
	const struct access *a = &kinds[a64_bits(op->word, 31, 30)];
	uint64_t va = t->pc + (uint64_t)(a64_sbits(op->word, 23, 5) * 4);
	struct jit_mem m = jit_mem_const(t, va, a->size, 0);

	transfer(t, a, a64_rd(op), &m);
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

	if ((writeback && (rn == rt || rn == rt2)) || (load && rt == rt2))
		return false;
	struct jit_mem m =
	    jit_mem_base(t, rn, form == 1 ? 0 : imm, 2 * size, load ? 0 : JIT_STORE | JIT_SEVERAL);

	if (load) {
		unsigned x = opc == 1 ? X_MOVSXD : X_LOAD, b = jit_dst(t, rt2, RDX);

		/* The first waits until the second cannot fail. */
		jit_mem_op(t, x, w, RCX, &m, 0);
		jit_mem_op(t, x, w, b, &m, (int32_t)size);
		jit_put(t, rt, RCX);
		jit_put(t, rt2, b);
	} else {
		unsigned a = jit_src(t, rt, RCX), b = jit_src(t, rt2, RDX);

		jit_mem_op(t, X_STORE, w, a, &m, 0);
		jit_mem_op(t, X_STORE, w, b, &m, (int32_t)size);
	}
	if (writeback)
		jit_writeback(t, rn, imm);
	jit_slow_end(t);
	return true;
}
