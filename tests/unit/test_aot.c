/*
 * test_aot.c: translations in files: they are used where the bytes are the same, at any address,
 * and nowhere else; a damaged file does no harm; nonsense for wishes makes no file.  (What the
 * blocks do is compared by cpu_diff's engine aot.)
 */
#include "tests/lib/a64_box.h"
#include "vcpu/aot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define CODE   0x400000ULL
#define BLOCKS 80u
#define SVC    0xD4000001u

static const struct vcpu_options options = {
    .kind = VCPU_ENGINE_SOFT, .jit_eager = true, .no_window = true};

/* Each block adds its number to x0 and branches to the next one, which begins a block of its own;
 * in the end x1 is an address. */
static void write_program(struct a64_box *box, uint64_t va)
{
	uint32_t words[2 * BLOCKS + 2];

	for (unsigned i = 0; i < BLOCKS; i++) {
		words[2 * i] = 0x91000000u | i << 10; /* add x0, x0, #i */
		words[2 * i + 1] = 0x14000001u;       /* b to the next */
	}
	words[2 * BLOCKS] = 0x10000001u; /* adr x1, . */
	words[2 * BLOCKS + 1] = SVC;
	a64_box_map(box, va, 0, BOX_RX);
	a64_box_write(box, va, words, sizeof(words));
}

/* Runs the program at va with a file, or without (-1), and notes wishes if asked for; the blocks
 * that came from the file. */
static uint64_t run(uint64_t va, int file, int *use, int wishes)
{
	struct vcpu_jit_stats stats;
	struct a64_box box;
	struct vcpu_exit x;
	struct vcpu *v;

	a64_box_init_options(&box, &options, 16 << 20);
	if (file >= 0)
		*use = vcpu_aot_use(box.engine, file);
	write_program(&box, va);
	v = a64_box_vcpu(&box);
	memset(vcpu_regs(v), 0, sizeof(*vcpu_regs(v)));
	vcpu_regs(v)->pc = va;
	vcpu_run(v, &x);
	assert_int_equal(x.kind, VCPU_EXIT_SYSCALL);
	assert_int_equal(vcpu_regs(v)->x[0], BLOCKS * (BLOCKS - 1) / 2);
	assert_int_equal(vcpu_regs(v)->x[1], va + 8 * BLOCKS);
	if (wishes >= 0)
		assert_true(vcpu_aot_wish(box.engine, wishes) >= 0);
	vcpu_jit_stats(box.engine, &stats);
	vcpu_free(v);
	a64_box_release(&box);
	return stats.kept;
}

static int make_file(void)
{
	int wishes = memfd_create("wishes", MFD_CLOEXEC), file = memfd_create("file", MFD_CLOEXEC);

	run(CODE, -1, NULL, wishes);
	assert_true(lseek(wishes, 0, SEEK_END) > 0);
	assert_int_equal(vcpu_aot_make(wishes, -1, file), 0);
	close(wishes);
	return file;
}

static void blocks_are_used_at_any_address(void **state)
{
	int file = make_file(), use = -1, wishes = memfd_create("wishes", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(run(CODE, file, &use, wishes), BLOCKS + 1);
	assert_int_equal(use, 0);
	assert_int_equal(run(CODE + (123ULL << 20), file, &use, -1), BLOCKS + 1);
	/* There was nothing left to wish for. */
	assert_int_equal(lseek(wishes, 0, SEEK_END), 0);
	close(wishes);
	close(file);
}

/* The file's blocks and new ones for the same page make the next file together. */
static void old_files_are_kept(void **state)
{
	int file = make_file(), next = memfd_create("next", MFD_CLOEXEC), use = -1;
	int wishes = memfd_create("wishes", MFD_CLOEXEC);

	(void)state;
	run(CODE, -1, NULL, wishes);
	assert_int_equal(ftruncate(wishes, 0), 0);
	assert_int_equal(vcpu_aot_make(wishes, file, next), -EINVAL);
	assert_int_equal(lseek(wishes, 0, SEEK_SET), 0);
	run(CODE, -1, NULL, wishes);
	assert_int_equal(vcpu_aot_make(wishes, file, next), 0);
	assert_int_equal(run(CODE, next, &use, -1), BLOCKS + 1);
	close(wishes);
	close(next);
	close(file);
}

static void damage_does_no_harm(void **state)
{
	int file = make_file(), use;
	off_t size = lseek(file, 0, SEEK_END);
	unsigned refused = 0;

	(void)state;
	for (off_t at = 0; at < size; at += at < 128 ? 1 : 1237) {
		uint8_t old, other;
		uint64_t kept;

		assert_int_equal(pread(file, &old, 1, at), 1);
		other = old ^ 0x55;
		assert_int_equal(pwrite(file, &other, 1, at), 1);
		use = 1;
		kept = run(CODE, file, &use, -1);
		assert_true(use == 0 || use == -EBADMSG || use == -ESTALE);
		refused += use != 0;
		assert_true(kept == 0 || kept == BLOCKS + 1);
		assert_int_equal(pwrite(file, &old, 1, at), 1);
	}
	assert_true(refused >= 32);
	assert_int_equal(ftruncate(file, size / 2), 0);
	assert_int_equal(run(CODE, file, &use, -1), 0);
	assert_int_equal(use, -EBADMSG);
	close(file);
}

static void nonsense_makes_no_file(void **state)
{
	uint8_t junk[10000];
	int wishes = memfd_create("wishes", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);

	(void)state;
	memset(junk, 0xA5, sizeof(junk));
	assert_int_equal(write(wishes, junk, sizeof(junk)), sizeof(junk));
	assert_int_equal(vcpu_aot_make(wishes, -1, out), -EINVAL);
	assert_int_equal(lseek(out, 0, SEEK_END), 0);
	close(wishes);
	close(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(blocks_are_used_at_any_address),
	    cmocka_unit_test(old_files_are_kept),
	    cmocka_unit_test(damage_does_no_harm),
	    cmocka_unit_test(nonsense_makes_no_file),
	};
	struct a64_box box;
	int file = memfd_create("file", MFD_CLOEXEC), err;

	a64_box_init_options(&box, &options, 1 << 20);
	err = vcpu_aot_use(box.engine, file);
	a64_box_release(&box);
	close(file);
	if (err == -ENOTSUP) {
		puts("SKIP: this host has no translator");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
