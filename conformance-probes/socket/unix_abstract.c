/* Abstract names: length matters, gone at close, autobind. */
#include "../probe.h"

#include <sys/socket.h>
#include <sys/un.h>

int main(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0carrick-probe"}, b;
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + 14, blen = sizeof(b);
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), u = socket(AF_UNIX, SOCK_DGRAM, 0);

	say_result("bind", bind(s, (void *)&a, len));
	listen(s, 1);
	say_result("shorter", connect(c, (void *)&a, len - 1));
	say_result("connect", connect(c, (void *)&a, len));
	getsockname(s, (void *)&b, &blen);
	say("length", blen);
	say_result("taken", bind(u, (void *)&a, len) == 0 ? 0 : -1);
	close(s);
	close(c);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	say_result("gone", connect(c, (void *)&a, len));
	u = socket(AF_UNIX, SOCK_DGRAM, 0);
	say_result("autobind", bind(u, (void *)&a, sizeof(sa_family_t)));
	blen = sizeof(b);
	getsockname(u, (void *)&b, &blen);
	say("autobind_length", blen);
	return 0;
}
