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
	d = opendir("d");
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, "sub") == 0)
			say("sub", e->d_type);
		if (strcmp(e->d_name, "file") == 0)
			say("file", e->d_type);
		if (strcmp(e->d_name, "link") == 0)
			say("link", e->d_type);
		if (strcmp(e->d_name, "fifo") == 0)
			say("fifo", e->d_type);
	}
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
