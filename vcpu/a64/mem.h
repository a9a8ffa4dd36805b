/*
 * mem.h: the fast path of guest memory accesses, inline in the handlers of loads and stores.
 *
 * A software-TLB entry is found by the first byte's page and compared with the last byte's
 * page, so that an access across pages never matches and goes the slow way (soft/mem.c), as
 * does a miss.  Guest memory is shared with other vCPUs and the kernel personality without
 * locks: every access to it is one volatile host access of the guest's size, single-copy
 * atomic when aligned on the hosts we support.  Guest races are the guest's own affair, so
 * thread sanitizer does not look at these accesses.
 */
#ifndef VCPU_A64_MEM_H
#define VCPU_A64_MEM_H

#include "vcpu/a64/a64.h"

#if defined(__SANITIZE_THREAD__)
#define A64_RAW NOINLINE UNUSED __attribute__((no_sanitize_thread))
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define A64_RAW NOINLINE UNUSED __attribute__((no_sanitize("thread")))
#endif
#endif
#ifndef A64_RAW
#define A64_RAW ALWAYS_INLINE
#endif

/* A full memory barrier (the builtin is unknown to thread sanitizer). */
static ALWAYS_INLINE void a64_fence(void)
{
#if defined(__x86_64__)
	__asm__ volatile("lock orq $0, (%%rsp)" ::: "memory", "cc");
#elif defined(__aarch64__)
	__asm__ volatile("dmb ish" ::: "memory");
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

#define A64_MEM_TYPE(bits)                                                    \
	struct a64_raw##bits {                                                \
		uint##bits##_t v;                                             \
	} __attribute__((packed));                                            \
	static A64_RAW uint##bits##_t a64_raw_load##bits(const void *host)    \
	{                                                                     \
		return ((const volatile struct a64_raw##bits *)host)->v;      \
	}                                                                     \
	static A64_RAW void a64_raw_store##bits(void *host, uint##bits##_t v) \
	{                                                                     \
		((volatile struct a64_raw##bits *)host)->v = v;               \
	}
A64_MEM_TYPE(8)
A64_MEM_TYPE(16)
A64_MEM_TYPE(32)
A64_MEM_TYPE(64)
#undef A64_MEM_TYPE

/* The host address of [va, va+size) when the TLB knows it to be readable, else NULL. */
static ALWAYS_INLINE void *a64_tlb_read(struct a64_cpu *cpu, uint64_t va, unsigned size)
{
	const struct a64_tlb_entry *e = &cpu->tlb[(va >> 12) % A64_TLB_ENTRIES];

	if (LIKELY(((va + (size - 1)) & A64_PAGE_TAG) == e->rtag))
		return e->host + (va & 0xFFF);
	return NULL;
}

/* The same for writing. */
static ALWAYS_INLINE void *a64_tlb_write(struct a64_cpu *cpu, uint64_t va, unsigned size)
{
	const struct a64_tlb_entry *e = &cpu->tlb[(va >> 12) % A64_TLB_ENTRIES];

	if (LIKELY(((va + (size - 1)) & A64_PAGE_TAG) == e->wtag))
		return e->host + (va & 0xFFF);
	return NULL;
}

/* a64_load and a64_store of one size, inline. */
#define A64_MEM_ACCESS(bits)                                                        \
	static ALWAYS_INLINE bool a64_load##bits(struct a64_cpu *cpu, uint64_t va,  \
	                                         uint##bits##_t *out)               \
	{                                                                           \
		void *host = a64_tlb_read(cpu, va, bits / 8);                       \
                                                                                    \
		if (UNLIKELY(!host))                                                \
			return a64_load(cpu, va, bits / 8, out);                    \
		*out = a64_raw_load##bits(host);                                    \
		return true;                                                        \
	}                                                                           \
	static ALWAYS_INLINE bool a64_store##bits(struct a64_cpu *cpu, uint64_t va, \
	                                          uint##bits##_t v)                 \
	{                                                                           \
		void *host = a64_tlb_write(cpu, va, bits / 8);                      \
                                                                                    \
		if (UNLIKELY(!host))                                                \
			return a64_store(cpu, va, bits / 8, &v);                    \
		a64_raw_store##bits(host, v);                                       \
		return true;                                                        \
	}
A64_MEM_ACCESS(8)
A64_MEM_ACCESS(16)
A64_MEM_ACCESS(32)
A64_MEM_ACCESS(64)
#undef A64_MEM_ACCESS

#endif
