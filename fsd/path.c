/* path.c: see path.h.  Trees are removed with a bounded recursion; see remove_level. */
#include "fsd/path.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/plat/errno.h"
#include "common/plat/fs.h"

bool path_name_ok(const void *name, size_t len)
{
	const char *s = name;

	if (len == 0 || len > PATH_NAME_MAX || memchr(s, '/', len) || memchr(s, '\0', len))
		return false;
	return !(s[0] == '.' && (len == 1 || (len == 2 && s[1] == '.')));
}

void path_random_name(char out[33])
{
	static const char digits[] = "0123456789abcdef";
	static uint64_t counter;
	uint8_t raw[16];

	/* Uniqueness is what counts: without the kernel's help a counter and the pid give it. */
	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw)) {
		uint64_t pid = (uint64_t)getpid();

		counter++;
		memcpy(raw, &counter, 8);
		memcpy(raw + 8, &pid, 8);
	}
	for (size_t i = 0; i < sizeof(raw); i++) {
		out[2 * i] = digits[raw[i] >> 4];
		out[2 * i + 1] = digits[raw[i] & 15];
	}
	out[32] = '\0';
}

int path_make_dirs(int dir, const char *path)
{
	char name[PATH_NAME_MAX + 1];
	int cur = dir, r = 0;

	while (*path && r == 0) {
		size_t len = strcspn(path, "/");
		int next;

		if (!path_name_ok(path, len)) {
			r = -LX_EINVAL;
			break;
		}
		memcpy(name, path, len);
		name[len] = '\0';
		path += len + strspn(path + len, "/");
		if (mkdirat(cur, name, 0700) < 0 && errno != EEXIST)
			r = plat_errno(errno);
		next = r ? -1 : openat(cur, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (r == 0 && next < 0)
			r = plat_errno(errno);
		if (cur != dir)
			close(cur);
		cur = next;
	}
	if (cur >= 0 && cur != dir)
		close(cur);
	return r;
}

int path_read_file(int dir, const char *path, size_t max, char **out, size_t *len)
{
	int fd = plat_open_beneath(dir, path, O_RDONLY | O_NONBLOCK, 0), r = 0;
	struct stat st;
	char *buf = NULL;
	size_t have = 0;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		r = plat_errno(errno);
	else if (!S_ISREG(st.st_mode))
		r = -LX_EINVAL;
	else if ((uint64_t)st.st_size > max)
		r = -LX_EFBIG;
	else if (!(buf = malloc((size_t)st.st_size + 1)))
		r = -LX_ENOMEM;
	while (r == 0 && have < (size_t)st.st_size) {
		ssize_t n = read(fd, buf + have, (size_t)st.st_size - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			r = plat_errno(errno);
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	close(fd);
	if (r) {
		free(buf);
		return r;
	}
	buf[have] = '\0';
	*out = buf;
	*len = have;
	return 0;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return plat_errno(errno);
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int path_write_file(int dir, const char *name, const void *data, size_t len, bool durable)
{
	char temp[40] = ".";
	int fd, r;

	path_random_name(temp + 1);
	fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return plat_errno(errno);
	r = write_all(fd, data, len);
	if (r == 0 && durable && fsync(fd) < 0)
		r = plat_errno(errno);
	close(fd);
	if (r == 0 && renameat(dir, temp, dir, name) < 0)
		r = plat_errno(errno);
	if (r) {
		unlinkat(dir, temp, 0);
		return r;
	}
	/* The rename itself is durable once the directory is. */
	if (durable) {
		fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0) {
			if (fsync(fd) < 0)
				r = plat_errno(errno);
			close(fd);
		}
	}
	return r;
}

enum { REMOVE_DEPTH = 24 };

static int remove_level(int top, int dir, int depth);

/* Removes one entry of dir; directories deeper than REMOVE_DEPTH are moved into top, whose loop
 * meets them later. */
static int remove_entry(int top, int dir, const char *name, int type, int depth)
{
	char moved[33];
	int sub, r;

	if (type != DT_DIR) {
		if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
			return 0;
		if (errno != EISDIR && errno != EPERM)
			return plat_errno(errno);
	}
	if (depth >= REMOVE_DEPTH) {
		path_random_name(moved);
		return renameat(dir, name, top, moved) < 0 ? plat_errno(errno) : 0;
	}
	sub = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (sub < 0 && errno == EACCES && fchmodat(dir, name, 0700, 0) == 0)
		sub = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (sub < 0)
		return plat_errno(errno);
	r = remove_level(top, sub, depth + 1);
	if (r == 0 && unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = plat_errno(errno);
	return r;
}

/* Empties dir (taking over the descriptor).  Reading goes on until a pass finds nothing. */
static int remove_level(int top, int dir, int depth)
{
	DIR *stream = fdopendir(dir);
	struct dirent *e;
	int r = 0;
	bool found;

	if (!stream) {
		r = plat_errno(errno);
		close(dir);
		return r;
	}
	do {
		found = false;
		rewinddir(stream);
		while (r == 0 && (e = readdir(stream))) {
			if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
				continue;
			found = true;
			r = remove_entry(top, dir, e->d_name, e->d_type, depth);
		}
	} while (found && r == 0);
	closedir(stream);
	return r;
}

int path_remove_contents(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? plat_errno(errno) : remove_level(fd, fd, 0);
}

int path_remove_tree(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return unlinkat(dir, name, 0) < 0 && errno != ENOENT ? plat_errno(errno) : 0;
	if (fd < 0)
		return plat_errno(errno);
	r = remove_level(fd, fd, 0);
	if (r == 0 && unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = plat_errno(errno);
	return r;
}
