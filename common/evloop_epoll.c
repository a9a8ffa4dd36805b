/*
 * evloop_epoll.c: the event loop on epoll(7).  Timers are timerfds, signals a signalfd each,
 * processes pidfds, user events eventfds: everything is a descriptor, and its epoll data is the
 * watch.  Events are fetched in batches, and a callback may delete a watch whose event lies in
 * the same batch, so evloop_del also strikes it out there.
 */
#include "common/evloop.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/plat/errno.h"

#define BATCH 64

struct evloop {
	int epfd;
	struct evwatch waker; /* for evloop_stop */
	atomic_bool stopped;
	struct epoll_event batch[BATCH];
	int batch_len, batch_pos;
};

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
	l->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epfd < 0) {
		r = plat_errno(errno);
		free(l);
		return r;
	}
	r = evloop_add_user(l, &l->waker, woken, NULL);
	if (r < 0) {
		close(l->epfd);
		free(l);
		return r;
	}
	*out = l;
	return 0;
}

void evloop_free(struct evloop *l)
{
	evloop_del(&l->waker);
	close(l->epfd);
	free(l);
}

static uint32_t to_epoll(unsigned events)
{
	return (events & EVLOOP_READ ? (uint32_t)EPOLLIN | EPOLLRDHUP : 0) |
	       (events & EVLOOP_WRITE ? (uint32_t)EPOLLOUT : 0);
}

static unsigned from_epoll(uint32_t events, unsigned wanted)
{
	unsigned r = 0;

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		r |= EVLOOP_READ;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		r |= EVLOOP_WRITE;
	return (r & wanted) | (events & (EPOLLHUP | EPOLLERR) ? (unsigned)EVLOOP_HUP : 0);
}

/* Starts w on fd, which is closed on failure when the back end owns it. */
static int start(struct evloop *l, struct evwatch *w, enum evwatch_kind kind, int fd,
                 unsigned events)
{
	struct epoll_event ev = {.events = to_epoll(events), .data.ptr = w};
	int r;

	if (fd < 0)
		return plat_errno(errno);
	if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &ev) < 0) {
		r = plat_errno(errno);
		if (kind != EVWATCH_FD)
			close(fd);
		return r;
	}
	w->loop = l;
	w->kind = kind;
	w->fd = fd;
	w->events = events;
	return 0;
}

int evloop_add_fd(struct evloop *l, struct evwatch *w, int fd, unsigned events, evwatch_fn *fn,
                  void *arg)
{
	*w = (struct evwatch){.fn = fn, .arg = arg};
	return start(l, w, EVWATCH_FD, fd, events);
}

int evloop_set_events(struct evwatch *w, unsigned events)
{
	struct epoll_event ev = {.events = to_epoll(events), .data.ptr = w};

	if (w->kind != EVWATCH_FD)
		return -LX_EINVAL;
	if (w->events == events)
		return 0;
	if (epoll_ctl(w->loop->epfd, EPOLL_CTL_MOD, w->fd, &ev) < 0)
		return plat_errno(errno);
	w->events = events;
	return 0;
}

static struct timespec to_timespec(uint64_t ns)
{
	return (struct timespec){.tv_sec = (time_t)(ns / 1000000000u),
	                         .tv_nsec = (long)(ns % 1000000000u)};
}

int evloop_add_timer(struct evloop *l, struct evwatch *w, uint64_t delay_ns, uint64_t period_ns,
                     evwatch_fn *fn, void *arg)
{
	/* A timerfd set to 0 is disarmed, not expired. */
	struct itimerspec its = {.it_interval = to_timespec(period_ns),
	                         .it_value = to_timespec(MAX(delay_ns, 1u))};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int r;

	*w = (struct evwatch){.fn = fn, .arg = arg, .periodic = period_ns > 0};
	if (fd >= 0 && timerfd_settime(fd, 0, &its, NULL) < 0) {
		r = plat_errno(errno);
		close(fd);
		return r;
	}
	return start(l, w, EVWATCH_TIMER, fd, EVLOOP_READ);
}

