/*
 * internal.h: an address space from the inside, shared by the files of mm/ only.
 *
 * mm.lock protects the VMAs and the layout: shared for faults, exclusive for changes.  Page-table
 * entries are written with pt_lock held (and mm.lock at least shared, or, by the page cache when
 * it takes pages away, the lock of that cache); they are read without locks by CPUs and by
 * uaccess.c.  Tables are freed only with mm.lock held exclusively.  A frame may be reused only
 * after pt_gather_finish, when no CPU and no copy in progress can still reach it.
 */
#ifndef SUPERVISOR_MM_INTERNAL_H
#define SUPERVISOR_MM_INTERNAL_H

#include <pthread.h>

#include "common/base.h"
#include "common/list.h"
#include "common/lx/errno.h"
#include "common/lx/mman.h"
#include "supervisor/guest.h"
#include "supervisor/mm/frames.h"
#include "supervisor/mm/mm.h"
#include "supervisor/mm/pagecache.h"
#include "supervisor/mm/vdso.h"
#include "vcpu/pte.h"

/* User addresses are below 1 << 48, the default of arm64 kernels, or below 1 << 39, another of
 * their choices, when the engine likes that better. */
#define MM_TASK_SIZE_MAX (1ULL << 48)
#define MM_MIN_ADDR    0x10000ULL /* vm.mmap_min_addr */
#define MM_MAX_MAPS    65530u     /* vm.max_map_count */
#define MM_STACK_GUARD (256 * PAGE_SIZE)
#define MM_TABLE_SPAN  (1ULL << 21) /* what one table of the last level covers */

/* Flags of a VMA.  The first three equal LX_PROT_*. */
#define VM_READ      0x1u
#define VM_WRITE     0x2u
#define VM_EXEC      0x4u
#define VM_RWX       0x7u
#define VM_SHARED    0x8u
#define VM_MAYREAD   0x10u
#define VM_MAYWRITE  0x20u
#define VM_MAYEXEC   0x40u
#define VM_MAYRWX    0x70u
#define VM_GROWSDOWN 0x100u
#define VM_LOCKED    0x200u
#define VM_NORESERVE 0x400u
#define VM_DONTCOPY  0x800u
#define VM_WIPEFORK  0x1000u
#define VM_DONTDUMP  0x2000u
#define VM_SPECIAL   0x4000u /* vDSO: never merged, resized by nobody */
#define VM_HUGEPAGE  0x8000u
#define VM_NOHUGE    0x10000u
#define VM_SEQ_READ  0x20000u
#define VM_RAND_READ 0x40000u
#define VM_LOCKONFLT 0x80000u

struct vma {
	struct mm *mm;
	uint64_t start, end; /* multiples of the page size; start < end */
	uint64_t offset;     /* of start in the cache, in bytes */
	uint32_t flags;
	struct file *file;       /* a reference, or NULL */
	struct pagecache *cache; /* a reference; NULL: private anonymous memory */
	const char *label;       /* static, or NULL */

	struct list_head link;     /* vma_set.list, by address */
	struct list_head map_link; /* pagecache.maps */

	/* Treap by start, with what the search for free room needs about each subtree. */
	struct vma *left, *right;
	uint32_t priority;
	uint64_t sub_min, sub_max; /* first and last byte + 1 taken */
	uint64_t sub_gap;          /* the largest hole between members */
};

struct vma_set {
	struct vma *root;
	struct list_head list;
	uint32_t count;
	uint32_t seed;
};

struct mm_limits {
	uint64_t as, data, stack, memlock; /* atomic; bytes; UINT64_MAX: none */
};

struct mm {
	uint32_t refs; /* atomic */
	struct guest *guest;
	struct arena *arena;
	struct vcpu_space *space; /* NULL when the guest has no engine (unit tests) */
	uint64_t id;              /* never reused: identity of private futexes */
	uint64_t root;            /* physical address of the level-0 table */

	pthread_rwlock_t lock;
	struct vma_set vmas;
	uint64_t task_size, mmap_top, mmap_floor, stack_top;
	uint64_t brk_start, brk, brk_limit;
	uint64_t stack_start, code_start, code_end, arg_start, arg_end, env_start, env_end;
	uint64_t vdso_base;
	uint64_t auxv[MM_AUXV_WORDS]; /* as execve left it, for /proc/PID/auxv */
	unsigned auxv_words;
	uint64_t total_pages, data_pages, exec_pages, stack_pages, locked_pages;
	uint64_t peak_pages; /* total_pages, up to the last time it shrank */
	uint32_t lock_future; /* VM_LOCKED | VM_LOCKONFLT after mlockall(MCL_FUTURE) */
	struct mm_limits limits;

