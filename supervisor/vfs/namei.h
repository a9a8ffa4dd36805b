/*
 * namei.h: changes of the tree beyond those that vfs.h offers to all.
 */
#ifndef SUPERVISOR_VFS_NAMEI_H
#define SUPERVISOR_VFS_NAMEI_H

#include "supervisor/vfs/vfs.h"

int vfs_rmdir(struct task *t, int dirfd, const char *name) MUST_CHECK;
int vfs_symlink(struct task *t, const char *target, int dirfd, const char *name) MUST_CHECK;
int vfs_link(struct task *t, const struct path *from, int dirfd, const char *name) MUST_CHECK;
int vfs_rename(struct task *t, int fromfd, const char *from, int tofd, const char *to,
               uint32_t flags) MUST_CHECK;
/* The caller has checked that the object may be written to. */
int vfs_truncate(struct task *t, const struct path *p, uint64_t size, struct file *file) MUST_CHECK;
/* Before a write: takes set-user-ID and set-group-ID away. */
void vfs_strip_setid(struct task *t, struct file *f);

#endif
