/*
 * futex.c: waiting, waking and requeueing.  futex(2).
 */
#include "common/lx/errno.h"
#include "supervisor/task/futex_queue.h"

#define BUCKETS 256

static struct futex_bucket buckets[BUCKETS];
static pthread_once_t buckets_once = PTHREAD_ONCE_INIT;

static void init_buckets(void)
{
	for (unsigned i = 0; i < BUCKETS; i++) {
		pthread_mutex_init(&buckets[i].lock, NULL);
		list_init(&buckets[i].waiters);
	}
}

int futex_key_of(struct mm *mm, struct futex_addr at, struct futex_key *out)
{
	return mm_futex_key(mm, at.p, at.is_private, out);
}

struct futex_bucket *futex_bucket_of(const struct futex_key *key)
{
	uint64_t h = (key->object ^ key->offset) * UINT64_C(0x9e3779b97f4a7c15);

	pthread_once(&buckets_once, init_buckets);
	return &buckets[(h >> 40) % BUCKETS];
}

void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	pthread_mutex_lock(a < b ? &a->lock : &b->lock);
	if (a != b)
		pthread_mutex_lock(a < b ? &b->lock : &a->lock);
}

void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	pthread_mutex_unlock(&a->lock);
	if (a != b)
		pthread_mutex_unlock(&b->lock);
}

void futex_waiter_init(struct futex_waiter *w, struct task *t, const struct futex_key *key, uint32_t bitset)
{
	*w = (struct futex_waiter){.key = *key, .bitset = bitset, .task = t};
	list_init(&w->link);
}

void futex_queue_locked(struct futex_bucket *b, struct futex_waiter *w)
{
	__atomic_store_n(&w->bucket, b, __ATOMIC_RELEASE);
	list_add_tail(&w->link, &b->waiters);
}

void futex_release_locked(struct futex_waiter *w, enum futex_state state)
{
	struct task *t = w->task;

	list_del_init(&w->link);
	/* The task must stay until it is woken; w is the sleeper's and may be gone after the store. */
	task_get(t);
	__atomic_store_n(&w->state, state, __ATOMIC_RELEASE);
	task_wake(t);
	task_put(t);
}

bool futex_unqueue(struct futex_waiter *w)
{
	for (;;) {
		struct futex_bucket *b = __atomic_load_n(&w->bucket, __ATOMIC_ACQUIRE);
		bool queued;

		pthread_mutex_lock(&b->lock);
		if (b != w->bucket) { /* requeued meanwhile */
			pthread_mutex_unlock(&b->lock);
			continue;
		}
		queued = futex_state(w) == FUTEX_QUEUED;
		if (queued)
			list_del_init(&w->link);
		pthread_mutex_unlock(&b->lock);
		return queued;
	}
}

int futex_sleep(struct futex_waiter *w, int64_t deadline)
{
	int err = 0;

	for (;;) {
		task_sleep_prepare(w->task);
		if (futex_state(w) != FUTEX_QUEUED)
			return 0;
		if (err < 0)
			return err;
		err = task_sleep(w->task, deadline);
	}
}

/* Queues w if the word still has the value. */
static int queue_if_equal(struct mm *mm, struct futex_addr at, uint32_t val, struct futex_waiter *w)
{
	struct futex_bucket *b = futex_bucket_of(&w->key);
	uint32_t now;
	int err = get_user_u32(mm, &now, at.p);

	if (err < 0)
		return err;
	if (now != val)
		return -LX_EAGAIN;
	pthread_mutex_lock(&b->lock);
	err = get_user_u32(mm, &now, at.p);
	if (err == 0 && now != val)
		err = -LX_EAGAIN;
	if (err == 0)
		futex_queue_locked(b, w);
	pthread_mutex_unlock(&b->lock);
	return err;
}

int64_t futex_wait(struct task *t, struct futex_addr at, uint32_t val, uint32_t bitset, int64_t deadline)
{
	struct futex_waiter w;
	struct futex_key key;
	int err;

	if (bitset == 0)
		return -LX_EINVAL;
	err = futex_key_of(t->mm, at, &key);
	if (err < 0)
		return err;
	futex_waiter_init(&w, t, &key, bitset);
	err = queue_if_equal(t->mm, at, val, &w);
	if (err < 0)
		return err;
	err = futex_sleep(&w, deadline);
	return futex_unqueue(&w) ? err : 0;
}

/* Wakes up to count plain waiters of key.  -LX_EINVAL when a PI waiter is among them. */
static int64_t wake_locked(struct futex_bucket *b, const struct futex_key *key, uint32_t count,
			   uint32_t bitset)
{
	struct futex_waiter *w, *next;
	int64_t woken = 0;

	list_for_each_entry_safe(w, next, &b->waiters, link) {
		if (woken >= (int64_t)count)
			break;
		if (!futex_key_equal(&w->key, key))
			continue;
		if (w->pi || w->requeue_pi)
			return -LX_EINVAL;
		if (!(w->bitset & bitset))
			continue;
		futex_release_locked(w, FUTEX_WOKEN);
		woken++;
	}
	return woken;
}

