/*
 * jit.h: the translator from AArch64 to x86-64.
 *
 *   emit_x64.c   encodings
 *   cache.c      memory for translated code; blocks, their links, their removal
 *   thunks.c     the way from C into translated code and back
 *   translate.c  one block: decoding, liveness of flags, calls of handlers
 *   exits.c      the ways from block to block: links, calls and returns, the table of targets
 *   guest_mem.c  guest memory as an operand
 *   rules.c      which function translates a row of insn.def
 *   host.c       which of the host's instructions there are
 *   calls.c      which handlers are still called
 *   reg.c        guest general registers as operands
 *   vreg.c       guest vector registers in host registers
 *   tr_*.c       the translation of one class of the Arm manual each
 *   run.c        the run loop
 *   aot_*.c      translations kept in files
 *
 * What stays true between any two translated instructions: rbp points JIT_BIAS bytes into the
 * vCPU's registers; ten guest registers are in host registers (jit_pin), the others in
 * memory; rax, rcx and rdx are free, and so are xmm0 to xmm5; the stack is aligned.  xmm6 to
 * xmm15 hold guest vector registers within a block (vreg.c); between blocks, and around every
 * call of a handler, those are in memory.
 *
 * An instruction without a rule is a call of its interpreter handler, with the pinned registers
 * in memory meanwhile.  The same call is the slow path of inlined instructions: a guest access
 * that the software TLB does not know runs the handler from its beginning, for nothing was
 * committed.
 *
 * Flags.  Between blocks and around calls NZCV stands in the vCPU's hflags: the bytes that lahf
 * and seto make, with C in Arm's sense.  Within a block the translator knows whether EFLAGS
 * hold them, and writes hflags only if something may still read them.  The one freedom: flags
 * that the code at a branch's target overwrites before anything there can read them or fault
 * may be stale when the vCPU is kicked just at that branch.
 *
 * Floating point: MXCSR holds the guest's rounding mode and gathers its exceptions while
 * translated code runs (tr_fp.h, tr_fp_env.c).
 *
 * Direct branches are linked, by patching aligned displacements; calls and returns are the
 * host's (exits.c); other branches look in the vCPU's own table of targets (struct jit_target),
 * for which code another process runs at an address is no affair of ours.  Branches backwards,
 * returns and those by the table look at the poll word.
 */
#ifndef VCPU_SOFT_JIT_JIT_H
#define VCPU_SOFT_JIT_JIT_H

#include "vcpu/soft/jit/emit_x64.h"
#include "vcpu/soft/jit/host.h"
#include "vcpu/soft/soft.h"

struct jit_block;

/* A patchable jump or call from a block to another one.  All offsets are in the cache. */
struct jit_link {
	struct jit_block *from;
	struct jit_block *to;  /* NULL: it goes to its stub */
	struct jit_link *next; /* among the links to the same block */
	uint64_t target;       /* guest address */
	uint32_t field,        /* the displacement */
	    stub;              /* where it goes unlinked */
	uint32_t guard;        /* to another page: the page's id that is compared; else 0 */
	uint32_t again;        /* displacement of the stub's jump */
	uint32_t page_id;      /* guard: the page that it names, or 0 */
};

/* A translated run of instructions.  All under code_lock. */
struct jit_block {
	struct jit_block *next; /* in its page's list, or in the retired list */
	struct jit_page *page;
	struct jit_link *incoming;
	uint64_t epoch; /* retired: free when all vCPUs have reached this */
	uint64_t lines; /* cache lines whose change ends this block's validity */
	uint32_t start, bytes;
	uint16_t first, count;
	bool dead;
	bool kept; /* from a file (aot.h) */
	unsigned nlinks;
	struct jit_link links[];
};

/* An instruction that accesses a window, and where it goes on when it is refused: offsets. */
struct jit_site {
	uint32_t at, slow;
};

/* What code depends on beside the instructions: bits of jit_page.mode. */
enum jit_mode {
	JIT_MODE_FLUSH = 1,  /* FPCR.FZ is set */
	JIT_MODE_WINDOW = 2, /* for vCPUs that use windows */
};
#define JIT_PAGE_MODES 4u

/* The code translated from a guest-physical page for one virtual address and mode. */
struct jit_page {
	struct jit_page
	    *next; /* in soft_code_page.jit: atomic, code_lock; or in the retired list */
	uint64_t va;
	unsigned mode;
	struct jit_block *blocks; /* code_lock */
	uint64_t lines;           /* of its blocks; code_lock */
	uint64_t epoch;
	uint32_t id; /* not used again for another page; 0: there is none left */
	/* The block that starts at the instruction, or NULL; atomic.  Its start may be read without
	 * the lock by a vCPU that runs: the block is freed only when that has passed its epoch. */
	struct jit_block *entry[PAGE_INSNS];
};

