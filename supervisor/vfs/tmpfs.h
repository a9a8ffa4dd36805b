/*
 * tmpfs.h: the inside of tmpfs: fs_tmp.c (names and attributes), tmp_file.c (contents, memfd,
 * seals), tmp_xattr.c (extended attributes).
 */
#ifndef SUPERVISOR_VFS_TMPFS_H
#define SUPERVISOR_VFS_TMPFS_H

#include "supervisor/vfs/file.h"

struct tmp_sb {
	pthread_mutex_t lock; /* all entries; the counts; above inode.lock */
	uint64_t max_bytes, bytes;   /* max 0: none */
	uint64_t max_inodes, inodes; /* max 0: none */
};

extern const struct inode_ops tmp_file_inode_ops;
extern const struct file_ops tmp_file_ops;

int tmp_inode_new(struct superblock *sb, uint32_t mode, uint32_t uid, uint32_t gid, struct inode **out)
	MUST_CHECK;
int tmp_setattr(struct inode *inode, uint32_t mask, const struct vfs_attr *attr, struct file *file);

/* tmp_file.c: a regular file's part of its inode. */
int tmp_file_init(struct inode *inode) MUST_CHECK;
void tmp_file_release(struct inode *inode);
int tmp_file_truncate(struct inode *inode, uint64_t size) MUST_CHECK;
int tmp_file_getattr(struct inode *inode, struct vfs_attr *out);

/* tmp_xattr.c */
int64_t tmp_getxattr(struct inode *inode, const char *name, void *value, size_t size);
int tmp_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags);
int64_t tmp_listxattr(struct inode *inode, char *list, size_t size);
int tmp_removexattr(struct inode *inode, const char *name);
void tmp_xattrs_free(struct inode *inode);

#endif
