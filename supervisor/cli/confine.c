/* confine.c: see confine.h. */
#include "supervisor/cli/confine.h"

#include "common/plat/sandbox.h"

int monitor_confine(bool require)
{
	/* FORK is for signalling and reaping the supervisor.  No namespaces: they would need privileges
	 * or a user namespace, and then the services could not tell whose process this is. */
	struct sandbox_profile profile = {
		.role = "monitor",
		.allow = SANDBOX_ALLOW_BASE | SANDBOX_ALLOW_FORK | SANDBOX_ALLOW_TTY | SANDBOX_ALLOW_SOCKET_IO,
		.signals_outside = true,
	};
	unsigned applied;

	return sandbox_apply(&profile, require, &applied);
}
