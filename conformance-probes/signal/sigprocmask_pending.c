/* sigprocmask(2), sigpending(2): blocked signals wait, once each. */
#include "../probe.h"

static volatile int count;

static void handler(int sig)
{
	(void)sig;
	count++;
}

int main(void)
{
	sigset_t set, old, pending;

	signal(SIGUSR1, handler);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGKILL);
	say_result("block", sigprocmask(SIG_BLOCK, &set, &old));
	sigprocmask(SIG_BLOCK, NULL, &old);
	say("kill_blocked", sigismember(&old, SIGKILL));
	raise(SIGUSR1);
	raise(SIGUSR1);
	say("count", count);
	sigpending(&pending);
	say("pending", sigismember(&pending, SIGUSR1));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	say("after", count);
	say_result("bad_how", sigprocmask(9, &set, NULL));
	say_result("bad_size", syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 4));
	return 0;
}
