/*
 * tr_simd_lane.c: loads and stores of one lane, LD1 to LD4 and ST1 to ST4, and LD1R to LD4R (Arm
 * ARM C4.1, "Advanced SIMD load/store single structure").
 *
 * As in tr_mem.c nothing is written before the access has succeeded.
 */
#include "vcpu/soft/jit/tr_simd.h"

static bool is_load(const struct a64_op *op)
{
	return a64_bits(op->word, 22, 22);
}

/* The post-indexed forms of the structure accesses (bit 23). */
static void advance(struct jit_tr *t, const struct a64_op *op, unsigned len)
{
	unsigned rn = a64_rn(op);

	if (!a64_bits(op->word, 23, 23))
		return;
	if (a64_rm(op) == 31) {
		jit_writeback(t, rn, len);
		return;
	}
	jit_writeback_reg(t, rn, a64_rm(op));
}

/* How many registers: bits 13 and 21. */
static unsigned registers(const struct a64_op *op)
{
	return a64_bits(op->word, 13, 13) * 2 + a64_bits(op->word, 21, 21) + 1;
}

static void store_lane(struct jit_tr *t, unsigned r, unsigned log, unsigned i,
                       const struct jit_mem *m, int32_t at)
{
	static const unsigned stores[] = {X_STORE8, X_STORE16, X_STORE, X_STORE};
	static const enum x64_width widths[] = {X8, X32, X32, X64};

	simd_get_lane(t, RCX, r, log, i);
	jit_mem_op(t, stores[log], widths[log], RCX, m, at);
}

/* LD1 to LD4 of one lane (ST1 to ST4 likewise). */
bool jit_tr_vls_lane(struct jit_tr *t, const struct a64_op *op)
{
	static const unsigned insert[] = {S_PINSRB, S_PINSRW, S_PINSRD, S_PINSRD};
	unsigned log = a64_bits(op->word, 15, 14), n = registers(op), x[4];
	unsigned index = (unsigned)simd_q(op) << 3 | a64_bits(op->word, 12, 10);

	if (log == 2 && a64_bits(op->word, 10, 10))
		log = 3;
	struct jit_mem m =
	    jit_mem_base(t, a64_rn(op), 0, n << log, is_load(op) ? 0 : JIT_STORE | JIT_SEVERAL);

	for (unsigned i = 0; is_load(op) && i < n; i++) {
		unsigned old = simd_use(t, (a64_rd(op) + i) % 32, 16);

		x[i] = simd_new(t);
		simd_rr(t, S_MOVDQA, x[i], old);
	}
	for (unsigned i = 0; i < n; i++) {
		int32_t at = (int32_t)(i << log);

		if (is_load(op)) {
			jit_mem_op(t, insert[log], log == 3 ? X64 : X32, x[i], &m, at);
			em_u8(&t->e, index >> log);
		} else {
			store_lane(t, (a64_rd(op) + i) % 32, log, index >> log, &m, at);
		}
	}
	for (unsigned i = 0; is_load(op) && i < n; i++)
		simd_set(t, (a64_rd(op) + i) % 32, x[i], 16, 16);
	advance(t, op, n << log);
	jit_slow_end(t);
	return true;
}

/* LD1R to LD4R. */
bool jit_tr_vls_replicate(struct jit_tr *t, const struct a64_op *op)
{
	static const unsigned loads[] = {X_MOVZX8, X_MOVZX16, X_LOAD, X_LOAD};
	unsigned log = a64_bits(op->word, 11, 10), n = registers(op), x[4];
	struct jit_mem m = jit_mem_base(t, a64_rn(op), 0, n << log, 0);

	for (unsigned i = 0; i < n; i++)
		x[i] = simd_new(t);
	for (unsigned i = 0; i < n; i++) {
		jit_mem_op(t, loads[log], log == 3 ? X64 : X32, RCX, &m, (int32_t)(i << log));
		em_rr(&t->e, S_MOVD, X64, x[i], RCX);
	}
	for (unsigned i = 0; i < n; i++) {
		simd_broadcast(t, x[i], log);
		simd_set(t, (a64_rd(op) + i) % 32, x[i], simd_q(op) ? 16 : 8, 16);
	}
	advance(t, op, n << log);
	jit_slow_end(t);
	return true;
}
