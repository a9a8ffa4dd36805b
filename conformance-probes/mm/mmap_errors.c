/* mmap(2): the errors for wrong arguments. */
#include "../probe.h"

int main(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0600), ro = open("f", O_RDONLY), dir = open(".", O_RDONLY);
	#define MAP(len, prot, flags, fd, off) (mmap(NULL, len, prot, flags, fd, off) == MAP_FAILED ? -1 : 0)

	ftruncate(fd, 100);
	say_result("zero", MAP(0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	say_result("no_type", MAP(4096, PROT_READ, MAP_ANONYMOUS, -1, 0));
	say_result("bad_fd", MAP(4096, PROT_READ, MAP_PRIVATE, 99, 0));
	say_result("bad_offset", MAP(4096, PROT_READ, MAP_PRIVATE, fd, 100));
	say_result("shared_write_ro", MAP(4096, PROT_WRITE, MAP_SHARED, ro, 0));
	say_result("private_write_ro", MAP(4096, PROT_WRITE, MAP_PRIVATE, ro, 0));
	say_result("directory", MAP(4096, PROT_READ, MAP_PRIVATE, dir, 0));
	say_result("huge", MAP((size_t)1 << 62, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	say_result("noreplace", mmap((void *)((uintptr_t)main & ~4095ul), 4096, PROT_READ,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED ? -1 : 0);
	say_result("unaligned_fixed", mmap((void *)0x10000001, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED ? -1 : 0);
	return 0;
}
