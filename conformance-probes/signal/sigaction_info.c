/* sigaction(2): SA_SIGINFO fields for kill and sigqueue. */
#include "../probe.h"

static volatile int code, value, signo;
static volatile pid_t from;

static void handler(int sig, siginfo_t *info, void *context)
{
	(void)context;
	signo = sig;
	code = info->si_code;
	from = info->si_pid;
	value = info->si_value.sival_int;
}

int main(void)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
	union sigval v = {.sival_int = 77};

	say_result("install", sigaction(SIGUSR1, &sa, NULL));
	kill(getpid(), SIGUSR1);
	say("signo", signo);
	say("code", code);
	say_bool("pid", from == getpid());
	say_result("sigqueue", sigqueue(getpid(), SIGUSR1, v));
	say("code2", code);
	say("value", value);
	pthread_kill(pthread_self(), SIGUSR1);
	say("code3", code);
	say_result("kill_handler", sigaction(SIGKILL, &sa, NULL));
	say_result("bad_signal", sigaction(65, &sa, NULL));
	return 0;
}
