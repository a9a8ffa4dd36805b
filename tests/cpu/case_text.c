/*
 * case_text.c: a case as a line of text:
 *
 *   slot=7 code=8B020020,D503201F mem=1 sp=10091000 nzcv=60000000 fpcr=0 x2=1F v3=HIGH:LOW # why
 *
 * Numbers are hexadecimal, but for the slot, whose place decides whether the code crosses a page.
 * What is not named is 0; sp is the middle of the data.
 */
#include "tests/cpu/rig.h"

#include <inttypes.h>

static void print_number(FILE *to, const char *name, uint64_t n, uint64_t usual)
{
	if (n != usual)
		fprintf(to, " %s=%" PRIx64, name, n);
}

void rig_print_case(FILE *to, const struct wire_case *c)
{
	char name[8];

	fprintf(to, "slot=%u code=", (unsigned)((c->in.pc - wire_pc(0)) / WIRE_CODE_SLOT));
	for (unsigned i = 0; i < c->insns; i++)
		fprintf(to, "%s%08X", i ? "," : "", c->code[i]);
	print_number(to, "mem", c->memory_seed, 0);
	print_number(to, "sp", c->in.sp, WIRE_DATA + WIRE_DATA_SIZE / 2);
	print_number(to, "nzcv", c->in.nzcv, 0);
	print_number(to, "fpcr", c->in.fpcr, 0);
	print_number(to, "fpsr", c->in.fpsr, 0);
	for (unsigned i = 0; i < 31; i++) {
		snprintf(name, sizeof(name), "x%u", i);
		print_number(to, name, c->in.x[i], 0);
	}
	for (unsigned i = 0; i < 32; i++)
		if (c->in.v[2 * i] | c->in.v[2 * i + 1])
			fprintf(to, " v%u=%" PRIx64 ":%" PRIx64, i, c->in.v[2 * i + 1],
			        c->in.v[2 * i]);
	fputc('\n', to);
}

static bool parse_code(const char *at, struct wire_case *c)
{
	char *end;

	for (c->insns = 0; c->insns < WIRE_MAX_INSNS; at = end + 1) {
		c->code[c->insns++] = (uint32_t)strtoul(at, &end, 16);
		if (end == at)
			return false;
		if (*end != ',')
			return *end == 0;
	}
	return false;
}

static bool parse_field(const char *name, const char *value, struct wire_case *c)
{
	struct wire_regs *in = &c->in;
	unsigned reg = (unsigned)strtoul(name + 1, NULL, 10);
	uint64_t n = strtoull(value, NULL, 16);
	const char *low = strchr(value, ':');

	if (strcmp(name, "code") == 0)
		return parse_code(value, c);
	if (strcmp(name, "slot") == 0)
		in->pc = wire_pc(strtoul(value, NULL, 10) % WIRE_MAX_CASES);
	else if (strcmp(name, "mem") == 0)
		c->memory_seed = n;
	else if (strcmp(name, "sp") == 0)
		in->sp = n;
	else if (strcmp(name, "nzcv") == 0)
		in->nzcv = n;
	else if (strcmp(name, "fpcr") == 0)
		in->fpcr = n;
	else if (strcmp(name, "fpsr") == 0)
		in->fpsr = n;
	else if (name[0] == 'x' && reg < 31)
		in->x[reg] = n;
	else if (name[0] == 'v' && reg < 32 && low) {
		in->v[2 * reg + 1] = n;
		in->v[2 * reg] = strtoull(low + 1, NULL, 16);
	} else
		return false;
	return true;
}

bool rig_parse_case(const char *line, struct wire_case *c)
{
	char copy[8192], *rest = copy, *word, *save = NULL;

	if (strlen(line) >= sizeof(copy))
		return false;
	memcpy(copy, line, strlen(line) + 1);
	copy[strcspn(copy, "#\n")] = 0;
	memset(c, 0, sizeof(*c));
	c->in.pc = wire_pc(0);
	c->in.sp = WIRE_DATA + WIRE_DATA_SIZE / 2;
	for (; (word = strtok_r(rest, " \t", &save)) != NULL; rest = NULL) {
		char *eq = strchr(word, '=');

		if (!eq)
			return false;
		*eq = 0;
		if (!parse_field(word, eq + 1, c))
			return false;
	}
	return c->insns > 0;
}
