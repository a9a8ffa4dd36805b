/*
 * words.c: single instructions whose free bits are anything at all, constrained unpredictable
 * and reserved encodings included, each on states that suit it: addresses that are mostly good,
 * sometimes at the ends of the data; operands that nearly cancel.
 */
#include "tests/cpu/rig.h"

uint32_t rig_random_word(struct a64_rand *r, uint32_t mask, uint32_t value)
{
	uint32_t w = value | ((uint32_t)a64_rand_next(r) & ~mask);

	w = a64_rand_fields(r, w, mask);
	/* A pair loaded to one register: either word may end there. */
	if ((w & 0x3A400000) == 0x28400000 && (w >> 10 & 31) == (w & 31) && (w & 31) != 31)
		w ^= 1;
	if ((w & 0x3B000000) ==
	    0x18000000) { /* literals from the data pages, their ends included */
		uint32_t at = a64_rand_below(r, 4) ? a64_rand_below(r, WIRE_DATA_SIZE)
		                                   : a64_rand_below(r, 2) * WIRE_DATA_SIZE + 16 -
		                                         a64_rand_below(r, 48);

		at += (uint32_t)(WIRE_DATA - wire_pc(0));
		w = (w & ~0x00FFFFE0u) | (at / 4 << 5 & 0x00FFFFE0);
	}
	return w;
}

/* What the addressing form adds to the base, if that is in the word. */
static int64_t immediate_offset(uint32_t w)
{
	unsigned scale = w >> 26 & 1 ? w >> 30 | (w >> 21 & 4) : w >> 30;

	if ((w & 0x3B000000) == 0x39000000) /* unsigned offset */
		return (int64_t)((w >> 10) & 0xFFF) << scale;
	if ((w & 0x3B200C00) == 0x38000400) /* post-indexed */
		return 0;
	if ((w & 0x3B200000) == 0x38000000)
		return (int64_t)((uint64_t)w << 43) >> 55;
	if ((w & 0x3A000000) == 0x28000000) { /* pairs */
		unsigned log = w >> 26 & 1 ? 2 + (w >> 30) : 2 + (w >> 31);

		if ((w >> 23 & 3) == 1)
			return 0;
		return ((int64_t)((uint64_t)w << 42) >> 57) * (1LL << log);
	}
	return 0;
}

static void place_addresses(struct a64_rand *r, uint32_t w, struct wire_regs *s)
{
	unsigned rn = (w >> 5) & 31, rm = (w >> 16) & 31;
	uint64_t *base = rn == 31 ? &s->sp : &s->x[rn];
	uint64_t target = WIRE_DATA + WIRE_DATA_SIZE / 2 - 64 + a64_rand_below(r, 128);

	if (a64_rand_below(r, 8) == 0) /* at the ends, where accesses fail half-way */
		target = WIRE_DATA + (a64_rand_below(r, 2) ? WIRE_DATA_SIZE : 0) -
		         a64_rand_below(r, 64) + 8;
	/* LDAPR: qemu 7.2 does not check alignment. */
	if (a64_rand_below(r, 3) || (w & 0x3FFFFC00) == 0x38BFC000)
		target &= ~15ULL;
	if ((w & 0x3B200C00) == 0x38200800) { /* register offset */
		unsigned scale = (w >> 30) | (w >> 26 & 1 ? w >> 21 & 4 : 0);
		int64_t index = (int)a64_rand_below(r, 8) - 4;

		if (rm == 31)
			index = 0;
		else if (rm != rn)
			s->x[rm] = (w >> 13 & 7) == 2
			               ? (uint32_t)(index = index < 0 ? -index : index)
			               : (uint64_t)index;
		target -= (uint64_t)(index * (1LL << (w >> 12 & 1 ? scale : 0)));
	}
	*base = target - (uint64_t)immediate_offset(w);
	if (rn == 31)
		*base &= ~15ULL;
}

void rig_word_case(struct a64_rand *r, uint32_t word, struct wire_case *c)
{
	struct a64_regs regs;
	unsigned n = word >> 5 & 31, m = word >> 16 & 31;

	memset(c, 0, sizeof(*c));
	a64_rand_regs(r, &regs);
	if (a64_rand_below(r, 4) == 0)
		a64_rand_relate(r, &regs.v[n], &regs.v[m]);
	memcpy(c->in.x, regs.x, sizeof(c->in.x));
	memcpy(c->in.v, regs.v, sizeof(c->in.v));
	c->in.sp = regs.sp;
	c->in.nzcv = regs.nzcv;
	c->in.fpcr = regs.fpcr;
	c->in.fpsr = regs.fpsr;
	if ((word & 0x0A000000) == 0x08000000)
		place_addresses(r, word, &c->in);
	c->memory_seed = a64_rand_next(r);
	c->insns = 1;
	c->code[0] = word;
}
