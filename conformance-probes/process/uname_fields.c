/* uname(2). */
#include "../probe.h"

#include <sys/utsname.h>

int main(void)
{
	struct utsname u;

	say_result("uname", uname(&u));
	say_text("sysname", u.sysname);
	say_text("machine", u.machine);
	say_text("nodename", u.nodename);
	say_result("sethostname", sethostname("other", 5));
	uname(&u);
	say_text("nodename2", u.nodename);
	sethostname("probe", 5);
	say_result("too_long", sethostname("x", 65));
	say_result("fault", syscall(SYS_uname, bad_pointer()));
	return 0;
}
