/*
 * test_futex.c: futex operations between host threads that play the tasks of one process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "supervisor/task/futex.h"
#include "supervisor/task/pid.h"
#include "tests/lib/task_box.h"

#include <cmocka.h>

#define MAX_SLEEPERS 8
#define MS           INT64_C(1000000)

struct sleeper {
	struct task task;
	pthread_t thread;
	struct futex_addr at, target;
	uint32_t val, bitset;
	int64_t deadline, result;
	int64_t (*call)(struct sleeper *s);
	bool done;
};

static struct task_box *box;
static struct sleeper sleepers[MAX_SLEEPERS];

static struct futex_addr word_at(unsigned i)
{
	return (struct futex_addr){guest_ptr(box->mem + 64 * (uint64_t)i), true};
}

static void put(unsigned i, uint32_t v)
{
	assert_int_equal(put_user_u32(box->task.mm, word_at(i).p, v), 0);
}

static uint32_t get(unsigned i)
{
	uint32_t v;

	assert_int_equal(get_user_u32(box->task.mm, &v, word_at(i).p), 0);
	return v;
}

static int64_t do_wait(struct sleeper *s)
{
	return futex_wait(&s->task, s->at, s->val, s->bitset, s->deadline);
}

static int64_t do_lock(struct sleeper *s)
{
	return futex_lock_pi(&s->task, s->at, s->deadline, false);
}

static int64_t do_wait_requeue(struct sleeper *s)
{
	return futex_wait_requeue_pi(&s->task, s->at, s->val, s->deadline, s->target);
}

static void *sleeper_main(void *arg)
{
	struct sleeper *s = arg;

	s->result = s->call(s);
	__atomic_store_n(&s->done, true, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Starts a sleeper and waits until it sleeps. */
static struct sleeper *start(unsigned i, int64_t (*call)(struct sleeper *), unsigned word, uint32_t val,
			     uint32_t bitset)
{
	struct sleeper *s = &sleepers[i];

	s->call = call;
	s->at = word_at(word);
	s->val = val;
	s->bitset = bitset;
	s->deadline = now_ns() + 20000 * MS;
	s->done = false;
	assert_int_equal(pthread_create(&s->thread, NULL, sleeper_main, s), 0);
	for (int n = 0; n < 5000 && !__atomic_load_n(&s->task.sleeping, __ATOMIC_RELAXED); n++)
		usleep(1000);
	assert_true(__atomic_load_n(&s->task.sleeping, __ATOMIC_RELAXED));
	return s;
}

static int64_t finish(struct sleeper *s)
{
	pthread_join(s->thread, NULL);
	return s->result;
}

static bool still_asleep(struct sleeper *s)
{
	usleep(20000);
	return !__atomic_load_n(&s->done, __ATOMIC_SEQ_CST);
}

static int setup(void **state)
{
	(void)state;
	if (task_box_new(&box) != 0 || task_table_new(100, &box->guest.tasks) != 0)
		return -1;
	for (unsigned i = 0; i < MAX_SLEEPERS; i++) {
		struct pid *pid;

		if (pid_new_locked(&box->guest, &pid) != 0)
			return -1;
		task_box_thread(box, &sleepers[i].task, pid->nr);
		sleepers[i].task.refs = 1000;
		pid->task = &sleepers[i].task;
	}
	return 0;
}

static void waits_and_wakes(void **state)
{
	struct sleeper *a, *b;

	(void)state;
	put(0, 5);
	assert_int_equal(futex_wait(&box->task, word_at(0), 6, UINT32_MAX, WAIT_FOREVER), -LX_EAGAIN);
	assert_int_equal(futex_wait(&box->task, word_at(0), 5, 0, WAIT_FOREVER), -LX_EINVAL);
	assert_int_equal(futex_wait(&box->task, word_at(0), 5, UINT32_MAX, now_ns() + MS), -LX_ETIMEDOUT);
	assert_int_equal(futex_wake(&box->task, word_at(0), 10, UINT32_MAX), 0);
	a = start(0, do_wait, 0, 5, 1);
	b = start(1, do_wait, 0, 5, 2);
	assert_int_equal(futex_wake(&box->task, word_at(0), 10, 4), 0);
	assert_int_equal(futex_wake(&box->task, word_at(1), 10, UINT32_MAX), 0);
	assert_int_equal(futex_wake(&box->task, word_at(0), 10, 2), 1);
	assert_int_equal(finish(b), 0);
	assert_true(still_asleep(a));
	assert_int_equal(futex_wake(&box->task, word_at(0), 1, UINT32_MAX), 1);
	assert_int_equal(finish(a), 0);
}

