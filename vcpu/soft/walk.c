/*
 * walk.c: page-table walks (pte.h's format, read from the guest's RAM) and the TLBs.
 *
 * Tables are written by the kernel personality while we read them, so descriptors are read
 * with single atomic loads, and every address in them is checked against the size of RAM: a
 * bad descriptor is an unmapped page, never a host access outside RAM.
 */
#include "vcpu/soft/soft.h"

/* Hierarchical permissions in table descriptors (Arm ARM D8.3.1). */
#define TABLE_NO_USER (1ULL << 61)
#define TABLE_RDONLY  (1ULL << 62)
#define TABLE_UXN     (1ULL << 60)

static bool read_pte(const struct vcpu_ram *ram, uint64_t table, unsigned index, uint64_t *out)
{
	uint64_t at = table + index * 8ULL;

	if (table > ram->size || ram->size - table < PAGE_SIZE)
		return false;
	*out = __atomic_load_n((const uint64_t *)(const void *)(ram->base + at), __ATOMIC_ACQUIRE);
	return true;
}

bool soft_walk(const struct vcpu_space *space, uint64_t va, struct soft_pte *out)
{
	const struct vcpu_ram *ram = &space->engine->ram;
	uint64_t table = space->root & PTE_ADDR_MASK;
	uint64_t inherited = 0;
	uint64_t pte;
	int level;

	if (va >> 48)
		return false;
	for (level = 0;; level++) {
		if (!read_pte(ram, table, pte_index(va, level), &pte) || !(pte & PTE_VALID))
			return false;
		if (level == 3 || !(pte & PTE_TABLE))
			break;
		inherited |= pte;
		table = pte & PTE_ADDR_MASK;
	}
	if (level == 0 || (level == 3 && !(pte & PTE_TABLE)) || !(pte & PTE_AF))
		return false;
	uint64_t span = 1ULL << (PAGE_SHIFT + 9 * (3 - level));
	uint64_t pa = (pte & PTE_ADDR_MASK & ~(span - 1)) | (va & (span - 1) & PAGE_MASK);

	if (pa > ram->size || ram->size - pa < PAGE_SIZE)
		return false;
	out->pa = pa;
	out->read = (pte & PTE_USER) && !(inherited & TABLE_NO_USER);
	out->write = out->read && !(pte & PTE_RDONLY) && !(inherited & TABLE_RDONLY);
	out->exec = !(pte & PTE_UXN) && !(inherited & TABLE_UXN);
	return true;
}

static void fill(struct vcpu *v, uint64_t va, const struct soft_pte *pte)
{
	struct a64_tlb_entry *e = &v->cpu.tlb[(va >> PAGE_SHIFT) % A64_TLB_ENTRIES];
	uint64_t tag = va & A64_PAGE_TAG;

	e->rtag = pte->read ? tag : A64_TLB_EMPTY;
	e->wtag = pte->write ? tag : A64_TLB_EMPTY;
	e->host = v->engine->ram.base + pte->pa;
	e->addend = (uint64_t)(uintptr_t)e->host - tag;
	v->tlb_used = true;
}

static bool permits(const struct soft_pte *pte, enum vcpu_access access)
{
	switch (access) {
	case VCPU_READ:
		return pte->read;
	case VCPU_WRITE:
		return pte->write;
	case VCPU_EXEC:
		return pte->exec;
	}
	return false;
}

/* A resolver that reports success without permitting the access must not hold the thread for
 * ever: after so many rounds a kick gets through. */
#define PATIENT_ROUNDS 16

bool soft_translate(struct vcpu *v, uint64_t va, enum vcpu_access access, uint64_t *pa)
{
	struct soft_pte pte;
	uint64_t shown = a64_untagged(va);

	if (access != VCPU_EXEC)
		va &= A64_VA_MASK;
	for (unsigned round = 0;; round++) {
		if (soft_walk(v->space, va, &pte) && permits(&pte, access))
			break;
		if (round > PATIENT_ROUNDS &&
		    (__atomic_load_n(&v->cpu.poll, __ATOMIC_RELAXED) & SOFT_POLL_KICK)) {
			__atomic_fetch_and(&v->cpu.poll, ~(uint32_t)SOFT_POLL_KICK,
			                   __ATOMIC_RELAXED);
			v->cpu.exit.kind = VCPU_EXIT_KICKED;
			return false;
		}
		soft_leave_guest(v);
		int code = v->space->resolve(v->space->opaque, va, access);
		soft_enter_guest(v);
		if (code != 0) {
			v->cpu.exit.kind = VCPU_EXIT_FAULT;
			v->cpu.exit.access = access;
			v->cpu.exit.fault_code = code;
			v->cpu.exit.addr = shown;
			return false;
		}
	}
	fill(v, va, &pte);
	if (UNLIKELY(v->window_missed) && access != VCPU_EXEC) {
		v->window_missed = false;
		(void)!soft_window_fill(v, va, access);
	}
	*pa = pte.pa;
	return true;
}

void soft_tlb_flush(struct vcpu *v)
{
	if (!v->tlb_used)
		return;
	for (unsigned i = 0; i < A64_TLB_ENTRIES; i++) {
		v->cpu.tlb[i].rtag = A64_TLB_EMPTY;
		v->cpu.tlb[i].wtag = A64_TLB_EMPTY;
	}
	for (unsigned i = 0; i < ITLB_ENTRIES; i++)
		v->itlb[i].va = A64_TLB_EMPTY;
	soft_jit_forget_targets(v);
	v->tlb_used = false;
}

void soft_tlb_forget(struct vcpu *v, uint64_t va, uint64_t len)
{
	uint64_t first = va & PAGE_MASK;
	uint64_t pages;

	if (len == 0 || !v->tlb_used)
		return;
	pages = ((va - first + len - 1) >> PAGE_SHIFT) + 1;
	if (len > ITLB_ENTRIES * PAGE_SIZE || va + len < va) {
		soft_tlb_flush(v);
		return;
	}
	for (; pages; pages--, first += PAGE_SIZE) {
		struct a64_tlb_entry *e = &v->cpu.tlb[(first >> PAGE_SHIFT) % A64_TLB_ENTRIES];
		struct soft_itlb_entry *i = &v->itlb[(first >> PAGE_SHIFT) % ITLB_ENTRIES];

		if (e->rtag == first || e->wtag == first)
			e->rtag = e->wtag = A64_TLB_EMPTY;
		if (i->va == first)
			i->va = A64_TLB_EMPTY;
		soft_jit_forget_page(v, first);
	}
}
