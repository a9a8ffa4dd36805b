/* fork(2), wait4(2): exit codes, signals, no children. */
#include "../probe.h"

int main(void)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(42);
	say_bool("pid", waitpid(child, &status, 0) == child);
	say_status("exit", status);
	child = fork();
	if (child == 0) {
		raise(SIGKILL);
		_exit(0);
	}
	waitpid(child, &status, 0);
	say_status("killed", status);
	say_result("none", waitpid(-1, &status, 0));
	say_result("other", waitpid(1, &status, WNOHANG));
	say_result("bad_options", waitpid(-1, &status, 0x4000));
	return 0;
}
