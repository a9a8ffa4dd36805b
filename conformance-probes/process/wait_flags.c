/* wait4(2), waitid(2): options, selection, what stays for a second look. */
#include "../probe.h"

static pid_t child(int code)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(code);
	return pid;
}

int main(void)
{
	siginfo_t si;
	int status;
	pid_t pid, other;

	say_result("none", waitpid(-1, &status, 0));
	say_result("bad_options", waitpid(-1, &status, 0x800));
	say_result("waitid_no_what", waitid(P_ALL, 0, &si, WNOHANG));
	say_result("waitid_bad_type", waitid(77, 0, &si, WEXITED));
	say_result("waitid_pid_0", waitid(P_PID, 0, &si, WEXITED));
	say_result("int_min", waitpid(INT_MIN, &status, 0));
	pid = child(5);
	say_result("nowait", waitid(P_PID, pid, &si, WEXITED | WNOWAIT));
	say("nowait_status", si.si_status);
	say("nowait_code", si.si_code);
	say_result("nowait_again", waitid(P_PID, pid, &si, WEXITED | WNOWAIT));
	say_bool("reap", waitpid(pid, &status, 0) == pid);
	say_result("gone", waitpid(pid, &status, 0));
	pid = child(6);
	say_result("clone_only", syscall(SYS_wait4, pid, &status, 0x80000000u, NULL));
	say_bool("all", syscall(SYS_wait4, pid, &status, 0x40000000, NULL) == pid);
	pid = fork();
	if (pid == 0) {
		raise(SIGSTOP);
		_exit(7);
	}
	say_bool("stop", waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	say_bool("stop_once", waitpid(pid, &status, WUNTRACED | WNOHANG) == 0);
	other = child(8);
	say_bool("other", waitpid(-1, &status, 0) == other);
	kill(pid, SIGKILL);
	say_bool("killed", waitpid(pid, &status, WUNTRACED | WCONTINUED) == pid);
	say_status("how", status);
	pid = child(9);
	say_bool("own_group", waitpid(0, &status, 0) == pid);
	say_result("other_group", waitpid(-getpid() - 100, &status, 0));
	memset(&si, 1, sizeof(si));
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	say_result("nohang", waitid(P_PID, pid, &si, WEXITED | WNOHANG));
	say("nohang_pid", si.si_pid);
	say("nohang_signo", si.si_signo);
	kill(pid, SIGTERM);
	say_result("waitid_term", waitid(P_PID, pid, &si, WEXITED));
	say("term_code", si.si_code);
	say("term_status", si.si_status);
	return 0;
}
