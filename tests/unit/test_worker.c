/*
 * test_worker.c: a worker as it runs, forked and confined, called over its socket: every kind of
 * host call that the operations make must pass its sandbox; and what is outside must not.
 */
#include <setjmp.h>
#include <stdarg.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/plat/sandbox.h"
#include "fsd/confine.h"
#include "fsd/worker.h"
#include "ipc/bulk.h"
#include "ipc/fsd.h"
#include "tests/lib/fsd_box.h"

#include <cmocka.h>

struct remote {
	struct fsd_box box;
	struct ipc_client *client;
	struct ipc_bulk *bulk;
	pid_t pid;
};

static void start(struct remote *r, bool strict)
{
	struct worker_job job = {.remove = true};
	int pair[2], bulk;
	uint64_t h;

	box_init(&r->box);
	box_open(&r->box);
	assert_int_equal(box_mkdir(&r->box, "etc", 0755), 0);
	assert_int_equal(box_open_file(&r->box, "etc/f", LX_O_CREAT | LX_O_WRONLY, 0644, &h, NULL),
	                 0);
	assert_int_equal(box_write(&r->box, "etc/f", 0, "content"), 7);
	box_seal(&r->box);
	r->box.strict = strict;
	box_open(&r->box);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(ipc_bulk_create(IPC_BULK_SIZE, &r->box.session.bulk, &bulk), 0);
	assert_int_equal(ipc_bulk_open(bulk, &r->bulk), 0);
	job.session = r->box.session;
	r->pid = fork();
	if (r->pid == 0) {
		/* The session's lists must not point into the parent's copy. */
		list_init(&job.session.dir_lru);
		close(pair[0]);
		_exit(worker_main(pair[1], &job));
	}
	close(pair[1]);
	close(bulk);
	assert_int_equal(ipc_client_new(pair[0], &fsd_service, &r->client), 0);
}

static void stop(struct remote *r)
{
	int status;

	ipc_client_free(r->client);
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	assert_int_equal(status, 0);
	ipc_bulk_free(r->box.session.bulk);
	ipc_bulk_free(r->bulk);
	box_release(&r->box);
}

static uint64_t look(struct remote *r, uint64_t dir, const char *name)
{
	struct fsd_lookup_req req = {.dir = dir, .name = ipc_bytes_of(name)};
	struct fsd_lookup_rep rep;

	assert_int_equal(fsd_call_lookup(r->client, &req, &rep, NULL), 0);
	return rep.node;
}

