/*
 * Windows of host address space: addresses at and beyond their bounds, the budget of host
 * mappings, invalidations while guests store, and who gets a window.
 */
#include "tests/lib/a64_box.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>
#include <cmocka.h>

#define CODE  0x400000ULL
#define DATA  0x7000000000ULL
#define LIMIT (1ULL << 39)

/* Adds 1 to the doublewords at x0, x0 + 8192..., x1 of them; SVC. */
static const uint32_t add_to_every_other_page[] = {0xF9400002, 0x91000442, 0xF9000002, 0x91400800,
                                                   0xF1000421, 0x54FFFF61, 0xD4000001};
/* Adds 1 to the doublewords at x0 and at x0 + 4096 for ever. */
static const uint32_t add_for_ever[] = {0x91400403, 0xF9400002, 0x91000442, 0xF9000002,
                                        0xF9400064, 0x91000484, 0xF9000064, 0x17FFFFFA};

static void open_box(struct a64_box *box, struct vcpu_options opts, uint64_t ram)
{
	opts.jit_eager = true;
	a64_box_init_options(box, &opts, ram);
	a64_box_map(box, CODE, 0, BOX_RX);
}

/* --- bounds --- */

struct access {
	uint32_t code[6];
	uint64_t x0, x1;
};

static const struct access accesses[] = {
    /* ldr x2, [x0]; ldr x3, [x0, #8]; str x3, [x0, #16]; add x0, x0, #8; ldr x4, [x0]; svc */
    {{0xF9400002, 0xF9400403, 0xF9000803, 0x91002000, 0xF9400004, 0xD4000001}, DATA, 0},
    {{0xF9400002, 0xF9400403, 0xF9000803, 0x91002000, 0xF9400004, 0xD4000001},
     DATA | 0xA5ULL << 56,
     0},
    {{0xF9400002, 0xF9400403, 0xF9000803, 0x91002000, 0xF9400004, 0xD4000001}, LIMIT - 8, 0},
    {{0xF9400002, 0xF9400403, 0xF9000803, 0x91002000, 0xF9400004, 0xD4000001}, LIMIT, 0},
    {{0xF9400002, 0xF9400403, 0xF9000803, 0x91002000, 0xF9400004, 0xD4000001}, 1ULL << 47, 0},
    {{0xF9400002, 0xF9400403, 0xF9000803, 0x91002000, 0xF9400004, 0xD4000001}, UINT64_MAX - 6, 0},
    /* ldr x2, [x0]; ldur x3, [x0, #-8]; svc */
    {{0xF9400002, 0xF85F8003, 0xD4000001}, 0, 0},
    {{0xF9400002, 0xF85F8003, 0xD4000001}, DATA + 8, 0},
    /* ldr x2, [x0]; ldr x3, [x0, w1, uxtw #3]; ldr x4, [x0, w1, sxtw #3]; svc */
    {{0xF9400002, 0xF8615803, 0xF861D804, 0xD4000001}, DATA, 1},
    {{0xF9400002, 0xF8615803, 0xF861D804, 0xD4000001}, DATA, UINT32_MAX},
    {{0xF9400002, 0xF861D804, 0xF8615803, 0xD4000001}, DATA + 8, UINT32_MAX},
    {{0xF9400002, 0xF861D804, 0xF8615803, 0xD4000001}, DATA, 0x80000000},
    /* ldr x2, [x0]; ldr q3, [x0, w1, uxtw #4]; svc */
    {{0xF9400002, 0x3CE15803, 0xD4000001}, DATA, UINT32_MAX},
    /* ldr x2, [x0, x1, lsl #3]; ldr x3, [x0, x1]; svc */
    {{0xF8617802, 0xF8616803, 0xD4000001}, DATA, 0},
    {{0xF8617802, 0xF8616803, 0xD4000001}, DATA, 1ULL << 60},
    {{0xF8617802, 0xF8616803, 0xD4000001}, DATA, 1ULL << 61},
    {{0xF8617802, 0xF8616803, 0xD4000001}, 8, DATA / 8},
    {{0xF8617802, 0xF8616803, 0xD4000001}, DATA, 0 - DATA},
    /* ldr x2, [x0]; add x0, x0, #2047, lsl #12 twice; ldr x3, [x0]; svc */
    {{0xF9400002, 0x915FFC00, 0x915FFC00, 0xF9400003, 0xD4000001}, DATA, 0},
    {{0xF9400002, 0xD15FFC00, 0xD15FFC00, 0xF9400003, 0xD4000001}, DATA, 0},
};

