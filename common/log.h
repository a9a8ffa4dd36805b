/*
 * log.h: diagnostics of the programs themselves, on stderr, one line each:
 * "carrick-fsd: warning: text".  Guest output never passes here.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include "common/base.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Sets the program name that opens each line (not copied) and the level; the
 * environment variable CARRICK_LOG=error|warn|info|debug overrides the level. */
void log_setup(const char *program, enum log_level level);

/* Redirects lines to another descriptor (default 2); it stays the caller's. */
void log_set_fd(int fd);

void log_error(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_debug(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
