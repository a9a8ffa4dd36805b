/*
 * driver.c: runs probes one after the other and reports what each did.  It is the init process
 * of the oracle's virtual machine (real Linux) and an ordinary command in a carrick guest.
 *
 * usage: driver [PROBE-PATH...]     without arguments: those in /probes/list, a path a line
 *
 * For each probe, on standard output:   BEGIN path
 *                                       |one line of its output, for each
 *                                       END path exit=N | END path signal=N | END path timeout
 * Each probe runs in an empty directory of its own, with standard error joined to its output.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_MAX (256 * 1024)
#define TIMEOUT_MS 20000

static char output[OUTPUT_MAX];

static void mount_one(const char *source, const char *target, const char *type, const char *options)
{
	mkdir(target, 0755);
	if (mount(source, target, type, 0, options) < 0)
		fprintf(stderr, "driver: mount %s: %s\n", target, strerror(errno));
}

/* The loopback interface, which a container finds up (netdevice(7)). */
static void raise_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		fprintf(stderr, "driver: lo: %s\n", strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* As init of the virtual machine: the file systems a container has, and a raw console. */
static void become_init(void)
{
	struct termios t;
	int fd;

	mount_one("proc", "/proc", "proc", "");
	mount_one("sysfs", "/sys", "sysfs", "");
	mount_one("devtmpfs", "/dev", "devtmpfs", "");
	mount_one("devpts", "/dev/pts", "devpts", "ptmxmode=0666,mode=0620,gid=5");
	mount_one("tmpfs", "/dev/shm", "tmpfs", "mode=1777");
	mount_one("mqueue", "/dev/mqueue", "mqueue", "");
	mount_one("tmpfs", "/tmp", "tmpfs", "mode=1777");
	mkdir("/run", 0755);
	if (symlink("/proc/self/fd", "/dev/fd") < 0 ||
	    symlink("/proc/self/fd/0", "/dev/stdin") < 0 ||
	    symlink("/proc/self/fd/1", "/dev/stdout") < 0 ||
	    symlink("/proc/self/fd/2", "/dev/stderr") < 0)
		fprintf(stderr, "driver: /dev links: %s\n", strerror(errno));
	raise_loopback();
	fd = open("/dev/ttyAMA0", O_RDWR | O_NOCTTY);
	if (fd >= 0) {
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
		if (tcgetattr(1, &t) == 0) {
			cfmakeraw(&t);
			tcsetattr(1, TCSANOW, &t);
		}
	}
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	if (sethostname("probe", 5) < 0 || system("true") == -2)
		perror("driver");
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Reads until the probe has closed its output or the time is over; the bytes read. */
static size_t collect(int fd, int *timed_out)
{
	long long deadline = now_ms() + TIMEOUT_MS;
	size_t len = 0;

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		long long left = deadline - now_ms();
		ssize_t n;

		if (left <= 0 || poll(&p, 1, (int)left) == 0) {
			*timed_out = 1;
			return len;
		}
		n = read(fd, output + len, sizeof(output) - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return len;
		len += (size_t)n;
		if (len == sizeof(output))
			return len;
	}
}

static void report(const char *path, size_t len, int timed_out, int status)
{
	printf("BEGIN %s\n", path);
	for (size_t at = 0; at < len;) {
		char *newline = memchr(output + at, '\n', len - at);
		size_t n = newline ? (size_t)(newline - (output + at)) : len - at;

		printf("|%.*s\n", (int)n, output + at);
		at += n + 1;
	}
	if (timed_out)
		printf("END %s timeout\n", path);
	else if (WIFSIGNALED(status))
		printf("END %s signal=%d\n", path, WTERMSIG(status));
	else
		printf("END %s exit=%d\n", path, WEXITSTATUS(status));
	fflush(stdout);
}

static void run_probe(const char *path, unsigned number)
{
	char dir[64];
	int fds[2], timed_out = 0, status = 0;
	size_t len;
	pid_t child;

	snprintf(dir, sizeof(dir), "/tmp/probe-%u", number);
	if (mkdir(dir, 0755) < 0 || pipe2(fds, O_CLOEXEC) < 0) {
		printf("BEGIN %s\n|driver: %s\nEND %s exit=125\n", path, strerror(errno), path);
		return;
	}
	child = fork();
	if (child == 0) {
		char *argv[] = {(char *)path, NULL};
		int null = open("/dev/null", O_RDONLY);

		setpgid(0, 0);
		if (null >= 0)
			dup2(null, 0);
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		if (chdir(dir) == 0)
			execv(path, argv);
		fprintf(stderr, "driver: exec: %s\n", strerror(errno));
		_exit(126);
	}
	close(fds[1]);
	len = collect(fds[0], &timed_out);
	kill(-child, SIGKILL);
	if (timed_out)
		kill(child, SIGKILL);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	close(fds[0]);
	report(path, len, timed_out, status);
}

int main(int argc, char **argv)
{
	char line[PATH_MAX];
	unsigned number = 0;
	int init = getpid() == 1 && argc == 1;
	FILE *list;

	if (init)
		become_init();
	for (int i = 1; i < argc; i++)
		run_probe(argv[i], number++);
	list = argc == 1 ? fopen("/probes/list", "r") : NULL;
	while (list && fgets(line, sizeof(line), list)) {
		line[strcspn(line, "\n")] = 0;
		run_probe(line, number++);
	}
	printf("DONE %u\n", number);
	fflush(stdout);
	if (init) {
		tcdrain(1);
		reboot(RB_POWER_OFF);
	}
	return 0;
}
