/* membarrier(2): registration and errors. */
#include "../probe.h"

#include <linux/membarrier.h>

static long mb(int cmd, unsigned flags)
{
	return syscall(SYS_membarrier, cmd, flags, 0);
}

int main(void)
{
	long q = mb(MEMBARRIER_CMD_QUERY, 0);

	say_bool("private", q & MEMBARRIER_CMD_PRIVATE_EXPEDITED);
	say_bool("global", q & MEMBARRIER_CMD_GLOBAL);
	say_result("flags", mb(MEMBARRIER_CMD_QUERY, 4));
	say_result("unknown", mb(1 << 30, 0));
	say_result("unregistered", mb(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0));
	say_result("register", mb(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0));
	say_result("registered", mb(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0));
	say_result("sync_unregistered", mb(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0));
	say_result("global_run", mb(MEMBARRIER_CMD_GLOBAL, 0));
	return 0;
}
