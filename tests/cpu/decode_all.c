/*
 * decode_all.c: compares which words our CPU and an independent decoder (capstone) hold for
 * allocated instructions; in the system space, where capstone names everything, our CPU and a
 * list of what EL0 may do under Linux.
 *
 *   decode_all [--stride N] [--from WORD] [--to WORD] [--jobs N] [--show N]
 *
 * Every N-th of the words from..to (by default all 2^32) is executed by our handlers, in a machine
 * without memory, and counts as allocated unless it is reported undefined; so the handlers'
 * own refusals are tested together with the table.  Words on which the two disagree must match
 * a row of decode_known.def, which gives the reason; a row that no longer excuses anything is
 * reported in a full run.
 */
#include "tests/lib/a64_box.h"

#include "vcpu/a64/decode.h"
#include "vcpu/soft/soft.h"

#include <capstone/capstone.h>
#include <getopt.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct known {
	uint32_t mask, value;
	bool ours; /* what we say; the other decoder says the opposite */
	bool (*condition)(uint32_t w);
	const char *reason;
};

/* What the conditions speak of: register fields, the element size of SIMD (bits 23..22) and of
 * copies (the lowest bit set of imm5; 16 for none). */
#define T              (w & 31)
#define T2             (w >> 10 & 31)
#define N              (w >> 5 & 31)
#define SIZE_IS_H_OR_S ((w >> 22 & 3) == 1 || (w >> 22 & 3) == 2)
#define IMM5_SIZE      ((w >> 16 & 15) ? (w >> 16 & (0u - (w >> 16)) & 15) : 16)

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)

/* A function for each condition, in the order of the rows. */
#define DECODE_SYSTEM(mask, value, reason)
#define DECODE_KNOWN(mask, value, ours, condition, reason) \
	static bool JOIN(holds_, __LINE__)(uint32_t w)     \
	{                                                  \
		(void)w;                                   \
		return condition;                          \
	}
#include "tests/cpu/decode_known.def"
#undef DECODE_KNOWN

static const struct known known[] = {
#define DECODE_KNOWN(mask, value, ours, condition, reason) \
	{mask, value, ours, JOIN(holds_, __LINE__), reason},
#include "tests/cpu/decode_known.def"
#undef DECODE_KNOWN
};
#undef DECODE_SYSTEM

static const struct {
	uint32_t mask, value;
	const char *reason;
} system_space[] = {
#define DECODE_KNOWN(mask, value, ours, condition, reason)
#define DECODE_SYSTEM(mask, value, reason) {mask, value, reason},
#include "tests/cpu/decode_known.def"
#undef DECODE_KNOWN
#undef DECODE_SYSTEM
};

#define MAX_GROUPS 512

/* Disagreements with the same row, or the same mnemonic of the other decoder. */
struct group {
	char name[48];
	uint32_t first, all_ones, all_zeros; /* which bits they have in common */
	uint64_t count;
};

struct tally { /* shared by the jobs */
	uint64_t words, allocated, excused, unexcused;
	uint64_t used[ARRAY_LEN(known) + 1];
	pthread_mutex_t lock; /* groups */
	unsigned groups;
	struct group group[MAX_GROUPS];
};

struct job {
	struct a64_box box;
	struct vcpu *v;
	csh cs;
	cs_insn *insn;
	struct tally *tally;
};

static bool we_execute(struct job *j, uint32_t word)
{
	struct a64_op op;

	j->v->cpu.regs.sp = 0;
	j->v->cpu.regs.pc = 0;
	a64_predecode(word, true, &op);
	return op.fn(&j->v->cpu, &op) != A64_STOP || j->v->cpu.exit.kind != VCPU_EXIT_UNDEFINED;
}

static bool is_system(uint32_t word)
{
	return (word & 0xFFC00000) == 0xD5000000;
}

static bool they_decode(struct job *j, uint32_t word)
{
	if (is_system(word)) {
		for (unsigned i = 0; i < ARRAY_LEN(system_space); i++)
			if ((word & system_space[i].mask) == system_space[i].value)
				return true;
		return false;
	}
	const uint8_t *code = (const uint8_t *)&word;
	size_t left = 4;
	uint64_t at = 0;

	return cs_disasm_iter(j->cs, &code, &left, &at, j->insn);
}

static void note_group(struct tally *t, const char *name, uint32_t word)
{
	unsigned i;

	pthread_mutex_lock(&t->lock);
	for (i = 0; i < t->groups && strcmp(t->group[i].name, name) != 0; i++)
		;
	if (i < MAX_GROUPS) {
		struct group *g = &t->group[i];

		if (i == t->groups) {
			t->groups++;
			snprintf(g->name, sizeof(g->name), "%s", name);
			g->first = word;
			g->all_ones = UINT32_MAX;
			g->all_zeros = UINT32_MAX;
		}
		g->all_ones &= word;
		g->all_zeros &= ~word;
		g->count++;
	}
	pthread_mutex_unlock(&t->lock);
}