static int64_t wake_key(const struct futex_key *key, uint32_t count, uint32_t bitset)
{
	struct futex_bucket *b = futex_bucket_of(key);
	int64_t woken;

	pthread_mutex_lock(&b->lock);
	woken = wake_locked(b, key, count, bitset);
	pthread_mutex_unlock(&b->lock);
	return woken;
}

int64_t futex_wake(struct task *t, struct futex_addr at, uint32_t count, uint32_t bitset)
{
	struct futex_key key;
	int err;

	if (bitset == 0)
		return -LX_EINVAL;
	err = futex_key_of(t->mm, at, &key);
	/* Linux wakes at least one, whatever is asked for. */
	return err < 0 ? err : wake_key(&key, MAX(count, 1u), bitset);
}

int64_t futex_wake_addr(struct mm *mm, struct guest_ptr p, uint32_t count)
{
	struct futex_key key;

	return mm_futex_key(mm, p, false, &key) == 0 ? wake_key(&key, count, UINT32_MAX) : 0;
}

static bool moves(const struct futex_waiter *w, const struct futex_key *from, const struct futex_key *to,
		  bool pi)
{
	if (!futex_key_equal(&w->key, from))
		return false;
	return pi ? w->requeue_pi && futex_key_equal(&w->pi_key, to) : true;
}

static bool fits(const struct futex_waiter *w, bool pi)
{
	return pi ? w->requeue_pi : !w->requeue_pi && !w->pi;
}

struct requeue {
	struct futex_bucket *from_bucket, *to_bucket;
	struct futex_key from, to;
	uint32_t wake, requeue;
	bool pi;
	struct futex_addr target;
};

/* One waiter of a PI requeue: it gets the lock if that is free, else waits for it there. */
static int requeue_pi_one(struct task *t, struct requeue *r, struct futex_waiter *w, bool first)
{
	int got = 0;

	if (first) {
		got = futex_pi_try_locked(w->task, t->mm, r->target.p, true);
		if (got < 0)
			return got;
	}
	w->key = r->to;
	w->requeue_pi = false;
	w->pi = true;
	if (got > 0) {
		futex_release_locked(w, FUTEX_OWNED);
		return 1;
	}
	list_del_init(&w->link);
	futex_queue_locked(r->to_bucket, w);
	return 0;
}

static int64_t requeue_locked(struct task *t, struct requeue *r)
{
	struct futex_waiter *w, *next;
	int64_t woken = 0, moved = 0;

	list_for_each_entry_safe(w, next, &r->from_bucket->waiters, link) {
		if (woken >= (int64_t)r->wake && moved >= (int64_t)r->requeue)
			break;
		if (!moves(w, &r->from, &r->to, r->pi)) {
			if (futex_key_equal(&w->key, &r->from))
				return -LX_EINVAL;
			continue;
		}
		if (!fits(w, r->pi))
			return -LX_EINVAL;
		if (r->pi) {
			int got = requeue_pi_one(t, r, w, woken + moved == 0);

			if (got < 0)
				return got;
			woken += got;
			moved += !got;
		} else if (woken < (int64_t)r->wake) {
			futex_release_locked(w, FUTEX_WOKEN);
			woken++;
		} else {
			list_del_init(&w->link);
			w->key = r->to;
			futex_queue_locked(r->to_bucket, w);
			moved++;
		}
	}
	return woken + moved;
}

int64_t futex_requeue(struct task *t, struct futex_addr from, struct futex_addr to, uint32_t wake,
		      uint32_t requeue, const uint32_t *cmp, bool pi)
{
	struct requeue r = {.wake = wake, .requeue = requeue, .pi = pi, .target = to};
	uint32_t now;
	int64_t result;
	int err;

	if ((int32_t)wake < 0 || (int32_t)requeue < 0 || (pi && wake != 1))
		return -LX_EINVAL;
	err = futex_key_of(t->mm, from, &r.from);
	if (err == 0)
		err = futex_key_of(t->mm, to, &r.to);
	if (err == 0 && pi && futex_key_equal(&r.from, &r.to))
		err = -LX_EINVAL;
	if (err == 0 && cmp)
		err = get_user_u32(t->mm, &now, from.p);
	if (err < 0)
		return err;
	r.from_bucket = futex_bucket_of(&r.from);
	r.to_bucket = futex_bucket_of(&r.to);
	futex_lock_two(r.from_bucket, r.to_bucket);
	if (cmp)
		err = get_user_u32(t->mm, &now, from.p);
	if (err == 0 && cmp && now != *cmp)
		err = -LX_EAGAIN;
	result = err < 0 ? err : requeue_locked(t, &r);
	futex_unlock_two(r.from_bucket, r.to_bucket);
	/* Plain FUTEX_REQUEUE counts the woken only; the others count both. */
	if (result > 0 && !cmp)
		result = MIN(result, (int64_t)wake);
	return result;
}

