/* execve(2): errors for what cannot be executed. */
#include "../probe.h"

int main(void)
{
	char *argv[] = {(char *)"x", NULL}, *envp[] = {NULL};
	int fd;

	say_result("missing", execve("none", argv, envp));
	close(open("plain", O_CREAT | O_WRONLY, 0644));
	say_result("no_permission", execve("plain", argv, envp));
	close(open("empty", O_CREAT | O_WRONLY, 0755));
	say_result("empty", execve("empty", argv, envp));
	fd = open("text", O_CREAT | O_WRONLY, 0755);
	write(fd, "hello\n", 6);
	close(fd);
	say_result("text", execve("text", argv, envp));
	mkdir("dir", 0755);
	say_result("directory", execve("dir", argv, envp));
	fd = open("script", O_CREAT | O_WRONLY, 0755);
	write(fd, "#!/none/such\n", 13);
	close(fd);
	say_result("no_interpreter", execve("script", argv, envp));
	fd = open("elf", O_CREAT | O_WRONLY, 0755);
	write(fd, "\177ELF\2\1\1", 7);
	close(fd);
	say_result("short_elf", execve("elf", argv, envp));
	say_result("fault", execve(bad_pointer(), argv, envp));
	say_result("argv_fault", execve("text", bad_pointer(), envp));
	return 0;
}
