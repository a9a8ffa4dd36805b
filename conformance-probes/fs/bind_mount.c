/* mount(2) with MS_BIND: the same objects under another name. */
#include "../probe.h"

#include <sys/mount.h>

int main(void)
{
	struct stat a, b;

	mkdir("src", 0755);
	mkdir("dst", 0755);
	close(open("src/f", O_CREAT | O_WRONLY, 0600));
	say_result("bind", mount("src", "dst", NULL, MS_BIND, NULL));
	stat("src/f", &a);
	say_result("stat", stat("dst/f", &b));
	say_bool("same", a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	say_result("write", open("dst/g", O_CREAT | O_WRONLY, 0600));
	say_result("seen", stat("src/g", &a));
	say_result("cross", link("src/f", "dst/h"));
	say_result("rename", rename("src/f", "dst/f2"));
	say_result("umount", umount2("dst", 0));
	say_result("gone", stat("dst/g", &a));
	return 0;
}
