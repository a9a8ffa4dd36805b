/*
 * test_tty.c: pseudo-terminals as open files: both sides, their ioctls, packet mode, closing,
 * hangup, and many bytes between threads.
 */
#include <setjmp.h>
#include <stdarg.h>

#include <pthread.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/lx/ioctl.h"
#include "common/lx/poll.h"
#include "common/lx/termios.h"
#include "supervisor/task/pid.h"
#include "supervisor/vfs/file.h"
#include "supervisor/vfs/tty.h"
#include "tests/lib/task_box.h"

#include <cmocka.h>

struct fixture {
	struct task_box *b;
	struct superblock *sb;
	int master, slave;
};

/* Opens an entry of devpts. */
static int open_node(struct fixture *f, const char *name)
{
	struct inode *inode;
	struct file *file;
	int64_t fd;
	int ret = f->sb->root->ops->lookup(f->sb->root, name, &inode);

	if (ret < 0)
		return ret;
	assert_int_equal(file_new_inode(inode, NULL, NULL, LX_O_RDWR, name, &file), 0);
	file->flags |= LX_O_NOCTTY;
	ret = chardev_open(&f->b->task, inode, file);
	file->flags &= ~LX_O_NOCTTY;
	inode_put(inode);
	if (ret < 0) {
		file_put(file);
		return ret;
	}
	fd = fd_install(&f->b->task, file, 0, false);
	assert_true(fd >= 0);
	return (int)fd;
}

static int64_t tty_call(struct fixture *f, int fd, uint32_t request, uint64_t arg)
{
	struct file *file = fd_file(&f->b->task, fd);
	int64_t ret = file->ops->ioctl(&f->b->task, file, request, arg);

	file_put(file);
	return ret;
}

static void set_nonblock(struct fixture *f, int fd)
{
	struct file *file = fd_file(&f->b->task, fd);

	file->flags |= LX_O_NONBLOCK;
	file_put(file);
}

static uint32_t poll_fd(struct fixture *f, int fd)
{
	struct file *file = fd_file(&f->b->task, fd);
	uint32_t events = file_poll(file, NULL);

	file_put(file);
	return events;
}

static int setup(void **state)
{
	static struct fixture f;
	uint32_t unlock = 0;

	if (task_box_new(&f.b) < 0 || task_table_new(64, &f.b->guest.tasks) < 0 ||
	    fs_pts_mount(&f.b->guest, &f.sb) < 0)
		return -1;
	f.master = open_node(&f, "ptmx");
	if (f.master < 0 || open_node(&f, "0") != -LX_EIO) /* locked at first */
		return -1;
	if (tty_call(&f, f.master, LX_TIOCSPTLCK, taskbox_put(f.b, 0, &unlock, 4)) < 0)
		return -1;
	f.slave = open_node(&f, "0");
	*state = &f;
	return f.slave < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	superblock_put(f->sb);
	task_box_free(f->b);
	return 0;
}

static int64_t put(struct fixture *f, int fd, const char *text)
{
	return taskbox_write(&f->b->task, fd, text, strlen(text));
}

/* What is there to read, as a string. */
static const char *get(struct fixture *f, int fd)
{
	static char buf[4096];
	int64_t n = taskbox_read(&f->b->task, fd, buf, sizeof(buf) - 1);

	buf[n > 0 ? n : 0] = '\0';
	return n < 0 ? "(error)" : buf;
}

static void both_sides_talk(void **state)
{
	struct fixture *f = *state;
	uint32_t n;

	assert_int_equal(put(f, f->master, "typed\r"), 6);
	assert_string_equal(get(f, f->master), "typed\r\n");
	assert_int_equal(tty_call(f, f->slave, LX_FIONREAD, f->b->mem), 0);
	taskbox_get(f->b, 0, &n, 4);
	assert_int_equal(n, 6);
	assert_string_equal(get(f, f->slave), "typed\n");
	assert_int_equal(put(f, f->slave, "shown\n"), 6);
	assert_string_equal(get(f, f->master), "shown\r\n");
	set_nonblock(f, f->slave);
	set_nonblock(f, f->master);
	assert_string_equal(get(f, f->slave), "(error)");
	assert_string_equal(get(f, f->master), "(error)");
	assert_int_equal(poll_fd(f, f->slave), LX_POLL_WRITABLE);
	assert_int_equal(poll_fd(f, f->master), LX_POLL_WRITABLE);
}

static void attributes_and_sizes(void **state)
{
	struct fixture *f = *state;
	struct lx_winsize size = {24, 80, 0, 0};
	struct lx_termios tio;
	uint32_t index;

	assert_int_equal(tty_call(f, f->slave, LX_TCGETS, f->b->mem), 0);
	taskbox_get(f->b, 0, &tio, sizeof(tio));
	assert_true(tio.c_lflag & LX_ICANON);
	tio.c_lflag &= ~(LX_ICANON | LX_ECHO);
	tio.c_cc[LX_VMIN] = 3;
	assert_int_equal(tty_call(f, f->slave, LX_TCSETSW, taskbox_put(f->b, 0, &tio, sizeof(tio))),
			 0);
	assert_int_equal(put(f, f->master, "ab"), 2);
	assert_int_equal(poll_fd(f, f->slave), LX_POLL_WRITABLE);
	assert_int_equal(put(f, f->master, "c"), 1);
	assert_string_equal(get(f, f->slave), "abc");
	assert_int_equal(tty_call(f, f->master, LX_TIOCSWINSZ,
				  taskbox_put(f->b, 0, &size, sizeof(size))), 0);
	assert_int_equal(tty_call(f, f->slave, LX_TIOCGWINSZ, f->b->mem + 64), 0);
	taskbox_get(f->b, 64, &size, sizeof(size));
	assert_int_equal(size.ws_row, 24);
	assert_int_equal(size.ws_col, 80);
	assert_int_equal(tty_call(f, f->master, LX_TIOCGPTN, f->b->mem), 0);
	taskbox_get(f->b, 0, &index, 4);
	assert_int_equal(index, 0);
	assert_int_equal(tty_call(f, f->slave, LX_TIOCGPTN, f->b->mem), -LX_ENOTTY);
	assert_int_equal(tty_call(f, f->slave, LX_TIOCSTI, f->b->mem), -LX_EIO);
	assert_int_equal(tty_call(f, f->slave, LX_TIOCGPGRP, f->b->mem), -LX_ENOTTY);
	assert_int_equal(tty_call(f, f->slave, LX_TCGETS, 8), -LX_EFAULT);
	assert_int_equal(tty_call(f, f->slave, LX_TCFLSH, 7), -LX_EINVAL);
	assert_int_equal(tty_call(f, f->slave, 0xdeadbeef, 0), -LX_ENOTTY);
}

