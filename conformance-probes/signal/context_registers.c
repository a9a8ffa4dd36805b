/* A handler may change the interrupted registers. */
#include "../probe.h"

#include <ucontext.h>

static void handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	uc->uc_mcontext.regs[19] = 4242;
	uc->uc_mcontext.pc += 4;
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	unsigned long value;

	sigaction(SIGTRAP, &sa, NULL);
	__asm__ volatile("mov x19, #1\n\tbrk #0\n\tmov %0, x19" : "=r"(value) : : "x19");
	say("x19", value);
	return 0;
}
