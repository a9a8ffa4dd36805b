/*
 * handlers.c: the instructions for which translated code called the interpreter, at the end of
 * a guest, the most frequent first.  Rows of one name are added up.
 */
#include "supervisor/trace/handlers.h"

#include "common/log.h"
#include "vcpu/vcpu.h"

#include <inttypes.h>

#define SHOWN 40u

struct called {
	const char *name;
	uint64_t count;
};

static void add(struct called *all, unsigned *n, const char *name, uint64_t count)
{
	for (unsigned i = 0; i < *n; i++)
		if (strcmp(all[i].name, name) == 0) {
			all[i].count += count;
			return;
		}
	all[(*n)++] = (struct called){name, count};
}

static int by_count(const void *a, const void *b)
{
	const struct called *x = a, *y = b;

	return (x->count < y->count) - (x->count > y->count);
}

void handlers_report(void)
{
	const char *name;
	uint64_t count;
	unsigned rows = 0, n = 0;

	while (vcpu_jit_calls(rows, &name, &count))
		rows++;
	if (!rows)
		return;
	struct called *all = calloc(rows, sizeof(*all));

	if (!all)
		return;
	for (unsigned row = 0; row < rows; row++)
		if (vcpu_jit_calls(row, &name, &count) && count)
			add(all, &n, name, count);
	qsort(all, n, sizeof(*all), by_count);
	for (unsigned i = 0; i < n && i < SHOWN; i++)
		log_info("handler %s called %" PRIu64 " times", all[i].name, all[i].count);
	free(all);
}
