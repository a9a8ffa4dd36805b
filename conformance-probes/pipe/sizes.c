/* Pipes: packets, gathered writes, FIONREAD, readv, capacity's limits, reopening through /proc. */
#include "../probe.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

int main(void)
{
	static char big[8192];
	struct iovec v[3] = {{(void *)"abc", 3}, {(void *)"", 0}, {(void *)"defg", 4}};
	char a[4], b[16], path[64];
	struct iovec r[2] = {{a, 3}, {b, sizeof(b)}};
	int p[2], n, fd;
	struct stat s1, s2;

	pipe2(p, O_NONBLOCK | O_DIRECT);
	say("packet_write", write(p[1], big, 6000));
	say("packet_first", read(p[0], big, sizeof(big)));
	say("packet_rest", read(p[0], big, sizeof(big)));
	say_result("packet_none", read(p[0], big, 1));
	writev(p[1], v, 3);
	write(p[1], "second", 6);
	ioctl(p[0], FIONREAD, &n);
	say("fionread", n);
	say("readv", readv(p[0], r, 2));
	say("short", read(p[0], b, 2));
	say_result("dropped", read(p[0], b, 2));
	close(p[0]);
	close(p[1]);

	pipe2(p, O_NONBLOCK);
	say("writev", writev(p[1], v, 3));
	say("readv2", readv(p[0], r, 2));
	say_result("zero_write", write(p[1], "", 0));
	say_result("zero_read", read(p[0], b, 0));
	say_result("seek", lseek(p[0], 0, SEEK_CUR));
	say_result("pread", pread(p[0], b, 1, 0));
	say_result("read_write_end", read(p[1], b, 1));
	say_result("write_read_end", write(p[0], b, 1));
	say_result("bad_buffer", write(p[1], bad_pointer(), 10));
	say("set_zero_size", fcntl(p[1], F_SETPIPE_SZ, 1));
	say("set_5000", fcntl(p[1], F_SETPIPE_SZ, 5000));
	say_result("set_huge", fcntl(p[1], F_SETPIPE_SZ, 1u << 31));
	say_result("not_a_pipe", fcntl(open("/dev/null", O_RDONLY), F_GETPIPE_SZ));
	fstat(p[0], &s1);
	fstat(p[1], &s2);
	say_bool("same_inode", s1.st_ino == s2.st_ino && S_ISFIFO(s1.st_mode));
	say("mode", s1.st_mode & 07777);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
	fd = open(path, O_WRONLY | O_NONBLOCK);
	say_bool("reopen", fd >= 0);
	say("through", write(fd, "x", 1));
	close(p[1]);
	say("still_open", read(p[0], b, 10));
	say_result("one_writer_left", read(p[0], b, 10));
	close(fd);
	say("eof", read(p[0], b, 10));
	say_result("bad_flags", pipe2(p, O_APPEND));
	say_result("bad_pointer", syscall(59, bad_pointer(), 0));
	return 0;
}
