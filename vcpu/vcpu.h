/*
 * vcpu.h: the contract between the kernel personality and a CPU engine.
 *
 * An engine (software, KVM, Hypervisor.framework) executes AArch64 EL0 code over
 * guest-physical memory (the RAM arena) through page tables in the hardware's own
 * format (pte.h).  vcpu_run returns an exit; the engine knows nothing of tasks,
 * system calls or IPC.  The only call upwards is the fault resolver given to
 * vcpu_space_new.
 *
 * Threads: one vCPU is run by one host thread.  vcpu_kick and the
 * space/ram functions may be called from any thread.
 */
#ifndef VCPU_VCPU_H
#define VCPU_VCPU_H

#include "common/base.h"

/* One SIMD&FP register, element 0 in the lowest bits. */
union a64_vreg {
	uint64_t d[2];
	uint32_t s[4];
	uint16_t h[8];
	uint8_t b[16];
	unsigned __int128 q;
} __attribute__((aligned(16)));

/* The EL0 register state.  Arm ARM B1.2. */
struct a64_regs {
	uint64_t x[31];
	uint64_t sp;
	uint64_t pc;
	uint64_t tpidr_el0;
	uint32_t nzcv; /* N,Z,C,V in bits 31..28, all others 0 */
	uint32_t fpcr;
	uint32_t fpsr;
	union a64_vreg v[32];
};

enum vcpu_access { VCPU_READ = 1, VCPU_WRITE = 2, VCPU_EXEC = 4 };

enum vcpu_exit_kind {
	VCPU_EXIT_SYSCALL,    /* SVC: pc is behind the instruction */
	VCPU_EXIT_FAULT,      /* memory access refused: pc at the instruction, nothing committed */
	VCPU_EXIT_ALIGNMENT,  /* unaligned pc, sp, exclusive or atomic access: addr is set */
	VCPU_EXIT_BREAKPOINT, /* BRK: pc at the instruction, imm its operand */
	VCPU_EXIT_STEP,       /* one instruction was executed in single-step mode */
	VCPU_EXIT_UNDEFINED,  /* unallocated or not permitted at EL0: insn is set */
	VCPU_EXIT_KICKED,     /* vcpu_kick was called; pc at the next instruction */
};

struct vcpu_exit {
	enum vcpu_exit_kind kind;
	enum vcpu_access access; /* FAULT; ALIGNMENT, where it is 0 for pc and sp */
	int fault_code;          /* FAULT: what the resolver returned (not 0) */
	uint64_t addr;           /* FAULT, ALIGNMENT: guest virtual address of the first bad byte */
	uint32_t imm;            /* SYSCALL, BREAKPOINT: the 16-bit operand */
	uint32_t insn;           /* UNDEFINED: the instruction word */
};

/* Guest-physical memory: physical address p is host byte base[p], 0 <= p < size. */
struct vcpu_ram {
	uint8_t *base;
	uint64_t size; /* bytes reserved; may exceed what is populated */
	int memfd;     /* the file behind base, for further mappings; stays the caller's */
};

enum vcpu_engine_kind {
	VCPU_ENGINE_SOFT,
	VCPU_ENGINE_SOFT_INTERP,
	VCPU_ENGINE_KVM,
	VCPU_ENGINE_HVF
};

struct vcpu_options {
	enum vcpu_engine_kind kind;
	uint64_t jit_cache_size; /* bytes; 0 for the default */
	bool no_window;          /* software TLB only */
	bool window_eager;       /* every space has a window from the beginning (tests) */
	uint64_t host_mappings;  /* how many the host lets this process have; 0 for the usual */
	bool jit_eager;          /* translate what is executed for the first time (tests) */
};

struct vcpu_engine; /* one per guest (container) */
struct vcpu_space;  /* one per guest process: an address space */
struct vcpu;        /* one per guest thread */

/*
 * The engine for one guest.  *ram is copied; its base must outlive the engine.
 * Returns 0, or a negative host errno (ENOTSUP where this host lacks the engine).
 */
int vcpu_engine_new(const struct vcpu_options *opts, const struct vcpu_ram *ram,
                    struct vcpu_engine **out) MUST_CHECK;
/* All spaces and vCPUs must be gone. */
void vcpu_engine_free(struct vcpu_engine *engine);

/*
 * Asked when the page tables do not permit an access to the byte at va.  Runs on the
 * vCPU's own thread, which counts as outside guest execution meanwhile (so it may take
 * locks whose holder is in vcpu_space_invalidate).  Returns 0 when the page tables now
 * permit the access (the engine walks again), else a non-zero code that is handed on in
 * vcpu_exit.fault_code.
 */
