/*
 * test_unix.c: AF_UNIX sockets below the system calls: streams, packets, names, closing, and
 * descriptors in flight with the circles they can form.
 */
#include <setjmp.h>
#include <stdarg.h>

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "common/lx/poll.h"
#include "supervisor/guest.h"
#include "supervisor/net/unix.h"
#include "supervisor/task/task.h"

#include <cmocka.h>

static struct guest guest;
static struct cred root = {.refs = 1000, .cap_effective = UINT64_MAX};
static struct tgroup group = {.tgid = 7, .guest = &guest};
static struct task task = {.guest = &guest, .group = &group, .cred = &root, .tid = 7};

static int64_t transfer(struct socket *s, bool send, void *buf, size_t n, struct sock_msg *m)
{
	struct uio u;
	int64_t r;

	uio_init_kernel(&u, buf, n);
	m->u = &u;
	m->flags |= LX_MSG_NOSIGNAL | LX_MSG_DONTWAIT;
	r = send ? s->ops->sendmsg(&task, s, m) : s->ops->recvmsg(&task, s, m);
	uio_release(&u);
	return r;
}

static int64_t put(struct socket *s, const char *text)
{
	char buf[256];
	struct sock_msg m = {.flags = 0};

	snprintf(buf, sizeof(buf), "%s", text);
	return transfer(s, true, buf, strlen(text), &m);
}

static int64_t get(struct socket *s, char *buf, size_t n, uint32_t flags)
{
	struct sock_msg m = {.flags = flags};
	int64_t r = transfer(s, false, buf, n, &m);

	if (r >= 0)
		buf[MIN((size_t)r, n)] = 0;
	return r;
}

static struct sock_addr abstract_name(const char *text)
{
	struct sock_addr a = {.family = LX_AF_UNIX, .len = (uint32_t)(3 + strlen(text))};

	memcpy(a.bytes + 3, text, strlen(text));
	return a;
}

static void streams(void **state)
{
	struct socket *s[2];
	char buf[64];

	(void)state;
	assert_int_equal(unix_pair(&task, LX_SOCK_STREAM, s), 0);
	assert_int_equal(get(s[0], buf, 10, 0), -LX_EAGAIN);
	assert_int_equal(put(s[0], "hello "), 6);
	assert_int_equal(put(s[0], "world"), 5);
	assert_int_equal(get(s[1], buf, 4, LX_MSG_PEEK), 4);
	assert_string_equal(buf, "hell");
	assert_int_equal(get(s[1], buf, 8, 0), 8);
	assert_string_equal(buf, "hello wo");
	assert_int_equal(get(s[1], buf, 50, 0), 3);
	assert_string_equal(buf, "rld");
	assert_int_equal(put(s[1], "back"), 4);
	assert_int_equal(s[0]->ops->shutdown(&task, s[0], LX_SHUT_WR), 0);
	assert_int_equal(get(s[1], buf, 50, 0), 0);
	assert_int_equal(put(s[0], "x"), -LX_EPIPE);
	assert_int_equal(get(s[0], buf, 50, 0), 4);
	socket_drop(s[1]);
	assert_int_equal(get(s[0], buf, 50, 0), 0);
	socket_drop(s[0]);
}

/* A writer fills the socket up to its buffer size, then is refused, then goes on. */
static void flow_control(void **state)
{
	struct socket *s[2];
	static char big[100000];
	struct sock_msg m = {.flags = 0};
	int64_t r, sent = 0;

	(void)state;
	assert_int_equal(unix_pair(&task, LX_SOCK_STREAM, s), 0);
	while ((r = transfer(s[0], true, big, sizeof(big), &m)) > 0)
		sent += r;
	assert_int_equal(r, -LX_EAGAIN);
	assert_true(sent >= 200000 && sent < 400000);
	assert_false(unix_writable(unix_of(s[0])));
	while ((r = transfer(s[1], false, big, sizeof(big), &m)) > 0)
		sent -= r;
	assert_int_equal(sent, 0);
	assert_true(unix_writable(unix_of(s[0])));
	socket_drop(s[0]);
	assert_int_equal(put(s[1], "x"), -LX_EPIPE);
	socket_drop(s[1]);
}

static void unread_data_resets(void **state)
{
	struct socket *s[2];
	char buf[8];

	(void)state;
	assert_int_equal(unix_pair(&task, LX_SOCK_STREAM, s), 0);
	assert_int_equal(put(s[0], "x"), 1);
	socket_drop(s[1]);
	assert_int_equal(get(s[0], buf, 4, 0), -LX_ECONNRESET);
	assert_int_equal(get(s[0], buf, 4, 0), 0);
	socket_drop(s[0]);
}

