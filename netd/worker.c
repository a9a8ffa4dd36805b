/*
 * worker.c: see worker.h.  A worker is forked for each guest, moves to a network of its own in
 * mode none, gives up what it does not need, and serves the session.
 */
#include "netd/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/lx/errno.h"
#include "common/plat/errno.h"
#include "common/plat/sandbox.h"
#include "ipc/bulk.h"
#include "ipc/server.h"
#include "ipc/service.h"

#define SERVING_THREADS 3u
#define DEFAULT_HANDLES 4096u
#define MAX_HANDLES     65536u

#define IPC_SERVICE netd
#define IPC_SCHEMA  "ipc/ops_netd.def"
#define IPC_PEER    GUEST
#define IPC_SESSION struct netd_session
#include "ipc/gen_handlers.inc"
#define IPC_SERVICE netd
#define IPC_SCHEMA  "ipc/ops_netd.def"
#define IPC_PEER    GUEST
#define IPC_SESSION struct netd_session
#include "ipc/gen_dispatch.inc"

int netd_session_init(struct netd_session *s, const struct netd_session_create_req *req, int *bulk_fd)
{
	s->mode = req->mode;
	s->strict = req->flags & NETD_FLAG_STRICT;
	s->limit = req->max_handles ? MIN(req->max_handles, MAX_HANDLES) : DEFAULT_HANDLES;
	pthread_mutex_init(&s->lock, NULL);
	return ipc_bulk_create(IPC_BULK_SIZE, &s->bulk, bulk_fd);
}

void netd_session_release(struct netd_session *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->sockets[i].fd >= 0)
			close(s->sockets[i].fd);
	free(s->sockets);
	free(s->interfaces);
	ipc_bulk_free(s->bulk);
	pthread_mutex_destroy(&s->lock);
}

static int64_t add_locked(struct netd_session *s, int fd, uint64_t *handle)
{
	uint32_t i = 0;

	while (i < s->count && s->sockets[i].fd >= 0)
		i++;
	if (i == s->limit)
		return -LX_EMFILE;
	if (i == s->count) {
		uint32_t more = MIN(s->count ? s->count * 2 : 64, s->limit);
		struct netd_socket *grown = reallocarray(s->sockets, more, sizeof(*grown));

		if (!grown)
			return -LX_ENOMEM;
		for (uint32_t n = s->count; n < more; n++)
			grown[n] = (struct netd_socket){.fd = -1};
		s->sockets = grown;
		s->count = more;
	}
	s->sockets[i].fd = fd;
	*handle = ((uint64_t)s->sockets[i].generation << 32) | (i + 1);
	return 0;
}

int64_t netd_socket_add(struct netd_session *s, int fd, uint64_t *handle)
{
	int64_t ret;

	pthread_mutex_lock(&s->lock);
	ret = add_locked(s, fd, handle);
	pthread_mutex_unlock(&s->lock);
	return ret;
}

/* The slot of a valid handle, or NULL. */
static struct netd_socket *slot_locked(struct netd_session *s, uint64_t handle)
{
	uint64_t index = (handle & UINT32_MAX) - 1;

	if ((handle & UINT32_MAX) == 0 || index >= s->count || s->sockets[index].fd < 0 ||
	    s->sockets[index].generation != handle >> 32)
		return NULL;
	return &s->sockets[index];
}

int netd_socket_dup(struct netd_session *s, uint64_t handle)
{
	struct netd_socket *slot;
	int fd;

	pthread_mutex_lock(&s->lock);
	slot = slot_locked(s, handle);
	fd = slot ? fcntl(slot->fd, F_DUPFD_CLOEXEC, 3) : -1;
	if (slot && fd < 0)
		fd = plat_errno(errno);
	else if (!slot)
		fd = -LX_EBADF;
	pthread_mutex_unlock(&s->lock);
	return fd;
}

int64_t netd_socket_close(struct netd_session *s, uint64_t handle)
{
	struct netd_socket *slot;
	int fd = -1;

	pthread_mutex_lock(&s->lock);
	slot = slot_locked(s, handle);
	if (slot) {
		fd = slot->fd;
		slot->fd = -1;
		slot->generation++;
	}
	pthread_mutex_unlock(&s->lock);
	if (fd < 0)
		return -LX_EBADF;
	close(fd);
	return 0;
}

static bool loopback_up(void)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &ifr) == 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Mode none: a network namespace with nothing but a loopback.  Where the host permits none, the
 * guest gets no internet sockets at all. */
static void enter_empty_network(struct netd_session *s)
{
	int flags = geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET;

	if (unshare(flags) == 0 && loopback_up())
		return;
	s->offline = true;
	log_warn("this host permits no network namespace (%s): the guest gets no internet sockets", strerror(errno));
}

static void raise_file_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return;
	l.rlim_cur = l.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &l) < 0)
		log_warn("cannot raise the limit of open files");
}

int netd_worker_main(int fd, void *arg)
{
	struct netd_session *s = arg;
	struct ipc_conn_config config = {.fd = fd, .handlers = &netd_GUEST_handlers, .session = s};
	struct sandbox_profile profile = {
		.role = "netd worker",
		.allow = SANDBOX_ALLOW_BASE | SANDBOX_ALLOW_THREADS | SANDBOX_ALLOW_ACCEPT | SANDBOX_ALLOW_SOCKET_IO |
			 SANDBOX_ALLOW_INET,
		.network = true,
		.keep_capabilities = 0,
	};
	unsigned applied;
	int ret;

	if (s->mode == NETD_MODE_NONE)
		enter_empty_network(s);
	raise_file_limit();
	s->interfaces = netd_interfaces();
	ret = sandbox_apply(&profile, false, &applied);
	if (ret == 0)
		ret = netd_waits_new(&s->waits);
	if (ret == 0)
		ret = ipc_conn_new(&config, &s->conn);
	if (ret < 0) {
		log_error("cannot serve a guest: %s", lx_errno_text(ret));
		return 1;
	}
	return service_serve(s->conn, SERVING_THREADS) < 0 ? 1 : 0;
}
