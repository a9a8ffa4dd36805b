/* The line discipline sends SIGINT, SIGQUIT, SIGTSTP to the foreground group. */
#include "../probe.h"

#include <sys/ioctl.h>
#include <termios.h>

static volatile int got;

static void handler(int sig)
{
	got = sig;
}

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

		setsid();
		s = open(name, O_RDWR);
		say_result("slave", s);
		say_bool("sid", tcgetsid(s) == getpid());
		say_bool("pgrp", tcgetpgrp(s) == getpid());
		signal(SIGINT, handler);
		signal(SIGQUIT, handler);
		signal(SIGTSTP, handler);
		signal(SIGWINCH, handler);
		write(s, "R", 1);
		for (int i = 0; i < 3; i++) {
			while (!got)
				usleep(1000);
			say("got", got);
			got = 0;
			write(s, "R", 1);
		}
		while (!got)
			usleep(1000);
		say("got", got);
		_exit(0);
	}
	const char keys[] = {3, 28, 26};
	char c;
	for (int i = 0; i < 4; i++) {
		do
			read(m, &c, 1);
		while (c != 'R');
		if (i < 3) {
			write(m, &keys[i], 1);
		} else {
			struct winsize ws = {10, 20, 0, 0};

			usleep(50000);
			ioctl(m, TIOCSWINSZ, &ws);
		}
	}
	waitpid(child, &status, 0);
	say_status("child", status);
	return 0;
}
