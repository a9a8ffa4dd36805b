/*
 * window_heat.c: which address spaces get a window, and when they lose it.
 *
 * A window costs some microseconds, and about ten for each 64 KiB that a program touches: too
 * much for one that is gone in a few milliseconds, little for one that computes.  A thread looks
 * every ten milliseconds which vCPUs run; a space that was seen running often enough gets a
 * window.  The thread sleeps while nobody runs.
 *
 * A fork takes every writable page away from the window.  A program that forks more often than
 * it earns windows goes back to the software TLB: its window stays, empty, for later.
 */
#include "vcpu/soft/jit/window.h"

#include <signal.h>
#include <time.h>

#define TICK_NS 10000000L
/* Ticks of running that earn a window; and that must lie between two losses of most of it. */
#define TICKS_HOT 2u

/* With vcpus_lock: has the space's vCPUs look at the mode. */
static void announce(struct vcpu_engine *e, const struct vcpu_space *s)
{
	struct vcpu *v;

	list_for_each_entry (v, &e->vcpus, in_engine) {
		if (v->space == s)
			__atomic_fetch_or(&v->cpu.poll, SOFT_POLL_MODE, __ATOMIC_SEQ_CST);
	}
}

static void give_window(struct vcpu_engine *e, struct vcpu_space *s)
{
	if (!s->window)
		__atomic_store_n(&s->window, soft_window_new(e), __ATOMIC_RELEASE);
	if (!s->window)
		return;
	__atomic_store_n(&s->windowed, true, __ATOMIC_RELEASE);
	announce(e, s);
}

/* How many vCPUs were running. */
static unsigned tick(struct vcpu_engine *e)
{
	unsigned n = 0;
	struct vcpu *v;

	pthread_mutex_lock(&e->vcpus_lock);
	list_for_each_entry (v, &e->vcpus, in_engine) {
		struct vcpu_space *s = v->space;

		if (!__atomic_load_n(&v->guest_seq, __ATOMIC_RELAXED))
			continue;
		n++;
		if (__atomic_add_fetch(&s->ticks, 1, __ATOMIC_RELAXED) >= TICKS_HOT &&
		    !__atomic_load_n(&s->windowed, __ATOMIC_RELAXED))
			give_window(e, s);
	}
	pthread_mutex_unlock(&e->vcpus_lock);
	return n;
}

static void *heat_main(void *arg)
{
	struct vcpu_engine *e = arg;
	struct soft_windows *all = &e->windows;
	unsigned idle = 0;

	pthread_mutex_lock(&all->heat_lock);
	while (!all->stop) {
		if (idle > 2) {
			__atomic_store_n(&all->asleep, true, __ATOMIC_SEQ_CST);
			/* Whoever has not seen that is seen here. */
			if (tick(e) == 0)
				pthread_cond_wait(&all->heat, &all->heat_lock);
			__atomic_store_n(&all->asleep, false, __ATOMIC_RELAXED);
			idle = 0;
			continue;
		}
		struct timespec pause = {.tv_nsec = TICK_NS};

		pthread_mutex_unlock(&all->heat_lock);
		nanosleep(&pause, NULL);
		idle = tick(e) ? 0 : idle + 1;
		pthread_mutex_lock(&all->heat_lock);
	}
	pthread_mutex_unlock(&all->heat_lock);
	return NULL;
}

/* With heat_lock. */
static void start_thread(struct vcpu_engine *e)
{
	sigset_t none, old;

	sigfillset(&none);
	pthread_sigmask(SIG_SETMASK, &none, &old);
	e->windows.has_thread = pthread_create(&e->windows.thread, NULL, heat_main, e) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void soft_windows_wake(struct vcpu_engine *e)
{
	struct soft_windows *all = &e->windows;

	pthread_mutex_lock(&all->heat_lock);
	__atomic_store_n(&all->asleep, false, __ATOMIC_RELAXED);
	if (all->has_thread)
		pthread_cond_signal(&all->heat);
	else if (!all->stop)
		start_thread(e);
	pthread_mutex_unlock(&all->heat_lock);
}

void soft_windows_cool(struct vcpu_engine *e)
{
	struct soft_windows *all = &e->windows;

	pthread_mutex_lock(&all->heat_lock);
	all->stop = true;
	pthread_cond_signal(&all->heat);
	pthread_mutex_unlock(&all->heat_lock);
	if (all->has_thread)
		pthread_join(all->thread, NULL);
}

void soft_window_mode(struct vcpu *v)
{
	struct vcpu_space *s = v->space;
	struct soft_window *w = __atomic_load_n(&s->windowed, __ATOMIC_ACQUIRE) ? s->window : NULL;

	if (LIKELY(w == v->window))
		return;
	if (w)
		soft_window_catch_faults();
	v->window = w;
	v->window_missed = false;
	v->window_base = w ? (uint64_t)(uintptr_t)w->base : 0;
	v->window_limit = w ? WINDOW_LIMIT : 0;
	soft_jit_forget_targets(v);
}

void soft_window_space_new(struct vcpu_space *s)
{
	if (!s->engine->windows.eager)
		return;
	s->window = soft_window_new(s->engine);
	s->windowed = s->window != NULL;
}

void soft_window_space_free(struct vcpu_space *s)
{
	soft_window_free(s->engine, s->window);
}

void soft_window_invalidate(struct vcpu_space *s, uint64_t va, uint64_t len)
{
	struct vcpu_engine *e = s->engine;
	if (len >= WINDOW_BIG_LOSS) {
		uint32_t ticks = __atomic_exchange_n(&s->ticks, 0, __ATOMIC_RELAXED);

		/* Its vCPUs notice it when they are entered or polled; till then they refill. */
		if (ticks < TICKS_HOT && !e->windows.eager)
			__atomic_store_n(&s->windowed, false, __ATOMIC_RELEASE);
	}
	struct soft_window *w = __atomic_load_n(&s->window, __ATOMIC_ACQUIRE);

	if (w)
		soft_window_drop(e, w, va, len);
}
