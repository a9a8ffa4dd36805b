/*
 * cmd_debug.c: `carrick debug`: looking into what carrick itself did.
 *   crash   what a supervisor that died had been doing (common/crash.h)
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "common/crash.h"
#include "common/lx/errno.h"
#include "supervisor/cli/cli.h"

/* More than the program's code takes. */
#define PROGRAM_SIZE (64u << 20)

/* A report read into memory; NULL after a message. */
static struct crash_ring *read_report(const char *path)
{
	struct crash_ring *r = calloc(1, sizeof(*r));
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t have = 0;
	ssize_t n = 1;

	if (fd < 0)
		cli_error("cannot open %s: %s", path, strerror(errno));
	while (fd >= 0 && r && have < sizeof(*r) && (n = read(fd, (char *)r + have, sizeof(*r) - have)) > 0)
		have += (size_t)n;
	if (fd >= 0)
		close(fd);
	if (fd >= 0 && r && have == sizeof(*r) && memcmp(r->magic, CRASH_MAGIC, sizeof(r->magic)) == 0)
		return r;
	if (fd >= 0)
		cli_error("%s is no crash report", path);
	free(r);
	return NULL;
}

/* Text that its writer may not have ended, or filled with whatever. */
static void print_text(const char *what, const char *text, size_t size)
{
	size_t len = strnlen(text, size);

	printf("%-10s ", what);
	for (size_t i = 0; i < len; i++)
		putchar(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
	putchar('\n');
}

static int by_order(const void *x, const void *y)
{
	const struct crash_event *a = x, *b = y;

	return a->order < b->order ? -1 : a->order > b->order;
}

static void print_event(const struct crash_ring *r, const struct crash_event *e)
{
	const char *name = e->nr < CRASH_NAMES ? r->names[e->nr] : "";
	size_t len = strnlen(name, sizeof(r->names[0]));

	printf("[%d", e->pid);
	if (e->tid != e->pid)
		printf("/%d", e->tid);
	printf("] ");
	if (len > 0)
		for (size_t i = 0; i < len; i++)
			putchar(name[i] >= ' ' && name[i] <= '~' ? name[i] : '?');
	else
		printf("call %u", e->nr);
	printf("(%#llx, %#llx, %#llx)", (unsigned long long)e->args[0], (unsigned long long)e->args[1],
	       (unsigned long long)e->args[2]);
	if (e->done != 1)
		printf(" has not returned");
	else if (e->result < 0 && e->result >= -4095)
		printf(" = -%s", lx_errno_name((int)e->result));
	else
		printf(" = %#llx", (unsigned long long)e->result);
	printf("  pc %#llx\n", (unsigned long long)e->pc);
}

static void print_fault(const struct crash_ring *r)
{
	uint64_t at = r->pc - r->base;

	printf("%-10s signal %u in host thread %u, address %#llx, at ", "fault", r->signo, r->host_tid,
	       (unsigned long long)r->address);
	if (at < PROGRAM_SIZE)
		printf("carrick-supervisor+%#llx\n", (unsigned long long)at);
	else
		printf("%#llx, outside carrick-supervisor, which lies at %#llx\n", (unsigned long long)r->pc,
		       (unsigned long long)r->base);
}

static int cmd_debug(const struct verb *verb, int argc, char **argv)
{
	struct crash_ring *r;
	time_t when;
	char date[64] = "?";
	struct tm tm;

	if (argc != 3 || strcmp(argv[1], "crash") != 0)
		return cli_usage_error(verb, "`carrick debug crash FILE` is all there is");
	r = read_report(argv[2]);
	if (!r)
		return EXIT_CARRICK;
	when = (time_t)r->when;
	if (gmtime_r(&when, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S UTC", &tm);
	print_text("version", r->version, sizeof(r->version));
	print_text("container", r->container, sizeof(r->container));
	print_text("end", r->reason, sizeof(r->reason));
	print_text("when", date, sizeof(date));
	if (r->signo)
		print_fault(r);
	printf("The guest's last system calls ([process/thread], the last one last):\n");
	qsort(r->event, CRASH_EVENTS, sizeof(r->event[0]), by_order);
	for (unsigned i = 0; i < CRASH_EVENTS; i++)
		if (r->event[i].order)
			print_event(r, &r->event[i]);
	free(r);
	return 0;
}

static void help_debug(const struct verb *verb)
{
	(void)verb;
	printf("\n  crash FILE   what a guest and its supervisor did before the supervisor died; the message\n"
	       "               that told of it names the file\n"
	       "\nExample:\n  carrick debug crash ~/.local/share/carrick/crashes/3f2a….crash | tail\n");
}

const struct verb verb_debug = {"debug", "crash FILE", "Look into what carrick itself did", cmd_debug, help_debug};
