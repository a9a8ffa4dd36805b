/* access(2) and faccessat2(2) as root. */
#include "../probe.h"

int main(void)
{
	close(open("f", O_CREAT | O_WRONLY, 0000));
	say_result("r", access("f", R_OK));
	say_result("x_without_bit", access("f", X_OK));
	chmod("f", 0100);
	say_result("x", access("f", X_OK));
	say_result("missing", access("none", F_OK));
	say_result("bad_mode", access("f", 0x100));
	say_result("eaccess", syscall(SYS_faccessat2, AT_FDCWD, "f", X_OK, AT_EACCESS));
	say_result("bad_flags", syscall(SYS_faccessat2, AT_FDCWD, "f", X_OK, 0x8000));
	return 0;
}
