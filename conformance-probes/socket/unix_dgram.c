/* AF_UNIX datagrams: boundaries, truncation, full queues. */
#include "../probe.h"

#include <sys/socket.h>
#include <sys/un.h>

int main(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "d"}, from;
	socklen_t len = sizeof(from);
	char buf[16] = {0};
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), c = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), n = 0;

	bind(s, (void *)&a, sizeof(a));
	say_count("sendto", sendto(c, "first", 5, 0, (void *)&a, sizeof(a)));
	say_count("sendto2", sendto(c, "", 0, 0, (void *)&a, sizeof(a)));
	say_count("short", recvfrom(s, buf, 2, MSG_TRUNC, (void *)&from, &len));
	say("from_len", len);
	say_count("empty", recv(s, buf, 16, 0));
	say_result("none", recv(s, buf, 16, 0));
	say_result("not_connected", send(c, "x", 1, 0));
	while (sendto(c, "x", 1, 0, (void *)&a, sizeof(a)) == 1 && n < 5000)
		n++;
	say_bool("full", n > 5 && n < 5000 && errno == EAGAIN);
	close(s);
	say_result("refused", sendto(c, "x", 1, 0, (void *)&a, sizeof(a)));
	unlink("d");
	say_result("missing", sendto(c, "x", 1, 0, (void *)&a, sizeof(a)));
	return 0;
}
