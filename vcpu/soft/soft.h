/*
 * soft.h: the software CPU's own structures.
 *
 *   engine.c  engines, vCPUs, features
 *   walk.c    page tables and the software TLB
 *   mem.c     the slow path of guest accesses: misses, page crossings, faults
 *   space.c   address spaces, entering and leaving guest execution, TLB shootdown
 *   code.c    decoded blocks by guest-physical page, and their invalidation
 *   interp.c  the interpreter's run loop
 *   jit/      the translator to x86-64, with a run loop of its own
 *
 * Guest execution and shootdown.  A vCPU is "in the guest" while its guest_seq is not 0; it
 * then holds the number of the last invalidation of its space that it has applied.  The
 * resolver runs outside.  vcpu_space_invalidate numbers its request, asks the vCPUs that are
 * inside to come to a block boundary (poll) and waits until each has left or caught up.  A
 * vCPU that enters applies what it missed from the space's ring of recent requests, or
 * empties its TLB when it missed too many.
 *
 * Decoded code.  A page of guest-physical memory from which code ran has a code_page: a
 * pointer to the decoded block for each instruction offset.  Blocks never leave their page, so
 * a branch inside the page is one table lookup, and a block is found alike by every process
 * that maps the page.  A removed block is unreachable for new lookups at once and freed when
 * every vCPU that runs has passed a block boundary (epochs).
 */
#ifndef VCPU_SOFT_SOFT_H
#define VCPU_SOFT_SOFT_H

#include "common/base.h"
#include "common/list.h"
#include "vcpu/a64/a64.h"
#include "vcpu/pte.h"
#include "vcpu/vcpu.h"

#include <pthread.h>

/* Reasons in a64_cpu.poll. */
enum soft_poll {
	SOFT_POLL_KICK = 1,  /* vcpu_kick */
	SOFT_POLL_INVAL = 2, /* the space has new invalidations */
	SOFT_POLL_CODE = 4,  /* the engine has a new code epoch */
	SOFT_POLL_MODE = 8,  /* the space begins or ceases to use its window */
};

#define BLOCK_MAX_OPS  64u
#define PAGE_INSNS     ((unsigned)(PAGE_SIZE / 4))
#define ITLB_ENTRIES   256u
#define INVAL_RING     16u
#define ICACHE_LINE    64u
#define CODE_CACHE_MAX (192ULL << 20)
#define JIT_TARGETS    4096u
#define JIT_PAGE_WORDS 32u
#define JIT_PAGE_IDS   4096u
#define JIT_MXCSR_HOST 0x1F80u /* the default: nearest even, all exceptions masked */

/* A host mapping for each 64 KiB lost this way is likely to be most of a window: a fork. */
#define WINDOW_BIG_LOSS (1ULL << 30)
/* Guest addresses below are in a window. */
#define SOFT_WINDOW_LIMIT (1ULL << 39)

struct soft_window;

/* The engine's windows (jit/window.h). */
struct soft_windows {
	bool enabled, eager;  /* eager: every space has one from the beginning (tests) */
	uint64_t budget;      /* host mappings that all windows together may make */
	uint64_t maps;        /* atomic: they make at most so many */
	pthread_mutex_t lock; /* the list */
	struct list_head list;
	unsigned count;
	uint64_t fills, faults, empties, created; /* atomic; statistics */

	/* The thread that gives windows to those who run much. */
	pthread_t thread;
	pthread_mutex_t heat_lock; /* what follows; asleep is atomic, too */
	pthread_cond_t heat;
	bool has_thread, stop, asleep;
};

/* A decoded run of instructions in one page; immutable once published, but for heat. */
struct soft_block {
	struct soft_block *next; /* in its page's list, or in the retired list; code_lock */
	uint64_t epoch;          /* retired: free when all vCPUs have reached this */
	uint16_t first;          /* instruction number within the page */
	uint16_t count;          /* instructions, without the closing pseudo-op */
	uint32_t heat;           /* atomic; how often the translator's run loop has met it */
	struct a64_op ops[];
};

