/*
 * service.h: reaching fsd and netd, starting them when nobody listens (common/rundir.h).
 */
#ifndef SUPERVISOR_CLI_SERVICE_H
#define SUPERVISOR_CLI_SERVICE_H

#include "ipc/client.h"

/* A connection to the parent of service ("fsd" or "netd"), which is started if need be.  NULL
 * after a message. */
struct ipc_client *service_connect(const struct ipc_service *service);

/* The path of one of our own programs: beside the running one.  False after a message. */
bool program_path(const char *name, char *out, size_t size) MUST_CHECK;

#endif
