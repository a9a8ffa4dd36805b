/*
 * tr_simd_copy.c: what moves SIMD&FP registers without computing: FMOV, FCSEL, modified
 * immediates, DUP, INS, UMOV, SMOV (Arm ARM C4.1); and the helpers of all SIMD rules.
 */
#include "vcpu/soft/jit/tr_fp.h"

#include "vcpu/a64/fp_imm.h"

void simd_const(struct jit_tr *t, unsigned x, uint64_t v)
{
	simd_const2(t, x, v, v);
}

void simd_const2(struct jit_tr *t, unsigned x, uint64_t lo, uint64_t hi)
{
	uint64_t at;

	if (lo == 0 && hi == 0) {
		simd_rr(t, S_PXOR, x, x);
		return;
	}
	if (lo == UINT64_MAX && hi == UINT64_MAX) {
		simd_rr(t, S_PCMPEQD, x, x);
		return;
	}
	at = jit_const(t->jit, lo, hi);
	if (at) {
		em_rip(&t->e, S_MOVDQA, X32, x, at);
		return;
	}
	if (lo == hi) {
		em_mov_imm(&t->e, RAX, lo);
		em_rr(&t->e, S_MOVD, X64, x, RAX);
		simd_rr(t, S_PUNPCKLQDQ, x, x);
		return;
	}
	em_mov_imm(&t->e, RAX, lo);
	em_rr(&t->e, S_MOVD, X64, x, RAX);
	em_mov_imm(&t->e, RAX, hi);
	em_rr(&t->e, S_PINSRD, X64, x, RAX);
	em_u8(&t->e, 1);
}

void simd_op3_const2(struct jit_tr *t, unsigned op, unsigned d, unsigned n, uint64_t lo,
                     uint64_t hi)
{
	simd_const2(t, XMM5, lo, hi);
	simd_op3(t, op, d, n, XMM5);
}

void simd_broadcast(struct jit_tr *t, unsigned x, unsigned size)
{
	switch (size) {
	case SIMD_B:
		simd_rr(t, S_PXOR, XMM5, XMM5);
		simd_rr(t, S_PSHUFB, x, XMM5);
		break;
	case SIMD_H:
		simd_rr_imm(t, S_PSHUFLW, x, x, 0);
		simd_rr(t, S_PUNPCKLQDQ, x, x);
		break;
	case SIMD_S:
		simd_rr_imm(t, S_PSHUFD, x, x, 0);
		break;
	default:
		simd_rr(t, S_PUNPCKLQDQ, x, x);
	}
}

void simd_shift(struct jit_tr *t, enum simd_shift kind, unsigned x, unsigned size, unsigned by)
{
	simd_rr_imm(t, 0x660F70 + size, kind, x, by);
}

void simd_shift_bytes(struct jit_tr *t, bool left, unsigned x, unsigned by)
{
	simd_rr_imm(t, 0x660F73, left ? 7 : 3, x, by);
}

void simd_get_lane(struct jit_tr *t, unsigned host, unsigned r, unsigned size, unsigned i)
{
	unsigned end = (i + 1) << size, x = simd_use(t, r, end <= 4 ? 4 : end <= 8 ? 8 : 16);

	if (size >= SIMD_S && i == 0) {
		em_rr(&t->e, S_MOVD_ST, size == SIMD_D ? X64 : X32, x, host);
	} else if (size == SIMD_H) {
		simd_rr_imm(t, S_PEXTRW, host, x, i);
	} else {
		em_rr(&t->e, size == SIMD_B ? S_PEXTRB : S_PEXTRD, size == SIMD_D ? X64 : X32, x,
		      host);
		em_u8(&t->e, i);
	}
}

/* FMOV (bit 22: double), FABS, FNEG of scalars. */
bool jit_tr_fmov(struct jit_tr *t, const struct a64_op *op)
{
	unsigned kind = a64_bits(op->word, 16, 15), bytes = simd_sz(op) ? 8 : 4;
	unsigned n = simd_use(t, a64_rn(op), bytes), d = simd_new(t);

	if (kind == 0) {
		simd_rr(t, S_MOVDQA, d, n);
		simd_set(t, a64_rd(op), d, bytes, 16);
		return true;
	}
	if (kind == 1) /* FABS; 2: FNEG */
		fp_op3_const(t, S_PAND, d, n, fp_abs_mask(fp_form(op)));
	else
		fp_op3_const(t, S_PXOR, d, n, fp_sign_mask(fp_form(op)));
	fp_set(t, fp_form(op), a64_rd(op), d,
	       simd_zero_from(t, a64_rn(op)) <= bytes && kind == 1 ? bytes : 16);
	return true;
}

bool jit_tr_fmov_imm(struct jit_tr *t, const struct a64_op *op)
{
	unsigned imm = a64_bits(op->word, 20, 13), d = simd_new(t);

	simd_const2(t, d, simd_sz(op) ? fp_expand_imm64(imm) : fp_expand_imm32(imm), 0);
	simd_set(t, a64_rd(op), d, 16, simd_sz(op) ? 8 : 4);
	return true;
}

bool jit_tr_fmov_to_gpr(struct jit_tr *t, const struct a64_op *op)
{
	unsigned d = jit_dst(t, a64_rd(op), RCX);

	simd_get_host(t, d, a64_rn(op), jit_width(op));
	jit_put(t, a64_rd(op), d);
	return true;
}

