/*
 * sanitize.h: what the builds of MODE=asan, ubsan and tsan need of the program, and nothing in any
 * other build.
 *
 * A finding is reported with the names of functions.  To know them the sanitizer opens files of
 * /proc and the program itself, which a confined process may not: so it is told to do that before.
 * Leaks are looked for at exit by a process that attaches to all threads, which no role permits:
 * a process that is confined ends without.
 */
#ifndef COMMON_PLAT_SANITIZE_H
#define COMMON_PLAT_SANITIZE_H

#include "common/base.h"

#ifdef __has_feature
#define SANITIZE_FEATURE(name) __has_feature(name)
#else
#define SANITIZE_FEATURE(name) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || SANITIZE_FEATURE(address_sanitizer)
#define SANITIZE_ADDRESS 1
#endif
#if defined(__SANITIZE_THREAD__) || SANITIZE_FEATURE(thread_sanitizer)
#define SANITIZE_THREAD 1
#endif

#if defined(SANITIZE_ADDRESS) || defined(SANITIZE_THREAD)
/* Before the process loses its rights to open files. */
void sanitize_before_sandbox(void);
#else
static inline void sanitize_before_sandbox(void)
{
}
#endif

#endif
