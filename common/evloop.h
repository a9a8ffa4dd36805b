/*
 * evloop.h: waits for descriptors, timers, signals, child processes and wake-ups from other
 * threads, and calls back.  Two back ends: evloop_epoll.c (Linux), evloop_kqueue.c (macOS, BSD).
 *
 * A watch is a struct evwatch inside its owner's struct.  It starts with an evloop_add_* call and
 * ends with evloop_del, after which it is not called again, even if its event was already
 * fetched; any callback may delete any watch, its own too, and free what contains it.  All
 * functions belong to the loop's own thread, except evloop_trigger and evloop_stop.
 */
#ifndef COMMON_EVLOOP_H
#define COMMON_EVLOOP_H

#include <sys/types.h>

#include "common/base.h"

struct evloop;
struct evwatch;

enum {
	EVLOOP_READ = 1,  /* readable, or end of stream */
	EVLOOP_WRITE = 2, /* writable */
	EVLOOP_HUP = 4,   /* reported, never asked for: the other side is gone, or an error */
};

enum evwatch_kind {
	EVWATCH_NONE,
	EVWATCH_FD,
	EVWATCH_TIMER,
	EVWATCH_SIGNAL,
	EVWATCH_PROCESS,
	EVWATCH_USER
};

/* value: EVLOOP_* bits for descriptors; expirations for timers; the signal's number; a process's
 * wait status as waitpid(2) gives it (or -1 if someone else has reaped it); triggers (at least 1)
 * for user events. */
typedef void evwatch_fn(struct evwatch *w, int64_t value);

struct evwatch {
	evwatch_fn *fn;
	void *arg;
	/* private to evloop */
	struct evloop *loop;
	enum evwatch_kind kind;
	int fd;     /* watched, or the back end's own for this watch */
	int number; /* signal, or process id */
	unsigned events;
	uint64_t ident, period_ns; /* kqueue: timers and user events */
	bool first;                /* kqueue: a timer whose first delay differs from its period */
	bool periodic;
};

/* 0 or a negative Linux errno. */
int evloop_new(struct evloop **out) MUST_CHECK;
/* Watches still there are deleted; their structs stay their owners'. */
void evloop_free(struct evloop *l);

/* Runs until evloop_stop.  0 or a negative Linux errno. */
int evloop_run(struct evloop *l) MUST_CHECK;
/* Waits for at most timeout_ms (-1: for ever), and calls back for what came.  The number of
 * events handled, or a negative Linux errno. */
int evloop_step(struct evloop *l, int timeout_ms) MUST_CHECK;
/* Makes evloop_run return after the events in hand.  Callable from any thread. */
void evloop_stop(struct evloop *l);

/* All return 0 or a negative Linux errno.  w must be zeroed or deleted.  fn and arg are kept.
 * A descriptor stays its owner's, may be watched once per loop, and is level-triggered. */
int evloop_add_fd(struct evloop *l, struct evwatch *w, int fd, unsigned events, evwatch_fn *fn,
                  void *arg) MUST_CHECK;
/* Changes the events waited for.  0 keeps the watch silent, except that epoll goes on to report
 * EVLOOP_HUP, again and again: delete the watch then. */
int evloop_set_events(struct evwatch *w, unsigned events) MUST_CHECK;
/* First after delay_ns, then every period_ns (0: only once, and the watch is deleted before its
 * callback runs).  A delay of 0 expires at once. */
int evloop_add_timer(struct evloop *l, struct evwatch *w, uint64_t delay_ns, uint64_t period_ns,
                     evwatch_fn *fn, void *arg) MUST_CHECK;
/* Also blocks the signal in the calling thread (epoll) or ignores its default action (kqueue), so
 * that it reaches the loop and nothing else.  Set up signals before starting threads. */
int evloop_add_signal(struct evloop *l, struct evwatch *w, int signo, evwatch_fn *fn,
                      void *arg) MUST_CHECK;
/* Once, when the child pid ends; reaps it.  The watch is deleted before its callback runs. */
int evloop_add_process(struct evloop *l, struct evwatch *w, pid_t pid, evwatch_fn *fn,
                       void *arg) MUST_CHECK;
int evloop_add_user(struct evloop *l, struct evwatch *w, evwatch_fn *fn, void *arg) MUST_CHECK;
/* Has a user watch called back on the loop's thread.  Callable from any thread. */
void evloop_trigger(struct evwatch *w);

/* Ends a watch.  Harmless on one that is zeroed or deleted already. */
void evloop_del(struct evwatch *w);

static inline bool evwatch_active(const struct evwatch *w)
{
	return w->kind != EVWATCH_NONE;
}

#endif
