/* Floating-point state survives a handler that destroys it. */
#include "../probe.h"

#include <ucontext.h>

static volatile int magic;

static void handler(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	magic = *(int *)(void *)uc->uc_mcontext.__reserved == 0x46508001;
	__asm__ volatile("fmov d8, xzr\n\tmovi v20.16b, #255" : : : "v8", "v20");
	uc->uc_mcontext.pc += 4;
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	double value;

	sigaction(SIGTRAP, &sa, NULL);
	__asm__ volatile("fmov d20, #2.5\n\tbrk #0\n\tfmov %d0, d20" : "=w"(value) : : "v20");
	say_bool("kept", value == 2.5);
	say("fpsimd_context", magic);
	return 0;
}
