/*
 * Runs small programs in the software CPU, interpreted and translated: exits, registers, faults
 * with exact addresses, self-modifying code, single steps and kicks.
 */
#include "tests/lib/a64_box.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define RAM_BYTES (64ULL << 20)
#define CODE      0x400000ULL
#define DATA      0x7f00000000ULL
#define STACK     0x7ff000000ULL

struct fixture {
	struct a64_box box;
	struct vcpu *v;
	struct a64_regs *r;
};

/* The tests run once for each. */
static enum vcpu_engine_kind kind = VCPU_ENGINE_SOFT_INTERP;

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	a64_box_init(&f->box, kind, RAM_BYTES);
	a64_box_map(&f->box, CODE, 0, BOX_RX);
	a64_box_map(&f->box, DATA, 0, BOX_RW);
	a64_box_map(&f->box, DATA + PAGE_SIZE, 0, BOX_RO);
	a64_box_map(&f->box, STACK, 0, BOX_RW);
	f->v = a64_box_vcpu(&f->box);
	f->r = vcpu_regs(f->v);
	f->r->sp = STACK + PAGE_SIZE;
	f->r->pc = CODE;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	vcpu_free(f->v);
	a64_box_release(&f->box);
	free(f);
	return 0;
}

static struct vcpu_exit run(struct fixture *f)
{
	struct vcpu_exit x;

	memset(&x, 0, sizeof(x));
	vcpu_run(f->v, &x);
	return x;
}

/* Puts the words at CODE and runs from there. */
static struct vcpu_exit run_code(struct fixture *f, const uint32_t *words, size_t n)
{
	a64_box_write(&f->box, CODE, words, n * 4);
	f->r->pc = CODE;
	return run(f);
}
#define RUN(f, ...)                                             \
	({                                                      \
		static const uint32_t words_[] = {__VA_ARGS__}; \
		run_code(f, words_, ARRAY_LEN(words_));         \
	})

#define SVC(n)      (0xD4000001u | (n) << 5)
#define LDR_X3_X2   0xF9400043u /* ldr x3, [x2] */
#define STR_X3_X2   0xF9000043u /* str x3, [x2] */
#define LDP_X3_X2   0xA9401043u /* ldp x3, x4, [x2] */
#define STP_X3_X2   0xA9001043u /* stp x3, x4, [x2] */
#define LDR_X3_POST 0xF8408443u /* ldr x3, [x2], #8 */
#define LDXR_X3_X2  0xC85F7C43u /* ldxr x3, [x2] */

static void loop_call_and_memory(void **state)
{
	struct fixture *f = *state;

	f->r->x[0] = 1000;
	f->r->x[2] = DATA + 8;
	f->r->x[29] = 29;
	struct vcpu_exit x =
	    RUN(f, 0xD2800001, 0x8B000021, 0xF1000400, 0x54FFFFC1, 0xF9000041, 0xB9400043,
	        0x94000002, SVC(7), 0xA9BF7BFD, 0xD2824684, 0xA8C17BFD, 0xD65F03C0);

	assert_int_equal(x.kind, VCPU_EXIT_SYSCALL);
	assert_int_equal(x.imm, 7);
	assert_int_equal(f->r->pc, CODE + 8 * 4);
	assert_int_equal(f->r->x[1], 500500);
	assert_int_equal(f->r->x[3], 500500);
	assert_int_equal(f->r->x[4], 0x1234);
	assert_int_equal(f->r->sp, STACK + PAGE_SIZE);
	assert_int_equal(f->r->nzcv, 0x60000000);
	assert_int_equal(*(uint64_t *)a64_box_host(&f->box, DATA + 8), 500500);
}

static void expect_fault(struct fixture *f, const struct vcpu_exit *x, enum vcpu_access access,
                         uint64_t addr)
{
	assert_int_equal(x->kind, VCPU_EXIT_FAULT);
	assert_int_equal(x->access, access);
	assert_int_equal(x->fault_code, BOX_REFUSED);
	assert_int_equal(x->addr, addr);
	assert_int_equal(f->r->pc, CODE);
	assert_int_equal(f->r->x[3], 3);
	assert_int_equal(f->r->x[4], 4);
}

