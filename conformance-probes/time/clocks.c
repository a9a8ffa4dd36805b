/* clock_gettime(2), clock_getres(2): which clocks there are. */
#include "../probe.h"

static const int ids[] = {0, 1, 2, 3, 4, 5, 6, 7, 11};

int main(void)
{
	struct timespec ts;
	char key[32];

	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		snprintf(key, sizeof(key), "clock%d", ids[i]);
		say_result(key, syscall(SYS_clock_gettime, ids[i], &ts));
	}
	say_result("bad", syscall(SYS_clock_gettime, 77, &ts));
	say_result("fault", syscall(SYS_clock_gettime, 0, bad_pointer()));
	say_result("res", clock_getres(CLOCK_MONOTONIC, &ts));
	say("res_ns", ts.tv_nsec);
	struct timespec a, b;
	clock_gettime(CLOCK_MONOTONIC, &a);
	clock_gettime(CLOCK_MONOTONIC, &b);
	say_bool("forward", b.tv_sec > a.tv_sec || b.tv_nsec >= a.tv_nsec);
	ts.tv_nsec = 2000000000;
	say_result("settime_invalid", clock_settime(CLOCK_REALTIME, &ts));
	say_result("settime_monotonic", (ts.tv_nsec = 0, clock_settime(CLOCK_MONOTONIC, &ts)));
	return 0;
}
