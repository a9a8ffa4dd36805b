/*
 * rules.c: which function translates a row of insn.def.
 *
 * A rule is found by the row's handler.  Rows without a rule are called; a rule without a
 * function only says something of a handler that is called.
 */
#include "vcpu/soft/jit/tr.h"

#include "vcpu/a64/decode.h"

#include <pthread.h>

static const struct jit_rule rules[] = {
#define JIT_RULE(row, fn, attr) {a64_##row, fn, attr},
#include "vcpu/soft/jit/rules.def"
#undef JIT_RULE
};

/* By row number; NULL: no rule. */
static const struct jit_rule **by_row;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void build(void)
{
	const struct jit_rule **table = calloc(a64_row_count, sizeof(*table));

	if (!table)
		return;
	for (unsigned i = 0; i < a64_row_count; i++)
		for (unsigned k = 0; k < ARRAY_LEN(rules); k++)
			if (a64_rows[i].fn == rules[k].row)
				table[i] = &rules[k];
	by_row = table;
}

void jit_rules_init(void)
{
	(void)pthread_once(&once, build);
}

const struct jit_rule *jit_rule_of(uint32_t word)
{
	const struct a64_row *row = a64_decode(word);

	return row && by_row ? by_row[row - a64_rows] : NULL;
}