/* The code decoded from one guest-physical page. */
struct soft_code_page {
	struct soft_block *entry[PAGE_INSNS]; /* atomic; block starting at that instruction */
	struct soft_block *blocks;            /* all blocks of the page; code_lock */
	uint64_t lines;       /* cache lines from which blocks were decoded; code_lock */
	struct jit_page *jit; /* its translations, by address; atomic, code_lock */
	uint64_t pa;
	struct soft_code_page *next; /* all pages, or the retired list; code_lock */
	uint64_t epoch;
};

struct vcpu_engine {
	struct vcpu_ram ram;
	bool specialise; /* use specialised handlers for frequent forms */
	bool jit_eager;  /* translate at once */
	struct jit *jit; /* NULL: everything is interpreted */
	struct soft_windows windows;

	/* By guest-physical page number: the code page or NULL; atomic. */
	struct soft_code_page **code;
	uint64_t code_len; /* elements */

	pthread_mutex_t code_lock; /* below: decoded blocks; taken inside no other lock of ours */
	struct soft_code_page *pages;
	struct soft_block *retired_blocks;
	struct soft_code_page *retired_pages;
	uint64_t code_bytes;    /* live blocks and pages */
	uint64_t retired_bytes; /* waiting to be freed */

	uint64_t code_epoch;        /* atomic; starts at 1, raised when itlbs must be emptied or
	                               retired memory is to be freed; written under code_lock */
	pthread_mutex_t vcpus_lock; /* the list of vCPUs; taken inside code_lock */
	struct list_head vcpus;
};

struct soft_inval {
	uint64_t va, len; /* atomic */
};

struct vcpu_space {
	struct vcpu_engine *engine;
	uint64_t root;
	vcpu_resolve_fn *resolve;
	void *opaque;

	struct soft_window *window; /* atomic; made once, freed with the space */
	bool windowed;              /* atomic: vCPUs are to use the window */
	uint32_t ticks;             /* atomic: running was seen so often since the last big loss */

	pthread_mutex_t lock; /* the list of vCPUs, and one invalidation at a time */
	struct list_head vcpus;

	/* Requests seq-INVAL_RING+1 .. seq stand in the ring at seq % INVAL_RING. */
	uint64_t seq; /* atomic; starts at 1 */
	struct soft_inval ring[INVAL_RING];

	/*
	 * vCPUs that leave or catch up wake the waiting invalidation.  When that waits long
	 * because more vCPUs compute than there are cores, it declares the space crowded: those
	 * that have caught up then sleep until it is done, so that the others get to run.
	 */
	uint32_t waiting; /* atomic */
	uint32_t crowded; /* atomic; cleared under ack_lock */
	pthread_mutex_t ack_lock;
	pthread_cond_t ack;
	pthread_cond_t done;
};

/* Which code page a virtual page executes from. */
struct soft_itlb_entry {
	uint64_t va; /* page address, or A64_TLB_EMPTY */
	struct soft_code_page *page;
};

/* Where a guest address is translated. */
struct jit_target {
	uint64_t pc;
	const void *code;
};

struct vcpu {
	struct a64_cpu cpu;
	/* Translated code's own state (jit/jit.h), own thread only. */
	uint64_t zero;       /* always 0 */
	uint32_t mxcsr;      /* translated code's; that of C is mxcsr_host */
	uint32_t mxcsr_host; /* JIT_MXCSR_HOST */
	bool flush_zero;     /* FPCR.FZ as it was for what stands in target[] */
	uint16_t hflags;     /* NZCV in the host's form while translated code runs */
	union a64_vreg qc;   /* not 0: FPSR.QC is set while translated code runs */
	bool targets_used;   /* something is in target[] */
	uint64_t target_pages[JIT_PAGE_WORDS]; /* a bit per page (modulo) with something in it */
	struct jit_target target[JIT_TARGETS]; /* by instruction number, modulo */
	/* By page number, modulo: the jit_page that stands at a page of the space, or 0. */
	uint32_t page_id[JIT_PAGE_IDS];
	uint64_t frames, frames_end; /* the calls' frames on the host's stack: bottom, limit */
	struct soft_window *window;  /* in use now, or NULL */
	uint64_t window_base, window_limit; /* 0 without one */
	bool window_missed;   /* an access takes its slow path since its page is not mapped */
	unsigned fault_tries; /* how often the instruction was tried again for the page */
	uint64_t fault_pc, fault_page;

