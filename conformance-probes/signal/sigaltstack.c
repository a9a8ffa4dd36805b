/* sigaltstack(2): a handler on its own stack. */
#include "../probe.h"

static char stack[65536];
static volatile bool on_stack;

static void handler(int sig)
{
	char here;
	stack_t now;

	(void)sig;
	on_stack = &here >= stack && &here < stack + sizeof(stack);
	sigaltstack(NULL, &now);
	say("flags_inside", now.ss_flags);
	now.ss_flags = SS_DISABLE;
	say_result("change_inside", sigaltstack(&now, NULL));
}

int main(void)
{
	stack_t s = {.ss_sp = stack, .ss_size = sizeof(stack)}, old;
	struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_ONSTACK};

	sigaltstack(NULL, &old);
	say("initial", old.ss_flags);
	say_result("set", sigaltstack(&s, NULL));
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	say_bool("on_stack", on_stack);
	s.ss_size = 100;
	say_result("small", sigaltstack(&s, NULL));
	s.ss_flags = 77;
	say_result("bad_flags", sigaltstack(&s, NULL));
	return 0;
}
