/*
 * signal_storm.c: computing threads under a rain of SIGSEGV and other signals, from threads of
 * their own process and from another process; none of it may change a result.
 *
 *   signal_storm [SECONDS]
 *
 * Two processes compute, each with several threads, and each sends signals to both.  Handlers
 * spoil every register and flag that a handler may, so that what sigreturn brings back is tested
 * too; they check who the sender is, and flags where their value is known at every instruction.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS 3

/* What both processes know of each other. */
struct common {
	atomic_int pid[2];
	atomic_int tid[2][WORKERS];
	atomic_bool stop;
	atomic_ullong signals[2], rounds[2], bad[2];
};
static struct common *all;
static int me; /* 0 the parent, 1 the child */

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void wrong(const char *what, uint64_t got)
{
	fprintf(stderr, "%s: %llx\n", what, (unsigned long long)got);
	atomic_fetch_add(&all->bad[me], 1);
}

/* --- the handler --- */

extern const char steady_begin[], steady_end[];

static void on_signal(int sig, siginfo_t *info, void *context)
{
	const mcontext_t *m = &((ucontext_t *)context)->uc_mcontext;
	uint64_t pc = m->pc;

	atomic_fetch_add(&all->signals[me], 1);
	if (info->si_code != SI_USER && info->si_code != SI_TKILL)
		wrong("si_code", (uint64_t)info->si_code);
	if (info->si_pid != all->pid[0] && info->si_pid != all->pid[1])
		wrong("si_pid", (uint64_t)info->si_pid);
	if (info->si_signo != sig)
		wrong("si_signo", (uint64_t)info->si_signo);
	/* Behind its first instruction the code there keeps x1 == x2, and the flags say so. */
	if (pc > (uint64_t)steady_begin && pc < (uint64_t)steady_end && m->pstate >> 28 != 6)
		wrong("flags in the frame", m->pstate);
	__asm__ volatile("msr nzcv, %0; msr fpsr, %0\n\t"
			 "movi v0.16b, #85; movi v7.16b, #85; movi v16.16b, #85; movi v31.16b, #85"
			 ::"r"(0xF0000000UL)
			 : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
			   "x13", "x14", "x15", "x16", "x17", "v0", "v7", "v16", "v31", "cc");
}

/* --- work with known results --- */

/* Carries through four words: flags live from one instruction to the next. */
static uint64_t carries(uint64_t n)
{
	uint64_t a = 1, b = 2, c = 3, d = 5, k = 0x9E3779B97F4A7C15;

	__asm__ volatile("1: adds %[a], %[a], %[k]; adcs %[b], %[b], %[a]; adcs %[c], %[c], %[b]\n\t"
			 "adcs %[d], %[d], %[c]; cinc %[a], %[a], cs; ccmp %[b], %[c], #3, vs\n\t"
			 "csel %[c], %[c], %[d], lt; cset %[t], hi; add %[d], %[d], %[t]\n\t"
			 "subs %[n], %[n], #1; b.ne 1b"
			 : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "+r"(d), [n] "+r"(n),
			   [t] "=&r"((uint64_t){0})
			 : [k] "r"(k)
			 : "cc");
	return a ^ b ^ c ^ d;
}

/* Vectors and FP over many registers. */
static uint64_t vectors(uint64_t n)
{
	uint64_t out;

	__asm__ volatile("movi v0.4s, #3; movi v7.4s, #5; movi v16.2d, #0; fmov d31, #1.0; fmov d8, #1.25\n\t"
			 "1: mla v0.4s, v7.4s, v7.4s; eor v16.16b, v16.16b, v0.16b; ext v0.16b, v0.16b, v0.16b, #4\n\t"
			 "fmul d31, d31, d8; fsqrt d31, d31; add v7.4s, v7.4s, v16.4s; sqadd v7.8h, v7.8h, v0.8h\n\t"
			 "subs %[n], %[n], #1; b.ne 1b\n\t"
			 "fmov %[out], d31; fmov %[n], d16; eor %[out], %[out], %[n]; mov %[n], v7.d[1]; eor %[out], %[out], %[n]"
			 : [out] "=r"(out), [n] "+r"(n)
			 :
			 : "v0", "v7", "v8", "v16", "v31", "cc");
	return out;
}