/* The cache has two halves: one is filled while vCPUs may still run in the other. */
struct jit_half {
	uint32_t begin, end;
	uint64_t epoch; /* may be filled again when all vCPUs have reached this */
};

struct jit {
	uint8_t *rw, *rx; /* two mappings of one file */
	size_t size;
	struct jit_half half[2];
	unsigned current;
	uint32_t used; /* offset: the next free byte; code_lock */
	/* Of each half, ascending; code_lock, but read without it by a thread that runs there. */
	struct jit_site *sites[2];
	size_t nsites[2]; /* atomic */
	struct jit_block *retired_blocks;
	struct jit_page *retired_pages;

	/* Thunks: running addresses. */
	uint64_t (*enter)(void *biased, const void *code);
	uint64_t call, call_vector, call_last, call_leave, exit, exit_link, exit_lookup,
	    lookup_link, return_miss;

	uint32_t last_page_id; /* code_lock */

	/* aot.h: the file in use, and what makes one; or NULL.  Where our own program is. */
	struct aot_file *aot;
	struct aot_maker *maker;
	uint64_t program;

	/* 16-byte constants that translated code reads, by hash; an unused one is 0, 0, which code
	 * makes otherwise. */
	uint32_t consts; /* offset */

	struct vcpu_jit_stats stats; /* code_lock */
	uint64_t misses;             /* atomic */
};

#define JIT_CONSTS 2048u

/* What translated code returns: a64_next's A64_BRANCH or A64_STOP, or a link to be resolved. */

#define JIT_MAX_OPS   64u
#define JIT_MAX_BYTES 65536u /* room for one block */
#define JIT_MAX_SITES (4 * JIT_MAX_OPS)
#define JIT_BIAS      128

/* Displacement from rbp of a field of struct vcpu. */
#define JIT_AT(field) ((int32_t)offsetof(struct vcpu, field) - JIT_BIAS)
/* The code in the slot of the table of targets that jit_emit_target_test has found. */
#define JIT_TARGET_CODE (JIT_AT(target) + (int32_t)offsetof(struct jit_target, code))
/* Calls whose returns are waited for on the host's stack, at most. */
#define JIT_FRAMES 512

/* The host register that holds the base of the window of host addresses, in which guest memory is;
 * loaded when translated code is entered.  A register and not the gs segment, since a segment's
 * base makes a load that another one waits for half as slow again. */
#define JIT_WINDOW R10

/* The host register in which a general register (31: sp) lives, or -1. */
extern const int8_t jit_pin[32];

/* --- translation --- */

enum jit_flags {
	JIT_FLAGS_MEM, /* in hflags */
	JIT_FLAGS_ADD, /* in EFLAGS, CF is C */
	JIT_FLAGS_SUB, /* in EFLAGS, CF is not C */
	JIT_FLAGS_FP,  /* in EFLAGS as UCOMIS has set them / with its operands exchanged */
	JIT_FLAGS_FP_SWAPPED,
};

/* What a rule promises of its instructions. */
enum jit_attr {
	JIT_PURE = 1,  /* cannot leave the block */
	JIT_SETF = 2,  /* overwrites all flags without reading them */
	JIT_READF = 4, /* reads flags */
	JIT_CALLF = 8, /* its handler reads or writes flags */
	JIT_END = 16,  /* the block ends here */
	/* The function is only for hosts with */
	JIT_SSE4 = 32, /* SSE4.2 */
	JIT_FMA = 64,  /* AVX and FMA */
	JIT_AES = 128,
	JIT_CLMUL = 256,
	JIT_SHA = 512,
	JIT_F16C = 1024,
	JIT_FP = 2048, /* obeys FPCR.FZ, which its handler does */
};

/* What a call of a handler finds behind the block's code. */
struct jit_call {
	struct a64_op op;
	uint64_t pc;
	a64_fn *real; /* JIT_CALLF: the handler, behind op.fn */
};

struct jit_tr;
/* Translates an instruction.  False: nothing was emitted, call the handler. */
typedef bool jit_tr_fn(struct jit_tr *t, const struct a64_op *op);

struct jit_rule {
	a64_fn *row; /* the handler that stands for the row's name */
	jit_tr_fn *fn;
	unsigned attr;
};

