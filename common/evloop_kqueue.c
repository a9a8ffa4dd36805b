/*
 * evloop_kqueue.c: the event loop on kqueue(2), for macOS and the BSDs.  Each watch is one filter
 * with the watch as udata, except descriptors, which have a read and a write filter.  Events are
 * fetched in batches, and a callback may delete a watch whose event lies in the same batch, so
 * evloop_del also strikes it out there.
 */
#include "common/evloop.h"

#include <sys/event.h>

#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/plat/errno.h"

#define BATCH 64

struct evloop {
	int kq;
	struct evwatch waker; /* for evloop_stop */
	atomic_bool stopped;
	uint64_t last_ident; /* of timers and user events */
	struct kevent batch[BATCH];
	int batch_len, batch_pos;
};

static int change(struct evloop *l, uintptr_t ident, int16_t filter, uint16_t flags,
                  uint32_t fflags, intptr_t data, struct evwatch *w)
{
	struct kevent kev;

	EV_SET(&kev, ident, filter, flags, fflags, data, w);
	return kevent(l->kq, &kev, 1, NULL, 0, NULL) < 0 ? plat_errno(errno) : 0;
}

static void woken(struct evwatch *w, int64_t value)
{
	(void)w;
	(void)value;
}

int evloop_new(struct evloop **out)
{
	struct evloop *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -LX_ENOMEM;
	l->kq = kqueue();
	if (l->kq < 0) {
		r = plat_errno(errno);
		free(l);
		return r;
	}
	r = evloop_add_user(l, &l->waker, woken, NULL);
	if (r < 0) {
		close(l->kq);
		free(l);
		return r;
	}
	*out = l;
	return 0;
}

void evloop_free(struct evloop *l)
{
	evloop_del(&l->waker);
	close(l->kq);
	free(l);
}

/* Adds or deletes one of a descriptor's two filters. */
static int set_filter(struct evwatch *w, int16_t filter, bool on, bool was)
{
	if (on == was)
		return 0;
	return change(w->loop, (uintptr_t)w->fd, filter, on ? EV_ADD : EV_DELETE, 0, 0, w);
}

static int set_filters(struct evwatch *w, unsigned events)
{
	int r = set_filter(w, EVFILT_READ, events & EVLOOP_READ, w->events & EVLOOP_READ);

	if (r < 0)
		return r;
	r = set_filter(w, EVFILT_WRITE, events & EVLOOP_WRITE, w->events & EVLOOP_WRITE);
	/* Back to what was before, so that a failure changes nothing. */
	if (r < 0 && set_filter(w, EVFILT_READ, w->events & EVLOOP_READ, events & EVLOOP_READ) < 0)
		return r;
	return r;
}

int evloop_add_fd(struct evloop *l, struct evwatch *w, int fd, unsigned events, evwatch_fn *fn,
                  void *arg)
{
	int r;

	*w = (struct evwatch){.fn = fn, .arg = arg, .loop = l, .fd = fd};
	r = set_filters(w, events);
	if (r < 0)
		return r;
	w->events = events;
	w->kind = EVWATCH_FD;
	return 0;
}

int evloop_set_events(struct evwatch *w, unsigned events)
{
	int r;

	if (w->kind != EVWATCH_FD)
		return -LX_EINVAL;
	r = set_filters(w, events);
	if (r == 0)
		w->events = events;
	return r;
}

/* Adds a filter under a number of our own. */
static int add_numbered(struct evloop *l, struct evwatch *w, enum evwatch_kind kind, int16_t filter,
                        uint16_t flags, uint32_t fflags, intptr_t data)
{
	int r;

	w->loop = l;
	w->fd = -1;
	w->ident = ++l->last_ident;
	r = change(l, (uintptr_t)w->ident, filter, EV_ADD | flags, fflags, data, w);
	if (r == 0)
		w->kind = kind;
	return r;
}

int evloop_add_timer(struct evloop *l, struct evwatch *w, uint64_t delay_ns, uint64_t period_ns,
                     evwatch_fn *fn, void *arg)
{
	uint64_t first = MIN(MAX(delay_ns, 1u), (uint64_t)INTPTR_MAX);

	*w = (struct evwatch){.fn = fn,
	                      .arg = arg,
	                      .periodic = period_ns > 0,
	                      .period_ns = MIN(period_ns, (uint64_t)INTPTR_MAX),
	                      .first = delay_ns != period_ns};
	/* kqueue's timers have one interval: a different first delay is a timer of its own. */
	return add_numbered(l, w, EVWATCH_TIMER, EVFILT_TIMER,
	                    period_ns == 0 || w->first ? EV_ONESHOT : 0, NOTE_NSECONDS,
	                    (intptr_t)first);
}

int evloop_add_signal(struct evloop *l, struct evwatch *w, int signo, evwatch_fn *fn, void *arg)
{
	struct sigaction sa = {.sa_handler = SIG_IGN};
	int r;

	*w = (struct evwatch){.fn = fn, .arg = arg, .loop = l, .fd = -1, .number = signo};
	/* EVFILT_SIGNAL sees ignored signals too.  An ignored SIGCHLD would reap children. */
	if (signo != SIGCHLD && sigaction(signo, &sa, NULL) < 0)
		return plat_errno(errno);
	r = change(l, (uintptr_t)signo, EVFILT_SIGNAL, EV_ADD, 0, 0, w);
	if (r == 0)
		w->kind = EVWATCH_SIGNAL;
	return r;
}

