/* service.c: see service.h. */
#include "supervisor/cli/service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/rundir.h"
#include "supervisor/cli/cli.h"

#define LISTEN_FD    3
#define LISTEN_QUEUE 64
#define CONNECT_TRIES 3

bool program_path(const char *name, char *out, size_t size)
{
	char self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;
	int n;

	if (len < 0) {
		cli_error("cannot find my own program: %s", strerror(errno));
		return false;
	}
	self[len] = 0;
	slash = strrchr(self, '/');
	n = snprintf(out, size, "%.*s/%s", (int)(slash ? slash - self : 0), self, name);
	if (n < 0 || (size_t)n >= size || access(out, X_OK) < 0) {
		cli_error("%s is missing; it belongs beside carrick (build it with `make`)", out);
		return false;
	}
	return true;
}

static int fill_address(const char *path, struct sockaddr_un *sun)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	return snprintf(sun->sun_path, sizeof(sun->sun_path), "%s", path) < (int)sizeof(sun->sun_path)
		       ? 0
		       : -ENAMETOOLONG;
}

static int try_connect(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

static int bind_listener(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	unlink(sun->sun_path);
	if (bind(fd, (const struct sockaddr *)sun, sizeof(*sun)) < 0 || listen(fd, LISTEN_QUEUE) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

/* In the grandchild: becomes the service.  Its standard descriptors are not ours, so that a pipe
 * behind carrick ends with carrick; its complaints go to a file beside the socket. */
static NORETURN void exec_service(const char *program, int listener, int log)
{
	char *argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t) "--listen-fd=3", NULL};
	int null = open("/dev/null", O_RDWR);

	if (isatty(2) == 0 && getenv("CARRICK_LOG"))
		log = 2;
	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
	}
	if (log != 2)
		dup2(log >= 0 ? log : null, 2);
	if (listener == LISTEN_FD)
		fcntl(LISTEN_FD, F_SETFD, 0);
	else
		dup2(listener, LISTEN_FD);
	closefrom(LISTEN_FD + 1);
	if (chdir("/") == 0)
		execv(program, argv);
	_exit(EXIT_CANNOT_RUN);
}

/* Starts the service detached from this process and its terminal. */
static int spawn_service(const char *program, int listener, const char *socket_path)
{
	char log_path[RUNDIR_PATH_MAX + 8], old_path[RUNDIR_PATH_MAX + 8];
	pid_t child;
	int status, log;

	snprintf(log_path, sizeof(log_path), "%s.log", socket_path);
	snprintf(old_path, sizeof(old_path), "%s.old", socket_path);
	(void)!rename(log_path, old_path); /* why the service before this one ended */
	log = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	child = fork();
	if (child == 0) {
		setsid();
		if (fork() == 0)
			exec_service(program, listener, log);
		_exit(0);
	}
	if (log >= 0)
		close(log);
	if (child < 0)
		return -errno;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	return 0;
}

static bool nobody_listens(int error)
{
	return error == -ECONNREFUSED || error == -ENOENT;
}

/* Connects, starting the service under its lock if nobody listens.  A descriptor or -errno. */
static int connect_or_start(const char *path, const char *program)
{
	struct sockaddr_un sun;
	char lock_path[RUNDIR_PATH_MAX + 8];
	int lock, fd, ret = fill_address(path, &sun);

	if (ret < 0)
		return ret;
	fd = try_connect(&sun);
	if (!nobody_listens(fd))
		return fd;
	snprintf(lock_path, sizeof(lock_path), "%s.lock", path);
	lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0)
		return -errno;
	while (flock(lock, LOCK_EX) < 0 && errno == EINTR)
		continue;
	fd = try_connect(&sun);
	if (nobody_listens(fd)) {
		int listener = bind_listener(&sun);

		ret = listener < 0 ? listener : spawn_service(program, listener, path);
		fd = ret < 0 ? ret : try_connect(&sun);
		if (listener >= 0)
			close(listener);
	}
	close(lock);
	return fd;
}

/* The last thing a service said before it ended, without its name; false if it said nothing. */
static bool last_words(const char *socket_path, char *out, size_t size)
{
	char log_path[RUNDIR_PATH_MAX + 8], line[1024], *text;
	FILE *log;
	bool found = false;

	snprintf(log_path, sizeof(log_path), "%s.log", socket_path);
	log = fopen(log_path, "re");
	while (log && fgets(line, sizeof(line), log)) {
		line[strcspn(line, "\n")] = '\0';
		text = strstr(line, ": ");
		snprintf(out, size, "%s", text ? text + 2 : line);
		found = true;
	}
	if (log)
		fclose(log);
	return found;
}

struct ipc_client *service_connect(const struct ipc_service *service)
{
	char path[RUNDIR_PATH_MAX], name[32], program[4096], words[1024];
	struct ipc_client *client;
	int ret = rundir_socket_path(service->name, path);

	if (ret == -EPERM) {
		cli_error("the runtime directory is not private to you; set CARRICK_RUNTIME_DIR to a "
			  "directory of yours with mode 0700");
		return NULL;
	}
	if (ret < 0) {
		cli_error("no runtime directory: %s; set CARRICK_RUNTIME_DIR", strerror(-ret));
		return NULL;
	}
	snprintf(name, sizeof(name), "carrick-%s", service->name);
	if (!program_path(name, program, sizeof(program)))
		return NULL;
	/* An idle service may be leaving just as we arrive: then start over. */
	for (int tries = 0; tries < CONNECT_TRIES; tries++) {
		int fd = connect_or_start(path, program);

		if (fd < 0) {
			cli_error("cannot reach %s at %s: %s", name, path, strerror(-fd));
			return NULL;
		}
		ret = ipc_client_new(fd, service, &client);
		if (ret == 0)
			return client;
		if (ret == -IPC_EVERSION)
			return NULL;
	}
	if (last_words(path, words, sizeof(words)))
		cli_error("%s", words);
	else
		cli_error("%s ends as soon as it is called; CARRICK_LOG=debug shows why", name);
	return NULL;
}
