/*
 * Every load and store around a page that may not be there, in every engine.
 *
 * Three data pages lie in a row; the middle one is there, missing, read-only, or brought by the
 * resolver when it is asked for.  Each form of access is moved byte by byte over both of its ends,
 * first with the TLB (or window) filled, then without.  A fault must name the first bad byte
 * and the kind of access, and leave registers, flags and memory as they were, wherever in the
 * access it happens; where there is none, all engines must have done the same.
 *
 * The same for addresses where windows, tags and sums end: tagged ones, both sides of the
 * window's limit, the last address of all, offsets that run over.
 */
#include "tests/lib/a64_box.h"
#include "tests/lib/a64_rand.h"

#include "vcpu/a64/decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define CODE    A64_RAND_CODE
#define DATA    A64_RAND_DATA
#define HOLE    (DATA + PAGE_SIZE)
#define END     (HOLE + PAGE_SIZE)
#define NOWHERE (DATA + (64 << 20))
#define PAGES   3
#define LIMIT   (1ULL << 39) /* windows end here */
#define UPPER   (1ULL << 47) /* a page far beyond */
#define WORDS   6            /* of each row */
#define REACH   80           /* more than any access is long */

static const struct {
	const char *name;
	struct vcpu_options options;
} kinds[] = {
    {"interpreter", {.kind = VCPU_ENGINE_SOFT_INTERP}},
    {"translator with TLB", {.kind = VCPU_ENGINE_SOFT, .jit_eager = true, .no_window = true}},
    {"translator with window", {.kind = VCPU_ENGINE_SOFT, .jit_eager = true, .window_eager = true}},
};
#define ENGINES ARRAY_LEN(kinds)

enum state { THERE, MISSING, READ_ONLY, LAZY, STATES };
static const char *const state_name[] = {"there", "missing", "read-only", "lazy"};

struct machine {
	struct a64_box box;
	struct vcpu *v;
	uint64_t pa; /* of the middle page */
	enum state state;
};

struct outcome {
	struct vcpu_exit exit;
	struct a64_regs regs;
	uint8_t memory[PAGES][PAGE_SIZE];
};

struct fixture {
	struct machine machine[ENGINES];
	struct a64_rand rand;
	const char *row; /* the one whose words are drawn */
	uint32_t word;
	int64_t offset; /* from the base register to the access */
	struct outcome before, first, other;
	uint64_t faults, runs;
};

static int resolve(void *opaque, uint64_t va, enum vcpu_access access)
{
	struct machine *m = opaque;

	(void)access;
	if (m->state != LAZY || va < HOLE || va >= END)
		return BOX_REFUSED;
	a64_box_map(&m->box, HOLE, m->pa, BOX_RW);
	return 0;
}

static void set_state(struct machine *m, enum state state)
{
	m->state = state;
	if (state == THERE)
		a64_box_map(&m->box, HOLE, m->pa, BOX_RW);
	else if (state == READ_ONLY)
		a64_box_map(&m->box, HOLE, m->pa, BOX_RO);
	else
		a64_box_unmap(&m->box, HOLE);
	vcpu_space_invalidate(m->box.space, HOLE, PAGE_SIZE);
}

static uint8_t *page_of(struct machine *m, unsigned i)
{
	return m->box.ram.base + m->pa - 2 * PAGE_SIZE + i * 2 * PAGE_SIZE;
}

static void open_machine(struct machine *m, const struct vcpu_options *options)
{
	uint64_t pa[2 * PAGES];

	a64_box_init_options(&m->box, options, 4 << 20);
	m->box.resolve = resolve;
	m->box.opaque = m;
	a64_box_map(&m->box, CODE, 0, BOX_RX);
	a64_box_map(&m->box, DATA, 0, BOX_RW); /* the tables */
	/* Neighbours in the guest's memory, but not in RAM. */
	for (unsigned i = 0; i < ARRAY_LEN(pa); i++)
		pa[i] = a64_box_frame(&m->box);
	for (unsigned i = 0; i < PAGES; i++)
		a64_box_map(&m->box, DATA + i * PAGE_SIZE, pa[2 * i], BOX_RW);
	m->pa = pa[2];
	a64_box_map(&m->box, LIMIT - PAGE_SIZE, pa[0], BOX_RW);
	a64_box_map(&m->box, LIMIT, pa[4], BOX_RW);
	a64_box_map(&m->box, UPPER, pa[0], BOX_RW);
	m->v = a64_box_vcpu(&m->box);
}

