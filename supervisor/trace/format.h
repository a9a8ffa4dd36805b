/*
 * format.h: an observed call as a line of text or a JSON object.
 */
#ifndef SUPERVISOR_TRACE_FORMAT_H
#define SUPERVISOR_TRACE_FORMAT_H

#include "supervisor/trace/observe.h"

/* Fills call->text and call->path from the arguments; reads strings from the guest's memory. */
void format_arguments(struct task *t, struct observed_call *call);
/* One line with its line end; the length.  returned: the call has a result and a duration. */
size_t format_text(char *out, size_t size, const struct task *t, const struct observed_call *call, int64_t result,
		   bool returned);
size_t format_json(char *out, size_t size, const struct task *t, const struct observed_call *call, int64_t result,
		   bool returned);

#endif
