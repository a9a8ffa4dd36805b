/* setresuid(2) and kin: what root and others may do. */
#include "../probe.h"

int main(void)
{
	uid_t r, e, s;
	int status;

	if (fork() == 0) {
		say_result("setresuid", setresuid(1000, 1001, 1002));
		getresuid(&r, &e, &s);
		say("r", r);
		say("e", e);
		say("s", s);
		say_result("swap", setresuid(1002, 1000, -1));
		say_result("root", setuid(0));
		say_result("own", setuid(1001) == 0 || setuid(1002) == 0 ? 0 : -1);
		_exit(0);
	}
	wait(&status);
	if (fork() == 0) {
		say_result("setuid", setuid(1000));
		getresuid(&r, &e, &s);
		say("all", r == 1000 && e == 1000 && s == 1000);
		say_result("back", setuid(0));
		say_result("setgroups", syscall(SYS_setgroups, 0, NULL));
		_exit(0);
	}
	wait(&status);
	mkdir("/tmp/setuid_rules", 0755);
	if (fork() == 0) {
		say_result("seteuid", seteuid(1000));
		say_result("create_denied", open("/tmp/setuid_rules/file", O_CREAT | O_WRONLY, 0600));
		say_result("back", seteuid(0));
		_exit(0);
	}
	wait(&status);
	return 0;
}
