/*
 * calls.c: how often translated code called interpreter handlers, by row of insn.def: the list
 * of what is worth a rule.  Counted when CARRICK_JIT has the word "calls" (host.h).
 */
#include "vcpu/soft/jit/jit.h"

#include "vcpu/a64/decode.h"

/* By row number; atomic.  NULL: not counted. */
static uint64_t *counts;

void jit_calls_init(void)
{
	if (jit_host()->count_calls && !counts)
		counts = calloc(a64_row_count, sizeof(*counts));
}

void jit_calls_count(uint32_t word)
{
	const struct a64_row *row = a64_decode(word);

	if (row && counts)
		__atomic_fetch_add(&counts[row - a64_rows], 1, __ATOMIC_RELAXED);
}

bool vcpu_jit_calls(unsigned row, const char **name, uint64_t *count)
{
	if (!counts || row >= a64_row_count)
		return false;
	*name = a64_rows[row].name;
	*count = __atomic_load_n(&counts[row], __ATOMIC_RELAXED);
	return true;
}
