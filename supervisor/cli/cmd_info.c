/* cmd_info.c: `carrick info`: what works on this host, and where things are. */
#include <jansson.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/plat/sandbox.h"
#include "common/rundir.h"
#include "ipc/fsd.h"
#include "supervisor/cli/cli.h"
#include "supervisor/cli/service.h"

static void print_engines(const struct utsname *host)
{
	bool arm_host = strcmp(host->machine, "aarch64") == 0;

	printf("Engines for linux/arm64 guests:\n");
	printf("  soft         yes (default): software CPU\n");
	printf("  soft-interp  yes: software CPU, interpreter only\n");
	printf("  kvm          no: %s\n", arm_host ? "not built into this carrick"
						   : "KVM on this host runs its own architecture, not arm64");
	printf("  hvf          no: Hypervisor.framework exists on macOS only\n");
}

static void print_sandbox(void)
{
	unsigned applied = sandbox_probe();

	printf("Sandbox layers on this host:\n");
	for (unsigned layer = 1; layer & SANDBOX_ALL; layer <<= 1)
		printf("  %-12s %s\n", sandbox_layer_name((enum sandbox_layer)layer), applied & layer ? "yes" : "no");
}

static int print_store(void)
{
	char path[4096];
	struct fsd_store_info_req req = {0};
	struct fsd_store_info_rep rep;
	struct ipc_reply reply;
	struct ipc_client *fsd;
	const char *key;
	json_t *info, *value;
	int64_t ret;

	if (store_path(path, sizeof(path)) < 0)
		return cli_error("there is no place for the store; set CARRICK_HOME");
	printf("Store: %s\n", path);
	fsd = service_connect(&fsd_service);
	if (!fsd)
		return EXIT_CARRICK;
	ret = fsd_call_store_info(fsd, &req, &rep, &reply);
	if (ret < 0) {
		ipc_client_free(fsd);
		return cli_error("cannot ask carrick-fsd about the store: %s", cli_strerror(ret));
	}
	info = json_loadb((const char *)rep.info_json.data, rep.info_json.len, 0, NULL);
	json_object_foreach(info, key, value) {
		char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

		printf("  %-12s %s\n", key, text ? text : "");
		free(text);
	}
	json_decref(info);
	ipc_reply_release(&reply);
	ipc_client_free(fsd);
	return 0;
}

static int cmd_info(const struct verb *verb, int argc, char **argv)
{
	struct utsname host;

	(void)argv;
	if (argc > 1)
		return cli_usage_error(verb, "`carrick info` takes no words");
	if (uname(&host) < 0)
		return cli_error("cannot identify the host");
	printf("carrick %s on %s %s (%s), %ld processors\n", CARRICK_VERSION, host.sysname, host.release, host.machine,
	       sysconf(_SC_NPROCESSORS_ONLN));
	print_engines(&host);
	print_sandbox();
	return print_store();
}

const struct verb verb_info = {"info", "", "Show what works on this host, and where things are", cmd_info, NULL};
