/* main.c: carrick-fsd, the parent: opens the image store and answers the command line. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/log.h"
#include "common/lx/errno.h"
#include "common/rundir.h"
#include "fsd/admin.h"
#include "fsd/confine.h"
#include "ipc/service.h"

static int ready(struct service *s, void *data)
{
	(void)s;
	return confine_parent(&((struct admin *)data)->sandbox_layers);
}

int main(int argc, char **argv)
{
	static struct admin admin;
	struct service_config config = {
	    .program = "carrick-fsd",
	    .data = &admin,
	    .ready = ready,
	};
	struct fail f = {0};

	config.handlers = admin_handlers;
	log_setup("carrick-fsd", LOG_LEVEL_WARN);
	umask(077);
	if (argc == 2 && strncmp(argv[1], "--listen-fd=", 12) == 0) {
		if (store_path(admin.path, sizeof(admin.path)) < 0) {
			log_error("there is no place for images: set HOME or CARRICK_HOME");
			return 125;
		}
		if (store_open(&admin.store, admin.path, &f) < 0) {
			log_error("%s", f.text);
			return 125;
		}
	}
	return service_main(&config, argc, argv);
}
