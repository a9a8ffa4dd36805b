/*
 * simd_sat.h: saturating arithmetic and shifts by signed amounts on one lane.
 *
 * A lane is held extended in 64 bits, its width given by `bits`, always a constant, so that
 * each use is specialised.  *sat becomes true where a result was clipped (FPSR.QC).
 */
#ifndef VCPU_A64_SIMD_SAT_H
#define VCPU_A64_SIMD_SAT_H

#include "common/base.h"

static ALWAYS_INLINE int64_t sat_max(unsigned bits)
{
	return (int64_t)(UINT64_MAX >> (65 - bits));
}

static ALWAYS_INLINE uint64_t sat_umax(unsigned bits)
{
	return UINT64_MAX >> (64 - bits);
}

/* SignedSatQ and UnsignedSatQ of a value that fits 64 bits. */
static ALWAYS_INLINE int64_t sat_signed(int64_t v, unsigned bits, bool *sat)
{
	int64_t max = sat_max(bits);

	if (v > max) {
		*sat = true;
		return max;
	}
	if (v < -max - 1) {
		*sat = true;
		return -max - 1;
	}
	return v;
}

static ALWAYS_INLINE uint64_t sat_unsigned(int64_t v, unsigned bits, bool *sat)
{
	if (v < 0) {
		*sat = true;
		return 0;
	}
	if ((uint64_t)v > sat_umax(bits)) {
		*sat = true;
		return sat_umax(bits);
	}
	return (uint64_t)v;
}

static ALWAYS_INLINE uint64_t sat_from_unsigned(uint64_t v, unsigned bits, bool *sat)
{
	if (v > sat_umax(bits)) {
		*sat = true;
		return sat_umax(bits);
	}
	return v;
}

static ALWAYS_INLINE int64_t sat_add(int64_t a, int64_t b, unsigned bits, bool *sat)
{
	int64_t r;

	if (add_overflows(a, b, &r)) {
		*sat = true;
		return a < 0 ? INT64_MIN : INT64_MAX;
	}
	return sat_signed(r, bits, sat);
}

static ALWAYS_INLINE int64_t sat_sub(int64_t a, int64_t b, unsigned bits, bool *sat)
{
	int64_t r;

	if (sub_overflows(a, b, &r)) {
		*sat = true;
		return a < 0 ? INT64_MIN : INT64_MAX;
	}
	return sat_signed(r, bits, sat);
}

static ALWAYS_INLINE uint64_t sat_uadd(uint64_t a, uint64_t b, unsigned bits, bool *sat)
{
	uint64_t r;

	if (add_overflows(a, b, &r)) {
		*sat = true;
		return UINT64_MAX;
	}
	return sat_from_unsigned(r, bits, sat);
}

static ALWAYS_INLINE uint64_t sat_usub(uint64_t a, uint64_t b, bool *sat)
{
	if (a < b) {
		*sat = true;
		return 0;
	}
	return a - b;
}

/* a / 2^n rounded down, or to nearest with halves up; 0 <= n. */
static ALWAYS_INLINE int64_t shift_right(int64_t a, unsigned n, bool round)
{
	if (n == 0)
		return a;
	if (n > 64)
		return round ? 0 : a >> 63;
	return (a >> (n > 63 ? 63 : n)) + (round ? (a >> (n - 1)) & 1 : 0);
}

static ALWAYS_INLINE uint64_t shift_uright(uint64_t a, unsigned n, bool round)
{
	if (n == 0)
		return a;
	if (n > 64)
		return 0;
	return (n > 63 ? 0 : a >> n) + (round ? (a >> (n - 1)) & 1 : 0);
}

/* a * 2^n modulo the width; a negative n shifts right. */
static ALWAYS_INLINE int64_t shift_signed(int64_t a, int n, unsigned bits, bool round)
{
	if (n < 0)
		return shift_right(a, (unsigned)-n, round);
	return n < (int)bits ? (int64_t)((uint64_t)a << n) : 0;
}

static ALWAYS_INLINE uint64_t shift_unsigned(uint64_t a, int n, unsigned bits, bool round)
{
	if (n < 0)
		return shift_uright(a, (unsigned)-n, round);
	return n < (int)bits ? a << n : 0;
}

/* a * 2^n saturated. */
static ALWAYS_INLINE int64_t sat_shift(int64_t a, int n, unsigned bits, bool round, bool *sat)
{
	if (n <= 0)
		return shift_right(a, (unsigned)-n, round);
	if (a == 0)
		return 0;
	if (n >= (int)bits || (int64_t)((uint64_t)a << n) >> n != a) {
		*sat = true;
		return a < 0 ? -sat_max(bits) - 1 : sat_max(bits);
	}
	return sat_signed((int64_t)((uint64_t)a << n), bits, sat);
}

static ALWAYS_INLINE uint64_t sat_ushift(uint64_t a, int n, unsigned bits, bool round, bool *sat)
{
	if (n <= 0)
		return shift_uright(a, (unsigned)-n, round);
	if (a == 0)
		return 0;
	if (n >= (int)bits || a << n >> n != a) {
		*sat = true;
		return sat_umax(bits);
	}
	return sat_from_unsigned(a << n, bits, sat);
}

/* Signed a shifted left into an unsigned result (SQSHLU). */
static ALWAYS_INLINE uint64_t sat_shift_to_unsigned(int64_t a, int n, unsigned bits, bool *sat)
{
	if (a < 0) {
		*sat = true;
		return 0;
	}
	return sat_ushift((uint64_t)a, n, bits, false, sat);
}

/* 2*a*b, bits the width of the result; only the product of two minima does not fit. */
static ALWAYS_INLINE int64_t sat_double_product(int64_t a, int64_t b, unsigned bits, bool *sat)
{
	int64_t product = a * b;

	return sat_add(product, product, bits, sat);
}

/* The high half of 2*a*b (+ acc << bits), optionally rounded; bits is 16 or 32. */
static ALWAYS_INLINE int64_t sat_mul_high(int64_t acc, int64_t product, bool round, unsigned bits,
                                          bool *sat)
{
	int64_t v = (int64_t)((uint64_t)acc << (bits - 1)) + product;

	if (round)
		v += 1LL << (bits - 2);
	return sat_signed(v >> (bits - 1), bits, sat);
}

#endif