static void all_operations(struct remote *r, bool strict)
{
	struct ipc_client *c = r->client;
	uint64_t etc = look(r, 1, "etc"), f = look(r, etc, "f"), off;
	struct fsd_create_req cr = {
	    .dir = etc, .name = ipc_bytes_of("new"), .open_flags = LX_O_RDWR, .mode = 0640};
	struct fsd_create_rep crr;
	struct fsd_open_rep opr;
	struct ipc_reply reply;
	uint8_t *chunk;

	assert_int_equal(fsd_call_open(c, &(struct fsd_open_req){f, LX_O_RDWR}, &opr, &reply), 0);
	assert_int_equal(reply.fds.count, strict ? 0 : 1);
	ipc_reply_release(&reply);
	assert_int_equal(fsd_call_create(c, &cr, &crr, NULL), 0);
	assert_int_equal(ipc_bulk_alloc(r->bulk, 65536, &off), 0);
	chunk = ipc_bulk_at(r->bulk, off, 65536);
	memset(chunk, 'x', 65536);
	assert_int_equal(
	    fsd_call_write(
	        c,
	        &(struct fsd_write_req){.handle = crr.handle, .bulk_off = off, .bulk_len = 65536},
	        &(struct fsd_write_rep){0}, NULL),
	    65536);
	memset(chunk, 0, 65536);
	assert_int_equal(fsd_call_read(c,
	                               &(struct fsd_read_req){.handle = crr.handle,
	                                                      .len = 65536,
	                                                      .bulk_off = off,
	                                                      .bulk_len = 65536},
	                               NULL, NULL),
	                 65536);
	assert_int_equal(chunk[65535], 'x');
	/* Outside of the region, or longer than it says. */
	assert_int_equal(fsd_call_read(c,
	                               &(struct fsd_read_req){.handle = crr.handle,
	                                                      .len = 8,
	                                                      .bulk_off = IPC_BULK_SIZE,
	                                                      .bulk_len = 8},
	                               NULL, NULL),
	                 -LX_EINVAL);
	assert_int_equal(
	    fsd_call_read(c,
	                  &(struct fsd_read_req){
	                      .handle = crr.handle, .len = 9, .bulk_off = off, .bulk_len = 8},
	                  NULL, NULL),
	    -LX_EINVAL);
	assert_int_equal(fsd_call_fsync(c, &(struct fsd_fsync_req){crr.handle, true}, NULL, NULL),
	                 0);
	assert_int_equal(fsd_call_fallocate(
	                     c, &(struct fsd_fallocate_req){crr.handle, 3, 4096, 8192}, NULL, NULL),
	                 0);
	assert_int_equal(fsd_call_lseek(c, &(struct fsd_lseek_req){crr.handle, 0, 4}, NULL, NULL),
	                 0);
	assert_int_equal(
	    fsd_call_copy_range(c, &(struct fsd_copy_range_req){crr.handle, 0, opr.handle, 0, 100},
	                        NULL, NULL),
	    100);
	assert_int_equal(fsd_call_setattr(c,
	                                  &(struct fsd_setattr_req){.node = crr.node,
	                                                            .handle = crr.handle,
	                                                            .mask = 255,
	                                                            .mode = 0600,
	                                                            .uid = 1,
	                                                            .gid = 2,
	                                                            .size = 10},
	                                  NULL, NULL),
	                 0);
	assert_int_equal(fsd_call_close(c, &(struct fsd_close_req){crr.handle}, NULL, NULL), 0);
	assert_int_equal(
	    fsd_call_mkdir(
	        c, &(struct fsd_mkdir_req){.dir = 1, .name = ipc_bytes_of("d"), .mode = 0755}, NULL,
	        NULL),
	    0);
	assert_int_equal(fsd_call_mknod(c,
	                                &(struct fsd_mknod_req){.dir = 1,
	                                                        .name = ipc_bytes_of("p"),
	                                                        .mode = S_IFIFO | 0600},
	                                NULL, NULL),
	                 0);
	assert_int_equal(fsd_call_symlink(c,
	                                  &(struct fsd_symlink_req){.dir = 1,
	                                                            .name = ipc_bytes_of("s"),
	                                                            .target = ipc_bytes_of("t")},
	                                  NULL, NULL),
	                 0);
	assert_int_equal(
	    fsd_call_readlink(c, &(struct fsd_readlink_req){look(r, 1, "s")}, NULL, NULL), 0);
	assert_int_equal(
	    fsd_call_link(c, &(struct fsd_link_req){f, 1, ipc_bytes_of("hard")}, NULL, NULL), 0);
	assert_int_equal(
	    fsd_call_rename(c,
	                    &(struct fsd_rename_req){etc, ipc_bytes_of("f"), look(r, 1, "d"),
	                                             ipc_bytes_of("g"), 0},
	                    NULL, NULL),
	    0);
	assert_int_equal(
	    fsd_call_rename(c,
	                    &(struct fsd_rename_req){1, ipc_bytes_of("s"), 1, ipc_bytes_of("p"), 2},
	                    NULL, NULL),
	    0);
	assert_int_equal(fsd_call_setxattr(c,
	                                   &(struct fsd_setxattr_req){f, ipc_bytes_of("user.a"),
	                                                              ipc_bytes_of("v"), 0},
	                                   NULL, NULL),
	                 0);
	assert_int_equal(
	    fsd_call_getxattr(c, &(struct fsd_getxattr_req){f, ipc_bytes_of("user.a"), 10}, NULL,
	                      NULL),
	    1);
	assert_int_equal(fsd_call_listxattr(c, &(struct fsd_listxattr_req){f}, NULL, NULL), 7);
	assert_int_equal(
	    fsd_call_removexattr(c, &(struct fsd_removexattr_req){f, ipc_bytes_of("user.a")}, NULL,
	                         NULL),
	    0);
	assert_int_equal(fsd_call_statfs(c, &(struct fsd_statfs_req){1}, NULL, NULL), 0);
	assert_int_equal(
	    fsd_call_tmpfile(
	        c, &(struct fsd_tmpfile_req){.dir = 1, .open_flags = LX_O_RDWR, .mode = 0600}, NULL,
	        NULL),
	    0);
	assert_int_equal(
	    fsd_call_unlink(c, &(struct fsd_unlink_req){1, ipc_bytes_of("hard"), 0}, NULL, NULL), 0);
	assert_int_equal(
	    fsd_call_unlink(c, &(struct fsd_unlink_req){etc, ipc_bytes_of("new"), 0}, NULL, NULL), 0);
	assert_int_equal(
	    fsd_call_rmdir(c, &(struct fsd_rmdir_req){1, ipc_bytes_of("etc")}, NULL, NULL), 0);
	assert_int_equal(fsd_call_readdir(c, &(struct fsd_readdir_req){1, 0, 65536}, NULL, NULL),
	                 0);
	assert_int_equal(
	    fsd_call_forget(c, &(struct fsd_forget_req){{(const uint8_t *)"\2\0\0\0\0\0\0\0", 8}},
	                    NULL, NULL),
	    0);
}

