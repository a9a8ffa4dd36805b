/* readv(2), writev(2), preadv2(2). */
#include "../probe.h"

#include <sys/uio.h>

int main(void)
{
	char a[3] = {0}, b[8] = {0};
	struct iovec w[2] = {{(char *)"abc", 3}, {(char *)"defg", 4}}, r[2] = {{a, 2}, {b, 7}};
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	say_count("writev", writev(fd, w, 2));
	lseek(fd, 0, SEEK_SET);
	say_count("readv", readv(fd, r, 2));
	say_text("a", a);
	say_text("b", b);
	say_count("none", readv(fd, r, 0));
	say_count("too_many", readv(fd, r, 1025));
	say_count("negative", readv(fd, r, -1));
	r[0].iov_len = (size_t)-1;
	say_count("huge", readv(fd, r, 1));
	r[0].iov_len = 2;
	say_count("preadv2", preadv2(fd, r, 2, 1, 0));
	say_count("preadv2_flag", preadv2(fd, r, 2, 1, 0x4000));
	return 0;
}
