/* socket(2): families, types and protocols that are refused. */
#include "../probe.h"

#include <sys/socket.h>

int main(void)
{
	say_result("family", socket(99, SOCK_STREAM, 0));
	say_result("type", socket(AF_INET, 77, 0));
	say_result("protocol", socket(AF_INET, SOCK_STREAM, 17));
	say_result("udp", socket(AF_INET, SOCK_DGRAM, 17));
	say_result("tcp6", socket(AF_INET6, SOCK_STREAM, 6));
	say_result("unix_protocol", socket(AF_UNIX, SOCK_STREAM, 1));
	say_result("flags", socket(AF_UNIX, SOCK_STREAM | 0x10000000, 0));
	say_result("bind_fd", bind(99, NULL, 0));
	say_result("accept_plain", accept(socket(AF_INET, SOCK_STREAM, 0), NULL, NULL));
	say_result("accept_dgram", accept(socket(AF_INET, SOCK_DGRAM, 0), NULL, NULL));
	return 0;
}