static void put_word(struct fixture *f, uint32_t word)
{
	const uint32_t words[2] = {word, 0xD4200000};

	f->word = word;
	for (unsigned i = 0; i < ENGINES; i++)
		a64_box_write(&f->machine[i].box, CODE, words, sizeof(words));
}

static void run(struct machine *m, const struct outcome *from, struct outcome *to)
{
	for (unsigned i = 0; i < PAGES; i++)
		memcpy(page_of(m, i), from->memory[i], PAGE_SIZE);
	*vcpu_regs(m->v) = from->regs;
	memset(&to->exit, 0, sizeof(to->exit));
	vcpu_run(m->v, &to->exit);
	to->regs = *vcpu_regs(m->v);
	for (unsigned i = 0; i < PAGES; i++)
		memcpy(to->memory[i], page_of(m, i), PAGE_SIZE);
}

static bool is_cache_operation(uint32_t w)
{
	return (w & 0xFFF80000) == 0xD5080000;
}

/* The register that holds the base. */
static unsigned base_of(uint32_t w)
{
	return is_cache_operation(w) ? w & 31 : w >> 5 & 31;
}

static bool is_literal(uint32_t w)
{
	return (w & 0x3B000000) == 0x18000000;
}

/* Makes the access go to `at`, or as near as it can. */
static void aim(struct fixture *f, uint64_t at)
{
	struct a64_regs *r = &f->before.regs;
	unsigned n = base_of(f->word);

	if (is_literal(f->word))
		put_word(f, (f->word & ~0x00FFFFE0u) | (uint32_t)((at - CODE) >> 2 << 5));
	else if (n == 31)
		r->sp = (at - (uint64_t)f->offset) & ~15ULL;
	else
		r->x[n] = at - (uint64_t)f->offset;
}

/* Where the access goes, as faults show it. */
static uint64_t target(const struct fixture *f)
{
	unsigned n = base_of(f->word);

	if (is_literal(f->word))
		return CODE + ((f->word >> 5 & 0x7FFFF) << 2);
	return a64_untagged((n == 31 ? f->before.regs.sp : f->before.regs.x[n]) +
	                    (uint64_t)f->offset);
}

/* Offsets in registers: sums of them with a base run over, extended or not. */
static uint64_t index_value(struct a64_rand *r)
{
	switch (a64_rand_below(r, 5)) {
	case 0:
		return 0 - (uint64_t)a64_rand_below(r, 64);
	case 1:
		return 0x80000000u + a64_rand_below(r, 64);
	case 2:
		return 0xFFFFFFFFu - a64_rand_below(r, 64);
	case 3:
		return a64_rand_next(r);
	default:
		return a64_rand_below(r, 64);
	}
}

static void fresh_state(struct fixture *f)
{
	a64_rand_regs(&f->rand, &f->before.regs);
	f->before.regs.pc = CODE;
	f->before.regs.x[f->rand.role.index] = index_value(&f->rand);
	for (unsigned i = 0; i < PAGES; i++)
		for (unsigned k = 0; k < PAGE_SIZE; k++)
			f->before.memory[i][k] = (uint8_t)(k * 7 + i + 1);
}

static void complain(const struct fixture *f, unsigned e, enum state state, const char *what)
{
	fail_msg("%08x [%s] at %llx, page %s, %s: %s", f->word, f->row,
	         (unsigned long long)target(f), state_name[state], kinds[e].name, what);
}

/* What a fault promises. */
static void check_fault(const struct fixture *f, enum state state, const struct outcome *o)
{
	uint64_t at = target(f), want = at < HOLE ? HOLE : at;

	if (memcmp(&o->regs, &f->before.regs, sizeof(o->regs)) != 0)
		complain(f, 0, state, "a fault changed a register");
	if (memcmp(o->memory, f->before.memory, sizeof(o->memory)) != 0)
		complain(f, 0, state, "a fault changed memory");
	if (o->exit.addr != want)
		complain(f, 0, state, "a fault names another address");
	if (state == READ_ONLY && o->exit.access != VCPU_WRITE)
		complain(f, 0, state, "a fault of a read in a read-only page");
	if (state != READ_ONLY && state != MISSING)
		complain(f, 0, state, "a fault where there should be none");
}

