/*
 * test_sigframe.c: the signal frame's bytes where arm64 programs look for them, and frames that
 * lie.
 */
#include <setjmp.h>
#include <stdarg.h>

#include "common/lx/errno.h"
#include "supervisor/task/sigframe.h"

#include <cmocka.h>

static struct a64_regs sample(void)
{
	struct a64_regs r = {.sp = 0x7ffff0, .pc = 0x400100, .nzcv = 0xa0000000, .fpcr = 0x400000, .fpsr = 0x8000010};

	for (unsigned i = 0; i < 31; i++)
		r.x[i] = 0x1111111111111111u * i;
	for (unsigned i = 0; i < 32; i++)
		r.v[i] = (union a64_vreg){.d = {i, ~(uint64_t)i}};
	return r;
}

static uint64_t word(const struct lx_rt_sigframe *f, size_t at)
{
	uint64_t v;

	memcpy(&v, (const char *)f + at, sizeof(v));
	return v;
}

static void registers_lie_where_libc_reads_them(void **state)
{
	struct a64_regs r = sample();
	struct lx_siginfo info = {.si_signo = LX_SIGSEGV, .si_code = LX_SEGV_MAPERR};
	static struct lx_rt_sigframe f;

	(void)state;
	sigframe_fill(&f, &r, &info, 0xdead000, 0x92000046);
	assert_int_equal(word(&f, 0), LX_SIGSEGV);
	assert_int_equal(word(&f, 128 + 176), 0xdead000);            /* uc_mcontext.fault_address */
	assert_int_equal(word(&f, 128 + 176 + 8 + 8 * 19), r.x[19]); /* regs[19] */
	assert_int_equal(word(&f, 128 + 176 + 256), r.sp);
	assert_int_equal(word(&f, 128 + 176 + 264), r.pc);
	assert_int_equal(word(&f, 128 + 176 + 272), 0xa0000000);
	/* fpsimd_context, esr_context, terminator */
	assert_int_equal(word(&f, 128 + 176 + 288), (UINT64_C(528) << 32) | LX_FPSIMD_MAGIC);
	assert_int_equal(word(&f, 128 + 176 + 288 + 8), (UINT64_C(0x400000) << 32) | 0x8000010);
	assert_int_equal(word(&f, 128 + 176 + 288 + 16 + 16 * 5), 5);
	assert_int_equal(word(&f, 128 + 176 + 288 + 528), (UINT64_C(16) << 32) | LX_ESR_MAGIC);
	assert_int_equal(word(&f, 128 + 176 + 288 + 536), 0x92000046);
	assert_int_equal(word(&f, 128 + 176 + 288 + 544), 0);
}

static void what_is_pushed_can_be_popped(void **state)
{
	struct a64_regs r = sample(), back = {.tpidr_el0 = 77};
	struct lx_siginfo info = {.si_signo = LX_SIGUSR1};
	static struct lx_rt_sigframe f;

	(void)state;
	sigframe_fill(&f, &r, &info, 0, 0);
	assert_true(sigframe_parse(&f, &back));
	assert_int_equal(back.tpidr_el0, 77); /* not part of the frame */
	back.tpidr_el0 = 0;
	assert_memory_equal(&back, &r, sizeof(r));
}

static void frames_that_lie_are_refused(void **state)
{
	struct a64_regs r = sample(), back = {0};
	struct lx_siginfo info = {.si_signo = LX_SIGUSR1};
	static struct lx_rt_sigframe good, f;
	uint8_t *area = f.uc.uc_mcontext.reserved;

	(void)state;
	sigframe_fill(&good, &r, &info, 0, 0);

	f = good;
	f.uc.uc_mcontext.pstate |= 5; /* EL1h */
	assert_false(sigframe_parse(&f, &back));
	f = good;
	memset(area, 0, 8); /* no FP state at all */
	assert_false(sigframe_parse(&f, &back));
	f = good;
	memcpy(area + 4, &(uint32_t){512}, 4); /* short FP state */
	assert_false(sigframe_parse(&f, &back));
	f = good;
	memcpy(area + 528, &(uint64_t){UINT64_C(0xfffffff0) << 32 | LX_ESR_MAGIC}, 8);
	assert_false(sigframe_parse(&f, &back));
	f = good;
	memcpy(area + 528, &(uint64_t){LX_ESR_MAGIC}, 8); /* size 0 would never end */
	assert_false(sigframe_parse(&f, &back));
	f = good;
	memcpy(area + 528, &(uint64_t){UINT64_C(16) << 32 | 0x12345678}, 8);
	assert_false(sigframe_parse(&f, &back));
	f = good;
	memcpy(area + 532, &(uint32_t){16}, 4); /* a terminator with a size */
	assert_false(sigframe_parse(&f, &back));
}

static void records_fill_the_area_without_a_terminator(void **state)
{
	struct a64_regs r = sample(), back = {0};
	struct lx_siginfo info = {.si_signo = LX_SIGUSR1};
	static struct lx_rt_sigframe f;

	(void)state;
	sigframe_fill(&f, &r, &info, 0, 0);
	for (size_t at = 528; at < 4096; at += 16)
		memcpy(f.uc.uc_mcontext.reserved + at, &(uint64_t){UINT64_C(16) << 32 | LX_ESR_MAGIC}, 8);
	assert_false(sigframe_parse(&f, &back));
}

static void alternate_stack_rules(void **state)
{
	static struct task t;
	struct lx_stack ss = {.sp = 0x10000, .size = 0x4000}, out;

	(void)state;
	t.altstack.flags = LX_SS_DISABLE;
	sigaltstack_get(&t, 0x20000, &out);
	assert_int_equal(out.flags, LX_SS_DISABLE);
	assert_int_equal(sigaltstack_set(&t, &ss, 0x20000), 0);
	sigaltstack_get(&t, 0x12000, &out);
	assert_int_equal(out.flags, LX_SS_ONSTACK);
	assert_int_equal(sigaltstack_set(&t, &ss, 0x12000), -LX_EPERM);
	sigaltstack_get(&t, 0x10000, &out); /* the lowest address is not on it */
	assert_int_equal(out.flags, 0);
	ss.size = 5119;
	assert_int_equal(sigaltstack_set(&t, &ss, 0x20000), -LX_ENOMEM);
	ss.flags = 4;
	assert_int_equal(sigaltstack_set(&t, &ss, 0x20000), -LX_EINVAL);
	ss = (struct lx_stack){.sp = 0x10000, .size = 0x4000, .flags = LX_SS_AUTODISARM};
	assert_int_equal(sigaltstack_set(&t, &ss, 0x20000), 0);
	sigaltstack_get(&t, 0x12000, &out); /* with AUTODISARM one is never "on" it */
	assert_int_equal(out.flags, LX_SS_AUTODISARM);
	ss = (struct lx_stack){.flags = LX_SS_DISABLE, .size = 1};
	assert_int_equal(sigaltstack_set(&t, &ss, 0x20000), 0);
	assert_int_equal(t.altstack.size, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_lie_where_libc_reads_them),
		cmocka_unit_test(what_is_pushed_can_be_popped),
		cmocka_unit_test(frames_that_lie_are_refused),
		cmocka_unit_test(records_fill_the_area_without_a_terminator),
		cmocka_unit_test(alternate_stack_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
