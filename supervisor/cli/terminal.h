/*
 * terminal.h: the user's terminal: raw mode, restored on every way out.
 */
#ifndef SUPERVISOR_CLI_TERMINAL_H
#define SUPERVISOR_CLI_TERMINAL_H

#include "common/base.h"

/* Puts the terminal behind fd into raw mode and arranges for it to be restored at exit and when
 * a signal ends the process.  0 or a negative errno. */
int terminal_raw(int fd) MUST_CHECK;
/* Restores the saved mode; harmless when there is none.  Async-signal-safe. */
void terminal_restore(void);
/* Rows and columns of the terminal behind fd; false when there is none. */
bool terminal_size(int fd, uint32_t *rows, uint32_t *columns) MUST_CHECK;

#endif