static void check_equal(const struct fixture *f, unsigned e, enum state state)
{
	const struct outcome *a = &f->first, *b = &f->other;

	if (a->exit.kind != b->exit.kind)
		complain(f, e, state, "ends in another way");
	if ((a->exit.kind == VCPU_EXIT_FAULT || a->exit.kind == VCPU_EXIT_ALIGNMENT) &&
	    a->exit.addr != b->exit.addr)
		complain(f, e, state, "another address");
	if (a->exit.kind == VCPU_EXIT_FAULT &&
	    (a->exit.access != b->exit.access || a->exit.fault_code != b->exit.fault_code))
		complain(f, e, state, "another access");
	if (memcmp(&a->regs, &b->regs, sizeof(a->regs)) != 0)
		complain(f, e, state, "other registers");
	if (memcmp(a->memory, b->memory, sizeof(a->memory)) != 0)
		complain(f, e, state, "other memory");
}

/* One access on all engines; cold: with nothing known of memory.  True: it faulted. */
static bool try_at(struct fixture *f, uint64_t at, enum state state, bool cold)
{
	aim(f, at);
	for (unsigned e = 0; e < ENGINES; e++) {
		struct machine *m = &f->machine[e];
		struct outcome *o = e ? &f->other : &f->first;

		if (cold)
			vcpu_space_invalidate(m->box.space, 0, UINT64_MAX);
		run(m, &f->before, o);
		if (state == LAZY)
			set_state(m, LAZY);
		if (e)
			check_equal(f, e, state);
	}
	f->runs++;
	if (f->first.exit.kind == VCPU_EXIT_ALIGNMENT && f->first.exit.addr != target(f))
		complain(f, 0, state, "misaligned at another address");
	if (f->first.exit.kind != VCPU_EXIT_FAULT)
		return false;
	f->faults++;
	check_fault(f, state, &f->first);
	return true;
}

/* Moves the access over both ends of the middle page; how many faulted. */
static unsigned sweep(struct fixture *f, enum state state)
{
	unsigned faults = 0;
	bool faulted = false;

	for (uint64_t at = HOLE - REACH; at < HOLE + 24; at++) {
		bool fault = try_at(f, at, state, at % 5 == 0);

		/* From where it first reaches the page it stays there. */
		if (faulted && !fault && f->first.exit.kind == VCPU_EXIT_BREAKPOINT &&
		    target(f) >= HOLE)
			complain(f, 0, state, "no fault");
		faulted |= fault;
		faults += fault;
	}
	for (uint64_t at = END - REACH; at < END + 2; at++) {
		bool fault = try_at(f, at, state, at % 5 == 0);

		if (fault && target(f) >= END)
			complain(f, 0, state, "a fault behind the page");
		faults += fault;
	}
	return faults;
}

/* The distance from base register to access, from a fault where nothing is mapped. */
static bool find_offset(struct fixture *f)
{
	struct outcome *o = &f->first;

	f->offset = 0;
	if (is_literal(f->word) || is_cache_operation(f->word))
		return true;
	aim(f, NOWHERE);
	uint64_t base = target(f);

	run(&f->machine[0], &f->before, o);
	f->offset = (int64_t)(o->exit.addr - base);
	return o->exit.kind == VCPU_EXIT_FAULT;
}

static void set_all(struct fixture *f, enum state state)
{
	for (unsigned e = 0; e < ENGINES; e++)
		set_state(&f->machine[e], state);
}

/* --- far addresses --- */

static bool is_mapped(uint64_t va)
{
	return (va >= DATA && va < END + PAGE_SIZE) ||
	       (va >= LIMIT - PAGE_SIZE && va < LIMIT + PAGE_SIZE) ||
	       (va >= UPPER && va < UPPER + PAGE_SIZE);
}

static void check_far(struct fixture *f)
{
	const struct outcome *o = &f->first;
	uint64_t bad = target(f);
	unsigned good = 0;

	for (; good < REACH && is_mapped(bad); good++)
		bad = a64_untagged(bad + 1);
	if (o->exit.kind == VCPU_EXIT_FAULT) {
		if (good == REACH)
			complain(f, 0, THERE, "a fault where everything is mapped");
		/* Of the upper half's addresses the offset's top byte is not known. */
		if ((o->exit.addr & A64_VA_MASK) != (bad & A64_VA_MASK) ||
		    (!(bad >> 55 & 1) && o->exit.addr != bad))
			complain(f, 0, THERE, "a fault names another far address");
		if (memcmp(&o->regs, &f->before.regs, sizeof(o->regs)) != 0 ||
		    memcmp(o->memory, f->before.memory, sizeof(o->memory)) != 0)
			complain(f, 0, THERE, "a fault changed something");
		f->faults++;
	}
}

