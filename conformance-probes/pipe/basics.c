/* pipe2(2): ends, flags, end of file, EPIPE. */
#include "../probe.h"

int main(void)
{
	int p[2];
	char buf[8];

	signal(SIGPIPE, SIG_IGN);
	say_result("pipe2", pipe2(p, O_CLOEXEC | O_NONBLOCK));
	say("cloexec", fcntl(p[0], F_GETFD));
	say_result("empty", read(p[0], buf, 1));
	say_count("write", write(p[1], "abc", 3));
	say_count("read", read(p[0], buf, 8));
	say_result("wrong_end", read(p[1], buf, 1));
	say_result("wrong_end2", write(p[0], buf, 1));
	close(p[0]);
	say_result("broken", write(p[1], "x", 1));
	say_result("bad_flags", pipe2(p, 0x4000000));
	say_result("fault", syscall(SYS_pipe2, bad_pointer(), 0));
	pipe(p);
	close(p[1]);
	say_count("eof", read(p[0], buf, 1));
	return 0;
}
