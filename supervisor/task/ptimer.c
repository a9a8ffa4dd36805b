/*
 * ptimer.c: POSIX timers.  timer_create(2), timer_settime(2), timer_getoverrun(2).
 *
 * A periodic timer that has fired is started again only when its signal is taken; the periods
 * that went by meanwhile are its overruns.  So a short period costs nothing while the signal is
 * blocked.  Timers on CPU clocks look again after what is left of the time.
 */
#include "common/lx/errno.h"
#include "supervisor/task/itimer.h"

#define MAX_TIMERS       4096
#define CPU_LOOK_MIN     INT64_C(1000000)
#define IGNORED_INTERVAL INT64_C(10000000)

struct ptimer {
	struct list_head link; /* itimers.posix */
	struct tgroup *group;
	int id;
	struct ptimer_spec spec;
	struct task *target; /* SIGEV_THREAD_ID, thread CPU clock: a reference */
	struct ktimer timer;
	int64_t interval;
	int64_t at; /* on the timer's own base (see base_now); 0: disarmed */
	struct sigqueue entry;
	bool waiting; /* the signal is queued; restart when it is taken */
	int32_t overrun;
	bool dead;
};

static bool is_cpu_clock(int clock)
{
	return clock == LX_CLOCK_PROCESS_CPUTIME_ID || clock == LX_CLOCK_THREAD_CPUTIME_ID || clock < 0;
}

/* The clock that pt->at refers to: the monotonic clock, or CPU time.  No lock held. */
static int64_t base_now(struct ptimer *pt)
{
	int64_t utime, stime;

	if (!is_cpu_clock(pt->spec.clock))
		return now_ns();
	if (pt->spec.clock == LX_CLOCK_PROCESS_CPUTIME_ID)
		tgroup_cpu_time(pt->group, &utime, &stime);
	else
		task_cpu_time(pt->target, &utime, &stime);
	return utime + stime;
}

static int start_locked(struct ptimer *pt, int64_t now)
{
	if (!is_cpu_clock(pt->spec.clock))
		return ktimer_start(&pt->timer, pt->at);
	return ktimer_start(&pt->timer, deadline_after(MAX(pt->at - now, CPU_LOOK_MIN)));
}

/* Moves a periodic timer beyond now; the number of periods that had passed. */
static int64_t forward(struct ptimer *pt, int64_t now)
{
	return pt->interval ? deadline_advance(&pt->at, pt->interval, now) : 0;
}

/* The signal is being taken: group lock held. */
static void signal_taken(struct sigqueue *q)
{
	struct ptimer *pt = container_of(q, struct ptimer, entry);
	int64_t periods;

	if (!pt->waiting)
		return;
	pt->waiting = false;
	if (pt->dead || !pt->interval) {
		q->info.u.timer.overrun = pt->overrun = 0;
		return;
	}
	/* A CPU timer's overruns are counted when it next looks. */
	periods = is_cpu_clock(pt->spec.clock) ? 0 : forward(pt, now_ns());
	pt->overrun = periods > 0 ? (int32_t)MIN(periods - 1, (int64_t)INT32_MAX) : 0;
	q->info.u.timer.overrun = pt->overrun;
	(void)!start_locked(pt, 0);
}

static void fire_locked(struct ptimer *pt, int64_t now)
{
	if (pt->spec.notify == LX_SIGEV_NONE) {
		if (!pt->interval)
			pt->at = 0;
		return;
	}
	if (pt->waiting)
		return;
	pt->entry.info = (struct lx_siginfo){.si_signo = pt->spec.sig, .si_code = LX_SI_TIMER};
	pt->entry.info.u.timer.tid = pt->id;
	pt->entry.info.u.timer.value = pt->spec.value;
	if (is_cpu_clock(pt->spec.clock))
		(void)forward(pt, now);
	pt->waiting = true;
	if (!signal_send_queued_locked(pt->group, pt->spec.notify == LX_SIGEV_THREAD_ID ? pt->target : NULL,
				       &pt->entry)) {
		pt->waiting = false; /* ignored: nobody will take it */
		(void)forward(pt, now);
		if (pt->interval)
			(void)!ktimer_start(&pt->timer, deadline_after(MAX(pt->interval, IGNORED_INTERVAL)));
	}
	if (!pt->interval)
		pt->at = 0;
}

static void timer_fired(struct ktimer *timer)
{
	struct ptimer *pt = container_of(timer, struct ptimer, timer);
	int64_t now = base_now(pt);

	pthread_mutex_lock(&pt->group->lock);
	if (!pt->dead && pt->at) {
		if (pt->at <= now)
			fire_locked(pt, now);
		else
			(void)!start_locked(pt, now);
	}
	pthread_mutex_unlock(&pt->group->lock);
}

static struct ptimer *find_locked(struct tgroup *tg, int id)
{
	struct ptimer *pt;

	if (tg->itimers)
		list_for_each_entry(pt, &tg->itimers->posix, link)
			if (pt->id == id)
				return pt;
	return NULL;
}

static void ptimer_free(struct ptimer *pt)
{
	task_put(pt->target);
	free(pt);
}

