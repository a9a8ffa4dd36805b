/* prctl(PR_SET_CHILD_SUBREAPER): orphans come to the subreaper. */
#include "../probe.h"

#include <sys/prctl.h>

int main(void)
{
	int status, p[2], count = 0;
	pid_t got = 0;

	say_result("set", prctl(PR_SET_CHILD_SUBREAPER, 1));
	pipe(p);
	if (fork() == 0) {
		if (fork() == 0) {
			char c;

			read(p[0], &c, 1);
			_exit(getppid() == 1 ? 1 : 9);
		}
		_exit(0);
	}
	wait(&status);
	write(p[1], "x", 1);
	got = wait(&status);
	count = got > 0;
	say("orphans", count);
	say_status("orphan", status);
	say_result("none", wait(&status));
	return 0;
}
