/*
 * tr_simd.h: SSE opcodes, and what the rules for SIMD&FP registers share.
 *
 * Guest vector registers are kept in xmm6 to xmm15 as far as they fit (vreg.c); xmm0 to xmm5 are
 * for the rules.  There are two ways to write a rule:
 *
 *   - with copies: simd_load and simd_rv read registers into xmm0 to xmm5, simd_store and
 *     simd_store_cut write the whole register;
 *   - in place: simd_use gives the host register of an operand, which must not be changed,
 *     simd_new one for the result, in which anything may be done before simd_set says that it is
 *     the register now.  simd_op3 is "d = n op m".
 *
 * Nothing is written to a guest register before the last jit_slow_if of the instruction.  An
 * instruction can use at most ten registers, operands and simd_new's together.  All helpers must
 * be called on a straight path of the rule's code, not behind jumps of its own, for what they
 * note holds for everything that follows.
 *
 * None of the helpers touches EFLAGS, for no SSE instruction does but the scalar comparisons.
 */
#ifndef VCPU_SOFT_JIT_TR_SIMD_H
#define VCPU_SOFT_JIT_TR_SIMD_H

#include "vcpu/soft/jit/tr.h"

#include "vcpu/a64/simd.h"

enum xmm_reg { XMM0, XMM1, XMM2, XMM3, XMM4, XMM5 };

/* As enum x64_op: prefix, escape, opcode.  "load": register, register or memory. */
enum sse_op {
	S_MOVDQA = 0x660F6F,
	S_MOVDQA_ST = 0x660F7F,
	S_MOVDQU = 0xF30F6F,
	S_MOVDQU_ST = 0xF30F7F,
	S_MOVQ = 0xF30F7E,    /* the upper half becomes 0 */
	S_MOVD = 0x660F6E,    /* from a general register or memory; X64: 64 bits */
	S_MOVD_ST = 0x660F7E, /* to a general register or memory; the reg field is the xmm */
	S_MOVQ_ST = 0x660FD6,
	S_PXOR = 0x660FEF,
	S_PAND = 0x660FDB,
	S_PANDN = 0x660FDF, /* ~destination & source */
	S_POR = 0x660FEB,
	S_PADDB = 0x660FFC, /* then W, D, Q: 0x660FD4 */
	S_PADDQ = 0x660FD4,
	S_PSUBB = 0x660FF8, /* then W, D, Q */
	S_PCMPEQB = 0x660F74,
	S_PCMPEQD = 0x660F76,
	S_PCMPGTQ = 0x663837,
	S_PADDUSB = 0x660FDC,
	S_PMULLW = 0x660FD5,
	S_PMULLD = 0x663840,
	S_PMULUDQ = 0x660FF4,
	S_PMULDQ = 0x663828,
	S_PSHUFB = 0x663800,
	S_PSHUFD = 0x660F70,  /* imm8 */
	S_PSHUFLW = 0xF20F70, /* imm8 */
	S_SHUFPS = 0x0FC6,    /* imm8 */
	S_PALIGNR = 0x663A0F, /* imm8 */
	S_PUNPCKLBW = 0x660F60,
	S_PUNPCKHBW = 0x660F68,
	S_PUNPCKLQDQ = 0x660F6C,
	S_PUNPCKHQDQ = 0x660F6D,
	S_PACKUSWB = 0x660F67,
	S_PACKUSDW = 0x66382B,
	S_PINSRB = 0x663A20, /* imm8; from a general register or memory */
	S_PINSRW = 0x660FC4,
	S_PINSRD = 0x663A22, /* X64: PINSRQ */
	S_PEXTRW = 0x660FC5, /* imm8; general register, xmm */
	S_PEXTRD = 0x663A16, /* imm8; general register in the rm field, xmm in the reg field */
	S_PSHUFHW = 0xF30F70,
	S_AESENC = 0x6638DC,
	S_AESENCLAST = 0x6638DD,
	S_AESDEC = 0x6638DE,
	S_AESDECLAST = 0x6638DF,
	S_AESIMC = 0x6638DB,
	S_PCLMULQDQ = 0x663A44, /* imm8: bit 0 and 4 the upper half of the first, second operand */
	S_SHA1RNDS4 = 0x3ACC,   /* imm8: the function */
	S_SHA1MSG2 = 0x38CA,
	S_SHA256RNDS2 = 0x38CB, /* and xmm0 */
	S_SHA256MSG1 = 0x38CC,
	S_SHA256MSG2 = 0x38CD,
	S_PEXTRB = 0x663A14,   /* imm8; as PEXTRD */
	S_INSERTPS = 0x663A21, /* imm8 */
};

