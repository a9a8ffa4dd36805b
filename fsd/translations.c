/* translations.c: see translations.h. */
#include "fsd/translations.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/plat/errno.h"
#include "fsd/path.h"

int translations_open(struct store *s, const char *digest, uint64_t *size)
{
	static const struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
	struct stat st;
	int fd;

	if (!digest_ok(digest))
		return -LX_EINVAL;
	fd = openat(s->translations, digest_hex(digest), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return plat_errno(errno);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -LX_EINVAL;
	}
	/* When it was last of use; only the choice of what is removed depends on it. */
	if (futimens(fd, now) < 0)
		errno = 0;
	*size = (uint64_t)st.st_size;
	return fd;
}

static int copy_all(int from, int to)
{
	char buf[1 << 16];
	off_t at = 0;

	for (;;) {
		ssize_t n = pread(from, buf, sizeof(buf), at), done = 0;

		if (n < 0)
			return plat_errno(errno);
		if (n == 0)
			return 0;
		at += n;
		if (at > (off_t)TRANSLATIONS_FILE_MAX)
			return -LX_EFBIG;
		while (done < n) {
			ssize_t w = write(to, buf + done, (size_t)(n - done));

			if (w < 0 && errno != EINTR)
				return plat_errno(errno);
			done += MAX(w, 0);
		}
	}
}

/* The file that was not used for longest, and the bytes of all; false: none, or it is unreadable. */
static bool find_oldest(struct store *s, char name[256], uint64_t *total)
{
	int fd = openat(s->translations, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct timespec oldest = {0, 0};
	bool found = false;
	struct dirent *e;
	struct stat st;

	if (!stream) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	*total = 0;
	while ((e = readdir(stream))) {
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
			continue;
		*total += (uint64_t)st.st_size;
		if (!found || st.st_atim.tv_sec < oldest.tv_sec ||
		    (st.st_atim.tv_sec == oldest.tv_sec &&
		     st.st_atim.tv_nsec < oldest.tv_nsec)) {
			found = true;
			oldest = st.st_atim;
			snprintf(name, 256, "%s", e->d_name);
		}
	}
	closedir(stream);
	return found;
}

static void trim(struct store *s)
{
	uint64_t total;
	char name[256];

	while (find_oldest(s, name, &total) && total > TRANSLATIONS_TOTAL_MAX)
		if (unlinkat(s->translations, name, 0) < 0)
			return;
}

int translations_replace(struct store *s, const char *digest, int source)
{
	char temp[33];
	int fd, lock, r;

	if (!digest_ok(digest))
		return -LX_EINVAL;
	if (faccessat(s->blobs, digest_hex(digest), F_OK, 0) < 0)
		return plat_errno(errno);
	path_random_name(temp);
	lock = store_lock(s);
	if (lock < 0)
		return lock;
	fd = openat(s->tmp, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	r = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 ? plat_errno(errno) : 0;
	close(lock);
	if (r == 0)
		r = copy_all(source, fd);
	if (r == 0 && (fsync(fd) < 0 ||
	               renameat(s->tmp, temp, s->translations, digest_hex(digest)) < 0))
		r = plat_errno(errno);
	if (r < 0)
		unlinkat(s->tmp, temp, 0);
	else
		trim(s);
	if (fd >= 0)
		close(fd);
	return r;
}
