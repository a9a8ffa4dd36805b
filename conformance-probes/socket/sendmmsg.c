/* sendmmsg(2), recvmmsg(2). */
#include "../probe.h"

#include <sys/socket.h>
#include <sys/uio.h>

int main(void)
{
	char a[4] = {0}, b[4] = {0};
	struct iovec v[2] = {{(char *)"one", 3}, {(char *)"tw", 2}}, r[2] = {{a, 3}, {b, 3}};
	struct mmsghdr s[2] = {{{.msg_iov = &v[0], .msg_iovlen = 1}, 0}, {{.msg_iov = &v[1], .msg_iovlen = 1}, 0}};
	struct mmsghdr g[2] = {{{.msg_iov = &r[0], .msg_iovlen = 1}, 0}, {{.msg_iov = &r[1], .msg_iovlen = 1}, 0}};
	int p[2];

	socketpair(AF_UNIX, SOCK_DGRAM, 0, p);
	say_count("sendmmsg", sendmmsg(p[0], s, 2, 0));
	say("len0", s[0].msg_len);
	say_count("recvmmsg", recvmmsg(p[1], g, 2, 0, NULL));
	say("len1", g[1].msg_len);
	say_text("a", a);
	say_text("b", b);
	say_result("empty", recvmmsg(p[1], g, 2, MSG_DONTWAIT, NULL));
	return 0;
}
