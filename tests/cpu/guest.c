/*
 * guest.c: runs cases under another AArch64 implementation (static Linux program).
 *
 * Signal frames do the work: a SIGUSR1 handler replaces the interrupted state by the case's
 * registers, so that returning from it jumps into the case's code; the BRK behind the code, or
 * a fault, raises a signal whose handler saves the state and puts back the interrupted one.
 */
#define _GNU_SOURCE
#include "tests/cpu/wire.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ucontext.h>
#include <unistd.h>

static const struct wire_case *now;
static struct wire_result result;
static struct wire_regs home; /* our own state while a case runs */
static uint64_t home_pstate;

static struct fpsimd_context *fp(ucontext_t *uc)
{
	struct _aarch64_ctx *head = (void *)uc->uc_mcontext.__reserved;

	while (head->magic != FPSIMD_MAGIC) {
		if (!head->magic)
			_exit(3);
		head = (void *)((char *)head + head->size);
	}
	return (void *)head;
}

static void get_regs(ucontext_t *uc, struct wire_regs *r)
{
	struct fpsimd_context *f = fp(uc);

	memcpy(r->x, uc->uc_mcontext.regs, sizeof(r->x));
	r->sp = uc->uc_mcontext.sp;
	r->pc = uc->uc_mcontext.pc;
	r->nzcv = uc->uc_mcontext.pstate & 0xF0000000;
	r->fpcr = f->fpcr;
	r->fpsr = f->fpsr;
	memcpy(r->v, f->vregs, sizeof(r->v));
}

static void set_regs(ucontext_t *uc, const struct wire_regs *r)
{
	struct fpsimd_context *f = fp(uc);

	memcpy(uc->uc_mcontext.regs, r->x, sizeof(r->x));
	uc->uc_mcontext.sp = r->sp;
	uc->uc_mcontext.pc = r->pc;
	uc->uc_mcontext.pstate = (home_pstate & ~0xF0000000ULL) | r->nzcv;
	f->fpcr = (uint32_t)r->fpcr;
	f->fpsr = (uint32_t)r->fpsr;
	memcpy(f->vregs, r->v, sizeof(r->v));
}

static void on_start(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)si;
	home_pstate = uc->uc_mcontext.pstate;
	get_regs(uc, &home);
	set_regs(uc, &now->in);
}

static void on_end(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;

	result.signal = (uint32_t)sig;
	result.addr = (uint64_t)(uintptr_t)si->si_addr;
	get_regs(uc, &result.out);
	set_regs(uc, &home);
}

static void handle(int sig, void (*fn)(int, siginfo_t *, void *))
{
	struct sigaction sa = {.sa_sigaction = fn, .sa_flags = SA_SIGINFO | SA_ONSTACK};

	sigfillset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
}

static void *map(uint64_t at, uint64_t len, int prot)
{
	void *p = mmap((void *)at, len, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (p == MAP_FAILED)
		_exit(4);
	return p;
}

static size_t read_all(void *to, size_t len)
{
	size_t n = 0;
	ssize_t got;

	while (n < len && (got = read(0, (char *)to + n, len - n)) > 0)
		n += (size_t)got;
	return n;
}

int main(void)
{
	static struct wire_case cases[WIRE_MAX_CASES];
	static char stack[65536] __attribute__((aligned(16)));
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
	size_t n = read_all(cases, sizeof(cases)) / sizeof(cases[0]);
	uint32_t *code = map(WIRE_CODE, WIRE_CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
	uint64_t *data = map(WIRE_DATA, WIRE_DATA_SIZE, PROT_READ | PROT_WRITE);

	sigaltstack(&ss, NULL);
	handle(SIGUSR1, on_start);
	handle(SIGTRAP, on_end);
	handle(SIGSEGV, on_end);
	handle(SIGBUS, on_end);
	handle(SIGILL, on_end);
	handle(SIGALRM, on_end); /* a case that does not end */
	for (size_t i = 0; i < n; i++) {
		uint32_t *slot = (uint32_t *)wire_pc(i);

		for (size_t k = 0; k < WIRE_CODE_SLOT / 4; k++)
			slot[k] = k < cases[i].insns ? cases[i].code[k] : 0xD4200000;
	}
	__builtin___clear_cache((char *)code, (char *)code + WIRE_CODE_SIZE);
	for (size_t i = 0; i < n; i++) {
		now = &cases[i];
		wire_fill(now->memory_seed, data);
		alarm(4);
		raise(SIGUSR1);
		result.memory_hash = wire_hash(data);
		result.sent = now->send_data;
		if (now->send_data)
			memcpy(result.data, data, WIRE_DATA_SIZE);
		fwrite(&result,
		       now->send_data ? sizeof(result) : offsetof(struct wire_result, data), 1,
		       stdout);
	}
	return fflush(stdout) == 0 ? 0 : 5;
}
