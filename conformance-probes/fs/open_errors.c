/* open(2): the errors for missing, existing and wrong kinds of files. */
#include "../probe.h"

int main(void)
{
	say_result("missing", open("nothing", O_RDONLY));
	say_result("create", open("file", O_CREAT | O_EXCL | O_WRONLY, 0644));
	say_result("exclusive", open("file", O_CREAT | O_EXCL | O_WRONLY, 0644));
	say_result("file_as_directory", open("file", O_RDONLY | O_DIRECTORY));
	say_result("below_file", open("file/below", O_RDONLY));
	say_result("mkdir", mkdir("dir", 0755));
	say_result("write_directory", open("dir", O_WRONLY));
	say_result("symlink_loop", symlink("loop", "loop"));
	say_result("open_loop", open("loop", O_RDONLY));
	say_result("nofollow", open("loop", O_RDONLY | O_NOFOLLOW));
	say_result("empty", open("", O_RDONLY));
	return 0;
}
