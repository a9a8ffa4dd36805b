/*
 * Several vCPUs at once: exclusives and atomics lose no update, invalidations are synchronous
 * with more vCPUs than cores, changed code is seen across vCPUs, kicks arrive.
 */
#include "tests/lib/a64_box.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>
#include <cmocka.h>

#define CODE 0x400000ULL
#define DATA 0x7f00000000ULL

#ifdef __SANITIZE_THREAD__
#define MAX_THREADS 24
#else
#define MAX_THREADS 200
#endif

struct machine {
	struct a64_box box;
	struct vcpu *v[MAX_THREADS];
	pthread_t thread[MAX_THREADS];
	struct vcpu_exit exit[MAX_THREADS];
	unsigned started;
};

static int setup(void **state)
{
	struct machine *m = calloc(1, sizeof(*m));

	a64_box_init(&m->box, VCPU_ENGINE_SOFT, 64ULL << 20);
	a64_box_map(&m->box, CODE, 0, BOX_RX);
	a64_box_map(&m->box, DATA, 0, BOX_RW);
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	struct machine *m = *state;

	a64_box_release(&m->box);
	free(m);
	return 0;
}

struct start {
	struct machine *m;
	unsigned i;
};

static void *thread_main(void *arg)
{
	struct start *s = arg;

	vcpu_run(s->m->v[s->i], &s->m->exit[s->i]);
	free(s);
	return NULL;
}

/* Starts one more vCPU thread at pc with x0..x2. */
static unsigned start(struct machine *m, uint64_t pc, uint64_t x0, uint64_t x1, uint64_t x2,
                      uint64_t x5)
{
	struct start *s = malloc(sizeof(*s));
	unsigned i = m->started++;

	*s = (struct start){m, i};
	m->v[i] = a64_box_vcpu(&m->box);
	struct a64_regs *r = vcpu_regs(m->v[i]);
	r->pc = pc;
	r->x[0] = x0;
	r->x[1] = x1;
	r->x[2] = x2;
	r->x[5] = x5;
	assert_int_equal(pthread_create(&m->thread[i], NULL, thread_main, s), 0);
	return i;
}

static void join_all(struct machine *m)
{
	for (unsigned i = 0; i < m->started; i++) {
		pthread_join(m->thread[i], NULL);
		vcpu_free(m->v[i]);
	}
	m->started = 0;
}

static void expect_all(struct machine *m, enum vcpu_exit_kind kind, uint32_t imm)
{
	for (unsigned i = 0; i < m->started; i++) {
		pthread_join(m->thread[i], NULL);
		vcpu_free(m->v[i]);
		assert_int_equal(m->exit[i].kind, kind);
		if (kind == VCPU_EXIT_SYSCALL)
			assert_int_equal(m->exit[i].imm, imm);
	}
	m->started = 0;
}

#define ADDERS 8
#define ROUNDS 20000ULL

/* Adds x2 or 1 to the doubleword at x0, x1 times, then SVC #0. */
static const uint32_t excl_add[] = {0xC85F7C02, 0x91000442, 0xC8037C02, 0x35FFFFA3,
                                    0xF1000421, 0x54FFFF61, 0xD4000001};
static const uint32_t lse_add[] = {0xF8220003, 0x8B020064, 0xAA0303E5,
                                   0xF1000421, 0x54FFFF81, 0xD4000001};
/* Adds 2 to the low and takes 4 from the high half of 16 bytes: once by LDAXP/STLXP, once by
 * CASP. */
static const uint32_t pair_add[] = {0xC87F8C02, 0xB1000444, 0x9A1F0065, 0xD10008A5, 0xC8269404,
                                    0x35FFFF66, 0xA9400C02, 0x91000444, 0xD1000865, 0xAA0203E8,
                                    0xAA0303E9, 0x48287C04, 0xEB02011F, 0xFA430120, 0x54FFFF01,
                                    0xF1000421, 0x54FFFE01, 0xD4000001};

