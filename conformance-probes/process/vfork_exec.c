/* vfork(2): the parent waits until the child is gone, memory is shared. */
#include "../probe.h"

int main(void)
{
	volatile int shared = 0;
	int status;
	pid_t child = vfork();

	if (child == 0) {
		shared = 5;
		_exit(3);
	}
	say("shared", shared);
	waitpid(child, &status, 0);
	say_status("child", status);
	return 0;
}
