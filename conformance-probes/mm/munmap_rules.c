/* munmap(2): partial, twice, errors. */
#include "../probe.h"

int main(void)
{
	char *p = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char vec[4];

	say_result("middle", munmap(p + 4096, 4096));
	say_result("mincore_hole", mincore(p, 4 * 4096, vec));
	say_result("again", munmap(p + 4096, 4096));
	say_result("whole", munmap(p, 4 * 4096));
	say_result("unaligned", munmap(p + 1, 4096));
	say_result("zero", munmap(p, 0));
	say_result("huge", munmap(p, (size_t)-4096));
	return 0;
}
