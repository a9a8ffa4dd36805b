/* Shared anonymous memory between parent and child. */
#include "../probe.h"

int main(void)
{
	volatile int *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	if (fork() == 0) {
		*p = 99;
		_exit(0);
	}
	wait(&status);
	say("value", *p);
	return 0;
}