bool jit_tr_fmov_from_gpr(struct jit_tr *t, const struct a64_op *op)
{
	simd_put_host(t, a64_rd(op), jit_src(t, a64_rn(op), RCX), jit_width(op));
	return true;
}

bool jit_tr_fmov_to_gpr_high(struct jit_tr *t, const struct a64_op *op)
{
	unsigned d = jit_dst(t, a64_rd(op), RCX);

	simd_get_lane(t, d, a64_rn(op), SIMD_D, 1);
	jit_put(t, a64_rd(op), d);
	return true;
}

bool jit_tr_fmov_from_gpr_high(struct jit_tr *t, const struct a64_op *op)
{
	simd_load(t, XMM0, a64_rd(op));
	em_rr(&t->e, S_PINSRD, X64, XMM0, jit_src(t, a64_rn(op), RCX));
	em_u8(&t->e, 1);
	simd_store(t, XMM0, a64_rd(op));
	return true;
}

bool jit_tr_fcsel(struct jit_tr *t, const struct a64_op *op)
{
	unsigned cond = a64_bits(op->word, 15, 12);
	enum x64_width w = simd_sz(op) ? X64 : X32;

	if (cond >= 14) {
		simd_get_host(t, RCX, a64_rn(op), w);
	} else {
		simd_get_host(t, RCX, a64_rm(op), w);
		simd_get_host(t, RDX, a64_rn(op), w);
		em_rr(&t->e, X_CMOV + jit_cond(t, cond), w, RCX, RDX);
	}
	simd_put_host(t, a64_rd(op), RCX, w);
	return true;
}

/* MOVI, MVNI, FMOV; ORR and BIC by cmode bit 0. */
bool jit_tr_modimm(struct jit_tr *t, const struct a64_op *op)
{
	unsigned cmode = a64_bits(op->word, 15, 12);
	uint64_t imm = simd_expand_imm(op->word);
	bool inverted = a64_bits(op->word, 29, 29) && cmode < 14;

	if (inverted)
		imm = ~imm;
	simd_const(t, XMM0, imm);
	if (cmode < 12 && (cmode & 1))
		simd_rv(t, inverted ? S_PAND : S_POR, XMM0, a64_rd(op));
	simd_store_cut(t, XMM0, a64_rd(op), simd_q(op));
	return true;
}

/* --- copy --- */

static unsigned lane_size(const struct a64_op *op)
{
	return (unsigned)__builtin_ctz(a64_bits(op->word, 20, 16));
}

/* The lane's number. */
static unsigned lane_of(const struct a64_op *op)
{
	return a64_bits(op->word, 20, 16) >> (lane_size(op) + 1);
}

static void insert(struct jit_tr *t, unsigned r, unsigned size, unsigned i, unsigned host)
{
	static const unsigned insert_op[] = {S_PINSRB, S_PINSRW, S_PINSRD, S_PINSRD};

	simd_load(t, XMM0, r);
	em_rr(&t->e, insert_op[size], size == SIMD_D ? X64 : X32, XMM0, host);
	em_u8(&t->e, i);
	simd_store(t, XMM0, r);
}

bool jit_tr_dup_elem_v(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = lane_size(op);

	simd_get_lane(t, RCX, a64_rn(op), size, lane_of(op));
	em_rr(&t->e, S_MOVD, X64, XMM0, RCX);
	simd_broadcast(t, XMM0, size);
	simd_store_cut(t, XMM0, a64_rd(op), simd_q(op));
	return true;
}

bool jit_tr_dup_elem_scalar(struct jit_tr *t, const struct a64_op *op)
{
	simd_get_lane(t, RCX, a64_rn(op), lane_size(op), lane_of(op));
	simd_put_host(t, a64_rd(op), RCX, X64);
	return true;
}

bool jit_tr_dup_gpr_v(struct jit_tr *t, const struct a64_op *op)
{
	em_rr(&t->e, S_MOVD, X64, XMM0, jit_src(t, a64_rn(op), RCX));
	simd_broadcast(t, XMM0, lane_size(op));
	simd_store_cut(t, XMM0, a64_rd(op), simd_q(op));
	return true;
}

bool jit_tr_ins_gpr(struct jit_tr *t, const struct a64_op *op)
{
	insert(t, a64_rd(op), lane_size(op), lane_of(op), jit_src(t, a64_rn(op), RCX));
	return true;
}

bool jit_tr_ins_elem(struct jit_tr *t, const struct a64_op *op)
{
	unsigned size = lane_size(op);

	simd_get_lane(t, RCX, a64_rn(op), size, a64_bits(op->word, 14, 11) >> size);
	insert(t, a64_rd(op), size, lane_of(op), RCX);
	return true;
}

bool jit_tr_umov(struct jit_tr *t, const struct a64_op *op)
{
	unsigned d = jit_dst(t, a64_rd(op), RCX);

	simd_get_lane(t, d, a64_rn(op), lane_size(op), lane_of(op));
	jit_put(t, a64_rd(op), d);
	return true;
}

bool jit_tr_smov(struct jit_tr *t, const struct a64_op *op)
{
	static const unsigned extend[] = {X_MOVSX8, X_MOVSX16, X_MOVSXD};
	unsigned d = jit_dst(t, a64_rd(op), RCX), size = lane_size(op);

	simd_get_lane(t, RCX, a64_rn(op), size, lane_of(op));
	em_rr(&t->e, extend[size], simd_q(op) ? X64 : X32, d, RCX);
	jit_put(t, a64_rd(op), d);
	return true;
}
