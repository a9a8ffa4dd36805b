/* sched_* and priorities. */
#include "../probe.h"

#include <sys/resource.h>

int main(void)
{
	struct sched_param p = {0};
	cpu_set_t set;

	say("policy", sched_getscheduler(0));
	say_result("getparam", sched_getparam(0, &p));
	say("prio", p.sched_priority);
	say("max_fifo", sched_get_priority_max(SCHED_FIFO));
	say("min_other", sched_get_priority_min(SCHED_OTHER));
	say_result("bad_policy", sched_get_priority_max(77));
	say_bool("affinity", sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) >= 1);
	say_result("small", sched_getaffinity(0, 1, &set));
	say_result("missing", sched_getaffinity(99999, sizeof(set), &set));
	say_result("yield", sched_yield());
	say("nice", getpriority(PRIO_PROCESS, 0));
	say_result("setpriority", setpriority(PRIO_PROCESS, 0, 5));
	say("nice5", getpriority(PRIO_PROCESS, 0));
	say_result("bad_which", getpriority(9, 0));
	return 0;
}
