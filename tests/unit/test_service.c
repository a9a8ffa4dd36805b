/* test_service.c: a service's parent: admission, workers, --version, and its end when idle. */
#include <setjmp.h>
#include <stdarg.h>

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "ipc/service.h"
#include "tests/lib/test_ops.h"

#include <cmocka.h>

struct worker_session {
	struct ipc_conn *conn;
	int parent_fd; /* a descriptor that must not be open here */
};

#define IPC_SERVICE test
#define IPC_SCHEMA  "tests/lib/ops_test.def"
#define IPC_PEER    CLI
#define IPC_SESSION struct service_client
#include "ipc/gen_handlers.inc"
#define IPC_SERVICE test
#define IPC_SCHEMA  "tests/lib/ops_test.def"
#define IPC_PEER    CLI
#define IPC_SESSION struct service_client
#include "ipc/gen_dispatch.inc"
#define IPC_SERVICE test
#define IPC_SCHEMA  "tests/lib/ops_test.def"
#define IPC_PEER    GUEST
#define IPC_SESSION struct worker_session
#include "ipc/gen_handlers.inc"
#define IPC_SERVICE test
#define IPC_SCHEMA  "tests/lib/ops_test.def"
#define IPC_PEER    GUEST
#define IPC_SESSION struct worker_session
#include "ipc/gen_dispatch.inc"

int64_t test_do_echo(struct worker_session *s, const struct test_echo_req *req,
                     struct test_echo_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	(void)in;
	(void)out;
	rep->data = req->data;
	return write(s->parent_fd, "x", 0) < 0 && errno == EBADF ? (int64_t)req->x : -LX_EEXIST;
}

int64_t test_do_fail(struct worker_session *s, const struct test_fail_req *req,
                     struct test_fail_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	(void)s, (void)rep, (void)in, (void)out;
	return -(int64_t)req->error;
}

int64_t test_do_hold(struct worker_session *s, const struct test_hold_req *req,
                     struct test_hold_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	(void)s, (void)req, (void)rep, (void)in, (void)out;
	return getpid();
}

int64_t test_do_release(struct worker_session *s, const struct test_release_req *req,
                        struct test_release_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	(void)s, (void)req, (void)rep, (void)in, (void)out;
	return 0;
}

static unsigned ended;

static void worker_ended(void *arg, int status)
{
	(void)arg;
	ended += WIFEXITED(status) && WEXITSTATUS(status) == 7;
}

static int worker_main(int fd, void *arg)
{
	struct worker_session s = {.parent_fd = *(int *)arg};
	struct ipc_conn_config cfg = {.fd = fd, .handlers = &test_GUEST_handlers, .session = &s};

	if (ipc_conn_new(&cfg, &s.conn) < 0 || service_serve(s.conn, 3) < 0)
		return 1;
	ipc_conn_free(s.conn);
	return 7;
}

/* Also tells how many workers have ended well. */
int64_t test_do_admin(struct service_client *c, const struct test_admin_req *req,
                      struct test_admin_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	(void)req, (void)rep, (void)in, (void)out;
	return c->pid == getppid() ? (int64_t)ended : -LX_EPERM;
}

int64_t test_do_spawn(struct service_client *c, const struct test_spawn_req *req,
                      struct test_spawn_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	static int secret = -1;
	struct service_worker w = {.main = worker_main, .ended = worker_ended, .arg = &secret};
	int fd, r;

	(void)req, (void)rep, (void)in;
	secret = dup(1);
	r = service_fork(c->service, &w, &fd);
	close(secret);
	if (r == 0)
		ipc_fds_add(out, fd);
	return r;
}

static int start_service(struct sockaddr_un *sun, pid_t *pid)
{
	static const struct service_config config = {.program = "carrick-test",
	                                             .handlers = &test_CLI_handlers};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char option[32], name[] = "carrick-test";
	char *argv[] = {name, option, NULL};

	snprintf(option, sizeof(option), "--listen-fd=%d", fd);
	*sun = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(sun->sun_path, sizeof(sun->sun_path), "/tmp/carrick-test-%d.sock", getpid());
	unlink(sun->sun_path);
	if (bind(fd, (struct sockaddr *)sun, sizeof(*sun)) < 0 || listen(fd, 8) < 0)
		return -1;
	*pid = fork();
	if (*pid == 0) {
		setenv("CARRICK_SERVICE_IDLE", "1", 1);
		_exit(service_main(&config, 2, argv));
	}
	close(fd);
	return 0;
}

static void parent_and_workers(void **state)
{
	struct ipc_client *cli, *guest[2];
	struct sockaddr_un sun;
	struct ipc_reply reply;
	int fd, status;
	int64_t pids[2];
	pid_t pid = -1;

	(void)state;
	assert_int_equal(start_service(&sun, &pid), 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(ipc_client_new(fd, &test_service, &cli), 0);
	assert_int_equal(test_call_admin(cli, &(struct test_admin_req){0}, NULL, NULL), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct test_spawn_rep rep;

		assert_int_equal(test_call_spawn(cli, &(struct test_spawn_req){0}, &rep, &reply),
		                 0);
		fd = ipc_fds_take(&reply.fds, 0);
		assert_true(fd >= 0);
		ipc_reply_release(&reply);
		assert_int_equal(ipc_client_new(fd, &test_service, &guest[i]), 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(
		    test_call_echo(guest[i], &(struct test_echo_req){.x = 9}, NULL, NULL), 9);
		pids[i] = test_call_hold(guest[i], &(struct test_hold_req){0}, NULL, NULL);
	}
	assert_true(pids[0] != pids[1] && pids[0] > 0 && pids[0] != pid);
	ipc_client_free(guest[0]);
	ipc_client_free(guest[1]);
	for (int i = 0; i < 2000; i++) {
		int64_t n = test_call_admin(cli, &(struct test_admin_req){0}, NULL, NULL);

		if (n == 2)
			break;
		assert_true(n >= 0);
		usleep(1000);
	}
	assert_int_equal(test_call_admin(cli, &(struct test_admin_req){0}, NULL, NULL), 2);
	ipc_client_free(cli);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	unlink(sun.sun_path);
}

static void wrong_usage(void **state)
{
	static const struct service_config config = {.program = "carrick-test"};
	char name[] = "carrick-test", version[] = "--version", bad[] = "--listen-fd=3x";
	char *one[] = {name, NULL}, *two[] = {name, version, NULL}, *three[] = {name, bad, NULL};

	(void)state;
	assert_int_equal(service_main(&config, 1, one), 125);
	assert_int_equal(service_main(&config, 2, two), 0);
	assert_int_equal(service_main(&config, 2, three), 125);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(parent_and_workers),
	    cmocka_unit_test(wrong_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
