/* open(2) with O_TMPFILE, given a name later by linkat. */
#include "../probe.h"

int main(void)
{
	char path[64];
	struct stat st;
	int fd = open(".", O_TMPFILE | O_RDWR, 0640);

	say_result("open", fd);
	say_count("write", write(fd, "data", 4));
	fstat(fd, &st);
	say("nlink", st.st_nlink);
	say("mode", st.st_mode);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	say_result("linkat", linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	fstat(fd, &st);
	say("nlink_after", st.st_nlink);
	say_result("stat", stat("named", &st));
	say("size", st.st_size);
	say_result("read_only", open(".", O_TMPFILE | O_RDONLY, 0600));
	return 0;
}
