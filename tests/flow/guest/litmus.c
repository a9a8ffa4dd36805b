/*
 * litmus.c: does the CPU keep the memory order that Arm promises (Arm ARM B2.3)?
 *
 *   litmus [SECONDS] [NAME]
 *
 * Each test is a few threads that run a few instructions on two variables x and y, in many
 * places one after the other, so that they meet in all ways.  Outcomes that the architecture
 * forbids are counted; so is the outcome of store buffering on plain accesses, which is allowed
 * and must be seen, or else the threads never met and the test says nothing.  Then counters,
 * locks and neighbouring bytes under every kind of atomic instruction, whose sums must be exact.
 * Details go to standard error, the verdict to standard output.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PLACES      64
#define MAX_THREADS 4

/* Turns of waiting before others are let run.  Threads that yield end up on one CPU, where they
 * never meet; but they must where there are more of them than CPUs. */
#define PATIENT   200000u
#define IMPATIENT 500u

/* What must be seen is waited for, on a machine that others use too. */
#define LONGEST 60

/* The variables of one place, each in a cache line of its own, and what the threads read. */
struct place {
	_Alignas(64) uint64_t x;
	_Alignas(64) uint64_t y;
	_Alignas(64) uint64_t r[2 * MAX_THREADS];
	_Alignas(64) atomic_uint here; /* threads that have come */
};

typedef void thread_body(uint64_t *x, uint64_t *y, uint64_t *r);

struct litmus {
	const char *name;
	bool allowed; /* the outcome may be seen; and if must_see, has to be */
	bool must_see;
	bool (*outcome)(const struct place *p);
	thread_body *body[MAX_THREADS];
};

/* A thread: code on [x], [y] with one = 1, two = 2; results a and b; t0, t1 free. */
#define BODY(name, code)                                                                     \
	static void name(uint64_t *x, uint64_t *y, uint64_t *r)                              \
	{                                                                                    \
		uint64_t a = 0, b = 0, t0 = 0, t1 = 0;                                       \
                                                                                             \
		__asm__ volatile(code                                                        \
				 : [a] "+&r"(a), [b] "+&r"(b), [t0] "+&r"(t0), [t1] "+&r"(t1) \
				 : [x] "r"(x), [y] "r"(y), [one] "r"(1UL), [two] "r"(2UL)      \
				 : "memory", "cc");                                          \
		r[0] = a;                                                                    \
		r[1] = b;                                                                    \
	}

/* clang-format off */
BODY(w_x, "str %[one], [%[x]]")
BODY(w_y, "str %[one], [%[y]]")

/* Message passing. */
BODY(mp_plain_w, "str %[one], [%[x]]; str %[one], [%[y]]")
BODY(mp_plain_r, "ldr %[a], [%[y]]; ldr %[b], [%[x]]")
BODY(mp_dmb_w, "str %[one], [%[x]]; dmb ish; str %[one], [%[y]]")
BODY(mp_dmb_r, "ldr %[a], [%[y]]; dmb ish; ldr %[b], [%[x]]")
BODY(mp_dmbst_w, "str %[one], [%[x]]; dmb ishst; str %[one], [%[y]]")
BODY(mp_dmbld_r, "ldr %[a], [%[y]]; dmb ishld; ldr %[b], [%[x]]")
BODY(mp_stlr_w, "str %[one], [%[x]]; stlr %[one], [%[y]]")
BODY(mp_ldar_r, "ldar %[a], [%[y]]; ldr %[b], [%[x]]")
BODY(mp_ldapr_r, ".arch armv8.3-a; ldapr %[a], [%[y]]; ldr %[b], [%[x]]")
BODY(mp_addr_r, "ldr %[a], [%[y]]; eor %[t0], %[a], %[a]; ldr %[b], [%[x], %[t0]]")
BODY(mp_ctrlisb_r, "ldr %[a], [%[y]]; cbnz %[a], 1f; 1: isb; ldr %[b], [%[x]]")
BODY(mp_swpl_w, ".arch armv8.3-a; str %[one], [%[x]]; swpl %[one], %[t0], [%[y]]")
BODY(mp_stlxr_w, "str %[one], [%[x]]; 1: ldxr %[t0], [%[y]]; stlxr %w[t1], %[one], [%[y]]; cbnz %w[t1], 1b")
BODY(mp_pair_w, "str %[one], [%[x]]; dmb ish; stp %[one], %[one], [%[y]]")
BODY(mp_vector_r, "ldr d30, [%[y]]; fmov %[a], d30; dmb ishld; ldr d31, [%[x]]; fmov %[b], d31")

