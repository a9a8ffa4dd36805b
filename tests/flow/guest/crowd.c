/*
 * crowd.c: many at once: processes, threads, or mappings.  Each mode proves from the inside that
 * all were there at the same time and that each did its part.
 *
 * usage: crowd processes N | threads N | mappings N | churn N
 */
#include <dirent.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul

/* Entries of /proc that are numbers. */
static int processes_listed(void)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] >= '1' && e->d_name[0] <= '9';
	if (d)
		closedir(d);
	return n;
}

/* A child: says that it is there, waits for the word, and ends with a number of its own. */
static void child(int i, int up, int down)
{
	char c = 'x';

	if (write(up, &c, 1) != 1 || read(down, &c, 1) != 1 || c != 'g')
		_exit(255);
	_exit(i % 200);
}

static int processes(int n)
{
	int up[2], down[2], there = 0, right = 0, status;
	pid_t *pids = calloc((size_t)n, sizeof(*pids));
	char c;

	if (!pids || pipe(up) < 0 || pipe(down) < 0)
		return 1;
	for (int i = 0; i < n; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			child(i, up[1], down[0]);
	}
	while (there < n && read(up[0], &c, 1) == 1)
		there++;
	printf("alive=%d listed=%d\n", there, processes_listed() - 1);
	for (int i = 0; i < n; i++)
		if (write(down[1], "g", 1) != 1)
			return 1;
	for (int i = 0; i < n; i++)
		right += waitpid(pids[i], &status, 0) == pids[i] && WIFEXITED(status) &&
			 WEXITSTATUS(status) == i % 200;
	printf("ended=%d left=%d\n", right, processes_listed() - 1);
	free(pids);
	return 0;
}

static pthread_barrier_t barrier;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t under_lock, by_atomic;

static void *one_thread(void *arg)
{
	uint64_t rounds = (uint64_t)(uintptr_t)arg;

	pthread_barrier_wait(&barrier);
	for (uint64_t i = 0; i < rounds; i++) {
		pthread_mutex_lock(&mutex);
		under_lock++;
		pthread_mutex_unlock(&mutex);
		__atomic_add_fetch(&by_atomic, 1, __ATOMIC_SEQ_CST);
	}
	pthread_barrier_wait(&barrier);
	return arg;
}

static int threads(int n)
{
	pthread_t *t = calloc((size_t)n, sizeof(*t));
	uint64_t rounds = 200;
	pthread_attr_t attr;
	int made = 0, joined = 0;

	if (!t)
		return 1;
	pthread_barrier_init(&barrier, NULL, (unsigned)n + 1);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 128 * 1024);
	while (made < n && pthread_create(&t[made], &attr, one_thread, (void *)(uintptr_t)rounds) == 0)
		made++;
	printf("made=%d\n", made);
	if (made < n)
		return 1;
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < n; i++)
		joined += pthread_join(t[i], NULL) == 0;
	printf("joined=%d locked=%llu atomic=%llu\n", joined, (unsigned long long)under_lock,
	       (unsigned long long)by_atomic);
	free(t);
	return 0;
}

/* Every second page of a range read-only: as many mappings as pages, each with its own mark. */
static int mappings(int n)
{
	size_t size = (size_t)n * PAGE;
	uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int protected = 0, right = 0, status = 0;
	pid_t pid;

	if (p == MAP_FAILED)
		return 1;
	for (int i = 0; i < n; i++)
		*(uint32_t *)(void *)(p + (size_t)i * PAGE) = (uint32_t)i * 2654435761u;
	for (int i = 0; i < n; i += 2)
		protected += mprotect(p + (size_t)i * PAGE, PAGE, PROT_READ) == 0;
	for (int i = 0; i < n; i++)
		right += *(uint32_t *)(void *)(p + (size_t)i * PAGE) == (uint32_t)i * 2654435761u;
	printf("protected=%d right=%d\n", protected, right);
	pid = fork();
	if (pid == 0) {
		for (int i = 1; i < n; i += 2)
			p[(size_t)i * PAGE] = 7;
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		return 1;
	right = 0;
	for (int i = 0; i < n; i++)
		right += *(uint32_t *)(void *)(p + (size_t)i * PAGE) == (uint32_t)i * 2654435761u;
	printf("after_fork=%d\n", right);
	for (int i = 0; i < n; i += 2)
		if (munmap(p + (size_t)i * PAGE, PAGE) < 0)
			return 1;
	right = 0;
	for (int i = 1; i < n; i += 2)
		right += *(uint32_t *)(void *)(p + (size_t)i * PAGE) == (uint32_t)i * 2654435761u;
	printf("left=%d unmap=%s\n", right, munmap(p, size) == 0 ? "ok" : "failed");
	return 0;
}

/* Maps far from everything, touches, unmaps; now and then all that was kept is looked at. */
static int churn(int n)
{
	enum { KEPT = 64 };
	uint8_t *kept[KEPT] = {0};
	int wrong = 0;

	for (int i = 0; i < n; i++) {
		size_t pages = 1 + (size_t)(i * 7 % 40), size = pages * PAGE;
		uint8_t **slot = &kept[i % KEPT];
		uint8_t *hint = (uint8_t *)(0x100000000ul + (uintptr_t)(i % 997) * 0x4000000ul);

		if (*slot) {
			size_t old = (1 + (size_t)((i - KEPT) * 7 % 40)) * PAGE;

			for (size_t at = 0; at < old; at += PAGE)
				wrong += (*slot)[at] != (uint8_t)(i - KEPT + (int)(at / PAGE));
			wrong += munmap(*slot, old) != 0;
		}
		*slot = mmap(hint, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (*slot == MAP_FAILED)
			return 1;
		for (size_t at = 0; at < size; at += PAGE) {
			wrong += (*slot)[at] != 0;
			(*slot)[at] = (uint8_t)(i + (int)(at / PAGE));
		}
	}
	printf("churned=%d wrong=%d\n", n, wrong);
	return 0;
}

int main(int argc, char **argv)
{
	int n = argc > 2 ? atoi(argv[2]) : 0;

	if (n <= 0)
		return 2;
	if (strcmp(argv[1], "processes") == 0)
		return processes(n);
	if (strcmp(argv[1], "threads") == 0)
		return threads(n);
	if (strcmp(argv[1], "mappings") == 0)
		return mappings(n);
	if (strcmp(argv[1], "churn") == 0)
		return churn(n);
	return 2;
}