	pthread_mutex_t pt_lock;
	int64_t rss_anon, rss_file; /* atomic; pages */
	int64_t peak_rss;           /* atomic; pages, up to the last time some were taken away */
	int64_t table_frames;       /* pt_lock */
	uint64_t barrier;           /* atomic; see uaccess_synchronize */
};

/* vma.c: the set of VMAs of one address space; with mm.lock held exclusively for changes. */
void vma_set_init(struct vma_set *s);
void vma_insert(struct vma_set *s, struct vma *v);
void vma_remove(struct vma_set *s, struct vma *v);
/* Tells the tree that v's bounds moved, without passing a neighbour. */
void vma_resized(struct vma_set *s, struct vma *v);
/* The first VMA that ends above addr, or NULL: it holds addr if its start is not above. */
struct vma *vma_find(const struct vma_set *s, uint64_t addr);
struct vma *vma_next(const struct vma_set *s, const struct vma *v);
struct vma *vma_prev(const struct vma_set *s, const struct vma *v);
/* Free room of len bytes in [floor, top), as high or as low as possible; 0 if there is none. */
uint64_t vma_room_high(const struct vma_set *s, uint64_t len, uint64_t floor, uint64_t top);
uint64_t vma_room_low(const struct vma_set *s, uint64_t len, uint64_t floor, uint64_t top);

/* Page tables: pgtable.c.  An entry of 0 is empty; a present one that lacks PTE_VALID belongs to
 * a mapping without any permission. */
#define PTE_SW_ANON (1ULL << 55) /* the process's own page, not one of a page cache */
#define PTE_SW_NONE (1ULL << 56) /* present, but PROT_NONE */

static inline uint64_t pte_load(const uint64_t *slot)
{
	return __atomic_load_n(slot, __ATOMIC_SEQ_CST);
}
static inline void pte_store(uint64_t *slot, uint64_t pte)
{
	__atomic_store_n(slot, pte, __ATOMIC_RELEASE);
}
static inline uint64_t pte_frame(uint64_t pte)
{
	return pte & PTE_ADDR_MASK;
}
static inline bool pte_writable(uint64_t pte)
{
	return (pte & (PTE_VALID | PTE_RDONLY)) == PTE_VALID;
}
/* The entry for a frame in a VMA with these flags; own: PTE_SW_ANON or 0. */
uint64_t pte_make(uint64_t pa, uint32_t vm_flags, uint64_t own, bool writable);

/* Frames that leave an address space, kept until nobody can reach them. */
#define GATHER_CHUNK 510u
struct gather_chunk {
	struct gather_chunk *next;
	uint64_t n;
	uint64_t pa[GATHER_CHUNK];
};
struct pt_gather {
	struct mm *mm;
	struct gather_chunk *chunks;
	struct gather_chunk first_small; /* no allocation for small ranges */
	uint64_t lo, hi;                 /* addresses whose entries were removed or restricted */
};
void pt_gather_init(struct pt_gather *g, struct mm *mm);
/* Entries of [va, va+len) were removed or restricted. */
void pt_gather_range(struct pt_gather *g, uint64_t va, uint64_t len);
/* A frame to put at the end. */
void pt_gather_frame(struct pt_gather *g, uint64_t pa);
/* Makes the changes known to CPUs and copies, then puts the frames. */
void pt_gather_finish(struct pt_gather *g);

int pt_init(struct mm *mm) MUST_CHECK;
/* Frees everything; nobody runs in the address space any more. */
void pt_release(struct mm *mm);
/* The entry of va, or NULL if its table does not exist.  With pt_lock or mm.lock held, or inside
 * a section of uaccess.c. */
uint64_t *pt_slot(struct mm *mm, uint64_t va);
/* The same, making tables as needed; NULL: no memory.  With pt_lock held. */
uint64_t *pt_slot_create(struct mm *mm, uint64_t va);
/* The last-level table that covers va; if there is none, NULL.  *next: where to go on. */
uint64_t *pt_table(struct mm *mm, uint64_t va, uint64_t *next);
/* The functions below take pt_lock. */
/* Empties entries, but for those with a bit of keep (PTE_SW_ANON or 0). */
void pt_unmap(struct mm *mm, uint64_t start, uint64_t end, uint64_t keep, struct pt_gather *g);
void pt_write_protect(struct mm *mm, uint64_t start, uint64_t end, struct pt_gather *g);
/* Frees the tables for [start, end) that cover nothing outside [floor, ceiling), all of which is
 * unmapped; mm.lock exclusive. */
void pt_free_tables(struct mm *mm, uint64_t start, uint64_t end, uint64_t floor, uint64_t ceiling,
                    struct pt_gather *g);
/* New permissions of v's flags for the pages of [start, end) of v. */
void pt_protect(struct vma *v, uint64_t start, uint64_t end, struct pt_gather *g);
int pt_move(struct mm *mm, uint64_t from, uint64_t to, uint64_t len,
            struct pt_gather *g) MUST_CHECK;
