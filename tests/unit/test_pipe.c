/* test_pipe.c: pipes: capacity, atomic writes, packets, ends that close, blocking. */
#include <setjmp.h>
#include <stdarg.h>

#include <pthread.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/lx/poll.h"
#include "supervisor/vfs/pipe.h"
#include "tests/lib/task_box.h"

#include <cmocka.h>

static int setup(void **state)
{
	return task_box_new((struct task_box **)state);
}

static int teardown(void **state)
{
	task_box_free(*state);
	return 0;
}

static void make_pipe(struct task_box *b, uint32_t flags, int fds[2])
{
	int32_t out[2];

	assert_int_equal(BOX_CALL(b, sys_pipe2, b->mem, flags), 0);
	taskbox_get(b, 0, out, sizeof(out));
	fds[0] = out[0];
	fds[1] = out[1];
}

static uint32_t poll_fd(struct task_box *b, int fd)
{
	struct file *f = fd_file(&b->task, fd);
	uint32_t events = file_poll(f, NULL);

	file_put(f);
	return events;
}

static void bytes_come_out_in_order(void **state)
{
	struct task_box *b = *state;
	char buf[32] = {0};
	int fds[2];

	make_pipe(b, LX_O_NONBLOCK, fds);
	assert_int_equal(taskbox_read(&b->task, fds[0], buf, 10), -LX_EAGAIN);
	assert_int_equal(taskbox_write(&b->task, fds[1], "hello ", 6), 6);
	assert_int_equal(taskbox_write(&b->task, fds[1], "world", 5), 5);
	assert_int_equal(taskbox_read(&b->task, fds[0], buf, 3), 3);
	assert_int_equal(taskbox_read(&b->task, fds[0], buf + 3, 20), 8);
	assert_string_equal(buf, "hello world");
	assert_int_equal(fd_close(&b->task, fds[1]), 0);
	assert_int_equal(taskbox_read(&b->task, fds[0], buf, 10), 0);
	assert_int_equal(poll_fd(b, fds[0]), LX_POLLHUP);
	fd_close(&b->task, fds[0]);
}

static void a_full_pipe_refuses_and_tells(void **state)
{
	struct task_box *b = *state;
	static uint8_t page[4096];
	int64_t total = 0, n;
	int fds[2];

	make_pipe(b, LX_O_NONBLOCK, fds);
	while ((n = taskbox_write(&b->task, fds[1], page, sizeof(page))) > 0)
		total += n;
	assert_int_equal(n, -LX_EAGAIN);
	assert_int_equal(total, 65536);
	assert_int_equal(poll_fd(b, fds[1]), 0);
	/* One byte read makes no room for a page, as on Linux. */
	assert_int_equal(taskbox_read(&b->task, fds[0], page, 1), 1);
	assert_int_equal(taskbox_write(&b->task, fds[1], page, 1), -LX_EAGAIN);
	assert_int_equal(taskbox_read(&b->task, fds[0], page, 4095), 4095);
	assert_int_equal(poll_fd(b, fds[1]), LX_POLL_WRITABLE);
	assert_int_equal(taskbox_write(&b->task, fds[1], page, 1), 1);
	fd_close(&b->task, fds[0]);
	assert_true(poll_fd(b, fds[1]) & LX_POLLERR);
	fd_close(&b->task, fds[1]);
}

static void small_writes_share_a_page(void **state)
{
	struct task_box *b = *state;
	int64_t total = 0;
	int fds[2];

	make_pipe(b, LX_O_NONBLOCK, fds);
	while (taskbox_write(&b->task, fds[1], "x", 1) == 1)
		total++;
	assert_int_equal(total, 65536);
	fd_close(&b->task, fds[0]);
	fd_close(&b->task, fds[1]);
}