static void packets(void **state)
{
	struct sock_msg m = {.flags = 0};
	struct socket *s[2];
	char buf[64];

	(void)state;
	for (int type = LX_SOCK_DGRAM; type <= LX_SOCK_SEQPACKET; type += 3) {
		assert_int_equal(unix_pair(&task, type, s), 0);
		assert_int_equal(put(s[0], "first"), 5);
		assert_int_equal(put(s[0], ""), 0);
		assert_int_equal(put(s[0], "third"), 5);
		m = (struct sock_msg){.flags = 0};
		assert_int_equal(transfer(s[1], false, buf, 3, &m), 3);
		assert_true(m.out_flags & LX_MSG_TRUNC);
		assert_int_equal(get(s[1], buf, 9, 0), 0);
		assert_int_equal(get(s[1], buf, 2, LX_MSG_TRUNC), 5);
		assert_int_equal(get(s[1], buf, 9, 0), -LX_EAGAIN);
		socket_drop(s[0]);
		if (type == LX_SOCK_DGRAM)
			assert_int_equal(put(s[1], "x"), -LX_ECONNREFUSED);
		else
			assert_int_equal(put(s[1], "x"), -LX_EPIPE);
		socket_drop(s[1]);
	}
}

static void connections_by_name(void **state)
{
	struct sock_addr name = abstract_name("test"), a;
	struct socket *l, *c, *n, *other;
	char buf[16];

	(void)state;
	assert_int_equal(unix_new(&guest, LX_SOCK_STREAM, &l), 0);
	assert_int_equal(unix_new(&guest, LX_SOCK_STREAM, &c), 0);
	assert_int_equal(c->ops->connect(&task, c, &name, true), -LX_ECONNREFUSED);
	assert_int_equal(l->ops->listen(&task, l, 1), -LX_EINVAL);
	assert_int_equal(l->ops->bind(&task, l, &name), 0);
	assert_int_equal(l->ops->bind(&task, l, &name), -LX_EINVAL);
	assert_int_equal(c->ops->bind(&task, c, &name), -LX_EADDRINUSE);
	assert_int_equal(c->ops->connect(&task, c, &name, true), -LX_ECONNREFUSED);
	assert_int_equal(l->ops->listen(&task, l, 1), 0);
	assert_int_equal(l->ops->accept(&task, l, true, &n, &a), -LX_EAGAIN);
	assert_int_equal(put(c, "x"), -LX_ENOTCONN);
	assert_int_equal(c->ops->connect(&task, c, &name, true), 0);
	assert_int_equal(c->ops->connect(&task, c, &name, true), -LX_EISCONN);
	assert_int_equal(put(c, "early"), 5);
	assert_int_equal(l->ops->accept(&task, l, true, &n, &a), 0);
	assert_int_equal(a.len, 2);
	assert_int_equal(get(n, buf, 10, 0), 5);
	assert_int_equal(c->ops->getname(&task, c, true, &a), 0);
	assert_int_equal(a.len, name.len);
	assert_memory_equal(a.bytes, name.bytes, a.len);
	/* A datagram socket does not connect to a listener; nor beyond the backlog. */
	assert_int_equal(unix_new(&guest, LX_SOCK_DGRAM, &other), 0);
	assert_int_equal(other->ops->connect(&task, other, &name, true), -LX_ECONNREFUSED);
	socket_drop(other);
	for (int i = 0; i < 3; i++) {
		struct socket *more;

		assert_int_equal(unix_new(&guest, LX_SOCK_STREAM, &more), 0);
		assert_int_equal(more->ops->connect(&task, more, &name, true),
		                 i < 2 ? 0 : -LX_EAGAIN);
		if (i == 0) {
			socket_drop(c);
			c = more;
		} else {
			socket_drop(more);
		}
	}
	/* The listener ends: who waits is reset, who was accepted goes on. */
	socket_drop(l);
	assert_int_equal(get(c, buf, 10, 0), -LX_ECONNRESET);
	assert_int_equal(get(n, buf, 10, 0), 0);
	socket_drop(c);
	socket_drop(n);
}

