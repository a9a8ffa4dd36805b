/* openat2(2): RESOLVE flags. */
#include "../probe.h"

#include <linux/openat2.h>

static long openat2_(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {.flags = flags, .resolve = resolve};

	return syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

int main(void)
{
	struct open_how how = {.flags = O_RDONLY, .mode = 0600};
	int dir;

	mkdir("d", 0755);
	close(open("d/f", O_CREAT | O_WRONLY, 0644));
	symlink("f", "d/in");
	symlink("../d/f", "d/out");
	symlink("/etc", "d/abs");
	dir = open("d", O_PATH);
	say_result("plain", openat2_(dir, "f", O_RDONLY, 0));
	say_result("beneath_in", openat2_(dir, "in", O_RDONLY, RESOLVE_BENEATH));
	say_result("beneath_out", openat2_(dir, "out", O_RDONLY, RESOLVE_BENEATH));
	say_result("beneath_abs", openat2_(dir, "abs", O_RDONLY, RESOLVE_BENEATH));
	say_result("beneath_dotdot", openat2_(dir, "..", O_RDONLY, RESOLVE_BENEATH));
	say_result("in_root_dotdot", openat2_(dir, "../../f", O_RDONLY, RESOLVE_IN_ROOT));
	say_result("no_symlinks", openat2_(dir, "in", O_RDONLY, RESOLVE_NO_SYMLINKS));
	say_result("no_magic", openat2_(AT_FDCWD, "/proc/self/exe", O_RDONLY, RESOLVE_NO_MAGICLINKS));
	say_result("mode_without_create", syscall(SYS_openat2, dir, "f", &how, sizeof(how)));
	say_result("small", syscall(SYS_openat2, dir, "f", &how, 8));
	say_result("unknown_flag", openat2_(dir, "f", 1ULL << 40, 0));
	return 0;
}
