/*
 * tr_dp.c: logical operations, wide moves, PC-relative addresses, bitfields, conditional
 * select (Arm ARM C4.1.92, C4.1.95).
 */
#include "vcpu/soft/jit/tr.h"

#include "vcpu/a64/int.h"

static const enum x64_shift shifts[] = {SH_SHL, SH_SHR, SH_SAR, SH_ROR};

/* host = guest register r rotated to the right; keeps EFLAGS (BMI2). */
static void rotated(struct jit_tr *t, enum x64_width w, unsigned host, unsigned r, unsigned by)
{
	if (r == 31)
		em_vrm(&t->e, X_RORX, w, host, 0, RBP, JIT_AT(zero));
	else if (jit_pin[r] >= 0)
		em_vrr(&t->e, X_RORX, w, host, 0, (unsigned)jit_pin[r]);
	else
		em_vrm(&t->e, X_RORX, w, host, 0, RBP, (int32_t)(r * 8) - JIT_BIAS);
	em_u8(&t->e, by);
}

bool jit_tr_logical_reg(struct jit_tr *t, const struct a64_op *op)
{
	static const unsigned ops[] = {X_AND, X_OR, X_XOR, X_AND};
	unsigned rd = a64_rd(op), rn = a64_rn(op), rm = a64_rm(op);
	unsigned opc = a64_bits(op->word, 30, 29), by = a64_bits(op->word, 15, 10);
	bool invert = a64_bits(op->word, 21, 21);
	enum x64_width w = jit_width(op);
	struct emit *e = &t->e;
	unsigned d = jit_dst(t, rd, RAX);

	if (opc == 1 && rn == 31 && !by) { /* MOV, MVN: neither touches EFLAGS */
		/* Register 31 is zero here, whatever pin the stack pointer has. */
		if (d != RAX || rd == 31 || rm == 31 || invert || w == X32 || jit_pin[rm] < 0) {
			jit_op(t, X_LOAD, w, d, rm);
			if (invert)
				em_unary(e, 2, w, d);
		} else {
			d = (unsigned)jit_pin[rm];
		}
		jit_put(t, rd, d);
		return true;
	}
	if (opc != 3)
		jit_clobber_flags(t);
	if (opc == 3 && rd == 31 && !by && !invert) {
		unsigned n = jit_src(t, rn, RAX);

		jit_op(t, X_TEST, w, n, rm);
		t->flags = JIT_FLAGS_ADD;
		return true;
	}
	if (by || invert) {
		bool rotates = a64_bits(op->word, 23, 22) == 3 && by && jit_host()->bmi2;

		if (rotates)
			rotated(t, w, RCX, rm, by);
		else
			jit_op(t, X_LOAD, w, RCX, rm);
		if (by && !rotates)
			em_shift_ri(e, shifts[a64_bits(op->word, 23, 22)], w, RCX, by);
		if (invert)
			em_unary(e, 2, w, RCX);
	} else if (rd == rm && rd != rn) {
		d = RAX;
	}
	if (rn == 31)
		em_mov_imm(e, d, 0);
	else if (jit_pin[rn] != (int)d)
		jit_op(t, X_LOAD, w, d, rn);
	if (by || invert)
		em_rr(e, ops[opc], w, d, RCX);
	else
		jit_op(t, ops[opc], w, d, rm);
	jit_put(t, rd, d);
	if (opc == 3)
		t->flags = JIT_FLAGS_ADD; /* C and V clear, as the host has them */
	return true;
}

