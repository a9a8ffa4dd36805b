/* getcwd(2), chdir(2), fchdir(2). */
#include "../probe.h"

int main(void)
{
	char buf[PATH_MAX], start[PATH_MAX];
	int fd;

	getcwd(start, sizeof(start));
	mkdir("d", 0755);
	mkdir("d/e", 0755);
	say_result("chdir", chdir("d/e"));
	getcwd(buf, sizeof(buf));
	say_text("tail", buf + strlen(start));
	say_result("dotdot", chdir(".."));
	getcwd(buf, sizeof(buf));
	say_text("tail2", buf + strlen(start));
	fd = open("e", O_RDONLY);
	say_result("fchdir", fchdir(fd));
	rmdir("../e");
	say_result("deleted", syscall(SYS_getcwd, buf, sizeof(buf)));
	say_result("back", chdir(start));
	say_result("range", syscall(SYS_getcwd, buf, 2));
	close(open("f", O_CREAT | O_WRONLY, 0600));
	say_result("file", chdir("f"));
	say_result("missing", chdir("none"));
	return 0;
}