static void disagree(struct job *j, uint32_t word, bool ours)
{
	char name[48];

	for (unsigned i = 0; i < ARRAY_LEN(known); i++) {
		if ((word & known[i].mask) != known[i].value || known[i].ours != ours ||
		    !known[i].condition(word))
			continue;
		__atomic_fetch_add(&j->tally->used[i], 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&j->tally->excused, 1, __ATOMIC_RELAXED);
		return;
	}
	const struct a64_row *row = a64_decode(word);

	__atomic_fetch_add(&j->tally->unexcused, 1, __ATOMIC_RELAXED);
	if (ours)
		snprintf(name, sizeof(name), "we have %s", row ? row->name : "?");
	else
		snprintf(name, sizeof(name), "they have %s",
		         is_system(word) ? "a system instruction" : j->insn->mnemonic);
	note_group(j->tally, name, word);
}

/* The words first, first+stride, ... below end. */
static void compare(struct job *j, uint64_t first, uint64_t end, uint64_t stride)
{
	uint64_t words = 0, allocated = 0;

	for (uint64_t w = first; w < end; w += stride) {
		bool ours = we_execute(j, (uint32_t)w), theirs = they_decode(j, (uint32_t)w);

		words++;
		allocated += ours;
		if (ours != theirs)
			disagree(j, (uint32_t)w, ours);
	}
	__atomic_fetch_add(&j->tally->words, words, __ATOMIC_RELAXED);
	__atomic_fetch_add(&j->tally->allocated, allocated, __ATOMIC_RELAXED);
}

/* The words to compare: first, first + stride, .. last. */
struct range {
	uint64_t first, last, stride;
};

static int run_job(struct tally *tally, unsigned n, unsigned jobs, const struct range *all)
{
	struct job j = {.tally = tally};

	if (cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &j.cs) != CS_ERR_OK)
		return 1;
	j.insn = cs_malloc(j.cs);
	a64_box_init(&j.box, VCPU_ENGINE_SOFT_INTERP, 1 << 20);
	j.v = a64_box_vcpu(&j.box);
	/* Jobs take turns by 2^24 words, so that none gets all the dense parts. */
	for (uint64_t part = n; part < 256; part += jobs) {
		uint64_t from = MAX(part << 24, all->first),
		         end = MIN((part + 1) << 24, all->last + 1);

		from =
		    all->first + (from - all->first + all->stride - 1) / all->stride * all->stride;
		compare(&j, from, end, all->stride);
	}
	vcpu_free(j.v);
	a64_box_release(&j.box);
	cs_free(j.insn, 1);
	cs_close(&j.cs);
	return 0;
}

static int run_jobs(struct tally *tally, unsigned jobs, const struct range *all)
{
	int failed = 0, status;

	for (unsigned n = 0; n < jobs; n++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(run_job(tally, n, jobs, all));
		if (pid < 0)
			return -1;
	}
	while (wait(&status) > 0)
		failed |= status;
	return failed ? -1 : 0;
}

static int by_count(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return x->count < y->count ? 1 : x->count > y->count ? -1 : 0;
}

static int report(struct tally *t, unsigned show, bool full)
{
	bool stale = false;

	printf("decode_all: %" PRIu64 " words, %" PRIu64 " allocated, %" PRIu64
	       " known disagreements, %" PRIu64 " others\n",
	       t->words, t->allocated, t->excused, t->unexcused);
	qsort(t->group, t->groups, sizeof(t->group[0]), by_count);
	for (unsigned i = 0; i < t->groups && i < show; i++)
		printf("  %-30s %10" PRIu64 "  e.g. %08x  common bits %08x/%08x\n",
		       t->group[i].name, t->group[i].count, t->group[i].first,
		       t->group[i].all_ones | t->group[i].all_zeros, t->group[i].all_ones);
	for (unsigned i = 0; full && i < ARRAY_LEN(known); i++)
		if (!t->used[i]) {
			printf("  nothing matches any more: %08x/%08x %s\n", known[i].mask,
			       known[i].value, known[i].reason);
			stale = true;
		}
	return t->unexcused || stale;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"stride", required_argument, NULL, 's'}, {"jobs", required_argument, NULL, 'j'},
	    {"from", required_argument, NULL, 'f'},   {"to", required_argument, NULL, 't'},
	    {"show", required_argument, NULL, 'n'},   {NULL, 0, NULL, 0},
	};
	struct range all = {.first = 0, .last = UINT32_MAX, .stride = 1};
	unsigned jobs = (unsigned)sysconf(_SC_NPROCESSORS_ONLN), show = 40;
	pthread_mutexattr_t attr;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			all.stride = strtoull(optarg, NULL, 0);
		else if (c == 'f')
			all.first = strtoull(optarg, NULL, 0);
		else if (c == 't')
			all.last = strtoull(optarg, NULL, 0);
		else if (c == 'j')
			jobs = (unsigned)strtoul(optarg, NULL, 0);
		else if (c == 'n')
			show = (unsigned)strtoul(optarg, NULL, 0);
		else
			return 2;
	}
	struct tally *t =
	    mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (t == MAP_FAILED || all.stride == 0 || all.last > UINT32_MAX || jobs == 0)
		return 2;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&t->lock, &attr);
	if (run_jobs(t, jobs, &all))
		return 2;
	return report(t, show, all.stride == 1 && all.first == 0 && all.last == UINT32_MAX);
}
