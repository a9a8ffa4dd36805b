/*
 * pte.h: stage-1 translation table descriptors, 4 KiB granule, 48-bit addresses,
 * as the hardware reads them (Arm ARM D8.3).  Software bits 55..58 are the
 * kernel personality's own.
 */
#ifndef VCPU_PTE_H
#define VCPU_PTE_H

#include "common/base.h"

#define PTE_VALID     (1ULL << 0)
#define PTE_TABLE     (1ULL << 1) /* levels 0..2: a table, not a block; level 3: a page */
#define PTE_ATTR_WB   (0ULL << 2) /* AttrIndx 0: normal write-back memory */
#define PTE_USER      (1ULL << 6) /* AP[1]: EL0 may read */
#define PTE_RDONLY    (1ULL << 7) /* AP[2]: nobody may write */
#define PTE_SH_INNER  (3ULL << 8)
#define PTE_AF        (1ULL << 10)
#define PTE_NG        (1ULL << 11)
#define PTE_PXN       (1ULL << 53)
#define PTE_UXN       (1ULL << 54) /* EL0 may not execute */
#define PTE_ADDR_MASK 0x0000FFFFFFFFF000ULL

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096ULL
#define PAGE_MASK  (~(PAGE_SIZE - 1))

/* Index into the table of a level (0..3) for a virtual address. */
static inline unsigned pte_index(uint64_t va, int level)
{
	return (unsigned)(va >> (PAGE_SHIFT + 9 * (3 - level))) & 511u;
}

#endif
