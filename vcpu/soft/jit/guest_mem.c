/*
 * guest_mem.c: guest memory as an operand of host instructions.
 *
 * With the software TLB the operand is a host address in rax, which nine instructions have
 * computed.  With a window it is [window base + guest address + displacement]: the address must
 * be below the limit, and the host's page tables do the rest; an instruction whose access they
 * refuse goes on at its slow path (struct jit_site).
 *
 * The limit need not be checked again for a register whose value has not changed since, or only
 * by a known distance: the guard zones around a window are WINDOW_GUARD wide.  What is known so is
 * a fact; facts hold till the end of the block, for an address that fails its check leaves the
 * block.
 */
#include "vcpu/soft/jit/tr.h"

#include "vcpu/a64/decode.h"
#include "vcpu/soft/jit/window.h"

#define TLB_SHIFT 5 /* log2 of an entry's size */

/* --- facts --- */

/* Facts about registers that the instruction writes are no longer true. */
static void forget(struct jit_tr *t, unsigned r)
{
	t->fact[r].known = false;
}

static void forget_all(struct jit_tr *t)
{
	for (unsigned r = 0; r < 32; r++)
		forget(t, r);
}

/* rd = rn + distance. */
static void derive(struct jit_tr *t, unsigned rd, unsigned rn, int64_t distance)
{
	struct jit_fact f = t->fact[rn];

	/* Far less than an overflow, far more than a guard zone. */
	if (f.distance + distance > INT32_MAX || f.distance + distance < INT32_MIN)
		f.known = false;
	f.distance += distance;
	t->fact[rd] = f;
}

/* ADD and SUB of an immediate, 64 bits, no flags: both registers may be sp. */
static bool is_add_imm(uint32_t w)
{
	return (w & 0xBF800000) == 0x91000000;
}

/* Register 31 as the destination is sp, not the zero register. */
static bool may_write_sp(uint32_t w)
{
	return (w & 0x3F000000) == 0x11000000 /* ADD, SUB (immediate) */ ||
	       (w & 0x3FE00000) == 0x0B200000 /* ADD, SUB (extended register) */ ||
	       ((w & 0x1F800000) == 0x12000000 && (w & 0x60000000) != 0x60000000); /* logical */
}

/* A load or store that changes its base register. */
static bool writes_back(uint32_t w)
{
	switch (w >> 27 & 7) {
	case 1: /* structures */
		return w >> 26 & 1 && w >> 23 & 1;
	case 5: /* pairs */
		return w >> 23 & 1;
	case 7: /* pre- and post-indexed */
		return !(w >> 24 & 1) && !(w >> 21 & 1) && w >> 10 & 1;
	default:
		return false;
	}
}

static void after_transfer(struct jit_tr *t, uint32_t w)
{
	if (writes_back(w) && !t->wrote_back)
		forget(t, w >> 5 & 31);
	t->wrote_back = false;
	if (w >> 26 & 1) /* of SIMD&FP registers */
		return;
	/* Those that are sources only are forgotten too, but for the commonest. */
	if ((w & 0x3A400000) == 0x28000000 || (w & 0x3BC00000) == 0x39000000)
		return; /* STP, STR (immediate) */
	if ((w & 0x3B000000) == 0x39000000 || (w & 0x3B200000) == 0x38000000) {
		forget(t, w & 31); /* LDR, and STR and LDR of other immediate offsets */
		return;
	}
	for (unsigned i = 0; i < 2; i++) {
		forget(t, (w + i) & 31);
		forget(t, ((w >> 16) + i) & 31);
	}
	forget(t, w >> 10 & 31);
}

void jit_facts_after(struct jit_tr *t, uint32_t w)
{
	unsigned rd = w & 31;

	if (is_add_imm(w)) {
		int64_t imm = (int64_t)a64_bits(w, 21, 10) << (a64_bits(w, 22, 22) ? 12 : 0);

		derive(t, rd, w >> 5 & 31, a64_bits(w, 30, 30) ? -imm : imm);
		return;
	}
	if ((w & 0xFFE0FFE0) == 0xAA0003E0) { /* MOV (register) */
		if (rd != 31 && (w >> 16 & 31) != 31)
			derive(t, rd, w >> 16 & 31, 0);
		else if (rd != 31)
			forget(t, rd);
		return;
	}
	switch (w >> 25 & 15) {
	case 8: /* data processing, immediate */
	case 9:
	case 5: /* register */
	case 13:
		if (rd != 31 || may_write_sp(w))
			forget(t, rd);
		return;
	case 4: /* loads and stores */
	case 6:
	case 12:
	case 14:
		after_transfer(t, w);
		return;
	default:
		forget(t, rd);
		forget(t, 30);
	}
}

