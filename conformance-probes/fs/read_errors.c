/* read(2), write(2): bad descriptors, directories, bad memory, zero lengths. */
#include "../probe.h"

int main(void)
{
	char c;
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	say_count("bad_fd", read(77, &c, 1));
	say_count("directory", read(open(".", O_RDONLY), &c, 1));
	say_count("write_only", read(open("f", O_WRONLY), &c, 1));
	say_count("read_only", write(open("f", O_RDONLY), &c, 1));
	say_count("zero", read(fd, NULL, 0));
	write(fd, "x", 1);
	lseek(fd, 0, SEEK_SET);
	say_count("fault", read(fd, bad_pointer(), 1));
	say_count("write_fault", write(fd, bad_pointer(), 1));
	say_count("end", (lseek(fd, 1, SEEK_SET), read(fd, &c, 1)));
	return 0;
}
