/*
 * main.c: cpudiff: random instructions on random states, executed by the CPU under test and by
 * an independent implementation, and compared bit by bit.
 *
 *   cpudiff [-s SEED] [-n WORDS] [-c STATES] [-r ROW] [-f] [-v] ORACLE...
 *
 * For WORDS random words of every row of insn.def (or of those whose name begins with ROW, or
 * with -f those of FP and SIMD registers), STATES random states each.  Branches and system
 * instructions are left out: they leave the place.  ORACLE is the command that runs the guest half,
 * such as `qemu-aarch64-static -cpu max cpudiff-guest`.  A difference is printed with its inputs;
 * the exit status is 1 if there was any.
 */
#include "tests/cpudiff/cpudiff.h"

#include <inttypes.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vcpu/a64/decode.h"

static struct {
	uint64_t seed;
	unsigned words, count;
	const char *prefix;
	bool fp_only, verbose;
	int to, from; /* the oracle */
	uint64_t cases, bad;
} run = {.seed = 1, .words = 20, .count = 50, .prefix = ""};

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void start_oracle(char **argv)
{
	int in[2], out[2];

	if (pipe(in) || pipe(out))
		die("pipe");
	switch (fork()) {
	case -1:
		die("fork");
		break;
	case 0:
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		execvp(argv[0], argv);
		die(argv[0]);
	}
	close(in[0]);
	close(out[1]);
	run.to = in[1];
	run.from = out[0];
}

static void transfer(int fd, bool writing, void *data, size_t len)
{
	char *p = data;

	while (len) {
		ssize_t n = writing ? write(fd, p, len) : read(fd, p, len);

		if (n <= 0)
			die("the oracle went away");
		p += n;
		len -= (size_t)n;
	}
}

