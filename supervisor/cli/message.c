/* message.c: what carrick tells its user on stderr. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/lx/errno.h"
#include "ipc/ipc.h"
#include "supervisor/cli/cli.h"

PRINTF_LIKE(1, 0) static void print_error(const char *fmt, va_list ap)
{
	fflush(stdout);
	fputs("carrick: ", stderr);
	vfprintf(stderr, fmt, ap);
}

int cli_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_error(fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return EXIT_CARRICK;
}

int cli_usage_error(const struct verb *verb, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_error(fmt, ap);
	va_end(ap);
	fprintf(stderr, "; see `carrick help %s`\n", verb->name);
	return EXIT_CARRICK;
}

const char *cli_strerror(int64_t error)
{
	switch (-error) {
	case IPC_EGONE:
		return "the service ended unexpectedly";
	case LX_EEXIST:
		return "the name is in use";
	case LX_EBUSY:
		return "it is in use";
	case LX_ENOENT:
		return "no such object";
	case LX_ENOSPC:
		return "the disk is full";
	case LX_EILSEQ:
		return "the data is damaged";
	default:
		return strerror((int)-error);
	}
}
