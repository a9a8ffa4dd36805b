/* fallocate(2): allocating, keeping the size, punching holes. */
#include "../probe.h"

#include <linux/falloc.h>

int main(void)
{
	char buf[4];
	struct stat st;
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	say_result("allocate", fallocate(fd, 0, 0, 8192));
	fstat(fd, &st);
	say("size", st.st_size);
	say_result("keep", fallocate(fd, FALLOC_FL_KEEP_SIZE, 8192, 8192));
	fstat(fd, &st);
	say("kept", st.st_size);
	pwrite(fd, "data", 4, 4096);
	say_result("punch", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096));
	say_count("pread", pread(fd, buf, 4, 4096));
	say("zero", buf[0] == 0);
	say_result("zero_length", fallocate(fd, 0, 0, 0));
	say_result("negative", fallocate(fd, 0, -1, 10));
	return 0;
}
