/* AF_UNIX seqpacket: boundaries and end of file. */
#include "../probe.h"

#include <sys/socket.h>

int main(void)
{
	int p[2];
	char buf[8] = {0};

	say_result("pair", socketpair(AF_UNIX, SOCK_SEQPACKET, 0, p));
	send(p[0], "one", 3, 0);
	send(p[0], "second", 6, 0);
	say_count("first", recv(p[1], buf, 8, 0));
	say_count("cut", recv(p[1], buf, 2, 0));
	close(p[0]);
	say_count("eof", recv(p[1], buf, 8, 0));
	return 0;
}
