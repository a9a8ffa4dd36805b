/* unpackproc.c: see unpackproc.h.  The answer comes back as one struct through a pipe. */
#include "fsd/unpackproc.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>

#include "common/plat/errno.h"
#include "fsd/confine.h"
#include "fsd/dirtar.h"

#define MAX_ENTRIES (8ull << 20)
#define MAX_BYTES   (256ull << 30)

struct answer {
	int code;
	struct unpack_result result;
	struct fail fail;
};

struct progress {
	int fd;
	struct timespec last;
};

/* At most five lines a second; a reader that is gone is no reason to stop. */
static void report(void *arg, uint64_t bytes, uint64_t entries)
{
	struct progress *p = arg;
	struct timespec now;
	char line[96];
	int n;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (p->fd < 0 ||
	    (now.tv_sec - p->last.tv_sec) * 1000 + (now.tv_nsec - p->last.tv_nsec) / 1000000 < 200)
		return;
	p->last = now;
	n = snprintf(line, sizeof(line), "progress %llu 0 unpacked, %llu files\n",
	             (unsigned long long)bytes, (unsigned long long)entries);
	if (n > 0 && write(p->fd, line, (size_t)n) < 0)
		p->fd = -1;
}

/* What a layer may take: nine tenths of the free space, and never more than MAX_BYTES. */
static uint64_t byte_limit(int tree)
{
	struct statvfs v;

	if (fstatvfs(tree, &v) < 0)
		return MAX_BYTES;
	return MIN((uint64_t)v.f_bavail * v.f_frsize / 10 * 9, MAX_BYTES);
}

/* A directory is read through a pipe by a process that makes a tar of it. */
static int tar_source(int source, pid_t *child, struct fail *f)
{
	struct stat st;
	int p[2];

	*child = -1;
	if (fstat(source, &st) < 0)
		return fail_errno(f, plat_errno(errno), "cannot read the archive");
	if (!S_ISDIR(st.st_mode))
		return source;
	if (pipe2(p, O_CLOEXEC) < 0)
		return fail_errno(f, plat_errno(errno), "cannot read the directory");
	*child = fork();
	if (*child < 0) {
		close(p[0]);
		close(p[1]);
		return fail_errno(f, plat_errno(errno), "cannot read the directory");
	}
	if (*child == 0) {
		struct fail why = {0};

		close(p[0]);
		/* INVARIANT: the end of a forked child, not of the service. */
		if (confine_unpacker(source, -1, false) < 0)
			_exit(1);
		if (dirtar_write(source, p[1], &why) < 0) {
			dprintf(2, "carrick-fsd: %s\n", why.text);
			/* INVARIANT: the end of a forked child, not of the service. */
			_exit(1);
		}
		/* INVARIANT: the end of a forked child, not of the service. */
		_exit(0);
	}
	close(p[1]);
	return p[0];
}

static NORETURN void run_child(int source, int tree, bool whiteouts, int progress, int out)
{
	struct progress p = {.fd = progress};
	struct unpack_options o = {
	    .whiteouts = whiteouts,
	    .max_bytes = byte_limit(tree),
	    .max_entries = MAX_ENTRIES,
	    .progress = report,
	    .arg = &p,
	};
	struct answer a = {0};
	pid_t tar;
	int fd, status;

	signal(SIGPIPE, SIG_IGN);
	/* libarchive turns names from PAX headers into the locale's bytes. */
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		setlocale(LC_CTYPE, "");
	umask(0);
	fd = tar_source(source, &tar, &a.fail);
	a.code = fd < 0 ? fd : confine_unpacker(fd, tree, tar > 0);
	if (a.code == 0)
		a.code = unpack_layer(fd, tree, &o, &a.result, &a.fail);
	if (tar > 0) {
		close(fd);
		if (waitpid(tar, &status, 0) == tar && status != 0 && a.code == 0)
			a.code = fail_set(&a.fail, -LX_EIO, "cannot read the whole directory");
	}
	/* INVARIANT: the end of a forked child, not of the service. */
	_exit(write(out, &a, sizeof(a)) == (ssize_t)sizeof(a) ? 0 : 1);
}

/* Everything the child says, or nothing. */
static bool read_answer(int fd, struct answer *a)
{
	size_t have = 0;

	while (have < sizeof(*a)) {
		ssize_t n = read(fd, (char *)a + have, sizeof(*a) - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		have += (size_t)n;
	}
	a->fail.text[sizeof(a->fail.text) - 1] = '\0';
	a->result.diff_id[DIGEST_TEXT_MAX - 1] = a->result.digest[DIGEST_TEXT_MAX - 1] = '\0';
	return true;
}

int unpackproc_layer(int source, int tree, bool whiteouts, int progress,
                     struct unpack_result *result, struct fail *f)
{
	struct answer a;
	bool answered;
	pid_t child;
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return fail_errno(f, plat_errno(errno), "cannot start unpacking");
	child = fork();
	if (child == 0) {
		close(p[0]);
		run_child(source, tree, whiteouts, progress, p[1]);
	}
	close(p[1]);
	if (child < 0) {
		close(p[0]);
		return fail_errno(f, -LX_EAGAIN, "cannot start unpacking");
	}
	answered = read_answer(p[0], &a);
	close(p[0]);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		continue;
	if (!answered)
		return fail_set(f, -LX_EIO,
		                "the process that unpacks the archive ended unexpectedly");
	if (a.code < 0) {
		*f = a.fail;
		return a.code;
	}
	if (!digest_ok(a.result.diff_id) || !digest_ok(a.result.digest))
		return fail_set(f, -LX_EIO,
		                "the process that unpacks the archive answered nonsense");
	*result = a.result;
	return 0;
}