/* Store buffering. */
BODY(sb_plain_0, "str %[one], [%[x]]; ldr %[a], [%[y]]")
BODY(sb_plain_1, "str %[one], [%[y]]; ldr %[a], [%[x]]")
BODY(sb_dmb_0, "str %[one], [%[x]]; dmb ish; ldr %[a], [%[y]]")
BODY(sb_dmb_1, "str %[one], [%[y]]; dmb ish; ldr %[a], [%[x]]")
BODY(sb_dsb_0, "str %[one], [%[x]]; dsb ish; ldr %[a], [%[y]]")
BODY(sb_dsb_1, "str %[one], [%[y]]; dsb ish; ldr %[a], [%[x]]")
BODY(sb_rel_0, "stlr %[one], [%[x]]; ldar %[a], [%[y]]")
BODY(sb_rel_1, "stlr %[one], [%[y]]; ldar %[a], [%[x]]")
BODY(sb_byte_0, "stlrb %w[one], [%[x]]; ldarb %w[a], [%[y]]")
BODY(sb_byte_1, "stlrb %w[one], [%[y]]; ldarb %w[a], [%[x]]")
BODY(sb_excl_0, "1: ldxr %[t0], [%[x]]; stlxr %w[t1], %[one], [%[x]]; cbnz %w[t1], 1b; ldar %[a], [%[y]]")
BODY(sb_excl_1, "1: ldxr %[t0], [%[y]]; stlxr %w[t1], %[one], [%[y]]; cbnz %w[t1], 1b; ldar %[a], [%[x]]")
BODY(sb_dmbst_0, "str %[one], [%[x]]; dmb ishst; ldr %[a], [%[y]]")
BODY(sb_dmbst_1, "str %[one], [%[y]]; dmb ishst; ldr %[a], [%[x]]")
BODY(sb_rcpc_0, ".arch armv8.3-a; stlr %[one], [%[x]]; ldapr %[a], [%[y]]")
BODY(sb_rcpc_1, ".arch armv8.3-a; stlr %[one], [%[y]]; ldapr %[a], [%[x]]")

/* Load buffering. */
BODY(lb_plain_0, "ldr %[a], [%[x]]; str %[one], [%[y]]")
BODY(lb_plain_1, "ldr %[a], [%[y]]; str %[one], [%[x]]")
BODY(lb_data_0, "ldr %[a], [%[x]]; eor %[t0], %[a], %[a]; add %[t0], %[t0], #1; str %[t0], [%[y]]")
BODY(lb_data_1, "ldr %[a], [%[y]]; eor %[t0], %[a], %[a]; add %[t0], %[t0], #1; str %[t0], [%[x]]")
BODY(lb_dmb_0, "ldr %[a], [%[x]]; dmb ish; str %[one], [%[y]]")
BODY(lb_dmb_1, "ldr %[a], [%[y]]; dmb ish; str %[one], [%[x]]")
BODY(lb_acq_0, "ldar %[a], [%[x]]; str %[one], [%[y]]")
BODY(lb_acq_1, "ldar %[a], [%[y]]; str %[one], [%[x]]")
BODY(lb_rel_0, "ldr %[a], [%[x]]; stlr %[one], [%[y]]")
BODY(lb_rel_1, "ldr %[a], [%[y]]; stlr %[one], [%[x]]")