void jit_facts_none(struct jit_tr *t)
{
	forget_all(t);
}

/* --- the software TLB --- */

/* With the guest address in rax: rax = host address, or the slow path.  Uses rcx and rdx. */
static void look_up(struct jit_tr *t, unsigned size, unsigned how)
{
	struct emit *e = &t->e;
	int32_t tlb = JIT_AT(cpu.tlb);

	_Static_assert(sizeof(struct a64_tlb_entry) == 1 << TLB_SHIFT, "size of a TLB entry");
	/* ecx = the entry's place by the first byte's page, rdx = the last byte's page. */
	em_rr(e, X_LOAD, X32, RCX, RAX);
	em_shift_ri(e, SH_SHR, X32, RCX, PAGE_SHIFT - TLB_SHIFT);
	em_alu_ri(e, ALU_AND, X32, RCX, (A64_TLB_ENTRIES - 1) << TLB_SHIFT);
	if (size == 1 || how & JIT_ALIGNED) {
		/* Low bits that must not be set spoil the comparison. */
		em_rr(e, X_LOAD, X64, RDX, RAX);
		em_alu_ri(e, ALU_AND, X64, RDX, -(int32_t)PAGE_SIZE | ((int32_t)size - 1));
	} else {
		em_rm(e, X_LEA, X64, RDX, RAX, (int32_t)size - 1);
		em_alu_ri(e, ALU_AND, X64, RDX, -(int32_t)PAGE_SIZE);
	}
	em_rx(e, X_CMP, X64, RDX, RBP, RCX, 0,
	      tlb + (int32_t)(how & JIT_STORE ? offsetof(struct a64_tlb_entry, wtag)
	                                      : offsetof(struct a64_tlb_entry, rtag)));
	jit_slow_if(t, CC_NE);
	em_rx(e, X_ADD, X64, RAX, RBP, RCX, 0,
	      tlb + (int32_t)offsetof(struct a64_tlb_entry, addend));
}

/* --- addresses --- */

/* A misaligned sp is refused by the handler; then it is known for the rest of the block. */
static void check_sp(struct jit_tr *t)
{
	if (t->sp_aligned)
		return;
	em_rr(&t->e, 0xF6, X8, 0, (unsigned)jit_pin[31]); /* test r15b, 15 */
	em_u8(&t->e, 15);
	jit_slow_if(t, CC_NE);
	t->sp_aligned = true;
}

/* The index register, extended: in which host register; the scale that lea has still to apply.
 * Uses rcx; keeps EFLAGS. */
static unsigned add_index(struct jit_tr *t, const struct a64_op *op, unsigned *scale)
{
	unsigned option = a64_bits(op->word, 15, 13), m = RCX;

	if (option & 1) /* 64 bits of it */
		m = jit_src(t, a64_rm(op), RCX);
	else
		jit_extend(t, option, RCX, a64_rm(op));
	if (*scale > 3) {
		em_rx(&t->e, X_LEA, X64, RCX, m, m, 0, 0);
		m = RCX;
		*scale -= 1;
	}
	return m;
}

/* --- windows --- */

/* Code that goes on knows the host register to be below the limit. */
static void check_limit(struct jit_tr *t, unsigned host)
{
	em_rm(&t->e, X_CMP, X64, host, RBP, JIT_AT(window_limit));
	jit_slow_leave_if(t, CC_AE);
}

/* Is [register + lo, register + hi) known to be in the window or its guard zones? */
static bool is_known(const struct jit_tr *t, unsigned r, int64_t lo, int64_t hi)
{
	const struct jit_fact *f = &t->fact[r];

	return f->known && f->distance + lo >= -(int64_t)WINDOW_GUARD &&
	       f->distance + hi <= (int64_t)WINDOW_GUARD;
}

/* Makes it known; the register is in host. */
static void make_known(struct jit_tr *t, unsigned r, unsigned host)
{
	check_limit(t, host);
	t->fact[r] = (struct jit_fact){.known = true};
}

static void check_alignment(struct jit_tr *t, unsigned host, unsigned size)
{
	em_test_ri(&t->e, X32, host, (int32_t)size - 1);
	jit_slow_if(t, CC_NE);
}

/* An access that crosses into another page takes the slow path.  Uses rcx. */
static void check_page(struct jit_tr *t, unsigned host, int64_t offset, unsigned size)
{
	em_rm(&t->e, X_LEA, X32, RCX, host, (int32_t)offset);
	em_alu_ri(&t->e, ALU_AND, X32, RCX, (int32_t)PAGE_SIZE - 1);
	em_alu_ri(&t->e, ALU_CMP, X32, RCX, (int32_t)(PAGE_SIZE - size));
	jit_slow_if(t, CC_A);
}

