/*
 * mm.h: guest address spaces.  Guest-physical memory is one arena of 4 KiB frames with
 * reference counts; an address space is a set of VMAs and a page table in the hardware's
 * format (vcpu/pte.h) over that arena, filled on demand.
 */
#ifndef SUPERVISOR_MM_MM_H
#define SUPERVISOR_MM_MM_H

#include "common/base.h"
#include "supervisor/mm/uaccess.h"
#include "vcpu/vcpu.h"

struct arena;
struct file;
struct guest;
struct mm;
struct task;
struct pagecache;

/* The arena: limit_bytes is the guest's memory limit (--memory), beyond which allocation
 * fails with -LX_ENOMEM. */
int arena_new(uint64_t limit_bytes, struct arena **out) MUST_CHECK;
void arena_free(struct arena *a);
void arena_ram(const struct arena *a, struct vcpu_ram *out);
/* Tells the arena which engine to inform when a frame that held code changes hands. */
void arena_set_engine(struct arena *a, struct vcpu_engine *engine);
struct arena_stats {
	uint64_t frames_total, frames_used, frames_cache;
};
void arena_get_stats(struct arena *a, struct arena_stats *out);
/* Frames: physical address, a multiple of 4096.  frame_new gives one reference. */
int frame_new(struct arena *a, bool zeroed, uint64_t *pa) MUST_CHECK;
void frame_get(struct arena *a, uint64_t pa);
void frame_put(struct arena *a, uint64_t pa);
void *frame_host(const struct arena *a, uint64_t pa);

/* Address spaces, reference counted. */
int mm_new(struct guest *g, struct mm **out) MUST_CHECK;
struct mm *mm_get(struct mm *mm);
void mm_put(struct mm *mm);
/* A copy-on-write copy (fork). */
int mm_fork(struct mm *mm, struct mm **out) MUST_CHECK;
struct vcpu_space *mm_space(struct mm *mm);
struct guest *mm_guest(struct mm *mm);

/* VMA protections and flags use the guest's PROT_* and MAP_* numbers (common/lx/mman.h). */
/* mmap(2): returns the address or a negative errno.  file may be NULL; a reference is taken. */
int64_t mm_map(struct mm *mm, uint64_t addr, uint64_t len, uint32_t prot, uint32_t flags,
               struct file *file, uint64_t offset) MUST_CHECK;
int64_t mm_unmap(struct mm *mm, uint64_t addr, uint64_t len) MUST_CHECK;
int64_t mm_protect(struct mm *mm, uint64_t addr, uint64_t len, uint32_t prot) MUST_CHECK;
int64_t mm_remap(struct mm *mm, uint64_t addr, uint64_t old_len, uint64_t new_len, uint32_t flags,
                 uint64_t new_addr) MUST_CHECK;
/* remap_file_pages(2): shows the shared mapping's object from page number pgoff on. */
int64_t mm_remap_file(struct mm *mm, uint64_t addr, uint64_t len, uint64_t pgoff) MUST_CHECK;
int64_t mm_advise(struct mm *mm, uint64_t addr, uint64_t len, int advice) MUST_CHECK;
int64_t mm_sync(struct mm *mm, uint64_t addr, uint64_t len, int flags) MUST_CHECK;
int64_t mm_brk(struct mm *mm, uint64_t addr);
/* mlock(2), mlock2(2), munlock(2); and mlockall(2), munlockall(2) (neither current nor future). */
int64_t mm_lock(struct mm *mm, uint64_t addr, uint64_t len, bool lock, bool on_fault) MUST_CHECK;
int64_t mm_lock_all(struct mm *mm, bool current, bool future, bool on_fault) MUST_CHECK;
/* Is every page of the range mapped, with whatever permissions? */
bool mm_is_mapped(struct mm *mm, uint64_t addr, uint64_t len);
/* mincore(2) for pages from addr on: a byte for each, 1 if it is in memory.  -LX_ENOMEM for
 * memory that is not mapped. */
int64_t mm_residency(struct mm *mm, uint64_t addr, uint64_t pages, uint8_t *vec) MUST_CHECK;

/* Why an access was refused; also vcpu_exit.fault_code. */
enum mm_fault { MM_FAULT_OK, MM_FAULT_MAPERR, MM_FAULT_ACCERR, MM_FAULT_BUS, MM_FAULT_OOM };
enum mm_fault mm_fault(struct mm *mm, uint64_t va, enum vcpu_access access);

/* The identity of a futex word: equal for all mappings of the same shared memory, and private
 * to the address space for private memory.  0, -LX_EFAULT, -LX_EINVAL (unaligned). */
struct futex_key {
	uint64_t object; /* mm, or page cache identity */
	uint64_t offset;
};
int mm_futex_key(struct mm *mm, struct guest_ptr p, bool private_flag,
                 struct futex_key *out) MUST_CHECK;

/* Limits of the process that the address space has to respect, in bytes (UINT64_MAX: none):
 * RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_MEMLOCK.  To be set after exec and fork and when
 * setrlimit changes them. */
void mm_set_limits(struct mm *mm, uint64_t as, uint64_t data, uint64_t stack, uint64_t memlock);

/* Figures for /proc/PID/{stat,statm,status}, in bytes. */
struct mm_usage {
	uint64_t peak_total, peak_resident; /* the largest that total and resident have been */
	uint64_t library, tables;           /* executable mappings but the program's; page tables */
	uint64_t total, resident, shared, text, data, stack, locked, brk_start, brk, stack_start;
	uint64_t code_start, code_end, arg_start, arg_end, env_start, env_end;
};
void mm_get_usage(struct mm *mm, struct mm_usage *out);
/* The auxiliary vector that the program got, in words; how many of out were filled. */
#define MM_AUXV_WORDS 64u
unsigned mm_get_auxv(struct mm *mm, uint64_t out[MM_AUXV_WORDS]);
/* Visits VMAs in order with mm.lock held shared, for /proc/PID/maps: visit must not touch the
 * guest's memory, nor mm again.  Return non-zero to stop. */
