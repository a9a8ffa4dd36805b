/* getdents64(2): types, a small buffer, a file, a removed directory. */
#include "../probe.h"

#include <dirent.h>

int main(void)
{
	char buf[1024];
	int fd;
	DIR *d;
	struct dirent *e;

	mkdir("d", 0755);
	mkdir("d/sub", 0755);
	close(open("d/file", O_CREAT | O_WRONLY, 0600));
	symlink("x", "d/link");
	mkfifo("d/fifo", 0600);
	static const char *const names[] = {"sub", "file", "link", "fifo"};
	int types[4] = {-1, -1, -1, -1};
	d = opendir("d");
	while ((e = readdir(d)) != NULL)
		for (int i = 0; i < 4; i++)
			if (strcmp(e->d_name, names[i]) == 0)
				types[i] = e->d_type;
	for (int i = 0; i < 4; i++)
		say(names[i], types[i]);
	fd = open("d", O_RDONLY);
	say_result("too_small", syscall(SYS_getdents64, fd, buf, 8));
	fd = open("d/file", O_RDONLY);
	say_result("not_directory", syscall(SYS_getdents64, fd, buf, sizeof(buf)));
	mkdir("gone", 0755);
	fd = open("gone", O_RDONLY);
	rmdir("gone");
	say_result("removed", syscall(SYS_getdents64, fd, buf, sizeof(buf)));
	return 0;
}