static void packets_stay_apart(void **state)
{
	struct task_box *b = *state;
	char buf[64];
	int fds[2];

	make_pipe(b, LX_O_NONBLOCK | LX_O_DIRECT, fds);
	assert_int_equal(taskbox_write(&b->task, fds[1], "abc", 3), 3);
	assert_int_equal(taskbox_write(&b->task, fds[1], "defgh", 5), 5);
	assert_int_equal(taskbox_write(&b->task, fds[1], "ij", 2), 2);
	assert_int_equal(taskbox_read(&b->task, fds[0], buf, sizeof(buf)), 3);
	/* What does not fit of a packet is gone. */
	assert_int_equal(taskbox_read(&b->task, fds[0], buf, 2), 2);
	assert_memory_equal(buf, "de", 2);
	assert_int_equal(taskbox_read(&b->task, fds[0], buf, sizeof(buf)), 2);
	assert_memory_equal(buf, "ij", 2);
	assert_int_equal(taskbox_read(&b->task, fds[0], buf, sizeof(buf)), -LX_EAGAIN);
	fd_close(&b->task, fds[0]);
	fd_close(&b->task, fds[1]);
}

static void capacity_can_change(void **state)
{
	struct task_box *b = *state;
	static uint8_t data[8192];
	struct file *f;
	int fds[2];

	make_pipe(b, LX_O_NONBLOCK, fds);
	f = fd_file(&b->task, fds[1]);
	assert_int_equal(pipe_capacity(f), 65536);
	assert_int_equal(pipe_set_capacity(&b->task, f, 5000), 8192);
	assert_int_equal(taskbox_write(&b->task, fds[1], data, sizeof(data)), 8192);
	assert_int_equal(pipe_set_capacity(&b->task, f, 4096), -LX_EBUSY);
	assert_int_equal(pipe_set_capacity(&b->task, f, 0), -LX_EINVAL);
	assert_int_equal(pipe_set_capacity(&b->task, f, 1u << 20), 1 << 20);
	assert_int_equal(pipe_set_capacity(&b->task, f, UINT64_MAX), -LX_EINVAL);
	assert_int_equal(taskbox_read(&b->task, fds[0], data, sizeof(data)), 8192);
	file_put(f);
	fd_close(&b->task, fds[0]);
	fd_close(&b->task, fds[1]);
}

#define STREAM_BYTES (1u << 20)

struct writer {
	struct task task;
	int fd;
	int64_t written;
};

static void *write_stream(void *arg)
{
	struct writer *w = arg;
	static uint8_t data[STREAM_BYTES];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	w->written = taskbox_write(&w->task, w->fd, data, sizeof(data));
	fd_close(&w->task, w->fd);
	return NULL;
}

static void a_long_write_waits_for_the_reader(void **state)
{
	struct task_box *b = *state;
	struct writer w = {.written = 0};
	pthread_t thread;
	uint8_t buf[3000];
	size_t total = 0;
	int64_t n;
	int fds[2];

	make_pipe(b, 0, fds);
	task_box_thread(b, &w.task, 2);
	w.fd = fds[1];
	assert_int_equal(pthread_create(&thread, NULL, write_stream, &w), 0);
	while ((n = taskbox_read(&b->task, fds[0], buf, sizeof(buf))) > 0) {
		for (int64_t i = 0; i < n; i++, total++)
			assert_int_equal(buf[i], (uint8_t)(total * 7 + total / 256));
	}
	pthread_join(thread, NULL);
	assert_int_equal(n, 0);
	assert_int_equal(total, STREAM_BYTES);
	assert_int_equal(w.written, STREAM_BYTES);
	fd_close(&b->task, fds[0]);
}

static void *write_in_a_moment(void *arg)
{
	struct writer *w = arg;

	usleep(20000);
	w->written = taskbox_write(&w->task, w->fd, "now", 3);
	return NULL;
}

static void poll_wakes_up(void **state)
{
	struct task_box *b = *state;
	struct writer w = {.written = 0};
	struct lx_pollfd p;
	pthread_t thread;
	int fds[2];

	make_pipe(b, 0, fds);
	task_box_thread(b, &w.task, 2);
	w.fd = fds[1];
	assert_int_equal(pthread_create(&thread, NULL, write_in_a_moment, &w), 0);
	p = (struct lx_pollfd){.fd = fds[0], .events = LX_POLLIN};
	assert_int_equal(BOX_CALL(b, sys_ppoll, taskbox_put(b, 0, &p, sizeof(p)), 1, 0, 0, 8), 1);
	taskbox_get(b, 0, &p, sizeof(p));
	assert_int_equal(p.revents, LX_POLLIN);
	pthread_join(thread, NULL);
	fd_close(&b->task, fds[0]);
	fd_close(&b->task, fds[1]);
}

