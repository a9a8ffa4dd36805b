/* rt_sigreturn(2) and frames that cannot be pushed: deadly, and how. */
#include "../probe.h"

#include <ucontext.h>

static int what;

static void spoil(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	(void)sig;
	(void)si;
	switch (what) {
	case 0:
		uc->uc_mcontext.pstate |= 5; /* another exception level */
		break;
	case 1:
		memset(uc->uc_mcontext.__reserved, 0, 8); /* no FP state */
		break;
	case 2:
		memset(uc->uc_mcontext.__reserved + 4, 0xff, 4); /* a huge record */
		break;
	case 3:
		uc->uc_mcontext.pc = 0x10;
		break;
	case 4:
		uc->uc_mcontext.pstate |= 0xf0000000; /* flags are free */
		break;
	}
}

static void run(const char *key, int kind)
{
	struct sigaction sa = {.sa_sigaction = spoil, .sa_flags = SA_SIGINFO};
	int status;

	what = kind;
	if (fork() == 0) {
		sigaction(SIGUSR1, &sa, NULL);
		raise(SIGUSR1);
		_exit(42);
	}
	wait(&status);
	say_status(key, status);
}

static void with_bad_stack(void)
{
	struct sigaction sa = {.sa_sigaction = spoil, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	char *area = mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t ss = {.ss_sp = area, .ss_size = 65536};
	int status;

	what = 9;
	if (fork() == 0) {
		sigaltstack(&ss, NULL);
		sigaction(SIGUSR1, &sa, NULL);
		raise(SIGUSR1);
		_exit(42);
	}
	wait(&status);
	say_status("unmapped_altstack", status);
}

int main(void)
{
	run("exception_level", 0);
	run("no_fp", 1);
	run("huge_record", 2);
	run("wild_pc", 3);
	run("flags", 4);
	with_bad_stack();
	return 0;
}
