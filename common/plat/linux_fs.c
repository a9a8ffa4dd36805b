/*
 * linux_fs.c: fs.h on Linux.  Newer calls (openat2, getxattrat and kin) are tried first; the
 * first ENOSYS (or EPERM of a container's filter) is remembered and the portable way is taken.
 */
#include "common/plat/fs.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/plat/errno.h"

/* The generic numbers of Linux 6.13 (the same on every architecture), absent from older headers. */
#define NR_SETXATTRAT    463
#define NR_GETXATTRAT    464
#define NR_LISTXATTRAT   465
#define NR_REMOVEXATTRAT 466

struct xattr_args_wire {
	uint64_t value;
	uint32_t size;
	uint32_t flags;
};

/* Set once a call has shown not to exist; races only repeat the discovery. */
static bool no_openat2, no_xattrat;

static bool call_missing(int err)
{
	return err == ENOSYS || err == EPERM;
}

/* openat2 by hand: one component after the other, none of them a link. */
static int open_by_component(int dir, const char *path, int flags, mode_t mode)
{
	char name[256];
	int cur = dir, fd = -LX_EINVAL;

	if (*path == '/')
		return -LX_EXDEV;
	for (;;) {
		size_t len = strcspn(path, "/");
		const char *rest = path + len + strspn(path + len, "/");
		int how = O_PATH | O_DIRECTORY;

		if (len == 0 || len >= sizeof(name)) {
			fd = len ? -LX_ENAMETOOLONG : -LX_ENOENT;
			break;
		}
		memcpy(name, path, len);
		name[len] = '\0';
		if (strcmp(name, "..") == 0) {
			fd = -LX_EXDEV;
			break;
		}
		if (!*rest)
			how = flags;
		fd = openat(cur, name, how | O_NOFOLLOW | O_CLOEXEC, mode);
		if (fd < 0)
			fd = plat_errno(errno);
		if (fd < 0 || !*rest)
			break;
		if (cur != dir)
			close(cur);
		cur = fd;
		path = rest;
	}
	if (cur != dir)
		close(cur);
	return fd;
}

int plat_open_beneath(int dir, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
	    .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC | O_NOFOLLOW),
	    .mode = flags & (O_CREAT | __O_TMPFILE) ? mode & 07777 : 0,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
	};

	for (int tries = 0; !no_openat2 && tries < 16; tries++) {
		long fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));

		if (fd >= 0)
			return (int)fd;
		if (errno == ENOSYS) {
			no_openat2 = true;
			break;
		}
		if (errno != EAGAIN) /* EAGAIN: a rename raced with the walk */
			return plat_errno(errno);
	}
	return open_by_component(dir, path, flags, mode);
}

int plat_rename(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	unsigned how = 0;

	if (flags & PLAT_RENAME_NOREPLACE)
		how |= RENAME_NOREPLACE;
	if (flags & PLAT_RENAME_EXCHANGE)
		how |= RENAME_EXCHANGE;
	if (renameat2(from_dir, from, to_dir, to, how) < 0)
		return plat_errno(errno);
	return 0;
}

/* The fall-back's way to an object: reading is allowed to the owner of everything we store. */
static int open_object(int dir, const char *name)
{
	struct stat st;
	int fd;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return plat_errno(errno);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return -LX_EOPNOTSUPP;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? plat_errno(errno) : fd;
}

ssize_t plat_xattr_get(int dir, const char *name, const char *attr, void *value, size_t size)
{
	struct xattr_args_wire args = {.value = (uintptr_t)value,
	                               .size = (uint32_t)MIN(size, 65536u)};
	ssize_t n;
	int fd;

	if (!no_xattrat) {
		n = syscall(NR_GETXATTRAT, dir, name, AT_SYMLINK_NOFOLLOW, attr, &args,
		            sizeof(args));
		if (n >= 0)
			return n;
		if (!call_missing(errno))
			return plat_errno(errno);
		if (errno == ENOSYS)
			no_xattrat = true;
	}
	fd = open_object(dir, name);
	if (fd < 0)
		return fd == -LX_EOPNOTSUPP ? -LX_ENODATA : fd;
	n = plat_fxattr_get(fd, attr, value, size);
	close(fd);
	return n;
}

int plat_xattr_set(int dir, const char *name, const char *attr, const void *value, size_t size,
                   int flags)
{
	struct xattr_args_wire args = {
	    .value = (uintptr_t)value, .size = (uint32_t)size, .flags = (uint32_t)flags};
	int fd, r;

	if (size > 65536)
		return -LX_E2BIG;
	if (!no_xattrat) {
		if (syscall(NR_SETXATTRAT, dir, name, AT_SYMLINK_NOFOLLOW, attr, &args,
		            sizeof(args)) == 0)
			return 0;
		if (!call_missing(errno))
			return plat_errno(errno);
		if (errno == ENOSYS)
			no_xattrat = true;
	}
	fd = open_object(dir, name);
	if (fd < 0)
		return fd;
	r = plat_fxattr_set(fd, attr, value, size, flags);
	close(fd);
	return r;
}

