/* setpgid(2), setsid(2), getsid(2). */
#include "../probe.h"

int main(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		say_bool("new_session", setsid() == getpid());
		say_bool("sid", getsid(0) == getpid());
		say_bool("pgid", getpgid(0) == getpid());
		say_result("again", setsid());
		say_result("leader_setpgid", setpgid(0, 0));
		pid_t grandchild = fork();
		if (grandchild == 0) {
			pause();
			_exit(0);
		}
		say_result("child_pgid", setpgid(grandchild, grandchild));
		say_bool("moved", getpgid(grandchild) == grandchild);
		say_result("missing_group", setpgid(grandchild, 99999));
		kill(grandchild, SIGKILL);
		waitpid(grandchild, &status, 0);
		_exit(0);
	}
	waitpid(child, &status, 0);
	say_status("child", status);
	say_result("not_child", setpgid(1, 0));
	say_result("negative", setpgid(0, -1));
	say_result("missing", getpgid(99999));
	return 0;
}
