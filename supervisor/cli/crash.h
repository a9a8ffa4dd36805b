/*
 * crash.h: the monitor's side of crash reports (common/crash.h).
 */
#ifndef SUPERVISOR_CLI_CRASH_H
#define SUPERVISOR_CLI_CRASH_H

#include "ipc/fsd.h"

/* Shared memory for a supervisor's last words; a descriptor or -1, for which there are none. */
int crash_memory(void);
/* Has fsd keep what is in the memory.  False if it could not be kept; else path, of `size` bytes,
 * gets the report's file. */
bool crash_keep(struct ipc_client *fsd, int memory, const char *container, const char *reason, char *path,
		size_t size);

#endif
