/*
 * guest.c: the arm64 half of cpudiff: executes instruction words on given states (proto.h).
 *
 * The word stands at DIFF_CODE between a prologue that loads all registers from the state and
 * an epilogue that stores them; x30 holds the state's address throughout.  Signal handlers
 * turn SIGILL, SIGSEGV and the like into an outcome and go on at the epilogue.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "tests/cpudiff/proto.h"

/* The offsets in the assembler below. */
_Static_assert(offsetof(struct diff_state, sp) == 248, "layout");
_Static_assert(offsetof(struct diff_state, nzcv) == 256, "layout");
_Static_assert(offsetof(struct diff_state, fpcr) == 264, "layout");
_Static_assert(offsetof(struct diff_state, fpsr) == 272, "layout");
_Static_assert(offsetof(struct diff_state, v) == 288, "layout");

extern const char prologue[], word_place[], epilogue_end[];

/* clang-format off */
__asm__(".text\n"
	".global prologue, word_place, epilogue_end\n"
	"prologue:\n"
	"stp x19, x20, [sp, #-160]!\n"
	"stp x21, x22, [sp, #16]\n"
	"stp x23, x24, [sp, #32]\n"
	"stp x25, x26, [sp, #48]\n"
	"stp x27, x28, [sp, #64]\n"
	"stp x29, x30, [sp, #80]\n"
	"stp d8, d9, [sp, #96]\n"
	"stp d10, d11, [sp, #112]\n"
	"stp d12, d13, [sp, #128]\n"
	"stp d14, d15, [sp, #144]\n"
	"mov x30, x0\n"
	"mov x1, sp\n"
	"str x1, [x30, #-16]\n"
	"add x0, x30, #288\n"
	"ld1 {v0.2d-v3.2d}, [x0], #64\n"
	"ld1 {v4.2d-v7.2d}, [x0], #64\n"
	"ld1 {v8.2d-v11.2d}, [x0], #64\n"
	"ld1 {v12.2d-v15.2d}, [x0], #64\n"
	"ld1 {v16.2d-v19.2d}, [x0], #64\n"
	"ld1 {v20.2d-v23.2d}, [x0], #64\n"
	"ld1 {v24.2d-v27.2d}, [x0], #64\n"
	"ld1 {v28.2d-v31.2d}, [x0], #64\n"
	"ldp x0, x1, [x30, #256]\n"
	"msr nzcv, x0\n"
	"msr fpcr, x1\n"
	"ldr x0, [x30, #272]\n"
	"msr fpsr, x0\n"
	"ldr x0, [x30, #248]\n"
	"mov sp, x0\n"
	"ldp x0, x1, [x30, #0]\n"
	"ldp x2, x3, [x30, #16]\n"
	"ldp x4, x5, [x30, #32]\n"
	"ldp x6, x7, [x30, #48]\n"
	"ldp x8, x9, [x30, #64]\n"
	"ldp x10, x11, [x30, #80]\n"
	"ldp x12, x13, [x30, #96]\n"
	"ldp x14, x15, [x30, #112]\n"
	"ldp x16, x17, [x30, #128]\n"
	"ldp x18, x19, [x30, #144]\n"
	"ldp x20, x21, [x30, #160]\n"
	"ldp x22, x23, [x30, #176]\n"
	"ldp x24, x25, [x30, #192]\n"
	"ldp x26, x27, [x30, #208]\n"
	"ldp x28, x29, [x30, #224]\n"
	"word_place:\n"
	"nop\n"
	"stp x0, x1, [x30, #0]\n"
	"stp x2, x3, [x30, #16]\n"
	"stp x4, x5, [x30, #32]\n"
	"stp x6, x7, [x30, #48]\n"
	"stp x8, x9, [x30, #64]\n"
	"stp x10, x11, [x30, #80]\n"
	"stp x12, x13, [x30, #96]\n"
	"stp x14, x15, [x30, #112]\n"
	"stp x16, x17, [x30, #128]\n"
	"stp x18, x19, [x30, #144]\n"
	"stp x20, x21, [x30, #160]\n"
	"stp x22, x23, [x30, #176]\n"
	"stp x24, x25, [x30, #192]\n"
	"stp x26, x27, [x30, #208]\n"
	"stp x28, x29, [x30, #224]\n"
	"mrs x0, nzcv\n"
	"mrs x1, fpcr\n"
	"stp x0, x1, [x30, #256]\n"
	"mrs x0, fpsr\n"
	"str x0, [x30, #272]\n"
	"mov x0, sp\n"
	"str x0, [x30, #248]\n"
	"add x0, x30, #288\n"
	"st1 {v0.2d-v3.2d}, [x0], #64\n"
	"st1 {v4.2d-v7.2d}, [x0], #64\n"
	"st1 {v8.2d-v11.2d}, [x0], #64\n"
	"st1 {v12.2d-v15.2d}, [x0], #64\n"
	"st1 {v16.2d-v19.2d}, [x0], #64\n"
	"st1 {v20.2d-v23.2d}, [x0], #64\n"
	"st1 {v24.2d-v27.2d}, [x0], #64\n"
	"st1 {v28.2d-v31.2d}, [x0], #64\n"
	"msr fpcr, xzr\n"
	"ldr x0, [x30, #-16]\n"
	"mov sp, x0\n"
	"ldp x21, x22, [sp, #16]\n"
	"ldp x23, x24, [sp, #32]\n"
	"ldp x25, x26, [sp, #48]\n"
	"ldp x27, x28, [sp, #64]\n"
	"ldp x29, x30, [sp, #80]\n"
	"ldp d8, d9, [sp, #96]\n"
	"ldp d10, d11, [sp, #112]\n"
	"ldp d12, d13, [sp, #128]\n"
	"ldp d14, d15, [sp, #144]\n"
	"ldp x19, x20, [sp], #160\n"
	"ret\n"
	"epilogue_end:\n");