/* Independent reads of independent writes; write-to-read causality. */
BODY(iriw_dmb_xy, "ldr %[a], [%[x]]; dmb ish; ldr %[b], [%[y]]")
BODY(iriw_dmb_yx, "ldr %[a], [%[y]]; dmb ish; ldr %[b], [%[x]]")
BODY(iriw_acq_xy, "ldar %[a], [%[x]]; ldar %[b], [%[y]]")
BODY(iriw_acq_yx, "ldar %[a], [%[y]]; ldar %[b], [%[x]]")
BODY(wrc_mid, "ldr %[a], [%[x]]; dmb ish; str %[one], [%[y]]")
BODY(wrc_mid_rel, "ldr %[a], [%[x]]; stlr %[one], [%[y]]")

/* One location; and the write-write-read shape R. */
BODY(corr_r, "ldr %[a], [%[x]]; ldr %[b], [%[x]]")
BODY(r_dmb_1, "str %[two], [%[y]]; dmb ish; ldr %[a], [%[x]]")
BODY(r_rel_0, "str %[one], [%[x]]; stlr %[one], [%[y]]")
BODY(r_rel_1, "stlr %[two], [%[y]]; ldar %[a], [%[x]]")
/* clang-format on */

#define R(thread, n) (p->r[2 * (thread) + (n)])

static bool mp(const struct place *p)
{
	return R(1, 0) == 1 && R(1, 1) == 0;
}

static bool sb(const struct place *p)
{
	return R(0, 0) == 0 && R(1, 0) == 0;
}

static bool lb(const struct place *p)
{
	return R(0, 0) == 1 && R(1, 0) == 1;
}

static bool iriw(const struct place *p)
{
	return R(2, 0) == 1 && R(2, 1) == 0 && R(3, 0) == 1 && R(3, 1) == 0;
}

static bool wrc(const struct place *p)
{
	return R(1, 0) == 1 && R(2, 0) == 1 && R(2, 1) == 0;
}

static bool corr(const struct place *p)
{
	return R(1, 0) == 1 && R(1, 1) == 0;
}

static bool r_shape(const struct place *p)
{
	return p->y == 2 && R(1, 0) == 0;
}

static const struct litmus tests[] = {
    {"sb plain", true, true, sb, {sb_plain_0, sb_plain_1}},
    {"sb dmb", false, false, sb, {sb_dmb_0, sb_dmb_1}},
    {"sb dsb", false, false, sb, {sb_dsb_0, sb_dsb_1}},
    {"sb stlr ldar", false, false, sb, {sb_rel_0, sb_rel_1}},
    {"sb stlrb ldarb", false, false, sb, {sb_byte_0, sb_byte_1}},
    {"sb stlxr ldar", false, false, sb, {sb_excl_0, sb_excl_1}},
    {"sb stlr dmb", false, false, sb, {sb_rel_0, sb_dmb_1}},
    {"sb dmb ishst", true, false, sb, {sb_dmbst_0, sb_dmbst_1}},
    {"sb stlr ldapr", true, false, sb, {sb_rcpc_0, sb_rcpc_1}},
    {"mp plain", true, false, mp, {mp_plain_w, mp_plain_r}},
    {"mp dmb dmb", false, false, mp, {mp_dmb_w, mp_dmb_r}},
    {"mp ishst ishld", false, false, mp, {mp_dmbst_w, mp_dmbld_r}},
    {"mp stlr ldar", false, false, mp, {mp_stlr_w, mp_ldar_r}},
    {"mp stlr ldapr", false, false, mp, {mp_stlr_w, mp_ldapr_r}},
    {"mp dmb addr", false, false, mp, {mp_dmb_w, mp_addr_r}},
    {"mp dmb ctrl-isb", false, false, mp, {mp_dmb_w, mp_ctrlisb_r}},
    {"mp swpl ldar", false, false, mp, {mp_swpl_w, mp_ldar_r}},
    {"mp stlxr dmb", false, false, mp, {mp_stlxr_w, mp_dmb_r}},
    {"mp pair vector", false, false, mp, {mp_pair_w, mp_vector_r}},
    {"lb plain", true, false, lb, {lb_plain_0, lb_plain_1}},
    {"lb data", false, false, lb, {lb_data_0, lb_data_1}},
    {"lb dmb", false, false, lb, {lb_dmb_0, lb_dmb_1}},
    {"lb ldar", false, false, lb, {lb_acq_0, lb_acq_1}},
    {"lb stlr", false, false, lb, {lb_rel_0, lb_rel_1}},
    {"iriw dmb", false, false, iriw, {w_x, w_y, iriw_dmb_xy, iriw_dmb_yx}},
    {"iriw ldar", false, false, iriw, {w_x, w_y, iriw_acq_xy, iriw_acq_yx}},
    {"wrc dmb", false, false, wrc, {w_x, wrc_mid, mp_dmb_r}},
    {"wrc stlr ldar", false, false, wrc, {w_x, wrc_mid_rel, mp_ldar_r}},
    {"corr", false, false, corr, {w_x, corr_r}},
    {"r dmb", false, false, r_shape, {mp_dmb_w, r_dmb_1}},
    {"r stlr ldar", false, false, r_shape, {r_rel_0, r_rel_1}},
};
#define TESTS (sizeof(tests) / sizeof(tests[0]))

