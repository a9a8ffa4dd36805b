/*
 * test_netd.c: netd's worker over its session socket, in both policies: TCP and UDP over the
 * loopback of a private network, options, waiting, cancelling, limits, and bad requests.
 */
#include <setjmp.h>
#include <stdarg.h>

#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "common/lx/poll.h"
#include "common/plat/socket.h"
#include "netd/session.h"

#include <cmocka.h>

struct fixture {
	struct ipc_client *c;
	struct ipc_bulk *bulk;
	pid_t pid;
	bool strict;
};

static void start(struct fixture *f, enum netd_mode mode, bool strict)
{
	struct netd_session_config config = {.mode = mode, .strict = strict, .max_handles = 50};
	int pair[2], bulk_fd;

	f->strict = strict;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(ipc_bulk_create(1 << 20, &config.bulk, &bulk_fd), 0);
	f->pid = fork();
	if (f->pid == 0) {
		close(pair[0]);
		_exit(netd_worker_main(pair[1], &config));
	}
	close(pair[1]);
	ipc_bulk_free(config.bulk);
	assert_int_equal(ipc_bulk_open(bulk_fd, &f->bulk), 0);
	close(bulk_fd);
	assert_int_equal(ipc_client_new(pair[0], &netd_service, &f->c), 0);
}

static void stop(struct fixture *f)
{
	int status;

	ipc_client_free(f->c);
	ipc_bulk_free(f->bulk);
	assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
	assert_int_equal(status, 0);
}

static uint64_t new_socket(struct fixture *f, uint32_t domain, uint32_t type)
{
	struct netd_socket_req req = {.domain = domain, .type = type};
	struct netd_socket_rep rep;
	struct ipc_reply reply;

	assert_int_equal(netd_call_socket(f->c, &req, &rep, &reply), 0);
	assert_int_equal(reply.fds.count, f->strict ? 0 : 1);
	ipc_reply_release(&reply);
	return rep.handle;
}

static struct lx_sockaddr_in loopback(uint16_t port)
{
	return (struct lx_sockaddr_in){.family = LX_AF_INET, .port = port, .addr = {127, 0, 0, 1}};
}

static struct ipc_bytes bytes(const void *p, size_t n)
{
	return (struct ipc_bytes){p, (uint32_t)n};
}

static uint16_t bind_any(struct fixture *f, uint64_t handle)
{
	struct lx_sockaddr_in a = loopback(0);
	struct netd_getsockname_rep rep;
	struct ipc_reply reply;

	assert_int_equal(
	    netd_call_bind(f->c,
	                   &(struct netd_bind_req){.handle = handle, .addr = bytes(&a, sizeof(a))},
	                   NULL, NULL),
	    0);
	assert_int_equal(netd_call_getsockname(
	                     f->c, &(struct netd_getsockname_req){.handle = handle}, &rep, &reply),
	                 0);
	assert_int_equal(rep.addr.len, sizeof(a));
	memcpy(&a, rep.addr.data, sizeof(a));
	ipc_reply_release(&reply);
	assert_int_equal(a.addr[0], 127);
	return a.port;
}

static uint32_t wait_for(struct fixture *f, uint64_t handle, uint32_t events)
{
	struct netd_wait_ready_rep rep = {0};

	assert_int_equal(
	    netd_call_wait_ready(f->c,
	                         &(struct netd_wait_ready_req){.handle = handle, .events = events},
	                         &rep, NULL),
	    0);
	return rep.events;
}

static int64_t send_text(struct fixture *f, uint64_t handle, const char *text)
{
	struct netd_sendmsg_req req = {.handle = handle, .data = ipc_bytes_of(text)};

	return netd_call_sendmsg(f->c, &req, NULL, NULL);
}

