/* select(2): sets are rewritten, limits, bad descriptors. */
#include "../probe.h"

#include <sys/select.h>

int main(void)
{
	fd_set r, w;
	struct timeval tv = {0, 0};
	int p[2];

	pipe(p);
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	say("ready", select(p[1] + 1, &r, &w, NULL, &tv));
	say("r", FD_ISSET(p[0], &r) != 0);
	say("w", FD_ISSET(p[1], &w) != 0);
	write(p[1], "x", 1);
	FD_SET(p[0], &r);
	say("ready2", select(p[1] + 1, &r, &w, NULL, &tv));
	FD_ZERO(&r);
	FD_SET(100, &r);
	say_result("bad_fd", select(101, &r, NULL, NULL, &tv));
	say_result("negative", select(-1, NULL, NULL, NULL, &tv));
	tv.tv_sec = -1;
	say_result("bad_time", select(0, NULL, NULL, NULL, &tv));
	return 0;
}
