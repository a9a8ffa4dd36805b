/* A newly orphaned, stopped process group gets SIGHUP and SIGCONT. */
#include "../probe.h"

int main(void)
{
	int p[2], status;
	char buf[32] = {0};

	pipe(p);
	pid_t child = fork();
	if (child == 0) {
		setsid();
		pid_t middle = fork();
		if (middle == 0) {
			pid_t stopped = fork();
			if (stopped == 0) {
				setpgid(0, 0);
				raise(SIGSTOP);
				write(p[1], "continued", 9);
				_exit(0);
			}
			setpgid(stopped, stopped);
			waitpid(stopped, &status, WUNTRACED);
			_exit(0);
		}
		waitpid(middle, &status, 0);
		usleep(300000);
		_exit(0);
	}
	waitpid(child, &status, 0);
	close(p[1]);
	say_count("read", read(p[0], buf, sizeof(buf)));
	return 0;
}
