/* test_fdtable.c: descriptor tables: numbers, growth, limits, copies, and threads at once. */
#include <setjmp.h>
#include <stdarg.h>

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "supervisor/vfs/file.h"
#include "tests/lib/vfs_box.h"

#include <cmocka.h>

static struct vfs_box box;
#define T (&box.task)
static unsigned released;

static void count_release(struct file *f)
{
	(void)f;
	__atomic_fetch_add(&released, 1, __ATOMIC_RELAXED);
}

static const struct file_ops counted_ops = {.release = count_release, .seekless = true};

static int setup(void **state)
{
	(void)state;
	released = 0;
	vfs_box_init(&box);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	vfs_box_release(&box);
	return 0;
}

static struct file *new_file(void)
{
	struct file *f;

	assert_int_equal(file_new_anon(&box.guest, &counted_ops, NULL, LX_O_RDWR, 0600, "test", &f), 0);
	return f;
}

static void lowest_free_number(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++)
		assert_int_equal(fd_install(T, new_file(), 0, false), i);
	assert_int_equal(fd_close(T, 70), 0);
	assert_int_equal(fd_close(T, 3), 0);
	assert_int_equal(fd_close(T, 3), -LX_EBADF);
	assert_int_equal(fd_install(T, new_file(), 10, false), 70);
	assert_int_equal(fd_install(T, new_file(), 0, false), 3);
	assert_int_equal(fd_install(T, new_file(), 500, false), 500);
	assert_int_equal(fd_install(T, new_file(), 0, false), 200);
	assert_null(fd_file(T, 501));
	assert_null(fd_file(T, -1));
	assert_null(fd_file(T, INT32_MAX));
	assert_int_equal(released, 2);
}

static void the_limit_holds(void **state)
{
	struct file *f = new_file();

	(void)state;
	box.group.rlimit[7].cur = 5;
	for (int i = 0; i < 5; i++)
		assert_int_equal(fd_install(T, file_get(f), 0, false), i);
	assert_int_equal(fd_install(T, f, 0, false), -LX_EMFILE);
	assert_int_equal(fd_install(T, f, 7, false), -LX_EMFILE);
	assert_int_equal(fd_dup2(T, 0, 5, false), -LX_EBADF);
	assert_int_equal(fd_dup2(T, 0, INT32_MAX, false), -LX_EBADF);
	assert_int_equal(fd_dup2(T, 0, -1, false), -LX_EBADF);
	file_put(f);
}

static void dup2_replaces(void **state)
{
	struct file *f;

	(void)state;
	assert_int_equal(fd_install(T, new_file(), 0, true), 0);
	assert_int_equal(fd_install(T, new_file(), 0, true), 1);
	assert_int_equal(fd_dup2(T, 0, 1, false), 1);
	assert_int_equal(released, 1);
	f = fd_file(T, 1);
	assert_ptr_equal(f, fd_table_file(T->files, 0));
	file_put(f);
	file_put(f);
	assert_int_equal(fd_get_cloexec(T, 0), 1);
	assert_int_equal(fd_get_cloexec(T, 1), 0);
	assert_int_equal(fd_dup2(T, 0, 300, true), 300);
	assert_int_equal(fd_get_cloexec(T, 300), 1);
	assert_int_equal(fd_dup2(T, 9, 1, false), -LX_EBADF);
	assert_int_equal(fd_dup2(T, 1, 1, false), 1);
}

static void copies_and_exec(void **state)
{
	struct fd_table *copy;

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(fd_install(T, new_file(), 0, i % 2), i);
	assert_int_equal(fd_table_copy(T->files, &copy), 0);
	fd_table_close_on_exec(T, T->files);
	assert_int_equal(released, 0);
	assert_null(fd_file(T, 1));
	fd_table_put(T, copy);
	assert_int_equal(released, 5);
	fd_close_range(T, 4, UINT32_MAX, false);
	assert_int_equal(released, 8);
	assert_int_equal(fd_install(T, new_file(), 0, false), 1);
}

struct worker {
	pthread_t thread;
	struct task task;
	unsigned seed;
};

static void *churn(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < 3000; i++) {
		struct file *f = NULL;
		int64_t fd;

		if (file_new_anon(&box.guest, &counted_ops, NULL, LX_O_RDWR, 0600, "test", &f) < 0)
			break;
		fd = fd_install(&w->task, f, 0, false);
		if (fd < 0) {
			file_put(f);
			continue;
		}
		f = fd_file(&w->task, (int)((w->seed + (unsigned)i) % 16));
		if (f)
			file_put(f);
		(void)fd_dup2(&w->task, (int)fd, (int)((w->seed * 7 + (unsigned)i) % 64), false);
		(void)fd_close(&w->task, (int)((unsigned)i % 64));
		(void)fd_close(&w->task, (int)fd);
	}
	return NULL;
}

static void threads_at_once(void **state)
{
	struct worker w[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		vfs_box_second(&box, &w[i].task);
		w[i].seed = i;
		assert_int_equal(pthread_create(&w[i].thread, NULL, churn, &w[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++)
		pthread_join(w[i].thread, NULL);
	fd_close_range(T, 0, UINT32_MAX, false);
	assert_int_equal(released, 12000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lowest_free_number), TEST(the_limit_holds), TEST(dup2_replaces),
		TEST(copies_and_exec),	  TEST(threads_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
