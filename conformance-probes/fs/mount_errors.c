/* mount(2), umount2(2): errors for wrong arguments, and a tmpfs. */
#include "../probe.h"

#include <sys/mount.h>

int main(void)
{
	struct stat st;

	mkdir("m", 0755);
	say_result("mount", mount("none", "m", "tmpfs", 0, "size=1m,mode=700"));
	stat("m", &st);
	say("mode", st.st_mode & 07777);
	say_result("inside", open("m/f", O_CREAT | O_WRONLY, 0600));
	say_result("rmdir_busy", rmdir("m"));
	say_result("umount", umount2("m", MNT_DETACH));
	say_result("gone", stat("m/f", &st));
	say_result("unknown_type", mount("none", "m", "nosuchfs", 0, NULL));
	say_result("missing_target", mount("none", "none", "tmpfs", 0, NULL));
	say_result("not_mounted", umount2("m", 0));
	return 0;
}
