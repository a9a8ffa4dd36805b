/* personality(2). */
#include "../probe.h"

int main(void)
{
	say("get", syscall(SYS_personality, 0xffffffff));
	say("set", syscall(SYS_personality, 0x0040000));
	say("now", syscall(SYS_personality, 0xffffffff));
	return 0;
}
