/*
 * timerfd.c: timerfd_create(2) and its kin.
 *
 * The host timer only wakes those who wait; how often the timer has expired is computed from
 * the clock when somebody asks, so that a busy host loses no ticks.
 */
#include "common/lx/capability.h"
#include "common/lx/errno.h"
#include "common/lx/fcntl.h"
#include "common/lx/poll.h"
#include "supervisor/guest.h"
#include "supervisor/sys/sys.h"
#include "supervisor/task/task.h"
#include "supervisor/task/timer.h"
#include "supervisor/vfs/poll.h"

#define TFD_TIMER_ABSTIME       1u
#define TFD_TIMER_CANCEL_ON_SET 2u

struct lx_itimerspec {
	struct lx_timespec interval, value;
};

struct timerfd {
	pthread_mutex_t lock;
	struct ktimer timer;
	int clock;
	int64_t next;     /* CLOCK_MONOTONIC ns of the next expiry; 0: disarmed */
	int64_t interval; /* 0: one shot */
	uint64_t ticks;   /* expired and not read */
	uint32_t settime_flags;
	struct waitq wait;
};

static const struct file_ops timerfd_fops;

/* Counts the expiries up to now; the lock is held. */
static void catch_up_locked(struct timerfd *tf)
{
	int64_t now = now_ns();

	if (tf->next == 0 || now < tf->next)
		return;
	if (tf->interval == 0) {
		tf->ticks++;
		tf->next = 0;
		return;
	}
	tf->ticks += (uint64_t)deadline_advance(&tf->next, tf->interval, now);
}

/* The timer's moment has come. */
static void timerfd_fire(struct ktimer *timer)
{
	struct timerfd *tf = container_of(timer, struct timerfd, timer);
	bool expired;

	pthread_mutex_lock(&tf->lock);
	catch_up_locked(tf);
	expired = tf->ticks > 0;
	/* Without memory for the heap the next wake is lost, not the count. */
	if (tf->next != 0 && ktimer_start(&tf->timer, tf->next) < 0)
		expired = true;
	pthread_mutex_unlock(&tf->lock);
	if (expired)
		waitq_wake(&tf->wait, LX_POLL_READABLE);
}

static uint64_t timerfd_take(struct timerfd *tf)
{
	uint64_t ticks;

	pthread_mutex_lock(&tf->lock);
	catch_up_locked(tf);
	ticks = tf->ticks;
	tf->ticks = 0;
	pthread_mutex_unlock(&tf->lock);
	return ticks;
}

static int64_t timerfd_read(struct task *t, struct file *f, struct uio *u, int64_t *pos)
{
	struct timerfd *tf = f->priv;
	uint64_t ticks;
	int64_t ret;

	(void)pos;
	if (u->left < sizeof(ticks))
		return -LX_EINVAL;
	ticks = timerfd_take(tf);
	if (ticks == 0) {
		if (__atomic_load_n(&f->flags, __ATOMIC_RELAXED) & LX_O_NONBLOCK)
			return -LX_EAGAIN;
		ret = WAIT_EVENT(t, &tf->wait, (ticks = timerfd_take(tf)) > 0, WAIT_FOREVER);
		if (ret < 0)
			return ret;
	}
	return uio_to(u, &ticks, sizeof(ticks));
}

static uint32_t timerfd_poll(struct file *f, struct poll_table *pt)
{
	struct timerfd *tf = f->priv;
	uint32_t events;

	poll_wait(f, &tf->wait, pt);
	pthread_mutex_lock(&tf->lock);
	catch_up_locked(tf);
	events = tf->ticks > 0 ? LX_POLLIN : 0;
	pthread_mutex_unlock(&tf->lock);
	return events;
}

static void timerfd_free(struct timerfd *tf)
{
	waitq_release(&tf->wait);
	pthread_mutex_destroy(&tf->lock);
	free(tf);
}

static void timerfd_release(struct file *f)
{
	struct timerfd *tf = f->priv;

	pthread_mutex_lock(&tf->lock);
	tf->next = 0; /* so that it does not start itself again */
	pthread_mutex_unlock(&tf->lock);
	ktimer_cancel_sync(&tf->timer);
	timerfd_free(tf);
}

/* Time to the next expiry (1 ns at least while armed) and the interval. */
static void current_locked(struct timerfd *tf, struct lx_itimerspec *out)
{
	int64_t left = 0;

	catch_up_locked(tf);
	if (tf->next != 0)
		left = MAX(tf->next - now_ns(), (int64_t)1);
	out->value = lx_ns_timespec(left);
	out->interval = lx_ns_timespec(tf->interval);
}

static size_t timerfd_fdinfo(struct file *f, char *buf, size_t n)
{
	struct timerfd *tf = f->priv;
	struct lx_itimerspec cur;
	uint64_t ticks;
	int len;

	pthread_mutex_lock(&tf->lock);
	current_locked(tf, &cur);
	ticks = tf->ticks;
	pthread_mutex_unlock(&tf->lock);
	len = snprintf(buf, n,
		       "clockid: %d\nticks: %llu\nsettime flags: 0%o\nit_value: (%lld, %lld)\n"
		       "it_interval: (%lld, %lld)\n",
		       tf->clock, (unsigned long long)ticks, tf->settime_flags,
		       (long long)cur.value.sec, (long long)cur.value.nsec,
		       (long long)cur.interval.sec, (long long)cur.interval.nsec);
	return len < 0 ? 0 : MIN((size_t)len, n - 1);
}

