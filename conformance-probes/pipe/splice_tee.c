/* splice(2), tee(2), vmsplice(2) between pipes. */
#include "../probe.h"

#include <sys/uio.h>

int main(void)
{
	int a[2], b[2];
	char buf[8] = {0};
	struct iovec v = {(char *)"vm", 2};

	pipe(a);
	pipe(b);
	write(a[1], "hello", 5);
	say_count("tee", tee(a[0], b[1], 3, 0));
	say_count("read_b", read(b[0], buf, 7));
	say_text("b", buf);
	say_count("splice", splice(a[0], NULL, b[1], NULL, 5, 0));
	memset(buf, 0, sizeof(buf));
	read(b[0], buf, 7);
	say_text("b2", buf);
	say_count("vmsplice", vmsplice(a[1], &v, 1, 0));
	say_result("nonblock", splice(b[0], NULL, a[1], NULL, 5, SPLICE_F_NONBLOCK));
	say_result("same", tee(a[0], a[1], 1, 0));
	return 0;
}
