/* mkdir(2) and rmdir(2): modes and errors. */
#include "../probe.h"

int main(void)
{
	struct stat st;

	umask(022);
	say_result("mkdir", mkdir("d", 0777));
	stat("d", &st);
	say("mode", st.st_mode & 07777);
	say_result("again", mkdir("d", 0777));
	say_result("slash", mkdir("e/", 0777));
	say_result("missing_parent", mkdir("x/y", 0777));
	say_result("dot", rmdir("d/."));
	say_result("dotdot", rmdir("d/.."));
	close(open("d/f", O_CREAT | O_WRONLY, 0600));
	say_result("not_empty", rmdir("d"));
	say_result("file", rmdir("d/f"));
	say_result("unlink_dir", unlink("d"));
	unlink("d/f");
	say_result("rmdir", rmdir("d"));
	say_result("missing", rmdir("d"));
	mkdir("g", 02755);
	mkdir("g/h", 0755);
	stat("g", &st);
	say("setgid", st.st_mode & 07777);
	chmod("g", 02755);
	mkdir("g/i", 0755);
	stat("g/i", &st);
	say("inherited", st.st_mode & 07777);
	return 0;
}
