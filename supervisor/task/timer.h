/*
 * timer.h: calling a function at a time.  One thread serves all timers from a heap.
 *
 * The function runs on that thread with no lock held; it must be short and must not block
 * (it may take object locks, wake queues and send signals, and may start its timer again).
 */
#ifndef SUPERVISOR_TASK_TIMER_H
#define SUPERVISOR_TASK_TIMER_H

#include "common/base.h"

#define KTIMER_IDLE UINT32_MAX

struct ktimer {
	int64_t deadline; /* CLOCK_MONOTONIC ns; under the heap's lock */
	uint32_t slot;    /* place in the heap, KTIMER_IDLE when not queued */
	bool running;     /* fn is being called */
	void (*fn)(struct ktimer *timer);
};

void ktimer_init(struct ktimer *timer, void (*fn)(struct ktimer *timer));
/* (Re)starts it for deadline; 0 or -LX_ENOMEM. */
int ktimer_start(struct ktimer *timer, int64_t deadline) MUST_CHECK;
/* Takes it off the heap: true if it was queued.  fn may still be running. */
bool ktimer_cancel(struct ktimer *timer);
/* Same, and afterwards fn is not running (unless this is fn itself).  The caller holds no lock
 * that fn takes, and nobody starts the timer again meanwhile. */
bool ktimer_cancel_sync(struct ktimer *timer);

/*
 * The clocks of clock_gettime(2) that do not belong to a process, and conversion of a guest's
 * absolute time on one of them to a CLOCK_MONOTONIC deadline (saturating).
 */
#define LX_CLOCK_REALTIME           0
#define LX_CLOCK_MONOTONIC          1
#define LX_CLOCK_PROCESS_CPUTIME_ID 2
#define LX_CLOCK_THREAD_CPUTIME_ID  3
#define LX_CLOCK_MONOTONIC_RAW      4
#define LX_CLOCK_REALTIME_COARSE    5
#define LX_CLOCK_MONOTONIC_COARSE   6
#define LX_CLOCK_BOOTTIME           7
#define LX_CLOCK_REALTIME_ALARM     8
#define LX_CLOCK_BOOTTIME_ALARM     9
#define LX_CLOCK_TAI                11

#define CLOCK_TICK_NS INT64_C(4000000) /* resolution of the coarse clocks */

/* Now, in ns; -LX_EINVAL for a clock that is not one of these. */
int64_t clock_now(int clock);
/* The deadline at which clock shows abs_ns. */
int64_t clock_to_deadline(int clock, int64_t abs_ns);
/* now_ns() + ns without overflow. */
int64_t deadline_after(int64_t ns);
/* Moves *at, the next expiry of a timer of that interval (> 0), beyond now; saturates.  Returns the
 * expiries that went by: 0 if *at is still to come. */
int64_t deadline_advance(int64_t *at, int64_t interval, int64_t now);

struct lx_timespec {
	int64_t sec, nsec;
};
/* ns of a valid timespec (saturating at INT64_MAX); -LX_EINVAL for a negative or denormal one. */
int64_t lx_timespec_ns(const struct lx_timespec *ts);
struct lx_timespec lx_ns_timespec(int64_t ns);

#endif
