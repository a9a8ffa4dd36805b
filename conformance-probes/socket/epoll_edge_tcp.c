/* epoll(7), EPOLLET on a TCP socket that is writable all along: each arrival is an edge, whatever
 * was read before; room for writing is an edge after EAGAIN; two sleepers want different things. */
#include "../probe.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static int a, b;

static void connect_pair(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	int l = socket(AF_INET, SOCK_STREAM, 0);

	bind(l, (struct sockaddr *)&sin, sizeof(sin));
	listen(l, 1);
	getsockname(l, (struct sockaddr *)&sin, &len);
	a = socket(AF_INET, SOCK_STREAM, 0);
	say_result("connect", connect(a, (struct sockaddr *)&sin, sizeof(sin)));
	b = accept(l, NULL, NULL);
	close(l);
}

static void wait_edge(const char *key, int ep, int timeout)
{
	struct epoll_event got = {0};
	char text[64];
	int n = epoll_wait(ep, &got, 1, timeout);

	snprintf(text, sizeof(text), "%d%s%s%s", n, got.events & EPOLLIN ? " in" : "",
	         got.events & EPOLLOUT ? " out" : "", got.events & EPOLLRDHUP ? " rdhup" : "");
	say_text(key, text);
}

/* An edge may be reported once more than it happened (epoll(7)). */
static void settle(int ep)
{
	while (epoll_wait(ep, &(struct epoll_event){0}, 1, 30) > 0) {
	}
}

static void edges(int ep)
{
	char buf[64];

	wait_edge("first", ep, 5000);
	settle(ep);
	send(b, "xyz", 3, 0);
	wait_edge("arrival", ep, 5000);
	wait_edge("arrival_once", ep, 30);
	recv(a, buf, 1, 0);
	send(b, "xyz", 3, 0);
	wait_edge("after_partial_read", ep, 5000);
	send(b, "xyz", 3, 0);
	wait_edge("without_read", ep, 5000);
	say("drained", recv(a, buf, sizeof(buf), MSG_DONTWAIT));
	say_result("empty", recv(a, buf, sizeof(buf), MSG_DONTWAIT));
	send(b, "xyz", 3, 0);
	wait_edge("after_drain", ep, 5000);
	recv(a, buf, sizeof(buf), 0);
}

static void *drain(void *arg)
{
	char buf[65536];
	long long left = *(long long *)arg;
	ssize_t n;

	while (left > 0 && (n = recv(b, buf, sizeof(buf), 0)) > 0)
		left -= n;
	return NULL;
}

static void room(int ep)
{
	static char block[65536];
	long long sent = 0;
	pthread_t thread;
	ssize_t n;

	while ((n = send(a, block, sizeof(block), MSG_DONTWAIT)) > 0)
		sent += n;
	say_result("full", n);
	settle(ep);
	pthread_create(&thread, NULL, drain, &sent);
	wait_edge("room", ep, 5000);
	pthread_join(thread, NULL);
}

/* One thread receives, another sends into a full socket; the peer sends first, then drains. */
static void *receive_one(void *arg)
{
	char c;

	(void)arg;
	return recv(a, &c, 1, 0) == 1 && c == 'q' ? "yes" : "no";
}

static void *send_much(void *arg)
{
	static char block[1 << 20];
	long long left = *(long long *)arg;
	ssize_t n;

	while (left > 0 && (n = send(a, block, sizeof(block), 0)) > 0)
		left -= n;
	return left <= 0 ? "yes" : "no";
}

static void two_sleepers(void)
{
	long long much = 32 << 20;
	pthread_t receiver, sender;
	void *received, *sent;

	pthread_create(&receiver, NULL, receive_one, NULL);
	usleep(20000);
	pthread_create(&sender, NULL, send_much, &much);
	usleep(50000);
	send(b, "q", 1, 0);
	pthread_join(receiver, &received);
	say_text("received_while_full", received);
	drain(&much);
	pthread_join(sender, &sent);
	say_text("sent", sent);
}

int main(void)
{
	int ep = epoll_create1(0);
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};

	alarm(60);
	connect_pair();
	say_result("add", epoll_ctl(ep, EPOLL_CTL_ADD, a, &e));
	edges(ep);
	room(ep);
	two_sleepers();
	settle(ep);
	shutdown(b, SHUT_WR);
	wait_edge("peer_shut", ep, 5000);
	return 0;
}