static void run_access(struct a64_box *box, const struct access *a, struct vcpu_exit *x,
                       struct a64_regs *regs)
{
	struct vcpu *v = a64_box_vcpu(box);
	struct a64_regs *r = vcpu_regs(v);

	a64_box_write(box, CODE, a->code, sizeof(a->code));
	r->pc = CODE;
	r->x[0] = a->x0;
	r->x[1] = a->x1;
	vcpu_run(v, x);
	*regs = *r;
	vcpu_free(v);
}

static void bounds_are_as_in_the_interpreter(void **state)
{
	static const struct vcpu_options kinds[] = {
	    {.kind = VCPU_ENGINE_SOFT_INTERP}, {.kind = VCPU_ENGINE_SOFT, .window_eager = true}};
	struct vcpu_exit x[2];
	struct a64_regs regs[2];
	struct a64_box box[2];

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		open_box(&box[k], kinds[k], 16 << 20);
		a64_box_map(&box[k], DATA, 0, BOX_RW);
		uint64_t *data = a64_box_host(&box[k], DATA);

		for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
			data[i] = i * 0x0101010101010101ULL;
	}
	for (unsigned i = 0; i < ARRAY_LEN(accesses); i++) {
		for (unsigned k = 0; k < 2; k++)
			run_access(&box[k], &accesses[i], &x[k], &regs[k]);
		assert_int_equal(x[0].kind, x[1].kind);
		assert_memory_equal(&regs[0], &regs[1], sizeof(regs[0]));
		if (x[0].kind == VCPU_EXIT_FAULT) {
			assert_true(x[0].addr == x[1].addr);
			assert_int_equal(x[0].access, x[1].access);
		}
	}
	for (unsigned k = 0; k < 2; k++)
		a64_box_release(&box[k]);
}

/* --- the budget --- */

#define PAGES  4096u
#define BUDGET 1024u

static unsigned host_mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned n = 0;
	int c;

	assert_non_null(f);
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

/* Pages that can never be joined, several times as many as host mappings are allowed. */
static void mappings_stay_below_the_budget(void **state)
{
	struct vcpu_options opts = {
	    .kind = VCPU_ENGINE_SOFT, .window_eager = true, .host_mappings = 8192 + BUDGET};
	struct vcpu_jit_stats stats;
	struct vcpu_exit x;
	struct a64_box box;
	uint64_t pa[PAGES];

	(void)state;
	open_box(&box, opts, 64 << 20);
	for (unsigned i = 0; i < PAGES; i++)
		pa[i] = a64_box_frame(&box);
	for (unsigned i = 0; i < PAGES; i++)
		a64_box_map(&box, DATA + i * 2 * PAGE_SIZE, pa[PAGES - 1 - i], BOX_RW);
	a64_box_write(&box, CODE, add_to_every_other_page, sizeof(add_to_every_other_page));
	struct vcpu *v = a64_box_vcpu(&box);
	unsigned before = host_mappings();

	for (unsigned round = 0; round < 3; round++) {
		vcpu_regs(v)->pc = CODE;
		vcpu_regs(v)->x[0] = DATA;
		vcpu_regs(v)->x[1] = PAGES;
		vcpu_run(v, &x);
		assert_int_equal(x.kind, VCPU_EXIT_SYSCALL);
		assert_true(host_mappings() <= before + BUDGET + 64);
	}
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(*(uint64_t *)a64_box_host(&box, DATA + i * 2 * PAGE_SIZE), 3);
	vcpu_jit_stats(box.engine, &stats);
	assert_true(stats.window_empties >= 3);
	assert_true(stats.window_fills >= 3 * PAGES);
	/* Taken away one by one, and all at once. */
	for (unsigned i = 0; i < PAGES; i += 2)
		vcpu_space_invalidate(box.space, DATA + i * 2 * PAGE_SIZE, PAGE_SIZE);
	vcpu_space_invalidate(box.space, 0, UINT64_MAX);
	assert_true(host_mappings() <= before + 64);
	vcpu_free(v);
	a64_box_release(&box);
}

