/* SA_RESETHAND, SA_NODEFER, and the mask during a handler. */
#include "../probe.h"

static volatile int depth, deepest, blocked;

static void handler(int sig)
{
	sigset_t now;

	depth++;
	if (depth > deepest)
		deepest = depth;
	sigprocmask(SIG_BLOCK, NULL, &now);
	blocked = sigismember(&now, sig) * 2 + sigismember(&now, SIGUSR2);
	if (depth < 3)
		raise(sig);
	depth--;
}

int main(void)
{
	struct sigaction sa = {.sa_handler = handler}, old;

	sigaddset(&sa.sa_mask, SIGUSR2);
	sigaction(SIGUSR1, &sa, NULL);
	depth = 2;
	raise(SIGUSR1);
	say("blocked", blocked);
	depth = 0;
	deepest = 0;
	sa.sa_flags = SA_NODEFER;
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	say("nodefer_depth", deepest);
	sa.sa_flags = SA_RESETHAND;
	depth = 5;
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	sigaction(SIGUSR1, NULL, &old);
	say_bool("reset", old.sa_handler == SIG_DFL);
	return 0;
}
