/* main.c: carrick-netd, the parent: forks a worker for each guest's network session. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/log.h"
#include "common/lx/errno.h"
#include "ipc/service.h"
#include "netd/worker.h"

#define IPC_SERVICE netd
#define IPC_SCHEMA  "ipc/ops_netd.def"
#define IPC_PEER    CLI
#define IPC_SESSION struct service_client
#include "ipc/gen_handlers.inc"
#define IPC_SERVICE netd
#define IPC_SCHEMA  "ipc/ops_netd.def"
#define IPC_PEER    CLI
#define IPC_SESSION struct service_client
#include "ipc/gen_dispatch.inc"

#define CONFIG_MAX 4096

/* Whole lines of a configuration file of the host that fit; empty if it cannot be read. */
static uint32_t read_config(const char *path, char out[CONFIG_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, out, CONFIG_MAX);

	if (fd >= 0)
		close(fd);
	while (n == CONFIG_MAX || (n > 0 && out[n - 1] != '\n'))
		n--;
	return n < 0 ? 0 : (uint32_t)n;
}

static void worker_ended(void *arg, int status)
{
	(void)status;
	netd_session_release(arg);
	free(arg);
}

int64_t netd_do_session_create(struct service_client *c, const struct netd_session_create_req *req,
			       struct netd_session_create_rep *rep, struct ipc_fds *in, struct ipc_fds *out)
{
	static char resolv_conf[CONFIG_MAX], hosts[CONFIG_MAX];
	struct netd_session *s;
	struct service_worker worker = {.main = netd_worker_main, .ended = worker_ended};
	int bulk_fd, session_fd, ret;

	(void)in;
	if (req->mode > NETD_MODE_HOST || (req->flags & ~NETD_FLAG_STRICT))
		return -LX_EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -LX_ENOMEM;
	ret = netd_session_init(s, req, &bulk_fd);
	if (ret < 0)
		goto free_session;
	worker.arg = s;
	ret = service_fork(c->service, &worker, &session_fd);
	if (ret < 0)
		goto release;
	out->fd[out->count++] = session_fd;
	out->fd[out->count++] = bulk_fd;
	if (req->mode == NETD_MODE_HOST) {
		rep->resolv_conf = (struct ipc_bytes){(const uint8_t *)resolv_conf, read_config("/etc/resolv.conf", resolv_conf)};
		rep->hosts = (struct ipc_bytes){(const uint8_t *)hosts, read_config("/etc/hosts", hosts)};
	} else {
		rep->hosts = ipc_bytes_of("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
	}
	return 0;

release:
	close(bulk_fd);
	netd_session_release(s);
free_session:
	free(s);
	return ret;
}

int main(int argc, char **argv)
{
	struct service_config config = {
		.program = "carrick-netd",
		.handlers = &netd_CLI_handlers,
	};

	log_setup("carrick-netd", LOG_LEVEL_WARN);
	return service_main(&config, argc, argv);
}
