/* pidfds: poll, signals, waiting, errors. */
#include "../probe.h"

#include <sys/pidfd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static int send(int fd, int sig, siginfo_t *si, unsigned flags)
{
	return (int)syscall(SYS_pidfd_send_signal, fd, sig, si, flags);
}

int main(void)
{
	struct pollfd p;
	siginfo_t si;
	int fd, fds[2];
	pid_t pid;

	say_result("none", syscall(SYS_pidfd_open, 99999, 0));
	say_result("zero", syscall(SYS_pidfd_open, 0, 0));
	say_result("flags", syscall(SYS_pidfd_open, getpid(), 1));
	pipe(fds);
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	say_result("open", fd);
	say("cloexec", fcntl(fd, F_GETFD));
	p = (struct pollfd){fd, POLLIN, 0};
	say("running", poll(&p, 1, 0));
	say_result("not_pidfd", send(fds[0], 0, NULL, 0));
	say_result("send_flags", send(fd, 0, NULL, 99));
	say_result("send_0", send(fd, 0, NULL, 0));
	say_result("bad_signal", send(fd, 65, NULL, 0));
	memset(&si, 0, sizeof(si));
	si.si_signo = SIGUSR1;
	say_result("pretend_kill", send(fd, SIGUSR1, &si, 0));
	say_result("info_mismatch", send(fd, SIGUSR2, &si, 0));
	say_result("getfd_bad", syscall(SYS_pidfd_getfd, fd, 999, 0));
	say_result("getfd", syscall(SYS_pidfd_getfd, fd, fds[0], 0));
	say_result("kill", send(fd, SIGKILL, NULL, 0));
	say("ended", poll(&p, 1, -1));
	say("events", p.revents);
	say_result("wait", waitid(P_PIDFD, fd, &si, WEXITED));
	say("status", si.si_status);
	say_result("gone", send(fd, 0, NULL, 0));
	say_result("wait_again", waitid(P_PIDFD, fd, &si, WEXITED));
	say_result("wait_bad_fd", waitid(P_PIDFD, fds[0], &si, WEXITED));
	return 0;
}
