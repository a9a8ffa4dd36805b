/*
 * sanitize.h: what the builds of MODE=asan, ubsan and tsan need of the program, and nothing in any
 * other build.
 *
 * A finding is reported with the names of functions.  To know them the sanitizer opens files of
 * /proc and the program itself, which a confined process may not: so it is told to do that before.
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
#include <sanitizer/common_interface_defs.h>

/* Before the process loses its rights to open files. */
static inline void sanitize_before_sandbox(void)
{
	__sanitizer_sandbox_arguments args = {.coverage_sandboxed = 0, .coverage_fd = -1};
	char text[64];

	__sanitizer_sandbox_on_notify(&args);
	__sanitizer_symbolize_pc(__builtin_return_address(0), "%f", text, sizeof(text));
}
#else
static inline void sanitize_before_sandbox(void)
{
}
#endif

#endif
