/*
 * atomic.h: host atomics on guest memory for exclusives and LSE atomics.
 *
 * All are sequentially consistent, which is at least as strong as any of the acquire and
 * release variants of the instructions.  Thread sanitizer does not look at them (mem.h).
 */
#ifndef VCPU_A64_ATOMIC_H
#define VCPU_A64_ATOMIC_H

#include "vcpu/a64/mem.h"

/* Compare and swap of 16 bytes; *expected receives what was there.  True: swapped. */
static A64_RAW bool a64_host_cas128(void *host, uint64_t expected[2], const uint64_t desired[2])
{
#if defined(__x86_64__)
	bool ok;

	__asm__ volatile("lock cmpxchg16b %1"
	                 : "=@ccz"(ok), "+m"(*(unsigned __int128 *)host), "+a"(expected[0]),
	                   "+d"(expected[1])
	                 : "b"(desired[0]), "c"(desired[1])
	                 : "memory");
	return ok;
#elif defined(__aarch64__)
	uint64_t lo, hi;
	uint32_t failed;

	__asm__ volatile("1:	ldaxp	%0, %1, [%3]\n"
	                 "	cmp	%0, %4\n"
	                 "	ccmp	%1, %5, #0, eq\n"
	                 "	b.ne	2f\n"
	                 "	stlxp	%w2, %6, %7, [%3]\n"
	                 "	cbnz	%w2, 1b\n"
	                 "2:\n"
	                 : "=&r"(lo), "=&r"(hi), "=&r"(failed)
	                 : "r"(host), "r"(expected[0]), "r"(expected[1]), "r"(desired[0]),
	                   "r"(desired[1])
	                 : "memory", "cc");
	bool ok = lo == expected[0] && hi == expected[1];

	expected[0] = lo;
	expected[1] = hi;
	return ok;
#else
#error "no 16-byte compare and swap for this host"
#endif
}

/* Compare and swap of 1, 2, 4 or 8 bytes, values zero-extended; *expected as above. */
static A64_RAW bool a64_host_cas(void *host, unsigned size, uint64_t *expected, uint64_t desired)
{
	bool ok;

	switch (size) {
#define CASE(bits)                                                                                 \
	case bits / 8: {                                                                           \
		uint##bits##_t want = (uint##bits##_t) * expected;                                 \
		ok = __atomic_compare_exchange_n((uint##bits##_t *)host, &want,                    \
		                                 (uint##bits##_t)desired, false, __ATOMIC_SEQ_CST, \
		                                 __ATOMIC_SEQ_CST);                                \
		*expected = want;                                                                  \
		return ok;                                                                         \
	}
		CASE(8)
		CASE(16)
		CASE(32)
	default:
		CASE(64)
#undef CASE
	}
}

/* Acquire load of 1, 2, 4 or 8 bytes, zero-extended. */
static A64_RAW uint64_t a64_load_acquire(const void *host, unsigned size)
{
	switch (size) {
	case 1:
		return __atomic_load_n((const uint8_t *)host, __ATOMIC_ACQUIRE);
	case 2:
		return __atomic_load_n((const uint16_t *)host, __ATOMIC_ACQUIRE);
	case 4:
		return __atomic_load_n((const uint32_t *)host, __ATOMIC_ACQUIRE);
	default:
		return __atomic_load_n((const uint64_t *)host, __ATOMIC_ACQUIRE);
	}
}

/* A store that no later load-acquire may overtake. */
static A64_RAW void a64_store_release(void *host, unsigned size, uint64_t v)
{
	switch (size) {
	case 1:
		__atomic_store_n((uint8_t *)host, (uint8_t)v, __ATOMIC_SEQ_CST);
		break;
	case 2:
		__atomic_store_n((uint16_t *)host, (uint16_t)v, __ATOMIC_SEQ_CST);
		break;
	case 4:
		__atomic_store_n((uint32_t *)host, (uint32_t)v, __ATOMIC_SEQ_CST);
		break;
	default:
		__atomic_store_n((uint64_t *)host, v, __ATOMIC_SEQ_CST);
	}
}

#endif
