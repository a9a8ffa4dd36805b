/*
 * stat.h: file types and modes (inode(7)), and what stat(2), statx(2) and utimensat(2) pass.
 */
#ifndef COMMON_LX_STAT_H
#define COMMON_LX_STAT_H

#include "common/base.h"

#define LX_S_IFMT    0170000u
#define LX_S_IFSOCK  0140000u
#define LX_S_IFLNK   0120000u
#define LX_S_IFREG   0100000u
#define LX_S_IFBLK   0060000u
#define LX_S_IFDIR   0040000u
#define LX_S_IFCHR   0020000u
#define LX_S_IFIFO   0010000u
#define LX_S_ISUID   0004000u
#define LX_S_ISGID   0002000u
#define LX_S_ISVTX   0001000u
#define LX_S_IXUSR   0000100u
#define LX_S_IXGRP   0000010u
#define LX_S_IRWXUGO 0000777u
#define LX_S_IALLUGO 0007777u

#define LX_S_ISREG(m)  (((m)&LX_S_IFMT) == LX_S_IFREG)
#define LX_S_ISDIR(m)  (((m)&LX_S_IFMT) == LX_S_IFDIR)
#define LX_S_ISLNK(m)  (((m)&LX_S_IFMT) == LX_S_IFLNK)
#define LX_S_ISCHR(m)  (((m)&LX_S_IFMT) == LX_S_IFCHR)
#define LX_S_ISBLK(m)  (((m)&LX_S_IFMT) == LX_S_IFBLK)
#define LX_S_ISFIFO(m) (((m)&LX_S_IFMT) == LX_S_IFIFO)
#define LX_S_ISSOCK(m) (((m)&LX_S_IFMT) == LX_S_IFSOCK)

/* DT_* of getdents64(2). */
#define LX_DT(mode) (((mode) & LX_S_IFMT) >> 12)

/* Device numbers as stat(2) shows them; makedev(3). */
static inline uint64_t lx_makedev(uint32_t major, uint32_t minor)
{
	return (uint64_t)(minor & 0xff) | ((uint64_t)(major & 0xfff) << 8) |
	       ((uint64_t)(minor & ~0xffu) << 12) | ((uint64_t)(major & ~0xfffu) << 32);
}
static inline uint32_t lx_major(uint64_t dev)
{
	return (uint32_t)((dev >> 8) & 0xfff) | (uint32_t)((dev >> 32) & ~0xfffu);
}
static inline uint32_t lx_minor(uint64_t dev)
{
	return (uint32_t)(dev & 0xff) | (uint32_t)((dev >> 12) & 0xffffff00u);
}

struct lx_stat_time {
	int64_t tv_sec, tv_nsec;
};
#define LX_UTIME_NOW  0x3fffffff
#define LX_UTIME_OMIT 0x3ffffffe

/* struct stat of arm64 (the generic 64-bit layout). */
struct lx_stat {
	uint64_t st_dev, st_ino;
	uint32_t st_mode, st_nlink, st_uid, st_gid;
	uint64_t st_rdev, pad1;
	int64_t st_size;
	int32_t st_blksize, pad2;
	int64_t st_blocks;
	struct lx_stat_time st_atim, st_mtim, st_ctim;
	uint32_t unused[2];
};
_Static_assert(sizeof(struct lx_stat) == 128, "struct stat of arm64");
_Static_assert(offsetof(struct lx_stat, st_size) == 48, "struct stat of arm64");
_Static_assert(offsetof(struct lx_stat, st_atim) == 72, "struct stat of arm64");

struct lx_statx_timestamp {
	int64_t tv_sec;
	uint32_t tv_nsec;
	int32_t pad;
};

struct lx_statx {
	uint32_t stx_mask, stx_blksize;
	uint64_t stx_attributes;
	uint32_t stx_nlink, stx_uid, stx_gid;
	uint16_t stx_mode, pad1;
	uint64_t stx_ino, stx_size, stx_blocks, stx_attributes_mask;
	struct lx_statx_timestamp stx_atime, stx_btime, stx_ctime, stx_mtime;
	uint32_t stx_rdev_major, stx_rdev_minor, stx_dev_major, stx_dev_minor;
	uint64_t stx_mnt_id;
	uint64_t spare[13];
};
_Static_assert(sizeof(struct lx_statx) == 256, "struct statx");
_Static_assert(offsetof(struct lx_statx, stx_atime) == 64, "struct statx");
_Static_assert(offsetof(struct lx_statx, stx_mnt_id) == 144, "struct statx");

#define LX_STATX_BASIC_STATS     0x07ffu
#define LX_STATX_BTIME           0x0800u
#define LX_STATX_MNT_ID          0x1000u
#define LX_STATX_RESERVED        0x80000000u
#define LX_STATX_ATTR_MOUNT_ROOT 0x2000u

#endif
