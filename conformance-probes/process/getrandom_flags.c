/* getrandom(2). */
#include "../probe.h"

int main(void)
{
	char buf[64] = {0};
	int zeros = 0;

	say_count("read", syscall(SYS_getrandom, buf, 64, 0));
	for (int i = 0; i < 64; i++)
		zeros += buf[i] == 0;
	say_bool("random", zeros < 20);
	say_count("nonblock", syscall(SYS_getrandom, buf, 16, 1));
	say_result("bad", syscall(SYS_getrandom, buf, 16, 0x100));
	say_result("fault", syscall(SYS_getrandom, bad_pointer(), 16, 0));
	say_count("zero", syscall(SYS_getrandom, buf, 0, 0));
	return 0;
}
