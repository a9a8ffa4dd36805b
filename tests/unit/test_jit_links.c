/*
 * The ways from block to block: branches and calls to pages that differ between processes or
 * are replaced, returns that go where no call came from, code changed under its caller, kicks.
 */
#include "tests/lib/a64_box.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define CODE        0x400000ULL
#define NEXT        (CODE + PAGE_SIZE)
#define ALIAS       0x10000000ULL /* CODE, writable */
#define STACK       0x20000000ULL
#define STACK_PAGES 64u

#define SVC 0xD4000001u
#define RET 0xD65F03C0u
#define NOP 0xD503201Fu

static uint32_t bl(int insns)
{
	return 0x94000000u | ((uint32_t)insns & 0x03FFFFFFu);
}

static uint32_t b(int insns)
{
	return 0x14000000u | ((uint32_t)insns & 0x03FFFFFFu);
}

/* add xd, xd, #imm */
static uint32_t add(unsigned d, unsigned imm)
{
	return 0x91000000u | imm << 10 | d << 5 | d;
}

struct machine {
	struct a64_box box;
	struct vcpu *v;
	struct vcpu_exit exit;
};

static int setup_with(void **state, enum vcpu_engine_kind kind)
{
	struct machine *m = calloc(1, sizeof(*m));
	uint64_t pa;

	a64_box_init(&m->box, kind, 16 << 20);
	pa = a64_box_map(&m->box, CODE, 0, BOX_RX);
	a64_box_map(&m->box, ALIAS, pa, BOX_RW);
	for (unsigned i = 0; i < STACK_PAGES; i++)
		a64_box_map(&m->box, STACK + i * PAGE_SIZE, 0, BOX_RW);
	m->v = a64_box_vcpu(&m->box);
	*state = m;
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, VCPU_ENGINE_SOFT);
}

static int setup_interp(void **state)
{
	return setup_with(state, VCPU_ENGINE_SOFT_INTERP);
}

static int teardown(void **state)
{
	struct machine *m = *state;

	vcpu_free(m->v);
	a64_box_release(&m->box);
	free(m);
	return 0;
}

static void run(struct machine *m, uint64_t pc)
{
	struct a64_regs *r = vcpu_regs(m->v);

	r->pc = pc;
	r->sp = STACK + STACK_PAGES * PAGE_SIZE;
	vcpu_run(m->v, &m->exit);
}

/* In a page of its own: x0 += by and back, at its beginning by a return, behind by a branch. */
static uint64_t callee(struct a64_box *box, unsigned by)
{
	const uint32_t code[] = {add(0, by), RET, add(0, by), SVC};
	uint64_t pa = a64_box_map(box, NEXT, 0, BOX_RX);

	a64_box_write(box, NEXT, code, sizeof(code));
	return pa;
}

/* A call of the next page, and a branch there. */
static void caller(struct a64_box *box)
{
	const uint32_t code[] = {bl(1024), add(0, 1), b(1024)};

	a64_box_write(box, CODE, code, sizeof(code));
}

static void assert_sum(struct machine *m, uint64_t sum)
{
	vcpu_regs(m->v)->x[0] = 0;
	run(m, CODE);
	assert_int_equal(m->exit.kind, VCPU_EXIT_SYSCALL);
	assert_int_equal(vcpu_regs(m->v)->x[0], sum);
}

/* Two spaces share a page of code, but not the page that it branches to. */
static void two_spaces(void **state)
{
	struct machine *m = *state, other = {.box = m->box};
	uint64_t shared = a64_box_map(&m->box, CODE, 0, BOX_RX);

	caller(&m->box);
	callee(&m->box, 10);
	other.box.next_frame = m->box.next_frame;
	other.box.root = a64_box_frame(&other.box);
	assert_int_equal(
	    vcpu_space_new(m->box.engine, other.box.root, m->box.resolve, NULL, &other.box.space),
	    0);
	a64_box_map(&other.box, CODE, shared, BOX_RX);
	callee(&other.box, 20);
	other.v = a64_box_vcpu(&other.box);
	for (unsigned i = 0; i < 100; i++) {
		for (unsigned k = 0; k < 1 + i % 5; k++)
			assert_sum(m, 21);
		for (unsigned k = 0; k < 1 + i % 7; k++)
			assert_sum(&other, 41);
	}
	vcpu_free(other.v);
	vcpu_space_free(other.box.space);
}

