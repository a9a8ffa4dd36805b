/* SIGILL and SIGTRAP: codes and addresses. */
#include "../probe.h"

#include <setjmp.h>

static sigjmp_buf back;
static volatile int code, signo;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)context;
	signo = sig;
	code = info->si_code;
	siglongjmp(back, 1);
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

	sigaction(SIGILL, &sa, NULL);
	sigaction(SIGTRAP, &sa, NULL);
	if (sigsetjmp(back, 1) == 0)
		__asm__ volatile(".inst 0");
	say("udf_signal", signo);
	say("udf_code", code);
	if (sigsetjmp(back, 1) == 0)
		__asm__ volatile("brk #1");
	say("brk_signal", signo);
	say("brk_code", code);
	return 0;
}
