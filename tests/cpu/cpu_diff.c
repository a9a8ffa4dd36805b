/*
 * cpu_diff.c: compares the software CPU with an independent one on random programs.
 *
 *   cpu_diff [--count INSNS] [--seed N] [--length N] [--rows TEXT] [--step] [--interp] [--failures
 * N]
 *            [--emulator PATH] [--guest PATH]
 *
 * Each program runs here and, in batches, under qemu-aarch64 from equal registers and memory;
 * the end must be equal: general and vector registers, sp, pc, NZCV, FPCR, FPSR, memory, and
 * for a fault its signal and address.  A difference is narrowed to the first instruction
 * after which the two differ, by running every prefix of the program on both.
 */
#include "tests/cpu/peer.h"
#include "tests/lib/a64_box.h"
#include "tests/lib/a64_rand.h"

#include "vcpu/a64/decode.h"

#include <capstone/capstone.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>

#define BATCH 512u

struct diff {
	struct peer peer;
	uint64_t count, seed;
	unsigned length, max_failures;
	const char *rows;
	bool step, interp;

	struct a64_box box;
	struct vcpu *v;
	uint64_t *data; /* the data pages, contiguous */
	struct wire_case *cases;
	struct wire_result *ours, *theirs;
	uint32_t fpcr; /* of the program that is being made */
	unsigned failures;
	uint64_t *drawn;    /* by row: instructions in programs */
	uint64_t cut_short; /* programs that ended in a fault */
};

static void to_wire(const struct a64_regs *from, struct wire_regs *to)
{
	memcpy(to->x, from->x, sizeof(to->x));
	to->sp = from->sp;
	to->pc = from->pc;
	to->nzcv = from->nzcv;
	to->fpcr = from->fpcr;
	to->fpsr = from->fpsr;
	memcpy(to->v, from->v, sizeof(to->v));
}

static void from_wire(const struct wire_regs *from, struct a64_regs *to)
{
	memcpy(to->x, from->x, sizeof(to->x));
	to->sp = from->sp;
	to->pc = from->pc;
	to->nzcv = (uint32_t)from->nzcv;
	to->fpcr = (uint32_t)from->fpcr;
	to->fpsr = (uint32_t)from->fpsr;
	memcpy(to->v, from->v, sizeof(to->v));
}

static void open_box(struct diff *d)
{
	uint64_t code_bytes = WIRE_CODE_SLOT * WIRE_MAX_CASES;

	a64_box_init(&d->box, d->interp ? VCPU_ENGINE_SOFT_INTERP : VCPU_ENGINE_SOFT, 16ULL << 20);
	for (uint64_t at = 0; at < code_bytes; at += PAGE_SIZE)
		a64_box_map(&d->box, WIRE_CODE + at, 0, BOX_RWX);
	for (uint64_t at = 0; at < WIRE_DATA_SIZE; at += PAGE_SIZE)
		a64_box_map(&d->box, WIRE_DATA + at, 0, BOX_RW);
	d->v = a64_box_vcpu(&d->box);
}

/* The two data pages need not be neighbours in RAM: page tables come between. */
static void copy_data(struct diff *d, void *flat, bool in)
{
	for (uint64_t at = 0; at < WIRE_DATA_SIZE; at += PAGE_SIZE) {
		void *host = a64_box_host(&d->box, WIRE_DATA + at);

		if (in)
			memcpy(host, (char *)flat + at, PAGE_SIZE);
		else
			memcpy((char *)flat + at, host, PAGE_SIZE);
	}
}

static uint32_t signal_of(const struct vcpu_exit *x)
{
	switch (x->kind) {
	case VCPU_EXIT_FAULT:
		return SIGSEGV;
	case VCPU_EXIT_ALIGNMENT:
		return SIGBUS;
	case VCPU_EXIT_UNDEFINED:
		return SIGILL;
	case VCPU_EXIT_BREAKPOINT:
		return SIGTRAP;
	default:
		return 0;
	}
}

static void run_ours(struct diff *d, unsigned slot, const struct wire_case *c,
                     struct wire_result *out)
{
	uint32_t words[WIRE_CODE_SLOT / 4];
	struct vcpu_exit x;