/* The page behind a branch is replaced, then both come back, then one is changed. */
static void replaced_page(void **state)
{
	struct machine *m = *state;
	uint64_t page[2];

	caller(&m->box);
	page[0] = callee(&m->box, 10);
	a64_box_unmap(&m->box, NEXT);
	page[1] = callee(&m->box, 20);
	for (unsigned i = 0; i < 100; i++) {
		a64_box_unmap(&m->box, NEXT);
		a64_box_map(&m->box, NEXT, page[i % 2], BOX_RX);
		vcpu_space_invalidate(m->box.space, NEXT, PAGE_SIZE);
		for (unsigned k = 0; k < 10; k++)
			assert_sum(m, i % 2 ? 41 : 21);
	}
	a64_box_unmap(&m->box, NEXT);
	vcpu_space_invalidate(m->box.space, NEXT, PAGE_SIZE);
	run(m, CODE);
	assert_int_equal(m->exit.kind, VCPU_EXIT_FAULT);
	assert_int_equal(m->exit.addr, NEXT);
	a64_box_map(&m->box, NEXT, page[0], BOX_RX);
	for (unsigned by = 1; by < 50; by++) {
		const uint32_t code[] = {add(0, by)};

		a64_box_write(&m->box, NEXT, code, sizeof(code));
		for (unsigned k = 0; k < 10; k++)
			assert_sum(m, by + 11);
	}
}

/* f(n) = n ? f(n-1) + 1 : 0, deeper than frames are kept. */
static void deep_recursion(void **state)
{
	struct machine *m = *state;
	const uint32_t code[] = {
	    bl(2),       SVC,       0xB4000100u, /* f: cbz x0, leaf */
	    0xA9BF7BFDu,                         /* stp x29, x30, [sp, #-16]! */
	    0xD1000400u,                         /* sub x0, x0, #1 */
	    bl(-3),      add(0, 1), 0xA8C17BFDu, /* ldp x29, x30, [sp], #16 */
	    RET,         NOP,       RET,         /* leaf */
	};

	a64_box_write(&m->box, CODE, code, sizeof(code));
	for (unsigned depth = 1; depth < 12000; depth = depth * 3 + 1)
		for (unsigned k = 0; k < 10; k++) {
			vcpu_regs(m->v)->x[0] = depth;
			run(m, CODE);
			assert_int_equal(m->exit.kind, VCPU_EXIT_SYSCALL);
			assert_int_equal(vcpu_regs(m->v)->x[0], depth);
			assert_int_equal(vcpu_regs(m->v)->pc, CODE + 8);
		}
}

/* Calls without returns, returns without calls, and returns elsewhere. */
static void unpaired(void **state)
{
	struct machine *m = *state;
	const uint32_t calls[] = {
	    bl(1),
	    0xD1000400u /* sub x0, x0, #1 */,
	    0xB5FFFFC0u /* cbnz x0, .-8 */,
	    SVC,
	};
	const uint32_t returns[] = {
	    0xD1000400u, 0xB4000060u /* cbz x0, .+12 */, 0x10FFFFDEu /* adr x30, .-8 */, RET, SVC,
	};
	const uint32_t elsewhere[] = {
	    bl(4), add(1, 100), add(1, 7), b(5),        add(30, 4) /* past the first addition */,
	    RET,   NOP,         NOP,       0xD1000400u, 0xB5FFFEE0u /* cbnz x0, .-36 */,
	    SVC,
	};

	a64_box_write(&m->box, CODE, calls, sizeof(calls));
	vcpu_regs(m->v)->x[0] = 5000;
	run(m, CODE);
	assert_int_equal(vcpu_regs(m->v)->x[0], 0);
	a64_box_write(&m->box, CODE, returns, sizeof(returns));
	vcpu_regs(m->v)->x[0] = 5000;
	run(m, CODE);
	assert_int_equal(vcpu_regs(m->v)->x[0], 0);
	a64_box_write(&m->box, CODE, elsewhere, sizeof(elsewhere));
	vcpu_regs(m->v)->x[0] = 5000;
	vcpu_regs(m->v)->x[1] = 0;
	run(m, CODE);
	assert_int_equal(vcpu_regs(m->v)->x[1], 7 * 5000);
}

