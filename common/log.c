/* log.c: one write(2) per line, so that lines of several processes never mix. */
#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static const char *log_program = "carrick";
static enum log_level log_threshold = LOG_LEVEL_WARN;
static int log_fd = 2;

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void log_setup(const char *program, enum log_level level)
{
	const char *env = getenv("CARRICK_LOG");

	log_program = program;
	log_threshold = level;
	for (size_t i = 0; env && i < ARRAY_LEN(level_names); i++)
		if (strcmp(env, level_names[i]) == 0)
			log_threshold = (enum log_level)i;
}

void log_set_fd(int fd)
{
	log_fd = fd;
}

PRINTF_LIKE(2, 0) static void log_line(const char *label, const char *fmt, va_list ap)
{
	char line[1024];
	int n = snprintf(line, sizeof(line), "%s: %s", log_program, label);
	size_t len = n < 0 ? 0 : (size_t)n;

	n = vsnprintf(line + len, sizeof(line) - len - 1, fmt, ap);
	if (n > 0)
		len = MIN(len + (size_t)n, sizeof(line) - 2);
	line[len++] = '\n';
	/* Nothing sensible is left to do when stderr itself fails. */
	if (write(log_fd, line, len) < 0)
		return;
}

#define LOG_FUNCTION(name, level, label)          \
	void name(const char *fmt, ...)           \
	{                                         \
		va_list ap;                       \
		if (log_threshold < (level))      \
			return;                   \
		va_start(ap, fmt);                \
		log_line(label, fmt, ap);         \
		va_end(ap);                       \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR, "")
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN, "warning: ")
LOG_FUNCTION(log_info, LOG_LEVEL_INFO, "")
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG, "debug: ")