	for (unsigned i = 0; i < ARRAY_LEN(words); i++)
		words[i] = i < c->insns ? c->code[i] : 0xD4200000;
	a64_box_write(&d->box, WIRE_CODE + slot * WIRE_CODE_SLOT, words, sizeof(words));
	wire_fill(c->memory_seed, d->data);
	copy_data(d, d->data, true);
	from_wire(&c->in, vcpu_regs(d->v));
	vcpu_set_step(d->v, d->step);
	do {
		vcpu_run(d->v, &x);
	} while (x.kind == VCPU_EXIT_STEP);
	to_wire(vcpu_regs(d->v), &out->out);
	copy_data(d, d->data, false);
	out->signal = signal_of(&x);
	out->addr = out->signal == SIGSEGV || out->signal == SIGBUS ? x.addr : out->out.pc;
	out->memory_hash = wire_hash(d->data);
	memcpy(out->data, d->data, WIRE_DATA_SIZE);
}

/* A store that faults half-way may or may not have written its first half. */
static bool same(const struct wire_result *a, const struct wire_result *b)
{
	bool fault = a->signal != SIGTRAP;

	return a->signal == b->signal && memcmp(&a->out, &b->out, sizeof(a->out)) == 0 &&
	       (!fault || a->addr == b->addr) && (fault || a->memory_hash == b->memory_hash);
}

#define FPCR_FZ (1u << 24)

static bool wanted(void *opaque, const char *name)
{
	const struct diff *d = opaque;

	/* A denormal that FZ makes zero is not converted exactly: Z must be clear (Arm ARM,
	 * FPToFixedJS); qemu 7.2 sets it. */
	if ((d->fpcr & FPCR_FZ) && strcmp(name, "fjcvtzs") == 0)
		return false;
	/* Each step is a vcpu_run of its own, which clears the monitor. */
	if (d->step && strncmp(name, "st", 2) == 0 && (strstr(name, "xr") || strstr(name, "xp")))
		return false;
	return !d->rows || strstr(name, d->rows);
}

/* Does our CPU execute the word?  Tried with registers for which accesses succeed. */
static bool allocated(void *opaque, uint32_t word)
{
	struct diff *d = opaque;
	struct a64_regs *r = vcpu_regs(d->v);
	struct vcpu_exit x;

	memset(r, 0, sizeof(*r));
	for (unsigned i = 0; i < 31; i++)
		r->x[i] = WIRE_DATA + WIRE_DATA_SIZE / 2;
	r->x[25] = 0;
	r->sp = WIRE_DATA + WIRE_DATA_SIZE / 2;
	r->pc = WIRE_CODE;
	a64_box_write(&d->box, WIRE_CODE, &word, sizeof(word));
	vcpu_set_step(d->v, true);
	vcpu_run(d->v, &x);
	return x.kind != VCPU_EXIT_UNDEFINED;
}

static void make_case(struct diff *d, unsigned slot, uint64_t seed, struct wire_case *c)
{
	struct a64_rand r;
	struct a64_regs regs;

	memset(c, 0, sizeof(*c));
	a64_rand_init(&r, seed);
	a64_rand_regs(&r, &regs);
	regs.pc = WIRE_CODE + slot * WIRE_CODE_SLOT;
	to_wire(&regs, &c->in);
	d->fpcr = regs.fpcr;
	c->memory_seed = seed;
	c->insns = d->length;
	a64_rand_program(&r, c->code, d->length, wanted, allocated, d);
	for (unsigned i = 0; i < d->length; i++) {
		const struct a64_row *row = a64_decode(c->code[i]);

		if (row)
			d->drawn[row - a64_rows]++;
	}
}

/* Rows of which no instruction came up, apart from those that random programs leave out. */
static void print_coverage(const struct diff *d)
{
	unsigned never = 0;

	for (unsigned i = 0; i < a64_row_count; i++) {
		if (d->drawn[i] || a64_rows[i].fn == a64_undefined)
			continue;
		printf("%s %s", never++ ? "" : "cpu_diff: never drawn:", a64_rows[i].name);
	}
	printf("%scpu_diff: %" PRIu64 " programs ended in a fault\n", never ? "\n" : "",
	       d->cut_short);
}

static void print_insn(uint64_t pc, uint32_t word)
{
	const struct a64_row *row = a64_decode(word);
	csh cs;
	cs_insn *insn;

	printf("  %" PRIx64 ": %08x  [%s]  ", pc, word, row ? row->name : "unallocated");
	if (cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &cs) == CS_ERR_OK) {
		if (cs_disasm(cs, (const uint8_t *)&word, 4, pc, 1, &insn) == 1) {
			printf("%s %s", insn->mnemonic, insn->op_str);
			cs_free(insn, 1);
		}
		cs_close(&cs);
	}
	putchar('\n');
}

