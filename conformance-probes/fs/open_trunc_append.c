/* open(2): O_TRUNC empties, O_APPEND writes at the end whatever the position. */
#include "../probe.h"

int main(void)
{
	char buf[16] = {0};
	int fd = open("f", O_CREAT | O_RDWR, 0644);

	say_count("write", write(fd, "hello", 5));
	close(fd);
	fd = open("f", O_RDWR | O_APPEND);
	lseek(fd, 0, SEEK_SET);
	say_count("append", write(fd, "XY", 2));
	say_count("position", lseek(fd, 0, SEEK_CUR));
	say_count("pread", pread(fd, buf, sizeof(buf) - 1, 0));
	say_text("content", buf);
	close(fd);
	fd = open("f", O_RDONLY | O_TRUNC);
	say_count("size", lseek(fd, 0, SEEK_END));
	say_count("fcntl_append", fcntl(fd, F_SETFL, O_APPEND));
	say("flags", fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND));
	return 0;
}