static void no_update_is_lost(void **state)
{
	struct machine *m = *state;
	uint64_t *mem = a64_box_host(&m->box, DATA);

	a64_box_write(&m->box, CODE, excl_add, sizeof(excl_add));
	a64_box_write(&m->box, CODE + 0x100, lse_add, sizeof(lse_add));
	for (unsigned i = 0; i < ADDERS; i++)
		start(m, i & 1 ? CODE : CODE + 0x100, DATA, ROUNDS, 1, 0);
	expect_all(m, VCPU_EXIT_SYSCALL, 0);
	assert_int_equal(mem[0], ADDERS * ROUNDS);

	mem[0] = 0;
	a64_box_write(&m->box, CODE, pair_add, sizeof(pair_add));
	for (unsigned i = 0; i < ADDERS; i++)
		start(m, CODE, DATA, ROUNDS, 0, 0);
	expect_all(m, VCPU_EXIT_SYSCALL, 0);
	assert_int_equal(mem[0], 2 * ADDERS * ROUNDS);
	assert_int_equal(mem[1], 0 - 4 * ADDERS * ROUNDS);
}

/* Reads the doubleword at x0 for ever; SVC #1 when it equals x1. */
static const uint32_t reader[] = {0xF9400002, 0xEB01005F, 0x54FFFFC1, 0xD4000021};
#define POISON 0xDEADULL

static struct {
	pthread_mutex_t lock;
	uint64_t frames[2];
	unsigned live; /* which frame is mapped, once someone faults */
} swap = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int map_live(void *opaque, uint64_t va, enum vcpu_access access)
{
	struct machine *m = opaque;

	if (access != VCPU_READ || va != DATA)
		return BOX_REFUSED;
	pthread_mutex_lock(&swap.lock);
	a64_box_map(&m->box, DATA, swap.frames[swap.live], BOX_RW);
	pthread_mutex_unlock(&swap.lock);
	return 0;
}

/*
 * The page moves to and fro between two frames.  After each invalidation the frame that is no
 * longer mapped gets the poison value, which no vCPU may ever see.
 */
static void swap_frames(struct machine *m, unsigned threads, unsigned rounds)
{
	a64_box_write(&m->box, CODE, reader, sizeof(reader));
	swap.frames[0] = a64_box_frame(&m->box);
	swap.frames[1] = a64_box_frame(&m->box);
	swap.live = 0;
	a64_box_unmap(&m->box, DATA);
	m->box.resolve = map_live;
	m->box.opaque = m;
	for (unsigned i = 0; i < threads; i++)
		start(m, CODE, DATA, POISON, 0, 0);
	for (unsigned i = 0; i < rounds; i++) {
		uint64_t *old = (uint64_t *)(void *)(m->box.ram.base + swap.frames[swap.live]);
		uint64_t *new = (uint64_t *)(void *)(m->box.ram.base + swap.frames[!swap.live]);

		__atomic_store_n(new, i & 0xFF, __ATOMIC_RELAXED);
		pthread_mutex_lock(&swap.lock);
		a64_box_unmap(&m->box, DATA);
		swap.live = !swap.live;
		pthread_mutex_unlock(&swap.lock);
		vcpu_space_invalidate(m->box.space, DATA, i % 7 ? PAGE_SIZE : UINT64_MAX);
		__atomic_store_n(old, POISON, __ATOMIC_RELAXED);
	}
	for (unsigned i = 0; i < threads; i++)
		vcpu_kick(m->v[i]);
	expect_all(m, VCPU_EXIT_KICKED, 0);
}

static void invalidation_is_synchronous(void **state)
{
	swap_frames(*state, 4, 2000);
}

static void invalidation_among_hundreds(void **state)
{
	swap_frames(*state, MAX_THREADS, 20);
}

/* The reader waits for the flag at x0 to change, calls x1 and expects x9 >= flag; SVC #0 when
 * the flag is x2, SVC #1 when old code ran. */
