/*
 * rules.c: which function translates a row of insn.def.
 *
 * A rule is found by the row's handler.  Rows without a rule are called; a rule without a
 * function only says something of a handler that is called.
 */
#include "vcpu/soft/jit/tr.h"

#include "vcpu/a64/decode.h"

#include <pthread.h>

/* By handler, when built. */
static struct jit_rule rules[] = {
#define JIT_RULE(row, fn, attr) {a64_##row, fn, attr},
#include "vcpu/soft/jit/rules.def"
#include "vcpu/soft/jit/rules_simd.def"
#undef JIT_RULE
};

/* By row number; NULL: no rule. */
static const struct jit_rule **by_row;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int compare(const void *a, const void *b)
{
	const struct jit_rule *x = a, *y = b;

	return ((uintptr_t)x->row > (uintptr_t)y->row) - ((uintptr_t)x->row < (uintptr_t)y->row);
}

/* Does this host have what the rule needs? */
static bool possible(const struct jit_rule *rule)
{
	const struct jit_host *h = jit_host();
	unsigned lacks = (h->sse42 ? 0u : JIT_SSE4) | (h->avx && h->fma ? 0u : JIT_FMA) |
	                 (h->aes ? 0u : JIT_AES) | (h->clmul ? 0u : JIT_CLMUL) |
	                 (h->sha ? 0u : JIT_SHA) | (h->f16c ? 0u : JIT_F16C);

	return !(rule->attr & lacks);
}

static void build(void)
{
	const struct jit_rule **table = calloc(a64_row_count, sizeof(*table));

	if (!table)
		return;
	for (unsigned i = 0; i < ARRAY_LEN(rules); i++)
		if (!possible(&rules[i]))
			rules[i].fn = NULL;
	qsort(rules, ARRAY_LEN(rules), sizeof(rules[0]), compare);
	for (unsigned i = 0; i < a64_row_count; i++) {
		struct jit_rule key = {.row = a64_rows[i].fn};
		const struct jit_rule *rule =
		    bsearch(&key, rules, ARRAY_LEN(rules), sizeof(rules[0]), compare);

		table[i] = rule;
	}
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
