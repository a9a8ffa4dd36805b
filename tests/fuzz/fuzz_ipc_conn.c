/*
 * fuzz_ipc_conn.c: a server's connection fed with whatever bytes, after a proper hello and
 * without one: handshake, framing, dispatch, deferred calls and cancelling.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "common/evloop.h"
#include "common/log.h"
#include "common/lx/errno.h"
#include "ipc/handshake.h"
#include "tests/lib/test_ops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HELD 8u

struct fuzz_session {
	struct ipc_conn *conn;
	struct ipc_call *held[HELD];
	unsigned nheld;
	bool closed;
};

#define IPC_SERVICE test
#define IPC_SCHEMA  "tests/lib/ops_test.def"
#define IPC_PEER    GUEST
#define IPC_SESSION struct fuzz_session
#include "ipc/gen_handlers.inc"
#define IPC_SERVICE test
#define IPC_SCHEMA  "tests/lib/ops_test.def"
#define IPC_PEER    GUEST
#define IPC_SESSION struct fuzz_session
#include "ipc/gen_dispatch.inc"

int64_t test_do_echo(struct fuzz_session *s, const struct test_echo_req *req,
                     struct test_echo_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	(void)s, (void)in, (void)out;
	rep->data = req->data;
	return (int64_t)(req->x & INT64_MAX);
}

int64_t test_do_fail(struct fuzz_session *s, const struct test_fail_req *req,
                     struct test_fail_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	(void)s, (void)rep, (void)in;
	ipc_fds_add(out, dup(2));
	return -(int64_t)req->error;
}

static void forget(struct fuzz_session *s, struct ipc_call *call)
{
	for (unsigned i = 0; i < s->nheld; i++)
		if (s->held[i] == call)
			s->held[i] = s->held[--s->nheld];
}

static void cancelled(struct ipc_call *call, void *arg)
{
	forget(arg, call);
	test_finish_hold(call, -LX_ECANCELED, NULL, NULL);
}

int64_t test_do_hold(struct fuzz_session *s, const struct test_hold_req *req,
                     struct test_hold_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct ipc_call *call;

	(void)req, (void)rep, (void)in, (void)out;
	if (s->nheld == HELD)
		return -LX_EBUSY;
	call = ipc_conn_defer(s->conn, cancelled, s);
	if (call)
		s->held[s->nheld++] = call;
	return -LX_ENOMEM;
}

int64_t test_do_release(struct fuzz_session *s, const struct test_release_req *req,
                        struct test_release_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	struct test_hold_rep held = {.key = req->key};
	struct ipc_call *call;

	(void)rep, (void)in, (void)out;
	if (s->nheld == 0)
		return -LX_ESRCH;
	call = s->held[--s->nheld];
	test_finish_hold(call, 1, &held, NULL);
	return 0;
}

static void closed(struct ipc_conn *conn, void *session)
{
	(void)conn;
	((struct fuzz_session *)session)->closed = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_session s = {.nheld = 0};
	struct ipc_conn_config cfg = {
	    .handlers = &test_GUEST_handlers, .session = &s, .closed = closed};
	uint8_t replies[4096];
	size_t sent = 0;
	int pair[2];

	log_setup("fuzz", LOG_LEVEL_ERROR);
	if (size == 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return 0;
	cfg.fd = pair[1];
	if (evloop_new(&cfg.loop) < 0 || ipc_conn_new(&cfg, &s.conn) < 0)
		__builtin_trap();
	if ((data[0] & 1) && ipc_hello_send(pair[0], &test_service) < 0)
		__builtin_trap();
	for (sent = 1; !s.closed;) {
		ssize_t n = sent < size ? send(pair[0], data + sent, size - sent,
		                               MSG_DONTWAIT | MSG_NOSIGNAL)
		                        : 0;

		sent += n > 0 ? (size_t)n : 0;
		while (recv(pair[0], replies, sizeof(replies), MSG_DONTWAIT) > 0)
			;
		if (evloop_step(cfg.loop, 0) <= 0 && sent >= size)
			break;
	}
	close(pair[0]);
	ipc_conn_free(s.conn);
	evloop_free(cfg.loop);
	if (s.nheld != 0)
		__builtin_trap();
	return 0;
}
