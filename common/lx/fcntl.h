/*
 * fcntl.h: the guest's open flags, *at flags and fcntl(2) commands, as on arm64.
 * Sources: open(2), fcntl(2), openat(2); O_DIRECTORY to O_LARGEFILE differ from amd64.
 */
#ifndef COMMON_LX_FCNTL_H
#define COMMON_LX_FCNTL_H

#include "common/base.h"

#define LX_O_RDONLY    00000000u
#define LX_O_WRONLY    00000001u
#define LX_O_RDWR      00000002u
#define LX_O_ACCMODE   00000003u
#define LX_O_CREAT     00000100u
#define LX_O_EXCL      00000200u
#define LX_O_NOCTTY    00000400u
#define LX_O_TRUNC     00001000u
#define LX_O_APPEND    00002000u
#define LX_O_NONBLOCK  00004000u
#define LX_O_DSYNC     00010000u
#define LX_O_ASYNC     00020000u
#define LX_O_DIRECTORY 00040000u
#define LX_O_NOFOLLOW  00100000u
#define LX_O_DIRECT    00200000u
#define LX_O_LARGEFILE 00400000u
#define LX_O_NOATIME   01000000u
#define LX_O_CLOEXEC   02000000u
#define LX_O_SYNC      04010000u
#define LX_O_PATH      010000000u
#define LX_O_TMPFILE   (020000000u | LX_O_DIRECTORY)

/* What an open for reading or writing allows; O_ACCMODE 3 means neither, only ioctl. */
static inline bool lx_flags_readable(uint32_t flags)
{
	return (flags & LX_O_ACCMODE) == LX_O_RDONLY || (flags & LX_O_ACCMODE) == LX_O_RDWR;
}
static inline bool lx_flags_writable(uint32_t flags)
{
	return (flags & LX_O_ACCMODE) == LX_O_WRONLY || (flags & LX_O_ACCMODE) == LX_O_RDWR;
}

#define LX_AT_FDCWD            (-100)
#define LX_AT_SYMLINK_NOFOLLOW 0x100u
#define LX_AT_EACCESS          0x200u
#define LX_AT_REMOVEDIR        0x200u
#define LX_AT_SYMLINK_FOLLOW   0x400u
#define LX_AT_NO_AUTOMOUNT     0x800u
#define LX_AT_EMPTY_PATH       0x1000u

#define LX_F_DUPFD         0
#define LX_F_GETFD         1
#define LX_F_SETFD         2
#define LX_F_GETFL         3
#define LX_F_SETFL         4
#define LX_F_GETLK         5
#define LX_F_SETLK         6
#define LX_F_SETLKW        7
#define LX_F_SETOWN        8
#define LX_F_GETOWN        9
#define LX_F_SETSIG        10
#define LX_F_GETSIG        11
#define LX_F_SETOWN_EX     15
#define LX_F_GETOWN_EX     16
#define LX_F_OFD_GETLK     36
#define LX_F_OFD_SETLK     37
#define LX_F_OFD_SETLKW    38
#define LX_F_SETLEASE      1024
#define LX_F_GETLEASE      1025
#define LX_F_NOTIFY        1026
#define LX_F_DUPFD_CLOEXEC 1030
#define LX_F_SETPIPE_SZ    1031
#define LX_F_GETPIPE_SZ    1032
#define LX_F_ADD_SEALS     1033
#define LX_F_GET_SEALS     1034

#define LX_F_SEAL_SEAL         0x01u
#define LX_F_SEAL_SHRINK       0x02u
#define LX_F_SEAL_GROW         0x04u
#define LX_F_SEAL_WRITE        0x08u
#define LX_F_SEAL_FUTURE_WRITE 0x10u
#define LX_F_SEAL_EXEC         0x20u

#define LX_FD_CLOEXEC 1

#define LX_SEEK_SET  0
#define LX_SEEK_CUR  1
#define LX_SEEK_END  2
#define LX_SEEK_DATA 3
#define LX_SEEK_HOLE 4

/* Types and permission bits of st_mode; DT_* of getdents64(2) are the type bits >> 12. */
#define LX_S_IFMT   0170000u
#define LX_S_IFSOCK 0140000u
#define LX_S_IFLNK  0120000u
#define LX_S_IFREG  0100000u
#define LX_S_IFBLK  0060000u
#define LX_S_IFDIR  0040000u
#define LX_S_IFCHR  0020000u
#define LX_S_IFIFO  0010000u
#define LX_S_ISUID  04000u
#define LX_S_ISGID  02000u
#define LX_S_ISVTX  01000u

#define LX_DT(mode) (((mode) & LX_S_IFMT) >> 12)

/* Device numbers as the kernel keeps them: 12 bits of major, 20 of minor, in stat's encoding. */
static inline uint64_t lx_makedev(uint32_t major, uint32_t minor)
{
	return ((uint64_t)(major & 0xfffu) << 8) | (minor & 0xffu) | ((uint64_t)(minor & ~0xffu) << 12);
}
static inline uint32_t lx_major(uint64_t dev)
{
	return (uint32_t)(dev >> 8) & 0xfffu;
}
static inline uint32_t lx_minor(uint64_t dev)
{
	return (uint32_t)(dev & 0xffu) | ((uint32_t)(dev >> 12) & 0xfff00u);
}

#endif