/* --- running a test --- */

static struct place places[PLACES];

static struct {
	const struct litmus *test;
	unsigned threads;
	double until;
	unsigned patience;
	atomic_uint arrived, round; /* a barrier */
	atomic_bool stop;
	uint64_t runs, hits;
} now;

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void meet(unsigned threads)
{
	unsigned round = atomic_load(&now.round), spins = 0;

	if (atomic_fetch_add(&now.arrived, 1) + 1 == threads) {
		atomic_store(&now.arrived, 0);
		atomic_fetch_add(&now.round, 1);
		return;
	}
	while (atomic_load(&now.round) == round)
		if (++spins % now.patience == 0)
			sched_yield();
}

static void count_outcomes(void)
{
	for (unsigned i = 0; i < PLACES; i++)
		now.hits += now.test->outcome(&places[i]);
	now.runs += PLACES;
	memset(places, 0, sizeof(places));
	double time = seconds();

	if (time > now.until && (!now.test->must_see || now.hits || time > now.until + LONGEST))
		atomic_store(&now.stop, true);
}

/* All threads at one place at once, as nearly as can be: each has both variables in its cache;
 * the last to come leaves first, which a random delay makes good. */
static void run_place(struct place *p, thread_body *body, unsigned me, uint32_t delay)
{
	unsigned spins = 0;

	(void)*(volatile uint64_t *)&p->x;
	(void)*(volatile uint64_t *)&p->y;
	atomic_fetch_add(&p->here, 1);
	while (atomic_load_explicit(&p->here, memory_order_relaxed) < now.threads)
		if (++spins % now.patience == 0)
			sched_yield();
	while (delay--)
		__asm__ volatile("");
	body(&p->x, &p->y, &p->r[(size_t)2 * me]);
}

static void *run_thread(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;
	uint32_t rand = me * 2654435761u + 1;

	do {
		meet(now.threads);
		for (unsigned i = 0; i < PLACES; i++) {
			rand = rand * 1664525 + 1013904223;
			run_place(&places[i], now.test->body[me], me, (rand >> 24) & (rand >> 16) & 255);
		}
		meet(now.threads);
		if (me == 0)
			count_outcomes();
		meet(now.threads);
	} while (!atomic_load(&now.stop));
	return NULL;
}

static void run_threads(unsigned n, void *(*fn)(void *))
{
	pthread_t id[MAX_THREADS];

	for (unsigned i = 0; i < n; i++)
		if (pthread_create(&id[i], NULL, fn, (void *)(uintptr_t)i)) {
			perror("pthread_create");
			exit(2);
		}
	for (unsigned i = 0; i < n; i++)
		pthread_join(id[i], NULL);
}