/* --- invalidation --- */

struct machine {
	struct a64_box box;
	pthread_mutex_t lock; /* held while nothing may be written */
	uint64_t copies;
};

/* Copy on write: a store moves the page to another frame. */
static int copy_page(void *opaque, uint64_t va, enum vcpu_access access)
{
	struct machine *m = opaque;

	va &= PAGE_MASK;
	if (access != VCPU_WRITE || va < DATA || va >= DATA + 2 * PAGE_SIZE)
		return BOX_REFUSED;
	pthread_mutex_lock(&m->lock);
	uint8_t *old = a64_box_host(&m->box, va);
	uint64_t pa = a64_box_frame(&m->box);

	/* Nobody stores there: it has been read-only since before the lock was taken. */
	memcpy(m->box.ram.base + pa, old, PAGE_SIZE);
	a64_box_unmap(&m->box, va);
	pthread_mutex_unlock(&m->lock);
	vcpu_space_invalidate(m->box.space, va, PAGE_SIZE);
	pthread_mutex_lock(&m->lock);
	if (!a64_box_host(&m->box, va))
		a64_box_map(&m->box, va, pa, BOX_RW);
	m->copies++;
	pthread_mutex_unlock(&m->lock);
	return 0;
}

static void *run_vcpu(void *arg)
{
	struct vcpu_exit x;

	do {
		vcpu_run(arg, &x);
	} while (x.kind == VCPU_EXIT_SYSCALL);
	return (void *)(uintptr_t)x.kind;
}

static void pause_ms(unsigned ms)
{
	struct timespec t = {.tv_nsec = (long)ms * 1000000};

	nanosleep(&t, NULL);
}

/* What a fork does: all pages become read-only, and nothing changes them until they are copied. */
static void forked_pages_are_not_written(void **state)
{
	struct machine m = {.copies = 0};
	uint64_t pa[2], last = 0;
	pthread_t thread;
	void *end;

	(void)state;
	pthread_mutex_init(&m.lock, NULL);
	open_box(&m.box, (struct vcpu_options){.kind = VCPU_ENGINE_SOFT, .window_eager = true},
	         16 << 20);
	m.box.resolve = copy_page;
	m.box.opaque = &m;
	for (unsigned i = 0; i < 2; i++)
		a64_box_map(&m.box, DATA + i * PAGE_SIZE, 0, BOX_RW);
	a64_box_write(&m.box, CODE, add_for_ever, sizeof(add_for_ever));
	struct vcpu *v = a64_box_vcpu(&m.box);

	vcpu_regs(v)->pc = CODE;
	vcpu_regs(v)->x[0] = DATA;
	assert_int_equal(pthread_create(&thread, NULL, run_vcpu, v), 0);
	for (unsigned round = 0; round < 200; round++) {
		pthread_mutex_lock(&m.lock);
		bool there = a64_box_host(&m.box, DATA) && a64_box_host(&m.box, DATA + PAGE_SIZE);
		uint64_t *host[2] = {NULL, NULL}, seen[2];

		for (unsigned i = 0; there && i < 2; i++) {
			host[i] = a64_box_host(&m.box, DATA + i * PAGE_SIZE);
			pa[i] = (uint64_t)((uint8_t *)host[i] - m.box.ram.base);
			a64_box_map(&m.box, DATA + i * PAGE_SIZE, pa[i], BOX_RO);
		}
		if (there) {
			vcpu_space_invalidate(m.box.space, 0, UINT64_MAX);
			for (unsigned i = 0; i < 2; i++)
				seen[i] = __atomic_load_n(host[i], __ATOMIC_RELAXED);
			pause_ms(1);
			for (unsigned i = 0; i < 2; i++)
				assert_true(__atomic_load_n(host[i], __ATOMIC_RELAXED) == seen[i]);
			assert_true(seen[0] >= last);
			last = seen[0];
		}
		pthread_mutex_unlock(&m.lock);
		pause_ms(1);
	}
	vcpu_kick(v);
	pthread_join(thread, &end);
	assert_int_equal((uintptr_t)end, VCPU_EXIT_KICKED);
	/* The two counters went together, whatever moved. */
	uint64_t a = *(uint64_t *)a64_box_host(&m.box, DATA);
	uint64_t b = *(uint64_t *)a64_box_host(&m.box, DATA + PAGE_SIZE);

	assert_true(a == b || a == b + 1);
	assert_true(a > 0 && m.copies > 0);
	vcpu_free(v);
	a64_box_release(&m.box);
	pthread_mutex_destroy(&m.lock);
}