typedef int vcpu_resolve_fn(void *opaque, uint64_t va, enum vcpu_access access);

/* root: guest-physical address of the level-0 table (4 KiB granule, 48-bit). */
int vcpu_space_new(struct vcpu_engine *engine, uint64_t root, vcpu_resolve_fn *resolve,
                   void *opaque, struct vcpu_space **out) MUST_CHECK;
/* No vCPU may be attached. */
void vcpu_space_free(struct vcpu_space *space);

/*
 * Page-table entries for [va, va+len) were removed or restricted.  When this returns no
 * vCPU uses the old entries any more, so that frames may be reused.  Adding entries or
 * widening permissions needs no call.  len == UINT64_MAX means everything.
 * Never called from within the resolver's own faulting access on the same space with a
 * lock that the resolver takes held by another thread.
 */
void vcpu_space_invalidate(struct vcpu_space *space, uint64_t va, uint64_t len);

/*
 * The bytes of physical memory [pa, pa+len) were changed, or will hold something else,
 * by other means than guest stores: code translated from them is dropped.  Cheap when no
 * code came from there.
 */
void vcpu_ram_changed(struct vcpu_engine *engine, uint64_t pa, uint64_t len);

int vcpu_new(struct vcpu_space *space, struct vcpu **out) MUST_CHECK;
void vcpu_free(struct vcpu *vcpu);
/* Moves a stopped vCPU to another address space (exec). */
void vcpu_set_space(struct vcpu *vcpu, struct vcpu_space *space);

/* The registers: valid, and writable, while the vCPU is not inside vcpu_run. */
struct a64_regs *vcpu_regs(struct vcpu *vcpu);

/* Executes until an exit, which is written to *exit.  Clears the exclusive monitor when
 * entered (Linux does so on every exception return). */
void vcpu_run(struct vcpu *vcpu, struct vcpu_exit *exit);

/* Makes the current or the next vcpu_run of this vCPU return VCPU_EXIT_KICKED soon.
 * Async-signal-safe. */
void vcpu_kick(struct vcpu *vcpu);

/* Single-step mode: each vcpu_run executes one instruction. */
void vcpu_set_step(struct vcpu *vcpu, bool on);

/* What the translator of the soft engine has done so far; all 0 without one. */
struct vcpu_jit_stats {
	uint64_t blocks, insns,
	    bytes;        /* translated, ever: blocks, guest instructions, host bytes */
	uint64_t kept;    /* blocks taken from a file (aot.h) */
	uint64_t live;    /* blocks that are still valid */
	uint64_t links;   /* jumps patched from block to block */
	uint64_t misses;  /* branches whose target had to be looked up outside translated code */
	uint64_t flushes; /* times the whole cache was emptied */
	uint64_t ns;      /* time spent translating */
	/* Windows of host address space: made, ever; runs of pages mapped in them; faults of the
	 * host that they took; times one was emptied for want of host mappings. */
	uint64_t windows, window_fills, window_faults, window_empties;
	/* Memory over the guest's own, now: code, and decoded instructions with what finds both. */
	uint64_t code_memory, block_memory;
};
void vcpu_jit_stats(struct vcpu_engine *engine, struct vcpu_jit_stats *out);

/* How often the translator's code called the interpreter, by row of the instruction table from 0
 * on; false: no such row, or calls are not counted (vcpu/soft/jit/host.h). */
bool vcpu_jit_calls(unsigned row, const char **name, uint64_t *count);

/* A translated block: where it runs in the guest, and its code. */
struct vcpu_jit_block {
	uint64_t va, pa;
	unsigned insns;
	const void *guest; /* the instructions, in RAM */
	const void *code;
	size_t bytes;
};
/* Calls fn for each live block, which may neither run guests nor change memory meanwhile. */
void vcpu_jit_each(struct vcpu_engine *engine,
                   void (*fn)(void *opaque, const struct vcpu_jit_block *block), void *opaque);

/* Guest addresses from here on cannot be used at full speed: address spaces should be laid out
 * below. */
uint64_t vcpu_engine_address_limit(const struct vcpu_engine *engine);

/* What the engine shows to guests: AT_HWCAP, AT_HWCAP2 bits (Linux uapi asm/hwcap.h) and MIDR_EL1.
 */
struct vcpu_features {
	uint64_t hwcap, hwcap2;
	uint64_t midr;
};
void vcpu_engine_features(const struct vcpu_engine *engine, struct vcpu_features *out);
/* "soft-interp", "soft", "kvm", "hvf". */
const char *vcpu_engine_name(const struct vcpu_engine *engine);

#endif
