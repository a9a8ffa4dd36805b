/* execve(2) of a script: the interpreter's arguments. */
#include "../probe.h"

int main(void)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *argv[] = {(char *)"zero", (char *)"arg", NULL}, *envp[] = {NULL};
	char line[PATH_MAX + 64];
	int fd;

	if (getenv("PATH") == NULL) {
		char buf[4096];

		fd = open("/proc/self/cmdline", O_RDONLY);
		n = read(fd, buf, sizeof(buf));
		int i = 0;
		for (char *p = buf; p < buf + n; p += strlen(p) + 1, i++)
			if (i > 0)
				printf("arg%d=%s\n", i, p);
		return 0;
	}
	self[n] = 0;
	n = snprintf(line, sizeof(line), "#! %s  two words \nbody\n", self);
	fd = open("script", O_CREAT | O_WRONLY, 0755);
	write(fd, line, n);
	close(fd);
	execve("./script", argv, envp);
	say_result("exec", -1);
	return 0;
}
