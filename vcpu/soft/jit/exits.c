/*
 * exits.c: the ways from one block to another.
 *
 * A direct branch is a link: a jump whose displacement is patched once the target is translated,
 * and which until then goes to its stub, code behind the block that asks for it.
 *
 * Code is shared by all processes, whose neighbouring pages may differ.  So a link to another
 * page is guarded: the vCPU's table page_id says which translated page stands at an address in
 * its own space, and the jump is taken only where that is the one for which it was patched.  A
 * guard is set once and never changed, for a vCPU may stand between it and the jump.  When it
 * does not hold, the stub looks in the table of targets.
 *
 *     cmp dword [page_id of the target's page], id       je block       jmp stub
 *
 * Calls are host calls.  A frame is what BL pushes: the guest's return address, and by `call` the
 * host's.  RET compares its address with the guest's and returns; the host predicts it, and no
 * table is asked.  Where the two differ, and whenever C is returned to, all frames are dropped.
 * So a frame is never older than the last look at the poll word, and its code is still valid.
 *
 *     push pc + 4        call block        back: add rsp, 8
 */
#include "vcpu/soft/jit/jit.h"

/* A guard that no page has. */
#define NO_PAGE UINT32_MAX

uint32_t jit_offset(const struct jit_tr *t, const uint8_t *at)
{
	return (uint32_t)(at - t->jit->rw);
}

int32_t jit_page_id_at(uint64_t va)
{
	return JIT_AT(page_id) + (int32_t)((va >> PAGE_SHIFT) % JIT_PAGE_IDS * sizeof(uint32_t));
}

/* cmp dword [page_id of the target], the guard, so that a field `ahead` bytes behind the guard is
 * aligned as the guard is. */
static uint8_t *emit_guard(struct jit_tr *t, uint64_t target)
{
	uint8_t *guard;

	em_align(&t->e, 4, 6);
	em_rm(&t->e, 0x81, X32, ALU_CMP, RBP, jit_page_id_at(target));
	em_note(&t->e, t->e.at - 4, EM_PAGE_ID, target);
	guard = t->e.at;
	em_u32(&t->e, NO_PAGE);
	return guard;
}

/* Branches backwards look at the poll word. */
static void poll_if_backwards(struct jit_tr *t, struct jit_tr_link *l)
{
	l->poll = NULL;
	if (l->target > t->pc)
		return;
	em_alu_mi(&t->e, ALU_CMP, X32, RBP, JIT_AT(cpu.poll), 0);
	l->poll = em_jcc_later(&t->e, CC_NE);
}

static struct jit_tr_link *new_link(struct jit_tr *t, uint64_t target)
{
	struct jit_tr_link *l = &t->links[t->nlinks++];

	memset(l, 0, sizeof(*l));
	l->target = target;
	poll_if_backwards(t, l);
	return l;
}

static bool same_page(const struct jit_tr *t, uint64_t target)
{
	return (target & PAGE_MASK) == t->page->va;
}

/* The flags are where the target expects them. */
static void settle_flags(struct jit_tr *t, uint64_t target)
{
	if (t->flags != JIT_FLAGS_MEM && jit_flags_live_at(t, target))
		jit_save_flags(t);
	t->flags = JIT_FLAGS_MEM;
}

static bool to_own_start(const struct jit_tr *t, uint64_t target)
{
	return target == t->page->va + t->first * 4ULL;
}

/* The branch back of a loop that keeps vector registers. */
static void loop_back(struct jit_tr *t, uint64_t target)
{
	struct emit *e = &t->e;
	uint8_t *poll;

	jit_v_settle(t, &t->loop);
	settle_flags(t, target);
	em_alu_mi(e, ALU_CMP, X32, RBP, JIT_AT(cpu.poll), 0);
	poll = em_jcc_later(e, CC_NE);
	em_jmp(e, t->loop_head);
	em_here(e, poll);
	jit_v_flush(t);
	jit_mov_guest(t, RAX, target);
	em_jmp(e, t->jit->exit_lookup);
}

void jit_goto(struct jit_tr *t, uint64_t target)
{
	struct emit *e = &t->e;
	struct jit_tr_link *l;

	if (to_own_start(t, target)) {
		if (t->loop_head) {
			loop_back(t, target);
			t->ended = true;
			return;
		}
		t->loop = t->v;
	}
	jit_v_flush(t);
	settle_flags(t, target);
	l = new_link(t, target);
	if (same_page(t, target)) {
		em_align(e, 4, 1);
		em_jmp(e, em_pc(e));
		l->field = e->at - 4;
	} else {
		l->guard = emit_guard(t, target);
		em_u8(e, 0x3E); /* prefixes without effect, for alignment */
		em_u8(e, 0x3E);
		l->field = em_jcc_later(e, CC_E);
		l->miss = em_jmp_later(e);
	}
	t->ended = true;
}

/* The frame's guest half; room for frames is made in the cold path. */
static void push_frame(struct jit_tr *t)
{
	struct emit *e = &t->e;
	struct jit_cold *c;

	em_rm(e, X_CMP, X64, RSP, RBP, JIT_AT(frames_end));
	c = jit_add_cold(t, em_jcc_later(e, CC_B));
	c->is_reset = true;
	c->back = em_pc(e);
	em_push(e, RCX);
}

void jit_emit_reset(struct jit_tr *t, const struct jit_cold *c)
{
	em_rm(&t->e, X_LOAD, X64, RSP, RBP, JIT_AT(frames));
	em_jmp(&t->e, c->back);
}

