/*
 * compat.h: counts what a guest asked for and did not (fully) get.
 */
#ifndef SUPERVISOR_TRACE_COMPAT_H
#define SUPERVISOR_TRACE_COMPAT_H

#include "supervisor/trace/observe.h"

struct compat;

struct compat *compat_new(void);
/* Counts one occurrence.  Beyond a fixed number of different ones, only the total grows. */
void compat_count(struct compat *c, const char *kind, const char *what);
/* Looks at a finished call: missing and partial calls, refused ioctls, /proc and /sys paths that
 * are not there, features refused with EOPNOTSUPP or ENOPROTOOPT. */
void compat_judge(struct compat *c, const struct observed_call *call, int64_t result);
void compat_print(struct compat *c, int fd);

#endif
