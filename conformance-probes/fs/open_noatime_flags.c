/* open(2): flags that fcntl(F_GETFL) shows afterwards. */
#include "../probe.h"

int main(void)
{
	int fd = open("f", O_CREAT | O_RDWR | O_NONBLOCK | O_CLOEXEC | O_EXCL | O_TRUNC, 0600);

	say("getfl", fcntl(fd, F_GETFL) & ~0100000 & ~0400000);
	say("getfd", fcntl(fd, F_GETFD));
	say_result("clear", fcntl(fd, F_SETFL, 0));
	say("cleared", fcntl(fd, F_GETFL) & O_NONBLOCK);
	return 0;
}