static void datagrams_by_name(void **state)
{
	struct sock_addr name = abstract_name("dgram"), autoname = {.family = LX_AF_UNIX, .len = 2};
	struct sock_msg m = {.flags = 0};
	struct socket *server, *client;
	char buf[16] = "ping";

	(void)state;
	assert_int_equal(unix_new(&guest, LX_SOCK_DGRAM, &server), 0);
	assert_int_equal(unix_new(&guest, LX_SOCK_DGRAM, &client), 0);
	assert_int_equal(server->ops->bind(&task, server, &name), 0);
	assert_int_equal(client->ops->bind(&task, client, &autoname), 0);
	assert_int_equal(put(client, "x"), -LX_ENOTCONN);
	m.name = name;
	assert_int_equal(transfer(client, true, buf, 4, &m), 4);
	assert_int_equal(transfer(server, false, buf, 10, &m), 4);
	assert_int_equal(m.name.len, 8);
	/* Answering to the name that came with it. */
	assert_int_equal(transfer(server, true, buf, 4, &m), 4);
	assert_int_equal(get(client, buf, 10, 0), 4);
	assert_int_equal(client->ops->connect(&task, client, &name, true), 0);
	for (int i = 0; i < 11; i++)
		assert_int_equal(put(client, "y"), 1);
	assert_int_equal(put(client, "y"), -LX_EAGAIN);
	assert_false(unix_writable(unix_of(client)));
	socket_drop(server);
	assert_int_equal(put(client, "y"), -LX_ECONNREFUSED);
	assert_int_equal(put(client, "y"), -LX_ENOTCONN);
	socket_drop(client);
}

static int64_t send_files(struct socket *s, struct file **files, unsigned n)
{
	struct sock_msg m = {.nfiles = n};
	char x = 'x';
	int64_t r;

	m.files = calloc(LX_SCM_MAX_FD, sizeof(*m.files));
	for (unsigned i = 0; i < n; i++)
		m.files[i] = file_get(files[i]);
	r = transfer(s, true, &x, 1, &m);
	cmsg_release(&m);
	return r;
}

static struct file *make_file(struct socket *s)
{
	struct file *f;

	assert_int_equal(socket_file(s, 0, &f), 0);
	return f;
}

/* True if the abstract name is free: its socket, of either type, is really gone. */
static bool gone(const char *text)
{
	struct sock_addr name = abstract_name(text);
	bool r = true;

	for (int type = LX_SOCK_STREAM; type <= LX_SOCK_DGRAM; type++) {
		struct socket *s;

		assert_int_equal(unix_new(&guest, type, &s), 0);
		r = s->ops->bind(&task, s, &name) == 0 && r;
		socket_drop(s);
	}
	return r;
}

static void descriptors_in_flight(void **state)
{
	struct sock_addr name = abstract_name("carried");
	struct socket *s[2], *carried;
	struct file *f[2], *c;

	(void)state;
	assert_int_equal(unix_pair(&task, LX_SOCK_STREAM, s), 0);
	f[0] = make_file(s[0]);
	f[1] = make_file(s[1]);
	assert_int_equal(unix_new(&guest, LX_SOCK_DGRAM, &carried), 0);
	assert_int_equal(carried->ops->bind(&task, carried, &name), 0);
	c = make_file(carried);
	assert_int_equal(send_files(s[0], &c, 1), 1);
	file_put(c);
	/* Only the message holds it, but the message can be received: it lives. */
	unix_collect_garbage();
	assert_false(gone("carried"));
	/* Closed unread: everything goes. */
	file_put(f[1]);
	assert_true(gone("carried"));
	file_put(f[0]);
}

static void circles_are_collected(void **state)
{
	struct sock_addr na = abstract_name("circle");
	struct socket *s[2], *t[2], *d;
	struct file *f[2], *g[2], *df;

	(void)state;
	/* A socket in its own queue, with something else beside it. */
	assert_int_equal(unix_pair(&task, LX_SOCK_STREAM, s), 0);
	f[0] = make_file(s[0]);
	f[1] = make_file(s[1]);
	assert_int_equal(unix_new(&guest, LX_SOCK_DGRAM, &d), 0);
	assert_int_equal(d->ops->bind(&task, d, &na), 0);
	df = make_file(d);
	assert_int_equal(send_files(s[0], (struct file *[]){f[1], df}, 2), 1);
	file_put(df);
	/* Nobody can receive it from here on, though its peer is still open. */
	file_put(f[1]);
	unix_collect_garbage();
	assert_true(gone("circle"));
	file_put(f[0]);
	/* Two that hold each other. */
	assert_int_equal(unix_pair(&task, LX_SOCK_STREAM, s), 0);
	assert_int_equal(unix_pair(&task, LX_SOCK_STREAM, t), 0);
	for (int i = 0; i < 2; i++) {
		f[i] = make_file(s[i]);
		g[i] = make_file(t[i]);
	}
	assert_int_equal(unix_new(&guest, LX_SOCK_DGRAM, &d), 0);
	assert_int_equal(d->ops->bind(&task, d, &na), 0);
	df = make_file(d);
	assert_int_equal(send_files(s[0], (struct file *[]){g[1], df}, 2), 1);
	assert_int_equal(send_files(t[0], &f[1], 1), 1);
	file_put(df);
	file_put(f[1]);
	file_put(g[1]);
	file_put(f[0]);
	unix_collect_garbage();
	assert_true(gone("circle"));
	file_put(g[0]);
}

