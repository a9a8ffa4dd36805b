/* process_vm_readv(2) and writev of a child. */
#include "../probe.h"

#include <sys/uio.h>

static char area[16] = "before";

int main(void)
{
	char buf[16] = {0};
	struct iovec local = {buf, 6}, remote = {area, 6};
	int p[2], status;
	pid_t child;

	pipe(p);
	child = fork();
	if (child == 0) {
		char c;

		strcpy(area, "child!");
		write(p[1], "x", 1);
		while (area[0] != 'W')
			usleep(1000);
		(void)c;
		_exit(4);
	}
	read(p[0], buf, 1);
	say_count("read", process_vm_readv(child, &local, 1, &remote, 1, 0));
	say_text("content", buf);
	memcpy(buf, "Write!", 6);
	say_count("write", process_vm_writev(child, &local, 1, &remote, 1, 0));
	waitpid(child, &status, 0);
	say_status("child", status);
	say_result("missing", process_vm_readv(99999, &local, 1, &remote, 1, 0));
	remote.iov_base = bad_pointer();
	say_result("fault", process_vm_readv(getpid(), &local, 1, &remote, 1, 0));
	return 0;
}