struct mm_vma_info {
	uint64_t start, end, offset;
	uint32_t prot, flags;
	struct file *file; /* borrowed; may be NULL */
	const char *label; /* "[heap]", "[stack]", "[vdso]" or NULL */
	/* Of the pages that are there, in bytes. */
	struct mm_pages {
		uint64_t resident, proportional;      /* proportional: each divided by its users */
		uint64_t anonymous, anonymous_shared; /* its own; of those, in use elsewhere too */
		uint64_t dirty_shared, clean_shared;  /* of files, in use elsewhere too */
		uint64_t dirty_private, clean_private;
	} pages;
};
void mm_for_each_vma(struct mm *mm, int (*visit)(void *opaque, const struct mm_vma_info *v),
                     void *opaque);

/*
 * exec: builds a new address space for the program in file (ELF only; scripts are resolved by
 * the caller, task/exec.c).  open_interp opens PT_INTERP for it.  On success *regs holds the
 * initial registers.  Errors: -LX_ENOEXEC, -LX_ENOMEM, -LX_E2BIG, and those of reading; nothing
 * of the old process was touched.
 */
struct exec_image {
	struct file *file;
	struct file *interp; /* filled by the loader through open_interp; the caller puts it */
	char *const *argv;
	char *const *envp;
	const char *execfn;
	uint32_t uid, euid, gid, egid;
	bool secure; /* AT_SECURE */
	uint64_t stack_limit;
};
int mm_exec(struct guest *g, struct task *t, struct exec_image *img,
            int (*open_interp)(struct task *t, const char *path, struct file **out),
            struct mm **out, struct a64_regs *regs) MUST_CHECK;
/* Where the signal return code of the vDSO lies in this mm. */
uint64_t mm_sigreturn_trampoline(struct mm *mm);

/*
 * Page cache of one mappable object (a regular file, memfd, shared anonymous memory).
 * Its owner (an inode) gives the operations; pages exist from the first mapping on, and read(2)
 * and write(2) of the object go through pagecache_read/_write while pages exist.
 */
struct pagecache_ops {
	/* Fills a page (4096 bytes, zeroed) from offset; bytes read, or negative errno. */
	int64_t (*read_page)(void *owner, uint64_t offset, void *page);
	/* Writes n bytes of a dirty page back. */
	int64_t (*write_page)(void *owner, uint64_t offset, const void *page, uint64_t n);
	/* The object's size in bytes now. */
	uint64_t (*size)(void *owner);
	/* Optional: fills up to n bytes (a multiple of the page size, at most 64 KiB) from offset,
	 * which saves calls when neighbouring pages are wanted; bytes read, or negative errno. */
	int64_t (*read_run)(void *owner, uint64_t offset, void *buf, uint64_t n);
	/* Optional, and needed by owners whose storage is also written past the cache: the lock
	 * (inode.lock) that such writers and truncation hold.  Filling and write-back take it. */
	void (*lock)(void *owner);
	void (*unlock)(void *owner);
};
/* memory_only: pages are the object's only storage (tmpfs, memfd): never dropped before truncation.
 */
int pagecache_new(struct arena *a, const struct pagecache_ops *ops, void *owner, bool memory_only,
                  struct pagecache **out) MUST_CHECK;
void pagecache_free(struct pagecache *pc);
/* True when any page is present (so that read and write must go through it). */
bool pagecache_active(const struct pagecache *pc);
/* Reads up to the object's size; bytes, or negative errno for nothing.  Without the owner's lock.
 */
int64_t pagecache_read(struct pagecache *pc, uint64_t offset, struct uio *u, uint64_t n) MUST_CHECK;
/*
 * Writes, through to the owner's storage (unless memory_only).  Call with the owner's lock held;
 * the owner raises its size afterwards.  As guest memory must not fault under that lock, the
 * result is short, or -LX_EFAULT for nothing, when guest memory of u is not present: the caller
 * calls uio_prefault before it takes the lock, and again, without the lock, on a short result.
 */
int64_t pagecache_write(struct pagecache *pc, uint64_t offset, struct uio *u,
                        uint64_t n) MUST_CHECK;
/* Drops (and unmaps from every address space) whole pages from size on, zeroes the tail.  With
 * the owner's lock held and its size lowered already. */
void pagecache_truncate(struct pagecache *pc, uint64_t size);
/* The same for a range in the middle, which reads as zeroes afterwards. */
void pagecache_punch(struct pagecache *pc, uint64_t offset, uint64_t len);
/* Writes dirty pages back; without the owner's lock, and with it. */
int pagecache_sync(struct pagecache *pc, uint64_t offset, uint64_t len) MUST_CHECK;
int pagecache_sync_locked(struct pagecache *pc, uint64_t offset, uint64_t len) MUST_CHECK;
/* The frame of page number index, with a reference, read in if need be; without the owner's
 * lock.  -LX_ENXIO beyond the object's end. */
int pagecache_get_page(struct pagecache *pc, uint64_t index, uint64_t *pa) MUST_CHECK;
/* Which page from index on is there, for SEEK_DATA and mincore: its index, or UINT64_MAX. */
uint64_t pagecache_next_page(struct pagecache *pc, uint64_t index);
/* Pages there now. */
uint64_t pagecache_pages(const struct pagecache *pc);
/* Shared mappings through which it may be written now (F_SEAL_WRITE). */
uint32_t pagecache_writable_maps(struct pagecache *pc);

#endif
