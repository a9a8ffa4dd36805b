/* sigaction(2): masks during handlers, nesting, and the order in which pending signals arrive. */
#include "../probe.h"

static char order[64];
static volatile int depth, max_depth, calls;

static void note(int sig)
{
	sigset_t set;

	strcat(order, sig == SIGUSR1 ? "1" : sig == SIGUSR2 ? "2" : sig == SIGRTMIN ? "r" : sig == SIGHUP ? "h" : "?");
	sigprocmask(SIG_BLOCK, NULL, &set);
	if (!sigismember(&set, sig))
		strcat(order, "!");
}

static void nested(int sig)
{
	depth++;
	if (depth > max_depth)
		max_depth = depth;
	if (++calls < 3)
		raise(sig);
	depth--;
}

static void install(int sig, void (*fn)(int), int flags, int also)
{
	struct sigaction sa = {.sa_handler = fn, .sa_flags = flags};

	if (also)
		sigaddset(&sa.sa_mask, also);
	sigaction(sig, &sa, NULL);
}

int main(void)
{
	sigset_t all, old;

	sigfillset(&all);
	install(SIGUSR1, note, 0, 0);
	install(SIGUSR2, note, 0, 0);
	install(SIGHUP, note, 0, 0);
	install(SIGRTMIN, note, 0, 0);
	sigprocmask(SIG_BLOCK, &all, &old);
	raise(SIGRTMIN);
	raise(SIGUSR2);
	raise(SIGRTMIN);
	raise(SIGUSR1);
	raise(SIGUSR1);
	raise(SIGHUP);
	sigprocmask(SIG_SETMASK, &old, NULL);
	say_text("order", order);
	install(SIGUSR1, nested, SA_NODEFER, 0);
	raise(SIGUSR1);
	say("nodefer_depth", max_depth);
	calls = max_depth = 0;
	install(SIGUSR1, nested, 0, 0);
	raise(SIGUSR1);
	say("deferred_depth", max_depth);
	say("deferred_calls", calls);
	order[0] = 0;
	install(SIGUSR1, note, SA_RESETHAND, 0);
	raise(SIGUSR1);
	{
		struct sigaction sa;

		sigaction(SIGUSR1, NULL, &sa);
		say_bool("reset", sa.sa_handler == SIG_DFL);
	}
	say_text("once", order);
	return 0;
}