static const uint32_t smc_reader[] = {0xD2800004, 0xC8DFFC03, 0xEB04007F, 0x54FFFFC0, 0xAA0303E4,
                                      0xD5033FDF, 0xD63F0020, 0xD503201F, 0xEB04013F, 0x54000083,
                                      0xEB02009F, 0x54FFFEC1, 0xD4000001, 0xD4000021};
/* The writer makes the instruction at x1 "movz x9, #n" for n = 1.. x2, with the sequence of
 * Arm ARM B2.4.4, and stores n to the flag. */
static const uint32_t smc_writer[] = {0xD2800004, 0x91000484, 0x8B0414A6, 0xB9000026, 0xD50B7B21,
                                      0xD5033B9F, 0xD50B7521, 0xD5033B9F, 0xD5033FDF, 0xC89FFC04,
                                      0xEB02009F, 0x54FFFEC1, 0xD4000001};
static const uint32_t function[] = {0xD2800009, 0xD65F03C0};

static void changed_code_is_seen_by_others(void **state)
{
	struct machine *m = *state;
	uint64_t rounds = 3000, fn = CODE + 0x10000, alias = DATA + 0x10000;
	uint64_t pa = a64_box_map(&m->box, fn, 0, BOX_RX);

	a64_box_map(&m->box, alias, pa, BOX_RW);
	a64_box_write(&m->box, CODE, smc_reader, sizeof(smc_reader));
	a64_box_write(&m->box, CODE + 0x100, smc_writer, sizeof(smc_writer));
	a64_box_write(&m->box, fn + 0x40, function, sizeof(function));
	for (unsigned i = 0; i < 3; i++)
		start(m, CODE, DATA, fn + 0x40, rounds, 0);
	start(m, CODE + 0x100, DATA, alias + 0x40, rounds, function[0]);
	expect_all(m, VCPU_EXIT_SYSCALL, 0);
}

static const uint32_t spin[] = {0x910004A5, 0x17FFFFFF};

static void kick_ends_a_loop(void **state)
{
	struct machine *m = *state;
	struct timespec ms = {.tv_nsec = 1000000};

	a64_box_write(&m->box, CODE, spin, sizeof(spin));
	start(m, CODE, 0, 0, 0, 0);
	nanosleep(&ms, NULL);
	vcpu_kick(m->v[0]);
	pthread_join(m->thread[0], NULL);
	assert_int_equal(m->exit[0].kind, VCPU_EXIT_KICKED);
	assert_true(vcpu_regs(m->v[0])->pc - CODE <= 4);
	vcpu_free(m->v[0]);
	m->started = 0;
}

/* Code is dropped while others run it, until memory is reclaimed many times. */
static void dropped_code_stays_usable(void **state)
{
	struct machine *m = *state;
	uint64_t pa = (uint64_t)((uint8_t *)a64_box_host(&m->box, CODE) - m->box.ram.base);

	a64_box_write(&m->box, CODE, spin, sizeof(spin));
	for (unsigned i = 0; i < 4; i++)
		start(m, CODE, 0, 0, 0, 0);
	for (unsigned i = 0; i < 50000; i++)
		vcpu_ram_changed(m->box.engine, pa, i & 1 ? 4 : PAGE_SIZE);
	for (unsigned i = 0; i < 4; i++)
		vcpu_kick(m->v[i]);
	join_all(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(no_update_is_lost, setup, teardown),
	    cmocka_unit_test_setup_teardown(invalidation_is_synchronous, setup, teardown),
	    cmocka_unit_test_setup_teardown(invalidation_among_hundreds, setup, teardown),
	    cmocka_unit_test_setup_teardown(changed_code_is_seen_by_others, setup, teardown),
	    cmocka_unit_test_setup_teardown(kick_ends_a_loop, setup, teardown),
	    cmocka_unit_test_setup_teardown(dropped_code_stays_usable, setup, teardown),
	};

	int failed = cmocka_run_group_tests_name("software TLB", tests, NULL, NULL);

	a64_box_windows = true;
	return failed + cmocka_run_group_tests_name("windows", tests, NULL, NULL);
}
