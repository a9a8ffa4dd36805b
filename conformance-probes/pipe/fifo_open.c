/* Fifos: opening blocks for the other end; non-blocking rules. */
#include "../probe.h"

int main(void)
{
	int fd, status;
	char buf[8] = {0};

	mkfifo("f", 0600);
	say_result("write_nonblock", open("f", O_WRONLY | O_NONBLOCK));
	fd = open("f", O_RDONLY | O_NONBLOCK);
	say_result("read_nonblock", fd);
	say_count("no_writer", read(fd, buf, 1));
	close(fd);
	if (fork() == 0) {
		fd = open("f", O_WRONLY);
		write(fd, "fifo", 4);
		_exit(0);
	}
	fd = open("f", O_RDONLY);
	say_count("read", read(fd, buf, 7));
	say_text("content", buf);
	wait(&status);
	say_count("eof", read(fd, buf, 7));
	fd = open("f", O_RDWR);
	say_count("rdwr", write(fd, "x", 1));
	return 0;
}
