/* sigsuspend(2), sigtimedwait(2). */
#include "../probe.h"

static volatile int got;

static void handler(int sig)
{
	got = sig;
}

int main(void)
{
	sigset_t block, none, set;
	siginfo_t info;
	struct timespec zero = {0, 0};

	signal(SIGUSR1, handler);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigaddset(&block, SIGUSR2);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGUSR1);
	sigemptyset(&none);
	say_result("sigsuspend", sigsuspend(&none));
	say("got", got);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	say_result("nothing", sigtimedwait(&set, &info, &zero));
	raise(SIGUSR2);
	say_count("sigtimedwait", sigtimedwait(&set, &info, &zero));
	say("code", info.si_code);
	sigprocmask(SIG_BLOCK, NULL, &none);
	say("still_blocked", sigismember(&none, SIGUSR1));
	return 0;
}
