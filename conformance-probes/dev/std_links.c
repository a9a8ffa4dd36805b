/* /dev/fd, /dev/stdin: links into /proc. */
#include "../probe.h"

int main(void)
{
	char buf[64] = {0};
	int p[2];

	readlink("/dev/fd", buf, 63);
	say_text("fd", buf);
	memset(buf, 0, sizeof(buf));
	readlink("/dev/stdin", buf, 63);
	say_text("stdin", buf);
	pipe(p);
	write(p[1], "through", 7);
	snprintf(buf, sizeof(buf), "/dev/fd/%d", p[0]);
	memset(buf + 32, 0, 32);
	say_count("read", read(open(buf, O_RDONLY), buf + 32, 20));
	say_text("content", buf + 32);
	return 0;
}
