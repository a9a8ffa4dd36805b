/* capget(2): root has them, setuid drops them, prctl keeps them. */
#include "../probe.h"

#include <linux/capability.h>
#include <sys/prctl.h>

static int capget_(struct __user_cap_data_struct *data)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};

	return syscall(SYS_capget, &h, data);
}

int main(void)
{
	struct __user_cap_header_struct h = {0x12345678, 0};
	struct __user_cap_data_struct d[2];
	int status;

	say_result("capget", capget_(d));
	say_bool("chown", d[0].effective & 1);
	say_result("bad_version", syscall(SYS_capget, &h, d));
	printf("version=%x\n", h.version);
	if (fork() == 0) {
		setuid(1000);
		capget_(d);
		say("effective", d[0].effective);
		say("permitted", d[0].permitted);
		_exit(0);
	}
	wait(&status);
	if (fork() == 0) {
		prctl(PR_SET_KEEPCAPS, 1);
		setuid(1000);
		capget_(d);
		say("kept_effective", d[0].effective);
		say_bool("kept_permitted", d[0].permitted != 0);
		_exit(0);
	}
	wait(&status);
	return 0;
}
