/*
 * a64_rand.c: random programs, as a64_rand.h describes them.
 */
#include "tests/lib/a64_rand.h"

#include "vcpu/a64/decode.h"

#define LR 30u

void a64_rand_init(struct a64_rand *r, uint64_t seed)
{
	/* Far apart for neighbouring seeds: the generator's own step is an addition. */
	memset(r, 0, sizeof(*r));
	r->s = seed;
	r->s = a64_rand_next(r) ^ seed << 32;
	a64_rand_roles(r);
}

uint64_t a64_rand_next(struct a64_rand *r)
{
	uint64_t z = r->s += 0x9E3779B97F4A7C15ULL;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
	z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
	return z ^ z >> 31;
}

static uint8_t take_role(struct a64_rand *r)
{
	unsigned reg;

	do {
		reg = a64_rand_below(r, LR);
	} while (r->role.reserved >> reg & 1);
	r->role.reserved |= 1u << reg;
	return (uint8_t)reg;
}

void a64_rand_roles(struct a64_rand *r)
{
	r->role.reserved = 0;
	for (unsigned i = 0; i < ARRAY_LEN(r->role.base); i++)
		r->role.base[i] = take_role(r);
	r->role.index = take_role(r);
	r->role.branch = take_role(r);
	for (unsigned i = 0; i < A64_RAND_LOOPS; i++)
		r->role.counter[i] = take_role(r);
	for (unsigned i = 0; i < ARRAY_LEN(r->liked); i++)
		r->liked[i] = (uint8_t)a64_rand_below(r, 32);
	r->likes = a64_rand_below(r, 2);
	r->may_flush = a64_rand_below(r, 2);
}

/* --- mending a random word --- */

static uint32_t put(uint32_t word, int hi, int lo, uint32_t v)
{
	uint32_t mask = (uint32_t)((1ULL << (hi - lo + 1)) - 1) << lo;

	return (word & ~mask) | (v << lo & mask);
}

static bool is_reserved(const struct a64_rand *r, unsigned reg)
{
	return reg < 31 && (r->role.reserved >> reg & 1);
}