int evloop_add_signal(struct evloop *l, struct evwatch *w, int signo, evwatch_fn *fn, void *arg)
{
	sigset_t set;
	int r;

	*w = (struct evwatch){.fn = fn, .arg = arg, .number = signo};
	sigemptyset(&set);
	if (sigaddset(&set, signo) < 0)
		return plat_errno(errno);
	r = pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (r != 0)
		return plat_errno(r);
	return start(l, w, EVWATCH_SIGNAL, signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
	             EVLOOP_READ);
}

int evloop_add_process(struct evloop *l, struct evwatch *w, pid_t pid, evwatch_fn *fn, void *arg)
{
	*w = (struct evwatch){.fn = fn, .arg = arg, .number = pid};
	return start(l, w, EVWATCH_PROCESS, (int)syscall(SYS_pidfd_open, pid, 0), EVLOOP_READ);
}

int evloop_add_user(struct evloop *l, struct evwatch *w, evwatch_fn *fn, void *arg)
{
	*w = (struct evwatch){.fn = fn, .arg = arg};
	return start(l, w, EVWATCH_USER, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), EVLOOP_READ);
}

void evloop_trigger(struct evwatch *w)
{
	uint64_t one = 1;

	/* It fails only when the counter is full, and then the event is pending anyway. */
	if (write(w->fd, &one, sizeof(one)) < 0)
		return;
}

void evloop_stop(struct evloop *l)
{
	atomic_store(&l->stopped, true);
	evloop_trigger(&l->waker);
}

void evloop_del(struct evwatch *w)
{
	struct evloop *l = w->loop;

	if (w->kind == EVWATCH_NONE)
		return;
	for (int i = l->batch_pos; i < l->batch_len; i++)
		if (l->batch[i].data.ptr == w)
			l->batch[i].data.ptr = NULL;
	epoll_ctl(l->epfd, EPOLL_CTL_DEL, w->fd, NULL);
	if (w->kind != EVWATCH_FD)
		close(w->fd);
	w->kind = EVWATCH_NONE;
	w->fd = -1;
}

/* Calls back for one event of a back-end descriptor; false if there was none after all. */
static bool handle(struct evwatch *w, uint32_t events)
{
	struct signalfd_siginfo si;
	uint64_t count = 0;
	int status = -1;
	pid_t r;

	switch (w->kind) {
	case EVWATCH_FD:
		w->fn(w, from_epoll(events, w->events));
		return true;
	case EVWATCH_TIMER:
	case EVWATCH_USER:
		if (read(w->fd, &count, sizeof(count)) != sizeof(count))
			return false;
		if (w->kind == EVWATCH_TIMER && !w->periodic)
			evloop_del(w);
		w->fn(w, (int64_t)MIN(count, (uint64_t)INT64_MAX));
		return true;
	case EVWATCH_SIGNAL:
		if (read(w->fd, &si, sizeof(si)) != sizeof(si))
			return false;
		w->fn(w, w->number);
		return true;
	case EVWATCH_PROCESS:
		do
			r = waitpid(w->number, &status, WNOHANG);
		while (r < 0 && errno == EINTR);
		if (r == 0)
			return false;
		evloop_del(w);
		w->fn(w, r > 0 ? status : -1);
		return true;
	case EVWATCH_NONE:
		break;
	}
	return false;
}

int evloop_step(struct evloop *l, int timeout_ms)
{
	int handled = 0, n = epoll_wait(l->epfd, l->batch, BATCH, timeout_ms);

	if (n < 0)
		return errno == EINTR ? 0 : plat_errno(errno);
	l->batch_len = n;
	for (l->batch_pos = 0; l->batch_pos < l->batch_len;) {
		struct epoll_event ev = l->batch[l->batch_pos++];
		struct evwatch *w = ev.data.ptr;

		if (w && handle(w, ev.events))
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
