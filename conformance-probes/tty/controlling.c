/* The controlling terminal: getting, refusing, foreground groups, /dev/tty, the leader's end. */
#include "../probe.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

static volatile sig_atomic_t hups;

static void on_hup(int sig)
{
	(void)sig;
	hups++;
}

static void leader(const char *name)
{
	int s, other_m, other_s, group = 0;
	pid_t child;

	setsid();
	signal(SIGTTOU, SIG_IGN);
	say_result("no_tty", open("/dev/tty", O_RDWR));
	s = open(name, O_RDWR | O_NOCTTY);
	say_result("noctty_gsid", ioctl(s, TIOCGSID, &group));
	say_result("sctty", ioctl(s, TIOCSCTTY, 0));
	say_result("again", ioctl(s, TIOCSCTTY, 0));
	say_bool("gsid", ioctl(s, TIOCGSID, &group) == 0 && group == getpid());
	say_bool("pgrp", tcgetpgrp(s) == getpgrp());
	say_bool("dev_tty", open("/dev/tty", O_RDWR) >= 0);
	openpty(&other_m, &other_s, NULL, NULL, NULL);
	say_result("second", ioctl(other_s, TIOCSCTTY, 0));
	say_result("other_pgrp", ioctl(other_s, TIOCGPGRP, &group));
	group = -5;
	say_result("negative", ioctl(s, TIOCSPGRP, &group));
	group = 99999;
	say_result("missing", ioctl(s, TIOCSPGRP, &group));
	group = getppid();
	say_result("foreign", ioctl(s, TIOCSPGRP, &group));
	child = fork();
	if (child == 0) {
		setpgid(0, 0);
		say_result("child_sctty", ioctl(other_s, TIOCSCTTY, 0));
		pause();
		_exit(0);
	}
	usleep(100000);
	setpgid(child, child);
	say_result("give", tcsetpgrp(s, child));
	say_bool("given", tcgetpgrp(s) == child);
	kill(child, SIGKILL);
	wait(NULL);
	say_result("take_back", tcsetpgrp(s, getpgrp()));
	say_result("notty", ioctl(s, TIOCNOTTY));
	say_result("lost", ioctl(s, TIOCGPGRP, &group));
	say_result("regain", ioctl(s, TIOCSCTTY, 0));
	_exit(0);
}

int main(void)
{
	int m = posix_openpt(O_RDWR | O_NOCTTY), s, status;
	struct pollfd p;
	char c;
	pid_t pid;

	signal(SIGHUP, on_hup);
	grantpt(m);
	unlockpt(m);
	s = open(ptsname(m), O_RDWR | O_NOCTTY);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		leader(ptsname(m));
	waitpid(pid, &status, 0);
	say("status", status);
	/* The leader's end leaves the terminal usable. */
	fcntl(s, F_SETFL, O_NONBLOCK);
	p = (struct pollfd){s, POLLIN | POLLOUT, 0};
	poll(&p, 1, 0);
	say("slave_events", p.revents);
	say_result("slave_read", read(s, &c, 1));
	say_bool("slave_write", write(s, "x", 1) == 1);
	usleep(20000);
	say_bool("master_read", read(m, &c, 1) == 1);
	/* The master's end does not. */
	close(m);
	poll(&p, 1, 0);
	say("closed_events", p.revents);
	say("closed_read", read(s, &c, 1));
	say_result("closed_write", write(s, "x", 1));
	say("hups", hups);
	return 0;
}
