/*
 * confine.h: the sandboxes of netd's processes (common/plat/sandbox.h):
 *   parent   forks workers and reads the host's resolver configuration; touches no network
 *   worker   internet sockets, and no files
 * A layer that this host lacks is left out, unless a guest was started with --sandbox=require.
 */
#ifndef NETD_CONFINE_H
#define NETD_CONFINE_H

#include "common/base.h"

/* *applied gets the layers in force.  0 or a negative Linux errno, upon which the process should
 * end; the same for the worker. */
int netd_confine_parent(unsigned *applied) MUST_CHECK;
int netd_confine_worker(bool require) MUST_CHECK;

#endif