/* --- who gets one --- */

static void a_window_is_earned(void **state)
{
	struct vcpu_jit_stats stats;
	struct a64_box box;
	pthread_t thread;

	(void)state;
	open_box(&box, (struct vcpu_options){.kind = VCPU_ENGINE_SOFT}, 16 << 20);
	for (unsigned i = 0; i < 2; i++)
		a64_box_map(&box, DATA + i * PAGE_SIZE, 0, BOX_RW);
	a64_box_write(&box, CODE, add_for_ever, sizeof(add_for_ever));
	assert_true(vcpu_engine_address_limit(box.engine) == LIMIT);
	struct vcpu *v = a64_box_vcpu(&box);

	vcpu_regs(v)->pc = CODE;
	vcpu_regs(v)->x[0] = DATA;
	vcpu_jit_stats(box.engine, &stats);
	assert_int_equal(stats.windows, 0);
	assert_int_equal(pthread_create(&thread, NULL, run_vcpu, v), 0);
	/* Without one there is no fault; a machine under load may take its time. */
	for (unsigned i = 0; i < 20000 && stats.window_faults == 0; i++) {
		pause_ms(1);
		vcpu_jit_stats(box.engine, &stats);
	}
	assert_int_equal(stats.windows, 1);
	assert_true(stats.window_faults > 0 && stats.window_fills > 0);
	vcpu_kick(v);
	pthread_join(thread, NULL);
	vcpu_free(v);
	a64_box_release(&box);
}

static void none_when_not_wanted(void **state)
{
	struct vcpu_jit_stats stats;
	struct a64_box box;
	struct a64_regs regs;
	struct vcpu_exit x;

	(void)state;
	open_box(&box,
	         (struct vcpu_options){
	             .kind = VCPU_ENGINE_SOFT, .no_window = true, .window_eager = true},
	         16 << 20);
	a64_box_map(&box, DATA, 0, BOX_RW);
	assert_true(vcpu_engine_address_limit(box.engine) == 1ULL << 48);
	run_access(&box, &accesses[0], &x, &regs);
	assert_int_equal(x.kind, VCPU_EXIT_SYSCALL);
	vcpu_jit_stats(box.engine, &stats);
	assert_int_equal(stats.windows, 0);
	assert_int_equal(stats.window_faults, 0);
	a64_box_release(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bounds_are_as_in_the_interpreter),
#ifndef __SANITIZE_THREAD__ /* which leaves no room for windows */
	    cmocka_unit_test(mappings_stay_below_the_budget),
	    cmocka_unit_test(forked_pages_are_not_written),
	    cmocka_unit_test(a_window_is_earned),
#endif
	    cmocka_unit_test(none_when_not_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