static void poll_times_out_and_reports_bad_descriptors(void **state)
{
	struct task_box *b = *state;
	struct lx_timespec ts = {0, 5000000};
	struct lx_pollfd p[2];
	int fds[2];

	make_pipe(b, 0, fds);
	p[0] = (struct lx_pollfd){.fd = fds[0], .events = LX_POLLIN};
	taskbox_put(b, 64, &ts, sizeof(ts));
	assert_int_equal(BOX_CALL(b, sys_ppoll, taskbox_put(b, 0, p, 8), 1, b->mem + 64, 0, 8), 0);
	taskbox_get(b, 64, &ts, sizeof(ts));
	assert_int_equal(ts.sec, 0);
	assert_int_equal(ts.nsec, 0);
	p[1] = (struct lx_pollfd){.fd = 900, .events = LX_POLLIN};
	assert_int_equal(BOX_CALL(b, sys_ppoll, taskbox_put(b, 0, p, 16), 2, 0, 0, 8), 1);
	taskbox_get(b, 0, p, sizeof(p));
	assert_int_equal(p[0].revents, 0);
	assert_int_equal(p[1].revents, LX_POLLNVAL);
	assert_int_equal(BOX_CALL(b, sys_ppoll, b->mem, 2000, 0, 0, 8), -LX_EINVAL);
	assert_int_equal(BOX_CALL(b, sys_ppoll, 16, 1, 0, 0, 8), -LX_EFAULT);
	ts.nsec = 1000000000;
	taskbox_put(b, 64, &ts, sizeof(ts));
	assert_int_equal(BOX_CALL(b, sys_ppoll, b->mem, 1, b->mem + 64, 0, 8), -LX_EINVAL);
	fd_close(&b->task, fds[0]);
	fd_close(&b->task, fds[1]);
}

static void select_reports_by_set(void **state)
{
	struct task_box *b = *state;
	uint64_t sets[3] = {0};
	struct lx_timespec zero = {0, 0};
	int fds[2];

	make_pipe(b, 0, fds);
	taskbox_put(b, 256, &zero, sizeof(zero));
	sets[0] = 1ull << fds[0];
	sets[1] = 1ull << fds[1];
	sets[2] = 3;
	taskbox_put(b, 0, sets, sizeof(sets));
	assert_int_equal(BOX_CALL(b, sys_pselect6, 2, b->mem, b->mem + 8, b->mem + 16,
				  b->mem + 256, 0), 1);
	taskbox_get(b, 0, sets, sizeof(sets));
	assert_int_equal(sets[0], 0);
	assert_int_equal(sets[1], 1ull << fds[1]);
	assert_int_equal(sets[2], 0);
	assert_int_equal(taskbox_write(&b->task, fds[1], "x", 1), 1);
	sets[0] = 1ull << fds[0];
	taskbox_put(b, 0, sets, 8);
	assert_int_equal(BOX_CALL(b, sys_pselect6, 2, b->mem, 0, 0, 0, 0), 1);
	sets[0] = 1ull << 9;
	taskbox_put(b, 0, sets, 8);
	assert_int_equal(BOX_CALL(b, sys_pselect6, 10, b->mem, 0, 0, 0, 0), -LX_EBADF);
	assert_int_equal(BOX_CALL(b, sys_pselect6, (uint64_t)-1, b->mem, 0, 0, 0, 0), -LX_EINVAL);
	fd_close(&b->task, fds[0]);
	fd_close(&b->task, fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bytes_come_out_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_pipe_refuses_and_tells, setup, teardown),
		cmocka_unit_test_setup_teardown(small_writes_share_a_page, setup, teardown),
		cmocka_unit_test_setup_teardown(packets_stay_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(capacity_can_change, setup, teardown),
		cmocka_unit_test_setup_teardown(a_long_write_waits_for_the_reader, setup, teardown),
		cmocka_unit_test_setup_teardown(poll_wakes_up, setup, teardown),
		cmocka_unit_test_setup_teardown(poll_times_out_and_reports_bad_descriptors, setup,
						teardown),
		cmocka_unit_test_setup_teardown(select_reports_by_set, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
