/* sigtimedwait(2), sigwaitinfo(2), sigqueue(3). */
#include "../probe.h"

static void handler(int sig)
{
	(void)sig;
}

int main(void)
{
	struct timespec zero = {0, 0}, bad = {0, 2000000000}, second = {5, 0};
	struct sigaction sa = {.sa_handler = handler};
	union sigval v = {.sival_int = 9};
	sigset_t set;
	siginfo_t si;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	say_result("empty", sigtimedwait(&set, &si, &zero));
	say_result("bad_time", sigtimedwait(&set, &si, &bad));
	raise(SIGUSR1);
	raise(SIGUSR1);
	say_bool("first", sigtimedwait(&set, &si, &zero) == SIGUSR1);
	say("code", si.si_code);
	say_result("merged", sigtimedwait(&set, &si, &zero));
	sigqueue(getpid(), SIGRTMIN + 1, v);
	kill(getpid(), SIGRTMIN + 1);
	say_bool("queued", sigwaitinfo(&set, &si) == SIGRTMIN + 1);
	say("queued_code", si.si_code);
	say("queued_value", si.si_value.sival_int);
	say_bool("killed", sigwaitinfo(&set, &si) == SIGRTMIN + 1);
	say("killed_code", si.si_code);
	if (fork() == 0) {
		usleep(100000);
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	say_bool("later", sigtimedwait(&set, &si, &second) == SIGUSR1);
	say_bool("sender", si.si_pid > 0 && si.si_uid == 0);
	wait(&status);
	sigaction(SIGUSR2, &sa, NULL);
	if (fork() == 0) {
		usleep(100000);
		kill(getppid(), SIGUSR2);
		_exit(0);
	}
	say_result("interrupted", sigtimedwait(&set, &si, &second));
	wait(&status);
	say_result("sigqueue_bad", sigqueue(getpid(), 65, v));
	say_result("sigqueue_none", sigqueue(99999, SIGUSR1, v));
	say_result("tgkill_bad", syscall(SYS_tgkill, getpid(), 99999, SIGUSR1));
	say_result("tgkill_zero", syscall(SYS_tgkill, 0, getpid(), SIGUSR1));
	say_result("tkill_zero", syscall(SYS_tkill, 0, SIGUSR1));
	say_result("kill_bad", kill(getpid(), 99));
	say_result("kill_none", kill(99999, 0));
	return 0;
}
