/* open(2) with O_PATH: what such a descriptor permits. */
#include "../probe.h"

int main(void)
{
	struct stat st;
	char c;
	int fd;

	close(open("f", O_CREAT | O_WRONLY, 0644));
	fd = open("f", O_PATH);
	say_result("open", fd);
	say_count("read", read(fd, &c, 1));
	say_count("write", write(fd, "x", 1));
	say_result("fstat", fstat(fd, &st));
	say_result("fchmod", fchmod(fd, 0600));
	say_result("dup", dup(fd));
	say("getfl", fcntl(fd, F_GETFL) & O_PATH ? 1 : 0);
	symlink("f", "l");
	fd = open("l", O_PATH | O_NOFOLLOW);
	say_result("link", fd);
	fstat(fd, &st);
	say_bool("is_link", S_ISLNK(st.st_mode));
	return 0;
}
