/*
 * tr_simd_struct.c: LD2 to LD4 and ST2 to ST4 of whole registers (Arm ARM C4.1, "Advanced SIMD
 * load/store multiple structures"): elements that lie side by side in memory come from, and go
 * to, as many registers.
 *
 * Two and four: the bytes of each 16 are grouped by register, and the groups transposed.  Three:
 * each register gathers its bytes from all of them by shuffles.
 */
#include "vcpu/soft/jit/tr_simd.h"

#define PUNPCKLDQ 0x660F62
#define PUNPCKHDQ 0x660F6A

struct shape {
	unsigned n; /* registers */
	unsigned size;
	bool full;
	unsigned reg[4];
};

/* A shuffle's mask, made byte by byte. */
struct mask {
	uint64_t half[2];
};

static void set_byte(struct mask *m, unsigned i, unsigned from)
{
	m->half[i / 8] |= (uint64_t)from << (i % 8 * 8);
}

static bool is_load(const struct a64_op *op)
{
	return a64_bits(op->word, 22, 22);
}

static struct shape shape_of(const struct a64_op *op)
{
	static const uint8_t registers[] = {4, 3, 2};
	struct shape s = {.n = registers[a64_bits(op->word, 15, 14)],
	                  .size = a64_bits(op->word, 11, 10),
	                  .full = simd_q(op)};

	for (unsigned i = 0; i < s.n; i++)
		s.reg[i] = (a64_rd(op) + i) % 32;
	return s;
}

/* The shuffle that brings the elements of 16 bytes of memory together by register, or (back) does
 * the opposite.  Elements of words and more need none, or pshufd. */
static void group(struct jit_tr *t, const struct shape *s, unsigned x, bool back)
{
	unsigned lane = 1u << s->size, per = 16 / lane / s->n; /* of each register */
	struct mask m = {{0, 0}};

	if (s->size == SIMD_D || (s->size == SIMD_S && s->n == 4))
		return;
	for (unsigned i = 0; i < 16; i++) {
		unsigned element = i / lane;
		unsigned from = back ? element % s->n * per + element / s->n
		                     : element % per * s->n + element / per;

		set_byte(&m, i, from * lane + i % lane);
	}
	simd_op3_const2(t, S_PSHUFB, x, x, m.half[0], m.half[1]);
}

/* --- loads --- */

static void load_2(struct jit_tr *t, const struct shape *s, const unsigned *x)
{
	group(t, s, x[0], false);
	if (!s->full) {
		simd_rr_imm(t, S_PSHUFD, x[1], x[0], 0xEE);
		return;
	}
	group(t, s, x[1], false);
	simd_op3(t, S_PUNPCKHQDQ, XMM0, x[0], x[1]);
	simd_rr(t, S_PUNPCKLQDQ, x[0], x[1]);
	simd_rr(t, S_MOVDQA, x[1], XMM0);
}

static void load_4(struct jit_tr *t, const struct shape *s, const unsigned *x)
{
	for (unsigned i = 0; i < (s->full ? 4u : 2u); i++)
		group(t, s, x[i], false);
	if (s->size == SIMD_D) {
		simd_op3(t, S_PUNPCKLQDQ, XMM0, x[0], x[2]);
		simd_op3(t, S_PUNPCKHQDQ, XMM1, x[0], x[2]);
		simd_op3(t, S_PUNPCKLQDQ, XMM2, x[1], x[3]);
		simd_op3(t, S_PUNPCKHQDQ, XMM3, x[1], x[3]);
		for (unsigned i = 0; i < 4; i++)
			simd_rr(t, S_MOVDQA, x[i], XMM0 + i);
		return;
	}
	simd_op3(t, PUNPCKLDQ, XMM0, x[0], x[1]);
	simd_op3(t, PUNPCKHDQ, XMM2, x[0], x[1]);
	if (!s->full) {
		simd_rr(t, S_MOVDQA, x[0], XMM0);
		simd_rr_imm(t, S_PSHUFD, x[1], XMM0, 0xEE);
		simd_rr(t, S_MOVDQA, x[2], XMM2);
		simd_rr_imm(t, S_PSHUFD, x[3], XMM2, 0xEE);
		return;
	}
	simd_op3(t, PUNPCKLDQ, XMM1, x[2], x[3]);
	simd_op3(t, PUNPCKHDQ, XMM3, x[2], x[3]);
	simd_op3(t, S_PUNPCKLQDQ, x[0], XMM0, XMM1);
	simd_op3(t, S_PUNPCKHQDQ, x[1], XMM0, XMM1);
	simd_op3(t, S_PUNPCKLQDQ, x[2], XMM2, XMM3);
	simd_op3(t, S_PUNPCKHQDQ, x[3], XMM2, XMM3);
}

/* d = bytes of the three x, each where `from` says: its number among their 48 (24) bytes. */
static void gather(struct jit_tr *t, unsigned d, const unsigned *x, const uint8_t *from)
{
	for (unsigned v = 0; v < 3; v++) {
		struct mask m = {{0, 0}};

		for (unsigned i = 0; i < 16; i++)
			set_byte(&m, i, from[i] / 16 == v ? from[i] % 16 : 0x80);
		simd_op3_const2(t, S_PSHUFB, v ? XMM3 : d, x[v], m.half[0], m.half[1]);
		if (v)
			simd_rr(t, S_POR, d, XMM3);
	}
}

