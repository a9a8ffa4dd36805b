/* prctl(PR_SET_PDEATHSIG): delivered when the parent ends. */
#include "../probe.h"

#include <sys/prctl.h>

int main(void)
{
	int p[2], ready[2], status;
	char buf[8] = {0};

	pipe(p);
	pipe(ready);
	if (fork() == 0) {
		if (fork() == 0) {
			sigset_t set;
			siginfo_t info;

			sigemptyset(&set);
			sigaddset(&set, SIGUSR1);
			sigprocmask(SIG_BLOCK, &set, NULL);
			prctl(PR_SET_PDEATHSIG, SIGUSR1);
			write(ready[1], "x", 1);
			if (sigwaitinfo(&set, &info) == SIGUSR1)
				write(p[1], "died", 4);
			_exit(0);
		}
		read(ready[0], buf, 1);
		_exit(0);
	}
	wait(&status);
	close(p[1]);
	memset(buf, 0, sizeof(buf));
	say_count("read", read(p[0], buf, 7));
	say_text("message", buf);
	return 0;
}
