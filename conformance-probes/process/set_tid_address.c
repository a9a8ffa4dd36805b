/* set_tid_address(2): cleared and woken at exit. */
#include "../probe.h"

#include <linux/futex.h>

static int word = 1;

static int child(void *arg)
{
	(void)arg;
	return 0;
}

int main(void)
{
	static char stack[65536];
	int status;
	pid_t pid = clone(child, stack + sizeof(stack), CLONE_VM | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD, NULL, NULL,
			  NULL, &word);

	say_bool("clone", pid > 0);
	waitpid(pid, &status, 0);
	say("cleared", word);
	say_bool("own", syscall(SYS_set_tid_address, &word) == gettid());
	return 0;
}
