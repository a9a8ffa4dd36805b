/* Background reads get SIGTTIN, hang-up ends the session. */
#include "../probe.h"

#include <sys/ioctl.h>

int main(void)
{
	char name[64];
	int m = posix_openpt(O_RDWR | O_NOCTTY), status;
	pid_t child;

	unlockpt(m);
	ptsname_r(m, name, sizeof(name));
	child = fork();
	if (child == 0) {
		int s;
		pid_t bg;

		close(m);
		setsid();
		s = open(name, O_RDWR);
		bg = fork();
		if (bg == 0) {
			char c;

			setpgid(0, 0);
			read(s, &c, 1);
			_exit(0);
		}
		setpgid(bg, bg);
		waitpid(bg, &status, WUNTRACED);
		say("stopsig", WIFSTOPPED(status) ? WSTOPSIG(status) : 0);
		kill(bg, SIGKILL);
		waitpid(bg, &status, 0);
		say_result("tcsetpgrp_bad", tcsetpgrp(s, 99999));
		signal(SIGHUP, SIG_DFL);
		write(s, "R", 1);
		for (;;)
			pause();
	}
	char c;
	read(m, &c, 1);
	close(m);
	waitpid(child, &status, 0);
	say_status("hangup", status);
	return 0;
}