static void tcp(bool strict)
{
	struct lx_sockaddr_in a;
	struct netd_accept_rep acc;
	struct netd_recvmsg_rep got;
	struct ipc_reply reply;
	struct fixture f;
	uint64_t server, client, off;
	int64_t r;

	start(&f, NETD_NONE, strict);
	server = new_socket(&f, LX_AF_INET, LX_SOCK_STREAM);
	client = new_socket(&f, LX_AF_INET, LX_SOCK_STREAM);
	a = loopback(bind_any(&f, server));
	assert_int_equal(netd_call_listen(f.c,
	                                  &(struct netd_listen_req){.handle = server, .backlog = 5},
	                                  NULL, NULL),
	                 0);
	assert_int_equal(
	    netd_call_accept(f.c, &(struct netd_accept_req){.handle = server}, &acc, &reply),
	    -LX_EAGAIN);
	r = netd_call_connect(
	    f.c, &(struct netd_connect_req){.handle = client, .addr = bytes(&a, sizeof(a))}, NULL,
	    NULL);
	assert_true(r == 0 || r == -LX_EINPROGRESS);
	assert_true(wait_for(&f, server, LX_POLLIN) & LX_POLLIN);
	assert_int_equal(
	    netd_call_accept(f.c, &(struct netd_accept_req){.handle = server}, &acc, &reply), 0);
	assert_int_equal(acc.addr.len, sizeof(a));
	ipc_reply_release(&reply);
	assert_int_equal(send_text(&f, client, "over the wire"), 13);
	assert_true(wait_for(&f, acc.handle, LX_POLLIN) & LX_POLLIN);
	assert_int_equal(
	    netd_call_recvmsg(f.c,
	                      &(struct netd_recvmsg_req){.handle = acc.handle, .max_data = 4096},
	                      &got, &reply),
	    13);
	assert_memory_equal(got.data.data, "over the wire", 13);
	ipc_reply_release(&reply);
	/* A large payload through shared memory. */
	assert_int_equal(ipc_bulk_alloc(f.bulk, 20000, &off), 0);
	memset(ipc_bulk_at(f.bulk, off, 20000), 'b', 20000);
	assert_int_equal(
	    netd_call_sendmsg(
	        f.c,
	        &(struct netd_sendmsg_req){.handle = client, .bulk_off = off, .bulk_len = 20000},
	        NULL, NULL),
	    20000);
	assert_int_equal(
	    netd_call_sendmsg(
	        f.c,
	        &(struct netd_sendmsg_req){.handle = client, .bulk_off = 1 << 20, .bulk_len = 1},
	        NULL, NULL),
	    -LX_EINVAL);
	assert_int_equal(
	    netd_call_shutdown(
	        f.c, &(struct netd_shutdown_req){.handle = client, .how = LX_SHUT_WR}, NULL, NULL),
	    0);
	while ((r = netd_call_recvmsg(f.c,
	                              &(struct netd_recvmsg_req){
	                                  .handle = acc.handle, .bulk_off = off, .bulk_len = 20000},
	                              NULL, NULL)) != 0)
		assert_true(r > 0 || r == -LX_EAGAIN);
	stop(&f);
}

static void tcp_direct(void **state)
{
	(void)state;
	tcp(false);
}

static void tcp_strict(void **state)
{
	(void)state;
	tcp(true);
}

static void udp(void **state)
{
	struct lx_sockaddr_in a;
	struct netd_recvmsg_rep got;
	struct ipc_reply reply;
	struct fixture f;
	uint64_t x, y;

	(void)state;
	start(&f, NETD_NONE, true);
	x = new_socket(&f, LX_AF_INET, LX_SOCK_DGRAM);
	y = new_socket(&f, LX_AF_INET, LX_SOCK_DGRAM);
	a = loopback(bind_any(&f, x));
	assert_int_equal(netd_call_recvmsg(f.c,
	                                   &(struct netd_recvmsg_req){.handle = x, .max_data = 9},
	                                   &got, &reply),
	                 -LX_EAGAIN);
	assert_int_equal(
	    netd_call_sendmsg(f.c,
	                      &(struct netd_sendmsg_req){.handle = y,
	                                                 .addr = bytes(&a, sizeof(a)),
	                                                 .data = ipc_bytes_of("dgram")},
	                      NULL, NULL),
	    5);
	wait_for(&f, x, LX_POLLIN);
	assert_int_equal(netd_call_recvmsg(f.c,
	                                   &(struct netd_recvmsg_req){.handle = x, .max_data = 3},
	                                   &got, &reply),
	                 3);
	assert_true(got.msg_flags & LX_MSG_TRUNC);
	assert_int_equal(got.addr.len, sizeof(a));
	ipc_reply_release(&reply);
	stop(&f);
}

/* Nothing but the loopback is there. */
static void no_network(void **state)
{
	struct lx_sockaddr_in a = {.family = LX_AF_INET, .port = 0x5000, .addr = {192, 0, 2, 1}};
	struct netd_interfaces_rep rep;
	struct ipc_reply reply;
	struct fixture f;

	(void)state;
	start(&f, NETD_NONE, true);
	assert_int_equal(netd_call_connect(f.c,
	                                   &(struct netd_connect_req){
	                                       .handle = new_socket(&f, LX_AF_INET, LX_SOCK_STREAM),
	                                       .addr = bytes(&a, sizeof(a))},
	                                   NULL, NULL),
	                 -LX_ENETUNREACH);
	assert_int_equal(netd_call_interfaces(f.c,
	                                      &(struct netd_interfaces_req){.what = LX_RTM_GETLINK},
	                                      &rep, &reply),
	                 0);
	assert_true(rep.messages.len > 32);
	assert_int_equal(rep.messages.data[4], 16); /* RTM_NEWLINK */
	ipc_reply_release(&reply);
	assert_int_equal(
	    netd_call_interfaces(f.c, &(struct netd_interfaces_req){.what = 99}, &rep, &reply),
	    -LX_EINVAL);
	stop(&f);
}