static void print_difference(const struct a64_row *row, uint32_t word, const struct diff_state *in,
                             const struct diff_state *mine, const struct diff_state *theirs)
{
	const unsigned regs[] = {word >> 5 & 31, word >> 16 & 31, word >> 10 & 31, word & 31};

	printf("DIFF %s %08x fpcr %08" PRIx64 " fpsr %08" PRIx64 " nzcv %08" PRIx64 "\n", row->name,
	       word, in->fpcr, in->fpsr, in->nzcv);
	for (unsigned i = 0; i < ARRAY_LEN(regs); i++)
		printf("  in  v%u %016" PRIx64 ":%016" PRIx64 " x%u %016" PRIx64 "\n", regs[i],
		       in->v[regs[i]][1], in->v[regs[i]][0], regs[i],
		       regs[i] == 31 ? in->sp : in->x[regs[i] % 31]);
	for (unsigned i = 0; i < 32; i++)
		if (memcmp(mine->v[i], theirs->v[i], 16))
			printf("  v%u is %016" PRIx64 ":%016" PRIx64 " not %016" PRIx64
			       ":%016" PRIx64 "\n",
			       i, mine->v[i][1], mine->v[i][0], theirs->v[i][1], theirs->v[i][0]);
	for (unsigned i = 0; i < 31; i++)
		if (mine->x[i] != theirs->x[i])
			printf("  x%u is %016" PRIx64 " not %016" PRIx64 "\n", i, mine->x[i],
			       theirs->x[i]);
#define FIELD(field)                      \
	if (mine->field != theirs->field) \
	printf("  " #field " is %" PRIx64 " not %" PRIx64 "\n", mine->field, theirs->field)
	FIELD(sp);
	FIELD(nzcv);
	FIELD(fpcr);
	FIELD(fpsr);
	FIELD(outcome);
	for (unsigned i = 0; i < DIFF_BLOCK; i++)
		if (mine->mem[i] != theirs->mem[i])
			printf("  mem[%u] is %02x not %02x\n", i, mine->mem[i], theirs->mem[i]);
}

/*
 * Known faults of the oracle (qemu 7.2), which a comparison passes over.
 *  - FJCVTZS of a positive denormal that is flushed: Z must be 0 (Arm ARM, FPToFixedJS).
 */
static bool oracle_is_wrong(const struct a64_row *row, uint32_t word, const struct diff_state *in)
{
	if (!strcmp(row->name, "fjcvtzs")) {
		uint64_t a = in->v[word >> 5 & 31][0];

		return (in->fpcr & 1u << 24) && a != 0 && a >> 52 == 0;
	}
	return false;
}

/*
 * Equal, that is.  After a fault the oracle may have written a part of the destinations, as
 * the architecture permits; ours has promised to have committed nothing.
 */
static bool equal(const struct diff_state *in, const struct diff_state *mine,
                  const struct diff_state *theirs)
{
	struct diff_state expected = *theirs;

	if (theirs->outcome == DIFF_FAULT) {
		expected = *in;
		expected.outcome = DIFF_FAULT;
	}
	return !memcmp(mine, &expected, sizeof(expected));
}

static void try_word(const struct a64_row *row, struct diff_rng *rng)
{
	static struct diff_state in[DIFF_MAX_COUNT], theirs[DIFF_MAX_COUNT];
	struct diff_request req = {diff_random_word(rng, row->mask, row->value), run.count};
	unsigned shown = 0;

	for (unsigned i = 0; i < run.count; i++)
		diff_random_state(rng, req.word, diff_is_memory(row->name), &in[i]);
	transfer(run.to, true, &req, sizeof(req));
	transfer(run.to, true, in, run.count * sizeof(in[0]));
	transfer(run.from, false, theirs, run.count * sizeof(in[0]));
	for (unsigned i = 0; i < run.count; i++) {
		struct diff_state mine = in[i];

		theirs[i].x[DIFF_SCRATCH_X] = mine.x[DIFF_SCRATCH_X];
		diff_execute(req.word, &mine);
		run.cases++;
		if (equal(&in[i], &mine, &theirs[i]) || oracle_is_wrong(row, req.word, &in[i]))
			continue;
		run.bad++;
		if (shown++ < (run.verbose ? DIFF_MAX_COUNT : 1))
			print_difference(row, req.word, &in[i], &mine, &theirs[i]);
	}
}

static bool wanted(const struct a64_row *row)
{
	bool fp =
	    (row->value & 0x0E000000) == 0x0E000000 || (row->value & 0x0E000000) == 0x0C000000;

	return !strncmp(row->name, run.prefix, strlen(run.prefix)) &&
	       strcmp(row->name, "undefined") != 0 && (row->value & 0x1C000000) != 0x14000000 &&
	       (fp || !run.fp_only);
}

static void try_rows(void)
{
	for (unsigned i = 0; i < a64_row_count; i++) {
		struct diff_rng rng = {run.seed * 0x100000001B3u + a64_rows[i].value};
		uint64_t before = run.bad;

		if (!wanted(&a64_rows[i]))
			continue;
		for (unsigned w = 0; w < run.words && run.bad - before < 20; w++)
			try_word(&a64_rows[i], &rng);
		if (run.bad != before)
			printf("%s: %" PRIu64 " differences\n", a64_rows[i].name, run.bad - before);
	}
}

int main(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "+s:n:c:r:fv")) != -1) {
		switch (opt) {
		case 's':
			run.seed = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			run.words = (unsigned)strtoul(optarg, NULL, 0);
			break;
		case 'c':
			run.count = (unsigned)strtoul(optarg, NULL, 0);
			break;
		case 'r':
			run.prefix = optarg;
			break;
		case 'f':
			run.fp_only = true;
			break;
		case 'v':
			run.verbose = true;
			break;
		default:
			return 2;
		}
	}
	if (optind >= argc || run.count > DIFF_MAX_COUNT) {
		fprintf(stderr,
		        "usage: %s [-s SEED] [-n WORDS] [-c STATES] [-r ROW] [-fv] ORACLE\n",
		        argv[0]);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	start_oracle(argv + optind);
	try_rows();
	close(run.to);
	printf("%" PRIu64 " cases, %" PRIu64 " differences, seed %" PRIu64 "\n", run.cases, run.bad,
	       run.seed);
	return run.bad != 0;
}
