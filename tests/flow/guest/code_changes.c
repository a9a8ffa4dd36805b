/*
 * code_changes.c: code that changes while threads execute it, as JIT compilers do it.
 *
 *   code_changes [SECONDS] [NAME]
 *
 *   patch     a branch in a page mapped twice (one view writable, one executable) is patched
 *             while all threads call it; who knows of the patch must see it
 *   rewrite   all threads stop, one rewrites a page of code, all run it
 *   remap     another page of a file takes the place of the code, sometimes after a hole
 *   protect   the page is made writable, changed, and made executable again
 *   fork      children change and run their copy of code that the parent's threads go on
 *             changing and running
 *
 * Every call's result is checked.  The verdict goes to standard output.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE    4096u
#define THREADS 3
#define WINDOW  64u /* values come again after so many */

#define RET  0xD65F03C0u
#define MOVZ 0x52800000u /* movz w0, #imm16 << 5 */
#define ADD  0x11000000u /* add w0, w0, #imm12 << 10 */

typedef unsigned function(unsigned);

static atomic_bool stop;
static atomic_uint published; /* the number of the last change that is complete */
static atomic_uint seen[THREADS];
static atomic_ullong calls, faults, bad;
static _Thread_local sigjmp_buf retry;
static _Thread_local volatile sig_atomic_t may_fault;

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void need(bool ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(2);
	}
}

static void wrong(const char *what, unsigned got, unsigned want)
{
	fprintf(stderr, "%s: %u instead of %u\n", what, got, want);
	atomic_fetch_add(&bad, 1);
}

/* Written through one view, executed through another. */
static void sync_code(const void *written, const void *executed, size_t len)
{
	const char *w = written, *x = executed;

	for (size_t i = 0; i < len; i += 64)
		__asm__ volatile("dc cvau, %0" ::"r"(w + i) : "memory");
	__asm__ volatile("dsb ish" ::: "memory");
	for (size_t i = 0; i < len; i += 64)
		__asm__ volatile("ic ivau, %0" ::"r"(x + i) : "memory");
	__asm__ volatile("dsb ish; isb" ::: "memory");
}

static unsigned call(const void *code, unsigned arg)
{
	function *fn = (function *)(uintptr_t)code;

	__asm__ volatile("isb" ::: "memory");
	atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
	return fn(arg);
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	(void)context;
	if (!may_fault)
		_exit(3);
	atomic_fetch_add(&faults, 1);
	siglongjmp(retry, 1);
}

/* --- callers, and what they expect --- */

static void *volatile shared_code;

/* The value of a call must be that of a change which was complete before it, or of a later one
 * up to the one that may be under way when it ends. */
static void check_call(unsigned me)
{
	unsigned before = atomic_load(&published), got = call(shared_code, 0);
	unsigned after = atomic_load(&published) + 1;

	atomic_store(&seen[me], before);
	if (after - before >= WINDOW)
		return;
	for (unsigned n = before; n <= after; n++)
		if (got == n % WINDOW)
			return;
	wrong("a call saw old code", got, before % WINDOW);
}

static void *caller(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;

	while (!atomic_load(&stop)) {
		if (sigsetjmp(retry, 1) == 0) {
			may_fault = 1;
			check_call(me);
		}
		may_fault = 0;
	}
	return NULL;
}

static void with_callers(void *(*fn)(void *), void (*change)(unsigned n), double time)
{
	pthread_t id[THREADS];
	double until = seconds() + time;

	atomic_store(&stop, false);
	for (unsigned i = 0; i < THREADS; i++)
		need(pthread_create(&id[i], NULL, fn, (void *)(uintptr_t)i) == 0, "pthread_create");
	for (unsigned n = atomic_load(&published) + 1; seconds() < until; n++) {
		change(n);
		atomic_store(&published, n);
		if (n % 16 == 0)
			sched_yield();
	}
	atomic_store(&stop, true);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(id[i], NULL);
}

/* --- patch --- */

static struct {
	int fd;
	uint32_t *rw, *rx; /* two pages: the entry at the end of the first, answers in the second */
} twice;

