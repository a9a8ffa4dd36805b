/* AF_UNIX stream sockets by path: bind, listen, accept, names, errors. */
#include "../probe.h"

#include <sys/socket.h>
#include <sys/un.h>

int main(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "sock"}, b;
	socklen_t len = sizeof(b);
	char buf[16] = {0};
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), d;
	struct stat st;

	say_result("connect_missing", connect(c, (void *)&a, sizeof(a)));
	say_result("bind", bind(s, (void *)&a, sizeof(a)));
	say_result("connect_not_listening", connect(c, (void *)&a, sizeof(a)));
	say_result("again", bind(s, (void *)&a, sizeof(a)));
	say_result("in_use", bind(c, (void *)&a, sizeof(a)));
	stat("sock", &st);
	say_bool("is_socket", S_ISSOCK(st.st_mode));
	say_result("listen", listen(s, 5));
	say_result("connect", connect(c, (void *)&a, sizeof(a)));
	d = accept(s, (void *)&b, &len);
	say_result("accept", d);
	say("unnamed_length", len);
	say_count("send", send(c, "hello", 5, 0));
	say_count("recv", recv(d, buf, 3, 0));
	say_count("rest", recv(d, buf, 16, 0));
	len = sizeof(b);
	getpeername(c, (void *)&b, &len);
	say_text("peer", b.sun_path);
	say_result("shutdown", shutdown(c, SHUT_WR));
	say_count("eof", recv(d, buf, 16, 0));
	signal(SIGPIPE, SIG_IGN);
	say_result("after_shutdown", send(c, "x", 1, 0));
	close(c);
	say_result("peer_gone", send(d, "x", 1, MSG_NOSIGNAL));
	say_result("not_socket", listen(open("/dev/null", O_RDONLY), 1));
	say_result("connected_again", connect(d, (void *)&a, sizeof(a)));
	return 0;
}