static void load_3(struct jit_tr *t, const struct shape *s, const unsigned *x)
{
	unsigned lane = 1u << s->size;

	for (unsigned k = 0; k < 3; k++) {
		uint8_t from[16];

		for (unsigned i = 0; i < 16; i++)
			from[i] =
			    (uint8_t)(!s->full && i >= 8 ? 0xFF
			                                 : (i / lane * 3 + k) * lane + i % lane);
		gather(t, XMM0 + k, x, from);
	}
	for (unsigned k = 0; k < 3; k++)
		simd_rr(t, S_MOVDQA, x[k], XMM0 + k);
}

static void load(struct jit_tr *t, const struct shape *s, const struct jit_mem *m)
{
	unsigned bytes = s->n * (s->full ? 16 : 8), x[4];

	for (unsigned i = 0; i < s->n; i++)
		x[i] = simd_new(t);
	for (unsigned at = 0; at < bytes; at += 16)
		jit_mem_op(t, bytes - at < 16 ? S_MOVQ : S_MOVDQU, X32, x[at / 16], m, (int32_t)at);
	if (s->n == 2)
		load_2(t, s, x);
	else if (s->n == 3)
		load_3(t, s, x);
	else
		load_4(t, s, x);
	for (unsigned i = 0; i < s->n; i++)
		simd_set(t, s->reg[i], x[i], s->full ? 16 : 8, 16);
}

/* --- stores --- */

static void put(struct jit_tr *t, const struct shape *s, unsigned x, const struct jit_mem *m,
                unsigned at)
{
	if (s->n == 4)
		group(t, s, x, true);
	jit_mem_op(t, S_MOVDQU_ST, X32, x, m, (int32_t)at);
}

static void store_2(struct jit_tr *t, const struct shape *s, const unsigned *x,
                    const struct jit_mem *m)
{
	static const unsigned low[] = {0x660F60, 0x660F61, 0x660F62, 0x660F6C};
	static const unsigned high[] = {0x660F68, 0x660F69, 0x660F6A, 0x660F6D};

	simd_op3(t, low[s->size], XMM0, x[0], x[1]);
	put(t, s, XMM0, m, 0);
	if (s->full) {
		simd_op3(t, high[s->size], XMM1, x[0], x[1]);
		put(t, s, XMM1, m, 16);
	}
}

/* The two stores of pairs that were transposed by words. */
static void store_pairs(struct jit_tr *t, const struct shape *s, unsigned a, unsigned b,
                        const struct jit_mem *m, unsigned at)
{
	simd_op3(t, S_PUNPCKLQDQ, XMM4, a, b);
	put(t, s, XMM4, m, at);
	simd_op3(t, S_PUNPCKHQDQ, XMM4, a, b);
	put(t, s, XMM4, m, at + 16);
}

static void store_4(struct jit_tr *t, const struct shape *s, const unsigned *x,
                    const struct jit_mem *m)
{
	if (s->size == SIMD_D) {
		for (unsigned i = 0; i < 4; i++) {
			simd_op3(t, i < 2 ? S_PUNPCKLQDQ : S_PUNPCKHQDQ, XMM0, x[i % 2 * 2],
			         x[i % 2 * 2 + 1]);
			put(t, s, XMM0, m, i * 16);
		}
		return;
	}
	simd_op3(t, PUNPCKLDQ, XMM0, x[0], x[1]);
	simd_op3(t, PUNPCKLDQ, XMM1, x[2], x[3]);
	store_pairs(t, s, XMM0, XMM1, m, 0);
	if (!s->full)
		return;
	simd_op3(t, PUNPCKHDQ, XMM0, x[0], x[1]);
	simd_op3(t, PUNPCKHDQ, XMM1, x[2], x[3]);
	store_pairs(t, s, XMM0, XMM1, m, 32);
}

static void store_3(struct jit_tr *t, const struct shape *s, const unsigned *x,
                    const struct jit_mem *m)
{
	unsigned lane = 1u << s->size, bytes = s->full ? 48 : 24;

	for (unsigned at = 0; at < bytes; at += 16) {
		uint8_t from[16];

		for (unsigned i = 0; i < 16; i++) {
			unsigned element = (at + i) / lane;

			from[i] = (uint8_t)(element % 3 * 16 + element / 3 * lane + i % lane);
		}
		gather(t, XMM0, x, from);
		jit_mem_op(t, bytes - at < 16 ? S_MOVQ_ST : S_MOVDQU_ST, X32, XMM0, m, (int32_t)at);
	}
}

static void store(struct jit_tr *t, const struct shape *s, const struct jit_mem *m)
{
	unsigned x[4];

	for (unsigned i = 0; i < s->n; i++)
		x[i] = simd_use(t, s->reg[i], s->full ? 16 : 8);
	if (s->n == 2)
		store_2(t, s, x, m);
	else if (s->n == 3)
		store_3(t, s, x, m);
	else
		store_4(t, s, x, m);
}

bool jit_tr_vls_structs(struct jit_tr *t, const struct a64_op *op)
{
	struct shape s = shape_of(op);
	unsigned bytes = s.n * (s.full ? 16 : 8);

	if (s.size == SIMD_D && !s.full)
		return false; /* reserved */
	struct jit_mem m =
	    jit_mem_base(t, a64_rn(op), 0, bytes, is_load(op) ? 0 : JIT_STORE | JIT_SEVERAL);

	if (is_load(op)) {
		load(t, &s, &m);
	} else {
		jit_mem_away(t, &m, RDX); /* constants may need rax */
		store(t, &s, &m);
	}
	if (a64_bits(op->word, 23, 23)) {
		if (a64_rm(op) == 31)
			jit_writeback(t, a64_rn(op), bytes);
		else
			jit_writeback_reg(t, a64_rn(op), a64_rm(op));
	}
	jit_slow_end(t);
	return true;
}