/* clang-format on */

/* The state being executed, with the stack pointer of the C side before it. */
static struct {
	uint64_t host_sp, unused;
	struct diff_state state;
} now __attribute__((aligned(16)));

static struct diff_state states[DIFF_MAX_COUNT];

static void on_signal(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)info;
	now.state.outcome = sig == SIGILL ? DIFF_UNDEFINED
			    : sig == SIGSEGV || sig == SIGBUS ? DIFF_FAULT
							      : DIFF_OTHER;
	uc->uc_mcontext.pc = DIFF_CODE + 4;
	uc->uc_mcontext.regs[30] = (uintptr_t)&now.state;
}

static void *map_at(uint64_t addr, size_t size, int prot)
{
	void *p = mmap((void *)(uintptr_t)addr, size, prot,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	return p;
}

static bool transfer(bool writing, void *data, size_t len)
{
	char *p = data;

	while (len) {
		ssize_t n = writing ? write(1, p, len) : read(0, p, len);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static void lay_out_code(void)
{
	char *page = map_at(DIFF_CODE - 4096, 8192, PROT_READ | PROT_WRITE | PROT_EXEC);
	size_t before = (size_t)(word_place - prologue);

	memcpy(page + 4096 - before, prologue, (size_t)(epilogue_end - prologue));
	__builtin___clear_cache(page, page + 8192);
}

static void catch_signals(void)
{
	static char stack[65536];
	const int signals[] = {SIGILL, SIGSEGV, SIGBUS, SIGTRAP, SIGFPE};
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction sa = {.sa_sigaction = on_signal,
			       .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

	sigaltstack(&ss, NULL);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &sa, NULL);
}

static void execute(struct diff_state *s, uint8_t *mem)
{
	uintptr_t enter = (uintptr_t)DIFF_CODE - (uintptr_t)(word_place - prologue);

	now.state = *s;
	now.state.outcome = DIFF_DONE;
	memset(mem, 0, DIFF_MEM_SIZE);
	memcpy(mem + DIFF_BLOCK_AT, s->mem, DIFF_BLOCK);
	((void (*)(struct diff_state *))enter)(&now.state);
	*s = now.state;
	memcpy(s->mem, mem + DIFF_BLOCK_AT, DIFF_BLOCK);
}

int main(void)
{
	uint8_t *mem = map_at(DIFF_MEM, DIFF_MEM_SIZE, PROT_READ | PROT_WRITE);
	volatile uint32_t *word = (volatile uint32_t *)(uintptr_t)DIFF_CODE;
	struct diff_request req;

	lay_out_code();
	catch_signals();
	while (transfer(false, &req, sizeof(req))) {
		if (req.count > DIFF_MAX_COUNT ||
		    !transfer(false, states, req.count * sizeof(states[0])))
			return 2;
		*word = req.word;
		__builtin___clear_cache((char *)(uintptr_t)DIFF_CODE,
					(char *)(uintptr_t)DIFF_CODE + 4);
		for (uint32_t i = 0; i < req.count; i++)
			execute(&states[i], mem);
		if (!transfer(true, states, req.count * sizeof(states[0])))
			return 2;
	}
	return 0;
}
