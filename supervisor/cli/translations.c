/*
 * translations.c: see translations.h.  The translator is carrick-supervisor in another role, with
 * its sandbox: it reads code that a guest chose.
 */
#include "supervisor/cli/translations.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "common/plat/process.h"
#include "ipc/fsd.h"
#include "supervisor/cli/cli.h"
#include "supervisor/cli/service.h"

/* As carrick-supervisor --translate expects them. */
enum { WISHES_FD = 3, OLD_FD, OUT_FD, FIRST_OTHER_FD };

#define NICENESS 10

/* Moves the descriptors above those that they are going to be. */
static int moved_up(int fd)
{
	return fd < 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC)
		      : fcntl(fd, F_DUPFD_CLOEXEC, FIRST_OTHER_FD);
}

static NORETURN void exec_translator(const char *program, const struct translations *t, int out)
{
	char *argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t) "--translate", NULL};
	int wishes = moved_up(t->wishes), old = moved_up(t->file), result = moved_up(out);

	if (wishes >= 0 && old >= 0 && result >= 0 && dup2(wishes, WISHES_FD) >= 0 && dup2(old, OLD_FD) >= 0 &&
	    dup2(result, OUT_FD) >= 0) {
		closefrom(FIRST_OTHER_FD);
		execv(program, argv);
	}
	_exit(EXIT_CANNOT_RUN);
}

static bool translate(const struct translations *t, int out)
{
	char program[4096];
	pid_t pid;
	int status = -1;

	if (!program_path("carrick-supervisor", program, sizeof(program)))
		return false;
	pid = fork();
	if (pid == 0)
		exec_translator(program, t, out);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (status)
		log_debug("the translator ended with status %d", status);
	return status == 0;
}

static void store(const struct translations *t, int out)
{
	struct fsd_translations_put_req req = {.digest = ipc_bytes_of(t->digest)};
	struct fsd_translations_put_rep rep;
	struct ipc_reply reply;
	struct ipc_client *fsd = service_connect(&fsd_service);

	if (!fsd)
		return;
	if (fsd_callfds_translations_put(fsd, &req, &out, 1, &rep, &reply) >= 0)
		ipc_reply_release(&reply);
	ipc_client_free(fsd);
}

/* What happens from here on concerns neither the terminal nor whoever waits for carrick. */
static void detach(const struct translations *t, int run)
{
	const int keep[] = {t->file, t->wishes, run};
	int null = open("/dev/null", O_RDWR);

	setsid();
	for (int fd = 0; fd < 3 && null >= 0; fd++)
		if (fd < 2 || !getenv("CARRICK_LOG"))
			dup2(null, fd);
	plat_close_all_but(3, keep, ARRAY_LEN(keep));
	if (chdir("/") < 0 || nice(NICENESS) < 0)
		log_debug("the translator runs with the caller's directory and priority");
}

/* In a process of its own: run becomes readable, with its end, when the run is over. */
static NORETURN void keep(const struct translations *t, int run)
{
	struct stat st;
	char byte;
	int out;

	detach(t, run);
	while (read(run, &byte, 1) < 0 && errno == EINTR)
		continue;
	if (fstat(t->wishes, &st) < 0 || st.st_size == 0)
		_exit(0);
	out = memfd_create("translations", MFD_CLOEXEC);
	if (out >= 0 && translate(t, out))
		store(t, out);
	_exit(0);
}

static int fetch(struct ipc_client *fsd, const char *digest)
{
	struct fsd_translations_get_req req = {.digest = ipc_bytes_of(digest)};
	struct fsd_translations_get_rep rep;
	struct ipc_reply reply;
	int fd;

	if (fsd_call_translations_get(fsd, &req, &rep, &reply) < 0)
		return -1;
	fd = ipc_fds_take(&reply.fds, 0);
	ipc_reply_release(&reply);
	return fd;
}

void translations_start(struct translations *t, struct ipc_client *fsd, const char *digest)
{
	int run[2];
	pid_t pid;

	snprintf(t->digest, sizeof(t->digest), "%s", digest);
	t->file = fetch(fsd, digest);
	if (pipe2(run, O_CLOEXEC) < 0)
		return;
	t->wishes = memfd_create("wishes", MFD_CLOEXEC);
	t->run = run[1];
	pid = t->wishes < 0 ? -1 : fork();
	if (pid == 0) {
		/* Its own child's child, so that nobody has to wait for it. */
		if (fork() == 0)
			keep(t, run[0]);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	close(run[0]);
}

void translations_finish(struct translations *t)
{
	int *fds[] = {&t->file, &t->wishes, &t->run};

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}