static void options_and_errors(void **state)
{
	struct netd_getsockopt_rep rep;
	struct ipc_reply reply;
	struct fixture f;
	uint64_t h;
	int one = 1;

	(void)state;
	start(&f, NETD_HOST, true);
	h = new_socket(&f, LX_AF_INET6, LX_SOCK_STREAM);
	assert_int_equal(
	    netd_call_setsockopt(
	        f.c,
	        &(struct netd_setsockopt_req){
	            .handle = h, .level = LX_SOL_TCP, .name = 1, .value = bytes(&one, sizeof(one))},
	        NULL, NULL),
	    0);
	assert_int_equal(
	    netd_call_getsockopt(f.c,
	                         &(struct netd_getsockopt_req){
	                             .handle = h, .level = LX_SOL_TCP, .name = 1, .max = 4},
	                         &rep, &reply),
	    0);
	assert_int_equal(rep.value.len, 4);
	assert_int_equal(rep.value.data[0], 1);
	ipc_reply_release(&reply);
	assert_int_equal(
	    netd_call_getsockopt(f.c,
	                         &(struct netd_getsockopt_req){.handle = h, .level = 1, .name = 26},
	                         &rep, &reply),
	    -LX_ENOPROTOOPT);
	assert_int_equal(
	    netd_call_bind(f.c, &(struct netd_bind_req){.handle = h, .addr = ipc_bytes_of("x")},
	                   NULL, NULL),
	    -LX_EINVAL);
	assert_int_equal(
	    netd_call_bind(
	        f.c,
	        &(struct netd_bind_req){.handle = h, .addr = bytes((const uint8_t[]){1, 0, 0}, 3)},
	        NULL, NULL),
	    -LX_EAFNOSUPPORT);
	for (uint64_t bad = 99; bad != 0; bad = bad == 99 ? UINT64_MAX : 0)
		assert_int_equal(
		    netd_call_listen(f.c, &(struct netd_listen_req){.handle = bad}, NULL, NULL),
		    -LX_EBADF);
	assert_int_equal(
	    netd_call_socket(f.c, &(struct netd_socket_req){.domain = 1, .type = 1}, NULL, NULL),
	    -LX_EAFNOSUPPORT);
	assert_int_equal(netd_call_close(f.c, &(struct netd_close_req){.handle = h}, NULL, NULL),
	                 0);
	assert_int_equal(netd_call_close(f.c, &(struct netd_close_req){.handle = h}, NULL, NULL),
	                 -LX_EBADF);
	for (unsigned i = 0; i < 50; i++)
		new_socket(&f, LX_AF_INET, LX_SOCK_DGRAM);
	assert_int_equal(
	    netd_call_socket(f.c, &(struct netd_socket_req){.domain = 2, .type = 2}, NULL, NULL),
	    -LX_EMFILE);
	stop(&f);
}

static atomic_int done_calls;
static _Atomic int64_t done_result;

static void done(struct ipc_async *a, int64_t result, const void *rep, struct ipc_fds *fds)
{
	(void)a, (void)rep, (void)fds;
	atomic_store(&done_result, result);
	atomic_fetch_add(&done_calls, 1);
}

static void await(int calls)
{
	for (int i = 0; i < 3000 && atomic_load(&done_calls) < calls; i++)
		usleep(1000);
	assert_int_equal(atomic_load(&done_calls), calls);
}

static void waits_end(void **state)
{
	struct ipc_async a = {.done = done}, b = {.done = done};
	struct netd_wait_ready_req req = {.events = LX_POLLIN};
	struct fixture f;

	(void)state;
	start(&f, NETD_NONE, true);
	req.handle = new_socket(&f, LX_AF_INET, LX_SOCK_DGRAM);
	assert_int_equal(netd_submit_wait_ready(f.c, &req, &a), 0);
	assert_int_equal(netd_submit_wait_ready(f.c, &req, &b), 0);
	ipc_client_cancel(f.c, &a);
	await(1);
	assert_int_equal(done_result, -LX_ECANCELED);
	netd_post_close(f.c, &(struct netd_close_req){.handle = req.handle});
	await(2);
	assert_int_equal(done_result, -LX_EBADF);
	/* One that is still waiting when the guest goes. */
	req.handle = new_socket(&f, LX_AF_INET, LX_SOCK_DGRAM);
	assert_int_equal(netd_submit_wait_ready(f.c, &req, &a), 0);
	stop(&f);
	await(3);
	assert_int_equal(done_result, -IPC_EGONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tcp_direct),
	    cmocka_unit_test(tcp_strict),
	    cmocka_unit_test(udp),
	    cmocka_unit_test(no_network),
	    cmocka_unit_test(options_and_errors),
	    cmocka_unit_test(waits_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
