/*
 * emit_x64.h: a small emitter of x86-64 instructions.
 *
 * An opcode is a number: its byte, above it the escape (0x0F, or 0x38 and 0x3A for the maps
 * 0F38 and 0F3A), above that the mandatory prefix (0x66, 0xF2, 0xF3).  The operand forms are
 * register-register (rr), register-memory with a displacement (rm), and with an index (rx);
 * which of the two operands is written is the opcode's affair.
 *
 * Nothing checks for room: whoever starts a block of code makes sure of it.
 */
#ifndef VCPU_SOFT_JIT_EMIT_X64_H
#define VCPU_SOFT_JIT_EMIT_X64_H

#include "common/base.h"

enum x64_reg {
	RAX,
	RCX,
	RDX,
	RBX,
	RSP,
	RBP,
	RSI,
	RDI,
	R8,
	R9,
	R10,
	R11,
	R12,
	R13,
	R14,
	R15,
};

/* Operand widths; X8 makes the low bytes of all registers addressable. */
enum x64_width { X32, X64, X8 };

/* Condition codes of Jcc, SETcc, CMOVcc. */
enum x64_cc {
	CC_O,
	CC_NO,
	CC_B,
	CC_AE,
	CC_E,
	CC_NE,
	CC_BE,
	CC_A,
	CC_S,
	CC_NS,
	CC_P,
	CC_NP,
	CC_L,
	CC_GE,
	CC_LE,
	CC_G,
};

/* Opcodes, "register, register or memory" unless said otherwise. */
enum x64_op {
	X_ADD = 0x03,
	X_OR = 0x0B,
	X_ADC = 0x13,
	X_SBB = 0x1B,
	X_AND = 0x23,
	X_SUB = 0x2B,
	X_XOR = 0x33,
	X_CMP = 0x3B,
	X_TEST = 0x85,
	X_CMP_STORE = 0x39, /* memory or register compared with register */
	X_XCHG = 0x87,
	X_LOAD = 0x8B,  /* mov register, memory or register */
	X_STORE = 0x89, /* mov memory or register, register */
	X_STORE8 = 0x88,
	X_LEA = 0x8D,
	X_MOVSXD = 0x63,
	X_IMUL = 0x0FAF,
	X_MOVZX8 = 0x0FB6,
	X_MOVZX16 = 0x0FB7,
	X_MOVSX8 = 0x0FBE,
	X_MOVSX16 = 0x0FBF,
	X_BSR = 0x0FBD,
	X_LZCNT = 0xF30FBD,
	X_CMOV = 0x0F40,  /* + condition */
	X_SETCC = 0x0F90, /* + condition; the register field is 0 */
	X_STORE16 = 0x660089,
	X_MOVUPS_LOAD = 0x0F10,
	X_MOVUPS_STORE = 0x0F11,
	X_MOVQ_LOAD = 0xF30F7E,
	X_MOVD_LOAD = 0x660F6E,
	X_TZCNT = 0xF30FBC,
	X_MULX = 0xF238F6, /* VEX: upper half, lower half = rdx times register or memory */
	X_RORX = 0xF23AF0, /* VEX without v; imm8 */
	X_XADD = 0x0FC1,
	X_STMXCSR = 0x0FAE, /* register field 3; 2: LDMXCSR */
	X_CMPXCHG = 0x0FB1,
};

/* The register field of the immediate forms. */
enum x64_alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
enum x64_shift { SH_ROL, SH_ROR, SH_RCL, SH_RCR, SH_SHL, SH_SHR, SH_SAR = 7 };

/* What of a block depends on where it is: places, and what stands there (aot.h).  The emitter
 * itself notes displacements that lead to what is below the block. */
enum em_note_kind {
	EM_OUTWARD, /* 4 bytes: displacement of what is at value */
	EM_GUEST,   /* 8 bytes: a guest address */
	EM_PAGE_ID, /* 4 bytes: displacement of the vCPU's page_id for guest address value */
	EM_CALL,    /* struct jit_call */
	EM_LINK,    /* 8 bytes: the address of the block's link number value */
};
struct emit_note {
	uint32_t at; /* bytes from the block's start */
	enum em_note_kind kind;
	uint64_t value;
};
#define EM_MAX_NOTES 2048u
struct emit_notes {
	uint64_t start; /* the block's running address */
	bool full;      /* there were more */
	unsigned count;
	struct emit_note note[EM_MAX_NOTES];
};

/* Where code is written, and how far the place where it will run lies from there. */
struct emit {
	uint8_t *at;
	intptr_t run_delta;       /* running address - writing address */
	struct emit_notes *notes; /* NULL: nobody wants any */
};

/* The address at which the next byte will run. */
static inline uint64_t em_pc(const struct emit *e)
{
	return (uint64_t)(uintptr_t)e->at + (uint64_t)e->run_delta;
}

