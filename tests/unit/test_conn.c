/*
 * test_conn.c: clients and servers together: pipelining over threads, descriptors, deferred and
 * cancelled calls, both ways of serving, and peers that break the rules.
 */
#include <setjmp.h>
#include <stdarg.h>

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/evloop.h"
#include "common/lx/errno.h"
#include "ipc/codec.h"
#include "ipc/handshake.h"
#include "tests/lib/test_ops.h"

#include <cmocka.h>

#define KEYS 64

struct test_session {
	struct ipc_conn *conn;
	pthread_mutex_t lock;
	struct ipc_call *held[KEYS];
	atomic_int cancelled, closed, posted;
};

#define IPC_SERVICE test
#define IPC_SCHEMA  "tests/lib/ops_test.def"
#define IPC_PEER    GUEST
#define IPC_SESSION struct test_session
#include "ipc/gen_handlers.inc"

#define IPC_SERVICE test
#define IPC_SCHEMA  "tests/lib/ops_test.def"
#define IPC_PEER    GUEST
#define IPC_SESSION struct test_session
#include "ipc/gen_dispatch.inc"

int64_t test_do_echo(struct test_session *s, const struct test_echo_req *req,
                     struct test_echo_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	rep->data = req->data;
	for (unsigned i = 0; i < in->count; i++)
		ipc_fds_add(out, ipc_fds_take(in, i));
	if (req->x == UINT64_MAX)
		atomic_fetch_add(&s->posted, 1);
	return (int64_t)(req->x & INT64_MAX);
}

int64_t test_do_fail(struct test_session *s, const struct test_fail_req *req,
                     struct test_fail_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	(void)s;
	(void)in;
	(void)rep;
	ipc_fds_add(out, dup(2));
	return -(int64_t)req->error;
}

static void hold_cancelled(struct ipc_call *call, void *arg)
{
	struct test_session *s = arg;

	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < KEYS; i++)
		if (s->held[i] == call)
			s->held[i] = NULL;
	pthread_mutex_unlock(&s->lock);
	atomic_fetch_add(&s->cancelled, 1);
	test_finish_hold(call, -LX_ECANCELED, NULL, NULL);
}

int64_t test_do_hold(struct test_session *s, const struct test_hold_req *req,
                     struct test_hold_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	(void)rep;
	(void)in;
	(void)out;
	pthread_mutex_lock(&s->lock);
	s->held[req->key % KEYS] = ipc_conn_defer(s->conn, hold_cancelled, s);
	pthread_mutex_unlock(&s->lock);
	return -LX_ENOMEM;
}

int64_t test_do_release(struct test_session *s, const struct test_release_req *req,
                        struct test_release_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct test_hold_rep held = {.key = req->key};
	struct ipc_call *call;

	(void)rep;
	(void)in;
	(void)out;
	pthread_mutex_lock(&s->lock);
	call = s->held[req->key % KEYS];
	s->held[req->key % KEYS] = NULL;
	pthread_mutex_unlock(&s->lock);
	if (!call)
		return -LX_ESRCH;
	test_finish_hold(call, 5, &held, NULL);
	return 0;
}

/* A server on an event loop or on threads, and the client's end of its socket. */
struct fixture {
	struct test_session session;
	struct evloop *loop;
	pthread_t threads[3];
	unsigned thread_count;
	int client_fd;
};

static void session_closed(struct ipc_conn *conn, void *session)
{
	struct test_session *s = session;

	assert_ptr_equal(conn, s->conn);
	atomic_fetch_add(&s->closed, 1);
}

static void *run_loop(void *arg)
{
	assert_int_equal(evloop_run(arg), 0);
	return NULL;
}

static void *run_serve(void *arg)
{
	return ipc_conn_serve(arg) == 0 ? NULL : arg;
}

