/*
 * admin.h: the parent's side: what the command line asks of the image store.
 */
#ifndef FSD_ADMIN_H
#define FSD_ADMIN_H

#include "fsd/store.h"
#include "ipc/schema.h"

struct admin {
	struct store store;
	char path[4096];         /* of the store */
	unsigned sandbox_layers; /* in force for this process (SANDBOX_*) */
};

/* The CLI operations; service_config.data is a struct admin. */
extern const struct ipc_handlers *const admin_handlers;

#endif
