/* mknod(2): files, fifos, sockets and devices. */
#include "../probe.h"

#include <sys/sysmacros.h>

int main(void)
{
	struct stat st;

	say_result("regular", mknod("r", S_IFREG | 0600, 0));
	say_result("fifo", mknod("f", S_IFIFO | 0600, 0));
	say_result("socket", mknod("s", S_IFSOCK | 0600, 0));
	say_result("null", mknod("n", S_IFCHR | 0666, makedev(1, 3)));
	stat("n", &st);
	say_bool("char", S_ISCHR(st.st_mode));
	say("major", major(st.st_rdev));
	say("minor", minor(st.st_rdev));
	say_result("directory", mknod("d", S_IFDIR | 0700, 0));
	say_result("exists", mknod("r", S_IFREG, 0));
	say_result("open_socket", open("s", O_RDONLY));
	return 0;
}
