/*
 * mem.c: guest accesses that the inline path of a64/mem.h cannot do: TLB misses, accesses
 * across pages, host pointers for atomics, cache maintenance.
 *
 * An access across two pages needs both at once.  Looking up the second may run the resolver,
 * during which the first page's entry can be taken away by another thread, so a pair of
 * lookups is repeated until both stand together; nothing can take them away after that before
 * the next block boundary.
 */
#include "vcpu/a64/mem.h"
#include "vcpu/soft/soft.h"

/* The host address of va's byte with the given right: by the TLB, else by a walk. */
static uint8_t *host_of(struct vcpu *v, uint64_t va, enum vcpu_access access)
{
	uint8_t *host =
	    access == VCPU_WRITE ? a64_tlb_write(&v->cpu, va, 1) : a64_tlb_read(&v->cpu, va, 1);
	uint64_t pa;

	if (host)
		return host;
	if (!soft_translate(v, va, access, &pa))
		return NULL;
	return v->engine->ram.base + pa + (va & (PAGE_SIZE - 1));
}

/* The two parts of [va, va+size), size <= a page; the second is empty inside one page. */
struct span {
	uint8_t *host[2];
	unsigned len[2];
};

static bool map_span(struct vcpu *v, uint64_t va, unsigned size, enum vcpu_access access,
                     struct span *s)
{
	uint64_t room = PAGE_SIZE - (va & (PAGE_SIZE - 1));

	s->len[0] = size <= room ? size : (unsigned)room;
	s->len[1] = size - s->len[0];
	for (;;) {
		s->host[0] = host_of(v, va, access);
		if (!s->host[0])
			return false;
		if (s->len[1] == 0)
			return true;
		uint64_t second = va + s->len[0];

		s->host[1] = access == VCPU_WRITE ? a64_tlb_write(&v->cpu, second, 1)
		                                  : a64_tlb_read(&v->cpu, second, 1);
		if (s->host[1])
			return true;
		s->host[1] = host_of(v, second, access);
		if (!s->host[1])
			return false;
	}
}

static void copy_out(void *out, const uint8_t *host, unsigned len)
{
	uint8_t *to = out;

	for (unsigned i = 0; i < len; i++)
		to[i] = a64_raw_load8(host + i);
}

static void copy_in(uint8_t *host, const void *in, unsigned len)
{
	const uint8_t *from = in;

	for (unsigned i = 0; i < len; i++)
		a64_raw_store8(host + i, from[i]);
}

static void load_inside(const uint8_t *host, unsigned size, void *out)
{
	uint64_t half[2];

	switch (size) {
	case 1:
		*(uint8_t *)out = a64_raw_load8(host);
		break;
	case 2: {
		uint16_t v = a64_raw_load16(host);
		memcpy(out, &v, 2);
		break;
	}
	case 4: {
		uint32_t v = a64_raw_load32(host);
		memcpy(out, &v, 4);
		break;
	}
	case 8:
		half[0] = a64_raw_load64(host);
		memcpy(out, half, 8);
		break;
	case 16:
		half[0] = a64_raw_load64(host);
		half[1] = a64_raw_load64(host + 8);
		memcpy(out, half, 16);
		break;
	default:
		copy_out(out, host, size);
	}
}

static void store_inside(uint8_t *host, unsigned size, const void *in)
{
	uint64_t half[2];

	switch (size) {
	case 1:
		a64_raw_store8(host, *(const uint8_t *)in);
		break;
	case 2: {
		uint16_t v;
		memcpy(&v, in, 2);
		a64_raw_store16(host, v);
		break;
	}
	case 4: {
		uint32_t v;
		memcpy(&v, in, 4);
		a64_raw_store32(host, v);
		break;
	}
	case 8:
		memcpy(half, in, 8);
		a64_raw_store64(host, half[0]);
		break;
	case 16:
		memcpy(half, in, 16);
		a64_raw_store64(host, half[0]);
		a64_raw_store64(host + 8, half[1]);
		break;
	default:
		copy_in(host, in, size);
	}
}

bool a64_load(struct a64_cpu *cpu, uint64_t va, unsigned size, void *out)
{
	struct span s;

	if (!map_span(soft_vcpu(cpu), va, size, VCPU_READ, &s))
		return false;
	if (s.len[1] == 0) {
		load_inside(s.host[0], size, out);
		return true;
	}
	copy_out(out, s.host[0], s.len[0]);
	copy_out((uint8_t *)out + s.len[0], s.host[1], s.len[1]);
	return true;
}

bool a64_store(struct a64_cpu *cpu, uint64_t va, unsigned size, const void *in)
{
	struct span s;

	if (!map_span(soft_vcpu(cpu), va, size, VCPU_WRITE, &s))
		return false;
	if (s.len[1] == 0) {
		store_inside(s.host[0], size, in);
		return true;
	}
	copy_in(s.host[0], in, s.len[0]);
	copy_in(s.host[1], (const uint8_t *)in + s.len[0], s.len[1]);
	return true;
}

bool a64_probe_write(struct a64_cpu *cpu, uint64_t va, unsigned size)
{
	struct span s;

	return map_span(soft_vcpu(cpu), va, size, VCPU_WRITE, &s);
}

void *a64_atomic_ptr(struct a64_cpu *cpu, uint64_t va, unsigned size, unsigned access)
{
	struct vcpu *v = soft_vcpu(cpu);
	struct soft_pte pte;
	void *host;

	if (va & (size - 1)) {
		(void)a64_misaligned(cpu, va);
		cpu->exit.access = access & VCPU_READ ? VCPU_READ : VCPU_WRITE;
		return NULL;
	}
	host = host_of(v, va, access & VCPU_WRITE ? VCPU_WRITE : VCPU_READ);
	if (!host && (access & VCPU_READ) && cpu->exit.kind == VCPU_EXIT_FAULT &&
	    !(soft_walk(v->space, va & A64_VA_MASK, &pte) && pte.read))
		cpu->exit.access = VCPU_READ;
	return host;
}

enum a64_next a64_misaligned(struct a64_cpu *cpu, uint64_t va)
{
	cpu->exit.kind = VCPU_EXIT_ALIGNMENT;
	cpu->exit.access = 0;
	cpu->exit.addr = a64_untagged(va);
	return A64_STOP;
}

enum a64_next a64_undefined(struct a64_cpu *cpu, const struct a64_op *op)
{
	cpu->exit.kind = VCPU_EXIT_UNDEFINED;
	cpu->exit.insn = op->word;
	return A64_STOP;
}

bool a64_icache_line(struct a64_cpu *cpu, uint64_t va)
{
	struct vcpu *v = soft_vcpu(cpu);
	uint64_t pa;

	if (!soft_translate(v, va, VCPU_READ, &pa))
		return false;
	vcpu_ram_changed(v->engine, pa | (va & (PAGE_SIZE - ICACHE_LINE)), ICACHE_LINE);
	return true;
}