int64_t ptimer_create(struct task *t, const struct ptimer_spec *spec)
{
	struct tgroup *tg = t->group;
	struct itimers *it;
	struct ptimer *pt = calloc(1, sizeof(*pt));
	int64_t id = -LX_EAGAIN;

	if (!pt)
		return -LX_EAGAIN;
	pt->group = tg;
	pt->spec = *spec;
	pt->entry.owned = true;
	pt->entry.dequeued = signal_taken;
	list_init(&pt->entry.link);
	ktimer_init(&pt->timer, timer_fired);
	pt->target = spec->notify == LX_SIGEV_THREAD_ID ? task_find(t->guest, spec->tid) : task_get(t);
	if (!pt->target || pt->target->group != tg) {
		ptimer_free(pt);
		return -LX_EINVAL;
	}
	pthread_mutex_lock(&tg->lock);
	it = itimers_get_locked(tg);
	if (it && it->nposix < MAX_TIMERS) {
		do {
			pt->id = it->next_id;
			it->next_id = it->next_id == INT32_MAX ? 0 : it->next_id + 1;
		} while (find_locked(tg, pt->id));
		if (spec->default_value)
			pt->spec.value = (uint64_t)pt->id;
		list_add_tail(&pt->link, &it->posix);
		it->nposix++;
		id = pt->id;
	}
	pthread_mutex_unlock(&tg->lock);
	if (id < 0)
		ptimer_free(pt);
	return id;
}

static void get_value(struct ptimer *pt, int64_t now, struct itimer_value *out)
{
	int64_t at = pt->at;

	out->interval = pt->interval;
	out->value = 0;
	if (!at)
		return;
	if (pt->interval)
		(void)deadline_advance(&at, pt->interval, now);
	if (at > now)
		out->value = at - now;
	else if (pt->spec.notify != LX_SIGEV_NONE)
		out->value = 1; /* due, not yet fired */
}

/* What base_now and get_value read of a timer, to be used without a lock held; copy->target is a
 * reference of the caller's.  The heap's part of the timer is under the heap's lock, not tg->lock. */
static int copy_of(struct tgroup *tg, int id, struct ptimer *copy)
{
	struct ptimer *pt;

	pthread_mutex_lock(&tg->lock);
	pt = find_locked(tg, id);
	if (pt) {
		*copy = (struct ptimer){.group = pt->group,
					.spec = pt->spec,
					.interval = pt->interval,
					.at = pt->at,
					.target = task_get(pt->target)};
	}
	pthread_mutex_unlock(&tg->lock);
	return pt ? 0 : -LX_EINVAL;
}

int ptimer_get(struct task *t, int id, struct itimer_value *out)
{
	struct ptimer copy;
	int err = copy_of(t->group, id, &copy);

	if (err < 0)
		return err;
	get_value(&copy, base_now(&copy), out);
	task_put(copy.target);
	return 0;
}

int ptimer_set(struct task *t, int id, bool absolute, const struct itimer_value *value,
	       struct itimer_value *old)
{
	struct tgroup *tg = t->group;
	struct ptimer *pt, copy;
	int64_t now, at;
	int err = copy_of(tg, id, &copy);

	if (err < 0)
		return err;
	now = base_now(&copy);
	task_put(copy.target);
	if (!absolute)
		at = add_overflows(now, value->value, &at) ? INT64_MAX : at;
	else
		at = is_cpu_clock(copy.spec.clock) ? value->value
						   : clock_to_deadline(copy.spec.clock, value->value);
	pthread_mutex_lock(&tg->lock);
	pt = find_locked(tg, id);
	if (!pt) {
		err = -LX_EINVAL;
	} else {
		if (old)
			get_value(pt, now, old);
		(void)ktimer_cancel(&pt->timer);
		pt->interval = value->interval;
		pt->at = value->value ? MAX(at, INT64_C(1)) : 0;
		pt->overrun = 0;
		if (pt->at)
			err = start_locked(pt, now);
	}
	pthread_mutex_unlock(&tg->lock);
	return err;
}

int64_t ptimer_overrun(struct task *t, int id)
{
	struct ptimer *pt;
	int64_t n = -LX_EINVAL;

	pthread_mutex_lock(&t->group->lock);
	pt = find_locked(t->group, id);
	if (pt)
		n = pt->overrun;
	pthread_mutex_unlock(&t->group->lock);
	return n;
}

/* Takes a timer out of everything.  Group lock held; then finish without it. */
static void kill_locked(struct ptimer *pt)
{
	list_del_init(&pt->link);
	pt->group->itimers->nposix--;
	pt->dead = true;
	pt->waiting = false;
	signal_unqueue_locked(pt->group, pt->spec.notify == LX_SIGEV_THREAD_ID ? pt->target : NULL,
			      &pt->entry);
}

int ptimer_delete(struct task *t, int id)
{
	struct ptimer *pt;

	pthread_mutex_lock(&t->group->lock);
	pt = find_locked(t->group, id);
	if (pt)
		kill_locked(pt);
	pthread_mutex_unlock(&t->group->lock);
	if (!pt)
		return -LX_EINVAL;
	(void)ktimer_cancel_sync(&pt->timer);
	ptimer_free(pt);
	return 0;
}

void ptimers_delete_all(struct tgroup *tg)
{
	for (;;) {
		struct ptimer *pt = NULL;

		pthread_mutex_lock(&tg->lock);
		if (tg->itimers && !list_empty(&tg->itimers->posix)) {
			pt = list_first_entry(&tg->itimers->posix, struct ptimer, link);
			kill_locked(pt);
		}
		pthread_mutex_unlock(&tg->lock);
		if (!pt)
			return;
		(void)ktimer_cancel_sync(&pt->timer);
		ptimer_free(pt);
	}
}