/* Displacement from rbp of a vector register's place in the vCPU. */
static inline int32_t simd_slot(unsigned r)
{
	return JIT_AT(cpu.regs.v) + (int32_t)(r * 16);
}

/* The same, with the register's value there; to be read only. */
int32_t simd_at(struct jit_tr *t, unsigned r);

/* The host register that holds a guest register, of which at least so many bytes (4, 8, 16)
 * from the lowest are wanted; what is above them is undefined. */
unsigned simd_use(struct jit_tr *t, unsigned r, unsigned bytes);
/* A host register for a result. */
unsigned simd_new(struct jit_tr *t);
/*
 * The guest register is now in x, which simd_new gave in this instruction.  exact: so many bytes
 * (4, 8, 16) count, those above them are to be 0 and need not be; zero: with exact 16, from this
 * byte on (4, 8, or 16: unknown) all are 0.
 */
void simd_set(struct jit_tr *t, unsigned r, unsigned x, unsigned exact, unsigned zero);
/* From which byte on (4, 8, 16) the guest register's host register is known to be 0. */
unsigned simd_zero_from(struct jit_tr *t, unsigned r);
/* d = n op m, for instructions that have a VEX form with three operands; d is not m. */
void simd_op3(struct jit_tr *t, unsigned op, unsigned d, unsigned n, unsigned m);

/* The width of a form in bytes beyond 8?  Scalar forms have bit 30 set but work on 8 at most. */
static inline bool simd_full(const struct a64_op *op)
{
	return simd_q(op) && !simd_is_scalar(op);
}

static inline void simd_rr(struct jit_tr *t, unsigned op, unsigned x, unsigned y)
{
	em_rr(&t->e, op, X32, x, y);
}

static inline void simd_rr_imm(struct jit_tr *t, unsigned op, unsigned x, unsigned y, unsigned imm)
{
	em_rr(&t->e, op, X32, x, y);
	em_u8(&t->e, imm);
}

/* op xmm, guest register. */
static inline void simd_rv(struct jit_tr *t, unsigned op, unsigned x, unsigned r)
{
	unsigned y = simd_use(t, r, op == S_MOVD ? 4 : 16);

	if (op == S_MOVD) /* has no such form: lane 0, and zeros */
		simd_rr_imm(t, S_INSERTPS, x, y, 0x0E);
	else
		simd_rr(t, op, x, y);
}

static inline void simd_load(struct jit_tr *t, unsigned x, unsigned r)
{
	simd_rv(t, S_MOVDQA, x, r);
}

/* Guest register = xmm. */
static inline void simd_store(struct jit_tr *t, unsigned x, unsigned r)
{
	unsigned d = simd_new(t);

	simd_rr(t, S_MOVDQA, d, x);
	simd_set(t, r, d, 16, 16);
}

/* Guest register = xmm, of which only the lower half counts unless full. */
static inline void simd_store_cut(struct jit_tr *t, unsigned x, unsigned r, bool full)
{
	unsigned d = simd_new(t);

	simd_rr(t, full ? S_MOVDQA : S_MOVQ, d, x);
	simd_set(t, r, d, 16, full ? 16 : 8);
}

/* Guest register = host general register (width w), zero-extended. */
static inline void simd_put_host(struct jit_tr *t, unsigned r, unsigned host, enum x64_width w)
{
	unsigned d = simd_new(t);

	em_rr(&t->e, S_MOVD, w, d, host);
	simd_set(t, r, d, 16, w == X64 ? 8 : 4);
}

/* A host general register = lane 0 of a guest register (width w), zero-extended. */
static inline void simd_get_host(struct jit_tr *t, unsigned host, unsigned r, enum x64_width w)
{
	em_rr(&t->e, S_MOVD_ST, w, simd_use(t, r, w == X64 ? 8 : 4), host);
}

/* A host general register = a lane of 1 << size bytes, zero-extended. */
void simd_get_lane(struct jit_tr *t, unsigned host, unsigned r, unsigned size, unsigned i);

/* --- in place: operands and result by the usual fields of the word --- */

/* Bytes of a form's registers that count. */
static inline unsigned simd_len(const struct a64_op *op)
{
	return simd_full(op) ? 16 : 8;
}

