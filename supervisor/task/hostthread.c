/*
 * hostthread.c: the pool.  A thread that has finished its function parks on a stack of idle
 * threads; beyond MAX_IDLE it ends instead.
 */
#include "supervisor/task/hostthread.h"

#include <pthread.h>

#include "common/lx/errno.h"
#include "common/plat/park.h"
#include "common/plat/sanitize.h"

#define MAX_IDLE 32

/* System calls are served on these stacks; the sanitizers' frames are larger. */
#if defined(SANITIZE_ADDRESS) || defined(SANITIZE_THREAD)
#define STACK_SIZE (2u << 20)
#else
#define STACK_SIZE (512u << 10)
#endif

struct hostthread {
	struct hostthread *next;
	uint32_t word;
	/* Under pool.lock, so that the one who gives work is through with this object before the
	 * thread can end. */
	void (*fn)(void *arg);
	void *arg;
};

static struct {
	pthread_mutex_t lock;
	struct hostthread *idle;
	unsigned nidle;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void nothing(void *arg)
{
	(void)arg;
}

static void wait_for_work(struct hostthread *h)
{
	for (;;) {
		bool ready;

		park_prepare(&h->word);
		pthread_mutex_lock(&pool.lock);
		ready = h->fn != NULL;
		pthread_mutex_unlock(&pool.lock);
		if (ready)
			return;
		(void)!park_sleep(&h->word, PARK_FOREVER);
	}
}

/* Goes onto the idle stack; false when that is full and the thread should end. */
static bool become_idle(struct hostthread *h)
{
	bool idle;

	pthread_mutex_lock(&pool.lock);
	h->fn = NULL;
	idle = pool.nidle < MAX_IDLE;
	if (idle) {
		h->next = pool.idle;
		pool.idle = h;
		pool.nidle++;
	}
	pthread_mutex_unlock(&pool.lock);
	return idle;
}

static void *thread_main(void *arg)
{
	struct hostthread *h = arg;

	do {
		wait_for_work(h);
		h->fn(h->arg);
	} while (become_idle(h));
	free(h);
	return NULL;
}

int hostthread_reserve(struct hostthread **out)
{
	struct hostthread *h;
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	pthread_mutex_lock(&pool.lock);
	h = pool.idle;
	if (h) {
		pool.idle = h->next;
		pool.nidle--;
	}
	pthread_mutex_unlock(&pool.lock);
	if (!h) {
		h = calloc(1, sizeof(*h));
		if (!h)
			return -LX_EAGAIN;
		pthread_attr_init(&attr);
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		pthread_attr_setstacksize(&attr, STACK_SIZE);
		err = pthread_create(&thread, &attr, thread_main, h);
		pthread_attr_destroy(&attr);
		if (err) {
			free(h);
			return -LX_EAGAIN;
		}
	}
	*out = h;
	return 0;
}

void hostthread_start(struct hostthread *h, void (*fn)(void *arg), void *arg)
{
	pthread_mutex_lock(&pool.lock);
	h->fn = fn;
	h->arg = arg;
	park_wake(&h->word);
	pthread_mutex_unlock(&pool.lock);
}

void hostthread_cancel(struct hostthread *h)
{
	hostthread_start(h, nothing, NULL);
}
