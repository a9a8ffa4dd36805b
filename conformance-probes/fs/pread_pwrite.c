/* pread(2), pwrite(2): offsets, append, errors. */
#include "../probe.h"

int main(void)
{
	char buf[16] = {0};
	int fd = open("f", O_CREAT | O_RDWR, 0600), p[2];

	say_count("pwrite", pwrite(fd, "hello", 5, 3));
	say_count("position", lseek(fd, 0, SEEK_CUR));
	say_count("pread", pread(fd, buf, 10, 0));
	say("first", buf[0]);
	say("fourth", buf[3]);
	say_count("past", pread(fd, buf, 10, 100));
	say_count("negative", pread(fd, buf, 10, -1));
	pipe(p);
	say_count("pipe", pread(p[0], buf, 1, 0));
	say_count("fault", pread(fd, bad_pointer(), 4, 0));
	return 0;
}
