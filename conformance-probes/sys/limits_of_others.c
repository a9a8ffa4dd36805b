/* prlimit(2), getpriority(2), nice: of other processes, and as another user. */
#include "../probe.h"

#include <sys/resource.h>

int main(void)
{
	struct rlimit r = {100, 50}, old;
	int status, go[2];
	char c;
	pid_t pid;

	say_result("soft_over_hard", setrlimit(RLIMIT_CORE, &r));
	say_result("no_resource", getrlimit(99, &r));
	say_result("no_process", prlimit(99999, RLIMIT_CORE, NULL, &old));
	pipe(go);
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		read(go[0], &c, 1);
		getrlimit(RLIMIT_NOFILE, &r);
		_exit((int)r.rlim_cur);
	}
	r = (struct rlimit){77, 88};
	say_result("set_child", prlimit(pid, RLIMIT_NOFILE, &r, &old));
	say_result("child_nice", setpriority(PRIO_PROCESS, (id_t)pid, 5));
	say("child_nice_is", getpriority(PRIO_PROCESS, (id_t)pid));
	close(go[1]);
	waitpid(pid, &status, 0);
	say_status("child_saw", status);
	if (fork() == 0) {
		setuid(1000);
		r = (struct rlimit){10, 20};
		say_result("lower", setrlimit(RLIMIT_CORE, &r));
		r = (struct rlimit){10, 30};
		say_result("raise", setrlimit(RLIMIT_CORE, &r));
		say_result("of_root", prlimit(getppid(), RLIMIT_CORE, NULL, &old));
		say_result("nicer", setpriority(PRIO_PROCESS, 0, 3));
		say_result("less_nice", setpriority(PRIO_PROCESS, 0, -3));
		say_result("nice_root", setpriority(PRIO_PROCESS, (id_t)getppid(), 3));
		_exit(0);
	}
	wait(&status);
	say_result("priority_which", getpriority(9, 0));
	say_result("priority_none", getpriority(PRIO_PROCESS, 99999));
	setpriority(PRIO_PROCESS, 0, 100);
	say("clamped", getpriority(PRIO_PROCESS, 0));
	return 0;
}