/* Loads and stores whose base register window_base checks: an immediate offset, or a pair. */
static bool has_plain_base(uint32_t w)
{
	return (w & 0x3A000000) == 0x28000000 || (w & 0x3B000000) == 0x39000000 ||
	       (w & 0x3B200000) == 0x38000000;
}

/* How far ahead, and how many registers, jit_mem_ahead looks. */
#define AHEAD     12u
#define AHEAD_MAX 2u

/*
 * Which registers are bases of loads and stores that come while flags set by the current
 * instruction are alive, and do not change before.  Each register starts with a distance that
 * tells it from the others.
 */
static uint32_t bases_ahead(struct jit_tr *t)
{
	uint32_t bases = 0;

	for (unsigned r = 0; r < 32; r++)
		t->fact[r] = (struct jit_fact){.known = true, .distance = (int64_t)r << 20};
	for (unsigned i = t->at; i < t->count && i < t->at + AHEAD; i++) {
		uint32_t w = t->ops[i].word;
		const struct jit_rule *rule = t->rules[i];
		unsigned rn = w >> 5 & 31;

		if (i > t->at) {
			if (!rule || !rule->fn || rule->attr & JIT_SETF || a64_ends_block(w))
				break;
			if (has_plain_base(w) && t->fact[rn].known &&
			    t->fact[rn].distance == (int64_t)rn << 20)
				bases |= 1u << rn;
		}
		jit_facts_after(t, w);
	}
	return bases;
}

void jit_mem_ahead(struct jit_tr *t)
{
	struct jit_fact now[32];
	unsigned checked = 0;
	uint32_t bases;

	if (!(t->page->mode & JIT_MODE_WINDOW))
		return;
	memcpy(now, t->fact, sizeof(now));
	bases = bases_ahead(t);
	memcpy(t->fact, now, sizeof(now));
	for (unsigned r = 0; r < 31 && checked < AHEAD_MAX; r++) {
		if (!(bases >> r & 1) || is_known(t, r, -(1LL << 16), 1LL << 16))
			continue;
		t->flags = JIT_FLAGS_MEM; /* the old ones are dead */
		make_known(t, r, jit_src_sp(t, r, RAX));
		checked++;
	}
}

static struct jit_mem window_base(struct jit_tr *t, unsigned rn, int64_t offset, unsigned size,
                                  unsigned how)
{
	bool known = is_known(t, rn, offset, offset + size);
	bool aligned = !(how & JIT_ALIGNED) || size == 1 || (rn == 31 && size <= 16);
	bool inside = !(how & JIT_SEVERAL) || (rn == 31 && offset % 16 == 0 && size <= 16);
	unsigned n;

	if (!known || how & JIT_ALIGNED || !inside || (rn == 31 && !t->sp_aligned))
		jit_clobber_flags(t);
	if (rn == 31)
		check_sp(t);
	n = jit_src_sp(t, rn, RAX);
	if (!known)
		make_known(t, rn, n);
	if (!aligned)
		check_alignment(t, n, size);
	if (!inside)
		check_page(t, n, offset, size);
	return (struct jit_mem){.base = n, .disp = (int32_t)offset, .windowed = true};
}

/* The bounds of an index register of 32 bits, scaled. */
static void index_bounds(unsigned option, unsigned scale, int64_t *lo, int64_t *hi)
{
	bool is_signed = option & 4;

	*lo = is_signed ? -(1LL << (31 + scale)) : 0;
	*hi = 1LL << ((is_signed ? 31 : 32) + scale);
}

static struct jit_mem window_index(struct jit_tr *t, const struct a64_op *op, unsigned scale,
                                   unsigned size)
{
	unsigned option = a64_bits(op->word, 15, 13), rn = a64_rn(op), n, m;
	bool wide = option & 1, known = false;
	int64_t lo, hi;

	if (!wide) {
		index_bounds(option, scale, &lo, &hi);
		known = is_known(t, rn, lo, hi + size);
	}
	if (!known || (rn == 31 && !t->sp_aligned))
		jit_clobber_flags(t);
	if (rn == 31)
		check_sp(t);
	n = jit_src_sp(t, rn, RAX);
	if (!wide && !known)
		make_known(t, rn, n);
	m = add_index(t, op, &scale);
	em_rx(&t->e, X_LEA, X64, RAX, n, m, scale, 0);
	if (wide)
		check_limit(t, RAX);
	return (struct jit_mem){.base = RAX, .windowed = true};
}