/* Flags that are always the same and always needed; branches, calls, returns. */
static uint64_t steady(uint64_t n)
{
	uint64_t sum = 0;

	__asm__ volatile("mov x1, #7; mov x2, #7; cmp x1, x2\n"
			 "steady_begin: nop\n"
			 "1: cinc %[s], %[s], eq; b.eq 2f; add %[s], %[s], #1000\n"
			 "2: bl 3f; cinc %[s], %[s], ne; sub %[n], %[n], #1; cbnz %[n], 1b\n"
			 "b 4f\n"
			 "3: cinc %[s], %[s], cs; adr x3, 5f; br x3\n"
			 "5: cmp x1, x2; b.ne 3b; ret\n"
			 "4: nop\n"
			 "steady_end: nop"
			 : [s] "+r"(sum), [n] "+r"(n)
			 :
			 : "x1", "x2", "x3", "x30", "cc");
	return sum;
}

/* Code made and run anew. */
static uint64_t fresh_code(uint64_t n)
{
	static _Thread_local uint32_t *code;
	uint64_t sum = 0;

	if (!code)
		code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (unsigned i = 0; i < n; i++) {
		unsigned len = 1 + i % 97;

		for (unsigned k = 0; k < len; k++)
			code[k] = 0x91000400u; /* add x0, x0, #1 */
		code[len] = 0xD65F03C0u;
		__builtin___clear_cache((char *)code, (char *)(code + len + 1));
		sum += ((uint64_t (*)(uint64_t))(uintptr_t)code)(i);
	}
	return sum;
}

static const struct {
	uint64_t (*fn)(uint64_t n);
	uint64_t n;
} work[] = {{carries, 20000}, {vectors, 20000}, {steady, 20000}, {fresh_code, 100}};
#define WORKS (sizeof(work) / sizeof(work[0]))

static uint64_t expected[WORKS];

static void *worker(void *arg)
{
	unsigned i = (unsigned)(uintptr_t)arg;

	all->tid[me][i] = (int)syscall(SYS_gettid);
	for (unsigned k = i; !all->stop; k = (k + 1) % WORKS) {
		uint64_t got = work[k].fn(work[k].n);

		if (got != expected[k])
			wrong("a result", got);
		atomic_fetch_add(&all->rounds[me], 1);
	}
	return NULL;
}

/* --- the storm --- */

/* One signal to some thread, or process, of either. */
static void send_one(unsigned n)
{
	static const int kinds[] = {SIGSEGV, SIGSEGV, SIGBUS, SIGUSR1, SIGILL, SIGTRAP, SIGFPE};
	int whom = n / 8 % 2, sig = kinds[n % 7], tid = all->tid[whom][n % WORKERS];

	if (n % 5 == 0)
		kill(all->pid[whom], sig);
	else if (tid)
		syscall(SYS_tgkill, all->pid[whom], tid, sig);
}

static void *sender(void *arg)
{
	for (unsigned n = (unsigned)(uintptr_t)arg; !all->stop; n++) {
		send_one(n);
		if (n % 64 == 0)
			sched_yield();
	}
	return NULL;
}

static void catch_all(void)
{
	static const int sigs[] = {SIGSEGV, SIGBUS, SIGUSR1, SIGILL, SIGTRAP, SIGFPE};
	struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};

	for (unsigned i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		sigaction(sigs[i], &sa, NULL);
}

static void compute(double until)
{
	pthread_t id[WORKERS + 1];

	all->pid[me] = getpid();
	while (!all->pid[0] || !all->pid[1])
		sched_yield();
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_create(&id[i], NULL, worker, (void *)(uintptr_t)i);
	pthread_create(&id[WORKERS], NULL, sender, (void *)(uintptr_t)me);
	while (seconds() < until)
		usleep(10000);
	all->stop = true;
	for (unsigned i = 0; i <= WORKERS; i++)
		pthread_join(id[i], NULL);
}

int main(int argc, char **argv)
{
	double until = seconds() + (argc > 1 ? atof(argv[1]) : 10);
	uint64_t bad = 0;
	int status = 0;
	pid_t pid;

	all = mmap(NULL, sizeof(*all), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED)
		return 2;
	for (unsigned i = 0; i < WORKS; i++)
		expected[i] = work[i].fn(work[i].n);
	catch_all();
	pid = fork();
	if (pid == 0) {
		me = 1;
		compute(until);
		/* Signals may still come: their handler needs nothing of this process. */
		_exit(0);
	}
	compute(until);
	if (waitpid(pid, &status, 0) != pid || status)
		wrong("the child's status", (uint64_t)status);
	for (int i = 0; i < 2; i++) {
		fprintf(stderr, "process %d: %llu rounds, %llu signals\n", i,
			(unsigned long long)all->rounds[i], (unsigned long long)all->signals[i]);
		bad += all->bad[i] + (all->rounds[i] == 0) + (all->signals[i] == 0);
	}
	printf("bad=%llu\n", (unsigned long long)bad);
	return bad != 0;
}
