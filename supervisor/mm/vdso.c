/*
 * vdso.c: the vDSO: one page of clock data and one page of code (vdso/vdso.S, kept as a table of
 * words in vdso_image.h), the same two frames in every process of the guest.
 *
 * The guest's counter counts nanoseconds of the host's CLOCK_MONOTONIC, so that clock needs no
 * correction ever; the others keep a constant distance from it, but for steps (the clock was set,
 * the host slept).  A timer looks once a second whether a distance changed.  The distance is
 * measured with some noise: smaller differences are not taken over, so that no clock jitters.
 */
#include "supervisor/mm/guest_copy.h"
#include "supervisor/mm/internal.h"
#include "supervisor/mm/vdso_image.h"
#include "supervisor/task/timer.h"
#include "supervisor/task/wait.h"

#define VDSO_PAGES 2u
#define CLOCKS     12u
#define CHECK_NS   INT64_C(1000000000)
#define NOISE_NS   500
#define SAMPLES    5
#define MULT_ONE   (1ULL << 32) /* nanoseconds of a tick, as a fraction of 1 << 32 */

/* The clock data page: vdso.S reads it by these offsets. */
struct vdso_clock_data {
	uint32_t seq;    /* odd while the rest changes */
	uint32_t clocks; /* bit n: clock n is served */
	uint64_t last, mult;
	uint64_t pad;
	int64_t base[CLOCKS];
};
_Static_assert(offsetof(struct vdso_clock_data, clocks) == 4, "vdso.S");
_Static_assert(offsetof(struct vdso_clock_data, last) == 8, "vdso.S");
_Static_assert(offsetof(struct vdso_clock_data, mult) == 16, "vdso.S");
_Static_assert(offsetof(struct vdso_clock_data, base) == 32, "vdso.S");
_Static_assert(sizeof(vdso_image) <= PAGE_SIZE, "one page of code");

struct vdso {
	struct ktimer timer;
	struct pagecache *cache; /* page 0: data, page 1: code */
	struct vdso_clock_data *data;
};

static const int served[] = {LX_CLOCK_REALTIME,        LX_CLOCK_MONOTONIC,
                             LX_CLOCK_REALTIME_COARSE, LX_CLOCK_MONOTONIC_COARSE,
                             LX_CLOCK_BOOTTIME,        LX_CLOCK_TAI};

/* The exact clock behind a coarse one: the vDSO rounds itself. */
static int exact(int clock)
{
	if (clock == LX_CLOCK_REALTIME_COARSE)
		return LX_CLOCK_REALTIME;
	return clock == LX_CLOCK_MONOTONIC_COARSE ? LX_CLOCK_MONOTONIC : clock;
}

/* How far clock is ahead of CLOCK_MONOTONIC: the least disturbed of some samples. */
static int64_t distance(int clock)
{
	int64_t best = INT64_MAX, result = 0;

	if (clock == LX_CLOCK_MONOTONIC)
		return 0;
	for (int i = 0; i < SAMPLES; i++) {
		int64_t before = now_ns(), there = clock_now(clock), after = now_ns();

		if (after - before < best) {
			best = after - before;
			result = there - (before + (after - before) / 2);
		}
	}
	return result;
}

static bool differs(int64_t a, int64_t b)
{
	return a - b > NOISE_NS || b - a > NOISE_NS;
}

/* Guests read while this writes: every word goes by an atomic store. */
static void publish(struct vdso_clock_data *d, const int64_t *base)
{
	uint32_t seq = __atomic_load_n(&d->seq, __ATOMIC_RELAXED);

	__atomic_exchange_n(&d->seq, seq + 1, __ATOMIC_SEQ_CST);
	for (size_t i = 0; i < ARRAY_LEN(served); i++)
		__atomic_store_n(&d->base[served[i]], base[i], __ATOMIC_RELEASE);
	__atomic_store_n(&d->seq, seq + 2, __ATOMIC_RELEASE);
}

