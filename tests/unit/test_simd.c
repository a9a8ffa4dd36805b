/*
 * Runs single FP and SIMD instructions in the software CPU: widths and what lies beyond them,
 * QC, NaNs and status bits end to end, structure loads, faults half-way, reserved encodings.
 * (Breadth is the business of the comparison with another implementation: tests/cpu.)
 */
#include "tests/lib/a64_box.h"
#include "vcpu/a64/softfp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define CODE  0x400000ULL
#define DATA  0x7f0000000000ULL /* one page read-write, then one read-only, then nothing */
#define SVC_0 0xD4000001u

struct fixture {
	struct a64_box box;
	struct vcpu *v;
	struct a64_regs *r;
	uint8_t *data;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	a64_box_init(&f->box, VCPU_ENGINE_SOFT, 16 << 20);
	a64_box_map(&f->box, CODE, 0, BOX_RX);
	a64_box_map(&f->box, DATA, 0, BOX_RW);
	a64_box_map(&f->box, DATA + PAGE_SIZE, 0, BOX_RO);
	f->data = a64_box_host(&f->box, DATA);
	f->v = a64_box_vcpu(&f->box);
	f->r = vcpu_regs(f->v);
	for (unsigned i = 0; i < 32; i++)
		f->r->v[i] =
		    (union a64_vreg){.d = {0xA5A5A5A5A5A5A500 + i, 0x5A5A5A5A5A5A5A00 + i}};
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

static struct vcpu_exit execute(struct fixture *f, uint32_t word)
{
	const uint32_t code[] = {word, SVC_0};
	struct vcpu_exit exit = {0};

