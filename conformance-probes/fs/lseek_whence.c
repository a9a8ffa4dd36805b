/* lseek(2): whence, holes, errors. */
#include "../probe.h"

int main(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0600), p[2];

	pwrite(fd, "x", 1, 9);
	say_count("set", lseek(fd, 4, SEEK_SET));
	say_count("cur", lseek(fd, 3, SEEK_CUR));
	say_count("end", lseek(fd, -2, SEEK_END));
	say_count("past", lseek(fd, 100, SEEK_END));
	say_count("negative", lseek(fd, -1, SEEK_SET));
	say_count("bad", lseek(fd, 0, 77));
	say_count("data_past", lseek(fd, 1000, SEEK_DATA));
	say_count("hole", lseek(fd, 0, SEEK_HOLE) == 10 ? 10 : lseek(fd, 0, SEEK_HOLE));
	pipe(p);
	say_count("pipe", lseek(p[0], 0, SEEK_CUR));
	return 0;
}
