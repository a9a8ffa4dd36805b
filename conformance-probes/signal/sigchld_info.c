/* SIGCHLD's siginfo for exit, kill, stop and continue. */
#include "../probe.h"

static volatile int codes[8], stati[8], n;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	if (n < 8) {
		codes[n] = info->si_code;
		stati[n++] = info->si_status;
	}
}

static void wait_for(int count)
{
	for (int i = 0; i < 200 && n < count; i++)
		usleep(10000);
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
	pid_t child;
	int status;

	sigaction(SIGCHLD, &sa, NULL);
	if (fork() == 0)
		_exit(9);
	wait_for(1);
	child = fork();
	if (child == 0)
		for (;;)
			pause();
	kill(child, SIGSTOP);
	wait_for(2);
	kill(child, SIGCONT);
	wait_for(3);
	kill(child, SIGKILL);
	wait_for(4);
	for (int i = 0; i < n; i++) {
		say("code", codes[i]);
		say("status", stati[i]);
	}
	while (wait(&status) > 0)
		;
	return 0;
}
