/* poll(2) on AF_UNIX sockets: listening, connected, hung up. */
#include "../probe.h"

#include <sys/socket.h>
#include <sys/un.h>

int main(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "sock"};
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), d;
	struct pollfd f = {s, POLLIN | POLLOUT | POLLRDHUP, 0};

	poll(&f, 1, 0);
	say("fresh", f.revents);
	bind(s, (void *)&a, sizeof(a));
	listen(s, 1);
	poll(&f, 1, 0);
	say("listening", f.revents);
	connect(c, (void *)&a, sizeof(a));
	poll(&f, 1, 0);
	say("pending", f.revents);
	d = accept(s, NULL, NULL);
	f.fd = d;
	poll(&f, 1, 0);
	say("connected", f.revents);
	shutdown(c, SHUT_WR);
	poll(&f, 1, 0);
	say("half_closed", f.revents);
	close(c);
	poll(&f, 1, 0);
	say("closed", f.revents);
	return 0;
}
