/*
 * confine.h: the sandbox of carrick-supervisor: no files, no sockets, no processes; only what its
 * monitor and the services hand it.
 */
#ifndef SUPERVISOR_BOOT_CONFINE_H
#define SUPERVISOR_BOOT_CONFINE_H

#include "common/base.h"

/* require: a layer that cannot be applied is an error.  0, or a negative Linux errno after a
 * message; the process should end then. */
int supervisor_confine(bool require) MUST_CHECK;

#endif
