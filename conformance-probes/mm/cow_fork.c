/* Copy on write: neither side sees the other's changes. */
#include "../probe.h"

int main(void)
{
	char *p = mmap(NULL, 64 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int a[2], b[2], status;
	char c;

	memset(p, 1, 64 * 4096);
	pipe(a);
	pipe(b);
	if (fork() == 0) {
		read(a[0], &c, 1);
		say("child_sees", p[5 * 4096]);
		p[6 * 4096] = 3;
		write(b[1], "x", 1);
		_exit(0);
	}
	p[5 * 4096] = 2;
	write(a[1], "x", 1);
	read(b[0], &c, 1);
	say("parent_sees", p[6 * 4096]);
	wait(&status);
	return 0;
}
