/*
 * a64_rand.c: random programs, as a64_rand.h describes them.
 *
 * Reserved registers: x25 is a small index, x26..x28 and sp are bases, x24 the target of
 * indirect branches (set by an ADR just before).
 */
#include "tests/lib/a64_rand.h"

#include "vcpu/a64/decode.h"

#define INDEX_REG  25u
#define BASE_FIRST 26u
#define BRANCH_REG 24u

void a64_rand_init(struct a64_rand *r, uint64_t seed)
{
	/* Far apart for neighbouring seeds: the generator's own step is an addition. */
	r->s = seed;
	r->s = a64_rand_next(r) ^ seed << 32;
}

uint64_t a64_rand_next(struct a64_rand *r)
{
	uint64_t z = r->s += 0x9E3779B97F4A7C15ULL;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
	z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
	return z ^ z >> 31;
}

static uint64_t int_value(struct a64_rand *r)
{
	static const uint64_t special[] = {0,          1,          UINT64_MAX, 0x7FFFFFFFFFFFFFFF,
	                                   1ULL << 63, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
	                                   0xFF,       0x8000};
	uint64_t v = a64_rand_next(r);

	switch (a64_rand_below(r, 6)) {
	case 0:
		return special[a64_rand_below(r, ARRAY_LEN(special))];
	case 1:
		return v & 0xFF;
	case 2:
		return (uint64_t)((int64_t)v >> (v & 63));
	default:
		return v;
	}
}

static uint32_t float32_value(struct a64_rand *r)
{
	static const uint32_t special[] = {
	    0,          0x80000000, 0x3F800000, 0xBF800000, 0x7F800000, 0xFF800000, 0x7FC00000,
	    0xFFC00001, 0x7F800001, 0xFFA00000, 0x00000001, 0x807FFFFF, 0x00800000, 0x7F7FFFFF,
	    0x4F000000, 0xCF000000, 0x4F800000, 0x5F000000, 0x3F000000, 0x477FE000, 0x33000000,
	};
	uint32_t v = (uint32_t)a64_rand_next(r);

	switch (a64_rand_below(r, 4)) {
	case 0:
		return special[a64_rand_below(r, ARRAY_LEN(special))];
	case 1: /* near 1: exponents that interact */
		return (v & 0x807FFFFF) | (0x2F800000 + ((v >> 23 & 63) << 23));
	default:
		return v;
	}
}

static uint64_t float64_value(struct a64_rand *r)
{
	static const uint64_t special[] = {
	    0,
	    1ULL << 63,
	    0x3FF0000000000000,
	    0xBFF0000000000000,
	    0x7FF0000000000000,
	    0xFFF0000000000000,
	    0x7FF8000000000000,
	    0xFFF8000000000001,
	    0x7FF0000000000001,
	    0xFFF4000000000000,
	    0x0000000000000001,
	    0x800FFFFFFFFFFFFF,
	    0x0010000000000000,
	    0x7FEFFFFFFFFFFFFF,
	    0x41E0000000000000,
	    0xC1E0000000200000,
	    0x43E0000000000000,
	    0x43F0000000000000,
	    0x3FE0000000000000,
	    0x38100000E0000000,
	};
	uint64_t v = a64_rand_next(r);

	switch (a64_rand_below(r, 4)) {
	case 0:
		return special[a64_rand_below(r, ARRAY_LEN(special))];
	case 1:
		return (v & 0x800FFFFFFFFFFFFF) | (0x3E00000000000000ULL + ((v >> 52 & 63) << 52));
	default:
		return v;
	}
}

static void vector_value(struct a64_rand *r, union a64_vreg *v)
{
	unsigned kind = a64_rand_below(r, 4);

	for (unsigned i = 0; i < 2; i++) {
		switch (kind) {
		case 0:
			v->d[i] = int_value(r);
			break;
		case 1:
			v->d[i] = float64_value(r);
			break;
		case 2:
			v->s[2 * i] = float32_value(r);
			v->s[2 * i + 1] = float32_value(r);
			break;
		default: /* halves with special exponents now and then */
			v->d[i] = a64_rand_next(r);
			v->h[4 * i] |= (a64_rand_next(r) & 1) ? 0x7C00 : 0;
			v->h[4 * i + 1] &= (a64_rand_next(r) & 1) ? 0x83FF : 0xFFFF;
		}
	}
}

