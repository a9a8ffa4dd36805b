/*
 * decode.c: the table-driven decoder.
 *
 * The rows of insn.def are sorted into buckets by instruction bits 31..21, which nearly all
 * encodings fix; a row with free bits there stands in several buckets.  A bucket keeps the
 * rows' order, so the first match wins as the tables promise.
 */
#include "vcpu/a64/decode.h"

#include "vcpu/a64/fast.h"

#include <pthread.h>

const struct a64_row a64_rows[] = {
#define A64_INSN(name, mask, value) {#name, mask, value, a64_##name},
#include "vcpu/a64/insn.def"
#undef A64_INSN
};
const unsigned a64_row_count = ARRAY_LEN(a64_rows);

#define BUCKET_SHIFT 21
#define BUCKETS      (1u << (32 - BUCKET_SHIFT))
#define SLOTS        (BUCKETS * 24)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint32_t bucket_start[BUCKETS + 1]; /* into slots */
static uint16_t slots[SLOTS];              /* row numbers */
static bool overflowed;                    /* slots is too small: decode by linear search */

/* Calls visit for each bucket in which a row can match, in no particular order. */
static void each_bucket(const struct a64_row *row, unsigned row_index,
                        void (*visit)(unsigned bucket, unsigned row_index))
{
	uint32_t free_bits = ~row->mask >> BUCKET_SHIFT;
	uint32_t sub = free_bits;

	for (;;) {
		visit(row->value >> BUCKET_SHIFT | sub, row_index);
		if (!sub)
			break;
		sub = (sub - 1) & free_bits;
	}
}

static void count_row(unsigned bucket, unsigned row_index)
{
	(void)row_index;
	bucket_start[bucket + 1]++;
}

static uint32_t fill_at[BUCKETS];

static void place_row(unsigned bucket, unsigned row_index)
{
	slots[fill_at[bucket]++] = (uint16_t)row_index;
}

static void build(void)
{
	for (unsigned i = 0; i < a64_row_count; i++)
		each_bucket(&a64_rows[i], i, count_row);
	for (unsigned b = 0; b < BUCKETS; b++) {
		fill_at[b] = bucket_start[b];
		bucket_start[b + 1] += bucket_start[b];
	}
	if (bucket_start[BUCKETS] > SLOTS) {
		overflowed = true;
		return;
	}
	for (unsigned i = 0; i < a64_row_count; i++)
		each_bucket(&a64_rows[i], i, place_row);
}

void a64_decode_init(void)
{
	(void)pthread_once(&once, build);
}

static const struct a64_row *linear_search(uint32_t word)
{
	for (unsigned i = 0; i < a64_row_count; i++)
		if ((word & a64_rows[i].mask) == a64_rows[i].value)
			return &a64_rows[i];
	return NULL;
}

const struct a64_row *a64_decode(uint32_t word)
{
	unsigned b = word >> BUCKET_SHIFT;

	if (overflowed)
		return linear_search(word);
	for (uint32_t i = bucket_start[b]; i < bucket_start[b + 1]; i++) {
		const struct a64_row *row = &a64_rows[slots[i]];

		if ((word & row->mask) == row->value)
			return row;
	}
	return NULL;
}

void a64_predecode(uint32_t word, bool specialise, struct a64_op *op)
{
	const struct a64_row *row = a64_decode(word);

	op->fn = row ? row->fn : a64_undefined;
	op->word = word;
	op->aux = 0;
	if (specialise)
		a64_specialise(op);
}

bool a64_ends_block(uint32_t word)
{
	if ((word & 0xFFFF0000u) == 0) /* UDF */
		return true;
	if ((word & 0x1C000000u) != 0x14000000u) /* not branches, exceptions and system */
		return false;
	if ((word >> 22) != 0x354) /* not a system instruction */
		return true;
	/* ISB and IC IVAU */
	return (word & 0xFFFFF0FFu) == 0xD50330DFu || (word & 0xFFFFFFE0u) == 0xD50B7520u;
}
