/* A mapping beyond the end of a file works once the file has grown. */
#include "../probe.h"

int main(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0600);
	volatile char *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char c = 0;

	ftruncate(fd, 2 * 4096);
	p[4096] = 'm';
	pread(fd, &c, 1, 4096);
	say("read", c);
	ftruncate(fd, 100);
	ftruncate(fd, 2 * 4096);
	say("zeroed", p[4096]);
	return 0;
}
