/* statfs.h: what statfs(2) returns, the magic numbers of file systems, and mount(2)'s flags. */
#ifndef COMMON_LX_STATFS_H
#define COMMON_LX_STATFS_H

#include "common/base.h"

struct lx_statfs {
	int64_t f_type, f_bsize;
	uint64_t f_blocks, f_bfree, f_bavail, f_files, f_ffree;
	int32_t f_fsid[2];
	int64_t f_namelen, f_frsize, f_flags, f_spare[4];
};
_Static_assert(sizeof(struct lx_statfs) == 120, "struct statfs of arm64");

#define LX_OVERLAYFS_SUPER_MAGIC 0x794c7630u
#define LX_TMPFS_MAGIC           0x01021994u
#define LX_PROC_SUPER_MAGIC      0x9fa0u
#define LX_SYSFS_MAGIC           0x62656572u
#define LX_DEVPTS_SUPER_MAGIC    0x1cd1u
#define LX_PIPEFS_MAGIC          0x50495045u
#define LX_SOCKFS_MAGIC          0x534f434bu
#define LX_ANON_INODE_FS_MAGIC   0x09041934u

/* f_flags, statfs(2) */
#define LX_ST_RDONLY     0x0001
#define LX_ST_NOSUID     0x0002
#define LX_ST_NODEV      0x0004
#define LX_ST_NOEXEC     0x0008
#define LX_ST_VALID      0x0020
#define LX_ST_NOATIME    0x0400
#define LX_ST_NODIRATIME 0x0800
#define LX_ST_RELATIME   0x1000

/* mount(2) */
#define LX_MS_RDONLY      1ul
#define LX_MS_NOSUID      2ul
#define LX_MS_NODEV       4ul
#define LX_MS_NOEXEC      8ul
#define LX_MS_SYNCHRONOUS 16ul
#define LX_MS_REMOUNT     32ul
#define LX_MS_MANDLOCK    64ul
#define LX_MS_DIRSYNC     128ul
#define LX_MS_NOSYMFOLLOW 256ul
#define LX_MS_NOATIME     1024ul
#define LX_MS_NODIRATIME  2048ul
#define LX_MS_BIND        4096ul
#define LX_MS_MOVE        8192ul
#define LX_MS_REC         16384ul
#define LX_MS_SILENT      32768ul
#define LX_MS_UNBINDABLE  (1ul << 17)
#define LX_MS_PRIVATE     (1ul << 18)
#define LX_MS_SLAVE       (1ul << 19)
#define LX_MS_SHARED      (1ul << 20)
#define LX_MS_RELATIME    (1ul << 21)
#define LX_MS_STRICTATIME (1ul << 24)
#define LX_MS_LAZYTIME    (1ul << 25)
#define LX_MS_MGC_VAL     0xc0ed0000ul
#define LX_MS_MGC_MSK     0xffff0000ul

#define LX_MNT_FORCE       1
#define LX_MNT_DETACH      2
#define LX_MNT_EXPIRE      4
#define LX_UMOUNT_NOFOLLOW 8

#endif
