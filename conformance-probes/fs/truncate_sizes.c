/* truncate(2), ftruncate(2): growing reads as zeros. */
#include "../probe.h"

int main(void)
{
	char buf[4] = "abc";
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	say_count("write", write(fd, "abc", 3));
	say_result("grow", ftruncate(fd, 100000));
	say_count("end", lseek(fd, 0, SEEK_END));
	say_count("pread", pread(fd, buf, 3, 50000));
	say("zero", buf[0] == 0 && buf[1] == 0 && buf[2] == 0);
	say_result("shrink", truncate("f", 2));
	say_count("read_past", pread(fd, buf, 3, 0));
	say_result("negative", ftruncate(fd, -1));
	close(fd);
	fd = open("f", O_RDONLY);
	say_result("read_only", ftruncate(fd, 0));
	mkdir("d", 0755);
	say_result("directory", truncate("d", 0));
	return 0;
}
