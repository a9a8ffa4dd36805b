/* Descriptors passed with SCM_RIGHTS. */
#include "../probe.h"

#include <sys/socket.h>
#include <sys/uio.h>

int main(void)
{
	char c = 'x', control[CMSG_SPACE(2 * sizeof(int))], buf[8] = {0};
	struct iovec v = {&c, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	int p[2], fds[2], got[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	pipe(fds);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(h), fds, sizeof(fds));
	say_count("sendmsg", sendmsg(p[0], &m, 0));
	memset(control, 0, sizeof(control));
	say_count("recvmsg", recvmsg(p[1], &m, MSG_CMSG_CLOEXEC));
	h = CMSG_FIRSTHDR(&m);
	say("type", h->cmsg_type);
	memcpy(got, CMSG_DATA(h), sizeof(got));
	say_bool("new", got[0] != fds[0]);
	say("cloexec", fcntl(got[0], F_GETFD));
	write(got[1], "via", 3);
	say_count("read", read(fds[0], buf, 8));
	fds[0] = 99;
	h->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(h), fds, sizeof(fds));
	m.msg_controllen = sizeof(control);
	say_result("bad_fd", sendmsg(p[0], &m, 0));
	fds[0] = fds[1];
	memcpy(CMSG_DATA(h), fds, sizeof(fds));
	say_count("send2", sendmsg(p[0], &m, 0));
	m.msg_controllen = CMSG_LEN(sizeof(int));
	say_count("small_control", recvmsg(p[1], &m, 0));
	say("truncated", (m.msg_flags & MSG_CTRUNC) != 0);
	return 0;
}
