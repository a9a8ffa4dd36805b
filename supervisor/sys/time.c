/*
 * time.c: clocks, sleeping, and the system calls of timers.  clock_gettime(2), nanosleep(2),
 * setitimer(2), timer_create(2), times(2).
 */
#include "supervisor/sys/rusage.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/cred.h"
#include "supervisor/task/itimer.h"
#include "supervisor/task/task.h"

#define LX_TIMER_ABSTIME 1u

static int put_timespec(struct task *t, struct guest_ptr p, int64_t ns)
{
	struct lx_timespec ts = lx_ns_timespec(ns);

	return copy_to_user(t->mm, p, &ts, sizeof(ts));
}

/*
 * CPU clocks of other tasks: a negative number ~pid << 3 | bit 2: of one thread | which, where
 * which 0 is user and system time, 1 user time, 2 the scheduler's time.  clock_getcpuclockid(3).
 */
static int64_t other_cpu_clock(struct task *t, int clock)
{
	int32_t pid = ~(clock >> 3);
	bool thread = (clock & 4) != 0;
	int64_t utime, stime;
	struct task *other;

	if ((clock & 3) == 3)
		return -LX_EINVAL;
	other = pid ? task_find(t->guest, pid) : task_get(t);
	if (!other || (thread ? other->group != t->group : pid && other->group->tgid != pid)) {
		task_put(other);
		return -LX_EINVAL;
	}
	if (thread)
		task_cpu_time(other, &utime, &stime);
	else
		tgroup_cpu_time(other->group, &utime, &stime);
	task_put(other);
	return (clock & 3) == 1 ? utime : utime + stime;
}

/* Any clock's time in ns, or -LX_EINVAL. */
static int64_t any_clock(struct task *t, int clock)
{
	int64_t utime, stime;

	if (clock < 0)
		return other_cpu_clock(t, clock);
	switch (clock) {
	case LX_CLOCK_PROCESS_CPUTIME_ID:
		tgroup_cpu_time(t->group, &utime, &stime);
		return utime + stime;
	case LX_CLOCK_THREAD_CPUTIME_ID:
		task_cpu_time(t, &utime, &stime);
		return utime + stime;
	default:
		return clock_now(clock);
	}
}

static bool is_cpu_clock(int clock)
{
	return clock < 0 || clock == LX_CLOCK_PROCESS_CPUTIME_ID || clock == LX_CLOCK_THREAD_CPUTIME_ID;
}

int64_t sys_clock_gettime(struct task *t, const struct sys_args *a)
{
	int64_t ns = any_clock(t, arg_int(a, 0));

	return ns < 0 ? ns : put_timespec(t, arg_ptr(a, 1), ns);
}

int64_t sys_clock_getres(struct task *t, const struct sys_args *a)
{
	int clock = arg_int(a, 0);
	int64_t ns = any_clock(t, clock), res = 1;

	if (ns < 0)
		return ns;
	if (clock == LX_CLOCK_REALTIME_COARSE || clock == LX_CLOCK_MONOTONIC_COARSE)
		res = CLOCK_TICK_NS;
	return guest_ptr_null(arg_ptr(a, 1)) ? 0 : put_timespec(t, arg_ptr(a, 1), res);
}

int64_t sys_clock_settime(struct task *t, const struct sys_args *a)
{
	struct lx_timespec ts;

	if (arg_int(a, 0) != LX_CLOCK_REALTIME)
		return -LX_EINVAL;
	if (copy_from_user(t->mm, &ts, arg_ptr(a, 1), sizeof(ts)) < 0)
		return -LX_EFAULT;
	if (lx_timespec_ns(&ts) < 0)
		return -LX_EINVAL;
	return -LX_EPERM; /* the clock is the host's */
}

int64_t sys_gettimeofday(struct task *t, const struct sys_args *a)
{
	struct lx_timeval tv = rusage_timeval(clock_now(LX_CLOCK_REALTIME));
	static const int32_t utc[2] = {0, 0};

	if (!guest_ptr_null(arg_ptr(a, 0)) && copy_to_user(t->mm, arg_ptr(a, 0), &tv, sizeof(tv)) < 0)
		return -LX_EFAULT;
	if (!guest_ptr_null(arg_ptr(a, 1)) && copy_to_user(t->mm, arg_ptr(a, 1), utc, sizeof(utc)) < 0)
		return -LX_EFAULT;
	return 0;
}

