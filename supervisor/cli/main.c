/* main.c: the entry point of `carrick`: finds the verb and runs it. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/log.h"
#include "supervisor/cli/cli.h"

static const struct verb verb_help;

const struct verb *const verbs[] = {
	&verb_run,    &verb_run_elf, &verb_trace,	&verb_compat_report, &verb_load,
	&verb_import, &verb_images,  &verb_tag,		&verb_rmi,	     &verb_ps,
	&verb_rm,     &verb_info,    &verb_inspect_elf, &verb_debug,	     &verb_version,
	&verb_help,
	NULL,
};

static const struct verb *find_verb(const char *name)
{
	for (const struct verb *const *v = verbs; *v; v++)
		if (strcmp((*v)->name, name) == 0)
			return *v;
	return NULL;
}

static void print_overview(void)
{
	printf("carrick runs Linux programs and container images without a Linux kernel.\n\n"
	       "usage: carrick VERB ...\n\n");
	for (const struct verb *const *v = verbs; *v; v++)
		printf("  %-16s %s\n", (*v)->name, (*v)->summary);
	printf("\n`carrick help VERB` explains a verb, with examples.  First steps:\n\n"
	       "  carrick images\n"
	       "  carrick run --rm debian:12 /bin/echo hi\n"
	       "  carrick run --rm -it debian:12\n");
}

static int print_help(const struct verb *verb)
{
	printf("usage: carrick %s %s\n\n%s.\n", verb->name, verb->usage, verb->summary);
	if (verb->help)
		verb->help(verb);
	return 0;
}

static int run_help(const struct verb *verb, int argc, char **argv)
{
	const struct verb *asked;

	(void)verb;
	if (argc < 2) {
		print_overview();
		return 0;
	}
	asked = find_verb(argv[1]);
	if (!asked)
		return cli_error("there is no verb \"%s\"; `carrick help` lists them", argv[1]);
	return print_help(asked);
}

static const struct verb verb_help = {
	.name = "help", .usage = "[VERB]", .summary = "Explain carrick, or one of its verbs", .run = run_help};

static bool is_help_option(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int main(int argc, char **argv)
{
	const struct verb *verb;

	log_setup("carrick", LOG_LEVEL_WARN);
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2 || is_help_option(argv[1])) {
		print_overview();
		return argc < 2 ? EXIT_CARRICK : 0;
	}
	if (strcmp(argv[1], "--version") == 0)
		return verb_version.run(&verb_version, argc - 1, argv + 1);
	verb = find_verb(argv[1]);
	if (!verb)
		return cli_error("there is no verb \"%s\"; `carrick help` lists them", argv[1]);
	if (argc > 2 && is_help_option(argv[2]))
		return print_help(verb);
	return verb->run(verb, argc - 1, argv + 1);
}