	struct vcpu_engine *engine;
	struct vcpu_space *space;
	struct list_head in_space;  /* space->lock */
	struct list_head in_engine; /* engine->vcpus_lock */
	uint64_t guest_seq;         /* atomic; 0: outside, else the last invalidation applied */
	uint64_t run_epoch;         /* atomic; 0: outside vcpu_run, else code epoch reached */
	uint64_t seen_seq;          /* own thread: last invalidation applied to the TLBs */
	uint64_t itlb_epoch;        /* own thread: the epoch from which the itlb's contents are */
	bool tlb_used;              /* something was filled in since it was last emptied */
	bool step;
	struct soft_itlb_entry itlb[ITLB_ENTRIES];
};

static inline struct vcpu *soft_vcpu(struct a64_cpu *cpu)
{
	return container_of(cpu, struct vcpu, cpu);
}

/* walk.c */

/* A translation found in the page tables. */
struct soft_pte {
	uint64_t pa; /* of the page */
	bool read, write, exec;
};
/* Looks va up without calling the resolver; false: nothing is mapped there. */
bool soft_walk(const struct vcpu_space *space, uint64_t va, struct soft_pte *out) MUST_CHECK;
/* Walks, asking the resolver until the access is permitted, and fills the TLB entry.  False:
 * refused, cpu.exit is filled.  The resolver may have run: entries of other pages may be gone. */
bool soft_translate(struct vcpu *v, uint64_t va, enum vcpu_access access, uint64_t *pa) MUST_CHECK;
/* Empties both TLBs / forgets a range. */
void soft_tlb_flush(struct vcpu *v);
void soft_tlb_forget(struct vcpu *v, uint64_t va, uint64_t len);

/* space.c */
void soft_enter_guest(struct vcpu *v);
void soft_leave_guest(struct vcpu *v);
/* At a block boundary, asked by SOFT_POLL_INVAL: applies new invalidations. */
void soft_catch_up(struct vcpu *v);

/* code.c */
/* The code page of a guest-physical page, made when needed; NULL: no memory. */
struct soft_code_page *soft_code_page(struct vcpu_engine *e, uint64_t pa);
/* The block that starts at the instruction, decoded when needed; NULL: no memory. */
struct soft_block *soft_code_block(struct vcpu_engine *e, struct soft_code_page *page,
                                   unsigned insn);
/* Applies a new code epoch to a vCPU: empties its itlb. */
void soft_code_sync(struct vcpu *v);
/* Frees everything; no vCPU may exist. */
void soft_code_release(struct vcpu_engine *e);

/* With code_lock: the oldest epoch that a running vCPU has reached; raises the epoch and asks
 * all vCPUs to reach it; retires all decoded and translated code. */
uint64_t soft_code_oldest_locked(struct vcpu_engine *e);
void soft_code_advance_locked(struct vcpu_engine *e);
void soft_code_flush_locked(struct vcpu_engine *e);

/* interp.c */

/* The page from which a vCPU executes now. */
struct soft_cursor {
	struct soft_code_page *page; /* NULL: not known */
	uint64_t va;                 /* of the page */
};
/* Is pc an instruction of the page?  (Programs may jump to whatever address.) */
static ALWAYS_INLINE bool soft_in_page(const struct soft_cursor *at, uint64_t pc)
{
	return ((pc ^ at->va) & (PAGE_MASK | 3)) == 0 && LIKELY(at->page != NULL);
}
/* Finds the code page for pc, which is first put in canonical form.  False: exit is filled. */
bool soft_fetch_page(struct vcpu *v, struct soft_cursor *at) MUST_CHECK;
/* Work asked for at a block boundary.  False: return to the caller of vcpu_run. */
bool soft_poll_work(struct vcpu *v) MUST_CHECK;
/* Runs a block's handlers; what its last one reported. */
enum a64_next soft_run_block(struct a64_cpu *cpu, const struct soft_block *b);
void soft_interp_run(struct vcpu *v);

/* jit/ */

