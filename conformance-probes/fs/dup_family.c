/* dup(2), dup3(2), F_DUPFD: numbers, close-on-exec, shared position. */
#include "../probe.h"

int main(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0600), d = dup(fd);

	write(fd, "12345", 5);
	say_count("shared", lseek(d, 0, SEEK_CUR));
	say_bool("lowest", d == fd + 1);
	say_count("dup2", dup2(fd, 20));
	say_count("same", dup2(fd, fd) == fd);
	say_result("dup3_same", dup3(fd, fd, 0));
	say_count("dup3", dup3(fd, 21, O_CLOEXEC));
	say_count("cloexec", fcntl(21, F_GETFD));
	say_count("dupfd", fcntl(fd, F_DUPFD, 30));
	say_count("dupfd_cloexec", fcntl(fd, F_DUPFD_CLOEXEC, 30));
	say_count("flag", fcntl(31, F_GETFD));
	say_result("bad", dup(99));
	say_result("bad_new", dup2(fd, -1));
	say_result("bad_flags", dup3(fd, 22, 1));
	return 0;
}
