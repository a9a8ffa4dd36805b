/* SIGPIPE ends a writer without a reader. */
#include "../probe.h"

int main(void)
{
	int p[2], go[2], status;
	char c;

	pipe(p);
	pipe(go);
	if (fork() == 0) {
		close(p[0]);
		close(go[1]);
		read(go[0], &c, 1); /* until the parent's end is closed, too */
		write(p[1], "x", 1);
		_exit(0);
	}
	close(p[0]);
	close(go[1]);
	wait(&status);
	say_status("child", status);
	return 0;
}