static void hostile_addresses(void **state)
{
	struct futex_addr bad = {guest_ptr(8), true}, odd = {guest_ptr(box->mem + 1), true};

	(void)state;
	assert_int_equal(futex_wait(&box->task, bad, 0, UINT32_MAX, 0), -LX_EFAULT);
	assert_int_equal(futex_wait(&box->task, odd, 0, UINT32_MAX, 0), -LX_EINVAL);
	assert_int_equal(futex_wake(&box->task, odd, 1, UINT32_MAX), -LX_EINVAL);
	assert_int_equal(futex_lock_pi(&box->task, bad, 0, false), -LX_EFAULT);
	assert_int_equal(futex_requeue(&box->task, word_at(0), odd, 1, 1, &(uint32_t){0}, false), -LX_EINVAL);
	assert_int_equal(futex_requeue(&box->task, word_at(0), word_at(1), UINT32_MAX, 1, NULL, false),
			 -LX_EINVAL);
}

static void requeue_moves_without_waking(void **state)
{
	struct sleeper *s[3];
	uint32_t cmp = 7;

	(void)state;
	put(0, 7);
	put(1, 0);
	for (unsigned i = 0; i < 3; i++)
		s[i] = start(i, do_wait, 0, 7, UINT32_MAX);
	cmp = 8;
	assert_int_equal(futex_requeue(&box->task, word_at(0), word_at(1), 1, 10, &cmp, false), -LX_EAGAIN);
	cmp = 7;
	assert_int_equal(futex_requeue(&box->task, word_at(0), word_at(1), 1, 10, &cmp, false), 3);
	assert_int_equal(finish(s[0]), 0);
	assert_true(still_asleep(s[1]));
	assert_int_equal(futex_wake(&box->task, word_at(0), 10, UINT32_MAX), 0);
	assert_int_equal(futex_wake(&box->task, word_at(1), 10, UINT32_MAX), 2);
	assert_int_equal(finish(s[1]), 0);
	assert_int_equal(finish(s[2]), 0);
}

/* FUTEX_OP(op, oparg, cmp, cmparg) of futex(2). */
static uint32_t encode(uint32_t op, uint32_t oparg, uint32_t cmp, uint32_t cmparg)
{
	return op << 28 | cmp << 24 | (oparg & 0xfff) << 12 | (cmparg & 0xfff);
}

static void wake_op_changes_and_compares(void **state)
{
	struct sleeper *a, *b;

	(void)state;
	put(0, 0);
	put(1, 3);
	a = start(0, do_wait, 0, 0, UINT32_MAX);
	b = start(1, do_wait, 1, 3, UINT32_MAX);
	/* add 4; the old value is not 4: only the first word's waiter wakes */
	assert_int_equal(futex_wake_op(&box->task, word_at(0), word_at(1), 1, 1, encode(1, 4, 0, 4)), 1);
	assert_int_equal(get(1), 7);
	assert_int_equal(finish(a), 0);
	assert_true(still_asleep(b));
	/* set to -1; the old value 7 is greater than -5 */
	assert_int_equal(futex_wake_op(&box->task, word_at(0), word_at(1), 1, 1, encode(0, 0xfff, 4, 0xffb)), 1);
	assert_int_equal(get(1), UINT32_MAX);
	assert_int_equal(finish(b), 0);
	/* or 1 << 5; an operation that does not exist */
	put(1, 1);
	assert_int_equal(futex_wake_op(&box->task, word_at(0), word_at(1), 1, 1, encode(8 | 2, 5, 0, 0)), 0);
	assert_int_equal(get(1), 33);
	assert_int_equal(futex_wake_op(&box->task, word_at(0), word_at(1), 1, 1, encode(5, 0, 0, 0)), -LX_ENOSYS);
}

static void pi_locks_are_handed_over_in_order(void **state)
{
	struct sleeper *a, *b;
	struct task *owner = &sleepers[7].task;

	(void)state;
	put(2, 0);
	assert_int_equal(futex_lock_pi(owner, word_at(2), WAIT_FOREVER, false), 0);
	assert_int_equal(get(2), owner->tid);
	assert_int_equal(futex_lock_pi(owner, word_at(2), WAIT_FOREVER, false), -LX_EDEADLK);
	assert_int_equal(futex_lock_pi(&sleepers[0].task, word_at(2), WAIT_FOREVER, true), -LX_EAGAIN);
	assert_int_equal(get(2), owner->tid);
	assert_int_equal(futex_unlock_pi(&sleepers[0].task, word_at(2)), -LX_EPERM);
	assert_int_equal(futex_lock_pi(&sleepers[0].task, word_at(2), now_ns() + MS, false), -LX_ETIMEDOUT);
	assert_int_equal(get(2), owner->tid); /* the waiters bit went with the waiter */
	a = start(0, do_lock, 2, 0, 0);
	b = start(1, do_lock, 2, 0, 0);
	assert_int_equal(get(2), (uint32_t)owner->tid | LX_FUTEX_WAITERS);
	assert_int_equal(futex_unlock_pi(owner, word_at(2)), 0);
	assert_int_equal(finish(a), 0);
	assert_int_equal(get(2), (uint32_t)a->task.tid | LX_FUTEX_WAITERS);
	assert_true(still_asleep(b));
	assert_int_equal(futex_unlock_pi(&a->task, word_at(2)), 0);
	assert_int_equal(finish(b), 0);
	assert_int_equal(get(2), b->task.tid);
	assert_int_equal(futex_unlock_pi(&b->task, word_at(2)), 0);
	assert_int_equal(get(2), 0);
	put(2, 99); /* an owner that does not exist */
	assert_int_equal(futex_lock_pi(owner, word_at(2), WAIT_FOREVER, false), -LX_ESRCH);
}