int64_t sys_settimeofday(struct task *t, const struct sys_args *a)
{
	struct lx_timeval tv;

	if (!guest_ptr_null(arg_ptr(a, 0))) {
		if (copy_from_user(t->mm, &tv, arg_ptr(a, 0), sizeof(tv)) < 0)
			return -LX_EFAULT;
		if (tv.usec < 0 || tv.usec > 999999)
			return -LX_EINVAL;
	}
	return -LX_EPERM;
}

/* struct timex of adjtimex(2) on 64-bit: only what a reader looks at is filled. */
struct lx_timex {
	uint32_t modes, pad0;
	int64_t offset, freq, maxerror, esterror;
	int32_t status, pad1;
	int64_t constant, precision, tolerance;
	struct lx_timeval time;
	int64_t tick, ppsfreq, jitter;
	int32_t shift, pad2;
	int64_t stabil, jitcnt, calcnt, errcnt, stbcnt;
	int32_t tai, pad3[11];
};
_Static_assert(sizeof(struct lx_timex) == 208, "struct timex");
#define LX_STA_UNSYNC 0x40
#define LX_TIME_ERROR 5

static int64_t adjust(struct task *t, struct guest_ptr p)
{
	struct lx_timex tx;

	if (copy_from_user(t->mm, &tx, p, sizeof(tx)) < 0)
		return -LX_EFAULT;
	if (tx.modes && !cred_capable(t->cred, LX_CAP_SYS_TIME))
		return -LX_EPERM;
	tx = (struct lx_timex){
		.maxerror = 16000000,
		.esterror = 16000000,
		.status = LX_STA_UNSYNC,
		.constant = 2,
		.precision = 1,
		.tolerance = 32768000,
		.time = rusage_timeval(clock_now(LX_CLOCK_REALTIME)),
		.tick = 10000,
	};
	return copy_to_user(t->mm, p, &tx, sizeof(tx)) < 0 ? -LX_EFAULT : LX_TIME_ERROR;
}

int64_t sys_adjtimex(struct task *t, const struct sys_args *a)
{
	return adjust(t, arg_ptr(a, 0));
}

int64_t sys_clock_adjtime(struct task *t, const struct sys_args *a)
{
	if (arg_int(a, 0) != LX_CLOCK_REALTIME)
		return clock_now(arg_int(a, 0)) < 0 ? -LX_EINVAL : -LX_EOPNOTSUPP;
	return adjust(t, arg_ptr(a, 1));
}

/* Sleeps until the deadline: 0, or -LX_ERESTARTSYS. */
static int sleep_until(struct task *t, int64_t deadline)
{
	int err;

	do {
		task_sleep_prepare(t);
		err = task_sleep(t, deadline);
	} while (err == 0);
	return err == -LX_ETIMEDOUT ? 0 : err;
}

/* A relative sleep that was interrupted: what is left goes to addr; restart_syscall goes on. */
static int64_t sleep_relative(struct task *t);

static int64_t sleep_again(struct task *t)
{
	return sleep_relative(t);
}

static int64_t sleep_relative(struct task *t)
{
	int err = sleep_until(t, t->restart.deadline);
	int64_t left;

	if (err == 0)
		return 0;
	left = MAX(t->restart.deadline - now_ns(), INT64_C(0));
	if (left == 0)
		return 0;
	if (!guest_ptr_null(t->restart.addr) && put_timespec(t, t->restart.addr, left) < 0)
		return -LX_EFAULT;
	t->restart.fn = sleep_again;
	return -LX_ERESTART_RESTARTBLOCK;
}

/* Sleeping on a CPU clock: looks again after what is left could have been used up. */
static int64_t sleep_cpu(struct task *t, int clock, bool absolute, int64_t ns, struct guest_ptr rem)
{
	int64_t now = any_clock(t, clock), until = ns;

	if (now < 0)
		return now;
	if (!absolute && add_overflows(now, ns, &until))
		until = INT64_MAX;
	while (now >= 0 && now < until) {
		int err = sleep_until(t, deadline_after(MAX(until - now, INT64_C(1000000))));

		now = any_clock(t, clock);
		if (err < 0 && !absolute && !guest_ptr_null(rem) && now < until &&
		    put_timespec(t, rem, until - now) < 0)
			return -LX_EFAULT;
		if (err < 0)
			return -LX_ERESTARTNOHAND;
	}
	return 0;
}

