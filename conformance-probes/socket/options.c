/* getsockopt(2) and setsockopt(2) of AF_UNIX and AF_INET sockets. */
#include "../probe.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

int main(void)
{
	int v, u = socket(AF_UNIX, SOCK_STREAM, 0), t = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(v);

	getsockopt(u, SOL_SOCKET, SO_TYPE, &v, &len);
	say("type", v);
	getsockopt(u, SOL_SOCKET, SO_DOMAIN, &v, &len);
	say("domain", v);
	getsockopt(u, SOL_SOCKET, SO_ERROR, &v, &len);
	say("error", v);
	getsockopt(u, SOL_SOCKET, SO_ACCEPTCONN, &v, &len);
	say("acceptconn", v);
	v = 1;
	say_result("reuseaddr", setsockopt(t, SOL_SOCKET, SO_REUSEADDR, &v, sizeof(v)));
	v = 0;
	getsockopt(t, SOL_SOCKET, SO_REUSEADDR, &v, &len);
	say("reuseaddr_value", v);
	v = 1;
	say_result("nodelay", setsockopt(t, IPPROTO_TCP, TCP_NODELAY, &v, sizeof(v)));
	getsockopt(t, IPPROTO_TCP, TCP_NODELAY, &v, &len);
	say("nodelay_value", v);
	say_result("unknown", getsockopt(t, SOL_SOCKET, 9999, &v, &len));
	say_result("unknown_level", getsockopt(t, 9999, 1, &v, &len));
	say_result("short", setsockopt(t, SOL_SOCKET, SO_REUSEADDR, &v, 2));
	say_result("fault", setsockopt(t, SOL_SOCKET, SO_REUSEADDR, bad_pointer(), 4));
	return 0;
}
