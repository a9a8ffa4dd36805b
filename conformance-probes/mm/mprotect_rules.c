/* mprotect(2): splits, errors, write to read-only file mappings. */
#include "../probe.h"

int main(void)
{
	char *p = mmap(NULL, 5 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("f", O_CREAT | O_RDWR, 0600), ro;

	p[4096] = 1;
	say_result("middle", mprotect(p + 4096, 4096, PROT_READ));
	say("value", p[4096]);
	say_result("unaligned", mprotect(p + 1, 4096, PROT_READ));
	munmap(p + 3 * 4096, 4096);
	say_result("hole", mprotect(p, 5 * 4096, PROT_READ));
	say_result("bad_prot", mprotect(p, 4096, 0x1000));
	say_result("zero", mprotect(p, 0, PROT_READ));
	ftruncate(fd, 4096);
	ro = open("f", O_RDONLY);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, ro, 0);
	say_result("shared_ro", mprotect(p, 4096, PROT_READ | PROT_WRITE));
	return 0;
}
