/* capabilities(7): how user ids, exec and prctl change the sets. */
#include "../probe.h"

#include <linux/capability.h>
#include <sys/prctl.h>

static struct __user_cap_data_struct d[2];

static int get(void)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};

	return (int)syscall(SYS_capget, &h, d);
}

static int set(void)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};

	return (int)syscall(SYS_capset, &h, d);
}

static void show(const char *what)
{
	char key[64];

	get();
	snprintf(key, sizeof(key), "%s_effective_kill", what);
	say_bool(key, d[0].effective >> CAP_KILL & 1);
	snprintf(key, sizeof(key), "%s_permitted_kill", what);
	say_bool(key, d[0].permitted >> CAP_KILL & 1);
}

int main(void)
{
	struct __user_cap_header_struct h = {0x1234, 0};
	int status;

	say_result("bad_version", syscall(SYS_capget, &h, d));
	say_bool("version_told", h.version == _LINUX_CAPABILITY_VERSION_3);
	h.pid = 99999;
	say_result("no_process", syscall(SYS_capget, &h, d));
	show("root");
	if (fork() == 0) {
		setuid(1000);
		show("setuid");
		_exit(0);
	}
	wait(&status);
	if (fork() == 0) {
		prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
		setuid(1000);
		show("keepcaps");
		d[0].effective |= 1u << CAP_KILL;
		say_result("raise_again", set());
		show("raised");
		_exit(0);
	}
	wait(&status);
	if (fork() == 0) {
		seteuid(1000);
		show("seteuid");
		seteuid(0);
		show("back");
		_exit(0);
	}
	wait(&status);
	if (fork() == 0) {
		get();
		d[0].permitted &= ~(1u << CAP_KILL);
		d[0].effective &= ~(1u << CAP_KILL);
		say_result("drop", set());
		d[0].permitted |= 1u << CAP_KILL;
		say_result("regain", set());
		say("bounding", prctl(PR_CAPBSET_READ, CAP_KILL, 0, 0, 0));
		say_result("bounding_drop", prctl(PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0));
		say("bounding_after", prctl(PR_CAPBSET_READ, CAP_KILL, 0, 0, 0));
		say_result("bounding_bad", prctl(PR_CAPBSET_READ, 200, 0, 0, 0));
		_exit(0);
	}
	wait(&status);
	if (fork() == 0) {
		get();
		say_result("ambient_needs_inheritable", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
		d[0].inheritable |= 1u << CAP_KILL;
		say_result("inheritable", set());
		say_result("ambient", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
		say("ambient_set", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
		say_result("ambient_clear", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
		say("ambient_after", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
		say_result("ambient_bad", prctl(PR_CAP_AMBIENT, 9, 0, 0, 0));
		_exit(0);
	}
	wait(&status);
	return 0;
}
