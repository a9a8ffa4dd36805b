/* cmd_version.c: `carrick version`. */
#include <stdio.h>

#include "ipc/ipc.h"
#include "supervisor/cli/cli.h"

static int cmd_version(const struct verb *verb, int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return cli_usage_error(verb, "`carrick version` takes no words");
	printf("carrick %s (protocol %d)\n", CARRICK_VERSION, IPC_VERSION);
	return 0;
}

const struct verb verb_version = {"version", "", "Print the version", cmd_version, NULL};