static void print_pair(const char *name, unsigned n, uint64_t before, uint64_t ours,
                       uint64_t theirs)
{
	printf("    %s%-3u was %016" PRIx64 "  ours %016" PRIx64 "  theirs %016" PRIx64 "\n", name,
	       n, before, ours, theirs);
}

static void print_difference(const struct wire_result *before, const struct wire_result *a,
                             const struct wire_result *b)
{
	const struct wire_regs *x = &before->out, *y = &a->out, *z = &b->out;

	for (unsigned i = 0; i < 31; i++)
		if (y->x[i] != z->x[i])
			print_pair("x", i, x->x[i], y->x[i], z->x[i]);
	for (unsigned i = 0; i < 64; i++)
		if (y->v[i] != z->v[i])
			print_pair(i & 1 ? "vhi" : "vlo", i / 2, x->v[i], y->v[i], z->v[i]);
	if (y->sp != z->sp)
		print_pair("sp", 0, x->sp, y->sp, z->sp);
	if (y->pc != z->pc)
		print_pair("pc", 0, x->pc, y->pc, z->pc);
	if (y->nzcv != z->nzcv)
		print_pair("nzcv", 0, x->nzcv, y->nzcv, z->nzcv);
	if (y->fpcr != z->fpcr)
		print_pair("fpcr", 0, x->fpcr, y->fpcr, z->fpcr);
	if (y->fpsr != z->fpsr)
		print_pair("fpsr", 0, x->fpsr, y->fpsr, z->fpsr);
	if (a->signal != b->signal || a->addr != b->addr)
		printf("    signal ours %u at %" PRIx64 ", theirs %u at %" PRIx64 "\n", a->signal,
		       a->addr, b->signal, b->addr);
	for (unsigned i = 0; i < WIRE_DATA_SIZE; i++)
		if (a->data[i] != b->data[i]) {
			printf("    memory from %lx: ours %02x, theirs %02x\n", WIRE_DATA + i,
			       a->data[i], b->data[i]);
			break;
		}
}

/* The registers that an instruction reads, with the values it found there. */
static void print_operands(uint32_t w, const struct wire_result *before)
{
	unsigned regs[] = {w & 31, w >> 5 & 31, w >> 10 & 31, w >> 16 & 31};

	for (unsigned i = 0; i < ARRAY_LEN(regs); i++)
		printf("    x%-2u %016" PRIx64 "  v%-2u %016" PRIx64 ":%016" PRIx64 "\n", regs[i],
		       regs[i] == 31 ? before->out.sp : before->out.x[regs[i]], regs[i],
		       before->out.v[2 * regs[i] + 1], before->out.v[2 * regs[i]]);
	printf("    nzcv %" PRIx64 " fpcr %" PRIx64 " fpsr %" PRIx64 "\n", before->out.nzcv,
	       before->out.fpcr, before->out.fpsr);
}

/* Runs all prefixes of a case on both and reports the first that differs. */
static int narrow(struct diff *d, unsigned slot, uint64_t seed, const struct wire_case *c)
{
	unsigned n = c->insns + 1;
	struct wire_case *prefix = calloc(n, sizeof(*prefix));
	struct wire_result *ours = calloc(n, sizeof(*ours)), *theirs = calloc(n, sizeof(*theirs));
	int err = -1;

	if (!prefix || !ours || !theirs)
		goto out;
	for (unsigned k = 0; k < n; k++) {
		prefix[k] = *c;
		prefix[k].insns = k;
		prefix[k].send_data = 1;
		prefix[k].in.pc = WIRE_CODE + k * WIRE_CODE_SLOT;
		run_ours(d, k, &prefix[k], &ours[k]);
	}
	err = peer_run(&d->peer, prefix, n, theirs);
	if (err)
		goto out;
	for (unsigned k = 0; k < n; k++) {
		if (same(&ours[k], &theirs[k]))
			continue;
		printf("DIFFERENCE: seed %" PRIu64 ", instruction %u of the program\n", seed, k);
		if (k) {
			print_insn(prefix[k].in.pc + (k - 1) * 4, c->code[k - 1]);
			print_operands(c->code[k - 1], &ours[k - 1]);
		}
		print_difference(&ours[k ? k - 1 : 0], &ours[k], &theirs[k]);
		goto out;
	}
	printf("DIFFERENCE: seed %" PRIu64 ", slot %u: only in the whole program\n", seed, slot);
out:
	free(prefix);
	free(ours);
	free(theirs);
	fflush(stdout);
	return err;
}

