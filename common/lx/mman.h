/*
 * mman.h: numbers of the guest's memory calls.  mmap(2), mremap(2), madvise(2), msync(2),
 * mlock(2); values of the generic ABI, which arm64 and amd64 share.
 */
#ifndef COMMON_LX_MMAN_H
#define COMMON_LX_MMAN_H

#define LX_PROT_NONE      0x0u
#define LX_PROT_READ      0x1u
#define LX_PROT_WRITE     0x2u
#define LX_PROT_EXEC      0x4u
#define LX_PROT_SEM       0x8u
#define LX_PROT_BTI       0x10u /* arm64; only with HWCAP2_BTI */
#define LX_PROT_MTE       0x20u /* arm64; only with HWCAP2_MTE */
#define LX_PROT_GROWSDOWN 0x01000000u
#define LX_PROT_GROWSUP   0x02000000u
#define LX_PROT_RWX       (LX_PROT_READ | LX_PROT_WRITE | LX_PROT_EXEC)

#define LX_MAP_SHARED          0x01u
#define LX_MAP_PRIVATE         0x02u
#define LX_MAP_SHARED_VALIDATE 0x03u
#define LX_MAP_TYPE            0x0fu
#define LX_MAP_FIXED           0x10u
#define LX_MAP_ANONYMOUS       0x20u
#define LX_MAP_GROWSDOWN       0x0100u
#define LX_MAP_DENYWRITE       0x0800u
#define LX_MAP_EXECUTABLE      0x1000u
#define LX_MAP_LOCKED          0x2000u
#define LX_MAP_NORESERVE       0x4000u
#define LX_MAP_POPULATE        0x8000u
#define LX_MAP_NONBLOCK        0x10000u
#define LX_MAP_STACK           0x20000u
#define LX_MAP_HUGETLB         0x40000u
#define LX_MAP_SYNC            0x80000u
#define LX_MAP_FIXED_NOREPLACE 0x100000u
#define LX_MAP_UNINITIALIZED   0x4000000u

#define LX_MREMAP_MAYMOVE   1u
#define LX_MREMAP_FIXED     2u
#define LX_MREMAP_DONTUNMAP 4u

#define LX_MS_ASYNC      1
#define LX_MS_INVALIDATE 2
#define LX_MS_SYNC       4

#define LX_MCL_CURRENT   1
#define LX_MCL_FUTURE    2
#define LX_MCL_ONFAULT   4
#define LX_MLOCK_ONFAULT 1u

enum lx_madvise {
	LX_MADV_NORMAL = 0,
	LX_MADV_RANDOM = 1,
	LX_MADV_SEQUENTIAL = 2,
	LX_MADV_WILLNEED = 3,
	LX_MADV_DONTNEED = 4,
	LX_MADV_FREE = 8,
	LX_MADV_REMOVE = 9,
	LX_MADV_DONTFORK = 10,
	LX_MADV_DOFORK = 11,
	LX_MADV_MERGEABLE = 12,
	LX_MADV_UNMERGEABLE = 13,
	LX_MADV_HUGEPAGE = 14,
	LX_MADV_NOHUGEPAGE = 15,
	LX_MADV_DONTDUMP = 16,
	LX_MADV_DODUMP = 17,
	LX_MADV_WIPEONFORK = 18,
	LX_MADV_KEEPONFORK = 19,
	LX_MADV_COLD = 20,
	LX_MADV_PAGEOUT = 21,
	LX_MADV_POPULATE_READ = 22,
	LX_MADV_POPULATE_WRITE = 23,
	LX_MADV_DONTNEED_LOCKED = 24,
	LX_MADV_COLLAPSE = 25,
};

#endif
