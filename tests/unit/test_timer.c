/*
 * test_timer.c: the timer heap and thread: order, cancelling, starting again, and conversions of
 * the guest's times.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "supervisor/task/timer.h"
#include "supervisor/task/wait.h"

#include <cmocka.h>

#define COUNT 200
#define MS    INT64_C(1000000)

static struct item {
	struct ktimer timer;
	int64_t wanted, fired;
	int runs;
} items[COUNT];

static int order_errors;
static int64_t last_deadline;
static int done;

static void note(struct ktimer *timer)
{
	struct item *it = container_of(timer, struct item, timer);

	it->fired = now_ns();
	it->runs++;
	if (it->wanted < last_deadline)
		order_errors++;
	last_deadline = it->wanted;
	__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
}

static void wait_for(int n)
{
	for (int i = 0; i < 5000 && __atomic_load_n(&done, __ATOMIC_SEQ_CST) < n; i++)
		usleep(1000);
	assert_int_equal(__atomic_load_n(&done, __ATOMIC_SEQ_CST), n);
}

static void timers_fire_in_order_and_not_early(void **state)
{
	int64_t base = now_ns() + 50 * MS;
	unsigned seed = 12345, cancelled = 0;

	(void)state;
	for (unsigned i = 0; i < COUNT; i++) {
		seed = seed * 1103515245 + 12345;
		ktimer_init(&items[i].timer, note);
		items[i].wanted = base + (seed >> 8) % 100 * MS;
		assert_int_equal(ktimer_start(&items[i].timer, items[i].wanted), 0);
	}
	for (unsigned i = 0; i < COUNT; i += 3) {
		assert_true(ktimer_cancel(&items[i].timer));
		assert_false(ktimer_cancel(&items[i].timer));
		cancelled++;
	}
	/* Some move to an earlier place in the heap, some to a later one. */
	for (unsigned i = 1; i < COUNT; i += 3) {
		items[i].wanted = base + (int64_t)(i % 2 ? 0 : 150) * MS;
		assert_int_equal(ktimer_start(&items[i].timer, items[i].wanted), 0);
	}
	wait_for(COUNT - (int)cancelled);
	assert_int_equal(order_errors, 0);
	for (unsigned i = 0; i < COUNT; i++) {
		assert_int_equal(items[i].runs, i % 3 == 0 ? 0 : 1);
		if (items[i].runs)
			assert_true(items[i].fired >= items[i].wanted);
	}
}

static int periods;

static void again(struct ktimer *timer)
{
	if (__atomic_add_fetch(&periods, 1, __ATOMIC_SEQ_CST) < 5)
		assert_int_equal(ktimer_start(timer, now_ns() + MS), 0);
}

static void a_timer_may_start_itself_again(void **state)
{
	struct ktimer t;

	(void)state;
	ktimer_init(&t, again);
	assert_int_equal(ktimer_start(&t, 0), 0);
	for (int i = 0; i < 5000 && __atomic_load_n(&periods, __ATOMIC_SEQ_CST) < 5; i++)
		usleep(1000);
	assert_int_equal(__atomic_load_n(&periods, __ATOMIC_SEQ_CST), 5);
	assert_false(ktimer_cancel_sync(&t));
}

static bool slow_entered, slow_left;

static void slow(struct ktimer *timer)
{
	(void)timer;
	__atomic_store_n(&slow_entered, true, __ATOMIC_SEQ_CST);
	usleep(50000);
	__atomic_store_n(&slow_left, true, __ATOMIC_SEQ_CST);
}

static void cancel_sync_waits_for_the_function(void **state)
{
	struct ktimer t;

	(void)state;
	ktimer_init(&t, slow);
	assert_int_equal(ktimer_start(&t, 0), 0);
	while (!__atomic_load_n(&slow_entered, __ATOMIC_SEQ_CST))
		usleep(1000);
	assert_false(ktimer_cancel_sync(&t));
	assert_true(__atomic_load_n(&slow_left, __ATOMIC_SEQ_CST));
}

static void times_are_checked_and_saturate(void **state)
{
	(void)state;
	assert_int_equal(lx_timespec_ns(&(struct lx_timespec){2, 5}), 2000000005);
	assert_int_equal(lx_timespec_ns(&(struct lx_timespec){-1, 0}), -LX_EINVAL);
	assert_int_equal(lx_timespec_ns(&(struct lx_timespec){0, -1}), -LX_EINVAL);
	assert_int_equal(lx_timespec_ns(&(struct lx_timespec){0, 1000000000}), -LX_EINVAL);
	assert_int_equal(lx_timespec_ns(&(struct lx_timespec){INT64_MAX, 999999999}), INT64_MAX);
	assert_int_equal(deadline_after(INT64_MAX), WAIT_FOREVER);
	assert_int_equal(clock_to_deadline(LX_CLOCK_MONOTONIC, 17), 17);
	assert_true(clock_to_deadline(LX_CLOCK_REALTIME, 1) <= now_ns());
	assert_int_equal(clock_to_deadline(LX_CLOCK_REALTIME, INT64_MAX), WAIT_FOREVER);
	assert_int_equal(clock_now(LX_CLOCK_PROCESS_CPUTIME_ID), -LX_EINVAL);
	assert_int_equal(clock_now(10), -LX_EINVAL);
	assert_int_equal(clock_now(-5), -LX_EINVAL);
}

static void expiries_go_by(void **state)
{
	int64_t at = 100;

	(void)state;
	assert_int_equal(deadline_advance(&at, 10, 99), 0);
	assert_int_equal(at, 100);
	assert_int_equal(deadline_advance(&at, 10, 100), 1);
	assert_int_equal(at, 110);
	assert_int_equal(deadline_advance(&at, 10, 145), 4);
	assert_int_equal(at, 150);
	assert_int_equal(deadline_advance(&at, INT64_MAX, 150), 1);
	assert_int_equal(at, WAIT_FOREVER);
	at = INT64_MIN;
	assert_int_equal(deadline_advance(&at, 1, INT64_MAX - 1), INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_fire_in_order_and_not_early),
		cmocka_unit_test(expiries_go_by),
		cmocka_unit_test(a_timer_may_start_itself_again),
		cmocka_unit_test(cancel_sync_waits_for_the_function),
		cmocka_unit_test(times_are_checked_and_saturate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
