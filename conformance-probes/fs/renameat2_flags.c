/* renameat2(2): RENAME_NOREPLACE and RENAME_EXCHANGE. */
#include "../probe.h"

int main(void)
{
	struct stat st;

	close(open("a", O_CREAT | O_WRONLY, 0600));
	close(open("b", O_CREAT | O_WRONLY, 0600));
	truncate("b", 7);
	mkdir("d", 0755);
	say_result("noreplace", renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE));
	say_result("exchange", renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE));
	stat("a", &st);
	say("size_a", st.st_size);
	say_result("exchange_dir", renameat2(AT_FDCWD, "a", AT_FDCWD, "d", RENAME_EXCHANGE));
	stat("a", &st);
	say_bool("a_is_dir", S_ISDIR(st.st_mode));
	say_result("exchange_missing", renameat2(AT_FDCWD, "a", AT_FDCWD, "none", RENAME_EXCHANGE));
	say_result("both", renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE | RENAME_NOREPLACE));
	say_result("unknown", renameat2(AT_FDCWD, "a", AT_FDCWD, "c", 0x100));
	say_result("fresh", renameat2(AT_FDCWD, "a", AT_FDCWD, "c", RENAME_NOREPLACE));
	return 0;
}
