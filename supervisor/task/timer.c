/*
 * timer.c: the timer thread: a binary heap ordered by deadline, and one thread that sleeps
 * until the earliest.  Started with the first timer.
 */
#include "supervisor/task/timer.h"

#include <pthread.h>
#include <time.h>

#include "common/lx/errno.h"
#include "common/plat/park.h"
#include "supervisor/task/wait.h"

static struct {
	pthread_mutex_t lock;
	pthread_cond_t ran; /* a function has returned */
	struct ktimer **heap;
	uint32_t count, capacity;
	bool started;
	pthread_t thread;
	uint32_t wake_word;
} timers = {.lock = PTHREAD_MUTEX_INITIALIZER, .ran = PTHREAD_COND_INITIALIZER};

int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t deadline_after(int64_t ns)
{
	int64_t at;

	return add_overflows(now_ns(), ns, &at) ? WAIT_FOREVER : at;
}

int64_t deadline_advance(int64_t *at, int64_t interval, int64_t now)
{
	int64_t late, passed;

	if (*at > now)
		return 0;
	if (sub_overflows(now, *at, &late))
		late = INT64_MAX;
	passed = late / interval;
	if (add_overflows(*at + passed * interval, interval, at))
		*at = WAIT_FOREVER;
	return add_overflows(passed, 1, &late) ? INT64_MAX : late;
}

static void place(uint32_t slot, struct ktimer *timer)
{
	timers.heap[slot] = timer;
	timer->slot = slot;
}

static void sift_up(uint32_t slot, struct ktimer *timer)
{
	while (slot > 0 && timers.heap[(slot - 1) / 2]->deadline > timer->deadline) {
		place(slot, timers.heap[(slot - 1) / 2]);
		slot = (slot - 1) / 2;
	}
	place(slot, timer);
}

static void sift_down(uint32_t slot, struct ktimer *timer)
{
	for (;;) {
		uint32_t child = 2 * slot + 1;

		if (child >= timers.count)
			break;
		if (child + 1 < timers.count &&
		    timers.heap[child + 1]->deadline < timers.heap[child]->deadline)
			child++;
		if (timers.heap[child]->deadline >= timer->deadline)
			break;
		place(slot, timers.heap[child]);
		slot = child;
	}
	place(slot, timer);
}

static bool remove_locked(struct ktimer *timer)
{
	uint32_t slot = timer->slot;
	struct ktimer *last;

	if (slot == KTIMER_IDLE)
		return false;
	timer->slot = KTIMER_IDLE;
	last = timers.heap[--timers.count];
	if (last != timer) {
		if (slot > 0 && timers.heap[(slot - 1) / 2]->deadline > last->deadline)
			sift_up(slot, last);
		else
			sift_down(slot, last);
	}
	return true;
}

static void *timer_thread(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&timers.lock);
	for (;;) {
		struct ktimer *first = timers.count ? timers.heap[0] : NULL;
		int64_t next = first ? first->deadline : PARK_FOREVER;

		if (first && next <= now_ns()) {
			(void)remove_locked(first);
			first->running = true;
			pthread_mutex_unlock(&timers.lock);
			first->fn(first);
			pthread_mutex_lock(&timers.lock);
			first->running = false;
			pthread_cond_broadcast(&timers.ran);
			continue;
		}
		park_prepare(&timers.wake_word);
		pthread_mutex_unlock(&timers.lock);
		(void)!park_sleep(&timers.wake_word, next);
		pthread_mutex_lock(&timers.lock);
	}
	return NULL;
}

static int ensure_ready_locked(void)
{
	if (timers.count == timers.capacity) {
		uint32_t capacity = timers.capacity ? timers.capacity * 2 : 64;
		struct ktimer **heap = realloc(timers.heap, capacity * sizeof(struct ktimer *));

		if (!heap)
			return -LX_ENOMEM;
		timers.heap = heap;
		timers.capacity = capacity;
	}
	if (!timers.started) {
		pthread_attr_t attr;
		int err;

		pthread_attr_init(&attr);
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		err = pthread_create(&timers.thread, &attr, timer_thread, NULL);
		pthread_attr_destroy(&attr);
		if (err)
			return -LX_ENOMEM;
		timers.started = true;
	}
	return 0;
}

void ktimer_init(struct ktimer *timer, void (*fn)(struct ktimer *timer))
{
	*timer = (struct ktimer){.slot = KTIMER_IDLE, .fn = fn};
}

int ktimer_start(struct ktimer *timer, int64_t deadline)
{
	int err;
	bool first;

	pthread_mutex_lock(&timers.lock);
	(void)remove_locked(timer);
	err = ensure_ready_locked();
	if (err == 0) {
		timer->deadline = deadline;
		sift_up(timers.count++, timer);
		first = timer->slot == 0;
		if (first)
			park_wake(&timers.wake_word);
	}
	pthread_mutex_unlock(&timers.lock);
	return err;
}

bool ktimer_cancel(struct ktimer *timer)
{
	bool queued;

	pthread_mutex_lock(&timers.lock);
	queued = remove_locked(timer);
	pthread_mutex_unlock(&timers.lock);
	return queued;
}

bool ktimer_cancel_sync(struct ktimer *timer)
{
	bool queued;

	pthread_mutex_lock(&timers.lock);
	queued = remove_locked(timer);
	if (!timers.started || !pthread_equal(pthread_self(), timers.thread)) {
		while (timer->running)
			pthread_cond_wait(&timers.ran, &timers.lock);
		queued |= remove_locked(timer);
	}
	pthread_mutex_unlock(&timers.lock);
	return queued;
}