/* The odd values that stand for nothing in tables and frames are addresses like others. */
static void odd_targets(void **state)
{
	struct machine *m = *state;
	const uint32_t code[] = {RET, 0xD61F03C0u /* br x30 */, 0xD63F03C0u /* blr x30 */};

	a64_box_write(&m->box, CODE, code, sizeof(code));
	for (unsigned i = 0; i < 300; i++) {
		uint64_t target = i % 64;

		vcpu_regs(m->v)->x[30] = target;
		run(m, CODE + i % 3 * 4);
		assert_int_equal(m->exit.kind, target % 4 ? VCPU_EXIT_ALIGNMENT : VCPU_EXIT_FAULT);
		assert_int_equal(m->exit.addr, target);
		assert_int_equal(vcpu_regs(m->v)->pc, target);
		run(m, target);
		assert_int_equal(m->exit.kind, target % 4 ? VCPU_EXIT_ALIGNMENT : VCPU_EXIT_FAULT);
	}
}

/* A function changes the instruction that it returns to. */
static void changed_caller(void **state)
{
	struct machine *m = *state;
	const uint32_t code[] = {
	    bl(3),       add(0, 1), SVC, 0xB9000441u, /* str w1, [x2, #4] */
	    0xD50B7B22u,                              /* dc cvau, x2 */
	    0xD5033B9Fu,                              /* dsb ish */
	    0xD50B7523u,                              /* ic ivau, x3 */
	    0xD5033B9Fu,                              /* dsb ish */
	    0xD5033FDFu,                              /* isb */
	    RET,
	};

	a64_box_write(&m->box, CODE, code, sizeof(code));
	for (unsigned i = 1; i < 200; i++) {
		vcpu_regs(m->v)->x[0] = 0;
		vcpu_regs(m->v)->x[1] = add(0, i / 3);
		vcpu_regs(m->v)->x[2] = ALIAS;
		vcpu_regs(m->v)->x[3] = CODE + 4;
		run(m, CODE);
		assert_int_equal(m->exit.kind, VCPU_EXIT_SYSCALL);
		assert_int_equal(vcpu_regs(m->v)->x[0], i / 3);
	}
}

static void *runner(void *arg)
{
	run(arg, CODE);
	return NULL;
}

static void kick_out(struct machine *m, const uint32_t *code, size_t bytes)
{
	struct timespec pause = {0, 2000000};

	a64_box_write(&m->box, CODE, code, bytes);
	for (unsigned i = 0; i < 10; i++) {
		pthread_t thread;

		vcpu_regs(m->v)->x[0] = 0;
		vcpu_regs(m->v)->x[30] = CODE;
		assert_int_equal(pthread_create(&thread, NULL, runner, m), 0);
		nanosleep(&pause, NULL);
		vcpu_kick(m->v);
		pthread_join(thread, NULL);
		assert_int_equal(m->exit.kind, VCPU_EXIT_KICKED);
	}
}

/* Endless calls and endless returns hear a kick. */
static void kicked(void **state)
{
	struct machine *m = *state;
	const uint32_t calls[] = {add(0, 1), bl(-1)};
	const uint32_t returns[] = {add(0, 1), RET};
	const uint32_t pairs[] = {bl(2), b(-1), add(0, 1), RET};

	kick_out(m, calls, sizeof(calls));
	kick_out(m, returns, sizeof(returns));
	kick_out(m, pairs, sizeof(pairs));
}

/* While a vCPU calls a page again and again, that is replaced by one which says another number;
 * once the invalidation has returned, the old number is never seen. */
