/* clone(2): combinations that are refused. */
#include "../probe.h"

int main(void)
{
	say_result("sighand_without_vm", syscall(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0));
	say_result("thread_without_sighand", syscall(SYS_clone, CLONE_THREAD | CLONE_VM, 0, 0, 0, 0));
	say_result("fs_newns", syscall(SYS_clone, CLONE_FS | CLONE_NEWNS, 0, 0, 0, 0));
	say_result("clone3_small", syscall(SYS_clone3, bad_pointer(), 8));
	say_result("clone3_fault", syscall(SYS_clone3, bad_pointer(), 64));
	say_result("clone3_huge", syscall(SYS_clone3, bad_pointer(), 8192));
	return 0;
}
