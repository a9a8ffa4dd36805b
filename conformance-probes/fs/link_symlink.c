/* link(2), symlink(2), readlink(2). */
#include "../probe.h"

int main(void)
{
	char buf[64];
	struct stat st;
	ssize_t n;

	close(open("f", O_CREAT | O_WRONLY, 0600));
	mkdir("d", 0755);
	say_result("link", link("f", "g"));
	say_result("again", link("f", "g"));
	say_result("directory", link("d", "e"));
	say_result("symlink", symlink("some/target", "s"));
	n = readlink("s", buf, sizeof(buf));
	say("length", n);
	printf("target=%.*s\n", (int)n, buf);
	say_count("short", readlink("s", buf, 4));
	say_result("zero", readlink("s", buf, 0));
	say_result("not_link", readlink("f", buf, sizeof(buf)));
	say_result("link_to_symlink", link("s", "s2"));
	lstat("s2", &st);
	say_bool("symlink_kept", S_ISLNK(st.st_mode));
	say_result("follow_dangling", linkat(AT_FDCWD, "s", AT_FDCWD, "s3", AT_SYMLINK_FOLLOW));
	say_result("empty_target", symlink("", "x"));
	say_result("exists", symlink("y", "f"));
	return 0;
}
