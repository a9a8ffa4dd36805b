/*
 * main.c: carrick-netd, the parent: started by carrick with a listening socket, it forks a worker
 * for each guest and touches no network itself.
 */
#include "common/log.h"
#include "netd/confine.h"
#include "netd/parent.h"

#define IPC_SERVICE netd
#define IPC_SCHEMA  "ipc/ops_netd.def"
#define IPC_PEER    CLI
#define IPC_SESSION struct service_client
#include "ipc/gen_dispatch.inc"

static int ready(struct service *s, void *data)
{
	(void)s;
	return netd_confine_parent(&((struct netd_parent *)data)->sandbox_layers);
}

int main(int argc, char **argv)
{
	static struct netd_parent parent;
	static const struct service_config config = {
	    .program = "carrick-netd",
	    .handlers = &netd_CLI_handlers,
	    .data = &parent,
	    .ready = ready,
	};

	log_setup("carrick-netd", LOG_LEVEL_WARN);
	return service_main(&config, argc, argv);
}
