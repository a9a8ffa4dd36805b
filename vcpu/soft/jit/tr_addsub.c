/*
 * tr_addsub.c: addition and subtraction (Arm ARM C4.1.92, C4.1.95): immediate, shifted and
 * extended register, with carry; conditional compare.
 *
 * Where no flags are set, lea is used: it leaves EFLAGS alone.
 */
#include "vcpu/soft/jit/tr.h"

bool jit_tr_addsub_imm(struct jit_tr *t, const struct a64_op *op)
{
	struct emit *e = &t->e;
	int32_t imm = (int32_t)a64_bits(op->word, 21, 10) << (a64_bits(op->word, 22, 22) ? 12 : 0);
	bool sub = a64_bits(op->word, 30, 30), setf = a64_bits(op->word, 29, 29);
	unsigned rd = a64_rd(op), rn = a64_rn(op);
	enum x64_width w = jit_width(op);

	if (!setf) {
		unsigned d = jit_dst_sp(t, rd, RAX);

		em_rm(e, X_LEA, w, d, jit_src_sp(t, rn, RAX), sub ? -imm : imm);
		jit_put_sp(t, rd, d);
		if (rd == 31)
			t->sp_aligned = t->sp_aligned && rn == 31 && imm % 16 == 0 && w == X64;
		return true;
	}
	if (rd == 31 && sub && jit_pin[rn] >= 0) {
		em_alu_ri(e, ALU_CMP, w, (unsigned)jit_pin[rn], imm);
	} else if (rd == 31 && sub) {
		em_alu_mi(e, ALU_CMP, w, RBP, (int32_t)(rn * 8) - JIT_BIAS, imm);
	} else {
		unsigned d = jit_dst(t, rd, RAX);

		if (rd != rn || rd == 31 || jit_pin[rn] < 0)
			jit_op_sp(t, X_LOAD, w, d, rn);
		em_alu_ri(e, sub ? ALU_SUB : ALU_ADD, w, d, imm);
		jit_put(t, rd, d);
	}
	t->flags = sub ? JIT_FLAGS_SUB : JIT_FLAGS_ADD;
	return true;
}

/* rd = rn op b, where b is rcx, or guest register rm when that is below 32.  Flags as the host
 * sets them; rd may be 31, when only they count. */
static void arithmetic(struct jit_tr *t, unsigned x, enum x64_width w, unsigned rd, unsigned rn,
                       unsigned rm, bool n_is_sp, bool d_is_sp)
{
	bool discard = rd == 31 && !d_is_sp;
	unsigned d = discard ? RAX : jit_dst_sp(t, rd, RAX);

	/* Not where Rm still stands. */
	if (rm < 31 && rm == rd)
		d = RAX;
	if (n_is_sp)
		jit_op_sp(t, X_LOAD, w, d, rn);
	else if (rn == 31)
		em_mov_imm(&t->e, d, 0);
	else if (jit_pin[rn] != (int)d)
		jit_op(t, X_LOAD, w, d, rn);
	if (rm == 31 && (x == X_ADC || x == X_SBB))
		em_alu_ri(&t->e, x == X_ADC ? ALU_ADC : ALU_SBB, w, d, 0);
	else if (rm < 32)
		jit_op(t, x, w, d, rm);
	else
		em_rr(&t->e, x, w, d, RCX);
	if (!discard)
		jit_put_sp(t, rd, d);
}

#define IN_RCX 32u

bool jit_tr_addsub_reg(struct jit_tr *t, const struct a64_op *op)
{
	unsigned rd = a64_rd(op), rn = a64_rn(op), rm = a64_rm(op);
	unsigned kind = a64_bits(op->word, 23, 22), by = a64_bits(op->word, 15, 10);
	bool sub = a64_bits(op->word, 30, 30), setf = a64_bits(op->word, 29, 29);
	enum x64_width w = jit_width(op);

	if (!setf && !sub && kind == 0 && by <= 3) {
		unsigned n = jit_src(t, rn, RAX), m = jit_src(t, rm, RCX), d = jit_dst(t, rd, RAX);

		em_rx(&t->e, X_LEA, w, d, n, m, by, 0);
		jit_put(t, rd, d);
		return true;
	}
	if (!setf)
		jit_clobber_flags(t);
	if (by) {
		static const enum x64_shift shifts[] = {SH_SHL, SH_SHR, SH_SAR};

		jit_op(t, X_LOAD, w, RCX, rm);
		em_shift_ri(&t->e, shifts[kind], w, RCX, by);
		rm = IN_RCX;
	}
	if (setf && sub && rd == 31) {
		unsigned n = jit_src(t, rn, RAX);

		if (rm == IN_RCX)
			em_rr(&t->e, X_CMP, w, n, RCX);
		else
			jit_op(t, X_CMP, w, n, rm);
	} else {
		arithmetic(t, sub ? X_SUB : X_ADD, w, rd, rn, rm, false, false);
	}
	if (setf)
		t->flags = sub ? JIT_FLAGS_SUB : JIT_FLAGS_ADD;
	return true;
}

