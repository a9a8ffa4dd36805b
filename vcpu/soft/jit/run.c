/*
 * run.c: the run loop: finds translated code for pc, enters it, and does what it came back for.
 *
 * Code is interpreted until it has been met some times, since much of what a program runs, it
 * runs once.  Every look-up ends in the vCPU's table of targets, where translated code finds
 * it the next time.
 */
#include "vcpu/soft/jit/jit.h"
#include "vcpu/soft/jit/window.h"

#include "vcpu/a64/softfp.h"

/* How often a block is interpreted before it is translated. */
#define HEAT 6

static ALWAYS_INLINE unsigned target_slot(uint64_t pc)
{
	return (unsigned)(pc >> 2) % JIT_TARGETS;
}

void soft_jit_forget_targets(struct vcpu *v)
{
	if (!v->targets_used)
		return;
	for (unsigned i = 0; i < JIT_TARGETS; i++)
		v->target[i].pc = (i ^ 1) * 4; /* an address with another slot */
	memset(v->target_pages, 0, sizeof(v->target_pages));
	memset(v->page_id, 0, sizeof(v->page_id));
	v->targets_used = false;
}

static ALWAYS_INLINE unsigned page_bit(uint64_t va)
{
	return (unsigned)(va >> PAGE_SHIFT) % (JIT_PAGE_WORDS * 64);
}

void soft_jit_forget_page(struct vcpu *v, uint64_t va)
{
	unsigned bit = page_bit(va);

	if (v->target_pages[bit / 64] >> (bit % 64) & 1)
		soft_jit_forget_targets(v);
}

/* For branches to pc: its code, and which translated page stands there. */
static void remember(struct vcpu *v, uint64_t pc, const void *code, const struct jit_page *page)
{
	struct jit_target *slot = &v->target[target_slot(pc)];
	unsigned bit = page_bit(pc);

	slot->pc = pc;
	slot->code = code;
	v->page_id[(pc >> PAGE_SHIFT) % JIT_PAGE_IDS] = page->id;
	v->target_pages[bit / 64] |= 1ULL << (bit % 64);
	v->targets_used = true;
}

/* hflags are the bytes of lahf (SF, ZF, CF in bits 15, 14, 8) and of seto (bit 0). */
uint16_t soft_jit_hflags(uint32_t nzcv)
{
	return (uint16_t)(0x0200 | (nzcv >> 16 & 0xC000) | (nzcv >> 21 & 0x0100) |
	                  (nzcv >> 28 & 1));
}

uint32_t soft_jit_nzcv(uint16_t h)
{
	return (uint32_t)(h & 0xC000) << 16 | (uint32_t)(h & 0x0100) << 21 |
	       (uint32_t)(h & 1) << 28;
}

void soft_jit_fpsr(struct vcpu *v)
{
	if (v->qc.d[0] | v->qc.d[1]) {
		v->cpu.regs.fpsr |= FPSR_QC;
		v->qc.d[0] = v->qc.d[1] = 0;
	}
	v->cpu.regs.fpsr |= jit_fp_exceptions(v->mxcsr);
	v->mxcsr &= ~JIT_MXCSR_FLAGS;
}

/* Counts a meeting; no more exactly than two vCPUs at once can. */
static bool hot(struct soft_block *b)
{
	uint32_t met = __atomic_load_n(&b->heat, __ATOMIC_RELAXED);

	if (met >= HEAT)
		return true;
	__atomic_store_n(&b->heat, met + 1, __ATOMIC_RELAXED);
	return false;
}

static unsigned mode_of(const struct vcpu *v)
{
	return (v->flush_zero ? JIT_MODE_FLUSH : 0) | (v->window ? JIT_MODE_WINDOW : 0);
}

/* Translated code for pc and its page, or NULL when the block was interpreted instead; *next
 * tells how that ended. */
static const void *find(struct vcpu *v, const struct soft_cursor *at, struct jit_page **page,
                        enum a64_next *next)
{
	struct vcpu_engine *e = v->engine;
	unsigned insn = (unsigned)(v->cpu.regs.pc >> 2) % PAGE_INSNS;
	struct jit_page *jp = jit_page_of(e, at->page, at->va, mode_of(v));
	struct soft_block *b;
	const void *code = NULL;

	*page = jp;
	if (jp) {
		const struct jit_block *known = __atomic_load_n(&jp->entry[insn], __ATOMIC_ACQUIRE);

		if (LIKELY(known))
			return e->jit->rx + known->start;
	}
	b = __atomic_load_n(&at->page->entry[insn], __ATOMIC_ACQUIRE);
	if (!b) {
		b = soft_code_block(e, at->page, insn);
		if (!b) {
			v->cpu.exit.kind = VCPU_EXIT_KICKED;
			*next = A64_STOP;
			return NULL;
		}
	}
	if (jp && b->count && (e->jit_eager || hot(b))) {
		code = jit_translate(e, at->page, jp, insn);
		if (code)
			return code;
	}
	*next = soft_run_block(&v->cpu, b);
	return NULL;
}

void soft_jit_run(struct vcpu *v)
{
	struct a64_cpu *cpu = &v->cpu;
	struct jit *j = v->engine->jit;
	struct soft_cursor at = {.page = NULL};
	struct jit_link *link = NULL;

	soft_window_mode(v);
	soft_window_running(v);
	for (;;) {
		const void *code;
		struct jit_page *page;
		enum a64_next next = A64_BRANCH;

		if (UNLIKELY(__atomic_load_n(&cpu->poll, __ATOMIC_RELAXED))) {
			if (!soft_poll_work(v))
				return;
			soft_window_mode(v);
			/* Another epoch may have begun, and the link's block be gone. */
			at.page = NULL;
			link = NULL;
		}
		/* Code for the other mode is no target any more. */
		if (UNLIKELY(((cpu->regs.fpcr & FPCR_FZ) != 0) != v->flush_zero)) {
			v->flush_zero = !v->flush_zero;
			soft_jit_forget_targets(v);
			link = NULL;
		}
		struct jit_target *slot = &v->target[target_slot(cpu->regs.pc)];

		if (slot->pc == cpu->regs.pc && !link) {
			code = slot->code;
		} else {
			if (!soft_in_page(&at, cpu->regs.pc)) {
				uint64_t epoch = v->run_epoch;

				if (!soft_fetch_page(v, &at))
					return;
				if (v->run_epoch != epoch)
					link = NULL;
			}
			__atomic_fetch_add(&j->misses, 1, __ATOMIC_RELAXED);
			code = find(v, &at, &page, &next);
			if (!code) {
				link = NULL;
				if (next == A64_STOP)
					return;
				continue;
			}
			if (link && link->target == cpu->regs.pc)
				jit_connect(v->engine, link, page);
			remember(v, cpu->regs.pc, code, page);
		}
		v->hflags = soft_jit_hflags(cpu->regs.nzcv);
		v->mxcsr = soft_jit_mxcsr(cpu->regs.fpcr);
		uint64_t why = j->enter((char *)cpu + JIT_BIAS, code);

		cpu->regs.nzcv = soft_jit_nzcv(v->hflags);
		soft_jit_fpsr(v);
		if (why == A64_STOP)
			return;
		link = why == A64_BRANCH ? NULL : (struct jit_link *)(uintptr_t)why;
	}
}