bool jit_tr_logical_imm(struct jit_tr *t, const struct a64_op *op)
{
	static const enum x64_alu ops[] = {ALU_AND, ALU_OR, ALU_XOR, ALU_AND};
	static const unsigned wide[] = {X_AND, X_OR, X_XOR, X_AND};
	unsigned rd = a64_rd(op), rn = a64_rn(op), opc = a64_bits(op->word, 30, 29);
	enum x64_width w = jit_width(op);
	struct emit *e = &t->e;
	uint64_t mask;

	if (!a64_bitmask(a64_bits(op->word, 22, 22), a64_bits(op->word, 15, 10),
	                 a64_bits(op->word, 21, 16), &mask))
		return false;
	if (w == X32)
		mask = (uint32_t)mask;
	bool sp = opc != 3;
	unsigned d = sp ? jit_dst_sp(t, rd, RAX) : jit_dst(t, rd, RAX);

	if (opc == 1 && rn == 31) { /* MOV of a bitmask */
		em_mov_imm(e, d, mask);
	} else {
		if (opc != 3)
			jit_clobber_flags(t);
		/* A mask without upper bits: the 32-bit form clears them too; but ANDS sets N. */
		if (opc == 0 && mask <= UINT32_MAX)
			w = X32;
		if (rn == 31)
			em_mov_imm(e, d, 0);
		else if (jit_pin[rn] != (int)d)
			jit_op(t, X_LOAD, w, d, rn);
		if (w == X32 || (int64_t)mask == (int32_t)mask) {
			em_alu_ri(e, ops[opc], w, d, (int32_t)(uint32_t)mask);
		} else {
			em_mov_imm(e, RCX, mask);
			em_rr(e, wide[opc], w, d, RCX);
		}
	}
	if (sp)
		jit_put_sp(t, rd, d);
	else
		jit_put(t, rd, d);
	if (sp && rd == 31)
		t->sp_aligned = false;
	if (opc == 3)
		t->flags = JIT_FLAGS_ADD;
	return true;
}

/* A register set to a constant, which is remembered for a MOVK behind it. */
static void set_constant(struct jit_tr *t, unsigned rd, uint64_t v)
{
	unsigned d = jit_dst(t, rd, RAX);

	em_mov_imm(&t->e, d, v);
	jit_put(t, rd, d);
	t->known_reg = rd;
	t->known_value = v;
	t->known_at = t->at + 1;
}

bool jit_tr_move_wide(struct jit_tr *t, const struct a64_op *op)
{
	unsigned rd = a64_rd(op), shift = a64_bits(op->word, 22, 21) * 16;
	uint64_t imm = (uint64_t)a64_bits(op->word, 20, 5) << shift, keep = ~(0xFFFFULL << shift);
	uint64_t limit = jit_width(op) == X64 ? UINT64_MAX : UINT32_MAX;

	switch (a64_bits(op->word, 30, 29)) {
	case 0:
		set_constant(t, rd, ~imm & limit);
		return true;
	case 2:
		set_constant(t, rd, imm);
		return true;
	default:
		break;
	}
	if (t->known_at == t->at && t->known_reg == rd && rd != 31) {
		set_constant(t, rd, ((t->known_value & keep) | imm) & limit);
		return true;
	}
	jit_clobber_flags(t);
	jit_op(t, X_LOAD, jit_width(op), RAX, rd);
	em_mov_imm(&t->e, RCX, keep);
	em_rr(&t->e, X_AND, X64, RAX, RCX);
	em_mov_imm(&t->e, RCX, imm);
	em_rr(&t->e, X_OR, X64, RAX, RCX);
	jit_put(t, rd, RAX);
	return true;
}

bool jit_tr_adr(struct jit_tr *t, const struct a64_op *op)
{
	uint64_t imm = (uint64_t)(a64_sbits(op->word, 23, 5) * 4) | a64_bits(op->word, 30, 29);
	unsigned d = jit_dst(t, a64_rd(op), RAX);

	jit_mov_guest(t, d, op->word >> 31 ? (t->pc & ~0xFFFULL) + (imm << 12) : t->pc + imm);
	jit_put(t, a64_rd(op), d);
	return true;
}

/* host = rn shifted left, then right (as op says), so that a field is cut out. */
static void cut(struct jit_tr *t, enum x64_width w, unsigned host, unsigned rn, unsigned left,
                unsigned right, bool sign)
{
	if (rn == 31)
		em_mov_imm(&t->e, host, 0);
	else if (jit_pin[rn] != (int)host)
		jit_op(t, X_LOAD, w, host, rn);
	else if (w == X32 && !left && !right)
		jit_op(t, X_LOAD, w, host, rn);
	if (left)
		em_shift_ri(&t->e, SH_SHL, w, host, left);
	if (right)
		em_shift_ri(&t->e, sign ? SH_SAR : SH_SHR, w, host, right);
}

