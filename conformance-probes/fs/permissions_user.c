/* Permission checks as an ordinary user. */
#include "../probe.h"

int main(void)
{
	struct stat st;

	umask(0);
	mkdir("open", 0777);
	mkdir("closed", 0700);
	close(open("closed/f", O_CREAT | O_WRONLY, 0666));
	close(open("ro", O_CREAT | O_WRONLY, 0444));
	close(open("wo", O_CREAT | O_WRONLY, 0222));
	mkdir("sticky", 01777);
	close(open("sticky/f", O_CREAT | O_WRONLY, 0666));
	say_result("setgid", setresgid(1000, 1000, 1000));
	say_result("setuid", setresuid(1000, 1000, 1000));
	say_result("search", stat("closed/f", &st));
	say_result("read_ro", open("ro", O_RDONLY));
	say_result("write_ro", open("ro", O_WRONLY));
	say_result("read_wo", open("wo", O_RDONLY));
	say_result("access_w", access("ro", W_OK));
	say_result("create", open("open/f", O_CREAT | O_WRONLY, 0600));
	say_result("sticky_unlink", unlink("sticky/f"));
	say_result("chmod_other", chmod("ro", 0777));
	say_result("chown", chown("open/f", 0, 0));
	say_result("chmod_own", chmod("open/f", 0640));
	return 0;
}