static void flushing(void **state)
{
	struct fixture *f = *state;

	set_nonblock(f, f->slave);
	assert_int_equal(put(f, f->master, "gone\r"), 5);
	assert_int_equal(tty_call(f, f->slave, LX_TCFLSH, LX_TCIFLUSH), 0);
	assert_string_equal(get(f, f->slave), "(error)");
	/* Output that is held back goes on when it is released. */
	assert_int_equal(tty_call(f, f->slave, LX_TCXONC, LX_TCOOFF), 0);
	assert_int_equal(put(f, f->slave, "x"), -LX_EAGAIN);
	assert_int_equal(tty_call(f, f->slave, LX_TCXONC, LX_TCOON), 0);
	assert_int_equal(put(f, f->slave, "x"), 1);
}

static void packets(void **state)
{
	struct fixture *f = *state;
	uint32_t on = 1;
	char buf[16];

	assert_int_equal(tty_call(f, f->master, LX_TIOCPKT, taskbox_put(f->b, 0, &on, 4)), 0);
	assert_int_equal(put(f, f->slave, "data"), 4);
	assert_int_equal(taskbox_read(&f->b->task, f->master, buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "\0data", 5);
	assert_int_equal(tty_call(f, f->slave, LX_TCFLSH, LX_TCIOFLUSH), 0);
	assert_true(poll_fd(f, f->master) & LX_POLLPRI);
	assert_int_equal(taskbox_read(&f->b->task, f->master, buf, sizeof(buf)), 1);
	assert_int_equal(buf[0], LX_TIOCPKT_FLUSHREAD | LX_TIOCPKT_FLUSHWRITE);
}

static void closing_the_slave(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, f->slave, "last"), 4);
	assert_int_equal(fd_close(&f->b->task, f->slave), 0);
	assert_true(poll_fd(f, f->master) & LX_POLLHUP);
	assert_string_equal(get(f, f->master), "last");
	assert_string_equal(get(f, f->master), "(error)");
	/* It can be opened again. */
	f->slave = open_node(f, "0");
	assert_true(f->slave >= 0);
	assert_false(poll_fd(f, f->master) & LX_POLLHUP);
}

static void closing_the_master_hangs_up(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(fd_close(&f->b->task, f->master), 0);
	assert_int_equal(poll_fd(f, f->slave),
			 LX_POLL_READABLE | LX_POLL_WRITABLE | LX_POLLERR | LX_POLLHUP);
	assert_string_equal(get(f, f->slave), "");
	assert_int_equal(put(f, f->slave, "x"), -LX_EIO);
	assert_int_equal(tty_call(f, f->slave, LX_TCGETS, f->b->mem), -LX_EIO);
	assert_int_equal(open_node(f, "0"), -LX_ENOENT);
}

#define BYTES 200000

struct side {
	struct task task;
	int fd;
	bool writes;
	int64_t total;
};

static void *run_side(void *arg)
{
	struct side *s = arg;
	char buf[700];

	memset(buf, 'y', sizeof(buf));
	while (s->total < BYTES) {
		size_t n = MIN(sizeof(buf), (size_t)(BYTES - s->total));
		int64_t ret = s->writes ? taskbox_write(&s->task, s->fd, buf, n)
					: taskbox_read(&s->task, s->fd, buf, n);

		if (ret <= 0)
			break;
		for (int64_t i = 0; !s->writes && i < ret; i++) {
			if (buf[i] != 'y')
				return NULL;
		}
		s->total += ret;
	}
	return NULL;
}

static void many_bytes_both_ways(void **state)
{
	struct fixture *f = *state;
	struct lx_termios tio;
	struct side s[4];
	pthread_t thread[4];

	assert_int_equal(tty_call(f, f->slave, LX_TCGETS, f->b->mem), 0);
	taskbox_get(f->b, 0, &tio, sizeof(tio));
	tio.c_lflag = 0;
	tio.c_oflag = 0;
	tio.c_iflag = 0;
	assert_int_equal(tty_call(f, f->slave, LX_TCSETS, taskbox_put(f->b, 0, &tio, sizeof(tio))),
			 0);
	for (unsigned i = 0; i < 4; i++) {
		s[i] = (struct side){.fd = i / 2 ? f->master : f->slave, .writes = i % 2};
		task_box_thread(f->b, &s[i].task, 2 + (int)i);
		assert_int_equal(pthread_create(&thread[i], NULL, run_side, &s[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(s[i].total, BYTES);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(both_sides_talk), TEST(attributes_and_sizes), TEST(flushing), TEST(packets),
		TEST(closing_the_slave), TEST(closing_the_master_hangs_up),
		TEST(many_bytes_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
