/* brk(2): growing, shrinking, zeroed again. */
#include "../probe.h"

int main(void)
{
	char *start = (char *)syscall(SYS_brk, 0), *end;

	end = (char *)syscall(SYS_brk, start + 3 * 4096);
	say_bool("grown", end == start + 3 * 4096);
	start[4096] = 5;
	end = (char *)syscall(SYS_brk, start);
	say_bool("shrunk", end == start);
	syscall(SYS_brk, start + 2 * 4096);
	say("zero", start[4096]);
	say_bool("too_much", (char *)syscall(SYS_brk, (char *)1) == start + 2 * 4096);
	return 0;
}
