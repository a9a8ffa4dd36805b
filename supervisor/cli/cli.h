/*
 * cli.h: the `carrick` command: its verbs, exit statuses and messages.
 */
#ifndef SUPERVISOR_CLI_CLI_H
#define SUPERVISOR_CLI_CLI_H

#include "common/base.h"

/* Exit statuses, as Docker's. */
#define EXIT_CARRICK    125 /* carrick itself failed, or was asked for something it cannot do */
#define EXIT_CANNOT_RUN 126 /* the command exists and cannot be executed */
#define EXIT_NOT_FOUND  127 /* the command does not exist */

struct verb {
	const char *name;
	const char *usage;   /* what follows "carrick NAME" */
	const char *summary; /* one line for `carrick help` */
	int (*run)(const struct verb *verb, int argc, char **argv); /* argv[0] is the verb */
	void (*help)(const struct verb *verb);                      /* prints options and examples */
};

extern const struct verb verb_run, verb_run_elf, verb_trace, verb_compat_report, verb_load,
	verb_import, verb_images, verb_rmi, verb_tag, verb_ps, verb_rm, verb_inspect_elf, verb_info,
	verb_debug, verb_version;

/* All verbs, NULL-terminated, in the order of `carrick help`. */
extern const struct verb *const verbs[];

/* "carrick: text" on stderr; returns EXIT_CARRICK. */
int cli_error(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* As cli_error for a wrong command line, with a pointer to the verb's help. */
int cli_usage_error(const struct verb *verb, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A sentence for a negative Linux errno, IPC code or host errno as the services return them. */
const char *cli_strerror(int64_t error);

#endif
