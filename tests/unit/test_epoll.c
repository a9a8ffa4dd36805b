/*
 * test_epoll.c: epoll on files that the test controls: level and edge, one-shot, closing,
 * nesting and its loops, and waking another thread.
 */
#include <setjmp.h>
#include <stdarg.h>

#include <pthread.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/lx/poll.h"
#include "supervisor/vfs/poll.h"
#include "tests/lib/task_box.h"

#include <cmocka.h>

/* A file that is ready for what the test says. */
struct fake {
	struct waitq wait;
	uint32_t ready; /* atomic */
	unsigned polls;
};

static uint32_t fake_poll(struct file *f, struct poll_table *pt)
{
	struct fake *k = f->priv;

	k->polls++;
	poll_wait(f, &k->wait, pt);
	return __atomic_load_n(&k->ready, __ATOMIC_ACQUIRE);
}

static const struct file_ops fake_fops = {.poll = fake_poll, .seekless = true};
static const struct file_ops unpollable_fops = {.seekless = true};

static void fake_set(struct fake *k, uint32_t ready)
{
	__atomic_store_n(&k->ready, ready, __ATOMIC_RELEASE);
	waitq_wake(&k->wait, ready);
}

static int fake_open(struct task_box *b, struct fake *k)
{
	struct file *f;
	int64_t fd;

	*k = (struct fake){.ready = 0};
	waitq_init(&k->wait);
	assert_int_equal(file_new_anon(&b->guest, &fake_fops, k, LX_O_RDWR, 0600, "fake", &f), 0);
	fd = fd_install(&b->task, f, 0, false);
	assert_true(fd >= 0);
	return (int)fd;
}

static int ep_new(struct task_box *b)
{
	int64_t fd = BOX_CALL(b, sys_epoll_create1, 0);

	assert_true(fd >= 0);
	return (int)fd;
}

static int64_t ep_ctl(struct task_box *b, int ep, int op, int fd, uint32_t events, uint64_t data)
{
	struct lx_epoll_event ev = {.events = events, .data = data};

	return BOX_CALL(b, sys_epoll_ctl, (uint32_t)ep, (uint32_t)op, (uint32_t)fd,
			taskbox_put(b, 4096, &ev, sizeof(ev)));
}

#define ADD(b, ep, fd, events, data) \
	assert_int_equal(ep_ctl(b, ep, LX_EPOLL_CTL_ADD, fd, events, data), 0)

/* Events that are ready now. */
static int64_t ep_look(struct task_box *b, int ep, struct lx_epoll_event *out, int max)
{
	int64_t n = BOX_CALL(b, sys_epoll_pwait, (uint32_t)ep, b->mem, (uint32_t)max, 0, 0, 8);

	if (n > 0)
		taskbox_get(b, 0, out, (size_t)n * sizeof(*out));
	return n;
}

static int setup(void **state)
{
	return task_box_new((struct task_box **)state);
}

static int teardown(void **state)
{
	task_box_free(*state);
	return 0;
}

static void level_reports_until_not_ready(void **state)
{
	struct task_box *b = *state;
	struct lx_epoll_event ev[4];
	static struct fake k;
	int ep = ep_new(b), fd = fake_open(b, &k);

	ADD(b, ep, fd, LX_POLLIN, 77);
	assert_int_equal(ep_look(b, ep, ev, 4), 0);
	fake_set(&k, LX_POLLIN);
	assert_int_equal(ep_look(b, ep, ev, 4), 1);
	assert_int_equal(ev[0].events, LX_POLLIN);
	assert_int_equal(ev[0].data, 77);
	assert_int_equal(ep_look(b, ep, ev, 4), 1);
	fake_set(&k, 0);
	assert_int_equal(ep_look(b, ep, ev, 4), 0);
	/* Errors and hangups are reported unasked; other events are not. */
	fake_set(&k, LX_POLLHUP | LX_POLLOUT);
	assert_int_equal(ep_look(b, ep, ev, 4), 1);
	assert_int_equal(ev[0].events, LX_POLLHUP);
}

static void edge_reports_once_per_wake(void **state)
{
	struct task_box *b = *state;
	struct lx_epoll_event ev[4];
	static struct fake k;
	int ep = ep_new(b), fd = fake_open(b, &k);

	fake_set(&k, LX_POLLIN);
	ADD(b, ep, fd, LX_POLLIN | LX_EPOLLET, 1); /* ready at once: an edge */
	assert_int_equal(ep_look(b, ep, ev, 4), 1);
	assert_int_equal(ep_look(b, ep, ev, 4), 0);
	fake_set(&k, LX_POLLIN);
	assert_int_equal(ep_look(b, ep, ev, 4), 1);
	assert_int_equal(ep_look(b, ep, ev, 4), 0);
	/* Modifying looks anew. */
	assert_int_equal(ep_ctl(b, ep, LX_EPOLL_CTL_MOD, fd, LX_POLLIN | LX_EPOLLET, 2), 0);
	assert_int_equal(ep_look(b, ep, ev, 4), 1);
	assert_int_equal(ev[0].data, 2);
}

