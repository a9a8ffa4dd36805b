/* ETXTBSY: running programs are not written, files open for writing are not run. */
#include "../probe.h"

static void copy_self(const char *to)
{
	char buf[65536];
	int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		write(out, buf, (size_t)n);
	close(in);
	close(out);
}

int main(int argc, char **argv)
{
	char *args[] = {"/tmp/busy", "run", NULL};
	int fd, status, go[2];
	char c;
	pid_t pid;

	(void)argv;
	if (argc > 1) {
		read(0, &c, 1);
		return 0;
	}
	copy_self("/tmp/busy");
	fd = open("/tmp/busy", O_WRONLY);
	if (fork() == 0) {
		execv("/tmp/busy", args);
		say_result("exec_while_written", -1);
		_exit(0);
	}
	wait(&status);
	close(fd);
	pipe(go);
	pid = fork();
	if (pid == 0) {
		dup2(go[0], 0);
		close(go[1]);
		execv("/tmp/busy", args);
		_exit(1);
	}
	usleep(300000);
	say_result("write_while_run", open("/tmp/busy", O_WRONLY));
	say_result("truncate_while_run", truncate("/tmp/busy", 0));
	say_result("read_while_run", open("/tmp/busy", O_RDONLY));
	say_result("unlink_while_run", unlink("/tmp/busy"));
	close(go[1]);
	waitpid(pid, &status, 0);
	say_status("program", status);
	return 0;
}
