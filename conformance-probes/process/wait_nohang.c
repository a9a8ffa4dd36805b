/* waitpid(2) with WNOHANG, and SIGSTOP/SIGCONT reports. */
#include "../probe.h"

int main(void)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		for (;;)
			pause();
	say("running", waitpid(child, &status, WNOHANG));
	kill(child, SIGSTOP);
	say_bool("stopped", waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
	say("stopsig", WSTOPSIG(status));
	say("again", waitpid(child, &status, WUNTRACED | WNOHANG));
	kill(child, SIGCONT);
	say_bool("continued", waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
	kill(child, SIGTERM);
	waitpid(child, &status, 0);
	say_status("term", status);
	return 0;
}
