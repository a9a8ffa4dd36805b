/* madvise(2): DONTFORK and WIPEONFORK. */
#include "../probe.h"

int main(void)
{
	char *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int status;

	p[0] = p[4096] = p[8192] = 7;
	say_result("dontfork", madvise(p, 4096, MADV_DONTFORK));
	say_result("wipe", madvise(p + 4096, 4096, MADV_WIPEONFORK));
	if (fork() == 0) {
		unsigned char vec;

		say_result("unmapped", mincore(p, 4096, &vec));
		say("wiped", p[4096]);
		say("kept", p[8192]);
		_exit(0);
	}
	wait(&status);
	say_status("child", status);
	say("parent", p[4096]);
	return 0;
}