/* A register number that has no purpose. */
static unsigned free_reg(const struct a64_rand *r, unsigned reg)
{
	while (is_reserved(r, reg))
		reg = (reg + 7) % 31;
	return reg;
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

/* base[2] stays aligned, for exclusives, and so does sp: no odd writeback to them. */
static uint32_t mend_writeback(const struct a64_rand *r, uint32_t w)
{
	bool single = (w & 0x3B200400) == 0x38000400, pair = (w & 0x3A800000) == 0x28800000;
	bool structure = (w & 0xBE800000) == 0x0C800000;
	unsigned base = w >> 5 & 31;

	if ((single || pair || structure) && base == r->role.base[2])
		w = put(w, 9, 5, r->role.base[0]);
	if (structure && base == 31)
		w = put(w, 9, 5, r->role.base[1]);
	if (single && base == 31)
		w = put(w, 15, 12, 0);
	if (pair && base == 31)
		w = put(w, 17, 15, 0);
	return w;
}

/* Exclusives, CAS: always aligned.  False: unpredictable. */
static bool mend_exclusive(struct a64_rand *r, uint32_t *word)
{
	uint32_t w = *word;
	unsigned t = w & 31, t2 = w >> 10 & 31, s = free_reg(r, w >> 16 & 31);
	bool pair = (w & 0x00A00000) == 0x00200000, store_excl = !(w & 0x00C00000);

	w = put(w, 9, 5, r->role.base[2]);
	w = put(w, 20, 16, s);
	w = put(w, 14, 10, t2 = pair ? free_reg(r, t2) : 31);
	/* Mixed sizes at one address are unpredictable (and qemu 7.2 stores although it reports
	 * failure). */
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
		w = put(w, 20, 16, 31);
	/* Compare-and-swap of pairs writes Rs+1 too. */
	if (is_casp(w) && is_reserved(r, s | 1))
		return false;
	*word = w;
	return true;
}

/* Loads and stores; false: this word cannot be mended. */
static bool mend_load_store(struct a64_rand *r, uint32_t *word, unsigned left)
{
	uint32_t w = *word;
	bool simd = w >> 26 & 1;
	unsigned base = a64_rand_below(r, 4) ? r->role.base[a64_rand_below(r, 3)] : 31;

	if ((w & 0x3B000000) == 0x18000000) { /* literal */
		w = put(w, 23, 5, a64_rand_below(r, left ? left : 1));
		if (!simd)
			w = put(w, 4, 0, free_reg(r, w & 31));
		*word = w;
		return true;
	}
	w = mend_writeback(r, put(w, 9, 5, base));
	if (!simd)
		w = put(w, 4, 0, free_reg(r, w & 31));
	if ((w & 0x3B000000) == 0x39000000) { /* unsigned offset */
		w = put(w, 21, 18, 0);
	} else if ((w & 0x3A000000) == 0x28000000) { /* pairs */
		if (!simd)
			w = put(w, 14, 10, free_reg(r, w >> 10 & 31));
		if ((w >> 22 & 1) && (w >> 10 & 31) == (w & 31))
			return false;
	} else if ((w & 0x3F000000) == 0x08000000) {
		return mend_exclusive(r, &w) && (*word = w, true);
	} else if ((w & 0x3B200C00) == 0x38200800) { /* register offset */
		w = put(w, 20, 16, a64_rand_below(r, 4) ? r->role.index : 31);
	} else if ((w & 0x3B200C00) == 0x38200000) { /* atomics */
		w = put(w, 20, 16, free_reg(r, w >> 16 & 31));
		if ((w & 0x3FFFFC00) == 0x38BFC000) /* LDAPR: qemu 7.2 does not check alignment */
			w = put(w, 9, 5, r->role.base[2]);
	} else if ((w & 0xBE800000) == 0x0C800000) { /* SIMD structures, post-indexed */
		w = put(w, 20, 16, a64_rand_below(r, 2) ? 31 : r->role.index);
	}
	*word = w;
	return true;
}

static bool is_register_branch(uint32_t w)
{
	return (w & 0xFE000000) == 0xD6000000;
}

static bool mend_branch_class(struct a64_rand *r, uint32_t *word, unsigned left)
{
	/* NZCV, FPCR, FPSR as bits 20..5 of an MRS; of them NZCV is written too. */
	static const uint32_t readable[] = {0xDA10, 0xDA20, 0xDA21};
	uint32_t w = *word;
	unsigned ahead = 1 + a64_rand_below(r, left < 4 ? left : 4);

	if (r->exit_ahead && a64_rand_below(r, 6) == 0)
		ahead = r->exit_ahead;
	if ((w >> 24) == 0xD4) /* exceptions */
		return false;
	if ((w & 0xFFF00000) == 0xD5300000) {
		w = put(w, 20, 5, readable[a64_rand_below(r, ARRAY_LEN(readable))]);
		w = put(w, 4, 0, free_reg(r, w & 31));
	} else if ((w & 0xFFF00000) == 0xD5100000) {
		w = put(w, 20, 5, readable[0]);
	} else if ((w & 0xFFF80000) == 0xD5080000) { /* caches */
		/* DC ZVA: its size is the machine's own; DC CVAP: qemu-user 7.2 lacks it. */
		if ((w & 0xFFFFFFE0) == 0xD50B7420 || (w & 0xFFFFFFE0) == 0xD50B7C20)
			return false;
		/* qemu-user 7.2 lets them have bad addresses: base[2] never moves. */
		w = put(w, 4, 0, r->role.base[2]);
	} else if ((w & 0x7C000000) == 0x14000000) { /* B, BL */
		if (w >> 31 && is_reserved(r, LR))
			return false;
		w = put(w, 25, 0, ahead);
	} else if ((w & 0x7E000000) == 0x36000000) { /* TBZ, TBNZ */
		w = put(w, 18, 5, ahead);
	} else if ((w & 0x7E000000) == 0x34000000 || (w & 0xFF000000) == 0x54000000) {
		w = put(w, 23, 5, ahead);
	} else if (is_register_branch(w)) { /* BR, BLR, RET */
		if ((w >> 21 & 3) == 1 && is_reserved(r, LR))
			return false;
		w = put(w, 9, 5, r->role.branch);
	}
	*word = w;
	return true;
}

/* An instruction that leaves sp aligned and among the data, where sp is the destination. */
static uint32_t writes_sp(struct a64_rand *r)
{
	switch (a64_rand_below(r, 4)) {
	case 0: /* mov sp, base */
		return 0x9100001Fu | (uint32_t)r->role.base[2] << 5;
	case 1: /* and sp, base, #-16 */
		return 0x927CEC1Fu | (uint32_t)r->role.base[1] << 5;
	default: /* add or sub sp, sp, #16k */
		return 0x910003FFu | (a64_rand_below(r, 2) << 30) | 16 * a64_rand_below(r, 6) << 10;
	}
}

/* Data processing: reserved registers are not written, sp only with care. */
static bool mend_data(struct a64_rand *r, uint32_t *word)
{
	uint32_t w = *word;
	bool to_sp = (w & 0x3F800000) == 0x11000000 || (w & 0x3FE00000) == 0x0B200000 ||
	             ((w & 0x1F800000) == 0x12000000 && (w & 0x60000000) != 0x60000000);

	/* FCMP and FCCMP have no destination there. */
	if ((w & 0xFF20FC00) != 0x1E202000 && (w & 0xFF200C00) != 0x1E200400)
		w = put(w, 4, 0, free_reg(r, w & 31));
	if (to_sp && (w & 31) == 31)
		w = writes_sp(r);
	*word = w;
	return true;
}

/* --- programs --- */

struct maker {
	struct a64_rand *r;
	uint32_t *code;
	a64_rand_wanted *wanted;
	a64_rand_allocated *allocated;
	void *opaque;
};

/* One instruction, with that many from it to the end of its part. */
static uint32_t one(struct maker *m, unsigned left)
{
	struct a64_rand *r = m->r;

	for (;;) {
		const struct a64_row *row = &a64_rows[a64_rand_below(r, a64_row_count)];
		uint32_t w = row->value | ((uint32_t)a64_rand_next(r) & ~row->mask);
		bool ok;

		if (row->fn == a64_undefined || (m->wanted && !m->wanted(m->opaque, row->name)))
			continue;
		w = a64_rand_fields(r, w, row->mask);
		if (is_load_store(w))
			ok = mend_load_store(r, &w, left);
		else if (is_branch_class(w))
			ok = mend_branch_class(r, &w, left);
		else
			ok = mend_data(r, &w);
		/* Mending may have turned it into another instruction. */
		row = a64_decode(w);
		if (ok && row && (!m->wanted || m->wanted(m->opaque, row->name)) &&
		    m->allocated(m->opaque, w))
			return w;
	}
}

/* MOVZ of a value for FPCR or FPSR to the branch register, before the MSR. */
static uint32_t control_value(struct a64_rand *r, bool fpsr)
{
	uint32_t rd = 0xD2800000u | r->role.branch;

	if (!fpsr)
		return rd | 1u << 21 | a64_rand_fpcr(r) >> 16 << 5;
	return a64_rand_below(r, 2) ? rd | (1u << 21) | 0x0800u << 5
	                            : rd | (a64_rand_below(r, 256) & 0x9F) << 5;
}

/* Instructions from..to-1, with branches forwards among them and to `to`; leaving the loop, if
 * there is one around them, means going to `way_out`. */
static void make_straight(struct maker *m, unsigned from, unsigned to, unsigned way_out)
{
	struct a64_rand *r = m->r;

	for (unsigned i = from; i < to; i++) {
		r->exit_ahead = way_out > i ? way_out - i : 0;
		uint32_t w = one(m, to - i);

		while (is_register_branch(w) && i + 2 > to)
			w = one(m, to - i);
		if (is_register_branch(w)) { /* its target: ADR, ahead of the branch itself */
			unsigned ahead = 2 + a64_rand_below(r, MIN(to - i - 1, 4u));

			m->code[i++] = 0x10000000u | ahead << 5 | r->role.branch;
		} else if (to - from > 8 && i + 2 <= to && a64_rand_below(r, 40) == 0) {
			bool fpsr = a64_rand_below(r, 2);

			m->code[i++] = control_value(r, fpsr);
			w = (fpsr ? 0xD51B4420u : 0xD51B4400u) | r->role.branch;
		}
		m->code[i] = w;
	}
	r->exit_ahead = 0;
}

static uint32_t field19(unsigned from, unsigned to)
{
	return (to - from) << 5 & 0x00FFFFE0;
}

static void make_part(struct maker *m, unsigned from, unsigned to, unsigned depth,
                      unsigned way_out);

/* A loop of a few turns: MOVZ counter, the body, and one of several ways to count and go back. */
static void make_loop(struct maker *m, unsigned from, unsigned to, unsigned depth)
{
	unsigned c = m->r->role.counter[depth], start = from + 1, at;
	uint32_t sub = 0xD1000400u | c << 5 | c;

	m->code[from] = 0xD2800000u | (1 + a64_rand_below(m->r, 6)) << 5 | c;
	switch (a64_rand_below(m->r, 6)) {
	case 0: /* subs; b.ne */
		at = to - 2;
		m->code[at] = sub | 1u << 29;
		m->code[at + 1] = 0x54000001u | field19(at + 1, start);
		break;
	case 1: /* subs; b.gt */
		at = to - 2;
		m->code[at] = sub | 1u << 29;
		m->code[at + 1] = 0x5400000Cu | field19(at + 1, start);
		break;
	case 2: /* sub; cbnz */
		at = to - 2;
		m->code[at] = sub;
		m->code[at + 1] = 0xB5000000u | field19(at + 1, start) | c;
		break;
	case 3: /* sub; tbz sign */
		at = to - 2;
		m->code[at] = sub;
		m->code[at + 1] = 0xB6F80000u | ((start - at - 1) << 5 & 0x0007FFE0) | c;
		break;
	case 4: /* sub; cbz over; b */
		at = to - 3;
		m->code[at] = sub;
		m->code[at + 1] = 0xB4000000u | 2u << 5 | c;
		m->code[at + 2] = 0x14000000u | ((start - at - 2) & 0x03FFFFFF);
		break;
	default: /* sub; cbz over; adr; br */
		at = to - 4;
		m->code[at] = sub;
		m->code[at + 1] = 0xB4000000u | 3u << 5 | c;
		m->code[at + 2] = 0x10000000u | field19(at + 2, start) | m->r->role.branch;
		m->code[at + 3] = 0xD61F0000u | (uint32_t)m->r->role.branch << 5;
	}
	make_part(m, start, at, depth + 1, to);
}

/* Calls of a part that returns: BL (or ADR, BLR), once or twice; B over it; the part; RET. */
static void make_call(struct maker *m, unsigned from, unsigned to, unsigned depth)
{
	unsigned callee = from + 3;
	bool indirect = a64_rand_below(m->r, 3) == 0;

	if (indirect) {
		m->code[from] = 0x10000000u | field19(from, callee) | m->r->role.branch;
		m->code[from + 1] = 0xD63F0000u | (uint32_t)m->r->role.branch << 5;
	} else {
		m->code[from] = 0x94000000u | (callee - from);
		m->code[from + 1] = 0x94000000u | (callee - from - 1);
	}
	m->code[from + 2] = 0x14000000u | (to - from - 2);
	m->r->role.reserved |= 1u << LR;
	make_part(m, callee, to - 1, depth, 0);
	m->r->role.reserved &= ~(1u << LR);
	m->code[to - 1] = 0xD65F03C0;
}

static void make_part(struct maker *m, unsigned from, unsigned to, unsigned depth, unsigned way_out)
{
	while (to - from >= 16 && a64_rand_below(m->r, 3)) {
		unsigned start = from + a64_rand_below(m->r, (to - from) / 3);
		unsigned len = 10 + a64_rand_below(m->r, to - start - 9);
		bool call = a64_rand_below(m->r, 3) == 0 && !is_reserved(m->r, LR);

		if (!call && depth == A64_RAND_LOOPS)
			break;
		make_straight(m, from, start, way_out);
		if (call)
			make_call(m, start, start + len, depth);
		else
			make_loop(m, start, start + len, depth);
		from = start + len;
	}
	make_straight(m, from, to, way_out);
}

/* The bits of a direct branch that hold its distance, or of the ADR before an indirect one. */
static bool distance_field(const struct a64_rand *r, uint32_t w, int *hi, int *lo)
{
	*lo = 5;
	*hi = 23;
	if ((w & 0x7C000000) == 0x14000000) {
		*lo = 0;
		*hi = 25;
	} else if ((w & 0x7E000000) == 0x36000000) {
		*hi = 18;
	} else if ((w & 0x7E000000) != 0x34000000 && (w & 0xFF000000) != 0x54000000 &&
	           (w & 0xFF00001F) != (0x10000000u | r->role.branch)) {
		return false;
	}
	return true;
}

/* The second of two instructions that belong together by the branch register. */
static bool needs_first(const struct a64_rand *r, uint32_t w)
{
	return (is_register_branch(w) && (w >> 5 & 31) == r->role.branch) ||
	       (w & 0xFFFFFFDF) == (0xD51B4400u | r->role.branch);
}

/* No branch may come between such two: where the register is old, it might lead backwards.
 * Such branches go one further. */
static void keep_pairs_whole(const struct a64_rand *r, uint32_t *code, unsigned n)
{
	int hi, lo;

	for (unsigned i = 0; i < n; i++) {
		if (!distance_field(r, code[i], &hi, &lo))
			continue;
		unsigned ahead = a64_bits(code[i], hi, lo);

		if (i + ahead < n && needs_first(r, code[i + ahead]))
			code[i] = put(code[i], hi, lo, ahead + 1);
	}
}

void a64_rand_program(struct a64_rand *r, uint32_t *code, unsigned n, a64_rand_wanted *wanted,
                      a64_rand_allocated *allocated, void *opaque)
{
	struct maker m = {r, code, wanted, allocated, opaque};

	r->excl_class = EXCL_NONE;
	make_part(&m, 0, n, 0, 0);
	keep_pairs_whole(r, code, n);
}
