/* Unaligned loads and stores work; unaligned exclusives give SIGBUS. */
#include "../probe.h"

#include <setjmp.h>

static sigjmp_buf back;
static volatile int code;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	code = info->si_code;
	siglongjmp(back, 1);
}

int main(void)
{
	static char area[8192];
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	unsigned long v = 0;

	sigaction(SIGBUS, &sa, NULL);
	*(volatile unsigned long *)(area + 4093) = 0x1122334455667788UL;
	v = *(volatile unsigned long *)(area + 4093);
	say_bool("equal", v == 0x1122334455667788UL);
	if (sigsetjmp(back, 1) == 0)
		__asm__ volatile("ldxr %0, [%1]" : "=r"(v) : "r"(area + 4097));
	say("exclusive", code);
	return 0;
}