int evloop_add_process(struct evloop *l, struct evwatch *w, pid_t pid, evwatch_fn *fn, void *arg)
{
	int r;

	*w = (struct evwatch){.fn = fn, .arg = arg, .loop = l, .fd = -1, .number = pid};
	r = change(l, (uintptr_t)pid, EVFILT_PROC, EV_ADD | EV_ONESHOT, NOTE_EXIT, 0, w);
	if (r == 0)
		w->kind = EVWATCH_PROCESS;
	/* It may be a zombie already, which kqueue does not report any more. */
	if (r == -LX_ESRCH) {
		r = add_numbered(l, w, EVWATCH_PROCESS, EVFILT_TIMER, EV_ONESHOT, NOTE_NSECONDS, 1);
		w->number = pid;
	}
	return r;
}

int evloop_add_user(struct evloop *l, struct evwatch *w, evwatch_fn *fn, void *arg)
{
	*w = (struct evwatch){.fn = fn, .arg = arg};
	return add_numbered(l, w, EVWATCH_USER, EVFILT_USER, EV_CLEAR, NOTE_FFNOP, 0);
}

void evloop_trigger(struct evwatch *w)
{
	/* Fails only for a watch that is being deleted, which nobody may trigger. */
	if (change(w->loop, (uintptr_t)w->ident, EVFILT_USER, 0, NOTE_TRIGGER, 0, w) < 0)
		return;
}

void evloop_stop(struct evloop *l)
{
	atomic_store(&l->stopped, true);
	evloop_trigger(&l->waker);
}

/* Takes w's filter out of the kernel; one-shot filters may be gone already. */
static int remove_filter(struct evwatch *w)
{
	int r;

	switch (w->kind) {
	case EVWATCH_FD:
		r = set_filter(w, EVFILT_READ, false, w->events & EVLOOP_READ);
		return MIN(r, set_filter(w, EVFILT_WRITE, false, w->events & EVLOOP_WRITE));
	case EVWATCH_TIMER:
		return change(w->loop, (uintptr_t)w->ident, EVFILT_TIMER, EV_DELETE, 0, 0, w);
	case EVWATCH_USER:
		return change(w->loop, (uintptr_t)w->ident, EVFILT_USER, EV_DELETE, 0, 0, w);
	case EVWATCH_SIGNAL:
		return change(w->loop, (uintptr_t)w->number, EVFILT_SIGNAL, EV_DELETE, 0, 0, w);
	case EVWATCH_PROCESS:
		if (w->ident)
			return change(w->loop, (uintptr_t)w->ident, EVFILT_TIMER, EV_DELETE, 0, 0,
			              w);
		return change(w->loop, (uintptr_t)w->number, EVFILT_PROC, EV_DELETE, 0, 0, w);
	case EVWATCH_NONE:
		break;
	}
	return 0;
}

void evloop_del(struct evwatch *w)
{
	struct evloop *l = w->loop;

	if (w->kind == EVWATCH_NONE)
		return;
	for (int i = l->batch_pos; i < l->batch_len; i++)
		if (l->batch[i].udata == w)
			l->batch[i].udata = NULL;
	if (remove_filter(w) < 0)
		w->events = 0;
	w->kind = EVWATCH_NONE;
	w->fd = -1;
}

static void handle_fd(struct evwatch *w, const struct kevent *kev)
{
	unsigned got = kev->filter == EVFILT_READ ? EVLOOP_READ : EVLOOP_WRITE;

	if ((kev->flags & EV_ERROR) || (kev->filter == EVFILT_WRITE && (kev->flags & EV_EOF)))
		got |= EVLOOP_HUP;
	w->fn(w, got);
}

static bool handle_timer(struct evwatch *w, const struct kevent *kev)
{
	int64_t count = MAX((int64_t)kev->data, 1);

	if (!w->periodic) {
		evloop_del(w);
	} else if (w->first) {
		w->first = false;
		if (change(w->loop, (uintptr_t)w->ident, EVFILT_TIMER, EV_ADD, NOTE_NSECONDS,
		           (intptr_t)w->period_ns, w) < 0)
			evloop_del(w);
	}
	w->fn(w, count);
	return true;
}

static bool handle_process(struct evwatch *w)
{
	int status = -1;
	pid_t r;

	do
		r = waitpid(w->number, &status, 0);
	while (r < 0 && errno == EINTR);
	evloop_del(w);
	w->fn(w, r > 0 ? status : -1);
	return true;
}

static bool handle(struct evwatch *w, const struct kevent *kev)
{
	switch (w->kind) {
	case EVWATCH_FD:
		handle_fd(w, kev);
		return true;
	case EVWATCH_TIMER:
		return handle_timer(w, kev);
	case EVWATCH_SIGNAL:
		w->fn(w, w->number);
		return true;
	case EVWATCH_PROCESS:
		return handle_process(w);
	case EVWATCH_USER:
		w->fn(w, 1);
		return true;
	case EVWATCH_NONE:
		break;
	}
	return false;
}

int evloop_step(struct evloop *l, int timeout_ms)
{
	struct timespec ts = {.tv_sec = timeout_ms / 1000,
	                      .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
	int handled = 0, n = kevent(l->kq, NULL, 0, l->batch, BATCH, timeout_ms < 0 ? NULL : &ts);

	if (n < 0)
		return errno == EINTR ? 0 : plat_errno(errno);
	l->batch_len = n;
	for (l->batch_pos = 0; l->batch_pos < l->batch_len;) {
		struct kevent kev = l->batch[l->batch_pos++];

		if (kev.udata && handle(kev.udata, &kev))
			handled++;
	}
	l->batch_len = l->batch_pos = 0;
	return handled;
}

int evloop_run(struct evloop *l)
{
	int r = 0;

	while (r >= 0 && !atomic_load(&l->stopped))
		r = evloop_step(l, -1);
	atomic_store(&l->stopped, false);
	return MIN(r, 0);
}
