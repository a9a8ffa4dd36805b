/* fcntl(2): open file description locks. */
#include "../probe.h"

int main(void)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};
	int a = open("f", O_CREAT | O_RDWR, 0600), b = open("f", O_RDWR);

	say_result("a", fcntl(a, F_OFD_SETLK, &l));
	say_result("b", fcntl(b, F_OFD_SETLK, &l));
	say_result("posix", fcntl(b, F_SETLK, &l));
	l.l_pid = 5;
	say_result("pid", fcntl(b, F_OFD_SETLK, &l));
	close(a);
	l.l_pid = 0;
	say_result("after_close", fcntl(b, F_OFD_SETLK, &l));
	return 0;
}
