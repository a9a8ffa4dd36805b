/* signalfd(2): reading pending signals. */
#include "../probe.h"

#include <sys/signalfd.h>

int main(void)
{
	struct signalfd_siginfo info[2];
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	say_result("create", fd);
	say_result("empty", read(fd, info, sizeof(info)));
	sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 5});
	kill(getpid(), SIGUSR1);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	say("poll", poll(&p, 1, 0));
	say_bool("read", read(fd, info, sizeof(info)) == sizeof(info));
	say("first", info[0].ssi_signo);
	say("second_int", info[1].ssi_int);
	say_result("small", read(fd, info, 8));
	say_result("bad_fd", signalfd(0, &set, 0));
	return 0;
}