/* How many forbidden outcomes there were; a missing one that must be seen counts as one. */
static uint64_t run_litmus(const struct litmus *test, double time)
{
	memset(&now, 0, sizeof(now));
	now.test = test;
	while (now.threads < MAX_THREADS && test->body[now.threads])
		now.threads++;
	now.until = seconds() + time;
	now.patience = now.threads > sysconf(_SC_NPROCESSORS_ONLN) ? IMPATIENT : PATIENT;
	run_threads(now.threads, run_thread);
	fprintf(stderr, "%-18s %12llu runs %9llu %s\n", test->name, (unsigned long long)now.runs,
		(unsigned long long)now.hits, test->allowed ? "allowed" : "FORBIDDEN");
	if (test->must_see)
		return now.hits == 0;
	return test->allowed ? 0 : now.hits;
}

/* --- atomic counters --- */

struct counter {
	_Alignas(64) uint64_t n[2];
	_Alignas(64) uint64_t guarded; /* by a lock in n[0] */
};
static struct counter counter;

/* clang-format off */
#define ATOMIC(name, code)                                                                 \
	static void name(unsigned me)                                                      \
	{                                                                                  \
		uint64_t t0, t1, t2, t3;                                                   \
		uint8_t *mine = (uint8_t *)counter.n + me;                                 \
                                                                                           \
		__asm__ volatile(".arch armv8.3-a; " code                                  \
				 : [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3) \
				 : [n] "r"(counter.n), [g] "r"(&counter.guarded),          \
				   [mine] "r"(mine), [one] "r"(1UL)                        \
				 : "memory", "cc", "x4", "x5", "x6", "x7");                \
	}

ATOMIC(ldxr_stxr, "1: ldxr %[t0], [%[n]]; add %[t0], %[t0], #1; stxr %w[t1], %[t0], [%[n]]; cbnz %w[t1], 1b")
ATOMIC(ldaxr_stlxr, "1: ldaxr %w[t0], [%[n]]; add %w[t0], %w[t0], #1; stlxr %w[t1], %w[t0], [%[n]]; cbnz %w[t1], 1b")
ATOMIC(ldxp_stxp, "1: ldxp %[t0], %[t1], [%[n]]; add %[t0], %[t0], #1; add %[t1], %[t1], #1;"
		  "stxp %w[t2], %[t0], %[t1], [%[n]]; cbnz %w[t2], 1b")
ATOMIC(cas_loop, "ldr %[t0], [%[n]]; 1: mov %[t1], %[t0]; add %[t2], %[t0], #1;"
		 "cas %[t0], %[t2], [%[n]]; cmp %[t0], %[t1]; b.ne 1b")
ATOMIC(casp_loop, "ldp x4, x5, [%[n]]; 1: mov %[t0], x4; mov %[t1], x5; add x6, x4, #1; add x7, x5, #1;"
		  "caspal x4, x5, x6, x7, [%[n]]; cmp x4, %[t0]; ccmp x5, %[t1], #0, eq; b.ne 1b")
ATOMIC(ldadd_x, "ldadd %[one], %[t0], [%[n]]")
ATOMIC(stadd_w, "stadd %w[one], [%[n]]")
ATOMIC(bytes_excl, "1: ldxrb %w[t0], [%[mine]]; add %w[t0], %w[t0], #1; stxrb %w[t1], %w[t0], [%[mine]]; cbnz %w[t1], 1b")
ATOMIC(bytes_lse, "ldaddb %w[one], %w[t0], [%[mine]]")
ATOMIC(bytes_plain, "ldrb %w[t0], [%[mine]]; add %w[t0], %w[t0], #1; strb %w[t0], [%[mine]]")
ATOMIC(lock_swp, "1: swpa %w[one], %w[t0], [%[n]]; cbz %w[t0], 2f; yield; b 1b; 2: ldr %[t1], [%[g]];"
		 "add %[t1], %[t1], #1; str %[t1], [%[g]]; stlr wzr, [%[n]]")
