/* memfd_create(2) and its seals. */
#include "../probe.h"

int main(void)
{
	char c;
	int fd = memfd_create("name", MFD_ALLOW_SEALING | MFD_CLOEXEC);

	say_result("create", fd);
	say("cloexec", fcntl(fd, F_GETFD));
	say_count("write", write(fd, "abc", 3));
	say_count("seals", fcntl(fd, F_GET_SEALS));
	say_result("shrink", fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	say_result("truncate", ftruncate(fd, 1));
	say_result("grow", ftruncate(fd, 10));
	say_result("seal_write", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW));
	say_count("write2", write(fd, "x", 1));
	say_count("read", pread(fd, &c, 1, 0));
	say_result("seal_seal", fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	say_result("no_more", fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	fd = memfd_create("plain", 0);
	say_count("plain_seals", fcntl(fd, F_GET_SEALS));
	say_result("plain_add", fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	say_result("bad_flags", memfd_create("x", 0x100));
	return 0;
}