/* The operation of FUTEX_WAKE_OP on the word; its old value. */
static int modify_word(struct mm *mm, struct guest_ptr p, uint32_t op, uint32_t *old)
{
	uint32_t arg = op << 8 >> 20, kind = (op >> 28) & 7, fresh;

	arg = arg & 0x800 ? arg | 0xfffff000u : arg; /* 12 bits, signed */
	if (op >> 31)                                /* FUTEX_OP_OPARG_SHIFT */
		arg = 1u << (arg & 31);
	for (;;) {
		uint32_t seen;
		int err = get_user_u32(mm, old, p);

		if (err < 0)
			return err;
		switch (kind) {
		case 0:
			fresh = arg;
			break;
		case 1:
			fresh = *old + arg;
			break;
		case 2:
			fresh = *old | arg;
			break;
		case 3:
			fresh = *old & ~arg;
			break;
		case 4:
			fresh = *old ^ arg;
			break;
		default:
			return -LX_ENOSYS;
		}
		err = cmpxchg_user_u32(mm, p, *old, fresh, &seen);
		if (err < 0)
			return err;
		if (seen == *old)
			return 0;
	}
}

static int compare_word(uint32_t op, uint32_t old)
{
	int32_t arg = (int32_t)(op << 20) >> 20, v = (int32_t)old;

	switch ((op >> 24) & 15) {
	case 0:
		return v == arg;
	case 1:
		return v != arg;
	case 2:
		return v < arg;
	case 3:
		return v <= arg;
	case 4:
		return v > arg;
	case 5:
		return v >= arg;
	default:
		return -LX_ENOSYS;
	}
}

int64_t futex_wake_op(struct task *t, struct futex_addr a, struct futex_addr b, uint32_t wake_a,
		      uint32_t wake_b, uint32_t op)
{
	struct futex_key ka, kb;
	struct futex_bucket *ba, *bb;
	uint32_t old;
	int64_t woken = 0, more;
	int err = futex_key_of(t->mm, a, &ka), cmp = 0;

	if (err == 0)
		err = futex_key_of(t->mm, b, &kb);
	if (err < 0)
		return err;
	ba = futex_bucket_of(&ka);
	bb = futex_bucket_of(&kb);
	futex_lock_two(ba, bb);
	err = modify_word(t->mm, b.p, op, &old);
	if (err == 0) {
		cmp = compare_word(op, old);
		err = MIN(cmp, 0);
	}
	if (err == 0)
		woken = wake_locked(ba, &ka, MAX(wake_a, 1u), UINT32_MAX);
	if (err == 0 && woken >= 0 && cmp > 0) {
		more = wake_locked(bb, &kb, MAX(wake_b, 1u), UINT32_MAX);
		woken = more < 0 ? more : woken + more;
	}
	futex_unlock_two(ba, bb);
	return err < 0 ? err : woken;
}

/* Takes all waiters off; the index of one that was woken, or -1. */
static int64_t unqueue_all(struct futex_waiter *w, uint32_t n)
{
	int64_t woken = -1;

	for (uint32_t i = 0; i < n; i++)
		if (!futex_unqueue(&w[i]))
			woken = i;
	return woken;
}

static bool any_woken(const struct futex_waiter *w, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (futex_state(&w[i]) != FUTEX_QUEUED)
			return true;
	return false;
}

int64_t futex_waitv(struct task *t, const struct futex_waitv_entry *v, uint32_t n, int64_t deadline)
{
	struct futex_waiter *w = calloc(n, sizeof(*w));
	struct futex_key key;
	int64_t result = 0, woken;
	uint32_t queued;
	int err = 0;

	if (!w)
		return -LX_ENOMEM;
	for (queued = 0; queued < n; queued++) {
		result = futex_key_of(t->mm, v[queued].at, &key);
		if (result < 0)
			break;
		futex_waiter_init(&w[queued], t, &key, UINT32_MAX);
		result = queue_if_equal(t->mm, v[queued].at, v[queued].val, &w[queued]);
		if (result < 0)
			break;
	}
	while (result == 0) {
		task_sleep_prepare(t);
		if (any_woken(w, n) || err < 0)
			break;
		err = task_sleep(t, deadline);
	}
	woken = unqueue_all(w, queued);
	free(w);
	if (woken >= 0)
		return woken;
	return result < 0 ? result : err;
}
