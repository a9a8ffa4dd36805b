/*
 * sockets.c: speaks through sockets of every family and prints what happened, one fact a line:
 * the same under every network policy, and on real Linux.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char buf[1 << 20];

static void pairs(void)
{
	int p[2];

	printf("socketpair=%d\n", socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	printf("write=%zd read=%zd\n", write(p[0], "hello", 5), read(p[1], buf, 100));
	if (fork() == 0) {
		close(p[0]);
		while (read(p[1], buf, 1) == 1)
			if (write(p[1], "y", 1) != 1)
				_exit(1);
		_exit(0);
	}
	close(p[1]);
	for (int i = 0; i < 100; i++)
		if (write(p[0], "x", 1) != 1 || read(p[0], buf, 1) != 1)
			printf("ping-pong failed\n");
	close(p[0]);
	printf("echo ended=%d\n", wait(NULL) > 0);
}

static int bind_loopback(int s, struct sockaddr_in *a)
{
	socklen_t len = sizeof(*a);

	*a = (struct sockaddr_in){.sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	return bind(s, (struct sockaddr *)a, sizeof(*a)) |
	       getsockname(s, (struct sockaddr *)a, &len);
}

/* A mebibyte from a child through the connection. */
static void bulk(int from, int to)
{
	size_t got = 0;
	ssize_t r;

	if (fork() == 0) {
		size_t sent = 0;

		while (sent < sizeof(buf) && (r = send(from, buf + sent, sizeof(buf) - sent, 0)) > 0)
			sent += (size_t)r;
		_exit(sent != sizeof(buf));
	}
	while (got < sizeof(buf) && (r = recv(to, buf, sizeof(buf) - got, 0)) > 0)
		got += (size_t)r;
	printf("bulk=%zu\n", got);
	wait(NULL);
}

static void tcp(void)
{
	int s = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), n;
	struct pollfd p = {.events = POLLIN | POLLRDHUP};
	struct sockaddr_in a;

	printf("bind=%d listen=%d\n", bind_loopback(s, &a), listen(s, 5));
	printf("connect=%d\n", connect(c, (struct sockaddr *)&a, sizeof(a)));
	n = accept4(s, NULL, NULL, SOCK_CLOEXEC);
	p.fd = n;
	printf("accept=%d poll=%d\n", n >= 0, poll(&p, 1, 20));
	printf("send=%zd poll=%d\n", send(c, "tcp data", 8, 0), poll(&p, 1, 2000));
	printf("recv=%zd\n", recv(n, buf, 100, 0));
	bulk(n, c);
	shutdown(c, SHUT_WR);
	poll(&p, 1, 2000);
	printf("rdhup=%d eof=%zd\n", !!(p.revents & POLLRDHUP), recv(n, buf, 100, 0));
	close(n);
	close(s);
	printf("refused=%d\n",
	       connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, sizeof(a)) < 0 &&
		       errno == ECONNREFUSED);
}

static void udp(void)
{
	int u = socket(AF_INET, SOCK_DGRAM, 0), v = socket(AF_INET, SOCK_DGRAM, 0);
	struct timeval tv = {0, 50000};
	struct sockaddr_in a, from;
	socklen_t len = sizeof(from);

	printf("bind=%d\n", bind_loopback(u, &a));
	printf("sendto=%zd\n", sendto(v, "datagram", 8, 0, (struct sockaddr *)&a, sizeof(a)));
	printf("recvfrom=%zd", recvfrom(u, buf, 100, 0, (struct sockaddr *)&from, &len));
	printf(" family=%d len=%u\n", from.sin_family, len);
	setsockopt(u, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	printf("timeout=%d\n", recv(u, buf, 10, 0) < 0 && errno == EAGAIN);
}

static void interfaces(void)
{
	struct ifreq r = {.ifr_name = "lo"};
	struct sockaddr_in *a = (struct sockaddr_in *)&r.ifr_addr;
	struct ifaddrs *list = NULL;
	int found = 0, fd = socket(AF_INET, SOCK_DGRAM, 0);

	printf("getifaddrs=%d\n", getifaddrs(&list));
	for (struct ifaddrs *i = list; i; i = i->ifa_next)
		found += i->ifa_addr && strcmp(i->ifa_name, "lo") == 0 &&
			 i->ifa_addr->sa_family == AF_INET;
	printf("lo=%d index=%d\n", found, if_nametoindex("lo") == 1);
	printf("SIOCGIFADDR=%d", ioctl(fd, SIOCGIFADDR, &r));
	printf(" %s\n", inet_ntoa(a->sin_addr));
}

/* A pipe's end through a named socket. */
static void passing(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "named.sock"};
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {buf, 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int s = socket(AF_UNIX, SOCK_STREAM, 0), k = socket(AF_UNIX, SOCK_STREAM, 0), n, p[2], fd;
	struct ucred cred;
	socklen_t len = sizeof(cred);

	unlink(un.sun_path);
	printf("bind=%d ", bind(s, (struct sockaddr *)&un, sizeof(un)));
	printf("listen=%d ", listen(s, 1));
	printf("connect=%d\n", connect(k, (struct sockaddr *)&un, sizeof(un)));
	n = accept(s, NULL, NULL);
	getsockopt(k, SOL_SOCKET, SO_PEERCRED, &cred, &len);
	printf("peercred=%d pipe=%d\n", cred.pid == getpid(), pipe(p));
	*c = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(c), &p[1], sizeof(int));
	printf("sendmsg=%zd\n", sendmsg(k, &m, 0));
	close(p[1]);
	m.msg_controllen = sizeof(control);
	printf("recvmsg=%zd\n", recvmsg(n, &m, 0));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	printf("write=%zd read=%zd\n", write(fd, "z", 1), read(p[0], buf, 1));
	unlink(un.sun_path);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	pairs();
	tcp();
	udp();
	interfaces();
	passing();
	return 0;
}
