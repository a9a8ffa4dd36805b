/*
 * vreg.c: guest vector registers in host registers, within a block.
 *
 * xmm6 to xmm15 hold guest registers; which of them holds which is known where code is made, so
 * that taking a new host register for a result, and keeping the old one until the instruction
 * cannot take its slow path any more, costs nothing.  A register is loaded when it is first
 * read, and written back when its host register is needed, or where the block calls a handler or
 * is left; slow paths and ways out by conditional branches do that in code of their own behind
 * the block, from the state they have recorded.
 *
 * A scalar result leaves something above itself in its host register, which the architecture
 * wants to be 0.  The upper part is cleared when somebody reads it, or when the register is
 * written back: mostly never.
 *
 * A block that branches to its own beginning is a loop.  It is made twice: the first time shows
 * what is held at the branch, and the second time all that is loaded before the loop and stays
 * where it is around it (jit_loop_back).
 *
 * None of this touches EFLAGS or general registers.
 */
#include "vcpu/soft/jit/tr_simd.h"

#define FIRST_XMM 6u

static struct jit_vslot *slot_of(struct jit_tr *t, unsigned r)
{
	for (unsigned i = 0; i < JIT_VSLOTS; i++)
		if (t->v.slot[i].held && t->v.slot[i].reg == r)
			return &t->v.slot[i];
	return NULL;
}

static unsigned xmm_of(const struct jit_tr *t, const struct jit_vslot *s)
{
	return FIRST_XMM + (unsigned)(s - t->v.slot);
}

/* Clears what lies above the part that counts. */
static void make_exact(struct jit_tr *t, struct jit_vslot *s)
{
	unsigned x = xmm_of(t, s);

	if (s->exact == 16)
		return;
	if (s->exact == 8)
		simd_rr(t, S_MOVQ, x, x);
	else
		simd_rr_imm(t, S_INSERTPS, x, x, 0x0E);
	s->zero = s->exact;
	s->exact = 16;
}

static void write_back(struct jit_tr *t, struct jit_vslot *s)
{
	if (!s->dirty)
		return;
	make_exact(t, s);
	em_rm(&t->e, S_MOVDQA_ST, X32, xmm_of(t, s), RBP, simd_slot(s->reg));
	s->dirty = false;
}

/* A slot that the current instruction does not use, emptied: a free one, or the one that was
 * not used for longest. */
static struct jit_vslot *take(struct jit_tr *t)
{
	struct jit_vslot *best = NULL;
	unsigned now = t->at + 1;

	for (unsigned i = 0; i < JIT_VSLOTS; i++) {
		struct jit_vslot *s = &t->v.slot[i];

		if (t->vused[i] == now)
			continue;
		if (!s->held) {
			best = s;
			break;
		}
		if (!best || t->vused[i] < t->vused[best - t->v.slot])
			best = s;
	}
	if (best->held)
		write_back(t, best);
	best->held = false;
	t->vused[best - t->v.slot] = (uint8_t)now;
	return best;
}

unsigned simd_use(struct jit_tr *t, unsigned r, unsigned bytes)
{
	struct jit_vslot *s = slot_of(t, r);

	if (!s) {
		s = take(t);
		*s = (struct jit_vslot){.held = true, .reg = (uint8_t)r, .exact = 16, .zero = 16};
		em_rm(&t->e, S_MOVDQA, X32, xmm_of(t, s), RBP, simd_slot(r));
	}
	t->vused[s - t->v.slot] = (uint8_t)(t->at + 1);
	if (bytes > s->exact)
		make_exact(t, s);
	return xmm_of(t, s);
}

unsigned simd_new(struct jit_tr *t)
{
	return xmm_of(t, take(t));
}

void simd_set(struct jit_tr *t, unsigned r, unsigned x, unsigned exact, unsigned zero)
{
	struct jit_vslot *old = slot_of(t, r), *s = &t->v.slot[x - FIRST_XMM];

	if (old && old != s)
		old->held = false;
	*s = (struct jit_vslot){.held = true,
	                        .dirty = true,
	                        .reg = (uint8_t)r,
	                        .exact = (uint8_t)exact,
	                        .zero = (uint8_t)zero};
	t->vused[x - FIRST_XMM] = (uint8_t)(t->at + 1);
}

unsigned simd_zero_from(struct jit_tr *t, unsigned r)
{
	const struct jit_vslot *s = slot_of(t, r);

	return s && s->exact == 16 ? s->zero : 16;
}

