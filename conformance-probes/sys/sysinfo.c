/* sysinfo(2), and pages as sysconf shows them. */
#include "../probe.h"

#include <sys/sysinfo.h>

int main(void)
{
	struct sysinfo i;

	say_result("sysinfo", sysinfo(&i));
	say_bool("total", i.totalram > 0 && i.mem_unit > 0);
	say_bool("uptime", i.uptime >= 0);
	say_bool("procs", i.procs > 0);
	say("pagesize", sysconf(_SC_PAGESIZE));
	say_bool("cpus", sysconf(_SC_NPROCESSORS_ONLN) > 0);
	say_result("fault", sysinfo(bad_pointer()));
	return 0;
}