void a64_rand_regs(struct a64_rand *r, struct a64_regs *regs)
{
	static const uint32_t fpcr_bits[] = {1u << 26, 1u << 25, 1u << 24, 1u << 23, 1u << 22};
	uint64_t middle = A64_RAND_DATA + A64_RAND_DATA_SIZE / 2;

	memset(regs, 0, sizeof(*regs));
	for (unsigned i = 0; i < 31; i++)
		regs->x[i] = int_value(r);
	for (unsigned i = 0; i < 32; i++)
		vector_value(r, &regs->v[i]);
	regs->x[INDEX_REG] = a64_rand_below(r, 64);
	for (unsigned i = BASE_FIRST; i < BASE_FIRST + 3; i++)
		regs->x[i] = middle - 256 + a64_rand_below(r, 33) * 16;
	if (a64_rand_below(r, 4) == 0) /* an unaligned base, which may meet the page's end */
		regs->x[BASE_FIRST] += a64_rand_below(r, 16);
	regs->sp = middle - 64 + a64_rand_below(r, 9) * 16;
	regs->nzcv = (uint32_t)a64_rand_below(r, 16) << 28;
	if (a64_rand_next(r) & 1)
		for (unsigned i = 0; i < ARRAY_LEN(fpcr_bits); i++)
			if (a64_rand_below(r, 3) == 0)
				regs->fpcr |= fpcr_bits[i];
}

static uint32_t put(uint32_t word, int hi, int lo, uint32_t v)
{
	uint32_t mask = (uint32_t)((1ULL << (hi - lo + 1)) - 1) << lo;

	return (word & ~mask) | (v << lo & mask);
}

/* A register number that is not reserved. */
static unsigned free_reg(unsigned reg)
{
	return reg >= BRANCH_REG && reg <= BASE_FIRST + 2 ? reg - 16 : reg;
}

static bool is_load_store(uint32_t w)
{
	return (w & 0x0A000000) == 0x08000000;
}

static bool is_branch_class(uint32_t w)
{
	return (w & 0x1C000000) == 0x14000000;
}

static bool is_casp(uint32_t w)
{
	return (w & 0xBFA07C00) == 0x08207C00;
}

#define EXCL_NONE 99u

/* Size and kind of an exclusive: 0..3 single, 6 and 7 pairs. */
static unsigned excl_class(uint32_t w)
{
	return w >> 30 | (w >> 21 & 1) << 2;
}

/* x28 stays aligned, for exclusives, and so does sp: no odd writeback to them. */
static uint32_t mend_writeback(uint32_t w)
{
	bool single = (w & 0x3B200400) == 0x38000400, pair = (w & 0x3A800000) == 0x28800000;
	bool structure = (w & 0xBE800000) == 0x0C800000;
	unsigned base = w >> 5 & 31;

	if ((single || pair || structure) && base == BASE_FIRST + 2)
		w = put(w, 9, 5, BASE_FIRST);
	if (structure && base == 31)
		w = put(w, 9, 5, BASE_FIRST + 1);
	if (single && base == 31)
		w = put(w, 15, 12, 0);
	if (pair && base == 31)
		w = put(w, 17, 15, 0);
	return w;
}

