/* The stack grows by itself, down to its limit. */
#include "../probe.h"

static int deep(int n)
{
	volatile char frame[16384];

	frame[0] = (char)n;
	return n == 0 ? frame[0] : deep(n - 1) + frame[0] * 0;
}

int main(void)
{
	int status;

	say("deep", deep(300));
	if (fork() == 0) {
		deep(100000);
		_exit(0);
	}
	wait(&status);
	say_status("too_deep", status);
	return 0;
}