static void oneshot_is_silent_until_modified(void **state)
{
	struct task_box *b = *state;
	struct lx_epoll_event ev[4];
	static struct fake k;
	int ep = ep_new(b), fd = fake_open(b, &k);

	ADD(b, ep, fd, LX_POLLIN | LX_EPOLLONESHOT, 1);
	fake_set(&k, LX_POLLIN);
	assert_int_equal(ep_look(b, ep, ev, 4), 1);
	fake_set(&k, LX_POLLIN | LX_POLLHUP);
	assert_int_equal(ep_look(b, ep, ev, 4), 0);
	assert_int_equal(ep_ctl(b, ep, LX_EPOLL_CTL_MOD, fd, LX_POLLIN | LX_EPOLLONESHOT, 1), 0);
	assert_int_equal(ep_look(b, ep, ev, 4), 1);
}

static void cost_follows_the_ready_ones(void **state)
{
	static struct fake k[200];
	struct task_box *b = *state;
	struct lx_epoll_event ev[8];
	int ep = ep_new(b);
	unsigned polls = 0;

	for (unsigned i = 0; i < ARRAY_LEN(k); i++)
		ADD(b, ep, fake_open(b, &k[i]), LX_POLLIN, i);
	for (unsigned i = 0; i < ARRAY_LEN(k); i++)
		k[i].polls = 0;
	fake_set(&k[123], LX_POLLIN);
	assert_int_equal(ep_look(b, ep, ev, 8), 1);
	assert_int_equal(ev[0].data, 123);
	for (unsigned i = 0; i < ARRAY_LEN(k); i++)
		polls += k[i].polls;
	assert_int_equal(polls, 1);
	/* More ready than asked for: everybody gets a turn. */
	for (unsigned i = 0; i < 6; i++)
		fake_set(&k[i], LX_POLLIN);
	fake_set(&k[123], 0);
	assert_int_equal(ep_look(b, ep, ev, 4), 4);
	assert_int_equal(ep_look(b, ep, ev, 4), 4);
	assert_int_equal(ev[0].data, 4);
	assert_int_equal(ev[1].data, 5);
}

static void errors_of_epoll_ctl(void **state)
{
	struct task_box *b = *state;
	static struct fake k;
	struct file *f;
	int ep = ep_new(b), fd = fake_open(b, &k), other;

	assert_int_equal(file_new_anon(&b->guest, &unpollable_fops, NULL, LX_O_RDWR, 0600, "x", &f),
			 0);
	other = (int)fd_install(&b->task, f, 0, false);
	assert_int_equal(ep_ctl(b, ep, LX_EPOLL_CTL_ADD, other, LX_POLLIN, 0), -LX_EPERM);
	assert_int_equal(ep_ctl(b, ep, LX_EPOLL_CTL_ADD, 500, LX_POLLIN, 0), -LX_EBADF);
	assert_int_equal(ep_ctl(b, 500, LX_EPOLL_CTL_ADD, fd, LX_POLLIN, 0), -LX_EBADF);
	assert_int_equal(ep_ctl(b, fd, LX_EPOLL_CTL_ADD, ep, LX_POLLIN, 0), -LX_EINVAL);
	assert_int_equal(ep_ctl(b, ep, LX_EPOLL_CTL_ADD, ep, LX_POLLIN, 0), -LX_EINVAL);
	assert_int_equal(ep_ctl(b, ep, LX_EPOLL_CTL_MOD, fd, LX_POLLIN, 0), -LX_ENOENT);
	assert_int_equal(ep_ctl(b, ep, LX_EPOLL_CTL_DEL, fd, 0, 0), -LX_ENOENT);
	assert_int_equal(ep_ctl(b, ep, 9, fd, LX_POLLIN, 0), -LX_EINVAL);
	ADD(b, ep, fd, LX_POLLIN, 0);
	assert_int_equal(ep_ctl(b, ep, LX_EPOLL_CTL_ADD, fd, LX_POLLIN, 0), -LX_EEXIST);
	assert_int_equal(ep_ctl(b, ep, LX_EPOLL_CTL_MOD, fd, LX_POLLIN | LX_EPOLLEXCLUSIVE, 0),
			 -LX_EINVAL);
	assert_int_equal(BOX_CALL(b, sys_epoll_ctl, (uint32_t)ep, LX_EPOLL_CTL_MOD, (uint32_t)fd, 8),
			 -LX_EFAULT);
	assert_int_equal(BOX_CALL(b, sys_epoll_pwait, (uint32_t)ep, b->mem, 0, 0, 0, 8), -LX_EINVAL);
	assert_int_equal(BOX_CALL(b, sys_epoll_pwait, (uint32_t)fd, b->mem, 1, 0, 0, 8), -LX_EINVAL);
	assert_int_equal(BOX_CALL(b, sys_epoll_create1, 1), -LX_EINVAL);
}