	a64_box_write(&f->box, CODE, code, sizeof(code));
	f->r->pc = CODE;
	vcpu_run(f->v, &exit);
	return exit;
}

static void ok(struct fixture *f, uint32_t word)
{
	struct vcpu_exit exit = execute(f, word);

	assert_int_equal(exit.kind, VCPU_EXIT_SYSCALL);
}

static void expect_v(struct fixture *f, unsigned r, uint64_t high, uint64_t low)
{
	assert_int_equal(f->r->v[r].d[0], low);
	assert_int_equal(f->r->v[r].d[1], high);
}

static void set_v(struct fixture *f, unsigned r, uint64_t high, uint64_t low)
{
	f->r->v[r].d[0] = low;
	f->r->v[r].d[1] = high;
}

static void scalar_fp_clears_the_rest(void **state)
{
	struct fixture *f = *state;

	set_v(f, 1, ~0ULL, 0x3FF0000000000000);
	set_v(f, 2, ~0ULL, 0x3FD5555555555555);
	ok(f, 0x1E622820); /* fadd d0, d1, d2 */
	expect_v(f, 0, 0, 0x3FF5555555555555);
	assert_int_equal(f->r->fpsr, FPSR_IXC); /* the first inexact result is recorded */
	ok(f, 0x1E622820);
	expect_v(f, 0, 0, 0x3FF5555555555555);
	set_v(f, 1, 0, 0xFFFFFFFF3F800000);
	set_v(f, 2, 0, 0xFFFFFFFF80000000);
	ok(f, 0x1E221820); /* fdiv s0, s1, s2 */
	expect_v(f, 0, 0, 0xFF800000);
	assert_int_equal(f->r->fpsr, FPSR_IXC | FPSR_DZC);
}

static void lanes_are_independent(void **state)
{
	struct fixture *f = *state;

	/* One lane a signalling NaN, one plain; the upper lanes do not count. */
	f->r->fpsr = FPSR_IXC;
	set_v(f, 1, 0x7F8000017F800001, 0x7F8000013F800000);
	set_v(f, 2, 0x3F8000003F800000, 0x3F8000003F800000);
	ok(f, 0x0E22D420); /* fadd v0.2s, v1.2s, v2.2s */
	expect_v(f, 0, 0, 0x7FC0000140000000);
	assert_int_equal(f->r->fpsr, FPSR_IXC | FPSR_IOC);
	f->r->fpsr = 0;
	set_v(f, 1, 0x7F8000017F800001, 0x3F8000003F800000);
	ok(f, 0x0E22D420);
	assert_int_equal(f->r->fpsr, 0);
}

static void saturation_reports_within_the_width(void **state)
{
	struct fixture *f = *state;

	set_v(f, 1, 0x7F7F7F7F7F7F7F7F, 0x7F7F7F7F7F7F7F01);
	set_v(f, 2, 0x0101010101010101, 0x0101010101010101);
	ok(f, 0x5E220C20); /* sqadd b0, b1, b2 */
	expect_v(f, 0, 0, 2);
	assert_int_equal(f->r->fpsr, 0);
	ok(f, 0x0E220C20); /* sqadd v0.8b, v1.8b, v2.8b */
	expect_v(f, 0, 0, 0x7F7F7F7F7F7F7F02);
	assert_int_equal(f->r->fpsr, FPSR_QC);
	set_v(f, 0, 1, 2);
	set_v(f, 1, 0x000FFFF000100010, 0xFFF00000FFFFFFF0);
	ok(f, 0x4F1C9420); /* sqshrn2 v0.8h, v1.4s, #4 */
	expect_v(f, 0, 0x7FFF7FFF8000FFFF, 2);
}

static void elements_and_tables(void **state)
{
	struct fixture *f = *state;

	set_v(f, 0, 0, 0x3F8000003F800000);
	set_v(f, 1, 0x4000000040000000, 0x4040000040000000);
	set_v(f, 2, 0x4100000000000000, 0);
	ok(f, 0x4FA21820); /* fmla v0.4s, v1.4s, v2.s[3] */
	expect_v(f, 0, 0x4180000041800000, 0x41C8000041880000);
	set_v(f, 1, 0x0F0E0D0C0B0A0908, 0x0706050403020100);
	set_v(f, 2, 0x1F1E1D1C1B1A1918, 0x1716151413121110);
	set_v(f, 3, 0, 0xFF20001F10080701);
	ok(f, 0x0E032020); /* tbl v0.8b, {v1.16b, v2.16b}, v3.8b */
	expect_v(f, 0, 0, 0x0000001F10080701);
	ok(f, 0x2E021820); /* ext v0.8b, v1.8b, v2.8b, #3 */
	expect_v(f, 0, 0, 0x1211100706050403);
	ok(f, 0x6F05E4A0); /* movi v0.2d, #0xff00ff0000ff00ff */
	expect_v(f, 0, 0xFF00FF0000FF00FF, 0xFF00FF0000FF00FF);
}

/* SHA-256 of "abc": the first four rounds (FIPS 180-4, example 1). */
static void sha256_rounds(void **state)
{
	struct fixture *f = *state;

	set_v(f, 0, 0xA54FF53A3C6EF372, 0xBB67AE856A09E667);
	set_v(f, 1, 0x5BE0CD191F83D9AB, 0x9B05688C510E527F);
	/* W0..W3 + K0..K3, W0 = 0x61626380 */
	set_v(f, 2, 0xE9B5DBA5B5C0FBCF, 0x71374491428A2F98 + 0x61626380);
	ok(f, 0x5E024020); /* sha256h q0, q1, v2.4s */
	assert_int_equal(f->r->v[0].s[3], 0x5D6AEBCD);
	assert_int_equal(f->r->v[0].s[2], 0x5A6AD9AD);
	assert_int_equal(f->r->v[0].s[1], 0xC8C347A7);
	assert_int_equal(f->r->v[0].s[0], 0xD550F666);
}

static void structures_interleave(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 64; i++)
		f->data[i] = (uint8_t)i;
	f->r->x[0] = DATA;
	ok(f, 0x4CDF0000); /* ld4 {v0.16b-v3.16b}, [x0], #64 */
	assert_int_equal(f->r->x[0], DATA + 64);
	expect_v(f, 0, 0x3C3834302C282420, 0x1C1814100C080400);
	expect_v(f, 3, 0x3F3B37332F2B2723, 0x1F1B17130F0B0703);
	f->r->x[0] = DATA + 1;
	ok(f, 0x4C40881F); /* ld2 {v31.4s, v0.4s}, [x0] */
	expect_v(f, 31, 0x1C1B1A1914131211, 0x0C0B0A0904030201);
	expect_v(f, 0, 0x201F1E1D18171615, 0x100F0E0D08070605);
	f->r->x[0] = DATA + 128;
	ok(f, 0x4C004400); /* st3 {v0.8h-v2.8h}, [x0] */
	assert_memory_equal(f->data + 128, "\x05\x06\x01\x05", 4);
	f->r->x[0] = DATA + 3;
	ok(f, 0x0D40C400); /* ld1r {v0.4h}, [x0] */
	expect_v(f, 0, 0, 0x0403040304030403);
}