static void measure(struct vdso_clock_data *d)
{
	int64_t base[ARRAY_LEN(served)];
	bool changed = false;

	for (size_t i = 0; i < ARRAY_LEN(served); i++) {
		int64_t old = __atomic_load_n(&d->base[served[i]], __ATOMIC_RELAXED);

		base[i] = distance(exact(served[i]));
		if (differs(base[i], old))
			changed = true;
		else
			base[i] = old;
	}
	if (changed)
		publish(d, base);
}

static void tick(struct ktimer *timer)
{
	struct vdso *v = container_of(timer, struct vdso, timer);

	measure(v->data);
	if (ktimer_start(timer, deadline_after(CHECK_NS)) != 0)
		__atomic_store_n(&v->data->clocks, 0,
		                 __ATOMIC_RELAXED); /* ask the kernel from now on */
}

static int page(struct vdso *v, uint64_t index, void **host)
{
	uint64_t pa;
	int err = pagecache_get_page(v->cache, index, &pa);

	if (err)
		return err;
	*host = frame_host(v->cache->arena, pa);
	frame_put(v->cache->arena, pa); /* the cache keeps it */
	return 0;
}

static int vdso_new(struct arena *a, struct vdso **out)
{
	struct vdso *v = calloc(1, sizeof(*v));
	void *data, *code;
	int err;

	if (!v)
		return -LX_ENOMEM;
	err = pagecache_new_anon(a, VDSO_PAGES * PAGE_SIZE, &v->cache);
	if (err)
		goto fail;
	err = page(v, 0, &data);
	if (!err)
		err = page(v, 1, &code);
	if (err)
		goto fail_cache;
	memcpy(code, vdso_image, sizeof(vdso_image));
	v->data = data;
	v->data->mult = MULT_ONE;
	for (size_t i = 0; i < ARRAY_LEN(served); i++)
		v->data->clocks |= 1u << served[i];
	measure(v->data);
	ktimer_init(&v->timer, tick);
	err = ktimer_start(&v->timer, deadline_after(CHECK_NS));
	if (err)
		goto fail_cache;
	*out = v;
	return 0;
fail_cache:
	pagecache_put(v->cache);
fail:
	free(v);
	return err;
}

void vdso_free(struct vdso *v)
{
	if (!v)
		return;
	ktimer_cancel_sync(&v->timer);
	pagecache_put(v->cache);
	free(v);
}

/* The guest's vDSO, made by the first who asks. */
static int vdso_get(struct arena *a, struct vdso **out)
{
	struct vdso **slot = arena_vdso(a), *v = __atomic_load_n(slot, __ATOMIC_ACQUIRE),
	            *mine = NULL;
	int err;

	if (!v) {
		err = vdso_new(a, &mine);
		if (err)
			return err;
		if (__atomic_compare_exchange_n(slot, &v, mine, false, __ATOMIC_ACQ_REL,
		                                __ATOMIC_ACQUIRE))
			v = mine;
		else
			vdso_free(mine);
	}
	*out = v;
	return 0;
}

uint64_t vdso_sigreturn(uint64_t base)
{
	return base + VDSO_SIGRETURN_OFFSET;
}

int vdso_map(struct mm *mm, uint64_t *base)
{
	struct vdso *v;
	int64_t at;
	int err = vdso_get(mm->arena, &v);

	if (err)
		return err;
	/* No lock: the address space has no user yet. */
	at = mm_find_room(mm, 0, VDSO_PAGES * PAGE_SIZE);
	if (at < 0)
		return (int)at;
	*base = (uint64_t)at + PAGE_SIZE;
	at = mm_map_special(mm, (uint64_t)at, PAGE_SIZE, VM_READ | VM_MAYREAD | VM_SPECIAL,
	                    v->cache, 0, "[vvar]");
	if (at < 0)
		return (int)at;
	at = mm_map_special(mm, *base, PAGE_SIZE, VM_READ | VM_EXEC | VM_MAYRWX | VM_SPECIAL,
	                    v->cache, PAGE_SIZE, "[vdso]");
	return at < 0 ? (int)at : 0;
}