static int run_batch(struct diff *d, uint64_t first_seed)
{
	for (unsigned i = 0; i < BATCH; i++) {
		make_case(d, i, first_seed + i, &d->cases[i]);
		run_ours(d, i, &d->cases[i], &d->ours[i]);
		d->cut_short += d->ours[i].signal != SIGTRAP;
	}
	if (peer_run(&d->peer, d->cases, BATCH, d->theirs))
		return -1;
	for (unsigned i = 0; i < BATCH && d->failures < d->max_failures; i++) {
		if (same(&d->ours[i], &d->theirs[i]))
			continue;
		d->failures++;
		if (narrow(d, i, first_seed + i, &d->cases[i]))
			return -1;
	}
	return 0;
}

static int parse(struct diff *d, int argc, char **argv)
{
	static const struct option options[] = {
	    {"count", required_argument, NULL, 'c'},    {"seed", required_argument, NULL, 's'},
	    {"length", required_argument, NULL, 'l'},   {"rows", required_argument, NULL, 'r'},
	    {"failures", required_argument, NULL, 'f'}, {"emulator", required_argument, NULL, 'e'},
	    {"guest", required_argument, NULL, 'g'},    {"step", no_argument, NULL, 't'},
	    {"interp", no_argument, NULL, 'i'},         {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			d->count = strtoull(optarg, NULL, 0);
			break;
		case 's':
			d->seed = strtoull(optarg, NULL, 0);
			break;
		case 'l':
			d->length = (unsigned)strtoul(optarg, NULL, 0);
			break;
		case 'r':
			d->rows = optarg;
			break;
		case 'f':
			d->max_failures = (unsigned)strtoul(optarg, NULL, 0);
			break;
		case 'e':
			d->peer.emulator = optarg;
			break;
		case 'g':
			d->peer.guest = optarg;
			break;
		case 't':
			d->step = true;
			break;
		case 'i':
			d->interp = true;
			break;
		default:
			return -1;
		}
	}
	return d->length >= 1 && d->length <= WIRE_MAX_INSNS && optind == argc ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct diff d = {
	    .peer = {.emulator = "qemu-aarch64-static",
	             .cpu = "max,sve=off,sme=off,pauth=off",
	             .guest = "build/guest/cpu_diff_guest"},
	    .count = 100000,
	    .seed = 1,
	    .length = 16,
	    .max_failures = 10,
	};
	uint64_t done = 0;
	int err = 0;

	if (parse(&d, argc, argv)) {
		fprintf(stderr,
		        "usage: cpu_diff [--count N] [--seed N] [--length 1..%d] [--rows TEXT] "
		        "[--step] [--interp] [--failures N] [--emulator PATH] [--guest PATH]\n",
		        WIRE_MAX_INSNS);
		return 2;
	}
	open_box(&d);
	d.data = malloc(WIRE_DATA_SIZE);
	d.cases = calloc(BATCH, sizeof(*d.cases));
	d.drawn = calloc(a64_row_count, sizeof(*d.drawn));
	d.ours = calloc(BATCH, sizeof(*d.ours));
	d.theirs = calloc(BATCH, sizeof(*d.theirs));
	if (!d.drawn || !d.data || !d.cases || !d.ours || !d.theirs)
		return 2;
	printf("cpu_diff: seed %" PRIu64 ", %u rows\n", d.seed, a64_row_count);
	for (uint64_t s = d.seed << 32; done < d.count && !err && d.failures < d.max_failures;
	     s += BATCH) {
		err = run_batch(&d, s);
		done += (uint64_t)BATCH * d.length;
	}
	print_coverage(&d);
	printf("cpu_diff: %" PRIu64 " instructions, %u differences\n", done, d.failures);
	vcpu_free(d.v);
	a64_box_release(&d.box);
	free(d.drawn);
	free(d.data);
	free(d.cases);
	free(d.ours);
	free(d.theirs);
	return err || d.failures;
}