/* A load or store that fails half-way changes nothing. */
static void faults_commit_nothing(void **state)
{
	struct fixture *f = *state;
	struct vcpu_exit exit;
	uint8_t before[64];

	f->r->x[0] = DATA + 2 * PAGE_SIZE - 24;
	exit = execute(f, 0xACC10400); /* ldp q0, q1, [x0], #32 */
	assert_int_equal(exit.kind, VCPU_EXIT_FAULT);
	assert_int_equal(exit.addr, DATA + 2 * PAGE_SIZE);
	assert_int_equal(exit.access, VCPU_READ);
	assert_int_equal(f->r->x[0], DATA + 2 * PAGE_SIZE - 24);
	expect_v(f, 0, 0x5A5A5A5A5A5A5A00, 0xA5A5A5A5A5A5A500);
	exit = execute(f, 0x4CDF0000); /* ld4 */
	assert_int_equal(exit.kind, VCPU_EXIT_FAULT);
	assert_int_equal(exit.addr, DATA + 2 * PAGE_SIZE);
	expect_v(f, 0, 0x5A5A5A5A5A5A5A00, 0xA5A5A5A5A5A5A500);

	f->r->x[0] = DATA + PAGE_SIZE - 24;
	memcpy(before, f->data + PAGE_SIZE - 24, 24);
	exit = execute(f, 0xAD000400); /* stp q0, q1, [x0] */
	assert_int_equal(exit.kind, VCPU_EXIT_FAULT);
	assert_int_equal(exit.addr, DATA + PAGE_SIZE);
	assert_int_equal(exit.access, VCPU_WRITE);
	assert_memory_equal(before, f->data + PAGE_SIZE - 24, 24);
	exit = execute(f, 0x4C004400); /* st3 */
	assert_int_equal(exit.kind, VCPU_EXIT_FAULT);
	assert_int_equal(exit.addr, DATA + PAGE_SIZE);
	assert_memory_equal(before, f->data + PAGE_SIZE - 24, 24);
}

static void javascript_conversion_sets_z(void **state)
{
	struct fixture *f = *state;

	set_v(f, 1, 0, 0x41F0000000500000); /* 2^32 + 5 */
	f->r->nzcv = 0xF0000000;
	ok(f, 0x1E7E0020); /* fjcvtzs w0, d1 */
	assert_int_equal(f->r->x[0], 5);
	assert_int_equal(f->r->nzcv, 0);
	set_v(f, 1, 0, 0xC014000000000000); /* -5 */
	ok(f, 0x1E7E0020);
	assert_int_equal(f->r->x[0], 0xFFFFFFFB);
	assert_int_equal(f->r->nzcv, 0x40000000);
}

/* What the shown architecture lacks, and reserved sizes of what it has. */
static void reserved_words_are_undefined(void **state)
{
	static const uint32_t words[] = {
	    0x1EE22820, /* fadd h0, h1, h2 */
	    0x0E401420, /* fadd v0.4h, v1.4h, v0.4h */
	    0x4E829420, /* sdot v0.4s, v1.16b, v2.16b */
	    0x6E42E420, /* fcadd v0.8h */
	    0x6E82C420, /* fcmla v0.4s, v1.4s, v2.4s, #0 */
	    0xCE020C20, /* eor3 */
	    0xCE628020, /* sha512h */
	    0xCE63C020, /* sm3partw1 */
	    0x1E284020, /* frint32z s0, s1 */
	    0x4E22EC20, /* fmlal v0.4s, v1.4h, v2.4h */
	    0x2E42FC20, /* bfdot */
	    0x0EE28420, /* add v0.1d, v1.1d, v2.1d */
	    0x4EE29C20, /* mul v0.2d, v1.2d, v2.2d */
	    0x0E62D420, /* fadd v0.1d */
	    0x0EB0A820, /* smaxv over v1.2s */
	    0x0E080420, /* dup v0.1d, v1.d[0] */
	    0x2E024020, /* ext of 8 bytes at 8 */
	    0x0F780420, /* sshr v0.1d */
	    0x0C400C00, /* ld4 {v0.1d-v3.1d} */
	    0x4E000420, /* dup with imm5 0 */
	    0x1E058020, /* scvtf w, fewer than 0 integer bits */
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct vcpu_exit exit = execute(f, words[i]);

		if (exit.kind != VCPU_EXIT_UNDEFINED)
			fail_msg("%08x is not undefined but exit %d", words[i], exit.kind);
		assert_int_equal(exit.insn, words[i]);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(scalar_fp_clears_the_rest),
	    TEST(lanes_are_independent),
	    TEST(saturation_reports_within_the_width),
	    TEST(elements_and_tables),
	    TEST(sha256_rounds),
	    TEST(structures_interleave),
	    TEST(faults_commit_nothing),
	    TEST(javascript_conversion_sets_z),
	    TEST(reserved_words_are_undefined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