static void set_access(struct fixture *f, uint64_t va)
{
	f->r->x[2] = va;
	f->r->x[3] = 3;
	f->r->x[4] = 4;
}

static void faults_are_precise(void **state)
{
	struct fixture *f = *state;
	uint64_t ro = DATA + PAGE_SIZE, hole = DATA + 2 * PAGE_SIZE;
	struct vcpu_exit x;

	set_access(f, hole);
	x = RUN(f, LDR_X3_X2);
	expect_fault(f, &x, VCPU_READ, hole);

	/* Across the page's end: the first bad byte, for loads and pairs. */
	set_access(f, hole - 4);
	x = RUN(f, LDR_X3_X2);
	expect_fault(f, &x, VCPU_READ, hole);
	set_access(f, hole - 8);
	x = RUN(f, LDP_X3_X2);
	expect_fault(f, &x, VCPU_READ, hole);

	/* A store into the read-only page stores nothing in the page before it. */
	uint64_t *before = a64_box_host(&f->box, ro - 8);

	*before = 0x1111;
	set_access(f, ro - 4);
	x = RUN(f, STR_X3_X2);
	expect_fault(f, &x, VCPU_WRITE, ro);
	set_access(f, ro - 8);
	x = RUN(f, STP_X3_X2);
	expect_fault(f, &x, VCPU_WRITE, ro);
	assert_int_equal(*before, 0x1111);

	/* No writeback. */
	set_access(f, hole);
	x = RUN(f, LDR_X3_POST);
	expect_fault(f, &x, VCPU_READ, hole);
	assert_int_equal(f->r->x[2], hole);
}

static void data_cannot_be_executed(void **state)
{
	struct fixture *f = *state;

	f->r->pc = DATA + 16;
	struct vcpu_exit x = run(f);

	assert_int_equal(x.kind, VCPU_EXIT_FAULT);
	assert_int_equal(x.access, VCPU_EXEC);
	assert_int_equal(x.addr, DATA + 16);
	assert_int_equal(f->r->pc, DATA + 16);
}

static void addresses_ignore_their_top_byte(void **state)
{
	struct fixture *f = *state;

	*(uint64_t *)a64_box_host(&f->box, DATA) = 42;
	set_access(f, DATA | 0xAB00000000000000ULL);
	struct vcpu_exit x = RUN(f, LDR_X3_X2, SVC(0));

	assert_int_equal(x.kind, VCPU_EXIT_SYSCALL);
	assert_int_equal(f->r->x[3], 42);
	/* But not bits 55..48. */
	set_access(f, DATA | 0x0001000000000000ULL);
	x = RUN(f, LDR_X3_X2, SVC(0));
	expect_fault(f, &x, VCPU_READ, DATA | 0x0001000000000000ULL);
}

static void alignment(void **state)
{
	struct fixture *f = *state;
	struct vcpu_exit x;

	set_access(f, DATA + 4);
	x = RUN(f, LDXR_X3_X2);
	assert_int_equal(x.kind, VCPU_EXIT_ALIGNMENT);
	assert_int_equal(x.addr, DATA + 4);
	assert_int_equal(f->r->x[3], 3);

	f->r->sp = STACK + 8;
	x = RUN(f, 0xF94003E3 /* ldr x3, [sp] */);
	assert_int_equal(x.kind, VCPU_EXIT_ALIGNMENT);
	assert_int_equal(x.addr, STACK + 8);

	f->r->pc = CODE + 2;
	x = run(f);
	assert_int_equal(x.kind, VCPU_EXIT_ALIGNMENT);
	assert_int_equal(x.addr, CODE + 2);
}

static void undefined_and_breakpoint(void **state)
{
	struct fixture *f = *state;
	struct vcpu_exit x = RUN(f, 0xD503201F, 0x00000001);

	assert_int_equal(x.kind, VCPU_EXIT_UNDEFINED);
	assert_int_equal(x.insn, 1);
	assert_int_equal(f->r->pc, CODE + 4);
	x = RUN(f, 0xD4200000 | 0x123 << 5);
	assert_int_equal(x.kind, VCPU_EXIT_BREAKPOINT);
	assert_int_equal(x.imm, 0x123);
	assert_int_equal(f->r->pc, CODE);
}