static int64_t sleep_on(struct task *t, int clock, bool absolute, struct guest_ptr req, struct guest_ptr rem)
{
	struct lx_timespec ts;
	int64_t ns;

	if (copy_from_user(t->mm, &ts, req, sizeof(ts)) < 0)
		return -LX_EFAULT;
	ns = lx_timespec_ns(&ts);
	if (ns < 0)
		return ns;
	if (is_cpu_clock(clock))
		return sleep_cpu(t, clock, absolute, ns, rem);
	if (absolute) {
		int err = sleep_until(t, clock_to_deadline(clock, ns));

		return err == -LX_ERESTARTSYS ? -LX_ERESTARTNOHAND : err;
	}
	t->restart = (struct restart_block){.deadline = deadline_after(ns), .addr = rem};
	return sleep_relative(t);
}

int64_t sys_nanosleep(struct task *t, const struct sys_args *a)
{
	return sleep_on(t, LX_CLOCK_MONOTONIC, false, arg_ptr(a, 0), arg_ptr(a, 1));
}

int64_t sys_clock_nanosleep(struct task *t, const struct sys_args *a)
{
	int clock = arg_int(a, 0);

	switch (clock) {
	case LX_CLOCK_MONOTONIC_RAW:
	case LX_CLOCK_REALTIME_COARSE:
	case LX_CLOCK_MONOTONIC_COARSE:
		return -LX_EOPNOTSUPP;
	case LX_CLOCK_THREAD_CPUTIME_ID:
		return -LX_EINVAL;
	default:
		if (any_clock(t, clock) < 0)
			return -LX_EINVAL;
	}
	return sleep_on(t, clock, (arg_u32(a, 1) & LX_TIMER_ABSTIME) != 0, arg_ptr(a, 2), arg_ptr(a, 3));
}

int64_t sys_times(struct task *t, const struct sys_args *a)
{
	int64_t utime, stime, ticks[4];

	tgroup_cpu_time(t->group, &utime, &stime);
	pthread_mutex_lock(&t->group->lock);
	ticks[0] = utime / 10000000;
	ticks[1] = stime / 10000000;
	ticks[2] = t->group->cutime_ns / 10000000;
	ticks[3] = t->group->cstime_ns / 10000000;
	pthread_mutex_unlock(&t->group->lock);
	if (!guest_ptr_null(arg_ptr(a, 0)) && copy_to_user(t->mm, arg_ptr(a, 0), ticks, sizeof(ticks)) < 0)
		return -LX_EFAULT;
	return now_ns() / 10000000;
}

/* struct itimerval and struct itimerspec: interval, then value. */
static int64_t timeval_ns(const struct lx_timeval *tv)
{
	struct lx_timespec ts = {tv->sec, 0};

	if (tv->usec < 0 || tv->usec > 999999)
		return -LX_EINVAL;
	ts.nsec = tv->usec * 1000;
	return lx_timespec_ns(&ts);
}

static int put_itimerval(struct task *t, struct guest_ptr p, const struct itimer_value *v)
{
	struct lx_timeval tv[2] = {rusage_timeval(v->interval), rusage_timeval(v->value)};

	return copy_to_user(t->mm, p, tv, sizeof(tv));
}

int64_t sys_getitimer(struct task *t, const struct sys_args *a)
{
	struct itimer_value v;
	int err = itimer_get(t->group, arg_int(a, 0), &v);

	return err < 0 ? err : put_itimerval(t, arg_ptr(a, 1), &v);
}

int64_t sys_setitimer(struct task *t, const struct sys_args *a)
{
	struct lx_timeval tv[2] = {{0, 0}, {0, 0}};
	struct itimer_value fresh, old = {0, 0};
	int64_t err;

	if (!guest_ptr_null(arg_ptr(a, 1)) && copy_from_user(t->mm, tv, arg_ptr(a, 1), sizeof(tv)) < 0)
		return -LX_EFAULT;
	fresh = (struct itimer_value){timeval_ns(&tv[0]), timeval_ns(&tv[1])};
	if (fresh.interval < 0 || fresh.value < 0)
		return -LX_EINVAL;
	err = itimer_set(t->group, arg_int(a, 0), &fresh, &old);
	if (err == 0 && !guest_ptr_null(arg_ptr(a, 2)))
		err = put_itimerval(t, arg_ptr(a, 2), &old);
	return err;
}