static void closing_the_last_descriptor_removes(void **state)
{
	struct task_box *b = *state;
	struct lx_epoll_event ev[4];
	static struct fake k;
	int ep = ep_new(b), fd = fake_open(b, &k), copy;

	ADD(b, ep, fd, LX_POLLIN, 5);
	copy = (int)fd_dup2(&b->task, fd, 40, false);
	assert_int_equal(copy, 40);
	fake_set(&k, LX_POLLIN);
	assert_int_equal(fd_close(&b->task, fd), 0);
	assert_int_equal(ep_look(b, ep, ev, 4), 1); /* the open file lives on */
	assert_int_equal(fd_close(&b->task, copy), 0);
	assert_int_equal(ep_look(b, ep, ev, 4), 0);
	assert_true(list_empty(&k.wait.waiters));
}

static void instances_can_watch_instances(void **state)
{
	struct task_box *b = *state;
	struct lx_epoll_event ev[4];
	static struct fake k;
	int a = ep_new(b), c = ep_new(b), fd = fake_open(b, &k);

	ADD(b, a, fd, LX_POLLIN, 1);
	ADD(b, c, a, LX_POLLIN, 2);
	assert_int_equal(ep_look(b, c, ev, 4), 0);
	fake_set(&k, LX_POLLIN);
	assert_int_equal(ep_look(b, c, ev, 4), 1);
	assert_int_equal(ev[0].data, 2);
	fake_set(&k, 0);
	assert_int_equal(ep_look(b, c, ev, 4), 0);
	assert_int_equal(ep_ctl(b, a, LX_EPOLL_CTL_ADD, c, LX_POLLIN, 0), -LX_ELOOP);
	fd_close(&b->task, a);
	assert_int_equal(ep_look(b, c, ev, 4), 0);
}

static void chains_have_an_end(void **state)
{
	struct task_box *b = *state;
	int ep[8], i;

	for (i = 0; i < 8; i++)
		ep[i] = ep_new(b);
	/* Built from the bottom and from the top: four links are the most either way. */
	for (i = 0; i < 7; i++) {
		if (ep_ctl(b, ep[i + 1], LX_EPOLL_CTL_ADD, ep[i], LX_POLLIN, 0) < 0)
			break;
	}
	assert_int_equal(i, 4);
	for (i = 0; i < 8; i++) {
		fd_close(&b->task, ep[i]);
		ep[i] = ep_new(b);
	}
	for (i = 7; i > 0; i--) {
		if (ep_ctl(b, ep[i], LX_EPOLL_CTL_ADD, ep[i - 1], LX_POLLIN, 0) < 0)
			break;
	}
	assert_int_equal(7 - i, 4);
}

struct sleeper {
	struct task_box *b;
	struct task task;
	int ep;
	int64_t result;
};

static void *sleep_in_epoll(void *arg)
{
	struct sleeper *s = arg;

	s->result = taskbox_call(&s->task, sys_epoll_pwait,
				 (const uint64_t[6]){(uint32_t)s->ep, s->b->mem + 65536, 4,
						     (uint32_t)-1, 0, 8});
	return NULL;
}

static void a_sleeper_is_woken(void **state)
{
	struct task_box *b = *state;
	struct sleeper s = {.b = b, .ep = ep_new(b)};
	static struct fake k;
	int fd = fake_open(b, &k);
	pthread_t thread;

	task_box_thread(b, &s.task, 2);
	ADD(b, s.ep, fd, LX_POLLIN, 9);
	assert_int_equal(pthread_create(&thread, NULL, sleep_in_epoll, &s), 0);
	usleep(20000);
	fake_set(&k, LX_POLLIN);
	pthread_join(thread, NULL);
	assert_int_equal(s.result, 1);
}

/* One thread waits, one adds and removes, one fires: for the sanitizers. */
struct churn {
	struct task_box *b;
	struct task task;
	struct fake *k;
	int ep, fd;
	bool *stop;
};

static void *fire(void *arg)
{
	struct churn *c = arg;

	while (!__atomic_load_n(c->stop, __ATOMIC_ACQUIRE))
		fake_set(c->k, LX_POLLIN);
	return NULL;
}

