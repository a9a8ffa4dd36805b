/*
 * interp.c: the interpreter's run loop.
 *
 * A block's handlers are called one after the other until one reports a branch or a stop.
 * At each block boundary the poll word is looked at and the next block found: in the same
 * page through the page's entry table, elsewhere through the itlb, else by a walk.
 */
#include "vcpu/soft/soft.h"

#include "vcpu/a64/decode.h"
#include "vcpu/a64/mem.h"

bool soft_fetch_page(struct vcpu *v, struct soft_cursor *at)
{
	uint64_t pc = v->cpu.regs.pc;
	struct soft_itlb_entry *e;
	uint64_t pa;

	/* A tagged target loses its tag (Arm ARM, BranchAddr). */
	if (UNLIKELY(pc >> 56)) {
		pc = (uint64_t)((int64_t)(pc << 8) >> 8);
		v->cpu.regs.pc = pc;
	}
	if (UNLIKELY(pc & 3)) {
		(void)a64_misaligned(&v->cpu, pc);
		return false;
	}
	at->va = pc & PAGE_MASK;
	e = &v->itlb[(pc >> PAGE_SHIFT) % ITLB_ENTRIES];
	if (LIKELY(e->va == at->va)) {
		at->page = e->page;
		return true;
	}
	if (!soft_translate(v, pc, VCPU_EXEC, &pa))
		return false;
	/* The resolver may have run and the epoch moved on: the page table slot is read after. */
	soft_code_sync(v);
	at->page = soft_code_page(v->engine, pa);
	if (!at->page) {
		v->cpu.exit.kind = VCPU_EXIT_KICKED; /* out of memory: try again later */
		return false;
	}
	e->va = at->va;
	e->page = at->page;
	return true;
}

bool soft_poll_work(struct vcpu *v)
{
	uint32_t why = __atomic_exchange_n(&v->cpu.poll, 0, __ATOMIC_SEQ_CST);

	if (why & SOFT_POLL_CODE)
		soft_code_sync(v);
	if (why & SOFT_POLL_INVAL)
		soft_catch_up(v);
	if (why & SOFT_POLL_KICK) {
		v->cpu.exit.kind = VCPU_EXIT_KICKED;
		return false;
	}
	return true;
}

/* Runs a block's handlers; what its last one reported. */
static ALWAYS_INLINE enum a64_next run_block(struct a64_cpu *cpu, const struct soft_block *b)
{
	const struct a64_op *op = b->ops;
	uint64_t pc = cpu->regs.pc;
	enum a64_next next;

	for (;;) {
		cpu->regs.pc = pc;
		next = op->fn(cpu, op);
		if (UNLIKELY(next != A64_OK))
			return next;
		op++;
		pc += 4;
	}
}

enum a64_next soft_run_block(struct a64_cpu *cpu, const struct soft_block *b)
{
	return run_block(cpu, b);
}

static void run_step(struct vcpu *v)
{
	struct soft_cursor at;
	struct a64_op op;

	if (__atomic_load_n(&v->cpu.poll, __ATOMIC_RELAXED) && !soft_poll_work(v))
		return;
	if (!soft_fetch_page(v, &at))
		return;
	uint64_t pc = v->cpu.regs.pc;

	a64_predecode(a64_raw_load32(v->engine->ram.base + at.page->pa + (pc & (PAGE_SIZE - 1))),
	              false, &op);
	switch (op.fn(&v->cpu, &op)) {
	case A64_STOP:
		return;
	case A64_OK:
		v->cpu.regs.pc = pc + 4;
		break;
	case A64_BRANCH:
		break;
	}
	v->cpu.exit.kind = VCPU_EXIT_STEP;
}

void soft_interp_run(struct vcpu *v)
{
	struct a64_cpu *cpu = &v->cpu;
	struct soft_cursor at = {.page = NULL};
	const struct soft_block *b;

	if (v->step) {
		run_step(v);
		return;
	}
	for (;;) {
		if (UNLIKELY(__atomic_load_n(&cpu->poll, __ATOMIC_RELAXED))) {
			if (!soft_poll_work(v))
				return;
			at.page = NULL;
		}
		/* In another page, or misaligned? */
		if (!soft_in_page(&at, cpu->regs.pc) && !soft_fetch_page(v, &at))
			return;
		unsigned insn = (unsigned)(cpu->regs.pc >> 2) % PAGE_INSNS;

		b = __atomic_load_n(&at.page->entry[insn], __ATOMIC_ACQUIRE);
		if (UNLIKELY(!b)) {
			b = soft_code_block(v->engine, at.page, insn);
			if (!b) {
				cpu->exit.kind = VCPU_EXIT_KICKED;
				return;
			}
		}
		if (UNLIKELY(run_block(cpu, b) == A64_STOP))
			return;
	}
}