/* struct sigevent, 64 bytes. */
struct lx_sigevent {
	uint64_t value;
	int32_t signo, notify, tid;
	uint8_t pad[44];
};
_Static_assert(sizeof(struct lx_sigevent) == 64, "struct sigevent");

static bool timer_clock_valid(struct task *t, int clock)
{
	switch (clock) {
	case LX_CLOCK_MONOTONIC_RAW:
	case LX_CLOCK_REALTIME_COARSE:
	case LX_CLOCK_MONOTONIC_COARSE:
		return false;
	default:
		return any_clock(t, clock) >= 0;
	}
}

int64_t sys_timer_create(struct task *t, const struct sys_args *a)
{
	struct ptimer_spec spec = {.clock = arg_int(a, 0), .sig = LX_SIGALRM, .default_value = true};
	struct lx_sigevent ev;
	int64_t id;

	if (!guest_ptr_null(arg_ptr(a, 1))) {
		if (copy_from_user(t->mm, &ev, arg_ptr(a, 1), sizeof(ev)) < 0)
			return -LX_EFAULT;
		spec = (struct ptimer_spec){
			.clock = spec.clock, .notify = ev.notify, .sig = ev.signo, .value = ev.value, .tid = ev.tid};
		if (ev.notify == LX_SIGEV_THREAD)
			spec.notify = LX_SIGEV_SIGNAL; /* the C library makes the thread */
		if (spec.notify != LX_SIGEV_SIGNAL && spec.notify != LX_SIGEV_NONE &&
		    spec.notify != LX_SIGEV_THREAD_ID)
			return -LX_EINVAL;
		if (spec.notify != LX_SIGEV_NONE && (ev.signo < 1 || ev.signo > LX_NSIG))
			return -LX_EINVAL;
	}
	if (!timer_clock_valid(t, spec.clock))
		return -LX_EINVAL;
	id = ptimer_create(t, &spec);
	if (id >= 0 && put_user_u32(t->mm, arg_ptr(a, 2), (uint32_t)id) < 0) {
		(void)!ptimer_delete(t, (int)id);
		return -LX_EFAULT;
	}
	return MIN(id, INT64_C(0));
}

static int put_itimerspec(struct task *t, struct guest_ptr p, const struct itimer_value *v)
{
	struct lx_timespec ts[2] = {lx_ns_timespec(v->interval), lx_ns_timespec(v->value)};

	return copy_to_user(t->mm, p, ts, sizeof(ts));
}

int64_t sys_timer_gettime(struct task *t, const struct sys_args *a)
{
	struct itimer_value v;
	int err = ptimer_get(t, arg_int(a, 0), &v);

	return err < 0 ? err : put_itimerspec(t, arg_ptr(a, 1), &v);
}

int64_t sys_timer_settime(struct task *t, const struct sys_args *a)
{
	struct lx_timespec ts[2];
	struct itimer_value fresh, old = {0, 0};
	int64_t err;

	if (guest_ptr_null(arg_ptr(a, 2)))
		return -LX_EINVAL;
	if (copy_from_user(t->mm, ts, arg_ptr(a, 2), sizeof(ts)) < 0)
		return -LX_EFAULT;
	fresh = (struct itimer_value){lx_timespec_ns(&ts[0]), lx_timespec_ns(&ts[1])};
	if (fresh.interval < 0 || fresh.value < 0)
		return -LX_EINVAL;
	err = ptimer_set(t, arg_int(a, 0), (arg_u32(a, 1) & LX_TIMER_ABSTIME) != 0, &fresh, &old);
	if (err == 0 && !guest_ptr_null(arg_ptr(a, 3)))
		err = put_itimerspec(t, arg_ptr(a, 3), &old);
	return err;
}

int64_t sys_timer_getoverrun(struct task *t, const struct sys_args *a)
{
	return ptimer_overrun(t, arg_int(a, 0));
}

int64_t sys_timer_delete(struct task *t, const struct sys_args *a)
{
	return ptimer_delete(t, arg_int(a, 0));
}
