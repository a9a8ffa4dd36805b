/* mlock(2), munlock(2), mlockall(2). */
#include "../probe.h"

int main(void)
{
	char *p = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char vec[4];

	say_result("mlock", mlock(p, 2 * 4096));
	mincore(p, 4096, vec);
	say("resident", vec[0] & 1);
	say_result("munlock", munlock(p, 4096));
	munmap(p + 3 * 4096, 4096);
	say_result("hole", mlock(p, 4 * 4096));
	say_result("bad_flags", mlockall(77));
	say_result("all", mlockall(MCL_CURRENT));
	say_result("none", munlockall());
	return 0;
}
