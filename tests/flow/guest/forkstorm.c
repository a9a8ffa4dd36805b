/*
 * forkstorm.c: threads that fork at once, whose children fork again; then counts what is left:
 * memory, processes and descriptors must be what they were.
 *
 * usage: forkstorm THREADS ROUNDS
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int rounds, bad;
static pthread_barrier_t start;

static void grandchild(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(3);
	_exit(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) + 1 : 99);
}

static void *storm(void *arg)
{
	pthread_barrier_wait(&start);
	for (int i = 0; i < rounds; i++) {
		int status = 0;
		pid_t pid = fork(), got;

		if (pid == 0)
			grandchild();
		do
			got = waitpid(pid, &status, 0);
		while (got < 0 && errno == EINTR);
		if (pid < 0 || got != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 4)
			__sync_fetch_and_add(&bad, 1);
	}
	return arg;
}

static void run(int threads)
{
	pthread_t t[64];

	/* All at once, or a thread would take over the stack of one that has ended already, and a later
	 * run would need more of them. */
	pthread_barrier_init(&start, NULL, (unsigned)threads);
	for (int i = 0; i < threads; i++)
		pthread_create(&t[i], NULL, storm, NULL);
	for (int i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
}

static long free_kilobytes(void)
{
	char line[128];
	long kb = -1;
	FILE *f = fopen("/proc/meminfo", "r");

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "MemFree:", 8) == 0)
			kb = atol(line + 8);
	if (f)
		fclose(f);
	return kb;
}

/* Entries of a directory that are numbers. */
static int numbers(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] >= '0' && e->d_name[0] <= '9';
	if (d)
		closedir(d);
	return n;
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 4, fds, processes;
	long before, after;

	rounds = 50; /* caches and page tables reach their size */
	run(threads);
	fds = numbers("/proc/self/fd");
	processes = numbers("/proc");
	before = free_kilobytes();
	rounds = argc > 2 ? atoi(argv[2]) : 100;
	run(threads);
	/* The last threads may still be on their way out. */
	for (int i = 0; i < 100 && (after = free_kilobytes()) < before; i++)
		usleep(20000);
	printf("bad=%d\n", bad);
	printf("lost_kilobytes=%ld\n", before > after ? before - after : 0L);
	printf("fds=%s\n", numbers("/proc/self/fd") == fds ? "same" : "different");
	printf("processes=%s\n", numbers("/proc") == processes && processes == 1 ? "same" : "different");
	return bad != 0;
}
