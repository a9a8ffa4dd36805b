/* rename(2): replacing files and directories. */
#include "../probe.h"

int main(void)
{
	struct stat st;

	close(open("a", O_CREAT | O_WRONLY, 0600));
	close(open("b", O_CREAT | O_WRONLY, 0600));
	mkdir("d", 0755);
	mkdir("e", 0755);
	mkdir("full", 0755);
	close(open("full/x", O_CREAT | O_WRONLY, 0600));
	say_result("file_over_file", rename("a", "b"));
	say_result("gone", stat("a", &st));
	say_result("file_over_dir", rename("b", "d"));
	say_result("dir_over_file", rename("d", "b"));
	say_result("dir_over_empty", rename("d", "e"));
	say_result("dir_over_full", rename("e", "full"));
	say_result("into_itself", rename("full", "full/sub"));
	say_result("missing", rename("nothing", "c"));
	say_result("same", rename("b", "b"));
	link("b", "b2");
	say_result("hard_links", rename("b", "b2"));
	say_result("both_stay", stat("b", &st));
	say_result("dot", rename("full/.", "z"));
	say_result("file_slash", rename("b", "c/"));
	return 0;
}
