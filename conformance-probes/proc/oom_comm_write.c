/* Writing to /proc/self/comm and oom_score_adj. */
#include "../probe.h"

int main(void)
{
	char buf[32] = {0};
	int fd = open("/proc/self/comm", O_RDWR);

	say_count("write", write(fd, "renamed", 7));
	lseek(fd, 0, SEEK_SET);
	say_count("read", read(fd, buf, 31));
	printf("comm=%s", buf);
	fd = open("/proc/self/oom_score_adj", O_RDWR);
	say_count("oom", write(fd, "100\n", 4));
	say_result("oom_bad", write(fd, "5000\n", 5));
	memset(buf, 0, sizeof(buf));
	lseek(fd, 0, SEEK_SET);
	read(fd, buf, 31);
	printf("oom_adj=%s", buf);
	return 0;
}
