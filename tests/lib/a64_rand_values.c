/*
 * a64_rand_values.c: values of registers, and which registers an instruction names.
 *
 * Random bits alone would hardly ever be a denormal, a NaN or two numbers that nearly cancel;
 * so vector registers are filled lane by lane from special values, small numbers, numbers
 * close to another register's, and random bits.  Nor would random fields often name the zero
 * register or the same register twice, which is where translators have their special cases.
 */
#include "tests/lib/a64_rand.h"

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

/* A small integer or half of one, as a number of the lane's kind. */
static uint64_t small_number(struct a64_rand *r, unsigned bits)
{
	int n = (int)a64_rand_below(r, 65) - 32;
	double d = n / 2.0;
	float f = (float)d;
	uint64_t v = (uint64_t)(int64_t)n;
	uint32_t w;

	if (bits == 64) {
		memcpy(&v, &d, sizeof(v));
	} else if (bits == 32) {
		memcpy(&w, &f, sizeof(w));
		v = w;
	}
	return v;
}

static uint64_t lane_value(struct a64_rand *r, unsigned bits)
{
	uint64_t v = a64_rand_next(r);

	switch (a64_rand_below(r, 8)) {
	case 0:
	case 1:
	case 2:
		return bits == 16   ? special16[a64_rand_below(r, ARRAY_LEN(special16))]
		       : bits == 32 ? special32[a64_rand_below(r, ARRAY_LEN(special32))]
		                    : special64[a64_rand_below(r, ARRAY_LEN(special64))];
	case 3:
		return small_number(r, bits);
	case 4: /* near one: exponents that interact */
		if (bits == 32)
			return (v & 0x87FFFFFF) | 0x38000000;
		if (bits == 64)
			return (v & 0x803FFFFFFFFFFFFF) | 0x3FC0000000000000;
		return (v & 0x8FFF) | 0x3000;
	case 5: /* few bits set */
		return (v & 1) << a64_rand_below(r, bits) | (v >> 1 & 1) << a64_rand_below(r, bits);
	case 6:
		return int_value(r);
	default:
		return v;
	}
}

void a64_rand_vector(struct a64_rand *r, union a64_vreg *v)
{
	switch (a64_rand_below(r, 4)) {
	case 0:
		for (unsigned i = 0; i < 8; i++)
			v->h[i] = (uint16_t)lane_value(r, 16);
		break;
	case 1:
		for (unsigned i = 0; i < 4; i++)
			v->s[i] = (uint32_t)lane_value(r, 32);
		break;
	default:
		for (unsigned i = 0; i < 2; i++)
			v->d[i] = lane_value(r, 64);
	}
}

void a64_rand_relate(struct a64_rand *r, union a64_vreg *a, const union a64_vreg *b)
{
	uint64_t ulps = a64_rand_below(r, 5);

	for (unsigned i = 0; i < 2; i++)
		a->d[i] = (b->d[i] ^ (a64_rand_below(r, 2) ? 0 : 0x8000000080000000)) + ulps - 2;
}

uint32_t a64_rand_fpcr(struct a64_rand *r)
{
	uint32_t modes = a64_rand_below(r, 2) ? a64_rand_below(r, 32) << 22 : 0;

	return r->may_flush ? modes : modes & ~(1u << 24);
}

void a64_rand_regs(struct a64_rand *r, struct a64_regs *regs)
{
	const struct a64_rand_roles *role = &r->role;
	uint64_t middle = A64_RAND_DATA + A64_RAND_DATA_SIZE / 2;

	memset(regs, 0, sizeof(*regs));
	for (unsigned i = 0; i < 31; i++)
		regs->x[i] = int_value(r);
	if (a64_rand_below(r, 4) == 0)
		regs->x[a64_rand_below(r, 31)] = regs->x[a64_rand_below(r, 31)];
	for (unsigned i = 0; i < 32; i++) {
		a64_rand_vector(r, &regs->v[i]);
		if (i && a64_rand_below(r, 6) == 0)
			a64_rand_relate(r, &regs->v[i], &regs->v[a64_rand_below(r, i)]);
	}
	regs->x[role->index] = a64_rand_below(r, 64);
	if (a64_rand_below(r, 8) == 0)
		regs->x[role->index] = 0 - regs->x[role->index];
	for (unsigned i = 0; i < ARRAY_LEN(role->base); i++)
		regs->x[role->base[i]] = middle - 256 + a64_rand_below(r, 33) * 16;
	if (a64_rand_below(r, 4) == 0) /* unaligned, and it may meet the page's end */
		regs->x[role->base[0]] += a64_rand_below(r, 16);
	regs->sp = middle - 64 + a64_rand_below(r, 9) * 16;
	regs->nzcv = a64_rand_below(r, 16) << 28;
	regs->fpcr = a64_rand_fpcr(r);
	if (a64_rand_below(r, 4) == 0)
		regs->fpsr = (uint32_t)a64_rand_next(r) & 0x0800009F;
}

uint32_t a64_rand_fields(struct a64_rand *r, uint32_t w, uint32_t mask)
{
	static const uint8_t at[] = {0, 5, 10, 16};

	for (unsigned i = 0; i < ARRAY_LEN(at); i++) {
		unsigned a = at[i], b = at[a64_rand_below(r, ARRAY_LEN(at))], reg;

		if (mask >> a & 31)
			continue;
		switch (a64_rand_below(r, 8)) {
		case 0:
			reg = 31;
			break;
		case 1:
		case 2:
			reg = w >> b & 31;
			break;
		case 3:
		case 4:
		case 5:
			reg = r->liked[a64_rand_below(r, ARRAY_LEN(r->liked))];
			if (r->likes)
				break;
			__attribute__((fallthrough));
		default:
			continue;
		}
		w = (w & ~(31u << a)) | reg << a;
	}
	return w;
}
