/*
 * thunks.c: the way into translated code and out of it, generated at the cache's beginning.
 *
 *   enter(biased vCPU, code)  called from C: loads the pinned registers and jumps, below a
 *                 frame (exits.c) that no return can take for its own but one to address 1,
 *                 which finds return_miss
 *   exit          rax: what enter returns
 *   exit_link     rax: address of {guest pc, struct jit_link *}, the link to be returned
 *   exit_lookup   rax: guest pc; returns A64_BRANCH
 *   lookup_link   rax as for exit_link: jumps to the code if the table of targets knows it
 *   return_miss   rax: guest pc, where a return goes that is not its frame's
 *   call          called with rax: address of {struct a64_op, guest pc}: runs the handler;
 *                 ZF is set when it returned A64_OK, else rax holds what it returned
 *   call_vector   the same for handlers that neither read nor write general registers
 *   call_leave    jumped to with rax likewise: runs the handler and returns, behind its instruction
 *                 or what it returned
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
	em_rm(e, X_LOAD, X64, JIT_WINDOW, RBP, JIT_AT(window_base));
}

static void load_mxcsr(struct emit *e, int32_t disp)
{
	em_rm(e, X_STMXCSR, X32, 2, RBP, disp);
}

/* Handlers, and all C, run with the host's default; the exceptions that their own arithmetic
 * notes are forgotten, for FPSR is their own affair. */
static void to_host_mxcsr(struct emit *e)
{
	em_rm(e, X_STMXCSR, X32, 3, RBP, JIT_AT(mxcsr));
	load_mxcsr(e, JIT_AT(mxcsr_host));
}

static const uint8_t saved[] = {RBX, RBP, R12, R13, R14, R15};

static void leave(struct emit *e)
{
	em_rm(e, X_LOAD, X64, RSP, RBP, JIT_AT(frames));
	em_alu_ri(e, ALU_ADD, X64, RSP, 24);
	for (unsigned i = ARRAY_LEN(saved); i-- > 0;)
		em_pop(e, saved[i]);
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
	to_host_mxcsr(e);
	em_alu_ri(e, ALU_SUB, X64, RSP, 8);
	call_handler(e);
	em_alu_ri(e, ALU_ADD, X64, RSP, 8);
	load_mxcsr(e, JIT_AT(mxcsr));
	fill(e, all);
	em_rr(e, X_TEST, X32, RAX, RAX);
	em_u8(e, 0xC3);
	return start;
}

void jit_emit_target_test(struct emit *e)
{
	/* Slots are 16 bytes, instructions 4: the scaled index selects them. */
	_Static_assert(sizeof(struct jit_target) == 16, "scaled by 4 from an address");
	em_rr(e, X_LOAD, X32, RCX, RAX);
	em_alu_ri(e, ALU_AND, X32, RCX, (JIT_TARGETS - 1) * 4);
	em_rx(e, X_CMP, X64, RAX, RBP, RCX, 2,
	      JIT_AT(target) + (int32_t)offsetof(struct jit_target, pc));
}

static void make_lookups(struct jit *j, struct emit *e)
{
	em_align(e, 16, 0);
	j->lookup_link = em_pc(e);
	em_alu_mi(e, ALU_CMP, X32, RBP, JIT_AT(cpu.poll), 0);
	em_jcc(e, CC_NE, j->exit_link);
	em_rr(e, X_LOAD, X64, RDX, RAX);
	em_rm(e, X_LOAD, X64, RAX, RAX, 0);
	jit_emit_target_test(e);
	em_rr(e, X_LOAD, X64, RAX, RDX);
	em_jcc(e, CC_NE, j->exit_link);
	em_jmp_mx(e, RBP, RCX, 2, JIT_TARGET_CODE);

	em_align(e, 16, 0);
	j->return_miss = em_pc(e);
	em_rm(e, X_LOAD, X64, RSP, RBP, JIT_AT(frames));
	jit_emit_target_test(e);
	em_jcc(e, CC_NE, j->exit_lookup);
	em_jmp_mx(e, RBP, RCX, 2, JIT_TARGET_CODE);
}

void jit_make_thunks(struct jit *j)
{
	struct emit e = {j->rw + j->used, (intptr_t)j->rx - (intptr_t)j->rw, NULL};

	_Static_assert(offsetof(struct vcpu, cpu.regs) == 0, "rbp points into the registers");
	j->enter = (uint64_t(*)(void *, const void *))(uintptr_t)em_pc(&e);
	for (unsigned i = 0; i < ARRAY_LEN(saved); i++)
		em_push(&e, saved[i]);
	em_alu_ri(&e, ALU_SUB, X64, RSP, 8);
	em_rr(&e, X_LOAD, X64, RBP, RDI);
	em_mov_imm(&e, RAX, 1);
	em_push(&e, RAX);
	em_lea_rip(&e, RAX, em_pc(&e));
	uint8_t *miss = e.at - 4;

	em_push(&e, RAX);
	em_rm(&e, X_STORE, X64, RSP, RBP, JIT_AT(frames));
	em_rm(&e, X_LEA, X64, RAX, RSP, -16 * JIT_FRAMES);
	em_rm(&e, X_STORE, X64, RAX, RBP, JIT_AT(frames_end));
	em_rr(&e, X_LOAD, X64, RAX, RSI);
	load_mxcsr(&e, JIT_AT(mxcsr));
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
	to_host_mxcsr(&e);
	spill(&e, true);
	leave(&e);
	make_lookups(j, &e);
	em_there(&e, miss, j->return_miss);

	j->call = make_call(&e, true);
	j->call_vector = make_call(&e, false);

	em_align(&e, 16, 0);
	j->call_last = em_pc(&e);
	spill(&e, true);
	to_host_mxcsr(&e);
	call_handler(&e);
	leave(&e);

	em_align(&e, 16, 0);
	j->call_leave = em_pc(&e);
	spill(&e, true);
	call_handler(&e);
	em_rr(&e, X_TEST, X32, RAX, RAX);
	uint8_t *b = em_jcc_later(&e, CC_NE);

	em_alu_mi(&e, ALU_ADD, X64, RBP, PC, 4);
	em_mov_imm(&e, RAX, A64_BRANCH);
	em_here(&e, b);
	leave(&e);
	em_align(&e, 64, 0);
	j->used = (uint32_t)(e.at - j->rw);
}
