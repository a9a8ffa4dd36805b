/*
 * hostpoll.c: the poller thread.  Each watched descriptor has a slot; the pollset's cookie is
 * the slot's number and generation, so that a late event for a freed one finds nobody.  The
 * lock is held while a queue is woken: after hostpoll_free the queue is not touched.
 *
 * One report is asked for at a time, because whoever is woken looks again and asks again; what
 * several sleepers asked for adds up, and what a report leaves out stays asked for.  Those who
 * want edges get every change instead, since a descriptor may be ready all along.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>

#include "common/log.h"
#include "common/lx/errno.h"
#include "common/plat/errno.h"
#include "common/plat/pollset.h"
#include "supervisor/task/wait.h"

#define EDGES (POLLIN | POLLOUT | POLLPRI | POLLRDHUP)

struct hostpoll {
	int fd;
	uint32_t slot;
	bool always;    /* a file that is always ready */
	bool edges;     /* every change is reported; poller.lock, as armed */
	uint32_t armed; /* events asked for and not reported yet */
	struct waitq *queue;
};

struct slot {
	struct hostpoll *hp;
	uint32_t generation;
	uint32_t next_free;
};

static struct {
	pthread_mutex_t lock;
	struct pollset *set;
	struct slot *slots;
	uint32_t nslots, free_head; /* free_head == nslots: none free */
} poller = {.lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t cookie_of(uint32_t slot)
{
	return (uint64_t)poller.slots[slot].generation << 32 | slot;
}

static void report_locked(struct hostpoll *hp, uint64_t cookie, uint32_t events)
{
	/* An error or a hangup is everybody's, and would be reported again and again. */
	hp->armed = events & (POLLERR | POLLHUP) ? 0 : hp->armed & ~events;
	if (hp->armed && !hp->edges && pollset_arm(poller.set, hp->fd, cookie, hp->armed) < 0)
		events = 0; /* everybody is to look again */
	waitq_wake(hp->queue, events);
}

static void report(const struct pollset_event *ev)
{
	uint32_t slot = (uint32_t)ev->cookie;

	pthread_mutex_lock(&poller.lock);
	if (slot < poller.nslots && poller.slots[slot].hp && cookie_of(slot) == ev->cookie)
		report_locked(poller.slots[slot].hp, ev->cookie, ev->events);
	pthread_mutex_unlock(&poller.lock);
}

static void *poller_thread(void *arg)
{
	struct pollset *set = arg;
	struct pollset_event ev[64];

	for (;;) {
		int n = pollset_wait(set, ev, ARRAY_LEN(ev));

		if (n < 0) {
			log_error("waiting for descriptors failed: %s",
			          lx_errno_text(plat_errno(-n)));
			return NULL;
		}
		for (int i = 0; i < n; i++)
			report(&ev[i]);
	}
}

static int start_locked(void)
{
	struct pollset *set;
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	if (poller.set)
		return 0;
	err = pollset_new(&set);
	if (err < 0)
		return plat_errno(-err);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&thread, &attr, poller_thread, set);
	pthread_attr_destroy(&attr);
	if (err) {
		pollset_free(set);
		return plat_errno(err);
	}
	poller.set = set;
	return 0;
}

static int take_slot_locked(struct hostpoll *hp)
{
	if (poller.free_head == poller.nslots) {
		uint32_t n = poller.nslots ? poller.nslots * 2 : 64;
		struct slot *slots = realloc(poller.slots, n * sizeof(*slots));

		if (!slots)
			return -LX_ENOMEM;
		for (uint32_t i = poller.nslots; i < n; i++)
			slots[i] = (struct slot){NULL, 0, i + 1};
		poller.slots = slots;
		poller.nslots = n;
	}
	hp->slot = poller.free_head;
	poller.free_head = poller.slots[hp->slot].next_free;
	poller.slots[hp->slot].hp = hp;
	return 0;
}

static void give_slot_locked(struct hostpoll *hp)
{
	struct slot *s = &poller.slots[hp->slot];

	s->hp = NULL;
	s->generation++;
	s->next_free = poller.free_head;
	poller.free_head = hp->slot;
}

int hostpoll_new(int fd, struct waitq *q, struct hostpoll **out)
{
	struct hostpoll *hp = calloc(1, sizeof(*hp));
	int err;

	if (!hp)
		return -LX_ENOMEM;
	hp->fd = fd;
	hp->queue = q;
	pthread_mutex_lock(&poller.lock);
	err = start_locked();
	if (err == 0)
		err = take_slot_locked(hp);
	if (err == 0) {
		err = pollset_add(poller.set, fd, cookie_of(hp->slot));
		if (err == -EPERM) {
			hp->always = true;
			err = 0;
		} else if (err < 0) {
			give_slot_locked(hp);
			err = plat_errno(-err);
		}
	}
	pthread_mutex_unlock(&poller.lock);
	if (err < 0) {
		free(hp);
		return err;
	}
	*out = hp;
	return 0;
}

void hostpoll_free(struct hostpoll *hp)
{
	if (!hp)
		return;
	pthread_mutex_lock(&poller.lock);
	if (!hp->always)
		pollset_remove(poller.set, hp->fd);
	give_slot_locked(hp);
	pthread_mutex_unlock(&poller.lock);
	free(hp);
}

void hostpoll_arm(struct hostpoll *hp, uint32_t events)
{
	int err = 0;

	if (hp->always) {
		waitq_wake(hp->queue, events);
		return;
	}
	pthread_mutex_lock(&poller.lock);
	hp->armed |= events;
	if (!hp->edges)
		err = pollset_arm(poller.set, hp->fd, cookie_of(hp->slot), hp->armed);
	pthread_mutex_unlock(&poller.lock);
	if (err < 0) /* nobody will report: let the sleepers look for themselves */
		waitq_wake(hp->queue, POLLERR);
}

void hostpoll_watch(struct hostpoll *hp)
{
	pthread_mutex_lock(&poller.lock);
	if (!hp->always && !hp->edges)
		hp->edges = pollset_watch(poller.set, hp->fd, cookie_of(hp->slot), EDGES) == 0;
	pthread_mutex_unlock(&poller.lock);
}

uint32_t hostpoll_ready(int fd, uint32_t events)
{
	struct pollfd p = {.fd = fd, .events = (short)events};

	if (poll(&p, 1, 0) < 0)
		return 0;
	return (uint32_t)(uint16_t)p.revents;
}