static struct jit_mem window_const(struct jit_tr *t, uint64_t va)
{
	if (va >= WINDOW_LIMIT)
		jit_clobber_flags(t);
	jit_mov_guest(t, RAX, va);
	if (va >= WINDOW_LIMIT)
		check_limit(t, RAX);
	return (struct jit_mem){.base = RAX, .windowed = true};
}

/* --- operands --- */

/* The guest address is in rax. */
static struct jit_mem by_rax(struct jit_tr *t, unsigned size, unsigned how)
{
	look_up(t, size, how);
	return (struct jit_mem){.base = RAX};
}

struct jit_mem jit_mem_base(struct jit_tr *t, unsigned rn, int64_t offset, unsigned size,
                            unsigned how)
{
	unsigned n;

	if (t->page->mode & JIT_MODE_WINDOW)
		return window_base(t, rn, offset, size, how);
	jit_clobber_flags(t);
	if (rn == 31)
		check_sp(t);
	n = jit_src_sp(t, rn, RAX);
	if (offset)
		em_rm(&t->e, X_LEA, X64, RAX, n, (int32_t)offset);
	else if (n != RAX)
		em_rr(&t->e, X_LOAD, X64, RAX, n);
	return by_rax(t, size, how);
}

struct jit_mem jit_mem_index(struct jit_tr *t, const struct a64_op *op, unsigned scale,
                             unsigned size, unsigned how)
{
	unsigned n, m;

	if (t->page->mode & JIT_MODE_WINDOW)
		return window_index(t, op, scale, size);
	jit_clobber_flags(t);
	if (a64_rn(op) == 31)
		check_sp(t);
	n = jit_src_sp(t, a64_rn(op), RAX);
	m = add_index(t, op, &scale);
	em_rx(&t->e, X_LEA, X64, RAX, n, m, scale, 0);
	return by_rax(t, size, how);
}

struct jit_mem jit_mem_const(struct jit_tr *t, uint64_t va, unsigned size, unsigned how)
{
	if (t->page->mode & JIT_MODE_WINDOW)
		return window_const(t, va);
	jit_clobber_flags(t);
	jit_mov_guest(t, RAX, va);
	return by_rax(t, size, how);
}

struct jit_mem jit_mem_line(struct jit_tr *t, unsigned r, unsigned size, unsigned how)
{
	jit_clobber_flags(t);
	jit_op(t, X_LOAD, X64, RAX, r);
	em_alu_ri(&t->e, ALU_AND, X64, RAX, -(int32_t)size);
	if (!(t->page->mode & JIT_MODE_WINDOW))
		return by_rax(t, size, how);
	check_limit(t, RAX);
	return (struct jit_mem){.base = RAX, .windowed = true};
}

static void access_op(struct jit_tr *t, unsigned op, enum x64_width w, unsigned reg,
                      const struct jit_mem *m, int32_t disp)
{
	if (m->windowed)
		em_rx(&t->e, op, w, reg, JIT_WINDOW, m->base, 0, m->disp + disp);
	else
		em_rm(&t->e, op, w, reg, m->base, m->disp + disp);
}

void jit_mem_op(struct jit_tr *t, unsigned op, enum x64_width w, unsigned reg,
                const struct jit_mem *m, int32_t disp)
{
	if (m->windowed)
		jit_slow_site(t);
	access_op(t, op, w, reg, m, disp);
}

void jit_mem_locked(struct jit_tr *t, unsigned op, enum x64_width w, unsigned reg,
                    const struct jit_mem *m, int32_t disp)
{
	if (m->windowed)
		jit_slow_site(t);
	em_u8(&t->e, 0xF0);
	access_op(t, op, w, reg, m, disp);
}

void jit_mem_away(struct jit_tr *t, struct jit_mem *m, unsigned reg)
{
	if (m->base == RAX) {
		em_rr(&t->e, X_LOAD, X64, reg, RAX);
		m->base = reg;
	}
}

void jit_writeback(struct jit_tr *t, unsigned rn, int64_t offset)
{
	unsigned d = jit_dst_sp(t, rn, RCX);

	em_rm(&t->e, X_LEA, X64, d, jit_src_sp(t, rn, RCX), (int32_t)offset);
	jit_put_sp(t, rn, d);
	if (rn == 31)
		t->sp_aligned = offset % 16 == 0;
	derive(t, rn, rn, offset);
	t->wrote_back = true;
}

void jit_writeback_reg(struct jit_tr *t, unsigned rn, unsigned rm)
{
	unsigned m;

	jit_op_sp(t, X_LOAD, X64, RCX, rn);
	m = jit_src(t, rm, RDX);
	em_rx(&t->e, X_LEA, X64, RCX, RCX, m, 0, 0);
	jit_put_sp(t, rn, RCX);
	if (rn == 31)
		t->sp_aligned = false;
}