/* A listener in the queue of a connection that it has not accepted. */
static void a_listener_in_its_own_backlog(void **state)
{
	struct sock_addr name = abstract_name("own");
	struct socket *l, *c;
	struct file *lf, *cf;

	(void)state;
	assert_int_equal(unix_new(&guest, LX_SOCK_STREAM, &l), 0);
	assert_int_equal(l->ops->bind(&task, l, &name), 0);
	assert_int_equal(l->ops->listen(&task, l, 1), 0);
	lf = make_file(l);
	assert_int_equal(unix_new(&guest, LX_SOCK_STREAM, &c), 0);
	assert_int_equal(c->ops->connect(&task, c, &name, true), 0);
	cf = make_file(c);
	assert_int_equal(send_files(c, &lf, 1), 1);
	unix_collect_garbage();
	assert_false(gone("own"));
	file_put(lf);
	file_put(cf);
	assert_true(gone("own"));
}

static void nothing_is_left(void **state)
{
	(void)state;
	assert_true(unix_nothing_left());
}

static void readiness(void **state)
{
	struct socket *s[2], *fresh;
	struct file *f[2], *ff;

	(void)state;
	assert_int_equal(unix_pair(&task, LX_SOCK_STREAM, s), 0);
	f[0] = make_file(s[0]);
	f[1] = make_file(s[1]);
	assert_int_equal(f[0]->ops->poll(f[0], NULL) & (LX_POLLIN | LX_POLLOUT | LX_POLLHUP),
	                 LX_POLLOUT);
	assert_int_equal(put(s[1], "x"), 1);
	assert_true(f[0]->ops->poll(f[0], NULL) & LX_POLLIN);
	file_put(f[1]);
	assert_int_equal(f[0]->ops->poll(f[0], NULL) & (LX_POLLIN | LX_POLLHUP | LX_POLLRDHUP),
	                 LX_POLLIN | LX_POLLHUP | LX_POLLRDHUP);
	file_put(f[0]);
	assert_int_equal(unix_new(&guest, LX_SOCK_STREAM, &fresh), 0);
	ff = make_file(fresh);
	assert_true(ff->ops->poll(ff, NULL) & LX_POLLHUP);
	file_put(ff);
}

static void *drain(void *arg)
{
	static char buf[70000];
	int64_t total = 0;

	while (total < 8000000) {
		int64_t r = get(arg, buf, sizeof(buf) - 1, 0);

		if (r > 0)
			total += r;
		else if (r != -LX_EAGAIN)
			return arg;
	}
	return NULL;
}

/* One thread writes, one reads, nothing is lost. */
static void two_threads(void **state)
{
	static char buf[8000];
	struct socket *s[2];
	int64_t total = 0;
	pthread_t thread;
	void *bad;

	(void)state;
	assert_int_equal(unix_pair(&task, LX_SOCK_STREAM, s), 0);
	pthread_create(&thread, NULL, drain, s[1]);
	while (total < 8000000) {
		struct sock_msg m = {.flags = 0};
		int64_t r = transfer(s[0], true, buf, sizeof(buf), &m);

		if (r > 0)
			total += r;
		else
			assert_int_equal(r, -LX_EAGAIN);
	}
	pthread_join(thread, &bad);
	assert_null(bad);
	socket_drop(s[0]);
	socket_drop(s[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(streams),
	    cmocka_unit_test(flow_control),
	    cmocka_unit_test(unread_data_resets),
	    cmocka_unit_test(packets),
	    cmocka_unit_test(connections_by_name),
	    cmocka_unit_test(datagrams_by_name),
	    cmocka_unit_test(descriptors_in_flight),
	    cmocka_unit_test(circles_are_collected),
	    cmocka_unit_test(a_listener_in_its_own_backlog),
	    cmocka_unit_test(readiness),
	    cmocka_unit_test(two_threads),
	    cmocka_unit_test(nothing_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
