/*
 * fuzz_unpack.c: any bytes as a layer's archive.  Whatever they are, nothing appears outside of the
 * tree, and no object in it is a device or lets others than its owner in.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fsd/path.h"
#include "fsd/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/tmp/carrick-fuzz-XXXXXX";
static int top = -1;

static int check(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path;
	(void)type;
	(void)ftw;
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode) || S_ISSOCK(st->st_mode))
		__builtin_trap();
	if (!S_ISLNK(st->st_mode) && (st->st_mode & 07077))
		__builtin_trap();
	return 0;
}

static void clean(void)
{
	if (top >= 0 && path_remove_contents(top) == 0)
		rmdir(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct unpack_options o = {.max_bytes = 1 << 20, .max_entries = 1000};
	struct unpack_result result;
	struct fail f = {{0}};
	char path[64];
	int tree, in;

	if (top < 0) {
		umask(0);
		if (!mkdtemp(dir) || (top = open(dir, O_RDONLY | O_DIRECTORY)) < 0)
			__builtin_trap();
		atexit(clean);
	}
	if (mkdirat(top, "tree", 0700) < 0 ||
	    (tree = openat(top, "tree", O_RDONLY | O_DIRECTORY)) < 0)
		__builtin_trap();
	in = memfd_create("in", 0);
	if (in < 0 || write(in, data, size) != (ssize_t)size)
		__builtin_trap();
	lseek(in, 0, SEEK_SET);
	o.whiteouts = size & 1;
	if (unpack_layer(in, tree, &o, &result, &f) < 0 && !f.text[0])
		__builtin_trap();
	close(in);
	close(tree);
	snprintf(path, sizeof(path), "%s/tree", dir);
	if (nftw(path, check, 16, FTW_PHYS) != 0)
		__builtin_trap();
	if (path_remove_tree(top, "tree") < 0)
		__builtin_trap();
	return 0;
}
