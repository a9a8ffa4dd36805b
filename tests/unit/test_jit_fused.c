/*
 * Instructions that the translator joins with a neighbour, beside the same code interpreted: both
 * of the pair, pairs that differ in a register, and a branch into the middle.
 */
#include "tests/lib/a64_box.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define CODE 0x400000ULL
#define SVC  0xD4000001u

static void run(enum vcpu_engine_kind kind, const uint32_t *code, size_t bytes, unsigned start,
                struct a64_regs *out)
{
	struct a64_box box;
	struct vcpu_exit x;

	a64_box_init(&box, kind, 16 << 20);
	a64_box_map(&box, CODE, 0, BOX_RX);
	a64_box_write(&box, CODE, code, bytes);
	struct vcpu *v = a64_box_vcpu(&box);
	struct a64_regs *r = vcpu_regs(v);

	for (unsigned i = 0; i < 31; i++)
		r->x[i] = 0x0123456789ABCDEFULL * (i + 3);
	for (unsigned i = 0; i < 64; i++)
		r->v[i / 2].d[i % 2] = 0x9E3779B97F4A7C15ULL * (i + 1);
	r->pc = CODE + start * 4;
	vcpu_run(v, &x);
	assert_int_equal(x.kind, VCPU_EXIT_SYSCALL);
	*out = *r;
	vcpu_free(v);
	a64_box_release(&box);
}

static void compare(const uint32_t *code, size_t bytes, unsigned start)
{
	struct a64_regs a, b;

	run(VCPU_ENGINE_SOFT, code, bytes, start, &a);
	run(VCPU_ENGINE_SOFT_INTERP, code, bytes, start, &b);
	assert_memory_equal(a.x, b.x, sizeof(a.x));
	assert_memory_equal(a.v, b.v, sizeof(a.v));
	assert_int_equal(a.nzcv, b.nzcv);
	assert_int_equal(a.fpsr, b.fpsr);
	assert_int_equal(a.pc, b.pc);
}

static void aes(void **state)
{
	/* What follows AESE or AESD of v1 with v2: the mixing of v1 to v1, to v3, of v3 to v1; and
	 * the other direction's. */
	static const uint32_t second[] = {0x4E286821, 0x4E286823, 0x4E286861,
	                                  0x4E287821, 0x4E287823, 0x4E287861};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(second); i++)
		for (unsigned dec = 0; dec < 2; dec++) {
			uint32_t code[] = {0x4E284841 | dec << 12, second[i], SVC};

			compare(code, sizeof(code), 0);
			compare(code, sizeof(code), 1);
		}
	uint32_t last[] = {0x4E284841, SVC}; /* none behind */

	compare(last, sizeof(last), 0);
}

static void trailing_zeros(void **state)
{
	/* RBIT x1, x2 or w1, w2, then CLZ x1, x1; w1, w1; x3, x1; and CLZ xzr, xzr. */
	static const uint32_t first[] = {0xDAC00041, 0x5AC00041, 0xDAC0005F};
	static const uint32_t second[] = {0xDAC01021, 0x5AC01021, 0xDAC01023, 0xDAC013FF};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(first); i++)
		for (unsigned k = 0; k < ARRAY_LEN(second); k++)
			for (unsigned zero = 0; zero < 2; zero++) {
				/* cmp x0, x5 makes flags that are live to the end. */
				uint32_t code[] = {zero ? 0xD2800002 : 0xD503201F, 0xEB05001F,
				                   first[i], second[k], SVC};

				compare(code, sizeof(code), 0);
				compare(code, sizeof(code), 3);
			}
}

/* USHR and SLI, or SHL and SRI, of one register to another: rotations, of all widths and counts;
 * and the second with another count, source or size. */
static void rotations(void **state)
{
	(void)state;
	for (unsigned imm = 8; imm < 128; imm++)
		for (unsigned variant = 0; variant < 5; variant++) {
			/* v1 from v2; imm has size and count. */
			uint32_t ushr = 0x6F000441 | imm << 16, sli = 0x6F005441 | imm << 16;
			uint32_t shl = 0x4F005441 | imm << 16, sri = 0x6F004441 | imm << 16;
			uint32_t other = variant == 1   ? 1u << 16
			                 : variant == 2 ? 1u << 5
			                 : variant == 3 ? 1u << 30
			                                : 0;
			uint32_t code[] = {ushr, sli ^ other, shl ^ 2, sri ^ 2 ^ other, SVC};

			if (variant == 4) /* the first changes the source of the second */
				for (unsigned i = 0; i < 4; i++)
					code[i] = (code[i] & ~0x3E0u) | (code[i] & 31) << 5;
			if ((code[1] >> 16 & 0x78) == 0 || (imm >= 64 && variant == 3))
				continue;
			compare(code, sizeof(code), 0);
			compare(code, sizeof(code), 1);
		}
}

/* FPSR.QC, read in the middle and at the end, set and cleared. */
static void saturation_flag(void **state)
{
	static const uint32_t code[] = {
	    0x4E220C20, /* sqadd v0.16b, v1.16b, v2.16b */
	    0xD53B4421, /* mrs x1, fpsr */
	    0xD51B443F, /* msr fpsr, xzr */
	    0xD53B4422, /* mrs x2, fpsr */
	    0x4F000403, /* movi v3.4s, #0 */
	    0x4EA30C63, /* sqadd v3.4s, v3.4s, v3.4s */
	    0xD53B4423, /* mrs x3, fpsr */
	    0x6EA22C20, /* uqsub v0.4s, v1.4s, v2.4s */
	    SVC,
	};
	struct a64_regs r;

	(void)state;
	compare(code, sizeof(code), 0);
	compare(code, sizeof(code), 5);
	run(VCPU_ENGINE_SOFT, code, sizeof(code), 0, &r);
	assert_int_equal(r.x[1], 0x08000000);
	assert_int_equal(r.x[2], 0);
	assert_int_equal(r.x[3], 0);
}

/* Long multiplication: products between sums whose carry goes on. */
static void carry_chain(void **state)
{
	static const uint32_t code[] = {
	    0xAB030041, /* adds x1, x2, x3 */
	    0x9B057C86, /* mul x6, x4, x5 */
	    0x9BC57C87, /* umulh x7, x4, x5 */
	    0xBA0800E7, /* adcs x7, x7, x8 */
	    0x9BC07C00, /* umulh x0, x0, x0 */
	    0x9B137E73, /* mul x19, x19, x19 */
	    0xBA130000, /* adcs x0, x0, x19 */
	    0x9A1F03E9, /* adc x9, xzr, xzr */
	    0xEB030041, /* subs x1, x2, x3 */
	    0x9BC57C87, /* umulh x7, x4, x5 */
	    0xFA0800E7, /* sbcs x7, x7, x8 */
	    SVC,
	};

	(void)state;
	compare(code, sizeof(code), 0);
	compare(code, sizeof(code), 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(aes),
	    cmocka_unit_test(trailing_zeros),
	    cmocka_unit_test(carry_chain),
	    cmocka_unit_test(rotations),
	    cmocka_unit_test(saturation_flag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
