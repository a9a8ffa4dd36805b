/* stat(2) and lstat(2) of a file, a directory, links and a fifo. */
#include "../probe.h"

int main(void)
{
	struct stat st;

	close(open("f", O_CREAT | O_WRONLY, 0640));
	truncate("f", 5000);
	stat("f", &st);
	say("mode", st.st_mode);
	say("size", st.st_size);
	say("nlink", st.st_nlink);
	say("uid", st.st_uid);
	link("f", "g");
	stat("g", &st);
	say("nlink2", st.st_nlink);
	mkdir("d", 0750);
	stat("d", &st);
	say("dir_mode", st.st_mode);
	symlink("target", "l");
	lstat("l", &st);
	say("link_mode", st.st_mode);
	say("link_size", st.st_size);
	say_result("dangling", stat("l", &st));
	mkfifo("p", 0600);
	stat("p", &st);
	say("fifo_mode", st.st_mode);
	say_result("missing", stat("x", &st));
	say_result("file_slash", stat("f/", &st));
	say_result("dir_slash", stat("d/", &st));
	return 0;
}
