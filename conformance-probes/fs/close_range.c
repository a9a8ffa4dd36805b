/* close_range(2). */
#include "../probe.h"

int main(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	dup2(fd, 10);
	dup2(fd, 11);
	dup2(fd, 12);
	say_result("range", syscall(SYS_close_range, 10, 11, 0));
	say_result("closed", fcntl(10, F_GETFD));
	say_count("open", fcntl(12, F_GETFD));
	say_result("cloexec", syscall(SYS_close_range, 12, 12, 4));
	say_count("flag", fcntl(12, F_GETFD));
	say_result("inverted", syscall(SYS_close_range, 12, 3, 0));
	say_result("bad_flags", syscall(SYS_close_range, 12, 13, 64));
	return 0;
}
