/*
 * host.h: which of the host's instructions translated code may use.
 *
 * Found out once, by CPUID.  The environment variable CARRICK_JIT, a list of words, narrows it
 * and switches debugging aids on: "baseline" uses nothing beyond SSE4.2, "avx2" no
 * AVX-512, so that a new machine tests what old ones run; "calls" counts calls of handlers
 * (calls.c).
 */
#ifndef VCPU_SOFT_JIT_HOST_H
#define VCPU_SOFT_JIT_HOST_H

#include "common/base.h"

struct jit_host {
	bool sse42, popcnt, lzcnt, bmi1, bmi2;
	bool aes, clmul, sha;
	bool avx, avx2, fma, f16c; /* with the operating system's support */
	bool avx512;               /* F, VL, BW and DQ */
	bool cx16;                 /* CMPXCHG16B */
	bool count_calls;
};

const struct jit_host *jit_host(void);

#endif
