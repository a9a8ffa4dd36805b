/* execve(2): what of signals and descriptors a new program starts with. */
#include "../probe.h"

static void handler(int sig)
{
	(void)sig;
}

static int after(void)
{
	struct sigaction sa;
	stack_t ss;
	sigset_t set;

	sigaction(SIGUSR1, NULL, &sa);
	say_bool("handler_reset", sa.sa_handler == SIG_DFL && sa.sa_flags == 0);
	sigaction(SIGUSR2, NULL, &sa);
	say_bool("ignored_stays", sa.sa_handler == SIG_IGN);
	sigprocmask(SIG_BLOCK, NULL, &set);
	say_bool("mask_stays", sigismember(&set, SIGTERM) == 1 && sigismember(&set, SIGHUP) == 0);
	sigpending(&set);
	say_bool("pending_stays", sigismember(&set, SIGTERM) == 1);
	sigaltstack(NULL, &ss);
	say_bool("altstack_gone", ss.ss_flags == SS_DISABLE);
	say_result("cloexec", fcntl(100, F_GETFD));
	say_result("kept", fcntl(101, F_GETFD));
	say("timer", timer_delete((timer_t)0) < 0);
	say("alarm", alarm(0) > 0);
	return 0;
}

int main(int argc, char **argv)
{
	char *args[] = {argv[0], "after", NULL}, *env[] = {NULL};
	struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};
	stack_t ss = {.ss_sp = malloc(65536), .ss_size = 65536};
	sigset_t set;
	timer_t timer;

	if (argc > 1)
		return after();
	sigaction(SIGUSR1, &sa, NULL);
	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGTERM);
	sigaltstack(&ss, NULL);
	dup2(1, 100);
	fcntl(100, F_SETFD, FD_CLOEXEC);
	dup2(1, 101);
	timer_create(CLOCK_MONOTONIC, NULL, &timer);
	alarm(100);
	execve("/proc/self/exe", args, env);
	return 1;
}
