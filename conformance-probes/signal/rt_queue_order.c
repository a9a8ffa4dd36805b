/* Real-time signals queue, in order, lowest number first. */
#include "../probe.h"

static volatile int order[8], n;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (n < 8)
		order[n++] = (sig - SIGRTMIN) * 100 + info->si_value.sival_int;
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	sigset_t set;

	sigfillset(&sa.sa_mask);
	sigaction(SIGRTMIN, &sa, NULL);
	sigaction(SIGRTMIN + 1, &sa, NULL);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 1});
	sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 2});
	sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 3});
	sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 4});
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	say("n", n);
	for (int i = 0; i < n; i++)
		say("order", order[i]);
	return 0;
}