static void *collect(void *arg)
{
	struct churn *c = arg;

	while (!__atomic_load_n(c->stop, __ATOMIC_ACQUIRE))
		(void)taskbox_call(&c->task, sys_epoll_pwait,
				   (const uint64_t[6]){(uint32_t)c->ep, c->b->mem + 65536, 4, 1, 0, 8});
	return NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
	struct task_box *b = *state;
	bool stop = false;
	static struct fake k;
	struct churn c[2];
	pthread_t thread[2];
	int ep = ep_new(b), fd = fake_open(b, &k);

	for (unsigned i = 0; i < 2; i++) {
		c[i] = (struct churn){.b = b, .k = &k, .ep = ep, .fd = fd, .stop = &stop};
		task_box_thread(b, &c[i].task, 2 + (int)i);
	}
	assert_int_equal(pthread_create(&thread[0], NULL, fire, &c[0]), 0);
	assert_int_equal(pthread_create(&thread[1], NULL, collect, &c[1]), 0);
	for (unsigned i = 0; i < 2000; i++) {
		ADD(b, ep, fd, LX_POLLIN | (i & 1 ? LX_EPOLLET : 0), i);
		assert_int_equal(ep_ctl(b, ep, LX_EPOLL_CTL_DEL, fd, 0, 0), 0);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	assert_true(list_empty(&k.wait.waiters));
}

static void eventfd_counts(void **state)
{
	struct task_box *b = *state;
	uint64_t v = 3;
	int fd = (int)BOX_CALL(b, sys_eventfd2, 2, LX_O_NONBLOCK);

	assert_int_equal(taskbox_write(&b->task, fd, &v, 8), 8);
	assert_int_equal(taskbox_read(&b->task, fd, &v, 4), -LX_EINVAL);
	assert_int_equal(taskbox_read(&b->task, fd, &v, 8), 8);
	assert_int_equal(v, 5);
	assert_int_equal(taskbox_read(&b->task, fd, &v, 8), -LX_EAGAIN);
	v = UINT64_MAX;
	assert_int_equal(taskbox_write(&b->task, fd, &v, 8), -LX_EINVAL);
	v = UINT64_MAX - 1;
	assert_int_equal(taskbox_write(&b->task, fd, &v, 8), 8);
	v = 1;
	assert_int_equal(taskbox_write(&b->task, fd, &v, 8), -LX_EAGAIN);
	fd = (int)BOX_CALL(b, sys_eventfd2, 2, LX_O_NONBLOCK | 1); /* a semaphore */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(taskbox_read(&b->task, fd, &v, 8), 8);
		assert_int_equal(v, 1);
	}
	assert_int_equal(taskbox_read(&b->task, fd, &v, 8), -LX_EAGAIN);
}

static void timerfd_ticks(void **state)
{
	struct task_box *b = *state;
	int64_t spec[4] = {0, 2000000, 0, 1000000}, cur[4]; /* every 2 ms, first after 1 ms */
	uint64_t ticks;
	int fd = (int)BOX_CALL(b, sys_timerfd_create, LX_CLOCK_MONOTONIC, 0);

	assert_int_equal(BOX_CALL(b, sys_timerfd_settime, (uint32_t)fd, 0,
				  taskbox_put(b, 0, spec, sizeof(spec)), 0), 0);
	assert_int_equal(taskbox_read(&b->task, fd, &ticks, 8), 8);
	assert_true(ticks >= 1);
	usleep(10000);
	assert_int_equal(taskbox_read(&b->task, fd, &ticks, 8), 8);
	assert_true(ticks >= 4);
	assert_int_equal(BOX_CALL(b, sys_timerfd_gettime, (uint32_t)fd, b->mem), 0);
	taskbox_get(b, 0, cur, sizeof(cur));
	assert_int_equal(cur[1], 2000000);
	assert_true(cur[3] > 0 && cur[3] <= 2000000);
	spec[3] = 1000000000;
	assert_int_equal(BOX_CALL(b, sys_timerfd_settime, (uint32_t)fd, 0,
				  taskbox_put(b, 0, spec, sizeof(spec)), 0), -LX_EINVAL);
	fd_close(&b->task, fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(level_reports_until_not_ready), TEST(edge_reports_once_per_wake),
		TEST(oneshot_is_silent_until_modified), TEST(cost_follows_the_ready_ones),
		TEST(errors_of_epoll_ctl), TEST(closing_the_last_descriptor_removes),
		TEST(instances_can_watch_instances), TEST(chains_have_an_end),
		TEST(a_sleeper_is_woken), TEST(threads_do_not_disturb_each_other),
		TEST(eventfd_counts), TEST(timerfd_ticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