static void map_twice(void)
{
	twice.fd = memfd_create("code", 0);
	need(twice.fd >= 0 && ftruncate(twice.fd, 2 * PAGE) == 0, "memfd");
	twice.rw = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, twice.fd, 0);
	twice.rx = mmap(NULL, 2 * PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, twice.fd, 0);
	need(twice.rw != MAP_FAILED && twice.rx != MAP_FAILED, "mmap");
}

/* The answer's code is new, the branch to it is patched while others execute it: branches are
 * among the instructions for which that is allowed (Arm ARM B2.2.5). */
static void patch(unsigned n)
{
	unsigned entry = PAGE / 4 - 1, at = PAGE / 4 + n % WINDOW * 16;

	/* An answer is overwritten when nobody can be in it any more. */
	for (unsigned i = 0; i < THREADS; i++)
		while (n - atomic_load(&seen[i]) > WINDOW / 2)
			sched_yield();
	twice.rw[at] = MOVZ | (n % WINDOW) << 5;
	twice.rw[at + 1] = RET;
	sync_code(twice.rw + at, twice.rx + at, 8);
	__atomic_store_n(&twice.rw[entry], 0x14000000u | (at - entry), __ATOMIC_RELEASE);
	sync_code(twice.rw + entry, (n & 1 ? twice.rx : twice.rw) + entry, 4);
}

static void test_patch(double time)
{
	map_twice();
	patch(atomic_load(&published));
	shared_code = twice.rx + PAGE / 4 - 1;
	with_callers(caller, patch, time);
	munmap(twice.rw, 2 * PAGE);
	munmap(twice.rx, 2 * PAGE);
	close(twice.fd);
}

/* --- rewrite --- */

static atomic_uint arrived, round_now;
static unsigned expected;

static void meet(void)
{
	unsigned round = atomic_load(&round_now);

	if (atomic_fetch_add(&arrived, 1) + 1 == THREADS + 1) {
		atomic_store(&arrived, 0);
		atomic_fetch_add(&round_now, 1);
	}
	while (atomic_load(&round_now) == round)
		sched_yield();
}

/* A chain of additions as long as n says; returns their sum. */
static unsigned write_chain(uint32_t *to, unsigned n)
{
	unsigned len = 1 + n % 500, sum = 0;

	for (unsigned i = 0; i < len; i++) {
		unsigned imm = (n * 7 + i) % 4096;

		to[i] = ADD | imm << 10;
		sum += imm;
	}
	to[len] = RET;
	return sum;
}

static void *chain_caller(void *arg)
{
	for (;;) {
		meet();
		if (atomic_load(&stop))
			return arg;
		unsigned got = call(shared_code, 1000);

		if (got != expected + 1000)
			wrong("a chain", got, expected + 1000);
		meet();
	}
}

static void rewrite(unsigned n)
{
	expected = write_chain(twice.rw, n);
	sync_code(twice.rw, twice.rx, 2 * PAGE);
	meet();
	meet();
}

static void test_rewrite(double time)
{
	pthread_t id[THREADS];
	double until = seconds() + time;

	map_twice();
	shared_code = twice.rx;
	atomic_store(&stop, false);
	for (unsigned i = 0; i < THREADS; i++)
		need(pthread_create(&id[i], NULL, chain_caller, NULL) == 0, "pthread_create");
	for (unsigned n = 0; seconds() < until; n++)
		rewrite(n);
	atomic_store(&stop, true);
	meet();
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(id[i], NULL);
	munmap(twice.rw, 2 * PAGE);
	munmap(twice.rx, 2 * PAGE);
	close(twice.fd);
}

/* --- remap --- */

static int answers; /* WINDOW pages */

static void remap(unsigned n)
{
	void *got;

	if (n % 4 == 0) {
		munmap(shared_code, PAGE);
		sched_yield();
	}
	got = mmap(shared_code, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, answers,
		   (off_t)(n % WINDOW) * PAGE);
	need(got == shared_code, "mmap");
}

