/* Shared file mappings are coherent with read(2) and write(2). */
#include "../probe.h"

int main(void)
{
	char buf[8] = {0};
	int fd = open("f", O_CREAT | O_RDWR, 0600);
	char *p, *q;

	ftruncate(fd, 8192);
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	q = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 4096);
	memcpy(p + 4096, "mapped", 6);
	say_count("read", pread(fd, buf, 6, 4096));
	say_text("content", buf);
	printf("second=%.6s\n", q);
	pwrite(fd, "written", 7, 0);
	printf("seen=%.7s\n", p);
	say_result("msync", msync(p, 8192, MS_SYNC));
	say_result("msync_bad", msync(p, 4096, 77));
	say_result("msync_unaligned", msync(p + 1, 4096, MS_SYNC));
	munmap(p, 8192);
	munmap(q, 4096);
	pread(fd, buf, 7, 4096);
	printf("after=%.6s\n", buf);
	return 0;
}