static inline unsigned simd_n(struct jit_tr *t, const struct a64_op *op)
{
	return simd_use(t, a64_rn(op), simd_len(op));
}

static inline unsigned simd_m(struct jit_tr *t, const struct a64_op *op)
{
	return simd_use(t, a64_rm(op), simd_len(op));
}

/* The old value of rd. */
static inline unsigned simd_old(struct jit_tr *t, const struct a64_op *op)
{
	return simd_use(t, a64_rd(op), simd_len(op));
}

/* rd = x, which simd_new gave, by the form's length. */
static inline bool simd_result(struct jit_tr *t, const struct a64_op *op, unsigned x)
{
	simd_set(t, a64_rd(op), x, simd_len(op), 16);
	return true;
}

/* rd = all 16 bytes of x. */
static inline bool simd_result_full(struct jit_tr *t, const struct a64_op *op, unsigned x)
{
	simd_set(t, a64_rd(op), x, 16, 16);
	return true;
}

/* d = n op a constant.  Uses xmm5 and rax. */
void simd_op3_const2(struct jit_tr *t, unsigned op, unsigned d, unsigned n, uint64_t lo,
                     uint64_t hi);

static inline void simd_op3_const(struct jit_tr *t, unsigned op, unsigned d, unsigned n, uint64_t v)
{
	simd_op3_const2(t, op, d, n, v, v);
}

/* A value of a lane's width in all lanes of 64 bits. */
static inline uint64_t simd_repeat(unsigned size, uint64_t v)
{
	static const uint64_t ones[] = {0x0101010101010101u, 0x0001000100010001u,
	                                0x0000000100000001u, 1};

	return size == SIMD_D ? v : (v & ((1ULL << (8 << size)) - 1)) * ones[size];
}

/* x = ~x.  Uses xmm5. */
static inline void simd_invert(struct jit_tr *t, unsigned x)
{
	simd_rr(t, S_PCMPEQD, XMM5, XMM5);
	simd_rr(t, S_PXOR, x, XMM5);
}

/* By lane size. */
extern const unsigned simd_op_add[4], simd_op_sub[4], simd_op_cmpeq[4], simd_op_cmpgt[4];
extern const unsigned simd_op_smax[3], simd_op_smin[3], simd_op_umax[3], simd_op_umin[3];

/* xmm = 64 bits in both halves.  Uses rax. */
void simd_const(struct jit_tr *t, unsigned x, uint64_t v);
/* xmm = two halves.  Uses rax. */
void simd_const2(struct jit_tr *t, unsigned x, uint64_t lo, uint64_t hi);
/* xmm: lane 0 of 1 << size bytes in all lanes.  Uses xmm5. */
void simd_broadcast(struct jit_tr *t, unsigned x, unsigned size);
/* Shifts the lanes of 2, 4 or 8 bytes of an xmm by an immediate up to their width. */
enum simd_shift { SHIFT_RIGHT = 2, SHIFT_ARITH = 4, SHIFT_LEFT = 6 };
void simd_shift(struct jit_tr *t, enum simd_shift kind, unsigned x, unsigned size, unsigned by);
/* d = n shifted so; d may be n. */
void simd_shift3(struct jit_tr *t, enum simd_shift kind, unsigned d, unsigned n, unsigned size,
                 unsigned by);
/*
 * The same of lanes of any size, for by from 1 (left: 0) to the width (left: less); d is neither n
 * nor xmm5.  Right shifts use xmm4 and xmm5, left ones xmm5.
 */
void simd_right(struct jit_tr *t, unsigned d, unsigned n, unsigned size, unsigned by, bool sign);
/* The bit that falls out last is added. */
void simd_right_rounded(struct jit_tr *t, unsigned d, unsigned n, unsigned size, unsigned by,
                        bool sign);
void simd_left(struct jit_tr *t, unsigned d, unsigned n, unsigned size, unsigned by);
/* x = an element (words, or halfwords of v0 to v15) in all lanes, by H:L:M and rm. */
void simd_element(struct jit_tr *t, const struct a64_op *op, unsigned x);
/* d = |n - m|, of lanes up to words.  Uses xmm1. */
void simd_distance(struct jit_tr *t, unsigned size, bool sign, unsigned d, unsigned n, unsigned m);
/* Something was saturated where x is not 0 (vcpu.qc). */
void simd_saturates(struct jit_tr *t, unsigned x);
/* Shifts a whole xmm by bytes. */
void simd_shift_bytes(struct jit_tr *t, bool left, unsigned x, unsigned by);

#endif
