/*
 * fs.h: host file-system calls that differ between hosts or need a fall-back.  Every function
 * works on a directory descriptor and a relative name and follows no symbolic link.  Results
 * are 0 or more, or a negative Linux errno (-LX_E...).
 */
#ifndef COMMON_PLAT_FS_H
#define COMMON_PLAT_FS_H

#include <sys/types.h>

#include "common/base.h"

/* Opens path beneath dir: ".." components, absolute paths, symbolic links in any place and magic
 * links are refused (-LX_ELOOP, -LX_EXDEV or -LX_ENOTDIR).  flags and mode as open(2); O_CLOEXEC is
 * added. */
int plat_open_beneath(int dir, const char *path, int flags, mode_t mode) MUST_CHECK;

#define PLAT_RENAME_NOREPLACE 1u
#define PLAT_RENAME_EXCHANGE  2u
/* renameat(2) with flags; -LX_EINVAL where the host or file system cannot do what they ask. */
int plat_rename(int from_dir, const char *from, int to_dir, const char *to,
                unsigned flags) MUST_CHECK;

/* Extended attributes of the object called name in dir, itself and not what it points to.
 * plat_xattr_get returns the value's length (size 0 asks for it; -LX_ERANGE: too small;
 * -LX_ENODATA: absent).  Where the host lacks calls relative to a directory the object is
 * opened for reading, so dir/name must not be a device or a fifo that others control. */
ssize_t plat_xattr_get(int dir, const char *name, const char *attr, void *value,
                       size_t size) MUST_CHECK;
int plat_xattr_set(int dir, const char *name, const char *attr, const void *value, size_t size,
                   int flags) MUST_CHECK;
int plat_xattr_remove(int dir, const char *name, const char *attr) MUST_CHECK;
ssize_t plat_xattr_list(int dir, const char *name, char *list, size_t size) MUST_CHECK;

/* The same on an open descriptor (not O_PATH). */
ssize_t plat_fxattr_get(int fd, const char *attr, void *value, size_t size) MUST_CHECK;
int plat_fxattr_set(int fd, const char *attr, const void *value, size_t size, int flags) MUST_CHECK;
ssize_t plat_fxattr_list(int fd, char *list, size_t size) MUST_CHECK;

/* Copies the whole of from (regular, size bytes) to the empty file to: by sharing blocks where the
 * file system can, else leaving holes as holes.  Offsets of both are undefined afterwards. */
int plat_copy_file(int from, int to, uint64_t size) MUST_CHECK;

/* Copies len bytes between offsets; returns the bytes copied (less at the end of from). */
int64_t plat_copy_range(int from, uint64_t from_off, int to, uint64_t to_off,
                        uint64_t len) MUST_CHECK;

/* fallocate(2); mode is Linux's.  -LX_EOPNOTSUPP where the host cannot. */
int plat_fallocate(int fd, int mode, uint64_t offset, uint64_t len) MUST_CHECK;

#endif
