/* clone3(2) with CLONE_PIDFD, pidfd_send_signal, waiting on a pidfd. */
#include "../probe.h"

#include <linux/sched.h>

int main(void)
{
	int pidfd = -1, status;
	struct clone_args args = {.flags = CLONE_PIDFD, .pidfd = (uintptr_t)&pidfd, .exit_signal = SIGCHLD};
	pid_t child = syscall(SYS_clone3, &args, sizeof(args));
	siginfo_t info;

	if (child == 0) {
		for (;;)
			pause();
	}
	say_bool("pidfd", pidfd >= 0);
	say("cloexec", fcntl(pidfd, F_GETFD));
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	say("alive", poll(&p, 1, 0));
	say_result("signal", syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0));
	say("ended", poll(&p, 1, 5000));
	say_result("waitid", waitid(P_PIDFD, pidfd, &info, WEXITED));
	say("status", info.si_status);
	say_result("gone", syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0));
	say_result("open_missing", syscall(SYS_pidfd_open, 99999, 0));
	say_result("wait_none", wait(&status));
	return 0;
}
