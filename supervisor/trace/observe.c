/*
 * observe.c: what happens at the entry and the exit of an observed call.  A call is one line,
 * written when it ends (those that never return, when they begin), so that lines of several
 * threads do not mix.
 */
#include "supervisor/trace/observe.h"

#include <stdio.h>
#include <unistd.h>

#include "common/lx/errno.h"
#include "supervisor/task/task.h"
#include "supervisor/trace/compat.h"
#include "supervisor/trace/format.h"

struct observer {
	enum trace_format format;
	struct compat *compat; /* NULL: no report */
	int fd;
};

struct observer *observer_new(enum trace_format format, bool compat_report, int fd)
{
	struct observer *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->format = format;
	o->fd = fd;
	o->compat = compat_report ? compat_new() : NULL;
	if (compat_report && !o->compat) {
		free(o);
		return NULL;
	}
	return o;
}

void observer_finish(struct observer *o)
{
	if (o->compat)
		compat_print(o->compat, o->fd);
}

/* Calls that do not come back here. */
static bool never_returns(const char *name)
{
	return strcmp(name, "exit") == 0 || strcmp(name, "exit_group") == 0 || strcmp(name, "rt_sigreturn") == 0;
}

static void write_line(const struct observer *o, const char *line, size_t len)
{
	/* A reader that went away must not stop the guest. */
	if (write(o->fd, line, len) < 0)
		return;
}

static void print_call(const struct observer *o, const struct task *t, const struct observed_call *call,
		       int64_t result, bool returned)
{
	char line[1400];
	size_t n = o->format == TRACE_JSON ? format_json(line, sizeof(line), t, call, result, returned)
					   : format_text(line, sizeof(line), t, call, result, returned);

	write_line(o, line, n);
}

void observe_enter(struct observer *o, struct task *t, const struct sys_row *row, uint64_t nr,
		   const struct sys_args *args, struct observed_call *call)
{
	call->row = row;
	call->nr = nr;
	call->args = *args;
	format_arguments(t, call);
	call->start_ns = now_ns();
	if (o->format != TRACE_OFF && row && never_returns(row->name))
		print_call(o, t, call, 0, false);
}

void observe_exit(struct observer *o, struct task *t, struct observed_call *call, int64_t result)
{
	if (o->compat)
		compat_judge(o->compat, call, result);
	if (o->format != TRACE_OFF && !(call->row && never_returns(call->row->name)))
		print_call(o, t, call, result, true);
}

void observe_missing(struct observer *o, const char *kind, const char *what)
{
	if (o && o->compat)
		compat_count(o->compat, kind, what);
}
