/* readlink(2) of /proc/self links. */
#include "../probe.h"

int main(void)
{
	char buf[PATH_MAX], cwd[PATH_MAX];
	ssize_t n;
	int p[2];
	char link[64];

	getcwd(cwd, sizeof(cwd));
	n = readlink("/proc/self/cwd", buf, sizeof(buf) - 1);
	buf[n > 0 ? n : 0] = 0;
	say_bool("cwd", strcmp(buf, cwd) == 0);
	n = readlink("/proc/self/root", buf, sizeof(buf) - 1);
	buf[n > 0 ? n : 0] = 0;
	say_text("root", buf);
	pipe(p);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", p[0]);
	n = readlink(link, buf, sizeof(buf) - 1);
	buf[n > 0 ? n : 0] = 0;
	say_bool("pipe", strncmp(buf, "pipe:[", 6) == 0);
	int fd = open("f", O_CREAT | O_RDWR, 0600);
	unlink("f");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, buf, sizeof(buf) - 1);
	buf[n > 0 ? n : 0] = 0;
	say_bool("deleted", n > 10 && strcmp(buf + n - 10, " (deleted)") == 0);
	write(fd, "abc", 3);
	int again = open(link, O_RDONLY);
	say_result("reopen", again);
	say_count("read", read(again, buf, 10));
	return 0;
}