static void single_steps(void **state)
{
	struct fixture *f = *state;

	vcpu_set_step(f->v, true);
	f->r->x[0] = 5;
	struct vcpu_exit x =
	    RUN(f, 0x91000400 /* add x0, x0, #1 */, 0x14000002 /* b +8 */, SVC(1), SVC(2));

	assert_int_equal(x.kind, VCPU_EXIT_STEP);
	assert_int_equal(f->r->x[0], 6);
	assert_int_equal(f->r->pc, CODE + 4);
	x = run(f);
	assert_int_equal(x.kind, VCPU_EXIT_STEP);
	assert_int_equal(f->r->pc, CODE + 12);
	x = run(f);
	assert_int_equal(x.kind, VCPU_EXIT_SYSCALL);
	assert_int_equal(x.imm, 2);
	vcpu_set_step(f->v, false);
}

static void kick_is_remembered(void **state)
{
	struct fixture *f = *state;

	vcpu_kick(f->v);
	struct vcpu_exit x = RUN(f, SVC(0));

	assert_int_equal(x.kind, VCPU_EXIT_KICKED);
	assert_int_equal(f->r->pc, CODE);
	x = run(f);
	assert_int_equal(x.kind, VCPU_EXIT_SYSCALL);
}

/* The program overwrites an instruction that it has run, with IC IVAU. */
static void code_changes_under_ivau(void **state)
{
	struct fixture *f = *state;
	uint64_t alias = 0x500000;

	a64_box_map(&f->box, alias,
	            (uint64_t)((uint8_t *)a64_box_host(&f->box, CODE) - f->box.ram.base), BOX_RW);
	f->r->x[1] = alias + 7 * 4;
	f->r->x[2] = 0x52800040; /* mov w0, #2 */
	f->r->x[5] = 0;
	struct vcpu_exit x = RUN(f, 0x94000007,                  /* bl target */
	                         0xB4000065,                     /* cbz x5, patch */
	                         SVC(9), 0xD503201F, 0xB9000022, /* patch: str w2, [x1] */
	                         0xD50B7521,                     /* ic ivau, x1 */
	                         0x14000003,                     /* b again */
	                         0x52800020,                     /* target: mov w0, #1 */
	                         0xD65F03C0,                     /* ret */
	                         0xD2800025,                     /* again: mov x5, #1 */
	                         0x17FFFFF6 /* b CODE */);

	assert_int_equal(x.kind, VCPU_EXIT_SYSCALL);
	assert_int_equal(f->r->x[0], 2);
}

static void changed_ram_is_seen(void **state)
{
	struct fixture *f = *state;
	struct vcpu_exit x = RUN(f, SVC(1));

	assert_int_equal(x.imm, 1);
	x = RUN(f, SVC(2));
	assert_int_equal(x.imm, 2);
}

/* A resolver that maps a page on demand. */
static int map_on_demand(void *opaque, uint64_t va, enum vcpu_access access)
{
	struct fixture *f = opaque;

	if (access == VCPU_EXEC || va != DATA + 4 * PAGE_SIZE)
		return BOX_REFUSED;
	a64_box_map(&f->box, va, 0, BOX_RW);
	return 0;
}

static void resolver_maps_and_retries(void **state)
{
	struct fixture *f = *state;

	f->box.resolve = map_on_demand;
	f->box.opaque = f;
	set_access(f, DATA + 4 * PAGE_SIZE);
	struct vcpu_exit x = RUN(f, STR_X3_X2, SVC(0));

	assert_int_equal(x.kind, VCPU_EXIT_SYSCALL);
	assert_int_equal(*(uint64_t *)a64_box_host(&f->box, DATA + 4 * PAGE_SIZE), 3);
}

