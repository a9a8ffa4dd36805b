/*
 * cases.c: random instruction words and states for cpudiff.
 *
 * Random bits alone would hardly ever be a denormal, a NaN or two numbers that nearly cancel;
 * so vector registers are filled lane by lane from special values, small numbers, numbers
 * close to another register's, and random bits.
 */
#include "tests/cpudiff/cpudiff.h"

static const uint16_t special16[] = {
    0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x3C00, 0xBC00, 0x3800, 0x4000,
    0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7C01, 0xFDFF, 0x7E00, 0xFE12, 0x7FFF, 0x8080,
};
static const uint32_t special32[] = {
    0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007FFFFF, 0x807FFFFF, 0x00800000, 0x80800000,
    0x00800001, 0x00FFFFFF, 0x01000000, 0x3F800000, 0xBF800000, 0x3F000000, 0x3FC00000, 0x40000000,
    0x40200000, 0xC0200000, 0x40400000, 0x3F7FFFFF, 0x3F800001, 0x4B000000, 0x4B7FFFFF, 0x4EFFFFFF,
    0x4F000000, 0xCF000000, 0x4F800000, 0x5F000000, 0xDF000000, 0x5F800000, 0x7E800000, 0x7E7FFFFF,
    0x7F000000, 0x7F7FFFFF, 0xFF7FFFFF, 0x7F800000, 0xFF800000, 0x7F800001, 0xFF812345, 0x7FBFFFFF,
    0x7FC00000, 0xFFC00000, 0x7FC12345, 0x7FFFFFFF, 0x33800000, 0x477FE000, 0x477FF000, 0x38800000,
    0x387FC000, 0x33000000, 0x00400000, 0x00200000, 0x80200000, 0x001FFFFF, 0x42FE0000, 0x1F800000,
};
static const uint64_t special64[] = {
    0x0000000000000000, 0x8000000000000000, 0x0000000000000001, 0x8000000000000001,
    0x000FFFFFFFFFFFFF, 0x800FFFFFFFFFFFFF, 0x0010000000000000, 0x8010000000000000,
    0x0010000000000001, 0x001FFFFFFFFFFFFF, 0x0020000000000000, 0x3FF0000000000000,
    0xBFF0000000000000, 0x3FE0000000000000, 0x3FF8000000000000, 0x4000000000000000,
    0x4004000000000000, 0xC004000000000000, 0x4008000000000000, 0x3FEFFFFFFFFFFFFF,
    0x3FF0000000000001, 0x4330000000000000, 0x433FFFFFFFFFFFFF, 0x41DFFFFFFFC00000,
    0x41DFFFFFFFE00000, 0x41E0000000000000, 0xC1E0000000000000, 0xC1E0000000200000,
    0x41F0000000000000, 0x43E0000000000000, 0xC3E0000000000000, 0x43DFFFFFFFFFFFFF,
    0x43F0000000000000, 0x7FD0000000000000, 0x7FCFFFFFFFFFFFFF, 0x7FE0000000000000,
    0x7FEFFFFFFFFFFFFF, 0xFFEFFFFFFFFFFFFF, 0x7FF0000000000000, 0xFFF0000000000000,
    0x7FF0000000000001, 0xFFF0000012345678, 0x7FF7FFFFFFFFFFFF, 0x7FF8000000000000,
    0xFFF8000000000000, 0x7FF8123456789ABC, 0x7FFFFFFFFFFFFFFF, 0x3810000000000000,
    0x380FFFFFC0000000, 0x380FFFFFE0000000, 0x36A0000000000000, 0x3690000000000000,
    0x47EFFFFFE0000000, 0x47EFFFFFF0000000, 0x40EFFC0000000000, 0x40EFFE0000000000,
    0x0008000000000000, 0x0004000000000000, 0x0003FFFFFFFFFFFF, 0x3F10000000000000,
};

/* Sometimes makes a register field equal to another, where both are free. */
static uint32_t alias_registers(struct diff_rng *rng, uint32_t w, uint32_t mask)
{
	const unsigned from[] = {0, 5, 16, 10};
	unsigned a = from[diff_below(rng, 4)], b = from[diff_below(rng, 4)];

	if (diff_below(rng, 3) || (mask >> a & 31) || (mask >> b & 31))
		return w;
	return (w & ~(31u << a)) | (w >> b & 31) << a;
}

uint32_t diff_random_word(struct diff_rng *rng, uint32_t mask, uint32_t value)
{
	uint32_t w = value | ((uint32_t)diff_random(rng) & ~mask);

	w = alias_registers(rng, w, mask);
	/* Literals from the data page, its ends included: the sides differ around the code. */
	if ((w & 0x3B000000) == 0x18000000) {
		uint32_t at = diff_below(rng, 4)
		                  ? DIFF_BLOCK_AT + diff_below(rng, DIFF_BLOCK)
		                  : diff_below(rng, 2) * DIFF_MEM_SIZE + 16 - diff_below(rng, 48);

		at += (uint32_t)(DIFF_MEM - DIFF_CODE);
		w = (w & ~0x00FFFFE0u) | at / 4 << 5;
	}
	for (int shift = 0; shift <= 16; shift += 5) {
		if (shift == 15)
			shift = 16;
		if (((w >> shift) & 31) == DIFF_SCRATCH_X && !((mask >> shift) & 1 & ~w))
			w ^= (2u << shift) & ~mask;
	}
	return w;
}

