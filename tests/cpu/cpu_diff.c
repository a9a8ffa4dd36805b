/*
 * cpu_diff.c: compares the engines of the software CPU with each other and with an independent
 * implementation, bit by bit: general and vector registers, sp, pc, NZCV, FPCR, FPSR, memory, and
 * for a fault its signal and address.
 *
 *   cpu_diff [--engines LIST] [--no-peer] [--rows TEXT] [--seed N] [--failures N] ...
 *     [--count INSNS] [--length N] [--kicks]   random programs
 *     --words N [--states N]                   N words of each row, on random states each
 *     --cases FILE                             the cases of a file (case_text.c)
 *
 * Engines: interp (always), tlb and window (the translator's two ways to memory), all of these,
 * and step (one instruction a run).  Rows: only those whose name contains the text.
 */
#include "tests/cpu/rig.h"

#include "vcpu/a64/decode.h"

#include <getopt.h>
#include <inttypes.h>

struct run {
	struct rig rig;
	const char *engines, *rows, *cases;
	uint64_t count, seed;
	unsigned length, words, states;
	bool no_peer;
	bool may_flush; /* the program being made may set FZ */
};

/* --- random programs --- */

static bool wanted(void *opaque, const char *name)
{
	const struct run *run = opaque;

	/* See peer_is_wrong in compare.c. */
	if (run->may_flush && strcmp(name, "fjcvtzs") == 0)
		return false;
	/* Each vcpu_run clears the monitor. */
	if ((run->rig.kicks || run->rig.steps) && strncmp(name, "st", 2) == 0 &&
	    (strstr(name, "xr") || strstr(name, "xp")))
		return false;
	return !run->rows || strstr(name, run->rows);
}

static bool allocated(void *opaque, uint32_t word)
{
	struct run *run = opaque;

	return rig_allocated(&run->rig, word);
}

static void put_regs(const struct a64_regs *regs, struct wire_case *c)
{
	memcpy(c->in.x, regs->x, sizeof(c->in.x));
	memcpy(c->in.v, regs->v, sizeof(c->in.v));
	c->in.sp = regs->sp;
	c->in.nzcv = regs->nzcv;
	c->in.fpcr = regs->fpcr;
	c->in.fpsr = regs->fpsr;
}

static void make_program(struct run *run, uint64_t seed, struct wire_case *c)
{
	struct a64_rand r;
	struct a64_regs regs;

	memset(c, 0, sizeof(*c));
	a64_rand_init(&r, seed);
	a64_rand_regs(&r, &regs);
	put_regs(&regs, c);
	run->may_flush = r.may_flush;
	c->memory_seed = seed;
	c->insns = run->length ? run->length : 8 + a64_rand_below(&r, WIRE_MAX_INSNS - 8);
	a64_rand_program(&r, c->code, c->insns, wanted, allocated, run);
	for (unsigned i = 0; i < c->insns; i++) {
		const struct a64_row *row = a64_decode(c->code[i]);

		if (row)
			run->rig.drawn[row - a64_rows]++;
	}
}

/* Rows of which no instruction came up, apart from those that random programs leave out. */
static void print_coverage(const struct run *run)
{
	unsigned never = 0;

	for (unsigned i = 0; i < a64_row_count; i++) {
		if (run->rig.drawn[i] || a64_rows[i].fn == a64_undefined)
			continue;
		printf("%s %s", never++ ? "" : "cpu_diff: never drawn:", a64_rows[i].name);
	}
	printf("%scpu_diff: %" PRIu64 " programs ended in a fault\n", never ? "\n" : "",
	       run->rig.cut_short);
}

static int compare_programs(struct run *run)
{
	struct rig *rig = &run->rig;
	int err = 0;

	for (uint64_t seed = run->seed << 32;
	     rig->ran < run->count && !err && rig->failures < rig->max_failures;
	     seed += RIG_BATCH) {
		for (unsigned i = 0; i < RIG_BATCH; i++) {
			make_program(run, seed + i, &rig->cases[i]);
			rig_place(&rig->cases[i], i);
		}
		err = rig_compare(rig, RIG_BATCH);
	}
	if (!run->rows)
		print_coverage(run);
	return err;
}

/* --- single words --- */

static bool is_word_row(const struct run *run, const struct a64_row *row)
{
	/* Branches and system instructions would leave the place. */
	return row->fn != a64_undefined && (row->value & 0x1C000000) != 0x14000000 &&
	       (!run->rows || strstr(row->name, run->rows));
}

/* The monitor's state at the start of a case is not the same everywhere. */
static bool is_store_exclusive(uint32_t w)
{
	return (w & 0x3FC00000) == 0x08000000 && ((w & 0x00200000) == 0 || w >> 31);
}

static int compare_words(struct run *run)
{
	struct rig *rig = &run->rig;
	struct a64_rand r;
	unsigned n = 0;

	for (unsigned i = 0; i < a64_row_count; i++) {
		const struct a64_row *row = &a64_rows[i];

		if (!is_word_row(run, row))
			continue;
		a64_rand_init(&r, run->seed * 0x100000001B3u + row->value);
		for (unsigned k = 0; k < run->words * run->states; k++) {
			uint32_t word = k % run->states
			                    ? rig->cases[n ? n - 1 : RIG_BATCH - 1].code[0]
			                    : rig_random_word(&r, row->mask, row->value);

			if (k % run->states == 0)
				a64_rand_roles(&r);
			rig_word_case(&r, word, &rig->cases[n]);
			if (is_store_exclusive(word))
				rig->cases[n].insns = 0;
			rig_place(&rig->cases[n], n);
			if (++n < RIG_BATCH)
				continue;
			if (rig_compare(rig, n))
				return -1;
			n = 0;
			if (rig->failures >= rig->max_failures)
				return 0;
		}
	}
	return rig_compare(rig, n);
}

