/* execve(2) from a thread: the others end, the pid stays. */
#include "../probe.h"

static void *idle(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

static void *run(void *arg)
{
	char pid[16];
	char *argv[] = {(char *)"x", pid, NULL}, *envp[] = {(char *)"MARK=1", NULL};

	(void)arg;
	snprintf(pid, sizeof(pid), "%d", getpid());
	execve("/proc/self/exe", argv, envp);
	return NULL;
}

int main(void)
{
	pthread_t a, b;

	if (getenv("MARK")) {
		char buf[64];
		int fd = open("/proc/self/cmdline", O_RDONLY);

		memset(buf, 0, sizeof(buf));
		read(fd, buf, sizeof(buf) - 1);
		say_bool("same_pid", strtol(buf + 2, NULL, 10) == getpid());
		say_bool("leader", gettid() == getpid());
		return 0;
	}
	pthread_create(&a, NULL, idle, NULL);
	pthread_create(&b, NULL, run, NULL);
	pthread_join(b, NULL);
	return 0;
}
