/* unlink(2) of an open file: its content lives until the last close. */
#include "../probe.h"

int main(void)
{
	char buf[8] = {0};
	struct stat st;
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	say_count("write", write(fd, "alive", 5));
	say_result("unlink", unlink("f"));
	say_result("stat", stat("f", &st));
	fstat(fd, &st);
	say("nlink", st.st_nlink);
	say_count("pread", pread(fd, buf, 5, 0));
	say_text("content", buf);
	say_result("new", open("f", O_CREAT | O_EXCL | O_WRONLY, 0600));
	say_result("missing", unlink("none"));
	say_result("unlinkat_dir", unlinkat(AT_FDCWD, ".", AT_REMOVEDIR));
	say_result("bad_flags", unlinkat(AT_FDCWD, "f", 0x4000));
	return 0;
}
