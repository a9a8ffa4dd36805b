/* getrlimit(2), setrlimit(2), prlimit(2). */
#include "../probe.h"

#include <sys/resource.h>

int main(void)
{
	struct rlimit r = {100, 200};
	int fd;

	say_result("set", setrlimit(RLIMIT_NOFILE, &r));
	getrlimit(RLIMIT_NOFILE, &r);
	say("cur", r.rlim_cur);
	say("max", r.rlim_max);
	fd = open("/dev/null", O_RDONLY);
	say_result("dup_high", dup2(fd, 100));
	say_count("dup_last", dup2(fd, 99));
	r.rlim_cur = 300;
	say_result("above", setrlimit(RLIMIT_NOFILE, &r));
	say_result("bad", getrlimit(99, &r));
	say_result("missing", prlimit(99999, RLIMIT_NOFILE, NULL, &r));
	r = (struct rlimit){4096, 4096};
	setrlimit(RLIMIT_FSIZE, &r);
	signal(SIGXFSZ, SIG_IGN);
	fd = open("f", O_CREAT | O_WRONLY, 0600);
	say_count("at_limit", pwrite(fd, "ab", 2, 4095));
	say_count("past_limit", pwrite(fd, "a", 1, 4096));
	return 0;
}
