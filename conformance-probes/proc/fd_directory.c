/* /proc/self/fd and fdinfo. */
#include "../probe.h"

#include <dirent.h>

int main(void)
{
	char buf[512], path[64];
	int fd = open("f", O_CREAT | O_RDWR | O_APPEND, 0600), count = 0;
	ssize_t n;
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;

	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && strtol(e->d_name, NULL, 10) == fd)
			count++;
	say("listed", count);
	write(fd, "12345", 5);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	n = read(open(path, O_RDONLY), buf, sizeof(buf) - 1);
	buf[n > 0 ? n : 0] = 0;
	say_bool("pos", strstr(buf, "pos:\t5\n") != NULL);
	say_bool("flags", strstr(buf, "flags:\t02") != NULL);
	say_result("missing", open("/proc/self/fd/99", O_RDONLY));
	say_result("other", open("/proc/99999/stat", O_RDONLY));
	say_result("create", open("/proc/self/new", O_CREAT | O_WRONLY, 0600));
	return 0;
}
