/*
 * waits.c: readiness for sessions that hold no descriptors.  One thread polls every socket that
 * somebody waits for, and answers the deferred calls; the serving threads never block.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "common/plat/errno.h"
#include "ipc/server.h"
#include "netd/worker.h"

#define MAX_WAITS 4096u

struct wait_entry {
	struct ipc_call *call;
	int fd;
	uint32_t events;
	bool cancelled;
	struct wait_entry *next;
};

struct netd_waits {
	pthread_mutex_t lock; /* the list, and cancelled in its entries */
	struct wait_entry *entries;
	unsigned count;
	int wake[2]; /* a pipe: a byte means "look at the list again" */
	pthread_t thread;
};

static void wake_thread(struct netd_waits *w)
{
	/* A full pipe means the thread will look anyway. */
	if (write(w->wake[1], "", 1) < 0)
		return;
}

static void finish(struct wait_entry *e, int64_t result, uint32_t events)
{
	struct netd_wait_ready_rep rep = {.events = events};

	netd_finish_wait_ready(e->call, result, &rep, NULL);
	close(e->fd);
	free(e);
}

/* Fills the poll set; its first element is the wake pipe.  The list only grows at its head
 * meanwhile, and only this thread takes entries off it. */
static unsigned fill_set(struct netd_waits *w, struct pollfd *set)
{
	unsigned n = 0;

	set[n++] = (struct pollfd){.fd = w->wake[0], .events = POLLIN};
	pthread_mutex_lock(&w->lock);
	for (struct wait_entry *e = w->entries; e && n <= MAX_WAITS; e = e->next)
		set[n++] = (struct pollfd){.fd = e->fd, .events = (short)e->events};
	pthread_mutex_unlock(&w->lock);
	return n;
}

/* Takes the entries that are ready or cancelled off the list, and answers them. */
static void answer_ready(struct netd_waits *w, const struct pollfd *set, unsigned n)
{
	struct wait_entry *done = NULL, **link, *e;

	pthread_mutex_lock(&w->lock);
	for (link = &w->entries; (e = *link) != NULL;) {
		uint32_t ready = 0;

		for (unsigned i = 1; i < n; i++)
			if (set[i].fd == e->fd)
				ready = (uint16_t)set[i].revents;
		if (!ready && !e->cancelled) {
			link = &e->next;
			continue;
		}
		*link = e->next;
		w->count--;
		e->events = ready;
		e->next = done;
		done = e;
	}
	pthread_mutex_unlock(&w->lock);
	while ((e = done) != NULL) {
		done = e->next;
		finish(e, e->events ? 0 : -LX_ECANCELED, e->events);
	}
}

static void *poll_loop(void *arg)
{
	struct netd_waits *w = arg;
	struct pollfd *set = calloc(MAX_WAITS + 1, sizeof(*set));
	char drain[64];

	while (set) {
		unsigned n = fill_set(w, set);

		if (poll(set, n, -1) < 0 && errno != EINTR)
			break;
		if (set[0].revents && read(w->wake[0], drain, sizeof(drain)) < 0 && errno != EAGAIN)
			break;
		answer_ready(w, set, n);
	}
	free(set);
	return NULL;
}

int netd_waits_new(struct netd_waits **out)
{
	struct netd_waits *w = calloc(1, sizeof(*w));
	int ret;

	if (!w)
		return -LX_ENOMEM;
	pthread_mutex_init(&w->lock, NULL);
	if (pipe2(w->wake, O_CLOEXEC | O_NONBLOCK) < 0) {
		ret = plat_errno(errno);
		free(w);
		return ret;
	}
	ret = pthread_create(&w->thread, NULL, poll_loop, w);
	if (ret != 0) {
		close(w->wake[0]);
		close(w->wake[1]);
		free(w);
		return plat_errno(ret);
	}
	*out = w;
	return 0;
}

/* The peer no longer wants the answer: the polling thread gives it, unless it just has. */
static void cancel_wait(struct ipc_call *call, void *arg)
{
	struct netd_waits *w = arg;

	pthread_mutex_lock(&w->lock);
	for (struct wait_entry *e = w->entries; e; e = e->next)
		if (e->call == call)
			e->cancelled = true;
	pthread_mutex_unlock(&w->lock);
	wake_thread(w);
}

int64_t netd_wait_ready(struct netd_session *s, int fd, uint32_t events)
{
	struct netd_waits *w = s->waits;
	struct wait_entry *e = calloc(1, sizeof(*e));

	if (!e) {
		close(fd);
		return -LX_ENOMEM;
	}
	*e = (struct wait_entry){.fd = fd, .events = events};
	pthread_mutex_lock(&w->lock);
	e->call = w->count < MAX_WAITS ? ipc_conn_defer(s->conn, cancel_wait, w) : NULL;
	if (!e->call) {
		pthread_mutex_unlock(&w->lock);
		close(fd);
		free(e);
		return -LX_ENOMEM;
	}
	e->next = w->entries;
	w->entries = e;
	w->count++;
	pthread_mutex_unlock(&w->lock);
	wake_thread(w);
	return 0;
}
