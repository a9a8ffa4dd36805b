/* madvise(2): DONTNEED empties anonymous memory, errors. */
#include "../probe.h"

int main(void)
{
	char *p = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	p[0] = 1;
	p[4096] = 2;
	say_result("dontneed", madvise(p, 4096, MADV_DONTNEED));
	say("first", p[0]);
	say("second", p[4096]);
	say_result("unaligned", madvise(p + 1, 4096, MADV_DONTNEED));
	say_result("bad", madvise(p, 4096, 9999));
	say_result("willneed", madvise(p, 4096, MADV_WILLNEED));
	munmap(p, 4096);
	say_result("hole", madvise(p, 2 * 4096, MADV_DONTNEED));
	say("second_after", p[4096]);
	say_result("zero", madvise(p + 4096, 0, MADV_DONTNEED));
	return 0;
}
