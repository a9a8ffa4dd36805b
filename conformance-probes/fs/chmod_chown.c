/* chmod(2), chown(2): set-id bits and their loss. */
#include "../probe.h"

int main(void)
{
	struct stat st;
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	say_result("chmod", chmod("f", 06755));
	stat("f", &st);
	say("mode", st.st_mode & 07777);
	say_result("chown", chown("f", 1000, 1000));
	stat("f", &st);
	say("after_chown", st.st_mode & 07777);
	say("uid", st.st_uid);
	say_result("fchmod", fchmod(fd, 0644));
	say_result("keep", chown("f", -1, 5));
	stat("f", &st);
	say("uid2", st.st_uid);
	say("gid2", st.st_gid);
	symlink("f", "l");
	say_result("lchown", lchown("l", 7, 8));
	lstat("l", &st);
	say("link_uid", st.st_uid);
	stat("f", &st);
	say("target_uid", st.st_uid);
	say_result("fchmodat_bad", fchmodat(99, "f", 0600, 0));
	return 0;
}
