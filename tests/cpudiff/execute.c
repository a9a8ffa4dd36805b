/*
 * execute.c: cpudiff's CPU under test: a vCPU of the software engine in a small machine that
 * has the code page, with the word before an SVC, and the data page.
 */
#include "tests/cpudiff/cpudiff.h"
#include "tests/lib/a64_box.h"

#define SVC_0 0xD4000001u

static struct {
	struct a64_box box;
	struct vcpu *vcpu;
	uint8_t *mem;
	uint32_t word;
} machine;

static void start(void)
{
	a64_box_init(&machine.box, VCPU_ENGINE_SOFT, 1 << 20);
	a64_box_map(&machine.box, DIFF_CODE, 0, BOX_RX);
	a64_box_map(&machine.box, DIFF_MEM, 0, BOX_RW);
	machine.mem = a64_box_host(&machine.box, DIFF_MEM);
	machine.vcpu = a64_box_vcpu(&machine.box);
}

static enum diff_outcome outcome(const struct vcpu_exit *exit)
{
	switch (exit->kind) {
	case VCPU_EXIT_SYSCALL:
		return DIFF_DONE;
	case VCPU_EXIT_UNDEFINED:
		return DIFF_UNDEFINED;
	case VCPU_EXIT_FAULT:
		return DIFF_FAULT;
	default:
		return DIFF_OTHER;
	}
}

void diff_execute(uint32_t word, struct diff_state *s)
{
	struct vcpu_exit exit;
	struct a64_regs *r;

	if (!machine.vcpu)
		start();
	if (machine.word != word) {
		const uint32_t code[] = {word, SVC_0};

		a64_box_write(&machine.box, DIFF_CODE, code, sizeof(code));
		machine.word = word;
	}
	r = vcpu_regs(machine.vcpu);
	memcpy(r->x, s->x, sizeof(r->x));
	memcpy(r->v, s->v, sizeof(r->v));
	r->sp = s->sp;
	r->pc = DIFF_CODE;
	r->nzcv = (uint32_t)s->nzcv;
	r->fpcr = (uint32_t)s->fpcr;
	r->fpsr = (uint32_t)s->fpsr;
	memset(machine.mem, 0, DIFF_MEM_SIZE);
	memcpy(machine.mem + DIFF_BLOCK_AT, s->mem, DIFF_BLOCK);
	vcpu_run(machine.vcpu, &exit);
	s->outcome = outcome(&exit);
	memcpy(s->x, r->x, sizeof(r->x));
	memcpy(s->v, r->v, sizeof(r->v));
	s->sp = r->sp;
	s->nzcv = r->nzcv;
	s->fpcr = r->fpcr;
	s->fpsr = r->fpsr;
	memcpy(s->mem, machine.mem + DIFF_BLOCK_AT, DIFF_BLOCK);
}
