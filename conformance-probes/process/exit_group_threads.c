/* exit_group(2) ends all threads; the status is the caller's. */
#include "../probe.h"

static void *leave(void *arg)
{
	(void)arg;
	exit(33);
}

int main(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		pthread_t t;

		pthread_create(&t, NULL, leave, NULL);
		for (;;)
			pause();
	}
	waitpid(child, &status, 0);
	say_status("child", status);
	child = fork();
	if (child == 0) {
		pthread_t t;

		pthread_create(&t, NULL, leave, NULL);
		syscall(SYS_exit, 5);
	}
	waitpid(child, &status, 0);
	say_status("leader_left", status);
	return 0;
}
