/*
 * options.h: command-line options from a table.  Forms: --name VALUE, --name=VALUE, -n VALUE,
 * -nVALUE, flags combined (-it).  Parsing stops at the first word that is no option, or behind
 * "--", so that a guest's own options stay untouched.
 */
#ifndef SUPERVISOR_CLI_OPTIONS_H
#define SUPERVISOR_CLI_OPTIONS_H

#include "supervisor/cli/cli.h"

struct string_list {
	const char **item;
	size_t count;
};

enum option_kind {
	OPTION_FLAG,   /* bool: set by --name, --name=true|false */
	OPTION_STRING, /* const char * */
	OPTION_LIST,   /* struct string_list: may be repeated */
	OPTION_BYTES,  /* uint64_t: 512m, 2g, 65536 */
	OPTION_NUMBER, /* uint64_t */
	OPTION_DECIMAL, /* double: 1.5 */
	OPTION_HEADING, /* a line in the help only */
};

struct option_row {
	enum option_kind kind;
	char letter;         /* 0: none */
	const char *name;    /* heading text for OPTION_HEADING */
	const char *metavar; /* NULL for flags */
	const char *help;
	size_t offset; /* into the structure being filled */
};

/* Fills *into from argv[1..]; returns the index of the first word that is no option, or
 * -1 after a message.  Strings point into argv; lists are to be released, except after -1.
 * rows ends with a row without a name. */
int options_parse(const struct verb *verb, const struct option_row *rows, void *into, int argc,
		  char **argv) MUST_CHECK;
void options_release(const struct option_row *rows, void *into);
/* One line per option. */
void options_print(const struct option_row *rows);
/* Appends s (kept by reference); false when out of memory. */
bool string_list_add(struct string_list *list, const char *s) MUST_CHECK;

#endif