static void requeue_pi_waits_for_the_lock(void **state)
{
	struct task *owner = &sleepers[7].task;
	struct sleeper *s[2];
	uint32_t cmp = 1;

	(void)state;
	put(0, 1);
	put(2, (uint32_t)owner->tid);
	for (unsigned i = 0; i < 2; i++) {
		sleepers[i].target = word_at(2);
		s[i] = start(i, do_wait_requeue, 0, 1, UINT32_MAX);
	}
	assert_int_equal(futex_wake(&box->task, word_at(0), 1, UINT32_MAX), -LX_EINVAL);
	assert_int_equal(futex_requeue(owner, word_at(0), word_at(3), 1, 10, &cmp, true), -LX_EINVAL);
	assert_int_equal(futex_requeue(owner, word_at(0), word_at(2), 1, 10, &cmp, true), 2);
	assert_true(still_asleep(s[0]));
	assert_int_equal(futex_unlock_pi(owner, word_at(2)), 0);
	assert_int_equal(finish(s[0]), 0);
	assert_int_equal(futex_unlock_pi(&s[0]->task, word_at(2)), 0);
	assert_int_equal(finish(s[1]), 0);
	assert_int_equal(get(2), s[1]->task.tid);
}

static void robust_lists_of_the_dead(void **state)
{
	/* head {next, offset, pending} at 2048; entries at 2112 and 2176, words 32 bytes behind them */
	uint64_t head = box->mem + 2048, e1 = head + 64, e2 = head + 128;
	struct task *t = &sleepers[6].task;
	uint32_t v;

	(void)state;
	assert_int_equal(put_user_u64(t->mm, guest_ptr(head), e1), 0);
	assert_int_equal(put_user_u64(t->mm, guest_ptr(head + 8), 32), 0);
	assert_int_equal(put_user_u64(t->mm, guest_ptr(head + 16), e2), 0); /* pending */
	assert_int_equal(put_user_u64(t->mm, guest_ptr(e1), e1), 0);        /* a circle without the head */
	assert_int_equal(put_user_u32(t->mm, guest_ptr(e1 + 32), (uint32_t)t->tid | LX_FUTEX_WAITERS), 0);
	assert_int_equal(put_user_u32(t->mm, guest_ptr(e2 + 32), 12345), 0); /* somebody else's */
	t->robust_list = guest_ptr(head);
	futex_exit(t);
	assert_int_equal(get_user_u32(t->mm, &v, guest_ptr(e1 + 32)), 0);
	assert_int_equal(v, LX_FUTEX_OWNER_DIED | LX_FUTEX_WAITERS);
	assert_int_equal(get_user_u32(t->mm, &v, guest_ptr(e2 + 32)), 0);
	assert_int_equal(v, 12345);
	assert_true(guest_ptr_null(t->robust_list));
	t->robust_list = guest_ptr(3); /* a wild one does no harm */
	futex_exit(t);
}

static void one_of_many(void **state)
{
	struct futex_waitv_entry v[2] = {{word_at(4), 0}, {word_at(5), 1}};

	(void)state;
	put(4, 0);
	put(5, 0);
	assert_int_equal(futex_waitv(&box->task, v, 2, now_ns() + MS), -LX_EAGAIN);
	v[1].val = 0;
	assert_int_equal(futex_waitv(&box->task, v, 2, now_ns() + MS), -LX_ETIMEDOUT);
	assert_int_equal(futex_wake(&box->task, word_at(4), 1, UINT32_MAX), 0); /* all are off the queues */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_and_wakes),
		cmocka_unit_test(hostile_addresses),
		cmocka_unit_test(requeue_moves_without_waking),
		cmocka_unit_test(wake_op_changes_and_compares),
		cmocka_unit_test(pi_locks_are_handed_over_in_order),
		cmocka_unit_test(requeue_pi_waits_for_the_lock),
		cmocka_unit_test(robust_lists_of_the_dead),
		cmocka_unit_test(one_of_many),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
