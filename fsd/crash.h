/*
 * crash.h: reports of supervisors that died (common/crash.h), in the store's directory crashes/.
 */
#ifndef FSD_CRASH_H
#define FSD_CRASH_H

#include "fsd/store.h"

/* Copies the report out of memory (a memfd) to crashes/NAME, and removes the oldest reports when
 * there are many.  name gets NAME.  0 or a negative Linux errno. */
int crash_store(struct store *s, int memory, const char *container, char name[80]) MUST_CHECK;

#endif
