/* statfs(2): the magic numbers of the kernel's own file systems. */
#include "../probe.h"

#include <sys/vfs.h>

int main(void)
{
	struct statfs s;

	say_result("proc", statfs("/proc", &s));
	printf("proc_type=%lx\n", (long)s.f_type);
	say_result("sys", statfs("/sys", &s));
	printf("sys_type=%lx\n", (long)s.f_type);
	statfs("/dev/pts", &s);
	printf("pts_type=%lx\n", (long)s.f_type);
	statfs("/dev/shm", &s);
	printf("shm_type=%lx\n", (long)s.f_type);
	say("namelen", s.f_namelen);
	say_result("missing", statfs("/none", &s));
	return 0;
}
