/*
 * confine.h: the sandbox of the monitor, which reads messages of a supervisor that its guest may
 * own.  Everything it needs is open by then: the terminal, the channels, the supervisor's process.
 */
#ifndef SUPERVISOR_CLI_CONFINE_H
#define SUPERVISOR_CLI_CONFINE_H

#include "common/base.h"

/* require: a layer that cannot be applied is an error.  0, or a negative Linux errno after a
 * message; the guest should end then. */
int monitor_confine(bool require) MUST_CHECK;

#endif