/* Loads and stores; false: this word cannot be mended. */
static bool mend_load_store(struct a64_rand *r, uint32_t *word, unsigned left)
{
	uint32_t w = *word;
	bool simd = w >> 26 & 1;
	unsigned base = a64_rand_below(r, 4) ? BASE_FIRST + a64_rand_below(r, 3) : 31;

	if ((w & 0x3B000000) == 0x18000000) { /* literal */
		w = put(w, 23, 5, a64_rand_below(r, left ? left : 1));
		if (!simd)
			w = put(w, 4, 0, free_reg(w & 31));
		*word = w;
		return true;
	}
	w = mend_writeback(put(w, 9, 5, base));
	if (!simd)
		w = put(w, 4, 0, free_reg(w & 31));
	unsigned t = w & 31, t2 = w >> 10 & 31, s = w >> 16 & 31;

	if ((w & 0x3B000000) == 0x39000000) { /* unsigned offset */
		w = put(w, 21, 18, 0);
	} else if ((w & 0x3A000000) == 0x28000000) { /* pairs */
		if (!simd)
			w = put(w, 14, 10, free_reg(t2));
		if ((w >> 10 & 31) == t)
			return false;
	} else if ((w & 0x3F000000) == 0x08000000) { /* exclusives, CAS: always aligned */
		w = put(w, 9, 5, BASE_FIRST + 2);
		w = put(w, 20, 16, s = free_reg(s));
		w = put(w, 14, 10, t2 = (w & 0x00A00000) == 0x00200000 ? free_reg(t2) : 31);
		bool store_excl = !(w & 0x00C00000);

		/* Mixed sizes at one address are unpredictable (and qemu 7.2 stores although it
		 * reports failure). */
		if (!(w & 0x00800000) && !is_casp(w)) {
			if (r->excl_class == EXCL_NONE)
				r->excl_class = excl_class(w);
			else if (excl_class(w) != r->excl_class)
				return false;
		}

		if (store_excl && (s == t || (s == t2 && (w & 0x00200000))))
			return false;
		if ((w & 0x00E00000) == 0x00600000 && t == t2)
			return false;
		if ((w & 0x00E00000) == 0x00400000 || (w & 0x00A00000) == 0x00800000)
			if ((w & 0x00A00000) != 0x00A00000)
				w = put(w, 20, 16, 31);
		/* Compare-and-swap pairs write Rs+1 too. */
		if ((s | 1) >= BRANCH_REG && s != 31)
			return false;
	} else if ((w & 0x3B200C00) == 0x38200800) { /* register offset */
		w = put(w, 20, 16, INDEX_REG);
	} else if ((w & 0x3B200C00) == 0x38200000) { /* atomics */
		w = put(w, 20, 16, free_reg(s));
		if ((w & 0x3FFFFC00) == 0x38BFC000) /* LDAPR: qemu 7.2 does not check alignment */
			w = put(w, 9, 5, BASE_FIRST + 2);
	} else if ((w & 0xBE800000) == 0x0C800000) { /* SIMD structures, post-indexed */
		w = put(w, 20, 16, a64_rand_below(r, 2) ? 31 : INDEX_REG);
	}
	*word = w;
	return true;
}

static bool mend_branch_class(struct a64_rand *r, uint32_t *word, unsigned left)
{
	/* NZCV, FPCR, FPSR, TPIDR_EL0 as bits 20..5 of an MRS; of them NZCV is written too. */
	static const uint32_t readable[] = {0xDA10, 0xDA20, 0xDA21};
	uint32_t w = *word;
	unsigned ahead = 1 + a64_rand_below(r, left < 4 ? left : 4);

	if ((w >> 24) == 0xD4) /* exceptions */
		return false;
	if ((w & 0xFFF00000) == 0xD5300000) {
		w = put(w, 20, 5, readable[a64_rand_below(r, ARRAY_LEN(readable))]);
		w = put(w, 4, 0, free_reg(w & 31));
	} else if ((w & 0xFFF00000) == 0xD5100000) {
		w = put(w, 20, 5, readable[0]);
	} else if ((w & 0xFFF80000) == 0xD5080000) { /* caches */
		/* DC ZVA: its size is the machine's own; DC CVAP: qemu-user 7.2 lacks it. */
		if ((w & 0xFFFFFFE0) == 0xD50B7420 || (w & 0xFFFFFFE0) == 0xD50B7C20)
			return false;
		w = put(w, 4, 0, BASE_FIRST + 1);
	} else if ((w & 0x7C000000) == 0x14000000) { /* B, BL */
		w = put(w, 25, 0, ahead);
	} else if ((w & 0x7E000000) == 0x36000000) { /* TBZ, TBNZ */
		w = put(w, 18, 5, ahead);
	} else if ((w & 0x7E000000) == 0x34000000 || (w & 0xFF000000) == 0x54000000) {
		w = put(w, 23, 5, ahead);
	} else if ((w & 0xFE000000) == 0xD6000000) { /* BR, BLR, RET */
		w = put(w, 9, 5, BRANCH_REG);
	}
	*word = w;
	return true;
}

