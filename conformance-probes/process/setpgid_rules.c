/* setpgid(2), setsid(2), getsid(2): who may go where. */
#include "../probe.h"

int main(int argc, char **argv)
{
	int status, go[2];
	char c, *args[] = {argv[0], "sleep", NULL};
	pid_t pid, child;

	if (argc > 1) {
		read(0, &c, 1);
		return 0;
	}
	say_result("negative", setpgid(0, -1));
	say_result("no_process", setpgid(99999, 0));
	say_result("getpgid_none", getpgid(99999));
	say_result("getsid_none", getsid(99999));
	pid = fork();
	if (pid == 0) {
		say_bool("own_group", setpgid(0, 0) == 0 && getpgrp() == getpid());
		say_result("leader_setsid", setsid());
		say_result("no_such_group", setpgid(0, 99999));
		child = fork();
		if (child == 0) {
			say_bool("setsid", setsid() == getpid() && getsid(0) == getpid() && getpgrp() == getpid());
			say_result("session_leader_moves", setpgid(0, getppid()));
			say_result("setsid_again", setsid());
			_exit(0);
		}
		waitpid(child, &status, 0);
		pipe(go);
		child = fork();
		if (child == 0) {
			dup2(go[0], 0);
			close(go[1]);
			execv("/proc/self/exe", args);
			_exit(1);
		}
		usleep(300000);
		say_result("child_after_exec", setpgid(child, child));
		close(go[1]);
		waitpid(child, &status, 0);
		say_result("parent", setpgid(getppid(), 0));
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return 0;
}
