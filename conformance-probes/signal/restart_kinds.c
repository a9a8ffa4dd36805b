/* signal(7): which interrupted calls go on by themselves, with and without SA_RESTART. */
#include "../probe.h"

#include <sys/select.h>
#include <sys/time.h>
#include <linux/futex.h>

static volatile int hits;

static void handler(int sig)
{
	(void)sig;
	hits++;
}

static void arm(int flags)
{
	struct sigaction sa = {.sa_handler = handler, .sa_flags = flags};
	struct itimerval it = {{0, 0}, {0, 50000}};

	sigaction(SIGALRM, &sa, NULL);
	hits = 0;
	setitimer(ITIMER_REAL, &it, NULL);
}

/* A child that does something to the parent's wait after 200 ms. */
static pid_t later(int fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		usleep(200000);
		if (fd >= 0)
			write(fd, "x", 1);
		_exit(3);
	}
	return pid;
}

static void round_(const char *how, int flags)
{
	struct timespec ts = {0, 200000000}, rem = {0, 0};
	struct timeval tv = {0, 200000};
	char key[64], c;
	int p[2], status, word = 0;
	pid_t pid;

	pipe(p);
	arm(flags);
	pid = later(p[1]);
	snprintf(key, sizeof(key), "%s_read", how);
	say_count(key, read(p[0], &c, 1));
	waitpid(pid, &status, 0);
	arm(flags);
	pid = later(-1);
	snprintf(key, sizeof(key), "%s_wait", how);
	say_result(key, waitpid(pid, &status, 0));
	waitpid(pid, &status, 0);
	arm(flags);
	snprintf(key, sizeof(key), "%s_nanosleep", how);
	say_result(key, nanosleep(&ts, &rem));
	snprintf(key, sizeof(key), "%s_remaining", how);
	say_bool(key, rem.tv_nsec > 100000000 && rem.tv_nsec < 200000000);
	arm(flags);
	snprintf(key, sizeof(key), "%s_select", how);
	say_result(key, select(0, NULL, NULL, NULL, &tv));
	arm(flags);
	snprintf(key, sizeof(key), "%s_poll", how);
	say_result(key, poll(NULL, 0, 200));
	arm(flags);
	snprintf(key, sizeof(key), "%s_futex", how);
	say_result(key, syscall(SYS_futex, &word, FUTEX_WAIT, 0, &ts, NULL, 0));
	arm(flags);
	snprintf(key, sizeof(key), "%s_pause", how);
	say_result(key, pause());
	snprintf(key, sizeof(key), "%s_hits", how);
	say(key, hits);
}

int main(void)
{
	round_("plain", 0);
	round_("restart", SA_RESTART);
	return 0;
}
