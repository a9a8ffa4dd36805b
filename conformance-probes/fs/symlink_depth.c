/* Chains of symbolic links: 40 are followed, 41 are not. */
#include "../probe.h"

int main(void)
{
	char from[16], to[16];
	struct stat st;

	close(open("l0", O_CREAT | O_WRONLY, 0600));
	for (int i = 1; i <= 41; i++) {
		snprintf(from, sizeof(from), "l%d", i - 1);
		snprintf(to, sizeof(to), "l%d", i);
		symlink(from, to);
	}
	say_result("40", stat("l40", &st));
	say_result("41", stat("l41", &st));
	mkdir("d", 0755);
	symlink("d", "dl");
	say_result("slash", lstat("dl/", &st));
	say_bool("followed", S_ISDIR(st.st_mode));
	say_result("create_through_dangling", (symlink("made", "dang"), open("dang", O_CREAT | O_WRONLY, 0600)));
	say_result("made", stat("made", &st));
	say_result("excl_dangling", (symlink("made2", "dang2"), open("dang2", O_CREAT | O_EXCL | O_WRONLY, 0600)));
	return 0;
}
