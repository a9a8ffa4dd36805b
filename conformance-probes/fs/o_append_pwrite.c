/* pwrite(2) on an O_APPEND descriptor appends, on Linux. */
#include "../probe.h"

int main(void)
{
	char buf[8] = {0};
	int fd = open("f", O_CREAT | O_RDWR | O_APPEND, 0600);

	write(fd, "ab", 2);
	say_count("pwrite", pwrite(fd, "c", 1, 0));
	say_count("read", pread(fd, buf, 7, 0));
	say_text("content", buf);
	return 0;
}