/* A guest vector register in a host register (vreg.c). */
#define JIT_VSLOTS 10u
struct jit_vslot {
	bool held, dirty;
	uint8_t reg;   /* the guest register */
	uint8_t exact; /* so many bytes from the lowest are right: 4, 8, 16; those above are 0 by
	                  the architecture, and anything in the host register */
	uint8_t zero;  /* exact is 16: from this byte on (4, 8, 16) all are known to be 0 */
};
struct jit_vstate {
	struct jit_vslot slot[JIT_VSLOTS];
};

/* Code that is put behind the block. */
struct jit_cold {
	uint8_t *field;       /* the jump that comes here, or NULL: sites do */
	uint64_t start;       /* HANDLER: its running address */
	uint64_t back;        /* HANDLER, RESET: where to go on; HANDLER that leaves: 0 */
	uint64_t target;      /* SIDE: guest address */
	enum jit_flags flags; /* SIDE: as they are; HANDLER: as they must be at back */
	enum jit_flags entry; /* HANDLER: as they are */
	bool leaves;          /* HANDLER */
	bool flags_live;
	bool is_side;
	bool is_reset; /* the stack of frames is full */
	uint16_t op;
	struct jit_vstate v;      /* at the jump */
	struct jit_vstate v_back; /* HANDLER: as it must be at back */
};

/* A jump or call to another block, while its own is made. */
struct jit_tr_link {
	uint64_t target;
	uint8_t *field, *guard, *again; /* as in struct jit_link */
	uint8_t *poll, *miss;           /* jumps to the stub: polled; the guard does not hold */
	uint64_t back;                  /* a call: where it comes back to */
	uint32_t stub;
	uint8_t *data; /* the displacement in the stub that finds its link */
};

/* A guest register's value less the distance was found to be below the window's limit. */
struct jit_fact {
	bool known;
	int64_t distance;
};

struct jit_tr {
	struct emit e;
	struct jit *jit;
	struct vcpu_engine *engine;
	struct soft_code_page *source;
	struct jit_page *page;
	uint64_t pc; /* of the current instruction */
	unsigned at; /* its number in the block */
	unsigned first, count;
	bool ended;

	enum jit_flags flags;
	bool flags_live; /* something may read, behind the current instruction, the flags as they
	                    are now */
	bool sp_aligned; /* known to be a multiple of 16 */
	struct jit_fact fact[32]; /* 31: sp */
	bool wrote_back;          /* jit_writeback has updated the base register's fact */
	unsigned done; /* instructions below this number are translated already, with one before */

	struct jit_vstate loop; /* what is held at the branch back, and then at the loop's head */
	uint64_t loop_head;     /* running address; 0: the first time, or there is no loop */
	struct jit_vstate v;
	uint8_t vused[JIT_VSLOTS]; /* 1 + the number of the last instruction that used the slot */

	/* The instruction before known_at has set known_reg to a constant. */
	unsigned known_reg, known_at;
	uint64_t known_value;

	struct a64_op ops[JIT_MAX_OPS];
	const struct jit_rule *rules[JIT_MAX_OPS];
	bool live_before[JIT_MAX_OPS + 1];
	uint64_t lines;

	struct jit_cold cold[3 * JIT_MAX_OPS];
	unsigned ncold;
	struct {
		uint32_t at; /* offset */
		uint16_t cold;
	} sites[JIT_MAX_SITES];
	unsigned nsites;
	struct {
		uint8_t *field;
		uint16_t op;
	} opdata[3 * JIT_MAX_OPS];
	unsigned nopdata;
	struct jit_tr_link links[2 * JIT_MAX_OPS + 2];
	unsigned nlinks;
};

/* rules.c */
void jit_rules_init(void);
/* The rule for a word, or NULL. */
const struct jit_rule *jit_rule_of(uint32_t word);

/* translate.c; all emit code for the current instruction. */

/* Before anything that overwrites EFLAGS: saves them where they are needed.  Uses rax. */
void jit_clobber_flags(struct jit_tr *t);
/* Saves the flags unconditionally.  Uses rax. */
void jit_save_flags(struct jit_tr *t);
/* Makes EFLAGS such that the returned condition holds when Arm's does; cond < 14.  Uses rax;
 * keeps EFLAGS' being the flags where they are. */