static void fixture_start(struct fixture *f, bool on_loop)
{
	struct ipc_conn_config cfg = {
	    .handlers = &test_GUEST_handlers, .session = &f->session, .closed = session_closed};
	int pair[2];

	memset(f, 0, sizeof(*f));
	pthread_mutex_init(&f->session.lock, NULL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	f->client_fd = pair[0];
	cfg.fd = pair[1];
	if (on_loop) {
		assert_int_equal(evloop_new(&f->loop), 0);
		cfg.loop = f->loop;
	}
	assert_int_equal(ipc_conn_new(&cfg, &f->session.conn), 0);
	f->thread_count = on_loop ? 1 : 3;
	for (unsigned i = 0; i < f->thread_count; i++)
		pthread_create(&f->threads[i], NULL, on_loop ? run_loop : run_serve,
		               on_loop ? (void *)f->loop : (void *)f->session.conn);
}

/* The client's end must be closed already. */
static void fixture_stop(struct fixture *f)
{
	for (int i = 0; i < 2000 && !atomic_load(&f->session.closed); i++)
		usleep(1000);
	assert_int_equal(atomic_load(&f->session.closed), 1);
	if (f->loop)
		evloop_stop(f->loop);
	for (unsigned i = 0; i < f->thread_count; i++)
		pthread_join(f->threads[i], NULL);
	ipc_conn_free(f->session.conn);
	if (f->loop)
		evloop_free(f->loop);
}

static unsigned open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

struct caller {
	struct ipc_client *client;
	pthread_t thread;
	unsigned number;
};

static void *caller_main(void *arg)
{
	struct caller *k = arg;
	uint8_t data[3000];

	memset(data, (int)k->number, sizeof(data));
	for (unsigned i = 0; i < 400; i++) {
		struct test_echo_req q = {.x = (uint64_t)k->number << 32 | i,
		                          .data = {data, (i * 37) % sizeof(data)}};
		struct test_echo_rep p;
		struct ipc_reply reply;
		int64_t r = test_call_echo(k->client, &q, &p, &reply);

		if (r != (int64_t)q.x || p.data.len != q.data.len ||
		    memcmp(p.data.data, data, p.data.len) != 0)
			return k;
		ipc_reply_release(&reply);
	}
	return NULL;
}

static void many_threads_call(bool on_loop)
{
	struct caller callers[8];
	struct ipc_client *c;
	struct fixture f;
	void *bad;

	fixture_start(&f, on_loop);
	assert_int_equal(ipc_client_new(f.client_fd, &test_service, &c), 0);
	for (unsigned i = 0; i < ARRAY_LEN(callers); i++) {
		callers[i] = (struct caller){.client = c, .number = i + 1};
		pthread_create(&callers[i].thread, NULL, caller_main, &callers[i]);
	}
	for (unsigned i = 0; i < ARRAY_LEN(callers); i++) {
		pthread_join(callers[i].thread, &bad);
		assert_null(bad);
	}
	ipc_client_free(c);
	fixture_stop(&f);
}

static void threads_call_a_loop(void **state)
{
	(void)state;
	many_threads_call(true);
}

static void threads_call_threads(void **state)
{
	(void)state;
	many_threads_call(false);
}

static void *hold_main(void *arg)
{
	struct caller *k = arg;
	struct test_hold_req q = {.key = k->number};
	struct test_hold_rep p;
	int64_t r = test_call_hold(k->client, &q, &p, NULL);

	return r == 5 && p.key == k->number ? NULL : k;
}

/* Slow calls do not hold up others, whoever of the waiting threads reads. */
static void slow_calls_do_not_block(void **state)
{
	struct caller holders[6];
	struct ipc_client *c;
	struct fixture f;
	void *bad;

	(void)state;
	fixture_start(&f, true);
	assert_int_equal(ipc_client_new(f.client_fd, &test_service, &c), 0);
	for (unsigned i = 0; i < ARRAY_LEN(holders); i++) {
		holders[i] = (struct caller){.client = c, .number = i};
		pthread_create(&holders[i].thread, NULL, hold_main, &holders[i]);
	}
	for (unsigned i = ARRAY_LEN(holders); i-- > 0;) {
		struct test_release_req q = {.key = i};
		int64_t r;

		while ((r = test_call_release(c, &q, NULL, NULL)) == -LX_ESRCH)
			usleep(500);
		assert_int_equal(r, 0);
		pthread_join(holders[i].thread, &bad);
		assert_null(bad);
	}
	ipc_client_free(c);
	fixture_stop(&f);
}

static void descriptors_travel_and_never_leak(void **state)
{
	unsigned before = open_fds();
	struct ipc_client *c;
	struct fixture f;

	(void)state;
	fixture_start(&f, false);
	assert_int_equal(ipc_client_new(f.client_fd, &test_service, &c), 0);
	for (unsigned n = 0; n <= IPC_MAX_FDS; n += 16) {
		struct test_echo_req q = {.x = n, .data = ipc_bytes_of("descriptors")};
		struct test_echo_rep p;
		struct ipc_reply reply;
		int fds[IPC_MAX_FDS], mine;

		for (unsigned i = 0; i < n; i++)
			fds[i] = 2;
		assert_int_equal(test_callfds_echo(c, &q, fds, n, &p, &reply), n);
		assert_int_equal(reply.fds.count, n);
		mine = ipc_fds_take(&reply.fds, 0);
		assert_int_equal(ipc_fds_take(&reply.fds, 0), -1);
		if (n > 0)
			assert_int_equal(close(mine), 0);
		ipc_reply_release(&reply);
	}
	for (unsigned i = 0; i < 10; i++) {
		struct test_fail_req q = {.error = LX_ENOSPC};

		assert_int_equal(test_call_fail(c, &q, NULL, NULL), -LX_ENOSPC);
		q.error = 0;
		assert_int_equal(test_call_fail(c, &q, NULL, NULL), 0);
		q.error = 100000;
		assert_int_equal(test_call_fail(c, &q, NULL, NULL), -LX_EIO);
	}
	ipc_client_free(c);
	fixture_stop(&f);
	assert_int_equal(open_fds(), before);
}

struct async_test {
	struct ipc_async a;
	atomic_int calls;
	int64_t result;
};

static void async_done(struct ipc_async *a, int64_t result, const void *rep, struct ipc_fds *fds)
{
	struct async_test *t = a->arg;

	(void)rep;
	(void)fds;
	t->result = result;
	atomic_fetch_add(&t->calls, 1);
}

static void wait_until(atomic_int *v, int want)
{
	for (int i = 0; i < 3000 && atomic_load(v) != want; i++)
		usleep(1000);
	assert_int_equal(atomic_load(v), want);
}

static void calls_without_waiting(void **state)
{
	struct async_test t[3];
	struct ipc_client *c;
	struct fixture f;

	(void)state;
	fixture_start(&f, true);
	assert_int_equal(ipc_client_new(f.client_fd, &test_service, &c), 0);
	for (unsigned i = 0; i < ARRAY_LEN(t); i++) {
		struct test_hold_req q = {.key = i};

		t[i] = (struct async_test){.a = {.done = async_done, .arg = &t[i]}};
		assert_int_equal(test_submit_hold(c, &q, &t[i].a), 0);
	}
	/* Synchronous calls go on meanwhile. */
	assert_int_equal(test_call_release(c, &(struct test_release_req){.key = 1}, NULL, NULL), 0);
	wait_until(&t[1].calls, 1);
	assert_int_equal(t[1].result, 5);
	ipc_client_cancel(c, &t[0].a);
	wait_until(&t[0].calls, 1);
	assert_int_equal(t[0].result, -LX_ECANCELED);
	assert_int_equal(t[2].calls, 0);
	/* One-way messages have no reply. */
	test_post_echo(c, &(struct test_echo_req){.x = UINT64_MAX});
	assert_int_equal(test_call_release(c, &(struct test_release_req){.key = 7}, NULL, NULL),
	                 -LX_ESRCH);
	assert_int_equal(f.session.posted, 1);
	ipc_client_free(c);
	assert_int_equal(t[2].calls, 1);
	assert_int_equal(t[2].result, -IPC_EGONE);
	fixture_stop(&f);
	assert_int_equal(f.session.cancelled, 2);
}

static void large_messages(void **state)
{
	uint8_t *data = calloc(1, 500001);
	struct test_echo_req q = {.x = 3, .data = {data, 500000}};
	struct test_echo_rep p;
	struct ipc_reply reply;
	struct ipc_client *c;
	struct fixture f;

	(void)state;
	fixture_start(&f, true);
	assert_int_equal(ipc_client_new(f.client_fd, &test_service, &c), 0);
	data[499999] = 9;
	assert_int_equal(test_call_echo(c, &q, &p, &reply), 3);
	assert_int_equal(p.data.len, 500000);
	assert_int_equal(p.data.data[499999], 9);
	ipc_reply_release(&reply);
	q.data.len++;
	assert_int_equal(test_call_echo(c, &q, &p, &reply), -LX_EINVAL);
	ipc_client_free(c);
	fixture_stop(&f);
	free(data);
}

static void a_dead_peer_ends_every_call(void **state)
{
	struct ipc_client *c;
	struct fixture f;
	pthread_t thread;
	struct caller k;
	void *failed;
	int pair[2];

	(void)state;
	fixture_start(&f, true);
	assert_int_equal(ipc_client_new(f.client_fd, &test_service, &c), 0);
	k = (struct caller){.client = c, .number = 1};
	pthread_create(&thread, NULL, hold_main, &k);
	while (test_call_release(c, &(struct test_release_req){.key = 9}, NULL, NULL) == 0)
		;
	usleep(20000);
	ipc_client_shutdown(c);
	pthread_join(thread, &failed);
	assert_non_null(failed);
	assert_true(ipc_client_is_gone(c));
	assert_int_equal(test_call_release(c, &(struct test_release_req){.key = 9}, NULL, NULL),
	                 -IPC_EGONE);
	fixture_stop(&f);
	/* A new session under the same client. */
	fixture_start(&f, false);
	assert_int_equal(ipc_client_reconnect(c, f.client_fd), 0);
	assert_int_equal(test_call_release(c, &(struct test_release_req){.key = 9}, NULL, NULL),
	                 -LX_ESRCH);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	close(pair[1]);
	assert_int_equal(ipc_client_reconnect(c, pair[0]), -IPC_EGONE);
	ipc_client_free(c);
	fixture_stop(&f);
}

/* Sends raw bytes with descriptors after a proper hello; the server must hang up, and leak
 * nothing.  declared: the number of descriptors the header claims. */
static void expect_hang_up(const uint8_t *msg, size_t len, const int *fds, unsigned n)
{
	unsigned before = open_fds();
	size_t done = 0;
	char buf[256];
	struct fixture f;
	ssize_t r;

	fixture_start(&f, true);
	assert_int_equal(ipc_hello_send(f.client_fd, &test_service), 0);
	assert_int_equal(ipc_frame_send(f.client_fd, msg, len, &done, fds, n, true), 0);
	while ((r = recv(f.client_fd, buf, sizeof(buf), 0)) > 0)
		;
	assert_true(r == 0 || errno == ECONNRESET);
	close(f.client_fd);
	fixture_stop(&f);
	assert_int_equal(open_fds(), before);
}

static void peers_that_break_the_rules_are_thrown_out(void **state)
{
	static const uint8_t huge[] = {1, 0, 0x10, 0, 0x93};
	static const uint8_t unknown_op[] = {5, 0, 0, 0, 0x93, 0, 1, 0x7f, 0};
	static const uint8_t reply[] = {5, 0, 0, 0, 0x94, 1, 1, 1, 0};
	static const uint8_t trailing[] = {6, 0, 0, 0, 0x94, 0, 1, 2, 1, 0};
	static const uint8_t not_for_guests[] = {5, 0, 0, 0, 0x94, 0, 1, 5, 0};
	static const uint8_t second_hello[] = {4, 0, 0, 0, 0x93, 3, 0, 0};
	static const uint8_t lying[] = {5, 0, 0, 2, 0x94, 0, 1, 2, 1};
	int fds[IPC_MAX_FDS];
	struct ipc_writer w;

	(void)state;
	for (unsigned i = 0; i < IPC_MAX_FDS; i++)
		fds[i] = 2;
	expect_hang_up(huge, sizeof(huge), NULL, 0);
	expect_hang_up(unknown_op, sizeof(unknown_op), NULL, 0);
	expect_hang_up(reply, sizeof(reply), NULL, 0);
	expect_hang_up(trailing, sizeof(trailing), NULL, 0);
	expect_hang_up(not_for_guests, sizeof(not_for_guests), NULL, 0);
	expect_hang_up(second_hello, sizeof(second_hello), NULL, 0);
	expect_hang_up(lying, sizeof(lying), NULL, 0);
	expect_hang_up(lying, sizeof(lying), fds, 1);
	expect_hang_up(lying, sizeof(lying), fds, 2); /* fail takes none */
	expect_hang_up(lying, sizeof(lying), fds, IPC_MAX_FDS);
	ipc_writer_init(&w);
	assert_int_equal(ipc_write_hello(&w, "other"), 0);
	expect_hang_up(w.buf, w.len, fds, 3);
	ipc_writer_release(&w);
}

/* More descriptors in one go than we ever allow: the kernel cuts, we close all and hang up. */
static void too_many_descriptors(void **state)
{
	static const uint8_t byte[1];
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * 200)];
	} control = {.space = {0}};
	union {
		const uint8_t *in;
		void *out;
	} base = {.in = byte};
	struct iovec iov = {base.out, 1};
	struct msghdr m = {.msg_iov = &iov,
	                   .msg_iovlen = 1,
	                   .msg_control = &control,
	                   .msg_controllen = sizeof(control)};
	unsigned before = open_fds();
	struct fixture f;
	char buf[64];
	int fds[200];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = 2;
	control.align = (struct cmsghdr){CMSG_LEN(sizeof(fds)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(&control.align), fds, sizeof(fds));
	fixture_start(&f, true);
	assert_int_equal(ipc_hello_send(f.client_fd, &test_service), 0);
	assert_int_equal(sendmsg(f.client_fd, &m, 0), 1);
	while (recv(f.client_fd, buf, sizeof(buf), 0) > 0)
		;
	close(f.client_fd);
	fixture_stop(&f);
	assert_int_equal(open_fds(), before);
}

