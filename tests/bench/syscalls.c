/*
 * syscalls.c: what system calls cost, as a static Linux program for any processor.
 *
 *   syscalls [SECONDS-PER-ROW]     prints "name microseconds" per line
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 20

static int file, pair[2], to_child[2], to_parent[2];
static char page[16384];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void check(long result, const char *what)
{
	if (result < 0)
		die(what);
}

static void do_getppid(void)
{
	syscall(SYS_getppid);
}

static void do_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
}

static void do_stat(void)
{
	struct stat st;

	check(stat("bench-file", &st), "stat");
}

static void do_open(void)
{
	int fd = open("bench-file", O_RDONLY);

	check(fd, "open");
	close(fd);
}

static void do_pread(void)
{
	check(pread(file, page, 4096, 0), "pread");
}

static void do_pwrite(void)
{
	check(pwrite(file, page, 4096, 0), "pwrite");
}

static void do_pingpong(void)
{
	char c = 'x';

	check(write(to_child[1], &c, 1), "write");
	check(read(to_parent[0], &c, 1), "read");
}

static void do_socketpair(void)
{
	char c = 'x';

	check(write(pair[0], &c, 1), "write");
	check(read(pair[1], &c, 1), "read");
}

static void do_mmap(void)
{
	volatile char *p = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	p[0] = 1;
	p[8192] = 1;
	munmap((void *)p, 16384);
}

static void do_fork(void)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	check(waitpid(child, &status, 0), "waitpid");
}

static void do_exec(void)
{
	int status;
	pid_t child = vfork();

	if (child == 0) {
		execl("/proc/self/exe", "syscalls", "exit", (char *)NULL);
		_exit(127);
	}
	check(waitpid(child, &status, 0), "waitpid");
}

static void do_create(void)
{
	int fd = open("bench-new", O_CREAT | O_EXCL | O_WRONLY, 0600);

	check(fd, "create");
	close(fd);
	check(unlink("bench-new"), "unlink");
}

static const struct {
	const char *name;
	void (*run)(void);
} rows[] = {
	{"getppid", do_getppid},     {"clock_gettime", do_clock}, {"stat", do_stat},
	{"open+close", do_open},     {"pread-4k", do_pread},      {"pwrite-4k", do_pwrite},
	{"pipe-pingpong", do_pingpong}, {"socketpair", do_socketpair}, {"mmap-16k", do_mmap},
	{"fork+wait", do_fork},      {"fork+exec+wait", do_exec}, {"create+unlink", do_create},
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* The best of many short runs, in microseconds per call: on a busy machine some are undisturbed. */
static double measure(void (*run)(void), double seconds)
{
	double best = 1e9;

	for (int round = 0; round < ROUNDS; round++) {
		double start = now(), end = start + seconds / ROUNDS, at;
		long n = 0, batch = 1;

		do {
			for (long i = 0; i < batch; i++)
				run();
			n += batch;
			at = now();
			if (at - start < seconds / ROUNDS / 20)
				batch *= 2;
		} while (at < end);
		if ((at - start) * 1e6 / (double)n < best)
			best = (at - start) * 1e6 / (double)n;
	}
	return best;
}

static void serve_pingpong(void)
{
	char c;

	while (read(to_child[0], &c, 1) == 1)
		if (write(to_parent[1], &c, 1) != 1)
			break;
	_exit(0);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 0.6;

	if (argc > 1 && strcmp(argv[1], "exit") == 0) /* what do_exec starts */
		return 0;
	file = open("bench-file", O_CREAT | O_RDWR, 0600);
	check(file, "bench-file");
	check(ftruncate(file, 65536), "ftruncate");
	check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
	check(pipe(to_child), "pipe");
	check(pipe(to_parent), "pipe");
	if (fork() == 0) {
		close(to_child[1]);
		serve_pingpong();
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		printf("%s %.3f\n", rows[i].name, measure(rows[i].run, seconds));
		fflush(stdout);
	}
	close(to_child[1]);
	unlink("bench-file");
	return 0;
}
