/* /proc/net/{tcp,tcp6,udp,udp6,unix} list the process's sockets with addresses, states and inodes. */
#include "../probe.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* Says the columns of the socket's line that are the same everywhere; ports as "P". */
static void show(const char *key, const char *table, int fd)
{
	char line[512], path[64], sl[32], local[64], remote[64], state[16], queues[64], timer[64], retrans[32];
	struct stat st;
	unsigned long uid, timeout, inode;
	FILE *f;
	int found = 0;

	fstat(fd, &st);
	snprintf(path, sizeof(path), "/proc/net/%s", table);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%31s %63s %63s %15s %63s %63s %31s %lu %lu %lu", sl, local, remote, state, queues, timer,
			   retrans, &uid, &timeout, &inode) != 10 || inode != st.st_ino)
			continue;
		found++;
		*strchr(local, ':') = 0;
		if (strcmp(strchr(remote, ':'), ":0000") != 0)
			strcpy(strchr(remote, ':'), ":P");
		printf("%s=local %s remote %s state %s\n", key, local, remote, state);
	}
	if (f)
		fclose(f);
	printf("%s_lines=%d\n", key, found);
	fflush(stdout);
}

static void show_unix(const char *key, int fd)
{
	char line[512], flags[16], type[8], state[8], name[256];
	struct stat st;
	unsigned long inode;
	FILE *f = fopen("/proc/net/unix", "r");
	int found = 0;

	fstat(fd, &st);
	while (f && fgets(line, sizeof(line), f)) {
		name[0] = 0;
		if (sscanf(line, "%*s %*s %*s %15s %7s %7s %lu %255s", flags, type, state, &inode, name) < 4 ||
		    inode != st.st_ino)
			continue;
		found++;
		printf("%s=flags %s type %s state %s name %s\n", key, flags, type, state, name);
	}
	if (f)
		fclose(f);
	printf("%s_lines=%d\n", key, found);
	fflush(stdout);
}

static int bound(int domain, int type)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	int fd = socket(domain, type, 0);

	if (domain == AF_INET)
		bind(fd, (struct sockaddr *)&in, sizeof(in));
	else
		bind(fd, (struct sockaddr *)&in6, sizeof(in6));
	return fd;
}

int main(void)
{
	struct sockaddr_storage addr;
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0probe-net"};
	socklen_t len = sizeof(addr);
	int listener = bound(AF_INET, SOCK_STREAM), client = socket(AF_INET, SOCK_STREAM, 0), peer, pair[2], u, fresh;

	fresh = socket(AF_INET, SOCK_STREAM, 0);
	show("fresh", "tcp", fresh);
	listen(listener, 5);
	show("listener", "tcp", listener);
	getsockname(listener, (struct sockaddr *)&addr, &len);
	say_result("connect", connect(client, (struct sockaddr *)&addr, len));
	peer = accept(listener, NULL, NULL);
	show("client", "tcp", client);
	show("peer", "tcp", peer);
	shutdown(client, SHUT_WR);
	usleep(100000);
	show("client_fin", "tcp", client);
	show("peer_fin", "tcp", peer);
	close(listener);
	listener = bound(AF_INET6, SOCK_STREAM);
	listen(listener, 5);
	show("listener6", "tcp6", listener);
	u = bound(AF_INET, SOCK_DGRAM);
	show("udp", "udp", u);
	fresh = socket(AF_INET, SOCK_DGRAM, 0);
	show("udp_fresh", "udp", fresh);
	len = sizeof(addr);
	getsockname(u, (struct sockaddr *)&addr, &len);
	connect(fresh, (struct sockaddr *)&addr, len);
	show("udp_connected", "udp", fresh);
	u = bound(AF_INET6, SOCK_DGRAM);
	show("udp6", "udp6", u);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	show_unix("pair", pair[0]);
	u = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	show_unix("unix_fresh", u);
	bind(u, (struct sockaddr *)&un, sizeof(sa_family_t) + 10);
	listen(u, 1);
	show_unix("unix_listener", u);
	return 0;
}
