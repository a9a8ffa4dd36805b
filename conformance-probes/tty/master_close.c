/* After the master is closed the slave reads end of file and writes EIO. */
#include "../probe.h"

int main(void)
{
	char name[64], c;
	int m = posix_openpt(O_RDWR | O_NOCTTY), s;
	struct pollfd p;

	unlockpt(m);
	ptsname_r(m, name, sizeof(name));
	s = open(name, O_RDWR | O_NOCTTY);
	close(m);
	say_count("read", read(s, &c, 1));
	say_count("write", write(s, "x", 1));
	p = (struct pollfd){s, POLLIN | POLLOUT, 0};
	say("poll", poll(&p, 1, 0));
	say_bool("hup", p.revents & POLLHUP);
	m = posix_openpt(O_RDWR | O_NOCTTY);
	unlockpt(m);
	ptsname_r(m, name, sizeof(name));
	s = open(name, O_RDWR | O_NOCTTY);
	write(s, "last", 4);
	close(s);
	char buf[8];
	say_count("drained", read(m, buf, 8));
	say_result("slave_gone", read(m, buf, 8));
	return 0;
}