/* Where a call comes back to: nothing is known of registers and flags. */
static void come_back(struct jit_tr *t)
{
	em_alu_ri(&t->e, ALU_ADD, X64, RSP, 8);
	t->flags = JIT_FLAGS_MEM;
	t->sp_aligned = false;
	t->known_reg = 31;
	jit_facts_none(t);
	jit_v_forget(t);
}

static void set_link_register(struct jit_tr *t)
{
	jit_mov_guest(t, RCX, t->pc + 4);
	jit_put(t, 30, RCX);
}

void jit_call(struct jit_tr *t, uint64_t target)
{
	struct emit *e = &t->e;
	struct jit_tr_link *l;

	jit_v_flush(t);
	settle_flags(t, target);
	set_link_register(t);
	l = new_link(t, target);
	push_frame(t);
	if (same_page(t, target)) {
		em_align(e, 4, 1);
	} else {
		l->guard = emit_guard(t, target);
		l->miss = em_jcc_later(e, CC_NE);
		em_u8(e, 0x90); /* for alignment */
	}
	em_call(e, em_pc(e));
	l->field = e->at - 4;
	l->back = em_pc(e);
	come_back(t);
}

/* ecx = the place of rax in the table of targets, by ZF found or not. */
static void find_target(struct jit_tr *t)
{
	struct emit *e = &t->e;

	em_alu_mi(e, ALU_CMP, X32, RBP, JIT_AT(cpu.poll), 0);
	em_jcc(e, CC_NE, t->jit->exit_lookup);
	jit_emit_target_test(e);
	em_jcc(e, CC_NE, t->jit->exit_lookup);
}

void jit_goto_reg(struct jit_tr *t, unsigned r)
{
	jit_v_flush(t);
	jit_save_flags(t);
	jit_op(t, X_LOAD, X64, RAX, r);
	find_target(t);
	em_jmp_mx(&t->e, RBP, RCX, 2, JIT_TARGET_CODE);
	t->ended = true;
}

void jit_call_reg(struct jit_tr *t, unsigned r)
{
	jit_v_flush(t);
	jit_save_flags(t);
	jit_op(t, X_LOAD, X64, RAX, r);
	set_link_register(t);
	push_frame(t);
	find_target(t);
	em_rx(&t->e, 0xFF, X32, 2, RBP, RCX, 2, JIT_TARGET_CODE);
	come_back(t);
}

void jit_return(struct jit_tr *t, unsigned r)
{
	struct emit *e = &t->e;

	jit_v_flush(t);
	jit_save_flags(t);
	jit_op(t, X_LOAD, X64, RAX, r);
	em_alu_mi(e, ALU_CMP, X32, RBP, JIT_AT(cpu.poll), 0);
	em_jcc(e, CC_NE, t->jit->exit_lookup);
	em_rm(e, X_CMP, X64, RAX, RSP, 8);
	em_jcc(e, CC_NE, t->jit->return_miss);
	em_u8(e, 0xC3);
	t->ended = true;
}

/* The way back of a loop is taken mostly, so it comes first. */
static void loop_back_if(struct jit_tr *t, enum x64_cc cc, uint64_t target)
{
	uint8_t *over = em_jcc_later(&t->e, cc ^ 1);
	enum jit_flags flags = t->flags;
	struct jit_vstate v = t->v;

	loop_back(t, target);
	em_here(&t->e, over);
	t->flags = flags;
	t->v = v;
}

void jit_leave_if(struct jit_tr *t, enum x64_cc cc, uint64_t target)
{
	if (to_own_start(t, target)) {
		if (t->loop_head) {
			loop_back_if(t, cc, target);
			return;
		}
		t->loop = t->v;
	}
	struct jit_cold *c = jit_add_cold(t, em_jcc_later(&t->e, cc));

	c->is_side = true;
	c->target = target;
	c->flags = t->flags;
}

/* The stub of each link: rax = its data, and to `again`, which is patched, too. */
void jit_emit_stubs(struct jit_tr *t)
{
	struct emit *e = &t->e;

	for (unsigned i = 0; i < t->nlinks; i++) {
		struct jit_tr_link *l = &t->links[i];

		em_align(e, 4, 0);
		uint64_t stub = em_pc(e);

		l->stub = jit_offset(t, e->at);
		em_there(e, l->field, stub);
		if (l->poll)
			em_there(e, l->poll, stub);
		em_lea_rip(e, RAX, stub);
		l->data = e->at - 4;
		em_jmp(e, t->jit->exit_link);
		l->again = e->at - 4;
		if (l->miss && l->back) { /* a guarded call has yet to call */
			em_here(e, l->miss);
			em_call(e, stub);
			em_jmp(e, l->back);
		} else if (l->miss) {
			em_there(e, l->miss, stub);
		}
	}
}

void jit_emit_linkdata(struct jit_tr *t, struct jit_block *b)
{
	for (unsigned i = 0; i < t->nlinks; i++) {
		em_here(&t->e, t->links[i].data);
		em_note(&t->e, t->e.at, EM_GUEST, 0);
		em_u64(&t->e, t->links[i].target);
		em_note(&t->e, t->e.at, EM_LINK, i);
		em_u64(&t->e, (uint64_t)(uintptr_t)&b->links[i]);
	}
}

void jit_fill_links(struct jit_tr *t, struct jit_block *b)
{
	for (unsigned i = 0; i < t->nlinks; i++) {
		const struct jit_tr_link *from = &t->links[i];
		struct jit_link *l = &b->links[i];

		l->from = b;
		l->target = from->target;
		l->field = jit_offset(t, from->field);
		l->guard = from->guard ? jit_offset(t, from->guard) : 0;
		l->again = jit_offset(t, from->again);
		l->stub = from->stub;
	}
}