int plat_xattr_remove(int dir, const char *name, const char *attr)
{
	int fd, r;

	if (!no_xattrat) {
		if (syscall(NR_REMOVEXATTRAT, dir, name, AT_SYMLINK_NOFOLLOW, attr) == 0)
			return 0;
		if (!call_missing(errno))
			return plat_errno(errno);
		if (errno == ENOSYS)
			no_xattrat = true;
	}
	fd = open_object(dir, name);
	if (fd < 0)
		return fd == -LX_EOPNOTSUPP ? -LX_ENODATA : fd;
	r = fremovexattr(fd, attr) < 0 ? plat_errno(errno) : 0;
	close(fd);
	return r;
}

ssize_t plat_xattr_list(int dir, const char *name, char *list, size_t size)
{
	ssize_t n;
	int fd;

	if (!no_xattrat) {
		n = syscall(NR_LISTXATTRAT, dir, name, AT_SYMLINK_NOFOLLOW, list, size);
		if (n >= 0)
			return n;
		if (!call_missing(errno))
			return plat_errno(errno);
		if (errno == ENOSYS)
			no_xattrat = true;
	}
	fd = open_object(dir, name);
	if (fd < 0)
		return fd == -LX_EOPNOTSUPP ? 0 : fd;
	n = plat_fxattr_list(fd, list, size);
	close(fd);
	return n;
}

ssize_t plat_fxattr_get(int fd, const char *attr, void *value, size_t size)
{
	ssize_t n = fgetxattr(fd, attr, value, size);

	return n < 0 ? plat_errno(errno) : n;
}

int plat_fxattr_set(int fd, const char *attr, const void *value, size_t size, int flags)
{
	return fsetxattr(fd, attr, value, size, flags) < 0 ? plat_errno(errno) : 0;
}

ssize_t plat_fxattr_list(int fd, char *list, size_t size)
{
	ssize_t n = flistxattr(fd, list, size);

	return n < 0 ? plat_errno(errno) : n;
}

/* Plain read and write, for file systems between which copy_file_range does not work. */
static int64_t copy_through_memory(int from, uint64_t from_off, int to, uint64_t to_off,
                                   uint64_t len)
{
	enum { CHUNK = 256 * 1024 };
	uint64_t done = 0;
	int64_t result = 0;
	char *buf = malloc(CHUNK);

	if (!buf)
		return -LX_ENOMEM;
	while (done < len) {
		ssize_t n =
		    pread(from, buf, MIN(len - done, (uint64_t)CHUNK), (off_t)(from_off + done));
		ssize_t w = n > 0 ? pwrite(to, buf, (size_t)n, (off_t)(to_off + done)) : n;

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			result = plat_errno(errno);
		if (w <= 0)
			break;
		done += (uint64_t)w;
	}
	free(buf);
	return done ? (int64_t)done : result;
}

int64_t plat_copy_range(int from, uint64_t from_off, int to, uint64_t to_off, uint64_t len)
{
	loff_t in = (loff_t)from_off, out = (loff_t)to_off;
	uint64_t done = 0;

	while (done < len) {
		ssize_t n =
		    copy_file_range(from, &in, to, &out, (size_t)MIN(len - done, 1ull << 30), 0);

		if (n == 0)
			break;
		if (n > 0) {
			done += (uint64_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (done)
			break;
		if (errno == EXDEV || errno == ENOSYS || errno == EOPNOTSUPP || errno == EINVAL)
			return copy_through_memory(from, from_off, to, to_off, len);
		return plat_errno(errno);
	}
	return (int64_t)done;
}

int plat_copy_file(int from, int to, uint64_t size)
{
	uint64_t off = 0;

	if (size == 0)
		return 0;
	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	if (ftruncate(to, (off_t)size) < 0)
		return plat_errno(errno);
	while (off < size) {
		off_t data = lseek(from, (off_t)off, SEEK_DATA), hole;
		int64_t n;

		if (data < 0 && errno == ENXIO)
			return 0; /* only a hole is left */
		if (data < 0)
			data = (off_t)off; /* the file system knows no holes */
		hole = lseek(from, data, SEEK_HOLE);
		if (hole <= data)
			hole = (off_t)size;
		n = plat_copy_range(from, (uint64_t)data, to, (uint64_t)data,
		                    (uint64_t)(hole - data));
		if (n < 0)
			return (int)n;
		if (n == 0)
			return 0;
		off = (uint64_t)data + (uint64_t)n;
	}
	return 0;
}

int plat_fallocate(int fd, int mode, uint64_t offset, uint64_t len)
{
	if (offset > INT64_MAX || len > INT64_MAX)
		return -LX_EFBIG;
	while (fallocate(fd, mode, (off_t)offset, (off_t)len) < 0)
		if (errno != EINTR)
			return plat_errno(errno);
	return 0;
}
