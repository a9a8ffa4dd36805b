/* options.c: see options.h. */
#include "supervisor/cli/options.h"

#include <errno.h>
#include <stdio.h>

bool string_list_add(struct string_list *list, const char *s)
{
	const char **item = reallocarray(list->item, list->count + 1, sizeof(*item));

	if (!item)
		return false;
	item[list->count++] = s;
	list->item = item;
	return true;
}

static bool parse_bytes(const char *text, uint64_t *out)
{
	static const char suffixes[] = "bkmgt";
	unsigned shift = 0;
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	if (errno || end == text || *text == '-')
		return false;
	if (*end) {
		char lower = (char)(*end | 0x20);
		const char *p = strchr(suffixes, lower);

		if (!p)
			return false;
		shift = 10 * (unsigned)(p - suffixes);
		end++;
		if ((*end | 0x20) == 'i')
			end++;
		if ((*end | 0x20) == 'b')
			end++;
	}
	if (*end || (shift && *out >> (64 - shift)))
		return false;
	*out <<= shift;
	return true;
}

static bool store_value(const struct option_row *row, void *into, const char *value)
{
	void *field = (char *)into + row->offset;
	char *end;

	switch (row->kind) {
	case OPTION_FLAG:
		if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
			return false;
		*(bool *)field = value[0] == 't';
		return true;
	case OPTION_STRING:
		*(const char **)field = value;
		return true;
	case OPTION_LIST:
		return string_list_add(field, value);
	case OPTION_BYTES:
		return parse_bytes(value, field);
	case OPTION_NUMBER:
		errno = 0;
		*(uint64_t *)field = strtoull(value, &end, 10);
		return !errno && end != value && !*end && *value != '-';
	case OPTION_DECIMAL:
		errno = 0;
		*(double *)field = strtod(value, &end);
		return !errno && end != value && !*end && *(double *)field >= 0;
	case OPTION_HEADING:
		break;
	}
	return false;
}

static const struct option_row *find_long(const struct option_row *rows, const char *name, size_t len)
{
	for (; rows->name; rows++)
		if (rows->kind != OPTION_HEADING && strlen(rows->name) == len &&
		    memcmp(rows->name, name, len) == 0)
			return rows;
	return NULL;
}

static const struct option_row *find_letter(const struct option_row *rows, char letter)
{
	for (; rows->name; rows++)
		if (rows->kind != OPTION_HEADING && rows->letter == letter)
			return rows;
	return NULL;
}

static bool take_value(const struct verb *verb, const struct option_row *row, void *into,
		       const char *shown, const char *value)
{
	if (!value) {
		cli_usage_error(verb, "%s needs a value: %s %s", shown, shown, row->metavar);
		return false;
	}
	if (!store_value(row, into, value)) {
		cli_usage_error(verb, "%s does not take \"%s\" (expected %s)", shown, value,
				row->metavar ? row->metavar : "true or false");
		return false;
	}
	return true;
}

/* --name, --name=value, --name value.  Returns the words used, or -1. */
static int parse_long(const struct verb *verb, const struct option_row *rows, void *into, char **argv)
{
	const char *name = argv[0] + 2, *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const struct option_row *row = find_long(rows, name, len);
	char shown[64];

	snprintf(shown, sizeof(shown), "--%.*s", (int)MIN(len, (size_t)60), name);
	if (!row) {
		cli_usage_error(verb, "unknown option %s", shown);
		return -1;
	}
	if (equals)
		return take_value(verb, row, into, shown, equals + 1) ? 1 : -1;
	if (row->kind == OPTION_FLAG)
		return take_value(verb, row, into, shown, "true") ? 1 : -1;
	return take_value(verb, row, into, shown, argv[1]) ? 2 : -1;
}

/* -i, -it, -w dir, -wdir.  Returns the words used, or -1. */
static int parse_short(const struct verb *verb, const struct option_row *rows, void *into, char **argv)
{
	for (const char *p = argv[0] + 1; *p; p++) {
		const struct option_row *row = find_letter(rows, *p);
		char shown[3] = {'-', *p, 0};

		if (!row) {
			cli_usage_error(verb, "unknown option %s", shown);
			return -1;
		}
		if (row->kind == OPTION_FLAG) {
			if (!take_value(verb, row, into, shown, "true"))
				return -1;
			continue;
		}
		if (p[1])
			return take_value(verb, row, into, shown, p[1] == '=' ? p + 2 : p + 1) ? 1 : -1;
		return take_value(verb, row, into, shown, argv[1]) ? 2 : -1;
	}
	return 1;
}

void options_release(const struct option_row *rows, void *into)
{
	for (; rows->name; rows++) {
		struct string_list *list = (void *)((char *)into + rows->offset);

		if (rows->kind != OPTION_LIST)
			continue;
		free(list->item);
		*list = (struct string_list){0};
	}
}

int options_parse(const struct verb *verb, const struct option_row *rows, void *into, int argc, char **argv)
{
	int i = 1;

	while (i < argc) {
		int used;

		if (strcmp(argv[i], "--") == 0)
			return i + 1;
		if (argv[i][0] != '-' || argv[i][1] == 0)
			break;
		used = argv[i][1] == '-' ? parse_long(verb, rows, into, argv + i)
					 : parse_short(verb, rows, into, argv + i);
		if (used < 0) {
			options_release(rows, into);
			return -1;
		}
		i += used;
	}
	return i;
}

void options_print(const struct option_row *rows)
{
	for (; rows->name; rows++) {
		char left[64], letter[8] = "    ";

		if (rows->kind == OPTION_HEADING) {
			printf("\n%s:\n", rows->name);
			continue;
		}
		if (rows->letter)
			snprintf(letter, sizeof(letter), "-%c, ", rows->letter);
		snprintf(left, sizeof(left), "  %s--%s %s", letter, rows->name,
			 rows->metavar ? rows->metavar : "");
		printf("%-34s %s\n", left, rows->help);
	}
}
