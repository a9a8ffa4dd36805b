/*
 * clock.c: the guest's system-wide clocks are the host's.
 */
#include <time.h>

#include "common/lx/errno.h"
#include "supervisor/task/timer.h"
#include "supervisor/task/wait.h"

static bool host_clock(int clock, clockid_t *out)
{
	switch (clock) {
	case LX_CLOCK_REALTIME:
	case LX_CLOCK_REALTIME_ALARM:
		*out = CLOCK_REALTIME;
		return true;
	case LX_CLOCK_MONOTONIC:
		*out = CLOCK_MONOTONIC;
		return true;
#ifdef __linux__
	case LX_CLOCK_MONOTONIC_RAW:
		*out = CLOCK_MONOTONIC_RAW;
		return true;
	case LX_CLOCK_BOOTTIME:
	case LX_CLOCK_BOOTTIME_ALARM:
		*out = CLOCK_BOOTTIME;
		return true;
	case LX_CLOCK_TAI:
		*out = CLOCK_TAI;
		return true;
#else
	case LX_CLOCK_TAI:
		*out = CLOCK_REALTIME;
		return true;
	case LX_CLOCK_MONOTONIC_RAW:
	case LX_CLOCK_BOOTTIME:
	case LX_CLOCK_BOOTTIME_ALARM:
		*out = CLOCK_MONOTONIC;
		return true;
#endif
	default:
		return false;
	}
}

/* Coarse clocks stand still between ticks, which are the same for both and for the vDSO. */
static int64_t coarse(int clock)
{
	int64_t now = now_ns();
	int64_t ahead = clock == LX_CLOCK_REALTIME_COARSE ? clock_now(LX_CLOCK_REALTIME) - now : 0;

	return now - now % CLOCK_TICK_NS + ahead;
}

int64_t clock_now(int clock)
{
	clockid_t host;
	struct timespec ts;

	if (clock == LX_CLOCK_REALTIME_COARSE || clock == LX_CLOCK_MONOTONIC_COARSE)
		return coarse(clock);
	if (!host_clock(clock, &host) || clock_gettime(host, &ts) < 0)
		return -LX_EINVAL;
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t clock_to_deadline(int clock, int64_t abs_ns)
{
	int64_t left;

	if (clock == LX_CLOCK_MONOTONIC || abs_ns == WAIT_FOREVER)
		return abs_ns;
	if (sub_overflows(abs_ns, clock_now(clock), &left))
		return abs_ns < 0 ? 0 : WAIT_FOREVER;
	return left <= 0 ? now_ns() : deadline_after(left);
}

int64_t lx_timespec_ns(const struct lx_timespec *ts)
{
	int64_t ns;

	if (ts->sec < 0 || ts->nsec < 0 || ts->nsec > 999999999)
		return -LX_EINVAL;
	if (mul_overflows(ts->sec, INT64_C(1000000000), &ns) || add_overflows(ns, ts->nsec, &ns))
		return INT64_MAX;
	return ns;
}

struct lx_timespec lx_ns_timespec(int64_t ns)
{
	return (struct lx_timespec){ns / 1000000000, ns % 1000000000};
}
