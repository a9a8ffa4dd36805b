/*
 * peer.c: starts the emulator with the cases in a memfd as standard input and reads the
 * results from another that was its standard output.
 */
#include "tests/cpu/peer.h"

#include "common/base.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int write_all(int fd, const void *from, size_t len)
{
	const char *p = from;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return lseek(fd, 0, SEEK_SET) == 0 ? 0 : -1;
}

static int read_exact(int fd, void *to, size_t len)
{
	char *p = to;

	while (len) {
		ssize_t n = read(fd, p, len);

		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int run_emulator(const struct peer *peer, int in, int out)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		dup2(in, 0);
		dup2(out, 1);
		execlp(peer->emulator, peer->emulator, "-cpu", peer->cpu, peer->guest,
		       (char *)NULL);
		perror(peer->emulator);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		fprintf(stderr, "cpu_diff: %s ended with status 0x%x\n", peer->emulator,
		        (unsigned)status);
		return -1;
	}
	return 0;
}

static int read_results(int out, const struct wire_case *cases, size_t n,
                        struct wire_result *results)
{
	if (lseek(out, 0, SEEK_SET) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (read_exact(out, &results[i],
		               cases[i].send_data ? sizeof(results[i])
		                                  : offsetof(struct wire_result, data)))
			return -1;
	return 0;
}

int peer_run(const struct peer *peer, const struct wire_case *cases, size_t n,
             struct wire_result *results)
{
	int in = memfd_create("cases", 0), out = memfd_create("results", 0);
	int err = -1;

	if (in < 0 || out < 0 || write_all(in, cases, n * sizeof(cases[0])))
		perror("cpu_diff: memfd");
	else if (run_emulator(peer, in, out) == 0) {
		err = read_results(out, cases, n, results);
		if (err)
			fprintf(stderr, "cpu_diff: results are cut short\n");
	}
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return err;
}
