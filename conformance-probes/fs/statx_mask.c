/* statx(2): the mask, empty paths, and bad flags. */
#include "../probe.h"

#include <sys/sysmacros.h>

int main(void)
{
	struct statx x;
	int fd = open("f", O_CREAT | O_WRONLY, 0600);

	memset(&x, 0, sizeof(x));
	say_result("statx", statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &x));
	say("basic", (x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
	say("mode", x.stx_mode);
	say_result("empty", statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &x));
	say_result("empty_without_flag", statx(fd, "", 0, STATX_SIZE, &x));
	say_result("bad_flags", statx(AT_FDCWD, "f", 0x40000000, STATX_SIZE, &x));
	say_result("bad_mask", statx(AT_FDCWD, "f", 0, STATX__RESERVED, &x));
	say_result("fault", statx(AT_FDCWD, bad_pointer(), 0, STATX_SIZE, &x));
	return 0;
}
