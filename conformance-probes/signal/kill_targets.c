/* kill(2): zero, groups, missing, wrong. */
#include "../probe.h"

int main(void)
{
	int status;
	pid_t child;

	say_result("self_zero", kill(getpid(), 0));
	say_result("missing", kill(99999, 0));
	say_result("bad_signal", kill(getpid(), 65));
	say_result("negative_signal", kill(getpid(), -1));
	child = fork();
	if (child == 0) {
		setpgid(0, 0);
		for (;;)
			pause();
	}
	setpgid(child, child);
	say_result("group", kill(-child, SIGTERM));
	waitpid(child, &status, 0);
	say_status("child", status);
	say_result("gone_group", kill(-child, 0));
	say_result("tgkill_bad", syscall(SYS_tgkill, -1, 1, 0));
	say_result("tgkill_mismatch", syscall(SYS_tgkill, 99999, gettid(), 0));
	child = fork();
	if (child == 0) {
		setuid(1000);
		say_result("no_permission", kill(1, 0));
		_exit(0);
	}
	waitpid(child, &status, 0);
	return 0;
}
