/*
 * decode.h: from an instruction word to its row of insn.def.
 */
#ifndef VCPU_A64_DECODE_H
#define VCPU_A64_DECODE_H

#include "vcpu/a64/a64.h"

/* One row of insn.def. */
struct a64_row {
	const char *name;
	uint32_t mask, value;
	a64_fn *fn;
};
extern const struct a64_row a64_rows[];
extern const unsigned a64_row_count;

/* Builds the lookup table; once per process, before the first a64_decode.  Thread-safe. */
void a64_decode_init(void);
/* The first row that matches, or NULL for an unallocated word. */
const struct a64_row *a64_decode(uint32_t word);

/*
 * Fills *op for a word: its row's handler (or a64_undefined), or a specialised handler with
 * the same effect for frequent forms when specialise is set.
 */
void a64_predecode(uint32_t word, bool specialise, struct a64_op *op);
/* Must a block end behind this word (branches, SVC, ISB and the like)? */
bool a64_ends_block(uint32_t word);

#endif