static const struct file_ops timerfd_fops = {
	.read = timerfd_read,
	.poll = timerfd_poll,
	.release = timerfd_release,
	.fdinfo = timerfd_fdinfo,
	.seekless = true,
};

static int check_clock(struct task *t, int clock)
{
	switch (clock) {
	case LX_CLOCK_REALTIME:
	case LX_CLOCK_MONOTONIC:
	case LX_CLOCK_BOOTTIME:
		return 0;
	case LX_CLOCK_REALTIME_ALARM:
	case LX_CLOCK_BOOTTIME_ALARM:
		return cred_capable(t->cred, LX_CAP_WAKE_ALARM) ? 0 : -LX_EPERM;
	default:
		return -LX_EINVAL;
	}
}

int64_t sys_timerfd_create(struct task *t, const struct sys_args *a)
{
	uint32_t flags = arg_u32(a, 1);
	struct timerfd *tf;
	struct file *f;
	int64_t ret = check_clock(t, arg_int(a, 0));

	if (flags & ~(LX_O_NONBLOCK | LX_O_CLOEXEC))
		return -LX_EINVAL;
	if (ret < 0)
		return ret;
	tf = calloc(1, sizeof(*tf));
	if (!tf)
		return -LX_ENOMEM;
	pthread_mutex_init(&tf->lock, NULL);
	waitq_init(&tf->wait);
	ktimer_init(&tf->timer, timerfd_fire);
	tf->clock = arg_int(a, 0);
	ret = file_new_anon(t->guest, &timerfd_fops, tf, LX_O_RDWR | (flags & LX_O_NONBLOCK), 0600,
			    "anon_inode:[timerfd]", &f);
	if (ret < 0) {
		timerfd_free(tf);
		return ret;
	}
	ret = fd_install(t, f, 0, flags & LX_O_CLOEXEC);
	if (ret < 0)
		file_put(f);
	return ret;
}

/* The open timerfd behind a descriptor, with a reference. */
static int timerfd_get(struct task *t, int fd, struct file **out)
{
	*out = fd_file(t, fd);
	if (!*out)
		return -LX_EBADF;
	if ((*out)->ops == &timerfd_fops)
		return 0;
	file_put(*out);
	return -LX_EINVAL;
}

/* Arms or disarms; what was set before goes to *old.  A host timer that cannot be started
 * leaves it disarmed: -LX_ENOMEM. */
static int timerfd_set(struct timerfd *tf, uint32_t flags, int64_t value, int64_t interval,
		       struct lx_itimerspec *old)
{
	int64_t deadline = 0;
	int ret = 0;

	if (value > 0)
		deadline = flags & TFD_TIMER_ABSTIME ? clock_to_deadline(tf->clock, value)
						     : deadline_after(value);
	if (value > 0 && deadline <= 0)
		deadline = 1; /* long ago */
	pthread_mutex_lock(&tf->lock);
	current_locked(tf, old);
	ktimer_cancel(&tf->timer);
	tf->ticks = 0;
	tf->interval = interval;
	tf->next = deadline;
	tf->settime_flags = flags;
	if (deadline > 0) {
		ret = ktimer_start(&tf->timer, deadline);
		if (ret < 0)
			tf->next = 0;
	}
	pthread_mutex_unlock(&tf->lock);
	return ret;
}

int64_t sys_timerfd_settime(struct task *t, const struct sys_args *a)
{
	uint32_t flags = arg_u32(a, 1);
	struct lx_itimerspec spec, old;
	int64_t value, interval, ret;
	struct file *f;

	if (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
		return -LX_EINVAL;
	if (copy_from_user(t->mm, &spec, arg_ptr(a, 2), sizeof(spec)) < 0)
		return -LX_EFAULT;
	value = lx_timespec_ns(&spec.value);
	interval = lx_timespec_ns(&spec.interval);
	if (value < 0 || interval < 0)
		return -LX_EINVAL;
	ret = timerfd_get(t, arg_int(a, 0), &f);
	if (ret < 0)
		return ret;
	ret = timerfd_set(f->priv, flags, value, interval, &old);
	file_put(f);
	if (ret == 0 && !guest_ptr_null(arg_ptr(a, 3)))
		ret = copy_to_user(t->mm, arg_ptr(a, 3), &old, sizeof(old));
	return ret;
}

int64_t sys_timerfd_gettime(struct task *t, const struct sys_args *a)
{
	struct lx_itimerspec cur;
	struct timerfd *tf;
	struct file *f;
	int64_t ret = timerfd_get(t, arg_int(a, 0), &f);

	if (ret < 0)
		return ret;
	tf = f->priv;
	pthread_mutex_lock(&tf->lock);
	current_locked(tf, &cur);
	pthread_mutex_unlock(&tf->lock);
	file_put(f);
	return copy_to_user(t->mm, arg_ptr(a, 1), &cur, sizeof(cur));
}
