/* Unknown system calls answer ENOSYS. */
#include "../probe.h"

int main(void)
{
	say_result("9999", syscall(9999));
	say_result("negative", syscall(-1));
	say_result("gap", syscall(300));
	return 0;
}
