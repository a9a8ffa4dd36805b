/* getcpu(2). */
#include "../probe.h"

int main(void)
{
	unsigned cpu = 999, node = 999;

	say_result("getcpu", syscall(SYS_getcpu, &cpu, &node, NULL));
	say_bool("cpu", cpu < 999);
	say("node", node);
	say_result("fault", syscall(SYS_getcpu, bad_pointer(), NULL, NULL));
	return 0;
}
