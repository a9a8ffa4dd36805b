/*
 * spec_text.h: the specification as text.  Arguments, variables and file names are bytes, JSON's
 * strings are characters: each byte travels as the character of its number (U+0000 to U+00FF).
 */
#ifndef SUPERVISOR_CLI_SPEC_TEXT_H
#define SUPERVISOR_CLI_SPEC_TEXT_H

#include <jansson.h>

/* The text of spec, whose strings may hold any bytes (json_string_nocheck); NULL: no memory.  The
 * caller frees it. */
char *spec_text(const json_t *spec);

#endif
