/*
 * space.c: address spaces; entering and leaving guest execution; TLB shootdown.
 *
 * The protocol is in soft.h.  The stores of guest_seq and the loads of seq around them are
 * sequentially consistent: either the entering vCPU sees the new request, or the requester
 * sees the vCPU inside and waits for it.
 */
#include "vcpu/soft/soft.h"

#include <errno.h>
#include <time.h>

#if defined(__x86_64__)
#define cpu_relax() __builtin_ia32_pause()
#else
#define cpu_relax() __asm__ volatile("yield")
#endif

/* No sched_yield between spinning and sleeping: it would put us behind every computing vCPU. */
#define SPINS       64
#define PATIENCE_NS 500000L

int vcpu_space_new(struct vcpu_engine *engine, uint64_t root, vcpu_resolve_fn *resolve,
                   void *opaque, struct vcpu_space **out)
{
	struct vcpu_space *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->engine = engine;
	s->root = root;
	s->resolve = resolve;
	s->opaque = opaque;
	s->seq = 1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->ack_lock, NULL);
	pthread_cond_init(&s->ack, NULL);
	pthread_cond_init(&s->done, NULL);
	list_init(&s->vcpus);
	soft_window_space_new(s);
	*out = s;
	return 0;
}

void vcpu_space_free(struct vcpu_space *s)
{
	soft_window_space_free(s);
	pthread_cond_destroy(&s->done);
	pthread_cond_destroy(&s->ack);
	pthread_mutex_destroy(&s->ack_lock);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Brings the TLBs up to request number upto.  When that happens in the middle of a block, as the
 * resolver comes back, code that goes on behind it may know the page it runs from, and calls'
 * frames may lead back to it: the poll word has all that forgotten at the next boundary. */
static void apply(struct vcpu *v, uint64_t upto)
{
	struct vcpu_space *s = v->space;

	__atomic_fetch_or(&v->cpu.poll, SOFT_POLL_INVAL, __ATOMIC_SEQ_CST);
	if (upto - v->seen_seq > INVAL_RING) {
		soft_tlb_flush(v);
		v->seen_seq = upto;
		return;
	}
	for (uint64_t n = v->seen_seq + 1; n <= upto; n++) {
		struct soft_inval *i = &s->ring[n % INVAL_RING];

		soft_tlb_forget(v, __atomic_load_n(&i->va, __ATOMIC_ACQUIRE),
		                __atomic_load_n(&i->len, __ATOMIC_ACQUIRE));
	}
	/* Slots may have been reused while we read them. */
	if (__atomic_load_n(&s->seq, __ATOMIC_ACQUIRE) - v->seen_seq >= INVAL_RING)
		soft_tlb_flush(v);
	v->seen_seq = upto;
}

static void wake_waiter(struct vcpu_space *s)
{
	if (LIKELY(!__atomic_load_n(&s->waiting, __ATOMIC_SEQ_CST)))
		return;
	pthread_mutex_lock(&s->ack_lock);
	pthread_cond_broadcast(&s->ack);
	pthread_mutex_unlock(&s->ack_lock);
}

void soft_enter_guest(struct vcpu *v)
{
	struct vcpu_space *s = v->space;
	uint64_t seq = __atomic_load_n(&s->seq, __ATOMIC_ACQUIRE);

	for (;;) {
		if (UNLIKELY(seq != v->seen_seq))
			apply(v, seq);
		__atomic_store_n(&v->guest_seq, seq, __ATOMIC_SEQ_CST);
		uint64_t again = __atomic_load_n(&s->seq, __ATOMIC_SEQ_CST);

		if (LIKELY(again == seq))
			break;
		seq = again;
	}
	wake_waiter(s);
}

void soft_leave_guest(struct vcpu *v)
{
	__atomic_store_n(&v->guest_seq, 0, __ATOMIC_SEQ_CST);
	wake_waiter(v->space);
}

void soft_catch_up(struct vcpu *v)
{
	struct vcpu_space *s = v->space;

	if (UNLIKELY(__atomic_load_n(&s->crowded, __ATOMIC_ACQUIRE))) {
		soft_leave_guest(v);
		pthread_mutex_lock(&s->ack_lock);
		while (__atomic_load_n(&s->crowded, __ATOMIC_RELAXED))
			pthread_cond_wait(&s->done, &s->ack_lock);
		pthread_mutex_unlock(&s->ack_lock);
	}
	soft_enter_guest(v);
}

static bool acknowledged(const struct vcpu *v, uint64_t seq)
{
	uint64_t at = __atomic_load_n(&v->guest_seq, __ATOMIC_SEQ_CST);

	return at == 0 || at >= seq;
}

/* The time at which a waiting invalidation loses patience. */
static struct timespec patience_ends(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += PATIENCE_NS;
	if (t.tv_nsec >= 1000000000L) {
		t.tv_nsec -= 1000000000L;
		t.tv_sec++;
	}
	return t;
}

/* With s->lock: calls all vCPUs to a block boundary, where they will sleep. */
static void declare_crowded(struct vcpu_space *s)
{
	struct vcpu *v;

	__atomic_store_n(&s->crowded, 1, __ATOMIC_SEQ_CST);
	list_for_each_entry (v, &s->vcpus, in_space)
		__atomic_fetch_or(&v->cpu.poll, SOFT_POLL_INVAL, __ATOMIC_SEQ_CST);
}

/* With s->lock and s->waiting set. */
static void wait_for(struct vcpu_space *s, const struct vcpu *v, uint64_t seq)
{
	for (unsigned i = 0; i < SPINS; i++) {
		if (acknowledged(v, seq))
			return;
		cpu_relax();
	}
	struct timespec until = patience_ends();

	pthread_mutex_lock(&s->ack_lock);
	while (!acknowledged(v, seq)) {
		if (__atomic_load_n(&s->crowded, __ATOMIC_RELAXED))
			pthread_cond_wait(&s->ack, &s->ack_lock);
		else if (pthread_cond_timedwait(&s->ack, &s->ack_lock, &until) == ETIMEDOUT)
			declare_crowded(s);
	}
	pthread_mutex_unlock(&s->ack_lock);
}

void vcpu_space_invalidate(struct vcpu_space *s, uint64_t va, uint64_t len)
{
	struct vcpu *v;

	pthread_mutex_lock(&s->lock);
	uint64_t seq = __atomic_load_n(&s->seq, __ATOMIC_RELAXED) + 1;
	struct soft_inval *slot = &s->ring[seq % INVAL_RING];

	/* Released, so that a reader who meets the new contents also sees the seq before it. */
	__atomic_store_n(&slot->va, va, __ATOMIC_RELEASE);
	__atomic_store_n(&slot->len, len, __ATOMIC_RELEASE);
	__atomic_store_n(&s->seq, seq, __ATOMIC_SEQ_CST);
	list_for_each_entry (v, &s->vcpus, in_space) {
		if (!acknowledged(v, seq))
			__atomic_fetch_or(&v->cpu.poll, SOFT_POLL_INVAL, __ATOMIC_SEQ_CST);
	}
	list_for_each_entry (v, &s->vcpus, in_space) {
		if (!acknowledged(v, seq)) {
			__atomic_store_n(&s->waiting, 1, __ATOMIC_SEQ_CST);
			wait_for(s, v, seq);
		}
	}
	__atomic_store_n(&s->waiting, 0, __ATOMIC_RELAXED);
	/* Now nobody maps any more what the page tables said before. */
	soft_window_invalidate(s, va, len);
	if (UNLIKELY(s->crowded)) {
		pthread_mutex_lock(&s->ack_lock);
		__atomic_store_n(&s->crowded, 0, __ATOMIC_RELEASE);
		pthread_cond_broadcast(&s->done);
		pthread_mutex_unlock(&s->ack_lock);
	}
	pthread_mutex_unlock(&s->lock);
}
