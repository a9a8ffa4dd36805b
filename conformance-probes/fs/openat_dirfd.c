/* openat(2): relative to a directory, with bad descriptors. */
#include "../probe.h"

int main(void)
{
	int dir, file;

	mkdir("d", 0755);
	dir = open("d", O_RDONLY | O_DIRECTORY);
	say_result("create", openat(dir, "f", O_CREAT | O_WRONLY, 0644));
	say_result("through_path", open("d/f", O_RDONLY));
	say_result("bad_fd", openat(99, "f", O_RDONLY));
	say_result("absolute_bad_fd", openat(99, "/proc/self/stat", O_RDONLY));
	file = open("d/f", O_RDONLY);
	say_result("not_directory", openat(file, "x", O_RDONLY));
	rmdir("d");
	unlink("d/f");
	say_result("rmdir", rmdir("d"));
	say_result("deleted_directory", openat(dir, "g", O_CREAT | O_WRONLY, 0644));
	return 0;
}
