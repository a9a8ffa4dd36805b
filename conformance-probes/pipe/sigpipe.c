/* SIGPIPE ends a writer without a reader. */
#include "../probe.h"

int main(void)
{
	int p[2], status;

	pipe(p);
	if (fork() == 0) {
		close(p[0]);
		write(p[1], "x", 1);
		_exit(0);
	}
	close(p[0]);
	wait(&status);
	say_status("child", status);
	return 0;
}
