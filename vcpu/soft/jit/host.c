/*
 * host.c: CPUID (Intel SDM volume 2, "CPUID").  Not every compiler's __builtin_cpu_supports
 * knows LZCNT and SHA, so those are read here; what needs the operating system's support too
 * is left to it.
 */
#include "vcpu/soft/jit/host.h"

#include <cpuid.h>
#include <pthread.h>

static struct jit_host host;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Is the word in the list? */
static bool listed(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (list && *list) {
		size_t n = strcspn(list, " ,");

		if (n == len && memcmp(list, word, len) == 0)
			return true;
		list += n;
		list += strspn(list, " ,");
	}
	return false;
}

static void ask_vectors(const char *words)
{
	host.avx = __builtin_cpu_supports("avx");
	host.avx2 = __builtin_cpu_supports("avx2");
	host.fma = host.avx && __builtin_cpu_supports("fma");
	host.avx512 = !listed(words, "avx2") && __builtin_cpu_supports("avx512f") &&
	              __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
	              __builtin_cpu_supports("avx512dq");
}

static void ask(void)
{
	const char *words = getenv("CARRICK_JIT");
	unsigned a, b = 0, c = 0, d;

	host.count_calls = listed(words, "calls");
	host.sse42 = __builtin_cpu_supports("sse4.2");
	if (__get_cpuid(1, &a, &b, &c, &d))
		host.cx16 = c >> 13 & 1;
	if (listed(words, "baseline"))
		return;
	host.popcnt = c >> 23 & 1;
	host.aes = c >> 25 & 1;
	host.clmul = c >> 1 & 1;
	host.f16c = (c >> 29 & 1) && __builtin_cpu_supports("avx");
	if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
		host.bmi1 = b >> 3 & 1;
		host.bmi2 = b >> 8 & 1;
		host.sha = b >> 29 & 1;
	}
	if (__get_cpuid(0x80000001u, &a, &b, &c, &d))
		host.lzcnt = c >> 5 & 1;
	ask_vectors(words);
}

const struct jit_host *jit_host(void)
{
	(void)pthread_once(&once, ask);
	return &host;
}
