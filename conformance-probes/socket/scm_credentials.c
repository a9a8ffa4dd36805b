/* SO_PEERCRED, SO_PASSCRED and SCM_CREDENTIALS. */
#include "../probe.h"

#include <sys/socket.h>
#include <sys/uio.h>

int main(void)
{
	char c = 'x', control[128];
	struct iovec v = {&c, 1};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int p[2], on = 1;

	socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	say_result("peercred", getsockopt(p[0], SOL_SOCKET, SO_PEERCRED, &cred, &len));
	say_bool("pid", cred.pid == getpid());
	say("uid", cred.uid);
	say_result("passcred", setsockopt(p[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	write(p[0], "x", 1);
	say_count("recvmsg", recvmsg(p[1], &m, 0));
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	say_bool("has", h != NULL);
	if (h) {
		say("type", h->cmsg_type);
		memcpy(&cred, CMSG_DATA(h), sizeof(cred));
		say_bool("sender", cred.pid == getpid());
	}
	return 0;
}