int pt_fork(struct mm *child, struct vma *v, struct pt_gather *g) MUST_CHECK;
/* Counts the pages present in [start, end) of v. */
void pt_tally(struct vma *v, uint64_t start, uint64_t end, struct mm_pages *out);
static inline void mm_count_rss(struct mm *mm, uint64_t pte, int64_t n)
{
	__atomic_fetch_add(pte & PTE_SW_ANON ? &mm->rss_anon : &mm->rss_file, n, __ATOMIC_RELAXED);
}

/* Resident pages now; notes the peak, which has to be done before they become fewer. */
int64_t mm_rss(struct mm *mm);

/* uaccess.c: waits until no copy that began before now is still using entries of mm. */
void uaccess_synchronize(struct mm *mm);

/* map.c: one change of the set of VMAs.  mm_edit_begin takes mm.lock exclusively; mm_edit_end
 * gives it back and then releases what the removed VMAs held. */
struct mm_edit {
	struct mm *mm;
	struct list_head dead;
	struct pt_gather gather;
};
void mm_edit_begin(struct mm_edit *e, struct mm *mm);
void mm_edit_end(struct mm_edit *e);
/* Frees a VMA that is in no tree and no page cache's list; without locks. */
void mm_vma_free(struct vma *v);
/* Cuts v at addr; the upper part is new.  -LX_ENOMEM also for too many mappings. */
int mm_split(struct mm_edit *e, struct vma *v, uint64_t addr) MUST_CHECK;
/* Cuts so that VMAs begin or end at start and at end. */
int mm_split_range(struct mm_edit *e, uint64_t start, uint64_t end) MUST_CHECK;
/* Joins v with its neighbours where nothing tells them apart; returns what holds v's range. */
struct vma *mm_merge(struct mm_edit *e, struct vma *v);
/* Gives the part [start, end) of *v new flags; *v is the VMA of just that part afterwards,
 * unless nothing changed. */
int mm_change_flags(struct mm_edit *e, struct vma **v, uint64_t start, uint64_t end,
                    uint32_t flags) MUST_CHECK;
/* Removes every mapping in [start, end). */
int mm_clear(struct mm_edit *e, uint64_t start, uint64_t end) MUST_CHECK;
/* A new VMA, linked in and counted; takes references.  NULL: no memory. */
struct vma *mm_add(struct mm_edit *e, uint64_t start, uint64_t end, uint32_t flags,
                   struct file *file, struct pagecache *cache, uint64_t offset);
void mm_set_bounds(struct vma *v, uint64_t start, uint64_t end, uint64_t offset);
void mm_set_flags(struct vma *v, uint32_t flags);
/* Where a mapping of len goes that may be anywhere, hint being a wish (0: none). */
int64_t mm_find_room(struct mm *mm, uint64_t hint, uint64_t len);
/* Would pages more of a mapping with these flags exceed a limit? */
bool mm_may_grow(struct mm *mm, uint32_t flags, uint64_t pages);
/* The same for pages that become private writable memory, RLIMIT_DATA's. */
bool mm_may_grow_data(struct mm *mm, uint64_t pages);
static inline bool range_bad(const struct mm *mm, uint64_t start, uint64_t len)
{
	return len > mm->task_size || start > mm->task_size - len;
}
/* Private writable memory that is no stack: what RLIMIT_DATA counts. */
static inline bool vm_is_data(uint32_t flags)
{
	return (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;
}

/* layout.c: where things go in a new address space: by the guest's seed, or by chance. */
struct mm_layout {
	uint64_t task_size;
	uint64_t stack_top, mmap_top; /* first byte above */
	uint64_t pie_base;            /* of position-independent programs */
	uint64_t brk_offset;          /* from the program's end to its heap */
};
int mm_layout_make(const struct guest *g, uint64_t stack_limit, struct mm_layout *out) MUST_CHECK;

/* fault.c */
/* Makes the pages of [start, end) present as far as they can be; what went wrong first. */
enum mm_fault mm_populate(struct mm *mm, uint64_t start, uint64_t end, bool write);
/* The same for every locked mapping. */
void mm_populate_locked(struct mm *mm);
/* Grows the stack VMA v down to hold addr; mm.lock exclusive. */
int mm_expand_stack(struct mm_edit *e, struct vma *v, uint64_t addr) MUST_CHECK;

/* A file mapping or memory of the loader: like mm_map, with a label and more flags. */
int64_t mm_map_special(struct mm *mm, uint64_t addr, uint64_t len, uint32_t vm_flags,
                       struct pagecache *cache, uint64_t offset, const char *label) MUST_CHECK;

#endif
