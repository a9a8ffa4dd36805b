/* confine.c: see confine.h. */
#include "supervisor/boot/confine.h"

#include "common/plat/sandbox.h"

int supervisor_confine(bool require)
{
	struct sandbox_profile profile = {
		.role = "supervisor",
		.allow = SANDBOX_ALLOW_BASE | SANDBOX_ALLOW_THREADS | SANDBOX_ALLOW_EXEC_MEM |
			 SANDBOX_ALLOW_SOCKET_IO,
		.private_namespaces = true,
	};
	unsigned applied;

	return sandbox_apply(&profile, require, &applied);
}