/* Data processing: reserved registers and sp are not written. */
static bool mend_data(uint32_t *word)
{
	uint32_t w = *word;
	bool to_sp = (w & 0x3F800000) == 0x11000000 || (w & 0x3FE00000) == 0x0B200000 ||
	             ((w & 0x1F800000) == 0x12000000 && (w & 0x60000000) != 0x60000000);

	/* FCMP and FCCMP have no destination there. */
	if ((w & 0xFF20FC00) != 0x1E202000 && (w & 0xFF200C00) != 0x1E200400)
		w = put(w, 4, 0, free_reg(w & 31));
	if (to_sp && (w & 31) == 31)
		w = put(w, 4, 0, 7);
	*word = w;
	return true;
}

static bool is_indirect(uint32_t w)
{
	return (w & 0xFE000000) == 0xD6000000;
}

/* One instruction for position i of n. */
static uint32_t one(struct a64_rand *r, unsigned left, a64_rand_wanted *wanted,
                    a64_rand_allocated *allocated, void *opaque)
{
	for (;;) {
		const struct a64_row *row = &a64_rows[a64_rand_below(r, a64_row_count)];
		uint32_t w = row->value | ((uint32_t)a64_rand_next(r) & ~row->mask);
		bool ok;

		if (row->fn == a64_undefined || (wanted && !wanted(opaque, row->name)))
			continue;
		if (is_load_store(w))
			ok = mend_load_store(r, &w, left);
		else if (is_branch_class(w))
			ok = mend_branch_class(r, &w, left);
		else
			ok = mend_data(&w);
		/* Mending may have turned it into another instruction. */
		if (ok && a64_decode(w) == row && allocated(opaque, w))
			return w;
	}
}

/* The bits of a direct branch that hold its distance, or of the ADR before an indirect one. */
static bool distance_field(uint32_t w, int *hi, int *lo)
{
	*lo = 5;
	*hi = 23;
	if ((w & 0x7C000000) == 0x14000000) {
		*lo = 0;
		*hi = 25;
	} else if ((w & 0x7E000000) == 0x36000000) {
		*hi = 18;
	} else if ((w & 0x7E000000) != 0x34000000 && (w & 0xFF000000) != 0x54000000 &&
	           (w & 0xFF00001F) != (0x10000000u | BRANCH_REG)) {
		return false;
	}
	return true;
}

/* No branch may come between an ADR and its indirect branch, whose register would be old and
 * might lead backwards: such targets move one on. */
static void keep_pairs_whole(uint32_t *code, unsigned n)
{
	int hi, lo;

	for (unsigned i = 0; i < n; i++) {
		if (!distance_field(code[i], &hi, &lo))
			continue;
		unsigned ahead = a64_bits(code[i], hi, lo);

		if (i + ahead < n && is_indirect(code[i + ahead]))
			code[i] = put(code[i], hi, lo, ahead + 1);
	}
}

void a64_rand_program(struct a64_rand *r, uint32_t *code, unsigned n, a64_rand_wanted *wanted,
                      a64_rand_allocated *allocated, void *opaque)
{
	r->excl_class = EXCL_NONE;
	for (unsigned i = 0; i < n; i++) {
		uint32_t w = one(r, n - i, wanted, allocated, opaque);

		/* An indirect branch needs its target: ADR x24, ahead of the branch itself. */
		while (is_indirect(w) && i + 2 > n)
			w = one(r, n - i, wanted, allocated, opaque);
		if (is_indirect(w)) {
			unsigned ahead = 2 + a64_rand_below(r, MIN(n - i - 1, 4u));

			code[i++] = 0x10000000u | ahead << 5 | BRANCH_REG;
		}
		code[i] = w;
	}
	keep_pairs_whole(code, n);
}
