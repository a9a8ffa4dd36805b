/* crash.c: see crash.h. */
#include "fsd/crash.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/crash.h"
#include "common/plat/errno.h"
#include "fsd/path.h"

enum { REPORTS_KEPT = 20 };

/* Names begin with the time, so the first by name is the oldest. */
static void remove_oldest(int dir)
{
	char oldest[256] = "";
	unsigned count = 0;
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!stream) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(stream))) {
		if (e->d_name[0] == '.')
			continue;
		count++;
		if (!oldest[0] || strcmp(e->d_name, oldest) < 0)
			snprintf(oldest, sizeof(oldest), "%s", e->d_name);
	}
	closedir(stream);
	if (count > REPORTS_KEPT)
		(void)unlinkat(dir, oldest, 0);
}

/* The memory belongs to a process that is gone; whatever is in it is only copied. */
static int read_memory(int memory, char **out, size_t *len)
{
	struct stat st;
	size_t have = 0;
	ssize_t n = 1;

	if (fstat(memory, &st) < 0)
		return plat_errno(errno);
	if (!S_ISREG(st.st_mode) || st.st_size < 0 || st.st_size > (off_t)CRASH_LIMIT)
		return -LX_EINVAL;
	*len = (size_t)st.st_size;
	*out = malloc(*len + 1);
	if (!*out)
		return -LX_ENOMEM;
	while (have < *len && (n = pread(memory, *out + have, *len - have, (off_t)have)) > 0)
		have += (size_t)n;
	if (have == *len)
		return 0;
	free(*out);
	return -LX_EIO;
}

int crash_store(struct store *s, int memory, const char *container, char name[80])
{
	char *data = NULL;
	size_t len = 0;
	int dir, r = path_make_dirs(s->dir, "crashes");

	if (r < 0)
		return r;
	dir = openat(s->dir, "crashes", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return plat_errno(errno);
	r = read_memory(memory, &data, &len);
	if (r == 0) {
		snprintf(name, 80, "%012lld-%.12s.crash", (long long)time(NULL), container);
		r = path_write_file(dir, name, data, len, false);
		free(data);
	}
	if (r == 0)
		remove_oldest(dir);
	close(dir);
	return r;
}
