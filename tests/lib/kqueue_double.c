/*
 * kqueue_double.c: the double's workings.  A queue is a table of filters under one lock; its
 * descriptor is an eventfd that is written when something changes, so that a waiting kevent looks
 * again.  Waiting is one ppoll over everything that has a descriptor (processes have pidfds).
 */
#include "tests/lib/kqueue/sys/event.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILTERS_MAX 128
#define QUEUES_MAX  8

struct filter {
	struct kevent kev;
	bool used, triggered;
	int fd;           /* to poll */
	uint64_t expires; /* timers; nanoseconds of CLOCK_MONOTONIC */
	int seen;         /* signals counted so far */
};

static struct queue {
	int fd;
	bool used;
	struct filter filters[FILTERS_MAX];
} queues[QUEUES_MAX];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int signals[65];
static atomic_int signal_wake = -1;

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void wake(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

static void on_signal(int signo)
{
	int saved = errno;

	atomic_fetch_add(&signals[signo], 1);
	wake(atomic_load(&signal_wake));
	errno = saved;
}

int kqueue(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct queue *q = NULL;

	pthread_mutex_lock(&lock);
	for (int i = 0; i < QUEUES_MAX && !q; i++)
		/* A queue whose descriptor was closed, and perhaps given out again, is free. */
		if (!queues[i].used || queues[i].fd == fd)
			q = &queues[i];
	if (q) {
		memset(q, 0, sizeof(*q));
		q->used = true;
		q->fd = fd;
	}
	pthread_mutex_unlock(&lock);
	return q ? fd : -1;
}

static struct queue *find_queue(int fd)
{
	for (int i = 0; i < QUEUES_MAX; i++)
		if (queues[i].used && queues[i].fd == fd)
			return &queues[i];
	return NULL;
}

static struct filter *find_filter(struct queue *q, const struct kevent *c)
{
	for (int i = 0; i < FILTERS_MAX; i++)
		if (q->filters[i].used && q->filters[i].kev.ident == c->ident &&
		    q->filters[i].kev.filter == c->filter)
			return &q->filters[i];
	return NULL;
}

static void drop(struct filter *f)
{
	if (f->kev.filter == EVFILT_PROC)
		close(f->fd);
	f->used = false;
}

/* Like macOS, a zombie cannot be watched any more. */
static int start_proc(struct filter *f)
{
	siginfo_t si = {.si_pid = 0};

	if (waitid(P_PID, (id_t)f->kev.ident, &si, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	    si.si_pid != 0) {
		errno = ESRCH;
		return -1;
	}
	f->fd = (int)syscall(SYS_pidfd_open, (pid_t)f->kev.ident, 0);
	return f->fd < 0 ? -1 : 0;
}

static int start_signal(struct queue *q, struct filter *f)
{
	struct sigaction sa = {.sa_handler = on_signal};

	atomic_store(&signal_wake, q->fd);
	f->seen = atomic_load(&signals[f->kev.ident]);
	return sigaction((int)f->kev.ident, &sa, NULL);
}

static int add(struct queue *q, const struct kevent *c)
{
	struct filter *f = find_filter(q, c);

	for (int i = 0; i < FILTERS_MAX && !f; i++)
		if (!q->filters[i].used)
			f = &q->filters[i];
	if (!f) {
		errno = ENOMEM;
		return -1;
	}
	memset(f, 0, sizeof(*f));
	f->kev = *c;
	f->fd = -1;
	if (c->filter == EVFILT_READ || c->filter == EVFILT_WRITE)
		f->fd = (int)c->ident;
	if (c->filter == EVFILT_TIMER)
		f->expires = now() + (uint64_t)c->data;
	if (c->filter == EVFILT_PROC && start_proc(f) < 0)
		return -1;
	if (c->filter == EVFILT_SIGNAL && start_signal(q, f) < 0)
		return -1;
	f->used = true;
	return 0;
}

static int apply(struct queue *q, const struct kevent *c)
{
	struct filter *f = find_filter(q, c);

	if (c->flags & EV_ADD)
		return add(q, c);
	if (!f) {
		errno = ENOENT;
		return -1;
	}
	if (c->flags & EV_DELETE)
		drop(f);
	else if (c->filter == EVFILT_USER && (c->fflags & NOTE_TRIGGER))
		f->triggered = true;
	return 0;
}

/* Whether f has something to report, and what. */
static bool ready(struct filter *f, struct kevent *out)
{
	struct pollfd p = {.fd = f->fd, .events = f->kev.filter == EVFILT_WRITE ? POLLOUT : POLLIN};
	uint64_t t = now();
	int count;

	*out = f->kev;
	out->flags = 0;
	out->data = 0;
	switch (f->kev.filter) {
	case EVFILT_READ:
	case EVFILT_WRITE:
	case EVFILT_PROC:
		if (poll(&p, 1, 0) <= 0)
			return false;
		if (p.revents & (POLLHUP | POLLERR))
			out->flags |= EV_EOF;
		return true;
	case EVFILT_TIMER:
		if (t < f->expires)
			return false;
		out->data = 1 + (intptr_t)((t - f->expires) / (uint64_t)f->kev.data);
		f->expires += (uint64_t)out->data * (uint64_t)f->kev.data;
		return true;
	case EVFILT_SIGNAL:
		count = atomic_load(&signals[f->kev.ident]) - f->seen;
		f->seen += count;
		out->data = count;
		return count > 0;
	default:
		count = f->triggered;
		f->triggered = false;
		return count;
	}
}

static int collect(struct queue *q, struct kevent *events, int n)
{
	int got = 0;

	for (int i = 0; i < FILTERS_MAX && got < n; i++) {
		struct filter *f = &q->filters[i];

		if (!f->used || !ready(f, &events[got]))
			continue;
		if (f->kev.flags & EV_ONESHOT)
			drop(f);
		got++;
	}
	return got;
}

/* Sleeps until a descriptor, the next timer, a change, or `until`.  Drops the lock meanwhile. */
static void sleep_until(struct queue *q, uint64_t until)
{
	struct pollfd p[FILTERS_MAX + 1];
	struct timespec ts;
	uint64_t t = now(), junk;
	nfds_t n = 0;

	p[n++] = (struct pollfd){.fd = q->fd, .events = POLLIN};
	for (int i = 0; i < FILTERS_MAX; i++) {
		struct filter *f = &q->filters[i];

		if (!f->used)
			continue;
		if (f->fd >= 0)
			p[n++] = (struct pollfd){.fd = f->fd,
			                         .events = f->kev.filter == EVFILT_WRITE ? POLLOUT
			                                                                 : POLLIN};
		if (f->kev.filter == EVFILT_TIMER && f->expires < until)
			until = f->expires;
	}
	pthread_mutex_unlock(&lock);
	t = until > t ? until - t : 0;
	ts = (struct timespec){(time_t)(t / 1000000000u), (long)(t % 1000000000u)};
	ppoll(p, n, until == UINT64_MAX ? NULL : &ts, NULL);
	pthread_mutex_lock(&lock);
	if (read(q->fd, &junk, sizeof(junk)) < 0)
		return;
}

int kevent(int kq, const struct kevent *changes, int nchanges, struct kevent *events, int nevents,
           const struct timespec *timeout)
{
	uint64_t until =
	    timeout ? now() + (uint64_t)timeout->tv_sec * 1000000000u + (uint64_t)timeout->tv_nsec
	            : UINT64_MAX;
	struct queue *q;
	int got = 0;

	pthread_mutex_lock(&lock);
	q = find_queue(kq);
	for (int i = 0; i < nchanges && got == 0; i++)
		got = apply(q, &changes[i]);
	if (nchanges > 0)
		wake(kq);
	while (got == 0 && nevents > 0 && (got = collect(q, events, nevents)) == 0 && now() < until)
		sleep_until(q, until);
	pthread_mutex_unlock(&lock);
	return got;
}
