/* /proc/self/stat and status agree with the calls. */
#include "../probe.h"

int main(void)
{
	char buf[4096], *p;
	int fd = open("/proc/self/stat", O_RDONLY), pid, ppid, pgrp, sid;
	ssize_t n = read(fd, buf, sizeof(buf) - 1);
	char state;

	buf[n] = 0;
	p = strrchr(buf, ')');
	pid = (int)strtol(buf, NULL, 10);
	sscanf(p + 2, "%c %d %d %d", &state, &ppid, &pgrp, &sid);
	say_bool("pid", pid == getpid());
	say_bool("ppid", ppid == getppid());
	say_bool("pgrp", pgrp == getpgrp());
	printf("state=%c\n", state);
	int fields = 1;
	for (char *q = p; *q; q++)
		fields += *q == ' ';
	say("fields", fields + 1);
	fd = open("/proc/self/status", O_RDONLY);
	n = read(fd, buf, sizeof(buf) - 1);
	buf[n] = 0;
	static const char *const keys[] = {"Name:", "Umask:", "State:", "Tgid:", "Pid:", "PPid:", "Uid:", "Gid:", "VmRSS:",
					   "Threads:", "SigQ:", "SigBlk:", "SigCgt:", "CapEff:", "NoNewPrivs:", "Seccomp:",
					   "Cpus_allowed:", "voluntary_ctxt_switches:"};
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		printf("%s%s\n", keys[i], strstr(buf, keys[i]) ? "yes" : "no");
	return 0;
}