/* Takes down what stands at a place; nothing without notes. */
void em_note(struct emit *e, const uint8_t *at, enum em_note_kind kind, uint64_t value);

void em_bytes(struct emit *e, const void *bytes, size_t n);
void em_u8(struct emit *e, unsigned v);
void em_u32(struct emit *e, uint32_t v);
void em_u64(struct emit *e, uint64_t v);
/* No-operations up to the next multiple of n (a power of two), or until at+ahead is one. */
void em_align(struct emit *e, unsigned n, unsigned ahead);

void em_rr(struct emit *e, unsigned op, enum x64_width w, unsigned reg, unsigned rm);
void em_rm(struct emit *e, unsigned op, enum x64_width w, unsigned reg, unsigned base,
           int32_t disp);
/* scale is the log2 of the factor. */
void em_rx(struct emit *e, unsigned op, enum x64_width w, unsigned reg, unsigned base,
           unsigned index, unsigned scale, int32_t disp);

/* Forms of three operands, with a VEX prefix for 128 bits: op reg, v, register or memory.  The
 * opcode is numbered as above; X64 sets VEX.W. */
void em_vrr(struct emit *e, unsigned op, enum x64_width w, unsigned reg, unsigned v, unsigned rm);
void em_vrm(struct emit *e, unsigned op, enum x64_width w, unsigned reg, unsigned v, unsigned base,
            int32_t disp);

/* The same with an EVEX prefix, for 128 bits without a mask, of registers up to 15. */
void em_err(struct emit *e, unsigned op, enum x64_width w, unsigned reg, unsigned v, unsigned rm);

/* op reg, [rip + target] without an immediate, and with three operands; the target's running
 * address. */
void em_vrip(struct emit *e, unsigned op, enum x64_width w, unsigned reg, unsigned v,
             uint64_t target);
void em_rip(struct emit *e, unsigned op, enum x64_width w, unsigned reg, uint64_t target);
/* lea reg, [rip + target]. */
void em_lea_rip(struct emit *e, unsigned reg, uint64_t target);
/* A register set to a constant by the shortest form; flags are kept. */
void em_mov_imm(struct emit *e, unsigned reg, uint64_t v);
/* The same, always in ten bytes, of which the last eight are the constant. */
void em_mov_imm64(struct emit *e, unsigned reg, uint64_t v);
/* mov qword [base+disp], sign-extended immediate. */
void em_store_imm(struct emit *e, unsigned base, int32_t disp, int32_t imm);
/* Add, or, and, sub, xor, cmp with an immediate. */
void em_alu_ri(struct emit *e, enum x64_alu op, enum x64_width w, unsigned rm, int32_t imm);
void em_alu_mi(struct emit *e, enum x64_alu op, enum x64_width w, unsigned base, int32_t disp,
               int32_t imm);
/* test byte [base+disp], imm / test reg, imm32. */
void em_test_m8i(struct emit *e, unsigned base, int32_t disp, unsigned imm);
void em_test_ri(struct emit *e, enum x64_width w, unsigned rm, int32_t imm);
void em_shift_ri(struct emit *e, enum x64_shift op, enum x64_width w, unsigned rm, unsigned by);
/* By cl. */
void em_shift_cl(struct emit *e, enum x64_shift op, enum x64_width w, unsigned rm);
/* not (2), neg (3), mul (4), imul (5), div (6), idiv (7) of one operand. */
void em_unary(struct emit *e, unsigned field, enum x64_width w, unsigned rm);
void em_bt_ri(struct emit *e, enum x64_width w, unsigned rm, unsigned bit);
void em_bswap(struct emit *e, enum x64_width w, unsigned reg);

/* Jumps; target is a running address. */
void em_jmp(struct emit *e, uint64_t target);
void em_jcc(struct emit *e, enum x64_cc cc, uint64_t target);
void em_call(struct emit *e, uint64_t target);
void em_push(struct emit *e, unsigned reg);
void em_pop(struct emit *e, unsigned reg);
/* jmp [base+disp], jmp [base+index*2^scale+disp]. */
void em_jmp_m(struct emit *e, unsigned base, int32_t disp);
void em_jmp_mx(struct emit *e, unsigned base, unsigned index, unsigned scale, int32_t disp);

/* Jumps forward to a place not yet known: returns the place of the displacement, for em_here. */
uint8_t *em_jcc_later(struct emit *e, enum x64_cc cc);
uint8_t *em_jmp_later(struct emit *e);
/* Lets the jump whose displacement is at field arrive here / at a running address. */
void em_here(struct emit *e, uint8_t *field);
void em_there(struct emit *e, uint8_t *field, uint64_t target);

#endif
