/* Private file mappings: own changes stay own; the file's are seen until then. */
#include "../probe.h"

int main(void)
{
	char buf[8] = {0};
	int fd = open("f", O_CREAT | O_RDWR, 0600);
	char *p;

	pwrite(fd, "original", 8, 0);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	pwrite(fd, "O", 1, 0);
	say("seen", p[0]);
	p[1] = 'X';
	pread(fd, buf, 3, 0);
	say_text("file", buf);
	pwrite(fd, "Z", 1, 2);
	say("private", p[1]);
	say("tail", p[100]);
	return 0;
}
