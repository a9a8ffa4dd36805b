/*
 * fcntl.h: the arm64 guest's numbers for opening, descriptors, locks and paths: open(2),
 * openat2(2), fcntl(2), flock(2), lseek(2), fallocate(2), the AT_* flags and their kin. arm64 has
 * its own values for O_DIRECTORY, O_NOFOLLOW, O_DIRECT and O_LARGEFILE.
 */
#ifndef COMMON_LX_FCNTL_H
#define COMMON_LX_FCNTL_H

#include "common/base.h"
#include "common/lx/stat.h"

#define LX_O_RDONLY      00000000u
#define LX_O_WRONLY      00000001u
#define LX_O_RDWR        00000002u
#define LX_O_ACCMODE     00000003u
#define LX_O_CREAT       00000100u
#define LX_O_EXCL        00000200u
#define LX_O_NOCTTY      00000400u
#define LX_O_TRUNC       00001000u
#define LX_O_APPEND      00002000u
#define LX_O_NONBLOCK    00004000u
#define LX_O_DSYNC       00010000u
#define LX_O_ASYNC       00020000u
#define LX_O_DIRECTORY   00040000u
#define LX_O_NOFOLLOW    00100000u
#define LX_O_DIRECT      00200000u
#define LX_O_LARGEFILE   00400000u
#define LX_O_NOATIME     01000000u
#define LX_O_CLOEXEC     02000000u
#define LX_O_SYNC_BIT    04000000u
#define LX_O_SYNC        (LX_O_SYNC_BIT | LX_O_DSYNC)
#define LX_O_PATH        010000000u
#define LX_O_TMPFILE_BIT 020000000u
#define LX_O_TMPFILE     (LX_O_TMPFILE_BIT | LX_O_DIRECTORY)

/* Every bit that open(2) knows. */
#define LX_O_ALL                                                                                 \
	(LX_O_ACCMODE | LX_O_CREAT | LX_O_EXCL | LX_O_NOCTTY | LX_O_TRUNC | LX_O_APPEND |        \
	 LX_O_NONBLOCK | LX_O_SYNC | LX_O_ASYNC | LX_O_DIRECTORY | LX_O_NOFOLLOW | LX_O_DIRECT | \
	 LX_O_LARGEFILE | LX_O_NOATIME | LX_O_CLOEXEC | LX_O_PATH | LX_O_TMPFILE_BIT)
/* Those that fcntl(F_SETFL) may change. */
#define LX_O_SETFL (LX_O_APPEND | LX_O_NONBLOCK | LX_O_ASYNC | LX_O_DIRECT | LX_O_NOATIME)

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
#define LX_AT_REMOVEDIR        0x200u
#define LX_AT_EACCESS          0x200u
#define LX_AT_SYMLINK_FOLLOW   0x400u
#define LX_AT_NO_AUTOMOUNT     0x800u
#define LX_AT_EMPTY_PATH       0x1000u
#define LX_AT_STATX_SYNC_TYPE  0x6000u
#define LX_AT_RECURSIVE        0x8000u

/* openat2(2) */
struct lx_open_how {
	uint64_t flags, mode, resolve;
};
_Static_assert(sizeof(struct lx_open_how) == 24, "OPEN_HOW_SIZE_VER0");
#define LX_RESOLVE_NO_XDEV       0x01u
#define LX_RESOLVE_NO_MAGICLINKS 0x02u
#define LX_RESOLVE_NO_SYMLINKS   0x04u
#define LX_RESOLVE_BENEATH       0x08u
#define LX_RESOLVE_IN_ROOT       0x10u
#define LX_RESOLVE_CACHED        0x20u

#define LX_CLOSE_RANGE_UNSHARE 2u
#define LX_CLOSE_RANGE_CLOEXEC 4u