static void versions_must_match(void **state)
{
	static const uint8_t v2[] = {5, 0, 0, 0, 0x94, 3, 0, 0, 2};
	struct ipc_client *c;
	size_t done = 0;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(ipc_frame_send(pair[1], v2, sizeof(v2), &done, NULL, 0, true), 0);
	assert_int_equal(ipc_client_new(pair[0], &test_service, &c), -IPC_EVERSION);
	close(pair[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	close(pair[1]);
	assert_int_equal(ipc_client_new(pair[0], &test_service, &c), -IPC_EGONE);
}

/* The control channel's pattern: both ends are connections, both speak. */
struct test_monitor {
	struct evloop *loop;
	uint64_t noted;
	int64_t answered;
};

#define IPC_SERVICE test
#define IPC_SCHEMA  "tests/lib/ops_test.def"
#define IPC_PEER    SUPERVISOR
#define IPC_SESSION struct test_monitor
#include "ipc/gen_handlers.inc"

#define IPC_SERVICE test
#define IPC_SCHEMA  "tests/lib/ops_test.def"
#define IPC_PEER    SUPERVISOR
#define IPC_SESSION struct test_monitor
#include "ipc/gen_dispatch.inc"

int64_t test_do_notify(struct test_monitor *m, const struct test_notify_req *req,
                       struct test_notify_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	(void)rep;
	(void)in;
	(void)out;
	assert_int_equal(req->text.len, 5);
	m->noted = req->x;
	return 0;
}

static void answered(void *arg, int64_t result, const void *rep, struct ipc_fds *fds)
{
	struct test_monitor *m = arg;

	m->answered = result;
	if (result >= 0) {
		const struct test_echo_rep *p = rep;

		assert_int_equal(p->data.len, 2);
		assert_int_equal(fds->count, 1);
	}
}

static void both_sides_speak(void **state)
{
	struct test_notify_req note = {.x = 77, .text = ipc_bytes_of("hello")};
	struct test_echo_req q = {.x = 11, .data = ipc_bytes_of("ab")};
	struct ipc_conn_config cfg = {.handlers = &test_SUPERVISOR_handlers, .initiator = true};
	struct test_monitor m = {0};
	struct ipc_conn *conn;
	struct fixture f;
	int fd = 2;

	(void)state;
	fixture_start(&f, true);
	assert_int_equal(evloop_new(&m.loop), 0);
	cfg.fd = f.client_fd;
	cfg.loop = m.loop;
	cfg.session = &m;
	assert_int_equal(ipc_conn_new(&cfg, &conn), 0);
	assert_int_equal(test_request_echo(conn, &q, &fd, 1, answered, &m), 0);
	while (m.answered == 0)
		assert_true(evloop_step(m.loop, 2000) >= 0);
	assert_int_equal(m.answered, 11);
	assert_int_equal(test_event_notify(f.session.conn, &note), 0);
	while (m.noted == 0)
		assert_true(evloop_step(m.loop, 2000) >= 0);
	assert_int_equal(m.noted, 77);
	/* A request that the connection's end overtakes. */
	m.answered = 0;
	assert_int_equal(
	    test_request_hold(conn, &(struct test_hold_req){.key = 1}, NULL, 0, answered, &m), 0);
	ipc_conn_free(conn);
	assert_int_equal(m.answered, -IPC_EGONE);
	fixture_stop(&f);
	evloop_free(m.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(threads_call_a_loop),
	    cmocka_unit_test(threads_call_threads),
	    cmocka_unit_test(slow_calls_do_not_block),
	    cmocka_unit_test(descriptors_travel_and_never_leak),
	    cmocka_unit_test(calls_without_waiting),
	    cmocka_unit_test(large_messages),
	    cmocka_unit_test(a_dead_peer_ends_every_call),
	    cmocka_unit_test(peers_that_break_the_rules_are_thrown_out),
	    cmocka_unit_test(too_many_descriptors),
	    cmocka_unit_test(versions_must_match),
	    cmocka_unit_test(both_sides_speak),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
