/*
 * create.c: session_create, the parent's one operation: a bulk region and a worker for a guest,
 * and what its /etc/resolv.conf and /etc/hosts should say.
 */
#include <fcntl.h>
#include <unistd.h>

#include "common/plat/sandbox.h"
#include "ipc/codec.h"
#include "netd/parent.h"
#include "netd/session.h"

#define TEXT_MAX 4096u

static const char hosts_text[] = "127.0.0.1\tlocalhost\n"
                                 "::1\tlocalhost ip6-localhost ip6-loopback\n"
                                 "fe00::0\tip6-localnet\n"
                                 "ff00::0\tip6-mcastprefix\n"
                                 "ff02::1\tip6-allnodes\n"
                                 "ff02::2\tip6-allrouters\n";

/* The host's resolver configuration, as far as whole lines of it fit. */
static struct ipc_bytes read_resolv_conf(uint8_t *buf)
{
	struct ipc_bytes b = {buf, 0};
	int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, TEXT_MAX);

	if (fd >= 0)
		close(fd);
	b.len = n < 0 ? 0 : (uint32_t)n;
	while (b.len == TEXT_MAX || (b.len > 0 && buf[b.len - 1] != '\n'))
		b.len--;
	if (!ipc_text_valid(b))
		b.len = 0;
	return b;
}

int64_t netd_do_session_create(struct service_client *c, const struct netd_session_create_req *req,
                               struct netd_session_create_rep *rep, struct ipc_fds *in,
                               struct ipc_fds *out)
{
	static uint8_t resolv[TEXT_MAX]; /* lasts until the reply has been encoded */
	struct netd_session_config config = {.mode = (enum netd_mode)req->mode,
	                                     .strict = req->flags & NETD_STRICT,
	                                     .require_sandbox = req->flags & NETD_REQUIRE_SANDBOX,
	                                     .max_handles = req->max_handles};
	struct service_worker worker = {.main = netd_worker_main, .arg = &config};
	int bulk_fd, session, r;

	(void)in;
	if (req->mode > NETD_HOST || req->max_handles > NETD_HANDLES_MAX)
		return -LX_EINVAL;
	if (config.require_sandbox &&
	    !sandbox_suffices(((struct netd_parent *)c->data)->sandbox_layers))
		return -LX_EOPNOTSUPP;
	r = ipc_bulk_create(IPC_BULK_SIZE, &config.bulk, &bulk_fd);
	if (r < 0)
		return r;
	r = service_fork(c->service, &worker, &session);
	ipc_bulk_free(config.bulk); /* the worker has inherited its mapping */
	if (r < 0) {
		close(bulk_fd);
		return r;
	}
	ipc_fds_add(out, session);
	ipc_fds_add(out, bulk_fd);
	if (req->mode == NETD_HOST)
		rep->resolv_conf = read_resolv_conf(resolv);
	rep->hosts = ipc_bytes_of(hosts_text);
	return 0;
}