#if defined(__x86_64__)
#define SOFT_JIT 1
void soft_jit_run(struct vcpu *v);
/* Empties the vCPU's table of targets / when something of va's page may be in it. */
void soft_jit_forget_targets(struct vcpu *v);
void soft_jit_forget_page(struct vcpu *v, uint64_t va);
/* Brings FPSR up to date with what translated code has recorded elsewhere. */
void soft_jit_fpsr(struct vcpu *v);
uint16_t soft_jit_hflags(uint32_t nzcv);
uint32_t soft_jit_nzcv(uint16_t hflags);
/* MXCSR for FPCR, no exception noted yet. */
uint32_t soft_jit_mxcsr(uint32_t fpcr);
/* jit/window.h: at the beginning and at the end of an engine; wakes the thread that gives windows,
 * and ends it. */
void soft_windows_init(struct vcpu_engine *e, const struct vcpu_options *opts);
void soft_windows_release(struct vcpu_engine *e);
void soft_windows_wake(struct vcpu_engine *e);
void soft_windows_cool(struct vcpu_engine *e);
/* Brings the vCPU into its space's mode. */
void soft_window_mode(struct vcpu *v);
/* A space begins and ends; and loses a range, when no vCPU uses what was there before. */
void soft_window_space_new(struct vcpu_space *s);
void soft_window_space_free(struct vcpu_space *s);
void soft_window_invalidate(struct vcpu_space *s, uint64_t va, uint64_t len);
/* Maps the page of va, and what lies around it, in the vCPU's window, if the page tables permit
 * the access.  On its own thread, in the guest.  False: they do not, or it cannot be mapped. */
bool soft_window_fill(struct vcpu *v, uint64_t va, enum vcpu_access access) MUST_CHECK;
/* With code_lock: removes the page's blocks that came from some of its cache lines (true: there
 * were any), or all translations of the page; frees what is older than an epoch. */
bool soft_jit_drop_locked(struct vcpu_engine *e, struct soft_code_page *page, uint64_t lines);
void soft_jit_retire_page_locked(struct vcpu_engine *e, struct soft_code_page *page);
void soft_jit_reclaim_locked(struct vcpu_engine *e, uint64_t oldest);
int soft_jit_new(struct vcpu_engine *e, uint64_t cache_size) MUST_CHECK;
void soft_jit_free(struct vcpu_engine *e);
#else
#define SOFT_JIT 0
static inline void soft_jit_run(struct vcpu *v)
{
	soft_interp_run(v);
}
static inline void soft_jit_forget_targets(struct vcpu *v)
{
	(void)v;
}
static inline void soft_jit_forget_page(struct vcpu *v, uint64_t va)
{
	(void)v;
	(void)va;
}
static inline bool soft_jit_drop_locked(struct vcpu_engine *e, struct soft_code_page *page,
                                        uint64_t lines)
{
	(void)e;
	(void)page;
	(void)lines;
	return false;
}
static inline void soft_jit_retire_page_locked(struct vcpu_engine *e, struct soft_code_page *page)
{
	(void)e;
	(void)page;
}
static inline void soft_jit_reclaim_locked(struct vcpu_engine *e, uint64_t oldest)
{
	(void)e;
	(void)oldest;
}
static inline int soft_jit_new(struct vcpu_engine *e, uint64_t cache_size)
{
	(void)e;
	(void)cache_size;
	return 0;
}
static inline void soft_jit_free(struct vcpu_engine *e)
{
	(void)e;
}
static inline void soft_windows_init(struct vcpu_engine *e, const struct vcpu_options *opts)
{
	(void)e;
	(void)opts;
}
static inline void soft_windows_release(struct vcpu_engine *e)
{
	(void)e;
}
static inline void soft_windows_wake(struct vcpu_engine *e)
{
	(void)e;
}
static inline void soft_window_mode(struct vcpu *v)
{
	(void)v;
}
static inline void soft_window_space_new(struct vcpu_space *s)
{
	(void)s;
}
static inline void soft_window_space_free(struct vcpu_space *s)
{
	(void)s;
}
static inline void soft_window_invalidate(struct vcpu_space *s, uint64_t va, uint64_t len)
{
	(void)s;
	(void)va;
	(void)len;
}
static inline bool soft_window_fill(struct vcpu *v, uint64_t va, enum vcpu_access access)
{
	(void)v;
	(void)va;
	(void)access;
	return false;
}
#endif

#endif