static void test_remap(double time)
{
	uint32_t *all;

	answers = memfd_create("answers", 0);
	need(answers >= 0 && ftruncate(answers, WINDOW * PAGE) == 0, "memfd");
	all = mmap(NULL, WINDOW * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, answers, 0);
	need(all != MAP_FAILED, "mmap");
	for (unsigned i = 0; i < WINDOW; i++) {
		all[i * (PAGE / 4)] = MOVZ | i << 5;
		all[i * (PAGE / 4) + 1] = RET;
	}
	sync_code(all, all, WINDOW * PAGE);
	shared_code = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, answers,
			   (off_t)(atomic_load(&published) % WINDOW) * PAGE);
	need(shared_code != MAP_FAILED, "mmap");
	with_callers(caller, remap, time);
	munmap(shared_code, PAGE);
	munmap(all, WINDOW * PAGE);
	close(answers);
}

/* --- protect --- */

static void protect(unsigned n)
{
	uint32_t *code = shared_code;

	mprotect(code, PAGE, PROT_READ | PROT_WRITE);
	code[0] = MOVZ | (n % WINDOW) << 5;
	code[1] = RET;
	sync_code(code, code, 8);
	mprotect(code, PAGE, PROT_READ | PROT_EXEC);
}

static void test_protect(double time)
{
	shared_code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(shared_code != MAP_FAILED, "mmap");
	protect(atomic_load(&published));
	with_callers(caller, protect, time);
	munmap(shared_code, PAGE);
}

/* --- fork --- */

static uint32_t *own_code[THREADS + 1];

/* Writes and runs some chains; how many were wrong. */
static unsigned run_chains(uint32_t *code, unsigned first, unsigned count)
{
	unsigned errors = 0;

	for (unsigned n = first; n < first + count; n++) {
		unsigned sum = write_chain(code, n);

		sync_code(code, code, PAGE);
		errors += call(code, n) != sum + n;
	}
	return errors;
}

static void *chains_thread(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;

	for (unsigned n = 0; !atomic_load(&stop); n++)
		if (run_chains(own_code[me], n * 10, 10))
			wrong("a thread's chain", n, 0);
	return NULL;
}

/* The child has the parent's code as it was in the middle of a change, and other answers. */
static void fork_once(unsigned n)
{
	unsigned sum = write_chain(own_code[THREADS], n);
	int status;
	pid_t pid;

	sync_code(own_code[THREADS], own_code[THREADS], PAGE);
	pid = fork();
	if (pid == 0) {
		unsigned errors = call(own_code[THREADS], 0) != sum;

		for (unsigned i = 0; i <= THREADS; i++)
			errors += run_chains(own_code[i], n + i * 100, 5);
		_exit(errors ? 1 : 0);
	}
	need(pid > 0 && waitpid(pid, &status, 0) == pid, "fork");
	if (status != 0)
		wrong("a child's status", (unsigned)status, 0);
	unsigned got = call(own_code[THREADS], 0);

	if (got != sum)
		wrong("the parent's code", got, sum);
}

static void test_fork(double time)
{
	for (unsigned i = 0; i <= THREADS; i++) {
		own_code[i] = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		need(own_code[i] != MAP_FAILED, "mmap");
	}
	with_callers(chains_thread, fork_once, time);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*fn)(double time);
	} tests[] = {
	    {"patch", test_patch},     {"rewrite", test_rewrite}, {"remap", test_remap},
	    {"protect", test_protect}, {"fork", test_fork},
	};
	double time = (argc > 1 ? atof(argv[1]) : 10) / 5;
	struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	sigaction(SIGSEGV, &sa, NULL);
	for (unsigned i = 0; i < 5; i++) {
		unsigned first = atomic_load(&published);

		if (argc > 2 && strcmp(argv[2], tests[i].name) != 0)
			continue;
		atomic_store(&calls, 0);
		atomic_store(&faults, 0);
		tests[i].fn(time);
		fprintf(stderr, "%-8s %10llu calls %8u changes %8llu faults\n", tests[i].name,
			(unsigned long long)atomic_load(&calls), atomic_load(&published) - first,
			(unsigned long long)atomic_load(&faults));
	}
	printf("bad=%llu\n", (unsigned long long)atomic_load(&bad));
	return atomic_load(&bad) != 0;
}
