/* confine.c: see confine.h. */
#include "netd/confine.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/lx/capability.h"
#include "common/plat/sandbox.h"

/* What a worker may need; only a netd that root runs has them at all. */
#define WORKER_CAPABILITIES (1ull << LX_CAP_NET_BIND_SERVICE | 1ull << LX_CAP_NET_RAW)
/* What making a worker's network of its own takes. */
#define PARENT_CAPABILITIES \
	(WORKER_CAPABILITIES | 1ull << LX_CAP_NET_ADMIN | 1ull << LX_CAP_SYS_ADMIN)

/* /etc/resolv.conf, what it may be a link to, and the maps of a worker's user namespace. */
static const struct {
	const char *path;
	bool writable;
} parent_trees[] = {{"/etc", false}, {"/run", false}, {"/proc", true}};

int netd_confine_parent(unsigned *applied)
{
	struct sandbox_tree trees[ARRAY_LEN(parent_trees)];
	struct sandbox_profile profile = {
	    .role = "netd",
	    .allow = SANDBOX_ALLOW_BASE | SANDBOX_ALLOW_FORK | SANDBOX_ALLOW_FILES |
	             SANDBOX_ALLOW_ACCEPT | SANDBOX_ALLOW_PAIRS | SANDBOX_ALLOW_SOCKET_IO |
	             SANDBOX_ALLOW_INET | SANDBOX_ALLOW_SANDBOX,
	    .trees = trees,
	    .network = true,
	    .keep_capabilities = PARENT_CAPABILITIES,
	};
	int r;

	for (size_t i = 0; i < ARRAY_LEN(parent_trees); i++) {
		int fd = open(parent_trees[i].path, O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0)
			trees[profile.tree_count++] = (struct sandbox_tree){fd, parent_trees[i].writable};
	}
	r = sandbox_apply(&profile, false, applied);
	for (unsigned i = 0; i < profile.tree_count; i++)
		close(trees[i].fd);
	return r;
}

int netd_confine_worker(bool require)
{
	struct sandbox_profile profile = {
	    .role = "netd worker",
	    .allow = SANDBOX_ALLOW_BASE | SANDBOX_ALLOW_SOCKET_IO | SANDBOX_ALLOW_INET,
	    .network = true,
	    .keep_capabilities = WORKER_CAPABILITIES,
	};
	unsigned applied;

	return sandbox_apply(&profile, require, &applied);
}
