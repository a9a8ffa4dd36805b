/*
 * chaos.c: threads that make children which end in every way there is (exit, exit with threads,
 * exec with threads, SIGKILL, stop and continue, vfork and exec) while signals rain on the
 * parent.  Every child must be reaped with the status that belongs to its kind.
 *
 * usage: chaos ROUNDS
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum kind { EXIT, EXIT_WITH_THREADS, EXEC_WITH_THREAD, KILLED, STOPPED, VFORK_EXEC, KINDS };

static int rounds, bad;

static void ignore(int sig)
{
	(void)sig;
}

static void *idle(void *arg)
{
	for (;;)
		usleep(1000);
	return arg;
}

static void become_child(void)
{
	execl("/proc/self/exe", "chaos", "child", (char *)NULL);
	_exit(77);
}

static void child(enum kind kind)
{
	pthread_t t;

	switch (kind) {
	case EXIT_WITH_THREADS:
		for (int i = 0; i < 3; i++)
			pthread_create(&t, NULL, idle, NULL);
		usleep(500);
		_exit(0);
	case EXEC_WITH_THREAD:
		pthread_create(&t, NULL, idle, NULL);
		become_child();
		break;
	case KILLED:
		for (;;)
			pause();
	case STOPPED:
		raise(SIGSTOP);
		_exit(0);
	case VFORK_EXEC:
		become_child();
		break;
	default:
		_exit(0);
	}
}

static pid_t wait_for(pid_t pid, int *status, int options)
{
	pid_t got;

	do
		got = waitpid(pid, status, options);
	while (got < 0 && errno == EINTR);
	return got;
}

static void one(enum kind kind, unsigned delay)
{
	pid_t pid = kind == VFORK_EXEC ? vfork() : fork();
	int status = 0;

	if (pid == 0)
		child(kind);
	if (kind == KILLED) {
		usleep(delay);
		kill(pid, SIGKILL);
	}
	if (kind == STOPPED) {
		wait_for(pid, &status, WUNTRACED);
		if (!WIFSTOPPED(status))
			__sync_fetch_and_add(&bad, 1);
		kill(pid, SIGCONT);
	}
	if (wait_for(pid, &status, 0) != pid ||
	    (kind == KILLED ? !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL
			    : !WIFEXITED(status) || WEXITSTATUS(status) != 0))
		__sync_fetch_and_add(&bad, 1);
}

static void *storm(void *arg)
{
	unsigned seed = (unsigned)(size_t)arg * 77;

	for (int i = 0; i < rounds; i++)
		one((enum kind)(rand_r(&seed) % KINDS), (unsigned)rand_r(&seed) % 2000);
	return NULL;
}

static void *rain(void *arg)
{
	for (;;) {
		usleep(700);
		kill(getpid(), SIGUSR1);
	}
	return arg;
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_handler = ignore, .sa_flags = SA_RESTART};
	pthread_t t[8], s;

	if (argc > 1 && strcmp(argv[1], "child") == 0)
		return 0;
	rounds = argc > 1 ? atoi(argv[1]) : 100;
	sigaction(SIGUSR1, &sa, NULL);
	pthread_create(&s, NULL, rain, NULL);
	for (size_t i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, storm, (void *)i);
	for (size_t i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	printf("bad=%d\n", bad);
	return bad != 0;
}