/* A field from bit 0 that a move with extension takes. */
static unsigned extending_move(enum x64_width w, unsigned len, bool sign, enum x64_width *mw)
{
	*mw = sign && w == X64 ? X64 : X8;
	if (len == 8)
		return sign ? X_MOVSX8 : X_MOVZX8;
	if (len == 16)
		return sign ? X_MOVSX16 : X_MOVZX16;
	if (len == 32 && w == X64 && sign)
		return X_MOVSXD;
	*mw = X32;
	return len == 32 && !sign ? X_LOAD : 0;
}

bool jit_tr_bitfield(struct jit_tr *t, const struct a64_op *op)
{
	unsigned rd = a64_rd(op), rn = a64_rn(op), opc = a64_bits(op->word, 30, 29);
	unsigned r = a64_bits(op->word, 21, 16), s = a64_bits(op->word, 15, 10);
	enum x64_width w = jit_width(op), mw;
	unsigned width = w == X64 ? 64 : 32;
	unsigned from = s >= r ? r : 0, to = s >= r ? 0 : width - r,
	         len = s >= r ? s - r + 1 : s + 1;
	unsigned d = opc == 1 ? RAX : jit_dst(t, rd, RAX);
	unsigned move = extending_move(w, len, opc == 0, &mw);

	if (opc != 1 && from == 0 && to == 0 && move) {
		jit_op(t, move, mw, d, rn);
		jit_put(t, rd, d);
		return true;
	}
	jit_clobber_flags(t);
	if (opc != 1) {
		/* A move to the left end needs no right shift. */
		cut(t, w, d, rn, s >= r ? width - from - len : width - len,
		    s >= r ? width - len : width - len - to, opc == 0);
		jit_put(t, rd, d);
		return true;
	}
	uint64_t mask = (UINT64_MAX >> (64 - len)) << to;

	cut(t, w, RAX, rn, width - from - len, width - len, false);
	if (to)
		em_shift_ri(&t->e, SH_SHL, w, RAX, to);
	em_mov_imm(&t->e, RCX, w == X64 ? ~mask : (uint32_t)~mask);
	jit_op(t, X_AND, w, RCX, rd);
	em_rr(&t->e, X_OR, w, RAX, RCX);
	jit_put(t, rd, RAX);
	return true;
}

bool jit_tr_extr(struct jit_tr *t, const struct a64_op *op)
{
	unsigned by = a64_bits(op->word, 15, 10);
	enum x64_width w = jit_width(op);

	if (a64_rn(op) == a64_rm(op) && jit_host()->bmi2) {
		unsigned d = jit_dst(t, a64_rd(op), RAX);

		rotated(t, w, d, a64_rm(op), by);
		jit_put(t, a64_rd(op), d);
		return true;
	}
	jit_clobber_flags(t);
	jit_op(t, X_LOAD, w, RAX, a64_rm(op));
	jit_op(t, X_LOAD, w, RCX, a64_rn(op));
	if (by) {
		em_rr(&t->e, 0x0FAC, w, RCX, RAX); /* shrd */
		em_u8(&t->e, by);
	}
	jit_put(t, a64_rd(op), RAX);
	return true;
}

bool jit_tr_csel(struct jit_tr *t, const struct a64_op *op)
{
	unsigned rd = a64_rd(op), rn = a64_rn(op), rm = a64_rm(op),
	         cond = a64_bits(op->word, 15, 12);
	bool inc = a64_bits(op->word, 10, 10), inv = a64_bits(op->word, 30, 30);
	enum x64_width w = jit_width(op);
	struct emit *e = &t->e;

	if (cond >= 14) {
		jit_op(t, X_LOAD, w, RAX, rn);
		jit_put(t, rd, RAX);
		return true;
	}
	/* rcx = the other value; neither mov, lea nor not touches EFLAGS. */
	jit_op(t, X_LOAD, w, RCX, rm);
	if (inv)
		em_unary(e, 2, w, RCX);
	if (inc)
		em_rm(e, X_LEA, w, RCX, RCX, 1);
	enum x64_cc cc = jit_cond(t, cond);

	jit_op(t, X_CMOV + cc, w, RCX, rn);
	jit_put(t, rd, RCX);
	return true;
}
