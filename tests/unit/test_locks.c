/* test_locks.c: POSIX, open-file-description and flock locks, waiting and deadlock. */
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "supervisor/vfs/locks.h"
#include "tests/lib/vfs_box.h"

#include <cmocka.h>

static struct vfs_box box;
static struct task other; /* of another process: its own descriptor table */
static struct tgroup other_group;
static struct file *f1, *f2;
#define T (&box.task)

static int setup(void **state)
{
	(void)state;
	vfs_box_init(&box);
	vfs_box_second(&box, &other);
	other_group = box.group;
	other_group.tgid = 2;
	other.group = &other_group;
	assert_int_equal(fd_table_new(&other.files), 0);
	assert_int_equal(vbox_make(&box, "/f", "0123456789"), 0);
	assert_int_equal(vbox_open(&box, "/f", LX_O_RDWR, 0, &f1), 0);
	assert_int_equal(vbox_open(&box, "/f", LX_O_RDWR, 0, &f2), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	locks_remove_posix(f1, T->files);
	locks_remove_posix(f2, other.files);
	file_put(f1);
	file_put(f2);
	fd_table_put(&other, other.files);
	vfs_box_release(&box);
	return 0;
}

static int set(struct task *t, struct file *f, int type, int64_t start, int64_t len, bool ofd)
{
	struct lx_flock fl = {.l_type = (int16_t)type, .l_start = start, .l_len = len};

	return locks_set(t, f, &fl, ofd, false);
}

static void count_line(void *opaque, const char *line)
{
	(void)line;
	++*(unsigned *)opaque;
}

static unsigned lock_count(void)
{
	unsigned n = 0;

	locks_for_each(count_line, &n);
	return n;
}

static void ranges_split_and_merge(void **state)
{
	(void)state;
	assert_int_equal(set(T, f1, LX_F_WRLCK, 0, 100, false), 0);
	assert_int_equal(set(T, f1, LX_F_UNLCK, 40, 20, false), 0);
	assert_int_equal(lock_count(), 2);
	assert_int_equal(set(&other, f2, LX_F_WRLCK, 40, 20, false), 0);
	assert_int_equal(set(&other, f2, LX_F_RDLCK, 39, 1, false), -LX_EAGAIN);
	assert_int_equal(set(&other, f2, LX_F_UNLCK, 0, 0, false), 0);
	assert_int_equal(set(T, f1, LX_F_WRLCK, 40, 20, false), 0);
	assert_int_equal(lock_count(), 1);
	assert_int_equal(set(T, f1, LX_F_RDLCK, 10, 10, false), 0);
	assert_int_equal(lock_count(), 3);
	assert_int_equal(set(T, f1, LX_F_UNLCK, 0, 0, false), 0);
	assert_int_equal(lock_count(), 0);
}

static void asking(void **state)
{
	struct lx_flock fl = {.l_type = LX_F_WRLCK, .l_whence = LX_SEEK_END, .l_start = -5, .l_len = 3};

	(void)state;
	assert_int_equal(set(T, f1, LX_F_RDLCK, 6, 0, false), 0);
	assert_int_equal(locks_get(&other, f2, &fl, false), 0);
	assert_int_equal(fl.l_type, LX_F_RDLCK);
	assert_int_equal(fl.l_start, 6);
	assert_int_equal(fl.l_len, 0);
	assert_int_equal(fl.l_pid, 1);
	fl = (struct lx_flock){.l_type = LX_F_RDLCK};
	assert_int_equal(locks_get(&other, f2, &fl, false), 0);
	assert_int_equal(fl.l_type, LX_F_UNLCK);
	/* One's own locks are in nobody's way. */
	fl = (struct lx_flock){.l_type = LX_F_WRLCK};
	assert_int_equal(locks_get(T, f1, &fl, false), 0);
	assert_int_equal(fl.l_type, LX_F_UNLCK);
}

static void bad_ranges(void **state)
{
	struct lx_flock fl = {.l_type = 9};

	(void)state;
	assert_int_equal(locks_set(T, f1, &fl, false, false), -LX_EINVAL);
	assert_int_equal(set(T, f1, LX_F_WRLCK, -1, 1, false), -LX_EINVAL);
	assert_int_equal(set(T, f1, LX_F_WRLCK, 5, -6, false), -LX_EINVAL);
	assert_int_equal(set(T, f1, LX_F_WRLCK, INT64_MAX, 2, false), -LX_EOVERFLOW);
	assert_int_equal(set(T, f1, LX_F_WRLCK, 5, -5, false), 0);
	fl = (struct lx_flock){.l_type = LX_F_WRLCK, .l_whence = 7};
	assert_int_equal(locks_set(T, f1, &fl, false, false), -LX_EINVAL);
	fl = (struct lx_flock){.l_type = LX_F_WRLCK, .l_pid = 3};
	assert_int_equal(locks_set(T, f1, &fl, true, false), -LX_EINVAL);
}

static void kinds_meet(void **state)
{
	(void)state;
	assert_int_equal(set(T, f1, LX_F_WRLCK, 0, 10, true), 0);
	/* The same process through another open file: a different owner. */
	assert_int_equal(set(T, f2, LX_F_WRLCK, 0, 10, true), -LX_EAGAIN);
	assert_int_equal(set(T, f1, LX_F_WRLCK, 0, 10, false), -LX_EAGAIN);
	assert_int_equal(locks_flock(T, f2, LX_LOCK_EX | LX_LOCK_NB), 0);
	assert_int_equal(locks_flock(T, f1, LX_LOCK_SH | LX_LOCK_NB), -LX_EAGAIN);
	assert_int_equal(locks_flock(T, f2, LX_LOCK_SH | LX_LOCK_NB), 0);
	assert_int_equal(locks_flock(T, f1, LX_LOCK_SH | LX_LOCK_NB), 0);
	assert_int_equal(locks_flock(T, f1, LX_LOCK_EX | LX_LOCK_NB), -LX_EAGAIN);
	assert_int_equal(locks_flock(T, f1, 0), -LX_EINVAL);
	locks_remove_file(f1);
	locks_remove_file(f2);
	assert_int_equal(lock_count(), 0);
}

static void any_close_drops_posix_locks(void **state)
{
	(void)state;
	assert_int_equal(set(T, f1, LX_F_WRLCK, 0, 0, false), 0);
	locks_remove_posix(f2, T->files);
	assert_int_equal(lock_count(), 0);
}

struct waiter_arg {
	struct task *task;
	struct file *file;
	int64_t start;
	int result;
};

static void *wait_for(void *arg)
{
	struct waiter_arg *w = arg;
	struct lx_flock fl = {.l_type = LX_F_WRLCK, .l_start = w->start, .l_len = 1};

	w->result = locks_set(w->task, w->file, &fl, false, true);
	return NULL;
}

static void waiting(void **state)
{
	struct waiter_arg w = {&other, f2, 0, 1};
	pthread_t thread;

	(void)state;
	assert_int_equal(set(T, f1, LX_F_WRLCK, 0, 10, false), 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_for, &w), 0);
	usleep(20000);
	assert_int_equal(set(T, f1, LX_F_UNLCK, 0, 1, false), 0);
	pthread_join(thread, NULL);
	assert_int_equal(w.result, 0);
	assert_int_equal(set(T, f1, LX_F_RDLCK, 0, 1, false), -LX_EAGAIN);
}

static void circles_are_found(void **state)
{
	struct waiter_arg w = {&other, f2, 0, 1};
	struct lx_flock fl = {.l_type = LX_F_WRLCK, .l_start = 1, .l_len = 1};
	pthread_t thread;
	int r;

	(void)state;
	assert_int_equal(set(T, f1, LX_F_WRLCK, 0, 1, false), 0);
	assert_int_equal(set(&other, f2, LX_F_WRLCK, 1, 1, false), 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_for, &w), 0);
	usleep(20000);
	r = locks_set(T, f1, &fl, false, true);
	assert_int_equal(r, -LX_EDEADLK);
	locks_remove_posix(f1, T->files);
	pthread_join(thread, NULL);
	assert_int_equal(w.result, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ranges_split_and_merge), TEST(asking),
		TEST(bad_ranges),	      TEST(kinds_meet),
		TEST(any_close_drops_posix_locks), TEST(waiting),
		TEST(circles_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