ATOMIC(lock_excl, "1: ldaxr %w[t0], [%[n]]; cbnz %w[t0], 1b; stxr %w[t0], %w[one], [%[n]]; cbnz %w[t0], 1b;"
		  "ldr %[t1], [%[g]]; add %[t1], %[t1], #1; str %[t1], [%[g]]; stlr wzr, [%[n]]")
/* clang-format on */

/* Even threads one way, odd ones another. */
static void mixed(unsigned me)
{
	if (me & 1)
		ldxr_stxr(me);
	else
		ldadd_x(me);
}

static void mixed_bytes(unsigned me)
{
	static void (*const way[])(unsigned) = {bytes_plain, bytes_excl, bytes_lse, bytes_excl};

	way[me % 4](me);
}

enum sum { SUM_N, SUM_PAIR, SUM_BYTES, SUM_GUARDED };

static const struct {
	const char *name;
	void (*fn)(unsigned me);
	enum sum sum;
} counters[] = {
    {"ldxr stxr", ldxr_stxr, SUM_N},
    {"ldaxr stlxr", ldaxr_stlxr, SUM_N},
    {"ldxp stxp", ldxp_stxp, SUM_PAIR},
    {"cas", cas_loop, SUM_N},
    {"casp", casp_loop, SUM_PAIR},
    {"ldadd", ldadd_x, SUM_N},
    {"stadd", stadd_w, SUM_N},
    {"ldadd and ldxr", mixed, SUM_N},
    {"bytes", mixed_bytes, SUM_BYTES},
    {"lock by swp", lock_swp, SUM_GUARDED},
    {"lock by ldaxr", lock_excl, SUM_GUARDED},
};
#define COUNTERS (sizeof(counters) / sizeof(counters[0]))

static unsigned counter_now;
static uint64_t done[MAX_THREADS];

static void *count_thread(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;
	uint64_t n = 0;

	meet(MAX_THREADS);
	do {
		for (unsigned i = 0; i < 1000; i++)
			counters[counter_now].fn(me);
		n += 1000;
	} while (seconds() < now.until);
	done[me] = n;
	return NULL;
}

static bool sum_is_right(enum sum sum)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < MAX_THREADS; i++) {
		total += done[i];
		if (sum == SUM_BYTES && ((uint8_t *)counter.n)[i] != (uint8_t)done[i])
			return false;
	}
	switch (sum) {
	case SUM_N:
		return counter.n[0] == total;
	case SUM_PAIR:
		return counter.n[0] == total && counter.n[1] == total;
	case SUM_GUARDED:
		return counter.guarded == total;
	default:
		return true;
	}
}

static uint64_t run_counter(unsigned i, double time)
{
	memset(&counter, 0, sizeof(counter));
	memset(&now, 0, sizeof(now));
	counter_now = i;
	now.until = seconds() + time;
	now.patience = IMPATIENT;
	run_threads(MAX_THREADS, count_thread);
	bool right = sum_is_right(counters[i].sum);

	fprintf(stderr, "%-18s %12llu counts %s\n", counters[i].name,
		(unsigned long long)(done[0] + done[1] + done[2] + done[3]),
		right ? "right" : "WRONG");
	return !right;
}

int main(int argc, char **argv)
{
	double time = (argc > 1 ? atof(argv[1]) : 10) / (double)(TESTS + COUNTERS);
	uint64_t bad = 0;

	for (unsigned i = 0; i < TESTS; i++)
		if (argc < 3 || strstr(tests[i].name, argv[2]))
			bad += run_litmus(&tests[i], time);
	for (unsigned i = 0; i < COUNTERS; i++)
		if (argc < 3 || strstr(counters[i].name, argv[2]))
			bad += run_counter(i, time);
	printf("bad=%llu\n", (unsigned long long)bad);
	return bad != 0;
}
