/* MSG_PEEK, MSG_WAITALL, MSG_DONTWAIT, FIONREAD. */
#include "../probe.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

int main(void)
{
	int p[2], n, status;
	char buf[16] = {0};

	socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	write(p[0], "abcdef", 6);
	say_count("peek", recv(p[1], buf, 3, MSG_PEEK));
	say_count("peek_again", recv(p[1], buf, 16, MSG_PEEK));
	ioctl(p[1], FIONREAD, &n);
	say("fionread", n);
	if (fork() == 0) {
		usleep(100000);
		write(p[0], "ghij", 4);
		_exit(0);
	}
	say_count("waitall", recv(p[1], buf, 10, MSG_WAITALL));
	say_text("content", buf);
	wait(&status);
	say_result("dontwait", recv(p[1], buf, 1, MSG_DONTWAIT));
	return 0;
}