static void invalidation_takes_rights_away(void **state)
{
	struct fixture *f = *state;
	struct vcpu_exit x;

	set_access(f, DATA);
	x = RUN(f, LDR_X3_X2, SVC(0));
	assert_int_equal(x.kind, VCPU_EXIT_SYSCALL);
	a64_box_unmap(&f->box, DATA);
	vcpu_space_invalidate(f->box.space, DATA, PAGE_SIZE);
	set_access(f, DATA);
	x = RUN(f, LDR_X3_X2, SVC(0));
	expect_fault(f, &x, VCPU_READ, DATA);
	/* Code too, and by a request for everything. */
	a64_box_unmap(&f->box, CODE);
	vcpu_space_invalidate(f->box.space, 0, UINT64_MAX);
	f->r->pc = CODE;
	x = run(f);
	assert_int_equal(x.kind, VCPU_EXIT_FAULT);
	assert_int_equal(x.access, VCPU_EXEC);
}

static void descriptors_outside_ram_are_unmapped(void **state)
{
	struct fixture *f = *state;

	a64_box_map(&f->box, DATA + 8 * PAGE_SIZE, RAM_BYTES, BOX_RW);
	set_access(f, DATA + 8 * PAGE_SIZE);
	struct vcpu_exit x = RUN(f, LDR_X3_X2);

	expect_fault(f, &x, VCPU_READ, DATA + 8 * PAGE_SIZE);
}

#define MRS(op1, crn, crm, op2) \
	(0xD5300000u | 1u << 19 | (op1) << 16 | (crn) << 12 | (crm) << 8 | (op2) << 5)

static uint64_t read_reg(struct fixture *f, uint32_t mrs)
{
	uint32_t words[] = {mrs, SVC(0)};
	struct vcpu_exit x = run_code(f, words, ARRAY_LEN(words));

	assert_int_equal(x.kind, VCPU_EXIT_SYSCALL);
	return f->r->x[0];
}

/* What the ID registers say, field by field, is what HWCAP says. */
static void id_registers_agree_with_hwcap(void **state)
{
	struct fixture *f = *state;
	struct vcpu_features features;
	uint64_t isar0 = read_reg(f, MRS(0, 0, 6, 0)), isar1 = read_reg(f, MRS(0, 0, 6, 1));
	uint64_t pfr0 = read_reg(f, MRS(0, 0, 4, 0));

	vcpu_engine_features(f->box.engine, &features);
	assert_int_equal(features.midr, read_reg(f, MRS(0, 0, 0, 0)));
	assert_int_equal(features.hwcap2, 0);
	static const struct {
		unsigned isar, field, value, hwcap_bit;
	} rows[] = {
	    {0, 4, 2, 4},   {0, 8, 1, 5},   {0, 12, 1, 6},  {0, 16, 1, 7}, {0, 20, 2, 8},
	    {0, 28, 1, 12}, {1, 12, 1, 13}, {1, 20, 1, 15}, {1, 0, 1, 16},
	};
	uint64_t expect[2] = {0, 0}, hwcap = 1 | 1 << 1 | 1 << 3 | 1 << 11;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		expect[rows[i].isar] |= (uint64_t)rows[i].value << rows[i].field;
		hwcap |= 1ULL << rows[i].hwcap_bit;
	}
	assert_int_equal(isar0, expect[0]);
	assert_int_equal(isar1, expect[1]);
	assert_int_equal(pfr0, 0x11);
	assert_int_equal(features.hwcap, hwcap);
}

static void system_registers(void **state)
{
	struct fixture *f = *state;
	uint64_t t0 = read_reg(f, MRS(3, 14, 0, 2)), t1 = read_reg(f, MRS(3, 14, 0, 2));

	assert_true(t1 > t0);
	assert_int_equal(read_reg(f, MRS(3, 14, 0, 0)), 1000000000);
	assert_int_equal(read_reg(f, MRS(3, 0, 0, 1)) & 3u << 28, 0); /* CTR_EL0: IDC, DIC */
	f->r->x[1] = 0x123456789ULL;
	struct vcpu_exit x = RUN(f, 0xD51BD041 /* msr tpidr_el0, x1 */, 0xD53BD040, SVC(0));

	assert_int_equal(x.kind, VCPU_EXIT_SYSCALL);
	assert_int_equal(f->r->x[0], 0x123456789ULL);
	/* SCTLR_EL1 is not for EL0; nor is writing CNTVCT_EL0. */
	x = RUN(f, 0xD5381000);
	assert_int_equal(x.kind, VCPU_EXIT_UNDEFINED);
	x = RUN(f, 0xD51BE040);
	assert_int_equal(x.kind, VCPU_EXIT_UNDEFINED);
}

