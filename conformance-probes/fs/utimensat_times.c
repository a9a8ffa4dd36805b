/* utimensat(2): exact times, UTIME_NOW, UTIME_OMIT. */
#include "../probe.h"

int main(void)
{
	struct timespec t[2] = {{1000000000, 123456789}, {1100000000, 987654321}};
	struct stat st;

	close(open("f", O_CREAT | O_WRONLY, 0600));
	say_result("set", utimensat(AT_FDCWD, "f", t, 0));
	stat("f", &st);
	say("atime", st.st_atim.tv_sec);
	say("atime_ns", st.st_atim.tv_nsec);
	say("mtime", st.st_mtim.tv_sec);
	say("mtime_ns", st.st_mtim.tv_nsec);
	t[0].tv_nsec = UTIME_OMIT;
	t[1].tv_sec = 5;
	t[1].tv_nsec = 0;
	say_result("omit", utimensat(AT_FDCWD, "f", t, 0));
	stat("f", &st);
	say("atime_kept", st.st_atim.tv_sec);
	say("mtime_new", st.st_mtim.tv_sec);
	t[1].tv_nsec = UTIME_NOW;
	utimensat(AT_FDCWD, "f", t, 0);
	stat("f", &st);
	say_bool("now", st.st_mtim.tv_sec > 1600000000);
	t[1].tv_nsec = 1000000000;
	say_result("invalid", utimensat(AT_FDCWD, "f", t, 0));
	say_result("missing", utimensat(AT_FDCWD, "none", NULL, 0));
	return 0;
}