bool diff_is_memory(const char *name)
{
	return !strncmp(name, "ld", 2) || !strncmp(name, "st", 2);
}

static uint64_t random_lane(struct diff_rng *rng, unsigned bits)
{
	uint64_t v;

	switch (diff_below(rng, 8)) {
	case 0:
	case 1:
	case 2:
		return bits == 16   ? special16[diff_below(rng, ARRAY_LEN(special16))]
		       : bits == 32 ? special32[diff_below(rng, ARRAY_LEN(special32))]
		                    : special64[diff_below(rng, ARRAY_LEN(special64))];
	case 3: /* a small integer, halves included */
		v = (uint64_t)(int64_t)((int)diff_below(rng, 65) - 32);
		if (bits == 32) {
			float f = (float)(int64_t)v / 2;
			uint32_t b;

			memcpy(&b, &f, sizeof(b));
			return b;
		}
		if (bits == 64) {
			double f = (double)(int64_t)v / 2;

			memcpy(&v, &f, sizeof(v));
		}
		return v;
	case 4: /* not far from one in exponent */
		v = diff_random(rng);
		if (bits == 32)
			return (v & 0x87FFFFFF) | 0x38000000;
		if (bits == 64)
			return (v & 0x803FFFFFFFFFFFFF) | 0x3FC0000000000000;
		return v;
	case 5: /* few bits set */
		return (diff_random(rng) & 1) << diff_below(rng, bits) |
		       (diff_random(rng) & 1) << diff_below(rng, bits);
	case 6: /* an integer of any magnitude */
		v = diff_random(rng) >> diff_below(rng, 64);
		return diff_below(rng, 2) ? 0 - v : v;
	default:
		return diff_random(rng);
	}
}

static void random_vector(struct diff_rng *rng, uint64_t v[2])
{
	unsigned bits = 16u << diff_below(rng, 3);

	for (unsigned at = 0; at < 128; at += bits) {
		uint64_t lane = random_lane(rng, bits);

		if (bits < 64)
			lane &= (1ULL << bits) - 1;
		v[at / 64] |= lane << (at % 64);
	}
}

/* Registers near or equal to another: cancellation, ties, equal comparisons. */
static void relate_vectors(struct diff_rng *rng, uint64_t a[2], const uint64_t b[2])
{
	uint64_t ulps = diff_below(rng, 5);

	for (unsigned i = 0; i < 2; i++)
		a[i] = (b[i] ^ (diff_below(rng, 2) ? 0 : 0x8000000080000000)) + ulps - 2;
}

static void random_fp_control(struct diff_rng *rng, struct diff_state *s)
{
	uint32_t pick = (uint32_t)diff_random(rng);

	s->fpcr = pick & 1 ? (pick & 0x07C00000) : 0;
	s->fpsr = pick & 2 ? 0x10 : pick & 4 ? (pick & 0x0800009F) : 0;
}

/* Offsets of the general form [x, #imm] by bits 31..30 and class; 0 where there is none. */
static int64_t immediate_offset(uint32_t w)
{
	unsigned scale = (w >> 30) | (w >> 21 & 4);

	if (!(w >> 26 & 1)) /* general registers */
		scale = w >> 30;
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

static void place_addresses(struct diff_rng *rng, uint32_t w, struct diff_state *s)
{
	unsigned rn = (w >> 5) & 31, rm = (w >> 16) & 31;
	uint64_t *base = rn == 31 ? &s->sp : &s->x[rn];
	uint64_t target = DIFF_MEM + DIFF_BLOCK_AT + 32 + diff_below(rng, 128);

	if (diff_below(rng, 8) == 0) /* at the page's ends, where accesses fail half-way */
		target =
		    DIFF_MEM + (diff_below(rng, 2) ? DIFF_MEM_SIZE : 0) - diff_below(rng, 64) + 8;
	if (diff_below(rng, 3))
		target &= ~15ULL;
	if ((w & 0x3B200C00) == 0x38200800) { /* register offset */
		unsigned scale = (w >> 30) | (w >> 26 & 1 ? w >> 21 & 4 : 0);
		int64_t index = (int)diff_below(rng, 8) - 4;

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

void diff_random_state(struct diff_rng *rng, uint32_t word, bool memory, struct diff_state *s)
{
	memset(s, 0, sizeof(*s));
	for (unsigned i = 0; i < 30; i++)
		s->x[i] = random_lane(rng, diff_below(rng, 2) ? 32 : 64);
	s->sp = DIFF_MEM + 2048 + 16 * diff_below(rng, 16);
	s->nzcv = diff_random(rng) & 0xF0000000;
	random_fp_control(rng, s);
	for (unsigned i = 0; i < 32; i++)
		random_vector(rng, s->v[i]);
	if (diff_below(rng, 4) == 0)
		relate_vectors(rng, s->v[(word >> 5) & 31], s->v[(word >> 16) & 31]);
	if (memory)
		place_addresses(rng, word, s);
	for (unsigned i = 0; i < DIFF_BLOCK; i += 8) {
		uint64_t r = diff_random(rng);

		memcpy(&s->mem[i], &r, 8);
	}
}