static void dc_zva_zeroes_its_line(void **state)
{
	struct fixture *f = *state;
	uint8_t *page = a64_box_host(&f->box, DATA);

	assert_int_equal(read_reg(f, MRS(3, 0, 0, 7)), 4);
	memset(page, 0xAA, 256);
	f->r->x[0] = DATA + 64 + 5;
	struct vcpu_exit x = RUN(f, 0xD50B7420, 0xD50B7C20 /* dc cvap, x0 */, SVC(0));

	assert_int_equal(x.kind, VCPU_EXIT_SYSCALL);
	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(page[i], i / 64 == 1 ? 0 : 0xAA);
	f->r->x[0] = DATA + PAGE_SIZE + 7; /* read-only */
	x = RUN(f, 0xD50B7420);
	assert_int_equal(x.kind, VCPU_EXIT_FAULT);
	assert_int_equal(x.access, VCPU_WRITE);
	assert_int_equal(x.addr, DATA + PAGE_SIZE + 7);
}

/* An instruction target's tag goes away. */
static void branch_targets_lose_their_tag(void **state)
{
	struct fixture *f = *state;

	f->r->x[1] = (CODE + 8) | 0x5A00000000000000ULL;
	struct vcpu_exit x = RUN(f, 0xD61F0020 /* br x1 */, SVC(1), SVC(2));

	assert_int_equal(x.kind, VCPU_EXIT_SYSCALL);
	assert_int_equal(x.imm, 2);
	assert_int_equal(f->r->pc, CODE + 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(loop_call_and_memory, setup, teardown),
	    cmocka_unit_test_setup_teardown(faults_are_precise, setup, teardown),
	    cmocka_unit_test_setup_teardown(data_cannot_be_executed, setup, teardown),
	    cmocka_unit_test_setup_teardown(addresses_ignore_their_top_byte, setup, teardown),
	    cmocka_unit_test_setup_teardown(alignment, setup, teardown),
	    cmocka_unit_test_setup_teardown(undefined_and_breakpoint, setup, teardown),
	    cmocka_unit_test_setup_teardown(single_steps, setup, teardown),
	    cmocka_unit_test_setup_teardown(kick_is_remembered, setup, teardown),
	    cmocka_unit_test_setup_teardown(code_changes_under_ivau, setup, teardown),
	    cmocka_unit_test_setup_teardown(changed_ram_is_seen, setup, teardown),
	    cmocka_unit_test_setup_teardown(resolver_maps_and_retries, setup, teardown),
	    cmocka_unit_test_setup_teardown(invalidation_takes_rights_away, setup, teardown),
	    cmocka_unit_test_setup_teardown(id_registers_agree_with_hwcap, setup, teardown),
	    cmocka_unit_test_setup_teardown(system_registers, setup, teardown),
	    cmocka_unit_test_setup_teardown(dc_zva_zeroes_its_line, setup, teardown),
	    cmocka_unit_test_setup_teardown(branch_targets_lose_their_tag, setup, teardown),
	    cmocka_unit_test_setup_teardown(descriptors_outside_ram_are_unmapped, setup, teardown),
	};

	int failed = cmocka_run_group_tests_name("interpreter", tests, NULL, NULL);

	kind = VCPU_ENGINE_SOFT;
	failed += cmocka_run_group_tests_name("translator", tests, NULL, NULL);
	a64_box_windows = true;
	return failed + cmocka_run_group_tests_name("translator with windows", tests, NULL, NULL);
}