/* --- given cases --- */

/* At the next place that crosses, or does not cross, a page's end as the case's own does. */
static unsigned place_case(struct rig *rig, unsigned n, const struct wire_case *c)
{
	bool crosses = (c->in.pc - wire_pc(0)) / WIRE_CODE_SLOT % 8 == 7;

	while (n < RIG_BATCH && (n % 8 == 7) != crosses) {
		memset(&rig->cases[n], 0, sizeof(rig->cases[n]));
		rig_place(&rig->cases[n], n);
		n++;
	}
	if (n < RIG_BATCH) {
		rig->cases[n] = *c;
		rig_place(&rig->cases[n], n);
	}
	return n + 1;
}

static int compare_file(struct run *run)
{
	FILE *f = fopen(run->cases, "r");
	char line[8192];
	unsigned n = 0, number = 0;
	struct wire_case c;
	int err = 0;

	if (!f) {
		perror(run->cases);
		return -1;
	}
	while (!err && fgets(line, sizeof(line), f)) {
		number++;
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (!rig_parse_case(line, &c)) {
			fprintf(stderr, "%s:%u: not a case\n", run->cases, number);
			err = -1;
			break;
		}
		n = place_case(&run->rig, n, &c);
		if (n + 8 >= RIG_BATCH) {
			err = rig_compare(&run->rig, n);
			n = 0;
		}
	}
	fclose(f);
	return err ? err : rig_compare(&run->rig, n);
}

/* --- the program --- */

static bool parse_number(struct run *run, int c, const char *text)
{
	unsigned n = (unsigned)strtoul(text, NULL, 0);

	switch (c) {
	case 'c':
		run->count = strtoull(text, NULL, 0);
		return true;
	case 's':
		run->seed = strtoull(text, NULL, 0);
		return true;
	case 'l':
		run->length = n;
		return n <= WIRE_MAX_INSNS;
	case 'f':
		run->rig.max_failures = n;
		return true;
	case 'w':
		run->words = n;
		return n > 0;
	case 'S':
		run->states = n;
		return n > 0 && n <= RIG_BATCH;
	default:
		return false;
	}
}

static bool parse(struct run *run, int argc, char **argv)
{
	static const struct option options[] = {
	    {"count", required_argument, NULL, 'c'},    {"seed", required_argument, NULL, 's'},
	    {"length", required_argument, NULL, 'l'},   {"rows", required_argument, NULL, 'r'},
	    {"failures", required_argument, NULL, 'f'}, {"emulator", required_argument, NULL, 'e'},
	    {"guest", required_argument, NULL, 'g'},    {"engines", required_argument, NULL, 'E'},
	    {"no-peer", no_argument, NULL, 'n'},        {"kicks", no_argument, NULL, 'k'},
	    {"words", required_argument, NULL, 'w'},    {"states", required_argument, NULL, 'S'},
	    {"cases", required_argument, NULL, 'C'},    {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'r')
			run->rows = optarg;
		else if (c == 'e')
			run->rig.peer.emulator = optarg;
		else if (c == 'g')
			run->rig.peer.guest = optarg;
		else if (c == 'E')
			run->engines = optarg;
		else if (c == 'n')
			run->no_peer = true;
		else if (c == 'k')
			run->rig.kicks = true;
		else if (c == 'C')
			run->cases = optarg;
		else if (!parse_number(run, c, optarg ? optarg : ""))
			return false;
	}
	return optind == argc;
}

static int compare(struct run *run)
{
	if (run->cases)
		return compare_file(run);
	return run->words ? compare_words(run) : compare_programs(run);
}

int main(int argc, char **argv)
{
	struct run run = {
	    .rig = {.peer = {.emulator = "qemu-aarch64-static",
	                     .cpu = "max,sve=off,sme=off,pauth=off",
	                     .guest = "build/guest/cpu_diff_guest"},
	            .max_failures = 10},
	    .engines = "all",
	    .count = 100000,
	    .seed = 1,
	    .states = 32,
	};
	struct rig *rig = &run.rig;
	int err = 2;

	if (!parse(&run, argc, argv)) {
		fprintf(stderr, "usage: cpu_diff [--engines LIST] [--no-peer] [--rows TEXT] "
		                "[--seed N] [--failures N] [--emulator PATH] [--guest PATH]\n"
		                "  [--count INSNS] [--length N] [--kicks] | --words N [--states N] "
		                "| --cases FILE\n");
		return 2;
	}
	if (run.no_peer)
		rig->peer.emulator = NULL;
	if (!rig_open(rig, run.engines))
		return 2;
	rig_kick_storm(rig->kicks);
	rig->cases = calloc(RIG_BATCH, sizeof(*rig->cases));
	rig->drawn = calloc(a64_row_count, sizeof(*rig->drawn));
	rig->ours = calloc(RIG_BATCH, sizeof(*rig->ours));
	rig->theirs = calloc(RIG_BATCH, sizeof(*rig->theirs));
	if (rig->drawn && rig->cases && rig->ours && rig->theirs) {
		printf("cpu_diff: seed %" PRIu64 ", %u rows, %u engines\n", run.seed, a64_row_count,
		       rig->engines);
		err = compare(&run) ? 2 : rig->failures != 0;
		printf("cpu_diff: %" PRIu64 " instructions, %" PRIu64
		       " blocks from files, %u differences\n",
		       rig->ran, rig->kept, rig->failures);
	}
	rig_close(rig);
	free(rig->drawn);
	free(rig->cases);
	free(rig->ours);
	free(rig->theirs);
	return err;
}
