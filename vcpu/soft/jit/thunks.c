/*
 * thunks.c: the way into translated code and out of it, generated at the cache's beginning.
 *
 *   enter(biased vCPU, code)  called from C: loads the pinned registers and jumps
 *   exit          rax: what enter returns
 *   exit_link     rax: address of {guest pc, struct jit_link *}, the link to be returned
 *   exit_lookup   rax: guest pc; returns A64_BRANCH
 *   call          called with rax: address of {struct a64_op, guest pc}: runs the handler;
 *                 ZF is set when it returned A64_OK, else rax holds what it returned
 *   call_vector   the same for handlers that neither read nor write general registers
 *   call_last     jumped to with rax likewise: runs the handler and returns what it returned
 */
#include "vcpu/soft/jit/jit.h"

#define PC JIT_AT(cpu.regs.pc)

/* Does a C function keep the register? */
static bool kept(int host)
{
	return host == RBX || host >= R12;
}

/* All pinned registers, or those that a C function may change. */
static void spill(struct emit *e, bool all)
{
	for (unsigned r = 0; r < 32; r++)
		if (jit_pin[r] >= 0 && (all || !kept(jit_pin[r])))
			em_rm(e, X_STORE, X64, (unsigned)jit_pin[r], RBP,
			      (int32_t)(r * 8) - JIT_BIAS);
}

static void fill(struct emit *e, bool all)
{
	for (unsigned r = 0; r < 32; r++)
		if (jit_pin[r] >= 0 && (all || !kept(jit_pin[r])))
			em_rm(e, X_LOAD, X64, (unsigned)jit_pin[r], RBP,
			      (int32_t)(r * 8) - JIT_BIAS);
}

static const uint8_t saved[] = {RBX, RBP, R12, R13, R14, R15};

static void push(struct emit *e, unsigned r)
{
	if (r >= R8)
		em_u8(e, 0x41);
	em_u8(e, 0x50 | (r & 7));
}

static void pop(struct emit *e, unsigned r)
{
	if (r >= R8)
		em_u8(e, 0x41);
	em_u8(e, 0x58 | (r & 7));
}

static void leave(struct emit *e)
{
	em_alu_ri(e, ALU_ADD, X64, RSP, 8);
	for (unsigned i = ARRAY_LEN(saved); i-- > 0;)
		pop(e, saved[i]);
	em_u8(e, 0xC3);
}

/* pc = that of the handler's data at rax, rdi and rsi its arguments; calls it. */
static void call_handler(struct emit *e)
{
	em_rm(e, X_LOAD, X64, RDX, RAX, sizeof(struct a64_op));
	em_rm(e, X_STORE, X64, RDX, RBP, PC);
	em_rm(e, X_LEA, X64, RDI, RBP, -JIT_BIAS);
	em_rr(e, X_LOAD, X64, RSI, RAX);
	em_rm(e, 0xFF, X32, 2, RAX, offsetof(struct a64_op, fn));
}

/* The thunk for handlers of all instructions, or of those that see no general register. */
static uint64_t make_call(struct emit *e, bool all)
{
	em_align(e, 16, 0);
	uint64_t start = em_pc(e);

	spill(e, all);
	em_alu_ri(e, ALU_SUB, X64, RSP, 8);
	call_handler(e);
	em_alu_ri(e, ALU_ADD, X64, RSP, 8);
	fill(e, all);
	em_rr(e, X_TEST, X32, RAX, RAX);
	em_u8(e, 0xC3);
	return start;
}

void jit_make_thunks(struct jit *j)
{
	struct emit e = {j->rw + j->used, (intptr_t)j->rx - (intptr_t)j->rw};

	_Static_assert(offsetof(struct vcpu, cpu.regs) == 0, "rbp points into the registers");
	j->enter = (uint64_t(*)(void *, const void *))(uintptr_t)em_pc(&e);
	for (unsigned i = 0; i < ARRAY_LEN(saved); i++)
		push(&e, saved[i]);
	em_alu_ri(&e, ALU_SUB, X64, RSP, 8);
	em_rr(&e, X_LOAD, X64, RBP, RDI);
	em_rr(&e, X_LOAD, X64, RAX, RSI);
	fill(&e, true);
	em_rr(&e, 0xFF, X32, 4, RAX);

	em_align(&e, 16, 0);
	j->exit_link = em_pc(&e);
	em_rm(&e, X_LOAD, X64, RCX, RAX, 0);
	em_rm(&e, X_STORE, X64, RCX, RBP, PC);
	em_rm(&e, X_LOAD, X64, RAX, RAX, 8);
	uint8_t *a = em_jmp_later(&e);

	em_align(&e, 16, 0);
	j->exit_lookup = em_pc(&e);
	em_rm(&e, X_STORE, X64, RAX, RBP, PC);
	em_mov_imm(&e, RAX, A64_BRANCH);
	em_here(&e, a);
	j->exit = em_pc(&e);
	spill(&e, true);
	leave(&e);

	j->call = make_call(&e, true);
	j->call_vector = make_call(&e, false);

	em_align(&e, 16, 0);
	j->call_last = em_pc(&e);
	spill(&e, true);
	call_handler(&e);
	leave(&e);
	em_align(&e, 64, 0);
	j->used = (uint32_t)(e.at - j->rw);
}