enum x64_cc jit_cond(struct jit_tr *t, unsigned cond);
/* Sets the flags in memory to NZCV in bits 3..0; keeps EFLAGS. */
void jit_set_flags(struct jit_tr *t, unsigned nzcv);
/* Can the condition be read from EFLAGS as UCOMIS sets them, its operands exchanged or not? */
bool jit_fp_cond(unsigned cond, bool swapped, enum x64_cc *cc);
/* Brings the flags into EFLAGS (by ADD's or SUB's rule). Uses rax. */
void jit_load_flags(struct jit_tr *t);
/* The instruction's slow path: the handler is called when the condition holds, and execution
 * goes on where jit_slow_end is called.  An instruction that sets flags may leave them in EFLAGS
 * there: those of the handler will be brought there too. */
void jit_slow_if(struct jit_tr *t, enum x64_cc cc);
void jit_slow_end(struct jit_tr *t);
/* The same, but the block is left behind the handler: what was found of registers so far need not
 * hold then. */
void jit_slow_leave_if(struct jit_tr *t, enum x64_cc cc);
/* The instruction that comes next takes the slow path when the host refuses its access. */
void jit_slow_site(struct jit_tr *t);
struct jit_cold *jit_add_cold(struct jit_tr *t, uint8_t *field);
/* A host register set to a guest address that depends on where the block runs. */
void jit_mov_guest(struct jit_tr *t, unsigned reg, uint64_t va);
/* May the flags be read from the address on, as far as one can see? */
bool jit_flags_live_at(struct jit_tr *t, uint64_t pc);

/* The translated code of the instruction, made when needed; NULL: no room now, or no memory. */
void *jit_translate(struct vcpu_engine *e, struct soft_code_page *source, struct jit_page *page,
                    unsigned insn);

/* exits.c */
/* Ends the block (or a conditional way out of it) with a branch to a guest address. */
void jit_goto(struct jit_tr *t, uint64_t target);
/* Ends the block with a branch to the guest address in a register. */
void jit_goto_reg(struct jit_tr *t, unsigned r);
/* BL and BLR: the block goes on where they return to. */
void jit_call(struct jit_tr *t, uint64_t target);
void jit_call_reg(struct jit_tr *t, unsigned r);
/* RET. */
void jit_return(struct jit_tr *t, unsigned r);
/* Leaves for target when the condition holds; the block goes on otherwise. */
void jit_leave_if(struct jit_tr *t, enum x64_cc cc, uint64_t target);
/* Behind the block: makes room for frames; the links' stubs; their data. */
void jit_emit_reset(struct jit_tr *t, const struct jit_cold *c);
void jit_emit_stubs(struct jit_tr *t);
void jit_emit_linkdata(struct jit_tr *t, struct jit_block *b);
void jit_fill_links(struct jit_tr *t, struct jit_block *b);
/* Displacement from rbp of the vCPU's page_id for the page of va. */
int32_t jit_page_id_at(uint64_t va);
/* A place in the block, as an offset in the cache. */
uint32_t jit_offset(const struct jit_tr *t, const uint8_t *at);

/* Guest registers as operands (reg.c).  Register 31 is the zero register, in _sp forms sp. */
/* op host, guest */
void jit_op(struct jit_tr *t, unsigned op, enum x64_width w, unsigned host, unsigned r);
void jit_op_sp(struct jit_tr *t, unsigned op, enum x64_width w, unsigned host, unsigned r);
/* The host register that holds r: its own, or tmp, which is loaded. */
unsigned jit_src(struct jit_tr *t, unsigned r, unsigned tmp);
unsigned jit_src_sp(struct jit_tr *t, unsigned r, unsigned tmp);
/* The host register in which to compute r: its own, or tmp; jit_put completes it. */
unsigned jit_dst(struct jit_tr *t, unsigned r, unsigned tmp);
unsigned jit_dst_sp(struct jit_tr *t, unsigned r, unsigned tmp);
/* r = host register. */
void jit_put(struct jit_tr *t, unsigned r, unsigned host);
void jit_put_sp(struct jit_tr *t, unsigned r, unsigned host);

/* Guest vector registers in host registers (vreg.c); rules use them through tr_simd.h. */
/* Writes back what is dirty / holds nothing any more / loads what a state holds. */
void jit_v_flush(struct jit_tr *t);
void jit_v_forget(struct jit_tr *t);
void jit_v_reload(struct jit_tr *t, const struct jit_vstate *to);
/* Makes the state that of `to`: moves, loads and writes back.  Uses xmm0. */
void jit_v_settle(struct jit_tr *t, const struct jit_vstate *to);
/* Is anything held around the loop?  Then, when the block is made again: its head. */
bool jit_loop_holds(const struct jit_tr *t);
void jit_loop_begin(struct jit_tr *t);

