/* Ignoring SIGCHLD, and SA_NOCLDWAIT: no zombies. */
#include "../probe.h"

int main(void)
{
	int status;

	signal(SIGCHLD, SIG_IGN);
	if (fork() == 0)
		_exit(1);
	say_result("wait", wait(&status));
	signal(SIGCHLD, SIG_DFL);
	struct sigaction sa = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
	sigaction(SIGCHLD, &sa, NULL);
	if (fork() == 0)
		_exit(1);
	say_result("nocldwait", wait(&status));
	return 0;
}
