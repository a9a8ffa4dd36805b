/* socketpair(2): domains, types, flags, errors. */
#include "../probe.h"

#include <sys/socket.h>

int main(void)
{
	int p[2];
	char buf[4];

	say_result("stream", socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, p));
	say("cloexec", fcntl(p[0], F_GETFD));
	say_result("nonblock", read(p[0], buf, 1));
	say_result("dgram", socketpair(AF_UNIX, SOCK_DGRAM, 0, p));
	say_result("inet", socketpair(AF_INET, SOCK_STREAM, 0, p));
	say_result("bad_type", socketpair(AF_UNIX, 99, 0, p));
	say_result("bad_family", socketpair(99, SOCK_STREAM, 0, p));
	say_result("bad_protocol", socketpair(AF_UNIX, SOCK_STREAM, 5, p));
	say_result("fault", socketpair(AF_UNIX, SOCK_STREAM, 0, bad_pointer()));
	return 0;
}