void jit_extend(struct jit_tr *t, unsigned option, unsigned host, unsigned r)
{
	static const struct {
		unsigned op;
		enum x64_width w;
	} by[8] = {{X_MOVZX8, X8},  {X_MOVZX16, X32}, {X_LOAD, X32},   {X_LOAD, X64},
	           {X_MOVSX8, X64}, {X_MOVSX16, X64}, {X_MOVSXD, X64}, {X_LOAD, X64}};

	jit_op(t, by[option].op, by[option].w, host, r);
}

bool jit_tr_addsub_ext(struct jit_tr *t, const struct a64_op *op)
{
	unsigned rd = a64_rd(op), rn = a64_rn(op), shift = a64_bits(op->word, 12, 10);
	bool sub = a64_bits(op->word, 30, 30), setf = a64_bits(op->word, 29, 29);
	enum x64_width w = jit_width(op);

	if (shift > 4)
		return false;
	if (!setf)
		jit_clobber_flags(t);
	jit_extend(t, a64_bits(op->word, 15, 13), RCX, a64_rm(op));
	if (shift)
		em_shift_ri(&t->e, SH_SHL, X64, RCX, shift);
	arithmetic(t, sub ? X_SUB : X_ADD, w, rd, rn, IN_RCX, true, !setf);
	if (rd == 31 && !setf)
		t->sp_aligned = false;
	if (setf)
		t->flags = sub ? JIT_FLAGS_SUB : JIT_FLAGS_ADD;
	return true;
}

/* ADC and SBC with their flag-setting forms; the host borrows where Arm has no carry. */
bool jit_tr_adc(struct jit_tr *t, const struct a64_op *op)
{
	bool sub = a64_bits(op->word, 30, 30), setf = a64_bits(op->word, 29, 29);
	enum jit_flags want = sub ? JIT_FLAGS_SUB : JIT_FLAGS_ADD, have;
	bool there = t->flags != JIT_FLAGS_MEM;

	/* Saving leaves C in CF. */
	if (!setf && t->flags_live)
		jit_save_flags(t);
	have = t->flags == JIT_FLAGS_SUB ? JIT_FLAGS_SUB : JIT_FLAGS_ADD;
	if (!there) {
		em_rm(&t->e, 0x660FBA, X32, 4, RBP, JIT_AT(hflags)); /* bt word */
		em_u8(&t->e, 8);
	}
	if (have != want)
		em_u8(&t->e, 0xF5); /* cmc */
	arithmetic(t, sub ? X_SBB : X_ADC, jit_width(op), a64_rd(op), a64_rn(op), a64_rm(op), false,
	           false);
	t->flags = setf ? want : JIT_FLAGS_MEM;
	return true;
}

static void compare(struct jit_tr *t, const struct a64_op *op, bool sub, bool imm)
{
	enum x64_width w = jit_width(op);
	unsigned n;

	if (!sub) {
		jit_op(t, X_LOAD, w, RAX, a64_rn(op));
		if (imm)
			em_alu_ri(&t->e, ALU_ADD, w, RAX, (int32_t)a64_rm(op));
		else
			jit_op(t, X_ADD, w, RAX, a64_rm(op));
		return;
	}
	n = jit_src(t, a64_rn(op), RAX);
	if (imm)
		em_alu_ri(&t->e, ALU_CMP, w, n, (int32_t)a64_rm(op));
	else
		jit_op(t, X_CMP, w, n, a64_rm(op));
}

/* Conditional compare: both ways end with the flags in EFLAGS by the same rule. */
bool jit_tr_ccmp(struct jit_tr *t, const struct a64_op *op)
{
	bool sub = a64_bits(op->word, 30, 30), imm = a64_bits(op->word, 11, 11);
	unsigned cond = a64_bits(op->word, 15, 12);
	struct emit *e = &t->e;

	if (cond < 14) {
		uint16_t h = soft_jit_hflags(a64_bits(op->word, 3, 0) << 28);
		uint8_t *otherwise = em_jcc_later(e, jit_cond(t, cond) ^ 1);

		compare(t, op, sub, imm);
		uint8_t *end = em_jmp_later(e);

		em_here(e, otherwise);
		em_mov_imm(e, RAX, sub ? h ^ 0x100u : h);
		em_u8(e, 0x04); /* add al, 0x7F: OF = al */
		em_u8(e, 0x7F);
		em_u8(e, 0x9E); /* sahf */
		em_here(e, end);
	} else {
		compare(t, op, sub, imm);
	}
	t->flags = sub ? JIT_FLAGS_SUB : JIT_FLAGS_ADD;
	return true;
}
