/*
 * Loops of one block whose vector registers stay in host registers, beside the same code
 * interpreted: random bodies of FP and SIMD instructions, loads and stores, ways out in the middle,
 * more registers than the host has.
 */
#include "tests/lib/a64_box.h"
#include "tests/lib/a64_rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define CODE  0x400000ULL
#define DATA  0x500000ULL
#define BODY  24u
#define LOOPS 400u
#define CBNZ  0xB5000000u
#define SVC   0xD4000001u
#define SUB_1 0xD1000400u /* sub x0, x0, #1 */

/* Registers are drawn from this many for a program. */
static unsigned registers;

/* With the fields of rd, rn, rm, and ra clear; how many of them are used. */
static const struct {
	uint32_t word;
	unsigned fields;
} templates[] = {
    {0x1E602800, 3}, /* fadd d */
    {0x1E203800, 3}, /* fsub s */
    {0x1E600800, 3}, /* fmul d */
    {0x1E201800, 3}, /* fdiv s */
    {0x1F400000, 4}, /* fmadd d */
    {0x1F208000, 4}, /* fnmsub s */
    {0x4E20D400, 3}, /* fadd v.4s */
    {0x0E20D400, 3}, /* fadd v.2s */
    {0x6E60DC00, 3}, /* fmul v.2d */
    {0x4E20CC00, 3}, /* fmla v.4s */
    {0x4EE1B800, 2}, /* fcvtzs v.2d */
    {0x1E604000, 2}, /* fmov d */
    {0x1E20C000, 2}, /* fabs s */
    {0x1E22C000, 2}, /* fcvt d, s */
    {0x1E624000, 2}, /* fcvt s, d */
    {0x4EA08400, 3}, /* add v.4s */
    {0x6E201C00, 3}, /* eor v.16b */
    {0, 0},          /* loads, stores, comparisons: draw() */
};

static uint32_t draw(struct a64_rand *r)
{
	unsigned i = a64_rand_below(r, ARRAY_LEN(templates));
	uint32_t w = templates[i].word;

	if (templates[i].fields == 0)
		switch (a64_rand_below(r, 6)) {
		case 0:
			w = 0x3DC00020 | a64_rand_below(r, 64) << 10; /* ldr q, [x1] */
			break;
		case 1:
			w = 0x3D800020 | a64_rand_below(r, 64) << 10; /* str q */
			break;
		case 2:
			w = 0xFD400020 | a64_rand_below(r, 128) << 10; /* ldr d */
			break;
		case 3:
			w = 0xBD000020 | a64_rand_below(r, 256) << 10; /* str s */
			break;
		case 4:
			return 0x9E660002 | a64_rand_below(r, registers) << 5; /* fmov x2, d */
		default:
			return 0x1E602000 | a64_rand_below(r, registers) << 5 |
			       a64_rand_below(r, registers) << 16; /* fcmp d */
		}
	w |= a64_rand_below(r, registers);
	if (templates[i].fields > 1)
		w |= a64_rand_below(r, registers) << 5;
	if (templates[i].fields > 2)
		w |= a64_rand_below(r, registers) << 16;
	if (templates[i].fields > 3)
		w |= a64_rand_below(r, registers) << 10;
	return w;
}

/* body; sometimes b.vs out; sub x0, x0, #1; cbnz x0, start; svc. */
static unsigned make(struct a64_rand *r, uint32_t *code)
{
	unsigned len = 1 + a64_rand_below(r, BODY), n;

	for (n = 0; n < len; n++) {
		code[n] = draw(r);
		if (a64_rand_below(r, 12) == 0 && n + 1 < len) {
			n++;
			code[n] = 0x54000006 | (len + 2 - n) << 5; /* b.vs to the svc */
		}
	}
	code[n++] = SUB_1;
	code[n] = CBNZ | ((0 - n) & 0x7FFFF) << 5;
	code[++n] = SVC;
	return n + 1;
}

struct result {
	struct a64_regs regs;
	uint64_t data[PAGE_SIZE / 8];
};

static void run(enum vcpu_engine_kind kind, const uint32_t *code, unsigned len, uint64_t seed,
                struct result *out)
{
	struct a64_box box;
	struct vcpu_exit x;
	struct a64_rand r;

	a64_box_init(&box, kind, 1 << 20);
	a64_box_map(&box, CODE, 0, BOX_RX);
	a64_box_map(&box, DATA, 0, BOX_RW);
	a64_box_write(&box, CODE, code, len * sizeof(*code));
	struct vcpu *v = a64_box_vcpu(&box);
	struct a64_regs *regs = vcpu_regs(v);
	uint64_t *data = a64_box_host(&box, DATA);

	a64_rand_init(&r, seed);
	a64_rand_regs(&r, regs);
	regs->fpcr &= a64_rand_below(&r, 2) ? 0u : UINT32_MAX;
	for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
		data[i] = regs->v[i % 32].d[i / 32 % 2] ^ (uint64_t)(i / 64) << 40;
	regs->x[0] = 1 + a64_rand_below(&r, 6);
	regs->x[1] = DATA;
	regs->pc = CODE;
	vcpu_run(v, &x);
	assert_int_equal(x.kind, VCPU_EXIT_SYSCALL);
	out->regs = *regs;
	memcpy(out->data, data, PAGE_SIZE);
	vcpu_free(v);
	a64_box_release(&box);
}

static void random_loops(void **state)
{
	uint32_t code[BODY + 4];
	struct a64_rand r;

	(void)state;
	a64_rand_init(&r, 5);
	for (unsigned i = 0; i < LOOPS; i++) {
		static struct result a, b;
		unsigned len;

		registers = i % 3 == 0 ? 4 : i % 3 == 1 ? 9 : 32;
		len = make(&r, code);
		run(VCPU_ENGINE_SOFT, code, len, i, &a);
		run(VCPU_ENGINE_SOFT_INTERP, code, len, i, &b);
		if (memcmp(a.regs.v, b.regs.v, sizeof(a.regs.v)) != 0)
			for (unsigned k = 0; k < len; k++)
				print_error("loop %u: %08x\n", i, code[k]);
		assert_memory_equal(a.regs.v, b.regs.v, sizeof(a.regs.v));
		assert_memory_equal(a.regs.x, b.regs.x, sizeof(a.regs.x));
		assert_int_equal(a.regs.nzcv, b.regs.nzcv);
		assert_int_equal(a.regs.fpsr, b.regs.fpsr);
		assert_memory_equal(a.data, b.data, sizeof(a.data));
	}
}

/* Three registers that change places around the loop. */
static void circles(void **state)
{
	static const uint32_t code[] = {
	    0x4EA01C03, /* mov v3.16b, v0.16b */
	    0x4EA11C20, /* mov v0.16b, v1.16b */
	    0x4EA21C41, /* mov v1.16b, v2.16b */
	    0x4EA31C62, /* mov v2.16b, v3.16b */
	    0x4EA48484, /* add v4.4s, v4.4s, v4.4s */
	    SUB_1,      CBNZ | (0x7FFFFu - 5) << 5, SVC,
	};
	static struct result a, b;

	(void)state;
	for (uint64_t seed = 0; seed < 8; seed++) {
		run(VCPU_ENGINE_SOFT, code, ARRAY_LEN(code), seed, &a);
		run(VCPU_ENGINE_SOFT_INTERP, code, ARRAY_LEN(code), seed, &b);
		assert_memory_equal(a.regs.v, b.regs.v, sizeof(a.regs.v));
		assert_memory_equal(a.regs.x, b.regs.x, sizeof(a.regs.x));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(random_loops),
	    cmocka_unit_test(circles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
