/* Default actions of signals: terminate, core, ignore. */
#include "../probe.h"

static const int signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGALRM, SIGUSR1, SIGCHLD, SIGURG, SIGWINCH, SIGXCPU, SIGSYS};

int main(void)
{
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		int status;
		char key[16];
		pid_t child = fork();

		if (child == 0) {
			raise(signals[i]);
			_exit(0);
		}
		waitpid(child, &status, 0);
		snprintf(key, sizeof(key), "sig%d", signals[i]);
		say_status(key, status);
	}
	return 0;
}
