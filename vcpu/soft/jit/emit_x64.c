/*
 * emit_x64.c: encodings of the x86-64 instructions that translated code uses
 * (Intel SDM volume 2, chapter 2: prefixes, opcode, ModRM, SIB, displacement, immediate).
 */
#include "vcpu/soft/jit/emit_x64.h"

void em_u8(struct emit *e, unsigned v)
{
	*e->at++ = (uint8_t)v;
}

void em_bytes(struct emit *e, const void *bytes, size_t n)
{
	memcpy(e->at, bytes, n);
	e->at += n;
}

void em_u32(struct emit *e, uint32_t v)
{
	em_bytes(e, &v, sizeof(v));
}

void em_u64(struct emit *e, uint64_t v)
{
	em_bytes(e, &v, sizeof(v));
}

void em_align(struct emit *e, unsigned n, unsigned ahead)
{
	static const uint8_t nops[9][9] = {
	    {0},
	    {0x90},
	    {0x66, 0x90},
	    {0x0F, 0x1F, 0x00},
	    {0x0F, 0x1F, 0x40, 0x00},
	    {0x0F, 0x1F, 0x44, 0x00, 0x00},
	    {0x66, 0x0F, 0x1F, 0x44, 0x00, 0x00},
	    {0x0F, 0x1F, 0x80, 0x00, 0x00, 0x00, 0x00},
	    {0x0F, 0x1F, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
	};
	unsigned pad = (unsigned)(0 - (em_pc(e) + ahead)) & (n - 1);

	while (pad) {
		unsigned k = MIN(pad, 8u);

		em_bytes(e, nops[k], k);
		pad -= k;
	}
}

/* Everything before ModRM.  r, x and b are the registers' numbers. */
static void prefix(struct emit *e, unsigned op, enum x64_width w, unsigned r, unsigned x,
                   unsigned b)
{
	unsigned rex = (w == X64 ? 8u : 0) | (r >> 3) << 2 | (x >> 3) << 1 | b >> 3;
	unsigned escape = op >> 8 & 0xFF;

	if (op >> 16)
		em_u8(e, op >> 16);
	if (rex || (w == X8 && (r >= RSP || b >= RSP)))
		em_u8(e, 0x40 | rex);
	if (escape) {
		em_u8(e, 0x0F);
		if (escape != 0x0F)
			em_u8(e, escape);
	}
	em_u8(e, op & 0xFF);
}

void em_rr(struct emit *e, unsigned op, enum x64_width w, unsigned reg, unsigned rm)
{
	prefix(e, op, w, reg, 0, rm);
	em_u8(e, 0xC0 | (reg & 7) << 3 | (rm & 7));
}

static bool disp8(int32_t disp)
{
	return disp >= -128 && disp <= 127;
}

static void displacement(struct emit *e, unsigned mod, int32_t disp)
{
	if (mod == 1)
		em_u8(e, (uint8_t)disp);
	else if (mod == 2)
		em_u32(e, (uint32_t)disp);
}

/* rbp and r13 as bases always have a displacement; rsp and r12 need a SIB byte. */
static unsigned mod_of(unsigned base, int32_t disp)
{
	if (disp == 0 && (base & 7) != RBP)
		return 0;
	return disp8(disp) ? 1 : 2;
}

static void modrm_mem(struct emit *e, unsigned reg, unsigned base, int32_t disp)
{
	unsigned mod = mod_of(base, disp);

	em_u8(e, mod << 6 | (reg & 7) << 3 | (base & 7));
	if ((base & 7) == RSP)
		em_u8(e, 0x24);
	displacement(e, mod, disp);
}

void em_rm(struct emit *e, unsigned op, enum x64_width w, unsigned reg, unsigned base, int32_t disp)
{
	prefix(e, op, w, reg, 0, base);
	modrm_mem(e, reg, base, disp);
}

void em_rx(struct emit *e, unsigned op, enum x64_width w, unsigned reg, unsigned base,
           unsigned index, unsigned scale, int32_t disp)
{
	unsigned mod = mod_of(base, disp);

	prefix(e, op, w, reg, index, base);
	em_u8(e, mod << 6 | (reg & 7) << 3 | 4);
	em_u8(e, scale << 6 | (index & 7) << 3 | (base & 7));
	displacement(e, mod, disp);
}

void em_note(struct emit *e, const uint8_t *at, enum em_note_kind kind, uint64_t value)
{
	struct emit_notes *n = e->notes;

	if (!n)
		return;
	if (n->count == EM_MAX_NOTES) {
		n->full = true;
		return;
	}
	n->note[n->count++] = (struct emit_note){
	    .at = (uint32_t)((uint64_t)(uintptr_t)at + (uint64_t)e->run_delta - n->start),
	    .kind = kind,
	    .value = value,
	};
}

static void note_outward(struct emit *e, const uint8_t *field, uint64_t target)
{
	if (e->notes && target < e->notes->start)
		em_note(e, field, EM_OUTWARD, target);
}

/* The displacement from behind a 32-bit field that comes next, and `tail` bytes after it. */
static void relative(struct emit *e, uint64_t target)
{
	note_outward(e, e->at, target);
	em_u32(e, (uint32_t)(target - (em_pc(e) + 4)));
}

/* A VEX prefix of 128 bits and the opcode (Intel SDM volume 2, 2.3).  v is the operand between the
 * other two. */
static void vex(struct emit *e, unsigned op, enum x64_width w, unsigned r, unsigned v, unsigned b)
{
	unsigned escape = op >> 8 & 0xFF, prefix66 = op >> 16;
	unsigned map = escape == 0x0F ? 1 : escape == 0x38 ? 2 : 3;
	unsigned pp = prefix66 == 0x66 ? 1 : prefix66 == 0xF3 ? 2 : prefix66 == 0xF2 ? 3 : 0;
	unsigned tail = (~v & 15) << 3 | pp;

	if (map == 1 && b < 8 && w != X64) {
		em_u8(e, 0xC5);
		em_u8(e, (r < 8 ? 0x80u : 0) | tail);
	} else {
		em_u8(e, 0xC4);
		em_u8(e, (r < 8 ? 0x80u : 0) | 0x40 | (b < 8 ? 0x20u : 0) | map);
		em_u8(e, (w == X64 ? 0x80u : 0) | tail);
	}
	em_u8(e, op & 0xFF);
}

void em_vrr(struct emit *e, unsigned op, enum x64_width w, unsigned reg, unsigned v, unsigned rm)
{
	vex(e, op, w, reg, v, rm);
	em_u8(e, 0xC0 | (reg & 7) << 3 | (rm & 7));
}

void em_vrm(struct emit *e, unsigned op, enum x64_width w, unsigned reg, unsigned v, unsigned base,
            int32_t disp)
{
	vex(e, op, w, reg, v, base);
	modrm_mem(e, reg, base, disp);
}

void em_err(struct emit *e, unsigned op, enum x64_width w, unsigned reg, unsigned v, unsigned rm)
{
	unsigned escape = op >> 8 & 0xFF, mandatory = op >> 16;
	unsigned map = escape == 0x0F ? 1 : escape == 0x38 ? 2 : 3;
	unsigned pp = mandatory == 0x66 ? 1 : mandatory == 0xF3 ? 2 : mandatory == 0xF2 ? 3 : 0;

	em_u8(e, 0x62);
	em_u8(e, (reg < 8 ? 0x80u : 0) | 0x40 | (rm < 8 ? 0x20u : 0) | 0x10 | map);
	em_u8(e, (w == X64 ? 0x80u : 0) | (~v & 15) << 3 | 4 | pp);
	em_u8(e, 8);
	em_u8(e, op & 0xFF);
	em_u8(e, 0xC0 | (reg & 7) << 3 | (rm & 7));
}

void em_rip(struct emit *e, unsigned op, enum x64_width w, unsigned reg, uint64_t target)
{
	prefix(e, op, w, reg, 0, 0);
	em_u8(e, (reg & 7) << 3 | 5);
	relative(e, target);
}

void em_vrip(struct emit *e, unsigned op, enum x64_width w, unsigned reg, unsigned v,
             uint64_t target)
{
	vex(e, op, w, reg, v, 0);
	em_u8(e, (reg & 7) << 3 | 5);
	relative(e, target);
}

void em_lea_rip(struct emit *e, unsigned reg, uint64_t target)
{
	em_rip(e, X_LEA, X64, reg, target);
}

void em_mov_imm(struct emit *e, unsigned reg, uint64_t v)
{
	if (v <= UINT32_MAX) {
		prefix(e, 0xB8 | (reg & 7), X32, 0, 0, reg);
		em_u32(e, (uint32_t)v);
	} else if ((int64_t)v == (int32_t)v) {
		em_rr(e, 0xC7, X64, 0, reg);
		em_u32(e, (uint32_t)v);
	} else {
		prefix(e, 0xB8 | (reg & 7), X64, 0, 0, reg);
		em_u64(e, v);
	}
}

void em_mov_imm64(struct emit *e, unsigned reg, uint64_t v)
{
	prefix(e, 0xB8 | (reg & 7), X64, 0, 0, reg);
	em_u64(e, v);
}

void em_store_imm(struct emit *e, unsigned base, int32_t disp, int32_t imm)
{
	em_rm(e, 0xC7, X64, 0, base, disp);
	em_u32(e, (uint32_t)imm);
}

void em_alu_ri(struct emit *e, enum x64_alu op, enum x64_width w, unsigned rm, int32_t imm)
{
	if (disp8(imm)) {
		em_rr(e, 0x83, w, op, rm);
		em_u8(e, (uint8_t)imm);
	} else {
		em_rr(e, 0x81, w, op, rm);
		em_u32(e, (uint32_t)imm);
	}
}

void em_alu_mi(struct emit *e, enum x64_alu op, enum x64_width w, unsigned base, int32_t disp,
               int32_t imm)
{
	if (disp8(imm)) {
		em_rm(e, 0x83, w, op, base, disp);
		em_u8(e, (uint8_t)imm);
	} else {
		em_rm(e, 0x81, w, op, base, disp);
		em_u32(e, (uint32_t)imm);
	}
}

void em_test_m8i(struct emit *e, unsigned base, int32_t disp, unsigned imm)
{
	em_rm(e, 0xF6, X32, 0, base, disp);
	em_u8(e, imm);
}

void em_test_ri(struct emit *e, enum x64_width w, unsigned rm, int32_t imm)
{
	em_rr(e, 0xF7, w, 0, rm);
	em_u32(e, (uint32_t)imm);
}

void em_shift_ri(struct emit *e, enum x64_shift op, enum x64_width w, unsigned rm, unsigned by)
{
	em_rr(e, 0xC1, w, op, rm);
	em_u8(e, by);
}

void em_shift_cl(struct emit *e, enum x64_shift op, enum x64_width w, unsigned rm)
{
	em_rr(e, 0xD3, w, op, rm);
}

void em_unary(struct emit *e, unsigned field, enum x64_width w, unsigned rm)
{
	em_rr(e, 0xF7, w, field, rm);
}

void em_bt_ri(struct emit *e, enum x64_width w, unsigned rm, unsigned bit)
{
	em_rr(e, 0x0FBA, w, 4, rm);
	em_u8(e, bit);
}

void em_bswap(struct emit *e, enum x64_width w, unsigned reg)
{
	prefix(e, 0x0FC8 | (reg & 7), w, 0, 0, reg);
}

void em_jmp(struct emit *e, uint64_t target)
{
	em_u8(e, 0xE9);
	relative(e, target);
}

void em_jcc(struct emit *e, enum x64_cc cc, uint64_t target)
{
	em_u8(e, 0x0F);
	em_u8(e, 0x80 | cc);
	relative(e, target);
}

void em_call(struct emit *e, uint64_t target)
{
	em_u8(e, 0xE8);
	relative(e, target);
}

void em_push(struct emit *e, unsigned reg)
{
	prefix(e, 0x50 | (reg & 7), X32, 0, 0, reg);
}

void em_pop(struct emit *e, unsigned reg)
{
	prefix(e, 0x58 | (reg & 7), X32, 0, 0, reg);
}

void em_jmp_m(struct emit *e, unsigned base, int32_t disp)
{
	em_rm(e, 0xFF, X32, 4, base, disp);
}

void em_jmp_mx(struct emit *e, unsigned base, unsigned index, unsigned scale, int32_t disp)
{
	em_rx(e, 0xFF, X32, 4, base, index, scale, disp);
}

uint8_t *em_jcc_later(struct emit *e, enum x64_cc cc)
{
	em_jcc(e, cc, em_pc(e));
	return e->at - 4;
}

uint8_t *em_jmp_later(struct emit *e)
{
	em_jmp(e, em_pc(e));
	return e->at - 4;
}

void em_there(struct emit *e, uint8_t *field, uint64_t target)
{
	uint64_t from = (uint64_t)(uintptr_t)field + (uint64_t)e->run_delta + 4;
	uint32_t rel = (uint32_t)(target - from);

	memcpy(field, &rel, sizeof(rel));
	note_outward(e, field, target);
}

void em_here(struct emit *e, uint8_t *field)
{
	em_there(e, field, em_pc(e));
}