/*
 * Guest memory (guest_mem.c).  A load or store asks once for its operand, which checks what must
 * be checked or takes the slow path, and then names it in any number of instructions.  Until
 * the last of these nothing may be written that the handler would read (it runs from its
 * beginning when one of them is refused), nor EFLAGS be overwritten unless jit_clobber_flags was
 * called before the first; then come the results, and jit_slow_end.
 */
struct jit_mem {
	unsigned base; /* host register: rax or a guest register's */
	int32_t disp;
	bool windowed; /* relative to JIT_WINDOW */
};
enum jit_how {
	JIT_STORE = 1,   /* the memory is written, too */
	JIT_ALIGNED = 2, /* an access that is not naturally aligned takes the slow path; as if
	                    jit_clobber_flags were called */
	JIT_SEVERAL = 4, /* by several stores, of which all are made or none */
};
/* [base register + offset, size bytes), [base register + index register) as the word has them,
 * [address].  Use rax, rcx, rdx, of which rcx and rdx are free afterwards, and rax if it is not
 * the operand's. */
struct jit_mem jit_mem_base(struct jit_tr *t, unsigned rn, int64_t offset, unsigned size,
                            unsigned how);
struct jit_mem jit_mem_index(struct jit_tr *t, const struct a64_op *op, unsigned scale,
                             unsigned size, unsigned how);
struct jit_mem jit_mem_const(struct jit_tr *t, uint64_t va, unsigned size, unsigned how);
/* [register r rounded down to a multiple of size, size bytes). */
struct jit_mem jit_mem_line(struct jit_tr *t, unsigned r, unsigned size, unsigned how);
/* op reg, [operand + disp], as em_rm; an immediate may follow.  The second is locked. */
void jit_mem_op(struct jit_tr *t, unsigned op, enum x64_width w, unsigned reg,
                const struct jit_mem *m, int32_t disp);
void jit_mem_locked(struct jit_tr *t, unsigned op, enum x64_width w, unsigned reg,
                    const struct jit_mem *m, int32_t disp);
/* Frees rax, if the operand is in it, for reg. */
void jit_mem_away(struct jit_tr *t, struct jit_mem *m, unsigned reg);
/* Base register += offset, or another register, after the access. */
void jit_writeback(struct jit_tr *t, unsigned rn, int64_t offset);
void jit_writeback_reg(struct jit_tr *t, unsigned rn, unsigned rm);
/* Before an instruction that overwrites all flags: checks the bases of accesses behind it, since a
 * check later would have to save the new flags. */
void jit_mem_ahead(struct jit_tr *t);
/* What is known of registers, after the instruction; after one that may change any. */
void jit_facts_after(struct jit_tr *t, uint32_t word);
void jit_facts_none(struct jit_tr *t);

/* --- cache.c --- */
/* The page's translations for a virtual address and mode; NULL: no memory. */
struct jit_page *jit_page_of(struct vcpu_engine *e, struct soft_code_page *page, uint64_t va,
                             unsigned mode);
/* With code_lock: room for JIT_MAX_BYTES at jit->used?  May retire everything. */
bool jit_room_locked(struct vcpu_engine *e);
/* With code_lock: is there, without that? */
bool jit_has_room(const struct jit *j);
/* With code_lock and room: lists a site, behind those of code at lower offsets. */
void jit_add_site(struct jit *j, uint32_t at, uint32_t slow);
/* With code_lock: makes the block at jit->used known, and links it with those that are there. */
void jit_publish_locked(struct jit *j, struct jit_block *b);
/* Patches the link, which may not be connected, if its block and its target in the page are
 * there. */
void jit_connect(struct vcpu_engine *e, struct jit_link *link, struct jit_page *page);
void jit_connect_locked(struct jit *j, struct jit_link *link, struct jit_page *page);

/* The running address of a 16-byte constant for code, aligned; 0: there are too many. */
uint64_t jit_const(struct jit *j, uint64_t lo, uint64_t hi);

/* tr_fp_env.c: FPSR's bits for the exceptions that MXCSR has noted, JIT_MXCSR_FLAGS. */
#define JIT_MXCSR_FLAGS 0x3Fu
uint32_t jit_fp_exceptions(uint32_t mxcsr);

/* thunks.c */
void jit_make_thunks(struct jit *j);
/* ecx = the place of the guest address rax in the table of targets; ZF: its code is there. */
void jit_emit_target_test(struct emit *e);

/* calls.c: counts a handler's call, for its word; jit_calls_init once, before. */
void jit_calls_init(void);
void jit_calls_count(uint32_t word);

#endif
