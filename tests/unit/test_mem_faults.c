/*
 * Every load and store at the end of mapped memory: a fault names the first bad byte, and
 * leaves registers, flags and memory as they were, wherever in the access it happens.
 */
#include "tests/lib/a64_box.h"
#include "tests/lib/a64_rand.h"

#include "vcpu/a64/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define CODE   A64_RAND_CODE
#define DATA   A64_RAND_DATA
#define HOLE   (DATA + PAGE_SIZE)
#define TRIES  24
#define DELTAS 80

struct fixture {
	struct a64_box box;
	struct vcpu *v;
	struct a64_rand rand;
	const char *row;
	uint64_t faults, runs;
};

static bool is_row(void *opaque, const char *name)
{
	struct fixture *f = opaque;

	return strcmp(name, f->row) == 0;
}

static struct vcpu_exit run_word(struct fixture *f, uint32_t word)
{
	uint32_t words[2] = {word, 0xD4200000};
	struct vcpu_exit x;

	a64_box_write(&f->box, CODE, words, sizeof(words));
	vcpu_run(f->v, &x);
	return x;
}

static void set_regs(struct fixture *f, uint64_t base)
{
	struct a64_regs *r = vcpu_regs(f->v);

	a64_rand_regs(&f->rand, r);
	r->pc = CODE;
	r->x[f->rand.role.index] = 0;
	for (unsigned i = 0; i < ARRAY_LEN(f->rand.role.base); i++)
		r->x[f->rand.role.base[i]] = base;
	r->sp = base & ~15ULL;
}

static bool allocated(void *opaque, uint32_t word)
{
	struct fixture *f = opaque;

	set_regs(f, DATA + 1024);
	return run_word(f, word).kind != VCPU_EXIT_UNDEFINED;
}

/* The page's bytes, other than zero. */
static void fill_page(struct fixture *f, uint8_t *copy)
{
	uint8_t *page = a64_box_host(&f->box, DATA);

	for (unsigned i = 0; i < PAGE_SIZE; i++)
		page[i] = (uint8_t)(i * 7 + 1);
	memcpy(copy, page, PAGE_SIZE);
}

static void try_word(struct fixture *f, uint32_t word, uint64_t base, bool writable)
{
	static uint8_t copy[PAGE_SIZE];
	struct a64_regs before;

	fill_page(f, copy);
	set_regs(f, base);
	before = *vcpu_regs(f->v);
	struct vcpu_exit x = run_word(f, word);

	f->runs++;
	if (x.kind != VCPU_EXIT_FAULT)
		return;
	f->faults++;
	if (memcmp(&before, vcpu_regs(f->v), sizeof(before)) != 0)
		fail_msg("%08x [%s]: a fault changed a register", word, f->row);
	if (memcmp(copy, a64_box_host(&f->box, DATA), PAGE_SIZE) != 0)
		fail_msg("%08x [%s]: a fault changed memory", word, f->row);
	/* Inside the mapped page only a store into a read-only one may fail. */
	if (x.addr < HOLE && x.addr >= DATA && (writable || x.access != VCPU_WRITE))
		fail_msg("%08x [%s]: fault at %llx, which is mapped", word, f->row,
		         (unsigned long long)x.addr);
	if (x.addr > HOLE + 32768 || x.addr < DATA - 32768)
		fail_msg("%08x [%s]: fault at %llx", word, f->row, (unsigned long long)x.addr);
}

static void try_row(struct fixture *f, const struct a64_row *row)
{
	uint32_t word;

	f->row = row->name;
	for (unsigned t = 0; t < TRIES; t++) {
		a64_rand_program(&f->rand, &word, 1, is_row, allocated, f);
		for (unsigned delta = 0; delta < DELTAS; delta += 1 + delta / 16)
			try_word(f, word, HOLE - delta, true);
	}
}

static void set_page(struct fixture *f, uint64_t pa, uint64_t bits)
{
	a64_box_map(&f->box, DATA, pa, bits);
	vcpu_space_invalidate(f->box.space, DATA, PAGE_SIZE);
}

static bool is_memory_row(const struct a64_row *row)
{
	/* Literals read the code page; prefetches do not fault. */
	return (row->value & 0x0A000000) == 0x08000000 && (row->value & 0x3B000000) != 0x18000000 &&
	       row->fn != a64_undefined && strncmp(row->name, "prf", 3) != 0;
}

static void faults_commit_nothing(void **state)
{
	struct fixture f;
	unsigned rows = 0;

	(void)state;
	memset(&f, 0, sizeof(f));
	a64_box_init(&f.box, VCPU_ENGINE_SOFT, 16 << 20);
	a64_rand_init(&f.rand, 42);
	a64_box_map(&f.box, CODE, 0, BOX_RX);
	uint64_t pa = a64_box_map(&f.box, DATA, 0, BOX_RW);

	f.v = a64_box_vcpu(&f.box);
	for (unsigned i = 0; i < a64_row_count; i++) {
		const struct a64_row *row = &a64_rows[i];

		if (!is_memory_row(row) || (i && strcmp(row->name, a64_rows[i - 1].name) == 0))
			continue;
		uint64_t faults = f.faults;

		try_row(&f, row);
		if (f.faults == faults)
			fail_msg("%s never faulted", row->name);
		rows++;
	}
	/* Stores into a read-only page that lies before the hole. */
	set_page(&f, pa, BOX_RO);
	for (unsigned n = 0; n < 2000; n++) {
		uint32_t stp = 0xA9001C06u | (uint32_t)f.rand.role.base[0] << 5; /* x6, x7 */

		f.row = "stp_off_x";
		try_word(&f, stp, HOLE - n % 48, false);
	}
	print_message("%u rows, %llu faults in %llu runs\n", rows, (unsigned long long)f.faults,
	              (unsigned long long)f.runs);
	vcpu_free(f.v);
	a64_box_release(&f.box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(faults_commit_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