int32_t simd_at(struct jit_tr *t, unsigned r)
{
	struct jit_vslot *s = slot_of(t, r);

	if (s)
		write_back(t, s);
	return simd_slot(r);
}

void jit_v_flush(struct jit_tr *t)
{
	for (unsigned i = 0; i < JIT_VSLOTS; i++)
		if (t->v.slot[i].held)
			write_back(t, &t->v.slot[i]);
}

void jit_v_forget(struct jit_tr *t)
{
	memset(&t->v, 0, sizeof(t->v));
}

void jit_v_reload(struct jit_tr *t, const struct jit_vstate *to)
{
	for (unsigned i = 0; i < JIT_VSLOTS; i++)
		if (to->slot[i].held)
			em_rm(&t->e, S_MOVDQA, X32, FIRST_XMM + i, RBP, simd_slot(to->slot[i].reg));
	t->v = *to;
}

/* The slot of a state that holds a guest register, or -1. */
static int find(const struct jit_vstate *v, unsigned reg)
{
	for (unsigned i = 0; i < JIT_VSLOTS; i++)
		if (v->slot[i].held && v->slot[i].reg == reg)
			return (int)i;
	return -1;
}

/* Moves all at once: xmm of slot i = that of slot from[i], unless that is -1 or i.  Uses xmm0. */
static void permute(struct jit_tr *t, int from[JIT_VSLOTS])
{
	for (unsigned pending = 1; pending;) {
		bool moved = false;

		pending = 0;
		for (unsigned i = 0; i < JIT_VSLOTS; i++) {
			bool read = false;

			if (from[i] < 0 || from[i] == (int)i)
				continue;
			for (unsigned k = 0; k < JIT_VSLOTS; k++)
				read |= k != i && from[k] == (int)i;
			if (read) {
				pending = i + 1;
				continue;
			}
			simd_rr(t, S_MOVDQA, FIRST_XMM + i,
			        from[i] == (int)JIT_VSLOTS ? XMM0 : FIRST_XMM + (unsigned)from[i]);
			from[i] = -1;
			moved = true;
		}
		if (!pending || moved)
			continue;
		/* A circle: what one of its registers holds is read from xmm0 instead. */
		simd_rr(t, S_MOVDQA, XMM0, FIRST_XMM + pending - 1);
		for (unsigned k = 0; k < JIT_VSLOTS; k++)
			if (k != pending - 1 && from[k] == (int)pending - 1)
				from[k] = (int)JIT_VSLOTS;
	}
}

void jit_v_settle(struct jit_tr *t, const struct jit_vstate *to)
{
	int from[JIT_VSLOTS];

	for (unsigned i = 0; i < JIT_VSLOTS; i++) {
		struct jit_vslot *s = &t->v.slot[i];
		int k = s->held ? find(to, s->reg) : -1;

		if (!s->held)
			continue;
		if (k < 0 || !to->slot[k].dirty)
			write_back(t, s);
		if (k >= 0)
			make_exact(t, s);
	}
	for (unsigned i = 0; i < JIT_VSLOTS; i++)
		from[i] = to->slot[i].held ? find(&t->v, to->slot[i].reg) : -1;
	for (unsigned i = 0; i < JIT_VSLOTS; i++)
		if (from[i] == (int)i)
			from[i] = -1;
	permute(t, from);
	for (unsigned i = 0; i < JIT_VSLOTS; i++)
		if (to->slot[i].held && find(&t->v, to->slot[i].reg) < 0)
			em_rm(&t->e, S_MOVDQA, X32, FIRST_XMM + i, RBP, simd_slot(to->slot[i].reg));
	t->v = *to;
}

void jit_loop_begin(struct jit_tr *t)
{
	struct jit_vstate head = t->loop;

	for (unsigned i = 0; i < JIT_VSLOTS; i++)
		head.slot[i].exact = head.slot[i].zero = 16;
	jit_v_reload(t, &head);
	t->loop = head;
	em_align(&t->e, 16, 0);
	t->loop_head = em_pc(&t->e);
}

bool jit_loop_holds(const struct jit_tr *t)
{
	for (unsigned i = 0; i < JIT_VSLOTS; i++)
		if (t->loop.slot[i].held)
			return true;
	return false;
}

void simd_op3(struct jit_tr *t, unsigned op, unsigned d, unsigned n, unsigned m)
{
	if (jit_host()->avx) {
		em_vrr(&t->e, op, X32, d, n, m);
		return;
	}
	if (d != n)
		simd_rr(t, S_MOVDQA, d, n);
	simd_rr(t, op, d, m);
}
