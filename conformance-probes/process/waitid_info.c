/* waitid(2): siginfo, WNOWAIT, WEXITED. */
#include "../probe.h"

int main(void)
{
	siginfo_t info;
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(7);
	say_result("nowait", waitid(P_PID, child, &info, WEXITED | WNOWAIT));
	say("code", info.si_code);
	say("status", info.si_status);
	say("signo", info.si_signo);
	say_bool("pid", info.si_pid == child);
	say_result("reap", waitid(P_ALL, 0, &info, WEXITED));
	say_result("none", waitid(P_ALL, 0, &info, WEXITED));
	say_result("no_flags", waitid(P_ALL, 0, &info, 0));
	child = fork();
	if (child == 0) {
		raise(SIGTERM);
		_exit(0);
	}
	waitid(P_PID, child, &info, WEXITED);
	say("killed_code", info.si_code);
	say("killed_status", info.si_status);
	say_result("wait_none", wait(&status));
	return 0;
}