static void replaced_under_caller(void **state)
{
	struct machine *m = *state;
	const uint32_t loop[] = {bl(1024), b(-1)};
	struct timespec pause = {0, 100000};
	uint32_t *said;
	uint64_t page[2];
	pthread_t thread;

	a64_box_write(&m->box, CODE, loop, sizeof(loop));
	for (unsigned i = 0; i < 2; i++) {
		/* mov w1, #1 + i; str w1, [x2]; ret */
		const uint32_t code[] = {0x52800021u + (i << 5), 0xB9000041u, RET};

		page[i] = a64_box_map(&m->box, NEXT, 0, BOX_RX);
		a64_box_write(&m->box, NEXT, code, sizeof(code));
	}
	said = a64_box_host(&m->box, STACK);
	vcpu_regs(m->v)->x[2] = STACK;
	assert_int_equal(pthread_create(&thread, NULL, runner, m), 0);
	for (unsigned i = 0; i < 300; i++) {
		uint32_t heard = 0;

		a64_box_map(&m->box, NEXT, page[i % 2], BOX_RX);
		vcpu_space_invalidate(m->box.space, NEXT, PAGE_SIZE);
		__atomic_store_n(said, 0, __ATOMIC_SEQ_CST);
		for (unsigned n = 0; n < 3; n++) {
			while ((heard = __atomic_load_n(said, __ATOMIC_SEQ_CST)) == 0)
				nanosleep(&pause, NULL);
			assert_int_equal(heard, 1 + i % 2);
		}
	}
	vcpu_kick(m->v);
	pthread_join(thread, NULL);
}

/* Two functions in a page of its own that add a number to x0. */
static uint64_t map_functions(struct a64_box *box, unsigned by)
{
	const uint32_t code[] = {add(0, by), RET, add(0, by), RET};
	uint64_t pa = a64_box_map(box, NEXT, 0, BOX_RX);

	a64_box_write(box, NEXT, code, sizeof(code));
	return pa;
}

#define DATA 0x30000000ULL

static int replace_functions(void *opaque, uint64_t va, enum vcpu_access access)
{
	struct machine *m = opaque;

	if (va != DATA || access != VCPU_WRITE)
		return BOX_REFUSED;
	a64_box_map(&m->box, DATA, 0, BOX_RW);
	map_functions(&m->box, 100);
	vcpu_space_invalidate(m->box.space, NEXT, PAGE_SIZE);
	return 0;
}

/*
 * The resolver, asked by a store, replaces the page from which code was looked up last: here the
 * second function's, for the loop has been translated when it calls that.
 */
static void replaced_by_resolver(void **state)
{
	static const uint32_t code[] = {
	    0xD63F0020, /* loop: blr x1 */
	    0xB40000A3, /* cbz x3, again */
	    0xF90000A4, /* str x4, [x5] */
	    0xD63F0040, /* blr x2 */
	    SVC,
	    NOP,
	    0xAA0203E1, /* again: mov x1, x2 */
	    0xD2800023, /* mov x3, #1 */
	    0x17FFFFF8, /* b loop */
	};
	struct machine *m = *state;
	struct vcpu_options options = {.kind = VCPU_ENGINE_SOFT, .jit_eager = true};
	struct machine eager;
	struct a64_regs *r;

	if (strcmp(vcpu_engine_name(m->box.engine), "soft") != 0)
		options.kind = VCPU_ENGINE_SOFT_INTERP;
	a64_box_init_options(&eager.box, &options, 16 << 20);
	eager.box.resolve = replace_functions;
	eager.box.opaque = &eager;
	a64_box_map(&eager.box, CODE, 0, BOX_RX);
	a64_box_write(&eager.box, CODE, code, sizeof(code));
	map_functions(&eager.box, 10);
	eager.v = a64_box_vcpu(&eager.box);
	r = vcpu_regs(eager.v);
	r->x[0] = r->x[3] = 0;
	r->x[1] = NEXT;
	r->x[2] = NEXT + 8;
	r->x[5] = DATA;
	r->pc = CODE;
	vcpu_run(eager.v, &eager.exit);
	assert_int_equal(eager.exit.kind, VCPU_EXIT_SYSCALL);
	assert_int_equal(r->x[0], 120);
	vcpu_free(eager.v);
	a64_box_release(&eager.box);
}

int main(void)
{
#define CASE(name)                                              \
	cmocka_unit_test_setup_teardown(name, setup, teardown), \
	    cmocka_unit_test_setup_teardown(name, setup_interp, teardown)
	const struct CMUnitTest tests[] = {
	    CASE(two_spaces),     CASE(replaced_page),
	    CASE(deep_recursion), CASE(unpaired),
	    CASE(kicked),         CASE(changed_caller),
	    CASE(odd_targets),    CASE(replaced_under_caller),
	    CASE(replaced_by_resolver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
