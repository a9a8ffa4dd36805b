/*
 * itimer.c: interval timers and the CPU limit.  setitimer(2), setrlimit(2).
 *
 * ITIMER_REAL is one ktimer.  For the CPU clocks, a ktimer looks again after the time in which
 * the threads could at the earliest have used up what is left.
 */
#include "supervisor/task/itimer.h"

#include "common/lx/errno.h"

#define CPU_LOOK_MIN INT64_C(4000000)
#define SECOND       INT64_C(1000000000)

static void real_fired(struct ktimer *timer)
{
	struct itimers *it = container_of(timer, struct itimers, real);
	struct tgroup *tg = it->group;
	int64_t now = now_ns();

	pthread_mutex_lock(&tg->lock);
	if (!it->closed && it->real_deadline && it->real_deadline <= now) {
		(void)signal_send_locked(tg, NULL, LX_SIGALRM, NULL, false);
		if (it->real_interval) {
			(void)deadline_advance(&it->real_deadline, it->real_interval, now);
			(void)!ktimer_start(&it->real, it->real_deadline);
		} else {
			it->real_deadline = 0;
		}
	}
	pthread_mutex_unlock(&tg->lock);
}

static int64_t after(int64_t now, int64_t ns)
{
	int64_t at;

	return add_overflows(now, ns, &at) ? INT64_MAX : at;
}

/* Advances one CPU timer; what is left until it, or INT64_MAX. */
static int64_t look_at(struct tgroup *tg, int64_t *at, int64_t interval, int64_t now, int sig)
{
	if (*at == 0)
		return INT64_MAX;
	if (*at <= now) {
		(void)signal_send_locked(tg, NULL, sig, NULL, false);
		*at = interval ? after(now, interval) : 0;
	}
	return *at ? *at - now : INT64_MAX;
}

static int64_t look_at_limit(struct tgroup *tg, struct itimers *it, int64_t now)
{
	uint64_t soft = tg->rlimit[LX_RLIMIT_CPU].cur, hard = tg->rlimit[LX_RLIMIT_CPU].max;
	uint64_t seconds = (uint64_t)(now / SECOND);

	if (soft == LX_RLIM_INFINITY && hard == LX_RLIM_INFINITY)
		return INT64_MAX;
	if (seconds >= hard) {
		(void)signal_send_locked(tg, NULL, LX_SIGKILL, NULL, true);
		return INT64_MAX;
	}
	if (seconds >= soft && now - it->cpu_warned >= SECOND) {
		(void)signal_send_locked(tg, NULL, LX_SIGXCPU, NULL, false);
		it->cpu_warned = now;
	}
	return SECOND - now % SECOND;
}

static void cpu_look(struct ktimer *timer)
{
	struct itimers *it = container_of(timer, struct itimers, cpu);
	struct tgroup *tg = it->group;
	int64_t utime, stime, left = INT64_MAX;

	tgroup_cpu_time(tg, &utime, &stime);
	pthread_mutex_lock(&tg->lock);
	if (!it->closed) {
		left = look_at(tg, &it->virt.at, it->virt.interval, utime, LX_SIGVTALRM);
		left = MIN(left, look_at(tg, &it->prof.at, it->prof.interval, utime + stime, LX_SIGPROF));
		left = MIN(left, look_at_limit(tg, it, utime + stime));
	}
	if (left != INT64_MAX) {
		left /= MAX(tg->ntasks, 1u);
		(void)!ktimer_start(&it->cpu, deadline_after(MAX(left, CPU_LOOK_MIN)));
	}
	pthread_mutex_unlock(&tg->lock);
}

struct itimers *itimers_get_locked(struct tgroup *tg)
{
	struct itimers *it = tg->itimers;

	if (!it) {
		it = calloc(1, sizeof(*it));
		if (!it)
			return NULL;
		it->group = tg;
		ktimer_init(&it->real, real_fired);
		ktimer_init(&it->cpu, cpu_look);
		list_init(&it->posix);
		tg->itimers = it;
	}
	return it->closed ? NULL : it;
}

static void get_locked(struct itimers *it, int which, int64_t utime, int64_t stime, struct itimer_value *out)
{
	int64_t at, now;

	switch (which) {
	case LX_ITIMER_REAL:
		at = it->real_deadline;
		now = now_ns();
		out->interval = it->real_interval;
		break;
	case LX_ITIMER_VIRTUAL:
		at = it->virt.at;
		now = utime;
		out->interval = it->virt.interval;
		break;
	default:
		at = it->prof.at;
		now = utime + stime;
		out->interval = it->prof.interval;
		break;
	}
	/* One that is due but has not fired yet still shows a moment. */
	out->value = at ? MAX(at - now, INT64_C(1000)) : 0;
}

int itimer_get(struct tgroup *tg, int which, struct itimer_value *out)
{
	int64_t utime, stime;

	*out = (struct itimer_value){0, 0};
	if (which < LX_ITIMER_REAL || which > LX_ITIMER_PROF)
		return -LX_EINVAL;
	tgroup_cpu_time(tg, &utime, &stime);
	pthread_mutex_lock(&tg->lock);
	if (tg->itimers)
		get_locked(tg->itimers, which, utime, stime, out);
	pthread_mutex_unlock(&tg->lock);
	return 0;
}

static int set_locked(struct itimers *it, int which, const struct itimer_value *v, int64_t utime,
		      int64_t stime)
{
	switch (which) {
	case LX_ITIMER_REAL:
		it->real_interval = v->interval;
		it->real_deadline = v->value ? deadline_after(v->value) : 0;
		if (v->value)
			return ktimer_start(&it->real, it->real_deadline);
		(void)ktimer_cancel(&it->real);
		return 0;
	case LX_ITIMER_VIRTUAL:
		it->virt.interval = v->interval;
		it->virt.at = v->value ? after(utime, v->value) : 0;
		break;
	default:
		it->prof.interval = v->interval;
		it->prof.at = v->value ? after(utime + stime, v->value) : 0;
		break;
	}
	return v->value ? ktimer_start(&it->cpu, now_ns()) : 0;
}

int itimer_set(struct tgroup *tg, int which, const struct itimer_value *value, struct itimer_value *old)
{
	struct itimers *it;
	int64_t utime, stime;
	int err = -LX_ENOMEM;

	if (which < LX_ITIMER_REAL || which > LX_ITIMER_PROF)
		return -LX_EINVAL;
	tgroup_cpu_time(tg, &utime, &stime);
	pthread_mutex_lock(&tg->lock);
	it = itimers_get_locked(tg);
	if (it) {
		if (old)
			get_locked(it, which, utime, stime, old);
		err = set_locked(it, which, value, utime, stime);
	}
	pthread_mutex_unlock(&tg->lock);
	return err;
}

void itimer_cpu_limit_changed(struct tgroup *tg)
{
	struct itimers *it;

	pthread_mutex_lock(&tg->lock);
	it = itimers_get_locked(tg);
	if (it)
		(void)!ktimer_start(&it->cpu, now_ns());
	pthread_mutex_unlock(&tg->lock);
}

void itimers_stop(struct tgroup *tg)
{
	struct itimers *it;

	ptimers_delete_all(tg);
	pthread_mutex_lock(&tg->lock);
	it = tg->itimers;
	if (it)
		it->closed = true;
	pthread_mutex_unlock(&tg->lock);
	if (!it)
		return;
	(void)ktimer_cancel_sync(&it->real);
	(void)ktimer_cancel_sync(&it->cpu);
}

void itimers_free(struct tgroup *tg)
{
	free(tg->itimers);
	tg->itimers = NULL;
}