/* The pages there are those of the data, once more. */
static void try_far(struct fixture *f)
{
	static const uint64_t ends[] = {0,         LIMIT - PAGE_SIZE, LIMIT,      LIMIT + PAGE_SIZE,
	                                UPPER,     1ULL << 48,        1ULL << 55, HOLE,
	                                2 * LIMIT, 4 * LIMIT,         1ULL << 32, 1ULL << 36};

	if (is_literal(f->word))
		return;
	set_all(f, THERE);
	for (unsigned i = 0; i < 6 * ARRAY_LEN(ends); i++) {
		uint64_t at = ends[i % ARRAY_LEN(ends)] + a64_rand_below(&f->rand, 96) - 64;

		if (i >= 3 * ARRAY_LEN(ends))
			at = (at & A64_VA_MASK) | a64_rand_next(&f->rand) << 56;
		aim(f, at);
		for (unsigned e = 0; e < ENGINES; e++) {
			run(&f->machine[e], &f->before, e ? &f->other : &f->first);
			if (e)
				check_equal(f, e, THERE);
		}
		check_far(f);
		f->runs++;
	}
}

/* How often the word faulted. */
static unsigned try_word(struct fixture *f, uint32_t word)
{
	unsigned faults = 0;

	fresh_state(f);
	put_word(f, word);
	set_all(f, MISSING);
	if (!find_offset(f))
		return 0;
	for (unsigned s = 0; s < STATES; s++) {
		set_all(f, (enum state)s);
		faults += sweep(f, (enum state)s);
	}
	try_far(f);
	return faults;
}

static bool is_row(void *opaque, const char *name)
{
	const struct fixture *f = opaque;

	return strcmp(name, f->row) == 0;
}

static bool allocated(void *opaque, uint32_t word)
{
	struct fixture *f = opaque;

	fresh_state(f);
	put_word(f, word);
	set_state(&f->machine[0], THERE);
	run(&f->machine[0], &f->before, &f->first);
	return f->first.exit.kind != VCPU_EXIT_UNDEFINED;
}

static bool is_prefetch(const char *name)
{
	return strncmp(name, "prf", 3) == 0;
}

static void try_row(struct fixture *f, const struct a64_row *row)
{
	unsigned faults = 0;

	f->row = row->name;
	for (unsigned n = 0; n < WORDS; n++) {
		uint32_t word = row->value | (n ? f->rand.role.base[n % 3] : 7u);

		a64_rand_roles(&f->rand);
		if (!is_cache_operation(row->value))
			a64_rand_program(&f->rand, &word, 1, is_row, allocated, f);
		faults += try_word(f, word);
	}
	if (is_prefetch(row->name)) {
		if (faults)
			fail_msg("%s faulted", row->name);
	} else if (faults == 0) {
		fail_msg("%s never faulted", row->name);
	}
}

static bool is_memory_row(const struct a64_row *row)
{
	return row->fn != a64_undefined &&
	       ((row->value & 0x0A000000) == 0x08000000 || is_cache_operation(row->value));
}

static void faults_commit_nothing(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	unsigned rows = 0;

	(void)state;
	assert_non_null(f);
	a64_decode_init();
	a64_rand_init(&f->rand, 42);
	for (unsigned e = 0; e < ENGINES; e++)
		open_machine(&f->machine[e], &kinds[e].options);
	for (unsigned i = 0; i < a64_row_count; i++) {
		const struct a64_row *row = &a64_rows[i];

		if (!is_memory_row(row) || (i && strcmp(row->name, a64_rows[i - 1].name) == 0))
			continue;
		try_row(f, row);
		rows++;
	}
	print_message("%u rows, %llu faults in %llu accesses, %zu engines\n", rows,
	              (unsigned long long)f->faults, (unsigned long long)f->runs, ENGINES);
	for (unsigned e = 0; e < ENGINES; e++) {
		vcpu_free(f->machine[e].v);
		a64_box_release(&f->machine[e].box);
	}
	free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(faults_commit_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