/* fcntl(2) */
#define LX_F_DUPFD            0
#define LX_F_GETFD            1
#define LX_F_SETFD            2
#define LX_F_GETFL            3
#define LX_F_SETFL            4
#define LX_F_GETLK            5
#define LX_F_SETLK            6
#define LX_F_SETLKW           7
#define LX_F_SETOWN           8
#define LX_F_GETOWN           9
#define LX_F_SETSIG           10
#define LX_F_GETSIG           11
#define LX_F_SETOWN_EX        15
#define LX_F_GETOWN_EX        16
#define LX_F_GETOWNER_UIDS    17
#define LX_F_OFD_GETLK        36
#define LX_F_OFD_SETLK        37
#define LX_F_OFD_SETLKW       38
#define LX_F_SETLEASE         1024
#define LX_F_GETLEASE         1025
#define LX_F_NOTIFY           1026
#define LX_F_DUPFD_CLOEXEC    1030
#define LX_F_SETPIPE_SZ       1031
#define LX_F_GETPIPE_SZ       1032
#define LX_F_ADD_SEALS        1033
#define LX_F_GET_SEALS        1034
#define LX_F_GET_RW_HINT      1035
#define LX_F_SET_RW_HINT      1036
#define LX_F_GET_FILE_RW_HINT 1037
#define LX_F_SET_FILE_RW_HINT 1038

#define LX_FD_CLOEXEC 1

#define LX_F_RDLCK 0
#define LX_F_WRLCK 1
#define LX_F_UNLCK 2

struct lx_flock {
	int16_t l_type, l_whence;
	int32_t pad0;
	int64_t l_start, l_len;
	int32_t l_pid;
	int32_t pad1;
};
_Static_assert(sizeof(struct lx_flock) == 32, "struct flock");

#define LX_F_OWNER_TID  0
#define LX_F_OWNER_PID  1
#define LX_F_OWNER_PGRP 2
struct lx_f_owner_ex {
	int32_t type, pid;
};

#define LX_F_SEAL_SEAL         0x01u
#define LX_F_SEAL_SHRINK       0x02u
#define LX_F_SEAL_GROW         0x04u
#define LX_F_SEAL_WRITE        0x08u
#define LX_F_SEAL_FUTURE_WRITE 0x10u
#define LX_F_SEAL_EXEC         0x20u
#define LX_F_SEAL_ALL          0x3fu

/* flock(2) */
#define LX_LOCK_SH 1
#define LX_LOCK_EX 2
#define LX_LOCK_NB 4
#define LX_LOCK_UN 8
#define LX_LOCK_MAND 32

/* lseek(2) */
#define LX_SEEK_SET  0
#define LX_SEEK_CUR  1
#define LX_SEEK_END  2
#define LX_SEEK_DATA 3
#define LX_SEEK_HOLE 4

/* access(2), and the masks of vfs_permission */
#define LX_F_OK 0
#define LX_X_OK 1
#define LX_W_OK 2
#define LX_R_OK 4

/* fallocate(2) */
#define LX_FALLOC_FL_KEEP_SIZE      0x01u
#define LX_FALLOC_FL_PUNCH_HOLE     0x02u
#define LX_FALLOC_FL_COLLAPSE_RANGE 0x08u
#define LX_FALLOC_FL_ZERO_RANGE     0x10u
#define LX_FALLOC_FL_INSERT_RANGE   0x20u
#define LX_FALLOC_FL_UNSHARE_RANGE  0x40u

/* renameat2(2) */
#define LX_RENAME_NOREPLACE 1u
#define LX_RENAME_EXCHANGE  2u
#define LX_RENAME_WHITEOUT  4u

/* setxattr(2), xattr(7) */
#define LX_XATTR_CREATE   1
#define LX_XATTR_REPLACE  2
#define LX_XATTR_NAME_MAX 255
#define LX_XATTR_SIZE_MAX 65536
#define LX_XATTR_LIST_MAX 65536

/* splice(2) */
#define LX_SPLICE_F_MOVE     1u
#define LX_SPLICE_F_NONBLOCK 2u
#define LX_SPLICE_F_MORE     4u
#define LX_SPLICE_F_GIFT     8u

/* preadv2(2) */
#define LX_RWF_HIPRI  0x01u
#define LX_RWF_DSYNC  0x02u
#define LX_RWF_SYNC   0x04u
#define LX_RWF_NOWAIT 0x08u
#define LX_RWF_APPEND 0x10u

#define LX_PATH_MAX    4096
#define LX_NAME_MAX    255
#define LX_SYMLINK_MAX 40         /* links followed in one walk: path_resolution(7) */
#define LX_MAX_RW      0x7ffff000 /* most bytes of one transfer: read(2) */

#endif