static void test_direct(void **state)
{
	struct remote r;

	(void)state;
	start(&r, false);
	all_operations(&r, false);
	stop(&r);
}

static void test_strict(void **state)
{
	struct remote r;

	(void)state;
	start(&r, true);
	all_operations(&r, true);
	stop(&r);
}

/* What each forbidden deed of a confined worker comes to: killed, or refused with an errno. */
static int deed(int which)
{
	switch (which) {
	case 0:
		return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	case 1:
		return socket(AF_INET, SOCK_STREAM, 0);
	case 2:
		return open("/tmp/carrick-outside", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	case 3:
		return fork();
	default:
		return execl("/bin/true", "true", (char *)NULL);
	}
}

static void test_confined(void **state)
{
	bool landlock = sandbox_probe() & SANDBOX_LANDLOCK;

	(void)state;
	for (int which = 0; which < 5; which++) {
		struct fsd_box b;
		int status;
		pid_t pid;

		if (!landlock && (which == 0 || which == 2))
			continue; /* nothing else keeps it from the host's files */
		box_init(&b);
		box_open(&b);
		pid = fork();
		if (pid == 0) {
			if (confine_worker(&b.session, false) < 0)
				_exit(2);
			_exit(deed(which) < 0 ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFSIGNALED(status) && WEXITSTATUS(status) == 1)
			fail_msg("deed %d: %x", which, status);
		box_release(&b);
	}
}

static void test_speed(void **state)
{
	struct remote r;
	struct timespec a, b;
	uint64_t etc, f;

	(void)state;
	if (!getenv("BENCH")) {
		print_message("SKIP: a measurement, not a test; BENCH=1 runs it\n");
		skip();
	}
	start(&r, false);
	etc = look(&r, 1, "etc");
	f = look(&r, etc, "f");
	for (int kind = 0; kind < 4; kind++) {
		static const char *const names[] = {"lookup", "getattr", "open+close",
		                                    "create+unlink"};

		clock_gettime(CLOCK_MONOTONIC, &a);
		for (int i = 0; i < 5000; i++) {
			struct fsd_open_rep opr;
			struct fsd_create_rep crr;
			struct fsd_create_req cr = {.dir = etc,
			                            .name = ipc_bytes_of("tmp"),
			                            .open_flags = LX_O_RDWR,
			                            .mode = 0640};

			if (kind == 0)
				look(&r, etc, "f");
			else if (kind == 1)
				assert_int_equal(fsd_call_getattr(r.client,
				                                  &(struct fsd_getattr_req){f},
				                                  NULL, NULL),
				                 0);
			else if (kind == 2) {
				assert_int_equal(fsd_call_open(r.client,
				                               &(struct fsd_open_req){f, 0}, &opr,
				                               NULL),
				                 0);
				fsd_post_close(r.client, &(struct fsd_close_req){opr.handle});
			} else {
				assert_int_equal(fsd_call_create(r.client, &cr, &crr, NULL), 0);
				fsd_post_close(r.client, &(struct fsd_close_req){crr.handle});
				assert_int_equal(fsd_call_unlink(r.client,
				                                 &(struct fsd_unlink_req){
				                                     etc, ipc_bytes_of("tmp"), 0},
				                                 NULL, NULL),
				                 0);
			}
		}
		clock_gettime(CLOCK_MONOTONIC, &b);
		print_message(
		    "%s: %.1f us\n", names[kind],
		    ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / 5000 /
		        1000);
	}
	stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_direct),
	    cmocka_unit_test(test_strict),
	    cmocka_unit_test(test_confined),
	    cmocka_unit_test(test_speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
