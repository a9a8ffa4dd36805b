/*
 * observe.h: watching a guest's system calls: traces (`carrick trace`) and the report of what was
 * asked for in vain (`carrick compat-report`).  Off, it costs one test of a pointer per call.
 */
#ifndef SUPERVISOR_TRACE_OBSERVE_H
#define SUPERVISOR_TRACE_OBSERVE_H

#include "common/base.h"
#include "supervisor/sys/sys.h"

struct observer;
struct task;

enum trace_format { TRACE_OFF, TRACE_TEXT, TRACE_JSON };

/* Lines and the report go to fd, which stays the caller's.  NULL: no memory. */
struct observer *observer_new(enum trace_format format, bool compat_report, int fd);
/* Prints the report if one was asked for. */
void observer_finish(struct observer *o);

/* What was seen at the entry of a call, kept on the caller's stack until its end. */
struct observed_call {
	const struct sys_row *row; /* NULL: unknown number */
	uint64_t nr;
	struct sys_args args;
	int64_t start_ns;
	char text[768]; /* the decoded arguments */
	char path[256]; /* the first path among them, for the report */
};
void observe_enter(struct observer *o, struct task *t, const struct sys_row *row, uint64_t nr,
		   const struct sys_args *args, struct observed_call *call);
void observe_exit(struct observer *o, struct task *t, struct observed_call *call, int64_t result);

/* Notes something that is missing or only partly there, for the report: kind "flag", "ioctl",
 * "proc path"..., what in words.  o may be NULL. */
void observe_missing(struct observer *o, const char *kind, const char *what);

#endif
